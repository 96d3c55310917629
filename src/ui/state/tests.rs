//! The state of the window: what sequences of events and of wishes leave behind.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::library::{
    Bound, Estimate, LibraryCommand, LibraryEvent, ListRequest, RecordingEntry, RecordingId, SearchRequest,
};
use crate::engine::voices::{VoiceCommand, VoicesAnswer, VoicesOutcome};
use crate::engine::{Event, JobId, JobProgress, JobReport, LoadedModel, Stage};
use crate::settings::SideTab;
use crate::transcript::edit::Change;
use crate::transcript::{Segment, Speaker, Transcript};
use crate::ui::action::LibraryAction;
use crate::ui::library_samples::{entry, hit};
use crate::ui::message_list::Severity;
use crate::ui::recording::{Phase, Recording};
use crate::ui::speakers::SpeakerEntry;
use crate::units::{Seconds, TimeSpan};

use super::queue::Outlook;
use super::{PanelChoice, State};

const JOB: JobId = JobId(1);

#[test]
fn a_recording_follows_the_events_of_its_job() {
    let whole = || Event::JobDone(JOB, Arc::new(spoken(&["one", "two"])), JobReport::default());
    for (events, status, n_segments) in [
        (vec![], "Waiting", 0),
        (vec![Event::JobStarted(JOB)], "Starting", 0),
        (vec![Event::JobStarted(JOB), reported(Stage::Decode, 0.129, None)], "Reading audio 12 %", 0),
        (vec![reported(Stage::Transcribe, 0.5, Some(40.4))], "Transcribing 50 %, about 0:40 left", 0),
        (vec![said(&["one"])], "Waiting", 1),
        (vec![Event::JobStarted(JOB), said(&["one"]), said(&["two", "three"])], "Starting", 3),
        (vec![Event::JobStarted(JOB), said(&["one"]), whole()], "Done", 2),
        (vec![Event::JobCancelled(JOB)], "Cancelled", 0),
        (vec![said(&["one"]), Event::JobCancelled(JOB)], "Cancelled", 1),
        (vec![Event::JobFailed(JOB, "a.wav: is empty".to_owned())], "Failed", 0),
        (vec![Event::JobCancelled(JobId(7))], "Waiting", 0),
    ] {
        let described = format!("{events:?}");
        let state = after(events);
        assert_eq!(state.recordings()[0].status(), status, "{described}");
        assert_eq!(state.recordings()[0].transcript.segments.len(), n_segments, "{described}");
    }
}

#[test]
fn a_job_told_to_stop_shows_no_more_progress() {
    for (event, status) in [
        (Event::JobStarted(JOB), "Stopping"),
        (reported(Stage::Speech, 0.3, None), "Stopping"),
        (Event::JobCancelled(JOB), "Cancelled"),
        // It may have ended before it saw the wish.
        (Event::JobDone(JOB, Arc::default(), JobReport::default()), "Done"),
    ] {
        let mut state = after(vec![]);
        state.stop(JOB);
        state.apply(event);
        assert_eq!(state.recordings()[0].status(), status);
    }
}

#[test]
fn a_finished_job_cannot_be_stopped() {
    let mut state = after(vec![Event::JobDone(JOB, Arc::default(), JobReport::default())]);
    state.stop(JOB);
    assert_eq!(state.recordings()[0].phase, Phase::Done);
}

#[test]
fn an_empty_transcript_is_explained_in_its_place() {
    for (events, expected) in [
        (vec![], "Its turn comes when the recordings before it are done."),
        (vec![reported(Stage::Speech, 0.1, None)], "Finding speech…"),
        (vec![reported(Stage::Transcribe, 0.1, None)], "The first sentences appear in a moment."),
        (vec![Event::JobDone(JOB, Arc::default(), JobReport::default())], "No speech was found in this recording."),
        (vec![Event::JobFailed(JOB, "a.wav: is empty".to_owned())], "a.wav: is empty"),
    ] {
        assert_eq!(after(events).recordings()[0].placeholder(), expected);
    }
}

#[test]
fn messages_name_the_file_once_and_stay_until_dismissed() {
    let target = PathBuf::from("/out/a.srt");
    for (event, severity, expected) in [
        (Event::Warning(JOB, "2 damaged frames".to_owned()), Severity::Warning, "a.wav: 2 damaged frames"),
        (Event::Warning(JOB, "/in/a.wav: cut short".to_owned()), Severity::Warning, "/in/a.wav: cut short"),
        (Event::JobFailed(JOB, "/in/a.wav: is empty".to_owned()), Severity::Error, "/in/a.wav: is empty"),
        (
            Event::FileNotWritten(target.clone(), "cannot write /out/a.srt: disk full".to_owned()),
            Severity::Error,
            "Not exported: cannot write /out/a.srt: disk full. Export again and choose another folder or name.",
        ),
        (
            Event::FileNotWritten(target, "disk full".to_owned()),
            Severity::Error,
            "/out/a.srt: Not exported: disk full. Export again and choose another folder or name.",
        ),
    ] {
        let mut state = after(vec![event]);
        let message = state.messages().next().expect("one message").clone();
        assert_eq!((message.severity, message.text.as_str()), (severity, expected));
        state.apply(Event::JobStarted(JOB));
        assert_eq!(state.messages().count(), 1);
        state.dismiss(message.id);
        assert_eq!(state.messages().count(), 0);
    }
}

#[test]
fn dismissing_one_message_keeps_the_others_newest_first() {
    let warned = |text: &str| Event::Warning(JOB, text.to_owned());
    let mut state = after(vec![warned("first"), warned("second"), warned("third")]);
    let second = state.messages().nth(1).expect("three messages").id;
    state.dismiss(second);
    let texts: Vec<&str> = state.messages().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["a.wav: third", "a.wav: first"]);
}

#[test]
fn a_given_transcript_is_done_and_needs_no_job() {
    let mut state = State::default();
    let idx = state.add_transcript("/in/b.wav".into(), Arc::new(spoken(&["one"])));
    state.select(idx);
    let (_, recording) = state.selected().expect("it was selected");
    assert_eq!((recording.status().as_str(), recording.facts().as_str()), ("Done", "Length 1:02 · Language en"));
}

#[test]
fn only_existing_recordings_can_be_selected() {
    let mut state = after(vec![]);
    for (idx, expected) in [(5, None), (0, Some(0)), (5, Some(0))] {
        state.select(idx);
        assert_eq!(state.selected().map(|(idx, _)| idx), expected);
    }
}

#[test]
fn the_models_are_those_reported_last() {
    let models = vec![LoadedModel { key: "whisperx_demo_cpu".to_owned(), n_bytes: 1 }];
    assert_eq!(after(vec![Event::Models(Vec::new()), Event::Models(models.clone())]).models(), models);
}

#[test]
fn speakers_are_renamed_merged_and_brought_back() {
    type Step = fn(&mut State);
    // (what is done, who speaks then, who says the second segment, what the user reads)
    let steps: [(Step, &str, &str, &str); 8] = [
        (|state| rename(state, " Brian "), "Nora, Brian", "SPEAKER_01", "SPEAKER_01 is Brian now"),
        (|state| rename(state, "Brian"), "Nora, Brian", "SPEAKER_01", "SPEAKER_01 is Brian now"),
        (merge, "Nora", "SPEAKER_00", "Brian and Nora are one speaker now"),
        (State::undo, "Nora, Brian", "SPEAKER_01", "Undone"),
        (State::undo, "Nora, SPEAKER_01", "SPEAKER_01", "Undone"),
        (State::redo, "Nora, Brian", "SPEAKER_01", "Redone"),
        (|state| rename(state, " "), "Nora, SPEAKER_01", "SPEAKER_01", "Brian is SPEAKER_01 again"),
        (State::redo, "Nora, SPEAKER_01", "SPEAKER_01", "Brian is SPEAKER_01 again"),
    ];
    let mut state = meeting();
    for (step_idx, (step, names, second, notice)) in steps.into_iter().enumerate() {
        step(&mut state);
        let (_, recording) = state.selected().expect("it was selected");
        let shown: Vec<&str> = recording.speakers.entries().iter().map(SpeakerEntry::shown_name).collect();
        assert_eq!((shown.join(", ").as_str(), state.notice()), (names, notice), "step {step_idx}");
        assert_eq!(recording.transcript.segments[1].speaker.as_deref(), Some(second), "step {step_idx}");
    }
    assert_eq!(state.messages().count(), 0);
}

#[test]
fn a_voice_is_asked_for_once() {
    let mut state = meeting();
    let Some(VoiceCommand::Learn { name, voiceprint, recording, speaker }) = state.learn_voice(0, "SPEAKER_00") else {
        panic!("the first speaker has a name and a voiceprint")
    };
    assert_eq!((name.as_str(), voiceprint, speaker.as_str()), ("Nora", vec![0.6, 0.8], "SPEAKER_00"));
    assert_eq!(recording, PathBuf::from("/in/meeting.wav"));
    assert!(state.learn_voice(0, "SPEAKER_00").is_none(), "the engine has not answered yet");
    assert!(state.learn_voice(0, "SPEAKER_01").is_none(), "there is no voiceprint");
    state.apply(Event::Voices(Err("/data/voices: disk full".to_owned())));
    assert_eq!(state.messages().next().map(|message| message.text.as_str()), Some("/data/voices: disk full"));
    assert!(state.learn_voice(0, "SPEAKER_00").is_some());
}

#[test]
fn a_voice_is_taken_back_from_the_speaker_and_told_by_its_name() {
    let done = |outcome| Event::Voices(Ok(VoicesAnswer { outcome, voices: Vec::new(), warnings: Vec::new() }));
    let mut state = meeting();
    assert_eq!(state.take_back_voice(0, "SPEAKER_00"), None, "nothing was learnt");
    assert!(state.learn_voice(0, "SPEAKER_00").is_some());
    state.apply(done(VoicesOutcome::Learned));
    state.rename_speaker(0, "SPEAKER_00".to_owned(), "Ana");
    let (recording, speaker) = (PathBuf::from("/in/meeting.wav"), "SPEAKER_00".to_owned());
    let expected = VoiceCommand::UndoLearning { recording, speaker };
    assert_eq!(state.take_back_voice(0, "SPEAKER_00"), Some(expected));
    state.apply(done(VoicesOutcome::Unlearned { name: "Leonora".to_owned() }));
    assert_eq!(state.notice(), "Took back what was learnt of Leonora");
}

#[test]
fn the_panel_at_the_right_is_shown_where_it_says_something_and_has_room() {
    let (automatic, shown, hidden) = (PanelChoice::Automatic, PanelChoice::Shown, PanelChoice::Hidden);
    let (speakers, details) = (SideTab::Speakers, SideTab::Details);
    for (choice, tab, width, with_speakers, without) in [
        (automatic, speakers, 1280.0, true, false),
        (automatic, details, 1280.0, true, true),
        (automatic, details, 640.0, false, false),
        (shown, speakers, 640.0, true, true),
        (hidden, details, 1280.0, false, false),
    ] {
        for (mut state, expected) in [(meeting(), with_speakers), (after(vec![said(&["one"])]), without)] {
            state.select(0);
            state.side.choose_tab(tab);
            state.choose_side_panel(choice);
            assert_eq!(state.shows_side(width), expected, "{choice:?}, {tab:?} at {width}");
        }
    }
}

#[test]
fn the_job_behind_a_transcript_is_asked_for_once_and_again_when_another_one_ends() {
    let id = RecordingId(1);
    let is_asked = |state: &mut State| matches!(commands(state)[..], [LibraryCommand::LastJob(asked)] if asked == id);
    let mut state = State::default();
    state.library.open(id, None);
    commands(&mut state);
    let transcript = Some(Arc::new(two_speakers()));
    let opened = LibraryEvent::Opened { entry: Box::new(entry(1)), transcript, changes: Vec::new() };
    state.apply(Event::Library(opened));
    assert_eq!(commands(&mut state).len(), 0, "nobody wants to know");
    state.show_tab(SideTab::Details);
    assert!(is_asked(&mut state));
    assert_eq!(commands(&mut state).len(), 0);
    let file_hash = Some("00ff".to_owned());
    state.apply(Event::Library(LibraryEvent::LastJob { recording: id, job: None, file_hash: file_hash.clone() }));
    assert_eq!(state.side.job(Some(id)).and_then(|known| known.file_hash.clone()), file_hash);
    assert!(state.side.job(Some(RecordingId(2))).is_none() && state.side.job(None).is_none());
    state.side.refresh();
    assert!(is_asked(&mut state));
}

#[test]
fn the_library_takes_the_room_that_is_there() {
    let (automatic, shown, hidden) = (PanelChoice::Automatic, PanelChoice::Shown, PanelChoice::Hidden);
    for (choice, width, expected) in
        [(automatic, 1280.0, true), (automatic, 640.0, false), (shown, 640.0, true), (hidden, 1280.0, false)]
    {
        let mut state = meeting();
        state.choose_side_panel(PanelChoice::Shown);
        state.choose_library_panel(choice);
        assert_eq!(state.shows_library(width), expected, "{choice:?} at {width}");
    }
    let mut empty = State::default();
    assert!(!empty.shows_library(1280.0), "there is nothing to show");
    empty.choose_library_panel(shown);
    assert!(empty.shows_library(1280.0), "but it can be asked for");
}

#[test]
fn a_finished_job_is_found_in_the_library_and_its_changes_are_kept() {
    let mut state = after(vec![Event::JobDone(JOB, Arc::new(two_speakers()), JobReport::default())]);
    state.select(0);
    state.rename_speaker(0, "SPEAKER_01".to_owned(), "Brian");
    // The list of its namesakes, and the first page.
    assert_eq!(commands(&mut state).len(), 2);
    let entries = vec![RecordingEntry { path: "/in/a.wav".into(), ..entry(5) }];
    let listed = LibraryEvent::Listed { request: ListRequest::default(), entries: entries.clone(), n_in_all: 1 };
    state.apply(Event::Library(listed));
    let sent = commands(&mut state);
    let [LibraryCommand::Save { recording, transcript, changes }] = &sent[..] else {
        panic!("the change that was made before its number was known")
    };
    assert_eq!((*recording, changes.len()), (RecordingId(5), 1));
    assert_eq!(transcript.speakers[1].name.as_deref(), Some("Brian"));
    state.undo();
    let sent = commands(&mut state);
    let [LibraryCommand::Save { changes, .. }] = &sent[..] else { panic!("undoing is a change") };
    assert_eq!(changes.len(), 0);
    assert!(state.is_shown(&entries[0]) && state.job_status(&entries[0]).is_none());
}

#[test]
fn a_version_is_restored_after_all_changes_are_kept_and_taken_back_once() {
    let mut state = State::default();
    let (given, named) = (Arc::new(spoken(&["one"])), Arc::new(two_speakers()));
    state.perform_library(LibraryAction::Open { id: RecordingId(1), path: "/in/a.wav".into() });
    commands(&mut state);
    let opened = LibraryEvent::Opened {
        entry: Box::new(entry(1)),
        transcript: Some(named.clone()),
        changes: vec![Change::RenameSpeaker { label: "SPEAKER_00".to_owned(), name: "Nora".to_owned() }],
    };
    state.apply(Event::Library(opened));
    assert!(!state.recordings()[0].can_undo(), "it was done on another day");
    rename(&mut state, "Brian");
    state.perform_library(LibraryAction::ShowVersions(RecordingId(1)));
    state.perform_library(LibraryAction::Restore { id: RecordingId(1), version: 0 });
    let sent = commands(&mut state);
    assert!(
        matches!(
            sent[..],
            [LibraryCommand::Versions(_), LibraryCommand::Save { .. }, LibraryCommand::Restore { version: 0, .. }]
        ),
        "{sent:?}"
    );
    let restored = |transcript: &Arc<Transcript>, replaced| {
        Event::Library(LibraryEvent::Restored {
            recording: RecordingId(1),
            transcript: transcript.clone(),
            changes: Vec::new(),
            replaced,
        })
    };
    state.apply(restored(&given, Some(4)));
    assert!(state.library.versions.shown().is_none() && state.recordings()[0].can_undo());
    assert!(commands(&mut state).is_empty(), "it is kept");
    assert_eq!(state.recordings()[0].transcript, given);
    state.undo();
    let sent = commands(&mut state);
    assert!(matches!(sent[..], [LibraryCommand::Restore { recording: RecordingId(1), version: 4 }]), "{sent:?}");
    state.apply(restored(&named, Some(0)));
    assert_eq!(state.recordings()[0].transcript, named);
    assert!(!state.recordings()[0].can_undo(), "what was taken back is not done again");
}

#[test]
fn a_hit_is_shown_where_its_recording_is() {
    let mut state = State::default();
    state.library.search.type_words("budget".to_owned());
    commands(&mut state);
    state.apply(Event::Library(LibraryEvent::Found { request: SearchRequest::default(), hits: vec![hit(1)] }));
    state.perform_library(LibraryAction::ShowHit(0));
    assert!(matches!(commands(&mut state)[..], [LibraryCommand::Open(RecordingId(1))]));
    assert!(state.is_shown(&entry(1)), "it is about to be");
    let transcript = Some(Arc::new(two_speakers()));
    let opened = LibraryEvent::Opened { entry: Box::new(entry(1)), transcript, changes: Vec::new() };
    state.apply(Event::Library(opened));
    let sought = state.take_sought().map(|(recording_idx, sought)| (recording_idx, sought.segment_idx));
    assert_eq!((state.selected().map(|(idx, _)| idx), sought), (Some(0), Some((0, 1))));
    state.perform_library(LibraryAction::ShowHit(0));
    assert_eq!(commands(&mut state).len(), 0, "it is here already");
    assert!(state.take_sought().is_some());
    assert!(!state.recordings()[0].is_of_session());
}

#[test]
fn jobs_that_wait_say_how_long_they_take_and_which_is_next() {
    let mut state = State::default();
    for n in 1..=3 {
        state.add_job(JobId(n), PathBuf::from(format!("/in/{n}.wav")));
    }
    assert_eq!(state.outlook(), None, "nothing is known");
    let estimate = |secs| Estimate { time: Seconds(secs), bound: Bound::About };
    let told = vec![(JobId(2), estimate(60.0)), (JobId(3), estimate(30.0)), (JobId(9), estimate(1.0))];
    state.apply(Event::Library(LibraryEvent::Estimated(told)));
    let outlook = |n_waiting, n_unknown, secs| Some(Outlook { n_waiting, n_unknown, estimate: estimate(secs) });
    assert_eq!(state.outlook(), outlook(3, 1, 90.0));
    state.apply(Event::JobStarted(JobId(1)));
    assert_eq!(state.outlook(), outlook(2, 0, 90.0));
    state.apply(reported(Stage::Decode, 0.1, Some(10.0)));
    assert_eq!(state.outlook(), outlook(2, 0, 100.0), "what runs is counted");

    let next = |state: &State| -> Vec<String> {
        let recordings = state.recordings().iter().filter(|recording| state.next_job() == recording.job);
        recordings.map(Recording::name).collect()
    };
    assert_eq!(next(&state), [""; 0]);
    for (preferred, expected) in [(3, "3.wav"), (2, "2.wav"), (1, "2.wav"), (9, "2.wav")] {
        state.prefer(JobId(preferred));
        assert_eq!(next(&state), [expected]);
    }
    assert_eq!(state.notice(), "2.wav comes next");
    state.apply(Event::JobStarted(JobId(2)));
    assert_eq!(next(&state), ["3.wav"], "it was wanted before that");
    state.apply(Event::JobCancelled(JobId(3)));
    assert_eq!((next(&state).len(), state.outlook()), (0, None));
    let path = PathBuf::from("/real/2.wav");
    state.apply(Event::Library(LibraryEvent::JobListed { job: JobId(2), path: path.clone() }));
    assert_eq!(state.recordings()[1].path, path);
}

#[test]
fn what_failed_is_tried_again_in_its_place() {
    let mut state = after(vec![Event::JobFailed(JOB, "a.wav: is empty".to_owned())]);
    assert!(state.recordings()[0].can_retry());
    state.requeue(0, JobId(2));
    state.apply(Event::JobStarted(JobId(2)));
    assert_eq!((state.recordings().len(), state.recordings()[0].status().as_str()), (1, "Starting"));
    state.apply(Event::Continues(JobId(2), Seconds(2590.0)));
    assert_eq!(state.notice(), "a.wav continues at 43:10");
    assert!(state.recordings()[0].facts().contains("Continues at 43:10"));
}

#[test]
fn one_failure_of_the_library_is_told_once_and_the_jobs_go_on() {
    let mut state = after(vec![]);
    state.library.start();
    assert_eq!(commands(&mut state).len(), 2);
    for _ in 0..2 {
        state.apply(Event::Library(LibraryEvent::Failed("/data/library.db: disk full".to_owned())));
    }
    assert_eq!((state.messages().count(), commands(&mut state).len()), (1, 0));
    state.apply(Event::JobStarted(JOB));
    assert_eq!(state.recordings()[0].status(), "Starting");
}

/// What the library is asked now.
fn commands(state: &mut State) -> Vec<LibraryCommand> {
    let mut commands = Vec::new();
    while let Some(command) = state.library_due() {
        commands.push(command);
    }
    commands
}

fn rename(state: &mut State, name: &str) {
    state.rename_speaker(0, "SPEAKER_01".to_owned(), name);
}

fn merge(state: &mut State) {
    state.merge_speakers(0, "SPEAKER_01".to_owned(), "SPEAKER_00".to_owned());
}

/// Two speakers; the first has a name and a voiceprint.
fn meeting() -> State {
    let mut state = State::default();
    let idx = state.add_transcript("/in/meeting.wav".into(), Arc::new(two_speakers()));
    state.select(idx);
    state
}

fn two_speakers() -> Transcript {
    let mut transcript = spoken(&["one", "two"]);
    for (segment, label) in transcript.segments.iter_mut().zip(["SPEAKER_00", "SPEAKER_01"]) {
        segment.speaker = Some(label.to_owned());
        transcript.speakers.push(Speaker { label: label.to_owned(), ..Speaker::default() });
    }
    transcript.speakers[0].name = Some("Nora".to_owned());
    transcript.speakers[0].voiceprint = vec![0.6, 0.8];
    transcript
}

fn after(events: Vec<Event>) -> State {
    let mut state = State::default();
    state.add_job(JOB, "/in/a.wav".into());
    for event in events {
        state.apply(event);
    }
    state
}

fn reported(stage: Stage, job_fraction: f32, remaining_secs: Option<f64>) -> Event {
    let remaining = remaining_secs.map(Seconds);
    Event::Progress(JOB, JobProgress { stage, stage_fraction: 0.0, job_fraction, remaining })
}

fn said(texts: &[&str]) -> Event {
    Event::Segments(JOB, spoken(texts).segments)
}

fn spoken(texts: &[&str]) -> Transcript {
    let segments = texts.iter().map(|text| Segment {
        span: TimeSpan::from_secs(0.0, 1.0),
        text: format!(" {text}"),
        ..Segment::default()
    });
    Transcript {
        language: "en".to_owned(),
        duration: Seconds(62.0),
        segments: segments.collect(),
        ..Transcript::default()
    }
}
