//! What is known of recording after sequences of events and wishes.

use std::path::PathBuf;

use crate::engine::recording::{Level, RecordCommand, RecordEvent, RecordProgress, RecordedFile};
use crate::units::Seconds;

use super::action::RecordAction;
use super::cache_state::Told;
use super::record_captions::CaptionChoice;
use super::record_captions::samples::caption;
use super::record_state::{CaptionModels, Leaving, RecordPhase, RecordState, Session, Shape};

const MODEL: &str = "base";

#[test]
fn a_recording_follows_its_events() {
    for (wishes, events, phase, status) in [
        (vec![], vec![], RecordPhase::Idle, "Not recording"),
        (vec![RecordAction::Start], vec![], RecordPhase::Starting, "Starting…"),
        (vec![RecordAction::Start], vec![started()], RecordPhase::Recording, "Recording 0:00"),
        (vec![RecordAction::Start], vec![started(), level(61.0, 0.5, 0)], RecordPhase::Recording, "Recording 1:01"),
        (vec![RecordAction::Start], vec![started(), RecordEvent::Paused], RecordPhase::Paused, "Paused at 0:00"),
        (
            vec![RecordAction::Start],
            vec![started(), RecordEvent::Paused, RecordEvent::Resumed],
            RecordPhase::Recording,
            "Recording 0:00",
        ),
        (
            vec![RecordAction::Start, RecordAction::Stop],
            vec![started(), RecordEvent::Paused],
            RecordPhase::Stopping,
            "Ending the recording…",
        ),
        (vec![RecordAction::Start], vec![started(), finished(3.0)], RecordPhase::Idle, "Not recording"),
        (vec![RecordAction::Start], vec![failed()], RecordPhase::Idle, "Not recording"),
    ] {
        let described = format!("{wishes:?} {events:?}");
        let mut state = RecordState::default();
        for wish in wishes {
            state.perform(wish, MODEL);
        }
        for event in events {
            state.apply(event);
        }
        assert_eq!((state.phase(), state.status().as_str()), (phase, status), "{described}");
        let is_live = state.session().is_some();
        assert!(!is_live || state.is_active(), "{described}");
    }
}

#[test]
fn the_recorder_is_asked_for_what_makes_sense() {
    for (phase, action, expected) in [
        (RecordPhase::Idle, RecordAction::Stop, None),
        (RecordPhase::Idle, RecordAction::Pause, None),
        (RecordPhase::Idle, RecordAction::Mark, None),
        (RecordPhase::Idle, RecordAction::LookForDevices, Some(RecordCommand::ListDevices)),
        (RecordPhase::Recording, RecordAction::Start, None),
        (RecordPhase::Recording, RecordAction::Pause, Some(RecordCommand::Pause)),
        (RecordPhase::Recording, RecordAction::Resume, None),
        (RecordPhase::Recording, RecordAction::Mark, Some(RecordCommand::Mark { label: String::new() })),
        (RecordPhase::Recording, RecordAction::Stop, Some(RecordCommand::Stop)),
        // The recorder would not take sound meanwhile.
        (RecordPhase::Recording, RecordAction::LookForDevices, None),
        (RecordPhase::Paused, RecordAction::Pause, None),
        (RecordPhase::Paused, RecordAction::Resume, Some(RecordCommand::Resume)),
        (RecordPhase::Paused, RecordAction::Stop, Some(RecordCommand::Stop)),
        (RecordPhase::Stopping, RecordAction::Stop, None),
    ] {
        let mut state = at(phase);
        assert_eq!(state.phase(), phase);
        let described = format!("{action:?}");
        state.perform(action, MODEL);
        assert_eq!(state.due(), expected, "{phase:?} {described}");
        assert_eq!(state.due(), None);
    }
}

#[test]
fn captions_are_prepared_before_and_with_the_recording() {
    let prepared = |command: Option<RecordCommand>| {
        if let Some(RecordCommand::Prepare(request)) = command { Some(request.model) } else { None }
    };
    let mut state = RecordState::default();
    for (model, expected) in [("base", Some("base")), ("base", None), ("small", Some("small"))] {
        state.prepare(model);
        assert_eq!(prepared(state.due()).as_deref(), expected);
    }
    assert_eq!(state.caption_models(), &CaptionModels::Loading);
    state.apply(RecordEvent::CaptionsReady);
    assert_eq!(state.caption_models(), &CaptionModels::Ready);
    for (choice, has_captions) in [(CaptionChoice::On, true), (CaptionChoice::Off, false)] {
        let mut state = RecordState::default();
        state.perform(RecordAction::ChooseCaptions(choice), MODEL);
        state.perform(RecordAction::Start, MODEL);
        if has_captions {
            assert_eq!(prepared(state.due()).as_deref(), Some(MODEL), "{choice:?}");
        }
        let Some(RecordCommand::Start(request)) = state.due() else { panic!("{choice:?}: not started") };
        assert_eq!(request.captions.is_some(), has_captions);
        state.apply(RecordEvent::Caption(caption(0, "Good morning.", "")));
        assert_eq!(state.captions.rows().len(), usize::from(has_captions));
    }
}

#[test]
fn what_was_recorded_is_listed_and_transcribed_unless_the_window_closes() {
    for (quits, seconds, n_listed, n_transcribed) in [(false, 3.0, 1, 1), (true, 3.0, 1, 0), (false, 0.0, 0, 0)] {
        let mut state = at(RecordPhase::Recording);
        if quits {
            assert!(state.ask_to_leave());
            state.perform(RecordAction::Quit, MODEL);
            assert_eq!(state.due(), Some(RecordCommand::Stop));
            assert!(!state.is_to_close(), "the file is not whole yet");
        }
        state.apply(finished(seconds));
        assert_eq!((state.take_unlisted().len(), state.take_recorded().len()), (n_listed, n_transcribed));
        assert_eq!((state.take_unlisted().len(), state.take_recorded().len()), (0, 0), "once");
        assert_eq!(state.is_to_close(), quits);
    }
}

#[test]
fn only_a_recording_keeps_the_window_open() {
    assert!(!RecordState::default().ask_to_leave());
    let mut state = at(RecordPhase::Paused);
    state.perform(RecordAction::SetShape(Shape::Compact), MODEL);
    assert!(state.ask_to_leave());
    assert_eq!((state.leaving(), state.shape()), (Leaving::Asked, Shape::Full), "the question needs room");
    state.perform(RecordAction::Stay, MODEL);
    assert_eq!((state.leaving(), state.phase()), (Leaving::No, RecordPhase::Paused));
    state.ask_to_leave();
    state.perform(RecordAction::Quit, MODEL);
    assert!(!state.ask_to_leave(), "whoever closes twice means it");
    let mut ended = at(RecordPhase::Recording);
    ended.ask_to_leave();
    ended.apply(finished(1.0));
    assert_eq!((ended.leaving(), ended.is_to_close()), (Leaving::No, false), "there is nothing to ask any more");
}

#[test]
fn what_the_user_should_know_is_told() {
    let repaired = |outcome: Result<Seconds, String>| RecordEvent::Repaired { path: path(), outcome };
    let ended = |overrun: f64, problem: Option<&str>| {
        let problem = problem.map(str::to_owned);
        let file = RecordedFile { path: path(), duration: Seconds(61.0), overrun: Seconds(overrun), problem };
        RecordEvent::Finished(file)
    };
    for (event, is_error, words) in [
        (RecordEvent::Lost("the microphone is gone".to_owned()), false, "the microphone is gone"),
        (RecordEvent::Warning("0.3 s were lost".to_owned()), false, "0.3 s were lost"),
        (RecordEvent::CaptionsFailed("no such model".to_owned()), false, "no such model"),
        (low_space(120.0), false, "room for 2 min"),
        (ended(0.5, None), false, "0.5 s of the recording are silent"),
        (ended(0.0, Some("the disk is full")), true, "the disk is full"),
        (failed(), true, "no microphone"),
        (repaired(Ok(Seconds(61.0))), false, "1:01 long: /in/meeting.wav"),
        (repaired(Err("/in/meeting.wav: changed".to_owned())), false, "changed"),
    ] {
        let described = format!("{event:?}");
        let told = at(RecordPhase::Recording).apply(event);
        let (found_error, text) = match told {
            Some(Told::Error(text)) => (true, text),
            Some(Told::Warning(text)) => (false, text),
            Some(Told::Notice(_)) | None => panic!("{described}: nothing that stays"),
        };
        assert!(found_error == is_error && text.contains(words), "{described}: {text}");
    }
    let mut state = at(RecordPhase::Recording);
    assert!(state.apply(low_space(120.0)).is_some() && state.apply(low_space(119.0)).is_none(), "once is enough");
    assert!(matches!(state.give_up(), Some(Told::Error(text)) if text.contains("/in/meeting.wav")));
    assert_eq!((state.is_active(), state.give_up()), (false, None));
}

#[test]
fn a_device_that_is_gone_is_shown_until_it_is_back() {
    let mut state = at(RecordPhase::Recording);
    state.apply(RecordEvent::Warning("0.3 s were lost".to_owned()));
    state.apply(RecordEvent::Lost("gone".to_owned()));
    let alert = |state: &RecordState| state.session().and_then(Session::alert).map(str::to_owned);
    assert_eq!(alert(&state).as_deref(), Some("gone"));
    state.apply(RecordEvent::Recovered("back".to_owned()));
    assert_eq!(alert(&state).as_deref(), Some("0.3 s were lost"));
}

#[test]
fn the_level_in_words_changes_slowly_and_clipping_stays_for_a_while() {
    let mut state = at(RecordPhase::Recording);
    let mut texts = Vec::new();
    for number in 0..30 {
        let peak = if number == 0 { 1.0 } else { 0.1 };
        state.apply(level(f64::from(number) / 10.0, peak, u64::from(number == 0)));
        let session = state.session().expect("it goes on");
        assert_eq!(session.is_clipping(), number < 20, "event {number}");
        texts.push(session.level_text.clone());
    }
    texts.dedup();
    assert_eq!(texts, ["0 dB, too loud", "-20 dB, too loud", "-20 dB"]);
    for (levels, expected) in [(vec![], "silent"), (vec![0.0, 0.5], "silent, -6 dB")] {
        let mut state = at(RecordPhase::Recording);
        let levels = levels.into_iter().map(|peak| Level { peak, ..Level::default() }).collect();
        state.apply(RecordEvent::Level(RecordProgress { duration: Seconds(0.0), space_left: None, levels }));
        assert_eq!(state.session().expect("it goes on").level_text, expected);
    }
}

/// A state in which a recording is so far, and all that was wished has been sent.
fn at(phase: RecordPhase) -> RecordState {
    let mut state = RecordState::default();
    if phase != RecordPhase::Idle {
        state.perform(RecordAction::Start, MODEL);
    }
    if matches!(phase, RecordPhase::Recording | RecordPhase::Paused | RecordPhase::Stopping) {
        state.apply(started());
    }
    match phase {
        RecordPhase::Paused => {
            state.apply(RecordEvent::Paused);
        }
        RecordPhase::Stopping => state.perform(RecordAction::Stop, MODEL),
        RecordPhase::Idle | RecordPhase::Starting | RecordPhase::Recording => {}
    }
    while state.due().is_some() {}
    state
}

fn path() -> PathBuf {
    PathBuf::from("/in/meeting.wav")
}

fn started() -> RecordEvent {
    RecordEvent::Started { path: path(), sources: vec!["Microphone".to_owned()] }
}

fn finished(seconds: f64) -> RecordEvent {
    let duration = Seconds(seconds);
    RecordEvent::Finished(RecordedFile { path: path(), duration, overrun: Seconds(0.0), problem: None })
}

fn failed() -> RecordEvent {
    RecordEvent::Failed("no microphone was found".to_owned())
}

fn level(seconds: f64, peak: f32, n_clipped: u64) -> RecordEvent {
    let levels = vec![Level { peak, rms: peak / 2.0, n_clipped }];
    RecordEvent::Level(RecordProgress { duration: Seconds(seconds), space_left: None, levels })
}

fn low_space(seconds: f64) -> RecordEvent {
    let space_left = Some(Seconds(seconds));
    RecordEvent::Level(RecordProgress { duration: Seconds(1.0), space_left, levels: vec![] })
}
