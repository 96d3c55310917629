//! What the window knows: recordings, messages, models, what was chosen. Engine events and user actions change it,
//! panels read it. No egui and no I/O in here, so that every sequence of events can be tested.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::voices::VoiceCommand;
use crate::engine::{Event, JobId, LoadedModel};
use crate::transcript::Transcript;
use crate::transcript::edit::Change;

use super::cache_state::{CacheState, Page, Told};
use super::learning::{Learning, Lesson, Lessons};
use super::recording::{Phase, Recording};
use super::speakers::{PanelChoice, SpeakerEntry, is_narrow};

/// All that the window shows.
#[derive(Debug, Default)]
pub(super) struct State {
    recordings: Vec<Recording>,
    selected_idx: Option<usize>,
    messages: Vec<Message>,
    n_messages: u64,
    notice: String,
    models: Vec<LoadedModel>,
    speakers_panel: PanelChoice,
    n_speakers: Option<usize>,
    lessons: Lessons,
    /// Models on both levels, and those that can be had.
    pub(super) cache: CacheState,
}

/// Something the user should know; stays until dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Unique within this window.
    pub(super) id: u64,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What happened, where, and what to do.
    pub(super) text: String,
}

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// The work went on, with a flaw.
    Warning,
    /// Something asked for was not done.
    Error,
}

impl State {
    /// The recordings, in the order in which they were opened.
    pub(super) fn recordings(&self) -> &[Recording] {
        &self.recordings
    }

    /// The recording that is shown, and its place in the list.
    pub(super) fn selected(&self) -> Option<(usize, &Recording)> {
        self.selected_idx.and_then(|idx| Some((idx, self.recordings.get(idx)?)))
    }

    /// What stays until dismissed, newest first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().rev()
    }

    /// The outcome of the last small action; empty if there is none.
    pub(super) fn notice(&self) -> &str {
        &self.notice
    }

    /// The models in memory.
    pub(super) fn models(&self) -> &[LoadedModel] {
        &self.models
    }

    /// Adds a recording whose job was just queued with the chosen model, and returns its place in the list.
    pub(super) fn add_job(&mut self, job: JobId, path: PathBuf) -> usize {
        self.add(Recording::queued(job, self.cache.chosen(), path))
    }

    /// Adds a recording whose transcript exists already, and returns its place in the list.
    pub(super) fn add_transcript(&mut self, path: PathBuf, transcript: Arc<Transcript>) -> usize {
        self.add(Recording::transcribed(path, transcript))
    }

    /// Shows another recording, in the place of whatever fills the window.
    pub(super) fn select(&mut self, recording_idx: usize) {
        if recording_idx < self.recordings.len() {
            self.selected_idx = Some(recording_idx);
            self.cache.close();
        }
    }

    /// Notes that the user asked for a job to stop.
    pub(super) fn stop(&mut self, job: JobId) {
        if let Some(recording) = self.recording_of(job)
            && recording.is_unfinished()
        {
            recording.phase = Phase::Stopping;
        }
    }

    /// Adds a message that stays until dismissed.
    pub(super) fn add_message(&mut self, severity: Severity, text: String) {
        self.n_messages += 1;
        self.messages.push(Message { id: self.n_messages, severity, text });
    }

    /// The engine has ended by itself: no job goes on, and the user learns why nothing moves any more.
    pub(super) fn engine_lost(&mut self) {
        for recording in &mut self.recordings {
            if recording.is_unfinished() || recording.phase == Phase::Stopping {
                recording.phase = Phase::Failed("Hansard's engine has stopped".to_owned());
            }
        }
        self.lessons.give_up();
        self.cache.give_up();
        let text = "Hansard's engine has stopped by mistake. Restart Hansard, and please report it.".to_owned();
        self.add_message(Severity::Error, text);
    }

    /// Removes a message.
    pub(super) fn dismiss(&mut self, id: u64) {
        self.messages.retain(|message| message.id != id);
    }

    /// Replaces the notice.
    pub(super) fn set_notice(&mut self, notice: String) {
        self.notice = notice;
    }

    /// Whether the list of speakers is shown in a window of this width.
    pub(super) fn shows_speakers(&self, window_width: f32) -> bool {
        self.cache.page() == Page::Recordings
            && self.selected().is_some_and(|(_, recording)| !recording.speakers.entries().is_empty())
            && match self.speakers_panel {
                PanelChoice::Automatic => !is_narrow(window_width),
                PanelChoice::Shown => true,
                PanelChoice::Hidden => false,
            }
    }

    /// Shows or hides the list of speakers.
    pub(super) fn choose_speakers_panel(&mut self, choice: PanelChoice) {
        self.speakers_panel = choice;
    }

    /// How many people speak in the recordings that are opened next; `None` to find out.
    pub(super) fn n_speakers(&self) -> Option<usize> {
        self.n_speakers
    }

    /// Changes how many people speak in the recordings that are opened next.
    pub(super) fn set_n_speakers(&mut self, n_speakers: Option<usize>) {
        self.n_speakers = n_speakers;
    }

    /// Gives a speaker a name, or takes it away where it is empty.
    pub(super) fn rename_speaker(&mut self, recording_idx: usize, label: String, name: &str) {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = if name == label { String::new() } else { name };
        let Some(speaker) = self.speaker(recording_idx, &label).filter(|speaker| speaker.name != name) else { return };
        let notice = if name.is_empty() {
            format!("{} is {label} again", speaker.name)
        } else {
            format!("{} is {name} now", speaker.shown_name())
        };
        self.edit(recording_idx, Change::RenameSpeaker { label, name }, notice);
    }

    /// Makes one speaker of two; the label of the second stays.
    pub(super) fn merge_speakers(&mut self, recording_idx: usize, from: String, into: String) {
        let names = [&from, &into].map(|label| Some(self.speaker(recording_idx, label)?.shown_name()));
        let [Some(from_name), Some(into_name)] = names else { return };
        let notice = format!("{from_name} and {into_name} are one speaker now");
        self.edit(recording_idx, Change::MergeSpeakers { from, into }, notice);
    }

    /// Takes back the last change of the transcript that is shown.
    pub(super) fn undo(&mut self) {
        if self.selected_recording().is_some_and(Recording::undo) {
            "Undone".clone_into(&mut self.notice);
        }
    }

    /// Makes the change again that was taken back last.
    pub(super) fn redo(&mut self) {
        if self.selected_recording().is_some_and(Recording::redo) {
            "Redone".clone_into(&mut self.notice);
        }
    }

    /// What can be done about the voice of a speaker.
    pub(super) fn learning(&self, recording_idx: usize, speaker: &SpeakerEntry) -> Learning {
        self.lessons.of(recording_idx, speaker)
    }

    /// Notes that the voice of a speaker is to be learnt, and returns what to ask the engine for.
    pub(super) fn learn_voice(&mut self, recording_idx: usize, label: &str) -> Option<VoiceCommand> {
        let entry = self.speaker(recording_idx, label)?;
        if !matches!(self.lessons.of(recording_idx, entry), Learning::Possible | Learning::LearntOtherwise) {
            return None;
        }
        let recording = &self.recordings[recording_idx];
        let speaker = recording.transcript.speakers.iter().find(|speaker| speaker.label == label)?;
        let lesson = Lesson { recording_idx, label: label.to_owned(), name: entry.name.clone() };
        let command = VoiceCommand::Learn {
            name: lesson.name.clone(),
            voiceprint: speaker.voiceprint.clone(),
            recording: recording.path.clone(),
            speaker: lesson.label.clone(),
        };
        self.lessons.ask(lesson);
        Some(command)
    }

    /// Notes that the voice learnt from a speaker is to be taken back, and returns what to ask the engine for.
    pub(super) fn take_back_voice(&mut self, recording_idx: usize, label: &str) -> Option<VoiceCommand> {
        let recording = self.recordings.get(recording_idx)?.path.clone();
        let command = VoiceCommand::UndoLearning { recording, speaker: label.to_owned() };
        self.lessons.ask_back(recording_idx, label).then_some(command)
    }

    /// Takes in what happened in the engine.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::JobStarted(job) => self.change(job, |recording| {
                if recording.phase == Phase::Waiting {
                    recording.phase = Phase::Running(None);
                }
            }),
            Event::Progress(job, progress) => self.change(job, |recording| match recording.phase {
                Phase::Waiting | Phase::Running(_) => recording.phase = Phase::Running(Some(progress)),
                // What was reported before the engine saw the wish to stop must not look like a job that goes on.
                Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled => {}
            }),
            Event::AudioReady(job, duration) => self.change(job, |recording| recording.duration = Some(duration)),
            Event::Segments(job, segments) => self.change(job, |recording| recording.extend(segments)),
            Event::Warning(job, text) => {
                let text = match self.recording_of(job) {
                    Some(recording) if !text.contains(&recording.name()) => format!("{}: {text}", recording.name()),
                    Some(_) | None => text,
                };
                self.add_message(Severity::Warning, text);
            }
            Event::JobDone(job, transcript, report) => {
                if let Some(recording) = self.recordings.iter().find(|recording| recording.job == Some(job)) {
                    self.cache.note_speed(&recording.model, transcript.duration, &report);
                }
                self.cache.note_job();
                self.change(job, |recording| recording.finish(transcript));
            }
            Event::JobFailed(job, line) => {
                self.cache.note_job();
                self.add_message(Severity::Error, line.clone());
                self.change(job, |recording| recording.phase = Phase::Failed(line));
            }
            Event::JobCancelled(job) => {
                self.cache.note_job();
                self.change(job, |recording| recording.phase = Phase::Cancelled);
            }
            Event::Models(models) => {
                self.models = models;
                self.cache.note_job();
            }
            Event::ModelCache(event) => match self.cache.apply(event) {
                Some(Told::Notice(notice)) => self.notice = notice,
                Some(Told::Warning(text)) => self.add_message(Severity::Warning, text),
                Some(Told::Error(text)) => self.add_message(Severity::Error, text),
                None => {}
            },
            Event::FileWritten(path) => self.notice = format!("Saved as {}", path.display()),
            Event::FileNotWritten(path, reason) => {
                let text = format!("Not exported: {reason}. Export again and choose another folder or name.");
                self.add_message(Severity::Error, naming(&path, text));
            }
            Event::Voices(Ok(answer)) => {
                for warning in answer.warnings {
                    self.add_message(Severity::Warning, warning);
                }
                if let Some(notice) = self.lessons.done(&answer.outcome) {
                    self.notice = notice;
                }
            }
            Event::Voices(Err(reason)) => {
                self.lessons.failed();
                self.add_message(Severity::Error, reason);
            }
            Event::SettingsNotSaved(reason) => {
                let text = format!("The settings apply to this window only, because they could not be saved: {reason}");
                self.add_message(Severity::Warning, text);
            }
        }
    }

    fn add(&mut self, recording: Recording) -> usize {
        self.recordings.push(recording);
        self.recordings.len() - 1
    }

    fn speaker(&self, recording_idx: usize, label: &str) -> Option<&SpeakerEntry> {
        self.recordings.get(recording_idx)?.speakers.entry(label)
    }

    fn selected_recording(&mut self) -> Option<&mut Recording> {
        self.recordings.get_mut(self.selected_idx?)
    }

    fn edit(&mut self, recording_idx: usize, change: Change, notice: String) {
        let Some(recording) = self.recordings.get_mut(recording_idx) else { return };
        match recording.edit(change) {
            Ok(()) => self.notice = notice,
            Err(error) => self.add_message(Severity::Error, error.to_string()),
        }
    }

    fn recording_of(&mut self, job: JobId) -> Option<&mut Recording> {
        self.recordings.iter_mut().find(|recording| recording.job == Some(job))
    }

    fn change(&mut self, job: JobId, change: impl FnOnce(&mut Recording)) {
        if let Some(recording) = self.recording_of(job) {
            change(recording);
        } else {
            tracing::warn!(?job, "an event of a job that this window did not start");
        }
    }
}

/// The text, preceded by the path unless it names it already.
fn naming(path: &Path, text: String) -> String {
    let path = path.display().to_string();
    if text.contains(&path) { text } else { format!("{path}: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::voices::{VoicesAnswer, VoicesOutcome};
    use crate::engine::{JobProgress, JobReport, Stage};
    use crate::transcript::{Segment, Speaker};
    use crate::units::{Seconds, TimeSpan};

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
        let Some(VoiceCommand::Learn { name, voiceprint, recording, speaker }) = state.learn_voice(0, "SPEAKER_00")
        else {
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
    fn the_list_of_speakers_is_shown_where_there_are_some_and_room() {
        let (automatic, shown, hidden) = (PanelChoice::Automatic, PanelChoice::Shown, PanelChoice::Hidden);
        for (choice, width, expected) in
            [(automatic, 1280.0, true), (automatic, 640.0, false), (shown, 640.0, true), (hidden, 1280.0, false)]
        {
            for (mut state, expected) in [(meeting(), expected), (after(vec![said(&["one"])]), false)] {
                state.select(0);
                state.choose_speakers_panel(choice);
                assert_eq!(state.shows_speakers(width), expected, "{choice:?} at {width}");
            }
        }
    }

    fn rename(state: &mut State, name: &str) {
        state.rename_speaker(0, "SPEAKER_01".to_owned(), name);
    }

    fn merge(state: &mut State) {
        state.merge_speakers(0, "SPEAKER_01".to_owned(), "SPEAKER_00".to_owned());
    }

    /// Two speakers; the first has a name and a voiceprint.
    fn meeting() -> State {
        let mut transcript = spoken(&["one", "two"]);
        for (segment, label) in transcript.segments.iter_mut().zip(["SPEAKER_00", "SPEAKER_01"]) {
            segment.speaker = Some(label.to_owned());
            transcript.speakers.push(Speaker { label: label.to_owned(), ..Speaker::default() });
        }
        transcript.speakers[0].name = Some("Nora".to_owned());
        transcript.speakers[0].voiceprint = vec![0.6, 0.8];
        let mut state = State::default();
        let idx = state.add_transcript("/in/meeting.wav".into(), Arc::new(transcript));
        state.select(idx);
        state
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
}
