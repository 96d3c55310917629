//! What the window knows: recordings, messages, models, what was chosen. Engine events and user actions change it,
//! panels read it. No egui and no I/O in here, so that every sequence of events can be tested. What they do to recordings
//! of the library is in `library.rs`, what changes of transcripts and listening do in `editing.rs`, and what recording
//! does to all else in `record.rs`.

mod editing;
mod library;
mod queue;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::voices::VoiceCommand;
use crate::engine::{Event, JobId, JobReport, LoadedModel};
use crate::settings::SideTab;
use crate::transcript::Transcript;
use crate::transcript::edit::Change;

use super::cache_state::{CacheState, Page, Tab, Told};
use super::learning::{Learning, Lesson, Lessons};
use super::library_state::LibraryState;
use super::library_words::Sought;
use super::message_list::{Message, MessageList, Severity};
use super::playback_state::PlaybackState;
use super::record_state::RecordState;
use super::recording::{Phase, Recording};
use super::results_state::ResultsState;
use super::side_state::SideState;
use super::speakers::SpeakerEntry;
use super::texts::{text, text_with};
use super::versions_state::Cause;

pub(super) use library::LibraryWish;

/// In a narrower window the panel at the right is shown only when it is asked for.
const NARROW_WIDTH: f32 = 700.0;
/// In a narrower window the models, or the page for recording, take the place of the library.
const MIN_WIDTH_FOR_LIBRARY_AND_MODELS: f32 = 960.0;

/// All that the window shows.
#[derive(Debug, Default)]
pub(super) struct State {
    recordings: Vec<Recording>,
    selected_idx: Option<usize>,
    /// What the user should know.
    pub(super) messages: MessageList,
    notice: String,
    models: Vec<LoadedModel>,
    library_panel: PanelChoice,
    /// The panel at the right.
    pub(super) side: SideState,
    /// Where to scroll to in a recording.
    sought: Option<(usize, Sought)>,
    n_speakers: Option<usize>,
    lessons: Lessons,
    /// Models on both levels, and those that can be had.
    pub(super) cache: CacheState,
    /// All recordings there are, and what is looked for in them.
    pub(super) library: LibraryState,
    /// Results of earlier jobs.
    pub(super) results: ResultsState,
    /// What is heard.
    pub(super) playback: PlaybackState,
    /// What is being recorded.
    pub(super) record: RecordState,
}

/// Whether the library or the panel at the right is shown beside the transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PanelChoice {
    /// Where there is room for it.
    #[default]
    Automatic,
    /// The user asked for it.
    Shown,
    /// The user does not want it.
    Hidden,
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
        self.messages.newest_first()
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
            self.results.close();
            self.library.stop_opening();
        }
    }

    /// Puts a new job in the place of one that ended without a transcript.
    pub(super) fn requeue(&mut self, recording_idx: usize, job: JobId) {
        if let Some(recording) = self.recordings.get_mut(recording_idx) {
            *recording = recording.requeued(job, self.cache.chosen());
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
        self.messages.add(severity, text);
    }

    /// The engine has ended by itself: no job goes on, and the user learns why nothing moves any more.
    pub(super) fn engine_lost(&mut self) {
        for recording in &mut self.recordings {
            if recording.is_unfinished() || recording.phase == Phase::Stopping {
                recording.phase = Phase::Failed(text("app-engine-stopped"));
            }
        }
        self.lessons.give_up();
        self.cache.give_up();
        self.library.give_up();
        self.results.give_up();
        self.playback.give_up();
        if let Some(told) = self.record.give_up() {
            self.tell(told);
        }
        self.add_message(Severity::Error, text("app-engine-lost"));
    }

    /// Removes a message.
    pub(super) fn dismiss(&mut self, id: u64) {
        self.messages.dismiss(id);
    }

    /// Replaces the notice.
    pub(super) fn set_notice(&mut self, notice: String) {
        self.notice = notice;
    }

    /// Whether the panel at the right is shown in a window of this width.
    pub(super) fn shows_side(&self, window_width: f32) -> bool {
        let Some((_, recording)) = self.selected().filter(|_| self.cache.page() == Page::Recordings) else {
            return false;
        };
        match self.side.choice {
            PanelChoice::Automatic => {
                let has_content = match self.side.tab() {
                    SideTab::Speakers => !recording.speakers.entries().is_empty(),
                    SideTab::Export | SideTab::Details => true,
                };
                has_content && !is_narrow(window_width)
            }
            PanelChoice::Shown => true,
            PanelChoice::Hidden => false,
        }
    }

    /// Shows a tab of the panel at the right, beside the recordings.
    pub(super) fn show_tab(&mut self, tab: SideTab) {
        self.side.choose_tab(tab);
        self.choose_side_panel(PanelChoice::Shown);
        self.cache.close();
        self.results.close();
    }

    /// Shows or hides the panel at the right.
    pub(super) fn choose_side_panel(&mut self, choice: PanelChoice) {
        self.side.choice = choice;
        if choice == PanelChoice::Shown {
            // A narrow window has room for one of them.
            leave_to_room(&mut self.library_panel);
        }
    }

    /// Whether the library is shown in a window of this width.
    pub(super) fn shows_library(&self, window_width: f32) -> bool {
        let has_room = match self.cache.page() {
            Page::Recordings => !is_narrow(window_width) || !self.shows_side(window_width),
            Page::Models | Page::Record => window_width >= MIN_WIDTH_FOR_LIBRARY_AND_MODELS,
        };
        let is_anything_there = !self.recordings.is_empty() || !self.library.is_empty();
        match self.library_panel {
            PanelChoice::Automatic => has_room && is_anything_there,
            PanelChoice::Shown => has_room,
            PanelChoice::Hidden => false,
        }
    }

    /// What the user said about the library and about the panel at the right.
    pub(super) fn panel_choices(&self) -> (PanelChoice, PanelChoice) {
        (self.library_panel, self.side.choice)
    }

    /// Shows or hides the library.
    pub(super) fn choose_library_panel(&mut self, choice: PanelChoice) {
        self.library_panel = choice;
        if choice == PanelChoice::Shown {
            leave_to_room(&mut self.side.choice);
        }
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
            let before = speaker.name.as_str();
            text_with("app-name-taken-away", &[("before", before.into()), ("label", label.as_str().into())])
        } else {
            let before = speaker.shown_name();
            text_with("app-renamed", &[("before", before.into()), ("name", name.as_str().into())])
        };
        self.edit(recording_idx, Change::RenameSpeaker { label, name }, notice);
    }

    /// Makes one speaker of two; the label of the second stays.
    pub(super) fn merge_speakers(&mut self, recording_idx: usize, from: String, into: String) {
        let names = [&from, &into].map(|label| Some(self.speaker(recording_idx, label)?.shown_name()));
        let [Some(from_name), Some(into_name)] = names else { return };
        let notice = text_with("app-merged", &[("from", from_name.into()), ("into", into_name.into())]);
        self.edit(recording_idx, Change::MergeSpeakers { from, into }, notice);
    }

    /// Takes back the last change of the transcript that is shown.
    pub(super) fn undo(&mut self) {
        if self.selected_recording().is_some_and(Recording::undo) {
            self.notice = text("app-undone");
        } else if let Some((id, version)) = self.selected_recording().and_then(Recording::take_replaced) {
            self.restore(id, version, Cause::TakenBack);
        }
    }

    /// Makes the change again that was taken back last.
    pub(super) fn redo(&mut self) {
        if self.selected_recording().is_some_and(Recording::redo) {
            self.notice = text("app-redone");
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
                Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled | Phase::Listed(_) => {}
            }),
            Event::Continues(job, at) => {
                if let Some(recording) = self.recording_of(job) {
                    recording.continue_at(at);
                    let (name, time) = (recording.name(), at.to_string());
                    self.notice = text_with("app-continues", &[("name", name.into()), ("time", time.into())]);
                }
            }
            Event::AudioReady(job, duration) => self.change(job, |recording| recording.duration = Some(duration)),
            Event::Segments(job, segments) => self.change(job, |recording| recording.extend(segments)),
            Event::Warning(job, text) => {
                let text = match self.recording_of(job) {
                    Some(recording) if !text.contains(&recording.name()) => format!("{}: {text}", recording.name()),
                    Some(_) | None => text,
                };
                self.add_message(Severity::Warning, text);
            }
            Event::JobDone(job, transcript, report) => self.finish(job, transcript, report),
            Event::JobFailed(job, line) => {
                self.note_job();
                self.add_message(Severity::Error, line.clone());
                self.change(job, |recording| recording.phase = Phase::Failed(line));
            }
            Event::JobCancelled(job) => {
                self.note_job();
                self.change(job, |recording| recording.phase = Phase::Cancelled);
            }
            Event::Models(models) => {
                self.models = models;
                self.cache.note_job();
            }
            Event::ModelCache(event) => {
                if let Some(told) = self.cache.apply(event) {
                    self.tell(told);
                }
            }
            Event::Library(event) => {
                if let Some(news) = self.library.apply(event) {
                    self.take_news(news);
                }
            }
            Event::Results(event) => {
                if let Some(told) = self.results.apply(event) {
                    self.tell(told);
                }
            }
            Event::Playback(event) => self.take_play_event(event),
            Event::Recording(event) => self.take_record_event(event),
            Event::FileWritten(path) => {
                self.notice = text_with("app-saved", &[("file", path.display().to_string().into())]);
            }
            Event::FileNotWritten(path, reason) => {
                let line = text_with("app-not-exported", &[("problem", reason.into())]);
                self.add_message(Severity::Error, naming(&path, line));
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
                let line = text_with("app-settings-not-saved", &[("problem", reason.into())]);
                self.add_message(Severity::Warning, line);
            }
        }
    }

    fn finish(&mut self, job: JobId, transcript: Arc<Transcript>, report: JobReport) {
        self.note_job();
        let Some(recording_idx) = self.recordings.iter().position(|recording| recording.job == Some(job)) else {
            tracing::warn!(?job, "the end of a job that this window did not start");
            return;
        };
        let recording = &mut self.recordings[recording_idx];
        self.cache.note_speed(&recording.model, transcript.duration, &report);
        recording.note_report(report);
        recording.finish(transcript);
        self.side.refresh();
        // Changes of its transcript are kept under its number.
        self.library.look_up(recording_idx, &recording.path);
    }

    /// Notes that a job ended, which may have changed what is told of models and results.
    fn note_job(&mut self) {
        self.cache.note_job();
        if self.cache.page() == Page::Models && self.cache.tab() == Tab::Results {
            self.results.want_survey();
        }
    }

    /// Lets the user read something. What stands there already is not said twice.
    fn tell(&mut self, told: Told) {
        let (severity, text) = match told {
            Told::Notice(notice) => {
                self.notice = notice;
                return;
            }
            Told::Warning(text) => (Severity::Warning, text),
            Told::Error(text) => (Severity::Error, text),
        };
        if !self.messages().any(|message| message.text == text) {
            self.add_message(severity, text);
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
            Ok(_) => self.notice = notice,
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

/// A panel that was asked for is shown where there is room from now on.
fn leave_to_room(choice: &mut PanelChoice) {
    if *choice == PanelChoice::Shown {
        *choice = PanelChoice::Automatic;
    }
}

/// Whether the library and the panel at the right do not fit beside a transcript.
pub(super) fn is_narrow(window_width: f32) -> bool {
    window_width < NARROW_WIDTH
}

/// The text, preceded by the path unless it names it already.
fn naming(path: &Path, text: String) -> String {
    let path = path.display().to_string();
    if text.contains(&path) { text } else { format!("{path}: {text}") }
}
