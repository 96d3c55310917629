//! The centre of the window: reading, listening, correcting and looking for words, by accessible names and by keys.

use std::sync::Arc;

use eframe::egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hansard::transcript::{Segment, Speaker, Transcript, Turn, Word};
use hansard::ui::{App, Open};
use hansard::units::{Seconds, TimeSpan};

use super::library::{DEMO_LABEL, click_row, row, transcribed};
use super::{SAID, Window, demo, opened, shows, transcript};

#[test]
fn a_word_is_changed_taken_back_and_kept() {
    let mut window = transcribed();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    window.harness.get_by_label_contains(SAID).click();
    window.harness.run_ok();
    window.harness.key_press(Key::F2);
    window.harness.run_ok();
    let field = window.harness.get_by_label("Text of the segment");
    assert!(field.is_focused(), "typing can begin at once");
    field.type_text(" zebra");
    window.harness.run_ok();
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Text of the segment").is_none());
    for (modifiers, is_there) in [(None, true), (Some(Modifiers::NONE), false), (Some(Modifiers::SHIFT), true)] {
        if let Some(modifiers) = modifiers {
            window.harness.key_press_modifiers(Modifiers::COMMAND | modifiers, Key::Z);
            window.harness.run_ok();
        }
        assert_eq!(shows(&window.harness, " zebra"), is_there, "{modifiers:?}");
    }
    // What Escape leaves is not kept.
    type_after(&mut window, " zebra", " giraffe");
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();
    assert!(!shows(&window.harness, "giraffe"));

    // What is being typed is taken when another recording is opened, and when the window closes.
    type_after(&mut window, " zebra", " lion");
    let missing = window.folder.path().join("missing.wav");
    window.drop_file(&missing);
    window.wait_for("another recording", |harness| harness.query_by_label("Text of the segment").is_none());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the text as it was left", |harness| shows(harness, " lion"));
    type_after(&mut window, " lion", " tiger");
    let mut window = window.restart();
    window.wait_for("the library", |harness| row(harness, DEMO_LABEL).is_some());
    click_row(&mut window, DEMO_LABEL);
    window.wait_for("the text as it was changed", |harness| {
        [" zebra", " lion", " tiger"].into_iter().all(|word| shows(harness, word))
    });
}

#[test]
fn words_are_found_and_replaced_one_by_one_and_all_at_once() {
    let mut window = Window::open(opened(transcript(30)), vec![]);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::F);
    window.harness.run_ok();
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Find in this transcript");
    assert!(field.is_focused(), "typing can begin at once");
    field.type_text("sentence");
    window.harness.run_ok();
    assert!(shows(&window.harness, "Place 1 of 30"));
    for (name, expected) in [("Next place", 2), ("Next place", 3), ("Previous place", 2), ("Previous place", 1)] {
        window.click(name);
        assert!(shows(&window.harness, &format!("Place {expected} of 30")), "{name}");
    }
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::H);
    window.harness.run_ok();
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Replace with");
    field.set_text_value_accesskit("Item");
    window.harness.run_ok();
    window.click("Replace");
    assert!(shows(&window.harness, "Item number 1 ") && shows(&window.harness, "Sentence number 2 "));
    assert!(shows(&window.harness, "Place 1 of 29"));
    window.click("Replace all");
    assert!(shows(&window.harness, "Replaced in 29 places") && shows(&window.harness, "Nothing found"));
    window.click("Close the search");
    for expected in ["Sentence number 2 ", "Sentence number 1 "] {
        window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        window.harness.run_ok();
        assert!(shows(&window.harness, expected), "{expected}");
    }
}

#[test]
fn one_goes_from_doubt_to_doubt() {
    let mut window = Window::open(opened(scored()), vec![]);
    for (modifiers, expected) in [
        (Modifiers::NONE, "“maybe” at 0:00: 20 % sure"),
        (Modifiers::NONE, "“perhaps” at 0:10: 30 % sure"),
        (Modifiers::NONE, "“maybe” at 0:00: 20 % sure"),
        (Modifiers::SHIFT, "“perhaps” at 0:10: 30 % sure"),
    ] {
        window.harness.key_press_modifiers(modifiers, Key::F8);
        window.harness.run_ok();
        assert!(shows(&window.harness, expected), "{expected}");
    }
    window.click("Review");
    assert!(shows(&window.harness, "2 doubtful words"));
}

#[test]
fn segments_are_split_merged_and_given_to_others_by_keys() {
    let mut window = Window::open(opened(scored()), vec![]);
    let texts = |harness: &Harness<'_, App>| {
        let labels = harness.query_all_by_role(Role::Label).filter_map(|node| node.value());
        labels.filter(|text| text.contains("yes") || text.contains("perhaps")).collect::<Vec<_>>()
    };
    assert_eq!(texts(&window.harness), ["yes maybe so", "no perhaps not"]);
    // To the first doubt, which is the second word.
    window.harness.key_press(Key::F8);
    window.harness.run_ok();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_ok();
    assert!(shows(&window.harness, "Split into two segments"));
    assert_eq!(texts(&window.harness), ["yes", "no perhaps not"]);
    assert!(window.harness.query_by_label("maybe so").is_some());
    window.harness.key_press_modifiers(Modifiers::ALT, Key::Num2);
    window.harness.run_ok();
    assert!(shows(&window.harness, "Said by SPEAKER_01 now"));
    for _ in 0..2 {
        window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        window.harness.run_ok();
    }
    assert_eq!(texts(&window.harness), ["yes maybe so", "no perhaps not"]);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::M);
    window.harness.run_ok();
    assert_eq!(texts(&window.harness), ["yes maybe so no perhaps not"]);
}

#[test]
fn a_click_on_a_word_goes_to_where_it_is_said() {
    let open = Open { recording: Some(demo()), transcript: Some(Arc::new(scored())), ..Open::default() };
    let mut window = Window::open(open, vec![]);
    let is_ready = |harness: &Harness<'_, App>| {
        harness.query_by_label("Play").is_some_and(|button| !button.accesskit_node().is_disabled())
    };
    window.wait_for("the player", is_ready);
    assert_eq!(position(&window.harness), Some(0.0));
    window.harness.get_by_label("no perhaps not").click();
    window.wait_for("the place", |harness| position(harness).is_some_and(|secs| (10.0..13.0).contains(&secs)));
    window.harness.get_by_role_and_label(Role::Slider, "Position in time").set_value_accesskit(30.0);
    window.wait_for("the place", |harness| position(harness).is_some_and(|secs| (29.9..30.1).contains(&secs)));
    window.harness.key_press(Key::J);
    window.wait_for("the place", |harness| position(harness).is_some_and(|secs| (24.9..25.1).contains(&secs)));
    window.click("Speed: 1×");
    window.click("1.5×");
    window.wait_for("the speed", |harness| harness.query_by_label("Speed: 1.5×").is_some());
}

#[test]
fn a_recording_that_cannot_be_played_says_why() {
    let mut window = Window::open(opened(scored()), vec![]);
    window.wait_for("the reason", |harness| shows(harness, "This recording cannot be played: "));
    assert!(window.harness.query_by_label("Play").is_none());
    assert!(shows(&window.harness, "yes maybe so"), "it can be read all the same");
    let window = Window::open(Open { transcript: Some(Arc::new(scored())), ..Open::default() }, vec![]);
    assert!(window.harness.query_by_label("Play").is_none(), "there is nothing to be heard");
    assert!(!shows(&window.harness, "cannot be played"));
}

/// Opens the text in which these words are, and types into it.
fn type_after(window: &mut Window, words: &str, typed: &str) {
    window.harness.get_by_label_contains(words).click();
    window.harness.run_ok();
    window.harness.key_press(Key::F2);
    window.harness.run_ok();
    window.harness.get_by_label("Text of the segment").type_text(typed);
    window.harness.run_ok();
}

fn position(harness: &Harness<'_, App>) -> Option<f64> {
    harness.query_by_role_and_label(Role::Slider, "Position in time")?.accesskit_node().numeric_value()
}

/// Two segments of three words each, of which the second is doubted, by two speakers.
fn scored() -> Transcript {
    let said = [(0.0, "SPEAKER_00", "yes maybe so", 0.2), (10.0, "SPEAKER_01", "no perhaps not", 0.3)];
    let mut segments = Vec::new();
    let mut turns = Vec::new();
    for (start_secs, speaker, text, score) in said {
        let word = |(idx, word): (usize, &str)| Word {
            text: word.to_owned(),
            span: Some(TimeSpan::from_secs(start_secs + idx as f64, start_secs + idx as f64 + 0.9)),
            score: Some(if idx == 1 { score } else { 0.9 }),
            speaker: Some(speaker.to_owned()),
            ..Word::default()
        };
        let span = TimeSpan::from_secs(start_secs, start_secs + 2.9);
        segments.push(Segment {
            span,
            text: format!(" {text}"),
            speaker: Some(speaker.to_owned()),
            words: text.split(' ').enumerate().map(word).collect(),
            ..Segment::default()
        });
        turns.push(Turn { span, speaker: speaker.to_owned() });
    }
    let speaker = |label: &str| Speaker { label: label.to_owned(), ..Speaker::default() };
    Transcript {
        language: "en".to_owned(),
        duration: Seconds(60.0),
        segments,
        speakers: ["SPEAKER_00", "SPEAKER_01"].map(speaker).to_vec(),
        turns,
    }
}
