//! The library in the window: what is kept from one start to the next, found again, and removed.

use std::fs;

use eframe::egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hansard::ui::{Answer, App, Open, Question};

use super::{DEMO_NAME, SAID, Window, demo, shows};

/// What the library calls the demo meeting.
pub(super) const DEMO_LABEL: &str = "demo_1min_2spk";

#[test]
fn a_recording_is_listed_opened_and_searched_after_a_restart() {
    let mut window = transcribed().restart();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the transcript", |harness| shows(harness, SAID));
    assert!(window.harness.query_by_label("Done").is_none(), "no job was needed");
    assert_eq!(window.harness.query_all_by_label_contains("Name of ").count(), 2);

    let mut window = window.restart();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    search(&mut window, "good everyone");
    window.wait_for("the passage", |harness| hit(harness).is_some());
    assert!(shows(&window.harness, " passage"));
    assert!(row(&window.harness, DEMO_LABEL).is_none(), "passages take the place of the list");
    let name = hit(&window.harness).expect("it was just there");
    window.click(&name);
    window.wait_for("the transcript", |harness| harness.query_by_label(DEMO_NAME).is_some());
    assert_eq!(window.harness.query_all_by_label_contains("Name of ").count(), 2);
    window.click("Clear the search");
    assert!(row(&window.harness, DEMO_LABEL).is_some());
    search(&mut window, "zebra");
    window.wait_for("an answer", |harness| shows(harness, "Nothing was found."));
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();
    assert!(row(&window.harness, DEMO_LABEL).is_some(), "Escape ends the search");
    window.click_button("Settings");
    search(&mut window, "zebra");
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();
    assert!(row(&window.harness, DEMO_LABEL).is_some());
    assert!(window.harness.query_by_label("Close the settings").is_some(), "and nothing else");
}

#[test]
fn a_name_that_was_given_stays_after_a_restart_and_after_the_same_job() {
    let mut window = transcribed();
    name_speaker(&mut window, "SPEAKER_00", "Eleonora");
    window.wait_for("the name in the list", |harness| row(harness, "Eleonora").is_some());
    let mut window = window.restart();
    window.wait_for("the library", |harness| row(harness, "Eleonora").is_some());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the speaker", |harness| harness.query_by_label("Speaker Eleonora").is_some());
    name_speaker(&mut window, "SPEAKER_01", "Bartholomew");
    window.wait_for("the other name", |harness| row(harness, "Bartholomew").is_some());

    // The job gives what it gave before, so the changes are those to its transcript.
    let mut window = window.restart();
    window.click("Try the demo meeting");
    for name in ["Speaker Eleonora", "Speaker Bartholomew"] {
        window.wait_for(name, |harness| harness.query_by_label(name).is_some());
    }
}

#[test]
fn an_earlier_version_is_restored_and_taken_back() {
    let mut window = transcribed();
    name_speaker(&mut window, "SPEAKER_00", "Eleonora");
    window.wait_for("the name in the list", |harness| row(harness, "Eleonora").is_some());
    let mut window = window.restart();
    window.wait_for("the library", |harness| row(harness, "Eleonora").is_some());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the speaker", |harness| harness.query_by_label("Speaker Eleonora").is_some());
    window.click("Review");
    window.click("Earlier versions…");
    window.wait_for("the versions", |harness| shows(harness, ": as transcribed, "));
    window.harness.get_by_label_contains("Restore ").click();
    window.wait_for("the version", |harness| {
        let is_closed = harness.query_by_label("Earlier versions").is_none();
        is_closed && harness.query_by_label("Speaker Eleonora").is_none()
    });
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.wait_for("what was there", |harness| harness.query_by_label("Speaker Eleonora").is_some());
}

#[test]
fn a_recording_that_waits_is_had_next() {
    let mut window = Window::open(Open::default(), vec![]);
    let others = ["second.flac", "third.flac"].map(|name| window.folder.path().join(name));
    for other in &others {
        fs::copy(demo(), other).expect("a writable folder");
    }
    window.script(Answer::Open(others.to_vec()));
    window.click("Try the demo meeting");
    window.click("Open recording…");
    window.harness.get_by_label("Do third.flac next").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::Enter);
    window.wait_for("the answer", |harness| shows(harness, "third.flac comes next"));
    assert!(window.harness.query_by_label("Do third.flac next").is_none(), "it is next already");
    assert!(window.harness.query_by_label("Do second.flac next").is_some());
    window.wait_for("the end", |harness| harness.query_all_by_label("Done").count() == 3);
}

#[test]
fn a_recording_gets_tags_and_a_note_and_is_removed() {
    let mut window = transcribed();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    let menu = format!("Menu of {DEMO_LABEL}");
    window.click(&menu);
    window.click("Tags and note…");
    let tags = window.harness.get_by_role_and_label(Role::TextInput, "Tags, with commas between them");
    assert!(tags.is_focused(), "typing can begin at once");
    tags.type_text("board, budget");
    window.harness.run_ok();
    window.click("Save");
    window.wait_for("the tags", |harness| row(harness, "#board · #budget").is_some());
    search(&mut window, "budget");
    window.wait_for("the recording by its tag", |harness| row(harness, "#budget").is_some());
    window.click("Clear the search");

    for (button, is_there) in [("Keep", true), ("Remove", false)] {
        window.click(&menu);
        window.click("Remove from the library…");
        window.click(button);
        window.wait_for(button, |harness| row(harness, DEMO_LABEL).is_some() == is_there);
    }
    assert!(demo().exists(), "the file itself stays");
    assert!(shows(&window.harness, SAID), "and so does what is shown");
}

#[test]
fn a_watched_folder_is_listed_and_left_alone_again() {
    let mut window = Window::open(Open::default(), vec![]);
    let folder = window.folder.path().join("meetings");
    fs::create_dir(&folder).expect("a writable folder");
    fs::copy(demo(), folder.join("monday.flac")).expect("a writable folder");
    window.script(Answer::Open(vec![folder.clone()]));
    window.click_button("Library");
    window.click("Watched folders");
    assert!(shows(&window.harness, "No folder is watched."));
    window.click("Watch a folder…");
    window.wait_for("the recording", |harness| row(harness, "monday, New").is_some());
    let asked = window.asked.lock().expect("no thread panicked while it asked").clone();
    assert_eq!(asked, [Question::OpenFolders]);
    fs::copy(demo(), folder.join("tuesday.flac")).expect("a writable folder");
    window.wait_for("the one that came later", |harness| row(harness, "tuesday, New").is_some());

    click_row(&mut window, "monday");
    window.wait_for("its page", |harness| shows(harness, "This recording has not been transcribed yet."));
    window.click_button("Transcribe");
    window.wait_for("the end of the job", |harness| harness.query_by_label("Done").is_some());
    window.click("Watched folders");
    window.click(&format!("Stop watching {}", folder.display()));
    window.wait_for("the answer", |harness| shows(harness, "is left alone"));
    assert!(row(&window.harness, "monday").is_some(), "what was found stays listed");
}

#[test]
fn results_are_counted_and_cleared() {
    let mut window = transcribed();
    window.click_button("Models");
    window.click("Results");
    window.wait_for("the table", has_texts);
    assert_eq!(window.harness.query_all_by_role(Role::Image).count(), 2, "plots of hits and of time saved");
    window.click("Clear all results");
    window.click("Clear");
    window.wait_for("an empty table", |harness| !has_texts(harness));
}

/// A window in which the demo meeting was transcribed.
pub(super) fn transcribed() -> Window {
    let mut window = Window::open(Open::default(), vec![]);
    window.click("Try the demo meeting");
    window.wait_for("the end of the job", |harness| harness.query_by_label("Done").is_some());
    window
}

fn name_speaker(window: &mut Window, label: &str, name: &str) {
    let field = format!("Name of {label}");
    window.harness.get_by_role_and_label(Role::TextInput, &field).set_text_value_accesskit(name);
    window.harness.run_ok();
}

fn search(window: &mut Window, words: &str) {
    window.harness.get_by_role_and_label(Role::TextInput, "Search all transcripts").focus();
    window.harness.run_ok();
    window.harness.get_by_role_and_label(Role::TextInput, "Search all transcripts").type_text(words);
    window.harness.run_ok();
}

pub(super) fn click_row(window: &mut Window, words: &str) {
    let name = row(&window.harness, words).expect("the caller waited for it");
    window.click(&name);
}

/// The name of the first row of the library with these words in it.
pub(super) fn row(harness: &Harness<'_, App>, words: &str) -> Option<String> {
    buttons(harness).into_iter().find(|name| is_row(name) && name.contains(words))
}

/// The name of the first passage in which the demo meeting begins.
fn hit(harness: &Harness<'_, App>) -> Option<String> {
    buttons(harness).into_iter().find(|name| name.contains(" at ") && name.contains(SAID))
}

fn buttons(harness: &Harness<'_, App>) -> Vec<String> {
    harness.query_all_by_role(Role::Button).filter_map(|node| node.accesskit_node().label()).collect()
}

/// Whether the table of results has any texts in it.
fn has_texts(harness: &Harness<'_, App>) -> bool {
    let mut rows = harness.query_all_by_role(Role::Row).filter_map(|node| node.accesskit_node().label());
    rows.any(|row| row.starts_with("Text: ") && !row.starts_with("Text: 0 results"))
}

/// Rows tell the day of the recording.
fn is_row(name: &str) -> bool {
    name.contains(", ") && name.contains("20") && name.contains(" · ") && !name.contains(" at ")
}
