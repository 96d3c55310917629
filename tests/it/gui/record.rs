//! Recording in the window: a file is played in the place of a microphone, and all else is as it is for a meeting.

use eframe::egui::{self, Key, Modifiers, Role, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hansard::engine::recording::RecordSource;
use hansard::ui::{App, Open};

use super::{SAID, Window, demo, opened, shows, transcript};

/// How the file of a recording begins that got no other name: with the day in this century.
const MEETING: &str = "Meeting 20";
/// Longer than a test takes.
const ENDLESS: f64 = 1.0;

#[test]
fn a_meeting_is_recorded_listed_and_transcribed() {
    let mut window = Window::open(played(30.0), vec![]);
    window.click("Record a meeting");
    assert!(shows(&window.harness, "Here stands what is said"));
    window.click("Start recording");
    window.wait_for("the recording", |harness| meter(harness).is_some());
    assert!(window.harness.query_by_label("Start recording").is_none());
    // The file ends, and with it the recording.
    window.wait_for("its transcript", |harness| shows(harness, SAID));
    window.wait_for("the end of the job", |harness| harness.query_by_label("Done").is_some());
    assert!(!is_recording(&window.harness) && shows(&window.harness, MEETING));
    let mut window = window.restart();
    window.wait_for("the library", |harness| shows(harness, MEETING));
}

#[test]
fn a_recording_is_begun_marked_paused_and_ended_by_keys() {
    let mut window = recording();
    assert!(shows(&window.harness, "Recording 0:"));
    window.harness.key_press(Key::M);
    window.wait_for("the marker", |harness| shows(harness, "1 marker: 0:"));
    for (button, status) in [("Resume recording", "Paused at 0:"), ("Pause recording", "Recording 0:")] {
        window.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
        window.wait_for(button, |harness| harness.query_by_label(button).is_some());
        assert!(shows(&window.harness, status));
    }
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    window.wait_for("the job", |harness| !is_recording(harness) && shows(harness, MEETING));
    assert!(window.harness.query_by_label("Set a marker").is_none());
}

#[test]
fn a_recording_is_seen_and_ended_from_every_page() {
    let mut window = recording();
    window.click_button("Models");
    assert!(is_recording(&window.harness) && meter(&window.harness).is_some(), "the strip has time, level and end");
    window.click("Captions");
    assert!(shows(&window.harness, "Captions while people speak"));
    assert_eq!(window.harness.query_all_by_label("Stop recording").count(), 1, "the page says it all");
    window.click("Record");
    window.click("Stop recording");
    window.wait_for("the job", |harness| !is_recording(harness) && shows(harness, MEETING));
}

#[test]
fn the_level_is_a_meter_with_a_text() {
    let mut window = recording();
    window.wait_for("a sound", |harness| meter(harness).is_some_and(|text| text.contains(" dB")));
}

#[test]
fn the_window_becomes_small_and_large_again() {
    let mut window = recording();
    let full = window.harness.ctx.content_rect().size();
    window.click("Compact window");
    window.wait_for("the small window", |harness| harness.query_by_label("Full window").is_some());
    window.harness.run_ok();
    let small = window.harness.ctx.content_rect();
    assert!(small.width() < full.x && small.height() < full.y, "{small:?}");
    assert!(window.harness.query_by_label("Models").is_none() && meter(&window.harness).is_some());
    assert_buttons_inside(&window.harness, small);
    window.click("Full window");
    window.wait_for("the large window", |harness| harness.query_by_label("Compact window").is_some());
    window.harness.run_ok();
    assert_eq!(window.harness.ctx.content_rect().size(), full);
}

#[test]
fn closing_the_window_asks_and_ends_the_recording() {
    let mut window = recording();
    for answer in ["Keep", "Stop and close"] {
        let viewport = window.harness.input_mut().viewports.get_mut(&ViewportId::ROOT).expect("there is one window");
        viewport.events.push(ViewportEvent::Close);
        window.harness.run_ok();
        assert!(shows(&window.harness, "Stop recording and close Hansard?"));
        assert!(!is_closing(&window.harness));
        window.click(answer);
        assert!(!shows(&window.harness, "Stop recording and close Hansard?"));
    }
    window.wait_for("the end", is_closing);
    let mut window = window.restart();
    window.wait_for("the library", |harness| shows(harness, MEETING));
    assert!(!shows(&window.harness, "cut off"), "there is nothing to repair");
}

#[test]
fn recording_fits_into_the_smallest_window() {
    for opens_transcript in [false, true] {
        let open = if opens_transcript { opened(transcript(30)) } else { Open::default() };
        let mut window = Window::open(Open { record_source: played(ENDLESS).record_source, ..open }, vec![]);
        window.harness.set_size(egui::vec2(640.0, 480.0));
        window.harness.run_ok();
        window.click("Record");
        assert_buttons_inside(&window.harness, window.harness.ctx.content_rect());
        window.click("Start recording");
        window.wait_for("the recording", |harness| meter(harness).is_some());
        assert_buttons_inside(&window.harness, window.harness.ctx.content_rect());
        window.click("Record");
        assert!(is_recording(&window.harness));
        // The welcome is scrolled in a window that is so low.
        if opens_transcript {
            assert_buttons_inside(&window.harness, window.harness.ctx.content_rect());
        }
    }
}

/// A window in which something is being recorded that does not end by itself.
fn recording() -> Window {
    let mut window = Window::open(played(ENDLESS), vec![]);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    window.wait_for("the recording", |harness| meter(harness).is_some());
    window
}

/// The demo meeting in the place of a microphone, so many times faster.
fn played(speed: f64) -> Open {
    Open { record_source: Some(RecordSource::File { path: demo(), speed }), ..Open::default() }
}

/// What the level says.
fn meter(harness: &Harness<'_, App>) -> Option<String> {
    harness.query_by_role_and_label(Role::Meter, "Level").and_then(|node| node.value())
}

fn is_recording(harness: &Harness<'_, App>) -> bool {
    harness.query_by_label("Stop recording").is_some()
}

fn is_closing(harness: &Harness<'_, App>) -> bool {
    let window = harness.output().viewport_output.get(&ViewportId::ROOT);
    window.is_some_and(|window| window.commands.contains(&ViewportCommand::Close))
}

fn assert_buttons_inside(harness: &Harness<'_, App>, window: egui::Rect) {
    for button in harness.query_all_by_role(Role::Button) {
        let rect = button.rect();
        assert!(window.contains_rect(rect), "{:?} at {rect:?}", button.accesskit_node().label());
    }
}
