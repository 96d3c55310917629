//! Settings, exporting with options, shortcuts, transcripts of other programs, and how the window is left and found
//! again.

use std::fs;

use eframe::egui::{Key, Modifiers, Role, ViewportCommand, ViewportEvent, ViewportId, accesskit::Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hansard::paths::AppPaths;
use hansard::settings::{DeviceChoice, Settings, TaskChoice, Theme, WindowState};
use hansard::ui::{Answer, Open, Question};

use super::library::{DEMO_LABEL, click_row, row, transcribed};
use super::{DEMO_NAME, SAID, Window, demo, meeting, opened, shows, transcript};

#[test]
fn settings_are_kept_as_soon_as_they_are_made() {
    let mut window = Window::open(Open::default(), vec![]);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    window.harness.run_ok();
    for button in ["Device: Processor", "Text: English translation", "Colours: Dark", "Size of everything: 125 %"] {
        press(&mut window, Role::Button, button);
    }
    press(&mut window, Role::CheckBox, "Work offline");
    type_into(&mut window, "Language", "DE");
    type_into(&mut window, "Results on disk, GB", "20");
    assert_eq!(window.harness.ctx.zoom_factor().to_bits(), 1.25_f32.to_bits());
    window.click("Close the settings");
    assert!(window.harness.query_by_label("Close the settings").is_none());

    let paths = AppPaths::below(window.folder.path());
    // The engine ends with the window, and keeps what it was told first.
    let Window { harness, folder, .. } = window;
    drop(harness);
    let (settings, warning) = Settings::load(&paths.settings_file());
    assert_eq!(warning, None);
    assert_eq!((settings.theme, settings.look.text_scale_percent), (Theme::Dark, 125));
    assert_eq!((settings.jobs.device, settings.jobs.task), (DeviceChoice::Processor, TaskChoice::Translate));
    assert_eq!((settings.jobs.language.as_deref(), settings.models.results.budget_gb), (Some("de"), Some(20)));
    assert!(settings.models.offline);
    drop(folder);
}

#[test]
fn the_window_speaks_another_language_at_once() {
    let mut window = Window::open(opened(meeting()), vec![]);
    window.click_button("Settings");
    let (english, german) = ("Language of the window", "Sprache des Fensters");
    for (name, language, new_name, close) in [
        (english, "Deutsch", german, "Einstellungen schließen"),
        (german, "English", english, "Close the settings"),
        (english, "Deutsch", german, "Einstellungen schließen"),
    ] {
        press(&mut window, Role::ComboBox, name);
        press(&mut window, Role::Button, language);
        assert!(window.harness.query_by_label(close).is_some(), "{language}");
        let choice = window.harness.get_by_role_and_label(Role::ComboBox, new_name).value();
        assert_eq!(choice.as_deref(), Some(language));
    }
    let paths = AppPaths::below(window.folder.path());
    let Window { harness, folder, .. } = window;
    drop(harness);
    let (settings, _) = Settings::load(&paths.settings_file());
    assert_eq!(settings.window_language.as_deref(), Some("de"));
    drop(folder);
}

#[test]
fn what_is_wrong_is_refused_beside_its_field() {
    let mut window = Window::open(Open::default(), vec![]);
    window.click_button("Settings");
    for (typed, is_refused) in [("german", true), ("de", false)] {
        type_into(&mut window, "Language", typed);
        assert_eq!(shows(&window.harness, "Type a code of two or three letters"), is_refused, "{typed}");
        let field = window.harness.get_by_role_and_label(Role::TextInput, "Language");
        assert_eq!(field.value().as_deref(), Some(typed), "what is wrong can be corrected");
    }
    // Escape forgets what is being typed, and only then leaves the page.
    window.harness.get_by_role_and_label(Role::TextInput, "Search width").focus();
    window.harness.run_ok();
    window.harness.get_by_role_and_label(Role::TextInput, "Search width").type_text("x");
    window.harness.run_ok();
    assert!(shows(&window.harness, "whole number from 1 to 16"));
    for is_there in [true, false] {
        window.harness.key_press(Key::Escape);
        window.harness.run_ok();
        assert!(!shows(&window.harness, "whole number from 1 to 16"));
        assert_eq!(window.harness.query_by_label("Close the settings").is_some(), is_there);
    }
}

#[test]
fn what_is_being_typed_is_kept_when_the_window_closes() {
    let mut window = Window::open(Open::default(), vec![]);
    window.click_button("Settings");
    window.harness.get_by_role_and_label(Role::TextInput, "Language").focus();
    window.harness.run_ok();
    window.harness.get_by_role_and_label(Role::TextInput, "Language").type_text("de");
    window.harness.run_ok();
    let paths = AppPaths::below(window.folder.path());
    let Window { harness, folder, .. } = window;
    drop(harness);
    let (settings, _) = Settings::load(&paths.settings_file());
    assert_eq!(settings.jobs.language.as_deref(), Some("de"));
    drop(folder);
}

#[test]
fn the_folder_of_models_can_be_chosen() {
    let mut window = Window::open(Open::default(), vec![]);
    let chosen = window.folder.path().join("models");
    window.script(Answer::Open(vec![chosen.clone()]));
    window.click_button("Settings");
    press(&mut window, Role::Button, "Choose the folder of models and results");
    window.wait_for("the answer", |harness| shows(harness, "when Hansard is started again"));
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Folder of models and results");
    assert_eq!(field.value(), Some(chosen.display().to_string()));
    let asked = window.asked.lock().expect("no thread panicked while it asked").clone();
    assert_eq!(asked, [Question::OpenCacheFolder]);
}

#[test]
fn the_settings_fit_into_the_smallest_window() {
    let mut window = Window::open(opened(meeting()), vec![]);
    window.harness.set_size(eframe::egui::vec2(640.0, 480.0));
    window.harness.run_ok();
    for keys in [(Modifiers::COMMAND, Key::Comma), (Modifiers::COMMAND | Modifiers::SHIFT, Key::E)] {
        window.harness.key_press_modifiers(keys.0, keys.1);
        window.harness.run_ok();
        for role in [Role::Button, Role::CheckBox, Role::TextInput] {
            for node in window.harness.query_all_by_role(role) {
                let rect = node.rect();
                // What is further down is scrolled to.
                let is_inside = (0.0..=640.0).contains(&rect.left()) && (0.0..=640.0).contains(&rect.right());
                assert!(is_inside, "{:?} at {rect:?}", node.accesskit_node().label());
            }
        }
    }
}

#[test]
fn shortcuts_are_listed_unless_somebody_types() {
    let mut window = Window::open(opened(meeting()), vec![]);
    for key in [Key::F1, Key::Questionmark] {
        window.harness.key_press(key);
        window.harness.run_ok();
        assert!(shows(&window.harness, "Keyboard shortcuts"), "{key:?}");
        press(&mut window, Role::Button, "Close the shortcuts");
        assert!(!shows(&window.harness, "Keyboard shortcuts"), "{key:?}");
    }
    window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::Questionmark);
    window.harness.run_ok();
    assert!(!shows(&window.harness, "Keyboard shortcuts"));
}

#[test]
fn a_transcript_is_exported_as_it_was_chosen() {
    let mut said = meeting();
    said.segments[2].words.clear();
    let mut window = Window::open(opened(said), vec![]);
    let target = window.folder.path().join("minutes.srt");
    window.script(Answer::Save(target.clone()));
    window.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    window.harness.run_ok();
    press(&mut window, Role::Button, "Format: SubRip subtitles (.srt)");
    press(&mut window, Role::CheckBox, "Speaker names");
    press(&mut window, Role::Button, "Save the transcript as a file");
    window.wait_for("the export", |harness| shows(harness, "Saved as "));
    let text = fs::read_to_string(&target).expect("the file that was just reported");
    assert!(text.contains("-->") && text.contains("Good morning.") && !text.contains("Nora"), "{text}");
}

#[test]
fn a_transcript_of_another_program_is_read_beside_its_recording() {
    let mut window = Window::open(Open::default(), vec![]);
    let [recording, subtitles] = ["talk.flac", "talk.srt"].map(|name| window.folder.path().join(name));
    fs::copy(demo(), &recording).expect("a writable folder");
    fs::write(&subtitles, "1\n00:00:01,000 --> 00:00:02,500\nRead elsewhere.\n").expect("a writable folder");
    window.drop_file(&subtitles);
    window.wait_for("the transcript", |harness| shows(harness, "Read elsewhere."));
    let is_named = window.harness.query_all_by_label("talk.flac").next().is_some();
    assert!(is_named, "it is that of the recording");
    fs::write(&subtitles, "no subtitles").expect("a writable folder");
    window.drop_file(&subtitles);
    window.wait_for("the reason", |harness| harness.query_all_by_label_contains("Dismiss: ").count() == 1);
}

#[test]
fn quitting_is_asked_about_only_while_something_is_being_done() {
    let mut window = Window::open(opened(transcript(3)), vec![]);
    assert!(!close(&mut window).contains(&ViewportCommand::CancelClose), "nothing would be lost");
    let second = window.folder.path().join("second.flac");
    fs::copy(demo(), &second).expect("a writable folder");
    for file in [demo(), second] {
        window.drop_file(&file);
    }
    assert!(close(&mut window).contains(&ViewportCommand::CancelClose));
    window.harness.run_ok();
    window.click("Keep running");
    assert!(window.harness.query_by_label("Keep running").is_none());
    assert!(close(&mut window).contains(&ViewportCommand::CancelClose), "it is asked again");
    window.harness.run_ok();
    window.harness.get_by_label("Quit").click();
    window.harness.run_ok();
    assert!(!close(&mut window).contains(&ViewportCommand::CancelClose), "the user agreed");
}

#[test]
fn a_window_opens_as_it_was_left() {
    let mut window = transcribed().restart();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the transcript", |harness| shows(harness, SAID));
    window.click_button("Library");
    let paths = AppPaths::below(window.folder.path());
    let Window { harness, folder, .. } = window;
    drop(harness);

    let left = WindowState::load(&paths.window_file());
    assert_eq!((left.size, left.shows_library), (Some((1280.0, 800.0)), Some(false)));
    let settings = Settings { theme: Theme::Light, ..Settings::default() };
    let mut window = Window::open_as_left(folder, Open::default(), vec![], (settings, left));
    window.wait_for("the meeting", |harness| harness.query_by_label(DEMO_NAME).is_some() && shows(harness, SAID));
    let library = window.harness.get_by_role_and_label(Role::Button, "Library").accesskit_node().toggled();
    assert_eq!(library, Some(Toggled::False));
}

/// Uses a button that may have to be scrolled to.
fn press(window: &mut Window, role: Role, name: &str) {
    window.harness.get_by_role_and_label(role, name).click_accesskit();
    window.harness.run_ok();
}

/// Replaces what stands in a field and leaves it.
fn type_into(window: &mut Window, name: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::TextInput, name).set_text_value_accesskit(text);
    window.harness.run_ok();
}

/// Closes the window, and returns what it has to say to that.
fn close(window: &mut Window) -> Vec<ViewportCommand> {
    let root = window.harness.input_mut().viewports.get_mut(&ViewportId::ROOT).expect("there is a window");
    root.events.push(ViewportEvent::Close);
    window.harness.step();
    window.harness.output().viewport_output[&ViewportId::ROOT].commands.clone()
}
