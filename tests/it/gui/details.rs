//! The panel at the right: its tabs, talk time as a chart, and all that is known of a recording, by accessible names.

use eframe::egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hansard::paths::AppPaths;
use hansard::settings::{Settings, SideTab, Theme, WindowState};
use hansard::ui::{App, Open};

use super::library::{DEMO_LABEL, click_row, row, transcribed};
use super::{SAID, Window, demo, meeting, opened, shows, transcript};

#[test]
fn talk_time_is_a_chart_that_follows_changes() {
    let mut window = Window::open(opened(meeting()), vec![]);
    for bar in ["Nora: 1:30, 75 %", "SPEAKER_01: 0:30, 25 %"] {
        assert!(window.harness.query_by_role_and_label(Role::Image, bar).is_some(), "{bar}");
    }
    window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").set_text_value_accesskit("Brian");
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Brian: 0:30, 25 %").is_some());
    window.click("Merge Brian into…");
    window.click("Merge Brian into Nora");
    assert!(window.harness.query_by_label("Nora: 2:00, 100 %").is_some());
    assert!(window.harness.query_by_label("Brian: 0:30, 25 %").is_none());
}

#[test]
fn each_tab_shows_its_own_and_the_chosen_one_comes_back() {
    let mut window = Window::open(opened(meeting()), vec![]);
    assert_eq!(chosen(&window.harness), ["Speakers"]);
    for (tab, widget) in [
        ("Export", "Save the transcript as a file"),
        ("Details", "Copy details"),
        ("Speakers", "Speaker Nora"),
        ("Details", "Copy details"),
    ] {
        choose(&mut window, tab);
        assert_eq!(chosen(&window.harness), [tab]);
        for other in ["Save the transcript as a file", "Copy details", "Speaker Nora"] {
            assert_eq!(window.harness.query_by_label(other).is_some(), other == widget, "{other} in {tab}");
        }
    }
    let paths = AppPaths::below(window.folder.path());
    // The engine ends with the window, and keeps what it was told first.
    let Window { harness, folder, .. } = window;
    drop(harness);
    let left = WindowState::load(&paths.window_file());
    assert_eq!((left.side_tab, left.shows_speakers), (SideTab::Details, Some(true)));
    let settings = Settings { theme: Theme::Light, ..Settings::default() };
    let mut window = Window::open_as_left(folder, opened(transcript(3)), vec![], (settings, left));
    assert!(window.harness.query_by_label("Copy details").is_some(), "also where nobody is told apart");
    window.click("Hide this panel");
    assert_eq!(chosen(&window.harness), [""; 0]);
    // The button in the bar leads to the speakers, whatever was shown.
    window.click_button("Speakers");
    assert_eq!(chosen(&window.harness), ["Speakers"]);
    assert!(shows(&window.harness, "Who speaks is known when"));
}

#[test]
fn the_details_of_the_demo_meeting_are_told_now_and_after_a_restart() {
    let mut window = transcribed();
    choose(&mut window, "Details");
    await_details(&mut window);
    let now = lines(&window.harness);
    for (label, expected) in [
        ("File", demo().display().to_string()),
        ("Size", "1 MB".to_owned()),
        ("Codec", "Free Lossless Audio Codec".to_owned()),
        ("Language", "en".to_owned()),
        ("Speakers", "2".to_owned()),
        ("Changes by hand", "0".to_owned()),
        ("Speech model", "demo, ".to_owned()),
        ("Aligner", "en, ".to_owned()),
        ("Segmentation", String::new()),
        ("Embeddings", String::new()),
        ("Device", "Processor".to_owned()),
        ("Precision", "8-bit integers".to_owned()),
        ("Search width", "1".to_owned()),
        ("Speakers asked for", "found out".to_owned()),
        ("Transcribing", String::new()),
        ("Whole job", String::new()),
        ("Real-time factor", String::new()),
        ("Known already", String::new()),
        ("Made by", "Hansard ".to_owned()),
        ("Hash of the sound", String::new()),
    ] {
        let start = format!("{label}: {expected}");
        assert!(now.iter().any(|line| line.starts_with(&start)), "no {start:?} in {now:#?}");
    }
    window.click("Copy details");
    assert!(shows(&window.harness, "Details copied"));

    let mut window = window.restart();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the transcript", |harness| shows(harness, SAID));
    choose(&mut window, "Details");
    await_details(&mut window);
    assert_eq!(lines(&window.harness), now, "nothing is lost");
}

#[test]
fn a_transcript_that_was_not_made_here_says_so() {
    let mut window = Window::open(opened(meeting()), vec![]);
    choose(&mut window, "Details");
    assert!(shows(&window.harness, "How this transcript was made is not known"));
    assert!(window.harness.query_by_label("Words: 4").is_some(), "text without times counts, too");
    let mut window = Window::open(Open::default(), vec![]);
    window.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    window.harness.run_ok();
    assert!(shows(&window.harness, "Open a recording first."));
}

/// Waits for what the library and the player know.
fn await_details(window: &mut Window) {
    let is_there = |harness: &Harness<'_, App>| shows(harness, "File now: the same") && shows(harness, "Codec: ");
    window.wait_for("all details", is_there);
}

/// Opens a tab of the panel.
fn choose(window: &mut Window, tab: &str) {
    window.harness.get_by_role_and_label(Role::Tab, tab).click();
    window.harness.run_ok();
}

/// The tabs that are chosen; none where the panel is hidden.
fn chosen(harness: &Harness<'_, App>) -> Vec<String> {
    let tabs = harness.query_all_by_role(Role::Tab).filter(|tab| tab.accesskit_node().is_selected() == Some(true));
    tabs.filter_map(|tab| tab.accesskit_node().label()).collect()
}

/// What the details say, line by line.
fn lines(harness: &Harness<'_, App>) -> Vec<String> {
    let labels = harness.query_all_by_role(Role::Label).filter_map(|node| node.value());
    let lines = labels.skip_while(|label| !label.starts_with("File: "));
    // What the job did not have to compute of each stage is told only in the window that saw it end.
    let lines = lines.filter(|line| line.contains(": ") && !line.starts_with("Known already of"));
    lines.take_while(|line| !line.starts_with("File now")).collect()
}
