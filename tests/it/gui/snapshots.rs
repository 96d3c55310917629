//! What a screen reader meets on each page and panel, in outlines that are kept beside this file: every node with its
//! role, its name and its state. `INSTA_UPDATE=always` writes them anew; what changed is to be read then.
//!
//! Left out is what differs from machine to machine and from day to day: paths, sizes, days, speeds.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use eframe::egui::accesskit::{Live, Toggled};
use eframe::egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{AccessKitNode, NodeT as _, Queryable as _};
use hansard::engine::recording::RecordSource;
use hansard::library::{FoundFile, Library};
use hansard::paths::AppPaths;
use hansard::ui::{App, Open};
use regex::Regex;

use super::library::row;
use super::{LOOK_INTERVAL, PATIENCE, Window, demo, has_demo_model, meeting, opened, shows};

/// So often nothing may have changed before an outline counts.
const N_QUIET_LOOKS: usize = 5;

/// What is left out, and what stands in its place.
const LEFT_OUT: [(&str, &str); 6] = [
    (r"\d{4}-\d\d-\d\d", "[day]"),
    (r"\d+(\.\d+)? (B|kB|MB|GB|TB)\b", "[size]"),
    (r"CPU, \d+ threads?", "CPU, [threads]"),
    // How many are in memory by now depends on who was faster.
    (r#"Label "(no model in memory|\d+ models?, \[size\])""#, r#"Label "[models]""#),
    (r"takes about [^(]* on this machine", "takes about [time] on this machine"),
    (r"\(os error \d+\)", "(os error)"),
];

#[test]
fn the_first_page() {
    let mut window = opened_window(Open::default());
    check(&mut window, "welcome");
    window.click("Theme");
    check(&mut window, "theme_menu");
}

#[test]
fn the_library() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill_library(folder.path());
    let mut window = Window::open_in(folder, Open::default(), vec![]);
    window.wait_for("the library", |harness| row(harness, "monday").is_some());
    check(&mut window, "library");
    window.click("Menu of monday");
    check(&mut window, "library_row_menu");
    window.click("Tags and note…");
    check(&mut window, "library_tags");
    window.click("Cancel");
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Search all transcripts");
    field.set_text_value_accesskit("shall");
    window.wait_for("the passage", |harness| shows(harness, "1 passage"));
    check(&mut window, "library_found");
}

#[test]
fn an_open_meeting() {
    let mut window = open_meeting();
    check(&mut window, "transcript");
    window.click("Review");
    check(&mut window, "review_menu");
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.click("Merge SPEAKER_01 into…");
    check(&mut window, "merge_menu");
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.click("Export…");
    check(&mut window, "export_menu");
}

#[test]
fn finding_and_changing_words() {
    let mut window = open_meeting();
    press(&mut window, Modifiers::COMMAND, Key::H);
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Find in this transcript");
    field.set_text_value_accesskit("shall");
    window.harness.run_ok();
    check(&mut window, "find_and_replace");
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.harness.get_by_label("Hello.").click();
    window.harness.run_ok();
    press(&mut window, Modifiers::NONE, Key::F2);
    check(&mut window, "changing_a_segment");
}

#[test]
fn what_is_known_of_a_recording() {
    let mut window = open_meeting();
    window.click("Details");
    window.wait_for("what is known", |harness| shows(harness, "Words: "));
    check(&mut window, "details");
}

#[test]
fn the_page_for_exporting() {
    let mut window = open_meeting();
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    check(&mut window, "export");
    window.harness.get_by_label("Format: SubRip subtitles (.srt)").click_accesskit();
    window.harness.run_ok();
    check(&mut window, "export_subtitles");
}

#[test]
fn the_settings() {
    let mut window = opened_window(Open::default());
    press(&mut window, Modifiers::COMMAND, Key::Comma);
    check(&mut window, "settings");
}

#[test]
fn the_models() {
    let mut window = opened_window(Open::default());
    window.click_button("Models");
    window.wait_for("the list of models", has_demo_model);
    check(&mut window, "models");
    window.click("In memory and on disk");
    check(&mut window, "models_kept");
    window.click("Results");
    window.wait_for("the table", |harness| harness.query_all_by_role(Role::Row).next().is_some());
    check(&mut window, "results");
}

#[test]
fn the_page_for_recording() {
    let record_source = Some(RecordSource::File { path: demo(), speed: 1.0 });
    let mut window = opened_window(Open { record_source, ..Open::default() });
    window.click("Record a meeting");
    // They are asked for in the frame after the page was opened.
    window.harness.run_steps(2);
    window.wait_for("the models of captions", |harness| !shows(harness, "Loading the models"));
    check(&mut window, "record");
}

#[test]
fn the_sheet_of_shortcuts() {
    let mut window = opened_window(Open::default());
    press(&mut window, Modifiers::NONE, Key::F1);
    check(&mut window, "shortcuts");
}

#[test]
fn what_went_wrong() {
    let mut window = Window::open(Open::default(), vec![]);
    window.drop_file(&window.folder.path().join("missing.wav"));
    window.wait_for("the failure", |harness| harness.query_by_label("Failed").is_some());
    check(&mut window, "failure");
    window.harness.get_by_label_contains("Dismiss: ").click();
    window.harness.run_ok();
    window.click("1 message");
    check(&mut window, "messages");
}

/// A window whose library has answered; there is nothing in it.
fn opened_window(open: Open) -> Window {
    let mut window = Window::open(open, vec![]);
    let is_there =
        |harness: &Harness<'_, App>| shows(harness, "are listed here") || shows(harness, "Try the demo meeting");
    window.wait_for("the library or the first page", is_there);
    window
}

/// A meeting with all that can be known of speakers, beside a recording that can be heard.
fn open_meeting() -> Window {
    let mut window = opened_window(Open { recording: Some(demo()), ..opened(meeting()) });
    let is_ready = |harness: &Harness<'_, App>| {
        harness.query_by_label("Play").is_some_and(|button| !button.accesskit_node().is_disabled())
    };
    window.wait_for("the player", is_ready);
    window
}

/// Two recordings of which one was transcribed.
fn fill_library(root: &Path) {
    let data_dir = AppPaths::below(root).data_dir;
    fs::create_dir_all(&data_dir).expect("a writable folder");
    let (mut library, _) = Library::open(&data_dir.join("library.db")).expect("a writable folder");
    let file = |name: &str, n_days: i64| FoundFile {
        path: root.join("recordings").join(name),
        n_bytes: 1_000_000,
        modified_ns: n_days * 86_400 * 1_000_000_000,
        ..FoundFile::default()
    };
    let files = [file("monday.wav", 20_000), file("tuesday.wav", 20_001)];
    let added = library.add(&files, &mut |_| None).expect("a writable library");
    library.keep_transcript(added.new[0], &meeting(), "small").expect("a writable library");
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run_ok();
}

/// Compares what is shown with the outline of this name, as soon as nothing changes any more.
fn check(window: &mut Window, name: &str) {
    // What is said beside the pointer is no part of the page.
    window.harness.remove_cursor();
    let deadline = Instant::now() + PATIENCE;
    let (mut text, mut n_quiet) = (String::new(), 0);
    while n_quiet < N_QUIET_LOOKS {
        window.harness.run_ok();
        let now = outline(window);
        n_quiet = if now == text { n_quiet + 1 } else { 0 };
        assert!(Instant::now() < deadline, "{name} does not come to rest:\n{text}\n\n{now}");
        text = now;
        window.woken.recv_timeout(LOOK_INTERVAL).ok();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Everything that is shown, a line for each node, indented by what it is in.
fn outline(window: &Window) -> String {
    let mut text = String::new();
    add(&mut text, window.harness.root().accesskit_node(), 0);
    for (path, name) in [(window.folder.path(), "[folder]"), (Path::new(env!("CARGO_MANIFEST_DIR")), "[repository]")] {
        text = text.replace(&path.display().to_string(), name);
    }
    let compiled = LEFT_OUT.map(|(pattern, replacement)| (Regex::new(pattern).expect("a right pattern"), replacement));
    for (pattern, replacement) in &compiled {
        text = pattern.replace_all(&text, *replacement).into_owned();
    }
    text
}

fn add(text: &mut String, node: AccessKitNode<'_>, depth: usize) {
    // The lines of a text as they are broken, which the text itself says, too.
    if node.role() == Role::TextRun || node.is_hidden() {
        return;
    }
    let mut inner_depth = depth;
    if let Some(line) = line_of(&node) {
        writeln!(text, "{:width$}{line}", "", width = 2 * depth).expect("a string takes all that is written");
        inner_depth += 1;
    }
    for child in node.children() {
        add(text, child, inner_depth);
    }
}

/// `Button "Speakers" on`; nothing for what only holds others together.
fn line_of(node: &AccessKitNode<'_>) -> Option<String> {
    let (name, value) = (node.label(), node.value());
    if node.role() == Role::GenericContainer && name.is_none() && value.is_none() {
        return None;
    }
    let mut line = format!("{:?}", node.role());
    let mut say = |words: &str| {
        line.push(' ');
        line.push_str(words);
    };
    match (name, value) {
        (Some(name), Some(value)) => say(&format!("{name:?} = {value:?}")),
        (Some(text), None) | (None, Some(text)) => say(&format!("{text:?}")),
        (None, None) => {}
    }
    if let Some(number) = node.numeric_value().filter(|_| matches!(node.role(), Role::Slider | Role::SpinButton)) {
        say(&format!("at {number:.2}"));
    }
    if let Some(hint) = node.placeholder() {
        say(&format!("hint {hint:?}"));
    }
    if let Some(description) = node.description() {
        say(&format!("described as {description:?}"));
    }
    match node.toggled() {
        Some(Toggled::True) => say("on"),
        Some(Toggled::False) => say("off"),
        Some(Toggled::Mixed) => say("neither on nor off"),
        None => {}
    }
    match node.data().live() {
        Some(Live::Polite) => say("spoken when it changes"),
        Some(Live::Assertive) => say("spoken at once"),
        Some(Live::Off) | None => {}
    }
    for (holds, words) in [
        (node.data().is_expanded() == Some(true), "open"),
        (node.data().is_expanded() == Some(false), "closed"),
        (node.is_selected() == Some(true), "selected"),
        (node.is_disabled(), "disabled"),
        (node.is_focused(), "focused"),
    ] {
        if holds {
            say(words);
        }
    }
    Some(line)
}
