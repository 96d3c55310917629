//! One recording in the window: its job, its transcript and the changes made to it, and how all of that is put into
//! words. No egui in here.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::library::{Estimate, LibraryCommand, RecordingEntry, RecordingId, Status};
use crate::engine::{DEFAULT_MODEL, JobId, JobProgress, JobReport, Stage};
use crate::transcript::edit::{Change, EditError, History};
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::speakers::Speakers;
use super::texts::{text, text_with};

/// What stands in the place of the path of a transcript without a recording.
pub(super) const NO_FILE: &str = "Transcript";

/// A recording and what became of it.
#[derive(Debug)]
pub(super) struct Recording {
    /// The job that transcribes it; `None` for a transcript that was given to the window or opened from the library.
    pub(super) job: Option<JobId>,
    /// Its number in the library, once known.
    pub(super) library: Option<RecordingId>,
    /// The model that transcribes it; empty where that is not known.
    pub(super) model: String,
    /// The file.
    pub(super) path: PathBuf,
    /// How far it is.
    pub(super) phase: Phase,
    /// Its length, once known.
    pub(super) duration: Option<Seconds>,
    /// What is known of its text; grows while the job runs, and is the user's to edit afterwards.
    pub(super) transcript: Arc<Transcript>,
    /// Those who speak in it, in the words of the window.
    pub(super) speakers: Speakers,
    /// Rises whenever the transcript becomes another, but not when segments are added at its end.
    pub(super) revision: u64,
    /// What is known of its job while that waits.
    pub(super) waiting: Waiting,
    /// The version of the transcript in whose place the user put the one that is shown.
    replaced: Option<usize>,
    /// Up to where the text was known when its job began.
    continues_at: Option<Seconds>,
    /// What its job told at its end; `None` where no job of this window gave the transcript.
    report: Option<JobReport>,
    keeping: Keeping,
    history: History,
}

/// A job that waits for its turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    /// How long it will take, where that can be told.
    pub(super) estimate: Option<Estimate>,
    /// 0, or how many were wanted before all others until this one was.
    pub(super) turn: u64,
}

/// Whether the library has the transcript as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// It has, or is not there to have it.
    Kept,
    /// The user changed it since.
    Unsaved,
    /// It has one that the user changed on an earlier day, which is to come.
    Awaited,
}

/// How far a recording is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// Its job is in the queue.
    Waiting,
    /// Its job runs; `None` until the first report.
    Running(Option<JobProgress>),
    /// The user asked to stop; the engine has not answered yet.
    Stopping,
    /// The transcript is whole.
    Done,
    /// The job ended with this line.
    Failed(String),
    /// The job was stopped.
    Cancelled,
    /// The library lists it without a transcript.
    Listed(Status),
}

impl Recording {
    /// A recording whose job was just queued.
    pub(super) fn queued(job: JobId, model: &str, path: PathBuf) -> Self {
        Self { job: Some(job), model: model.to_owned(), ..Self::new(path, Phase::Waiting) }
    }

    /// The same recording with a new job, which was just queued.
    pub(super) fn requeued(&self, job: JobId, model: &str) -> Self {
        let queued = Self::queued(job, model, self.path.clone());
        Self { library: self.library, revision: self.revision + 1, ..queued }
    }

    /// A recording as the library keeps it, and the changes that are in its transcript.
    pub(super) fn kept(entry: RecordingEntry, transcript: Option<Arc<Transcript>>, changes: Vec<Change>) -> Self {
        let model = if let Status::Done(model) = &entry.status { model.clone() } else { String::new() };
        let phase = match entry.status {
            Status::Failed(line) => Phase::Failed(line),
            status @ (Status::New | Status::PartlyDone | Status::Done(_) | Status::Missing) => Phase::Listed(status),
        };
        let mut recording = Self::new(entry.path, phase);
        (recording.library, recording.model, recording.duration) = (Some(entry.id), model, entry.duration);
        if let Some(transcript) = transcript {
            recording.finish(transcript);
            recording.history = History::after(changes);
        }
        recording
    }

    /// A recording whose transcript exists already.
    pub(super) fn transcribed(path: PathBuf, transcript: Arc<Transcript>) -> Self {
        let mut recording = Self::new(path, Phase::Done);
        recording.finish(transcript);
        recording
    }

    fn new(path: PathBuf, phase: Phase) -> Self {
        Self {
            job: None,
            library: None,
            model: String::new(),
            path,
            phase,
            duration: None,
            transcript: Arc::default(),
            speakers: Speakers::default(),
            revision: 0,
            waiting: Waiting::default(),
            replaced: None,
            continues_at: None,
            report: None,
            keeping: Keeping::Kept,
            history: History::default(),
        }
    }

    /// Adds what was transcribed next.
    pub(super) fn extend(&mut self, segments: Vec<Segment>) {
        self.speakers.note_segments(&segments);
        Arc::make_mut(&mut self.transcript).segments.extend(segments);
    }

    /// Notes that the text up to here was known when the job began.
    pub(super) fn continue_at(&mut self, at: Seconds) {
        self.continues_at = Some(at);
    }

    /// Notes what the job told at its end.
    pub(super) fn note_report(&mut self, report: JobReport) {
        self.report = Some(report);
    }

    /// What the job told at its end that gave the transcript in this window.
    pub(super) fn report(&self) -> Option<&JobReport> {
        self.report.as_ref()
    }

    /// How many changes by hand are in the transcript.
    pub(super) fn n_changes(&self) -> usize {
        self.history.changes().count()
    }

    /// Takes the whole transcript in the place of what is there.
    pub(super) fn finish(&mut self, transcript: Arc<Transcript>) {
        (self.phase, self.continues_at, self.replaced) = (Phase::Done, None, None);
        self.duration = Some(transcript.duration);
        self.transcript = transcript;
        self.history = History::default();
        self.take_in();
    }

    /// Changes the transcript, and returns in how many places.
    pub(super) fn edit(&mut self, change: Change) -> Result<usize, EditError> {
        let n_places = self.history.apply(Arc::make_mut(&mut self.transcript), change)?;
        if n_places > 0 {
            self.take_in_change();
        }
        Ok(n_places)
    }

    /// Whether the transcript can be changed: while a job runs, its result would take the place of what was changed.
    pub(super) fn can_edit(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Whether there is a file that can be listened to.
    pub(super) fn has_file(&self) -> bool {
        self.path.as_os_str() != NO_FILE
    }

    /// Takes the last change back; `false` where there is none.
    pub(super) fn undo(&mut self) -> bool {
        let is_undone = self.can_undo() && self.history.undo(Arc::make_mut(&mut self.transcript));
        if is_undone {
            self.take_in_change();
        }
        is_undone
    }

    /// Makes a change again that was taken back; `false` where there is none.
    pub(super) fn redo(&mut self) -> bool {
        let is_redone = self.can_redo() && self.history.redo(Arc::make_mut(&mut self.transcript));
        if is_redone {
            self.take_in_change();
        }
        is_redone
    }

    /// Whether there is a change to take back.
    pub(super) fn can_undo(&self) -> bool {
        self.history.can_undo() || (self.can_edit() && self.replaced.is_some())
    }

    /// Whether there is a change to make again.
    pub(super) fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    /// What the library is to be told, so that the changes made since are kept.
    pub(super) fn take_save(&mut self) -> Option<LibraryCommand> {
        let recording = self.library.filter(|_| self.keeping == Keeping::Unsaved)?;
        self.keeping = Keeping::Kept;
        let changes = self.history.changes().cloned().collect();
        Some(LibraryCommand::Save { recording, transcript: self.transcript.clone(), changes })
    }

    /// Whether it has changes that nobody keeps, for it is not known to be one of the library.
    pub(super) fn has_unkept_changes(&self) -> bool {
        self.library.is_none() && self.keeping == Keeping::Unsaved && self.history.can_undo()
    }

    /// Notes that the library has this transcript with changes of an earlier day, which are to come.
    pub(super) fn await_kept(&mut self) {
        self.keeping = Keeping::Awaited;
    }

    /// Takes the transcript of the library with the changes in it, if they were waited for.
    pub(super) fn take_kept(&mut self, transcript: &Arc<Transcript>, changes: &[Change]) {
        if self.keeping == Keeping::Awaited {
            (self.keeping, self.transcript) = (Keeping::Kept, transcript.clone());
            self.history = History::after(changes.to_vec());
            self.take_in();
        }
    }

    /// Takes the version of its transcript that the library has restored; what was there can be brought back.
    pub(super) fn take_restored(&mut self, transcript: &Arc<Transcript>, changes: &[Change], replaced: Option<usize>) {
        (self.keeping, self.transcript, self.replaced) = (Keeping::Kept, transcript.clone(), replaced);
        self.history = History::after(changes.to_vec());
        self.take_in();
    }

    /// The version that is to be brought back when the last change is taken back, once.
    pub(super) fn take_replaced(&mut self) -> Option<(RecordingId, usize)> {
        let recording = self.library.filter(|_| !self.history.can_undo())?;
        Some((recording, self.replaced.take()?))
    }

    /// Whether it is one of those that were opened in this window, rather than in the library.
    pub(super) fn is_of_session(&self) -> bool {
        self.job.is_some() || self.library.is_none()
    }

    fn take_in_change(&mut self) {
        // Changes of an earlier day must not be lost to a new one.
        if self.keeping == Keeping::Kept {
            self.keeping = Keeping::Unsaved;
        }
        self.take_in();
    }

    fn take_in(&mut self) {
        self.revision += 1;
        self.speakers.refresh(&self.transcript);
    }

    /// The file's name without its folder.
    pub(super) fn name(&self) -> String {
        if !self.has_file() {
            return text("record-no-file");
        }
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The file's name without folder and extension: what an export is called.
    pub(super) fn stem(&self) -> String {
        if !self.has_file() {
            return text("record-no-file");
        }
        self.path.file_stem().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Whether its job waits or runs and can be told to stop.
    pub(super) fn is_unfinished(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Running(_) => true,
            Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled | Phase::Listed(_) => false,
        }
    }

    /// Whether its job ended without a transcript and can be tried again.
    pub(super) fn can_retry(&self) -> bool {
        match self.phase {
            Phase::Failed(_) | Phase::Cancelled => self.job.is_some(),
            Phase::Waiting | Phase::Running(_) | Phase::Stopping | Phase::Done | Phase::Listed(_) => false,
        }
    }

    /// Share of the whole job that is done, while it runs.
    pub(super) fn job_fraction(&self) -> Option<f32> {
        match &self.phase {
            Phase::Running(progress) => Some(progress.map_or(0.0, |progress| progress.job_fraction)),
            Phase::Waiting | Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled | Phase::Listed(_) => {
                None
            }
        }
    }

    /// How far it is, in one short line for the list.
    pub(super) fn status(&self) -> String {
        match &self.phase {
            Phase::Waiting => text("record-job-waiting"),
            Phase::Running(None) => text("record-job-starting"),
            Phase::Running(Some(progress)) => {
                let percent = (progress.job_fraction.clamp(0.0, 1.0) * 100.0).floor();
                let (stage, percent) = (stage_text(progress.stage), format!("{percent:.0}"));
                let mut values = vec![("stage", stage.into()), ("percent", percent.into())];
                match progress.remaining {
                    Some(remaining) => {
                        values.push(("remaining", remaining.to_string().into()));
                        text_with("record-job-running-left", &values)
                    }
                    None => text_with("record-job-running", &values),
                }
            }
            Phase::Stopping => text("record-job-stopping"),
            Phase::Done => text("record-job-done"),
            Phase::Failed(_) => text("record-job-failed"),
            Phase::Cancelled => text("record-job-cancelled"),
            Phase::Listed(_) => text("record-job-none"),
        }
    }

    /// What stands in the place of the text while there is none.
    pub(super) fn placeholder(&self) -> String {
        match &self.phase {
            Phase::Waiting => text("record-text-waits"),
            Phase::Running(None) => text("record-text-starts"),
            Phase::Running(Some(progress)) => match progress.stage {
                Stage::Transcribe => text("record-text-appears"),
                Stage::LoadModels
                | Stage::Decode
                | Stage::Speech
                | Stage::Align
                | Stage::Diarize
                | Stage::Recognise => text_with("record-text-stage", &[("stage", stage_text(progress.stage).into())]),
            },
            Phase::Stopping => text("record-text-stops"),
            Phase::Done => text("record-text-no-speech"),
            Phase::Failed(line) => line.clone(),
            Phase::Cancelled => text("record-text-cancelled"),
            Phase::Listed(Status::PartlyDone) => text("record-text-partly-done"),
            Phase::Listed(Status::Missing) => text("record-text-file-missing"),
            Phase::Listed(Status::New | Status::Done(_) | Status::Failed(_)) => text("record-text-not-yet"),
        }
    }

    /// What is known about it, in one line above the text.
    pub(super) fn facts(&self) -> String {
        let mut facts = Vec::new();
        if !self.transcript.is_empty() {
            match &self.phase {
                Phase::Failed(_) => facts.push(text("record-fact-failed")),
                Phase::Cancelled => facts.push(text("record-fact-stopped")),
                Phase::Waiting | Phase::Running(_) | Phase::Stopping | Phase::Done | Phase::Listed(_) => {}
            }
        }
        let length = |length: Seconds| text_with("record-fact-length", &[("length", length.to_string().into())]);
        facts.extend(self.duration.map(length));
        let language = self.transcript.language.as_str();
        if !language.is_empty() {
            facts.push(text_with("record-fact-language", &[("language", language.into())]));
        }
        match self.model.as_str() {
            "" => {}
            DEFAULT_MODEL => facts.push(text("record-fact-demo-model")),
            model => facts.push(text_with("record-fact-model", &[("model", model.into())])),
        }
        let continues = |at: Seconds| text_with("record-fact-continues", &[("at", at.to_string().into())]);
        facts.extend(self.continues_at.map(continues));
        facts.extend(self.report().and_then(reused_text));
        facts.join(" · ")
    }
}

/// What a job found in the store of results: `Known already: speech, text 12 of 40`; `None` where that is nothing.
fn reused_text(report: &JobReport) -> Option<String> {
    let work = &report.work;
    if work.iter().all(|work| work.n_reused == 0) {
        return None;
    }
    if work.iter().all(|work| work.n_computed == 0) {
        return Some(text("record-known-all"));
    }
    let parts = work.iter().filter(|work| work.n_reused > 0).map(|work| match work.n_computed {
        0 => result_text(work.stage),
        n_computed => {
            let (n_known, n_all) = (work.n_reused, work.n_reused + n_computed);
            let values = [("result", result_text(work.stage).into()), ("n", n_known.into()), ("all", n_all.into())];
            text_with("record-known-partly", &values)
        }
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    Some(text_with("record-known", &[("parts", parts.into())]))
}

/// What a stage does.
pub(super) fn stage_text(stage: Stage) -> String {
    text(match stage {
        Stage::Decode => "record-stage-decode",
        Stage::LoadModels => "record-stage-models",
        Stage::Speech => "record-stage-speech",
        Stage::Transcribe => "record-stage-transcribe",
        Stage::Align => "record-stage-align",
        Stage::Diarize => "record-stage-diarize",
        Stage::Recognise => "record-stage-recognise",
    })
}

/// What comes of a stage.
fn result_text(stage: Stage) -> String {
    text(match stage {
        Stage::Decode => "record-result-sound",
        Stage::LoadModels => "record-result-models",
        Stage::Speech => "record-result-speech",
        Stage::Transcribe => "record-result-text",
        Stage::Align => "record-result-times",
        Stage::Diarize => "record-result-speakers",
        Stage::Recognise => "record-result-names",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StageWork;
    use crate::transcript::Speaker;
    use crate::ui::library_samples::entry;

    #[test]
    fn what_was_known_already_is_told() {
        let (speech, text, names) = (Stage::Speech, Stage::Transcribe, Stage::Recognise);
        for (work, expected) in [
            (vec![], None),
            (vec![(speech, 3, 0), (text, 40, 0)], None),
            (vec![(speech, 0, 3), (text, 28, 12), (names, 1, 0)], Some("Known already: speech, text 12 of 40")),
            (vec![(speech, 0, 3), (text, 0, 40)], Some("All of it was known already")),
        ] {
            let work = work.into_iter().map(|(stage, n_computed, n_reused)| StageWork { stage, n_computed, n_reused });
            let report = JobReport { work: work.collect(), ..JobReport::default() };
            assert_eq!(reused_text(&report).as_deref(), expected);
        }
    }

    #[test]
    fn a_recording_of_the_library_says_why_it_has_no_text() {
        for (status, expected) in [
            (Status::New, "has not been transcribed yet"),
            (Status::PartlyDone, "go on where it stopped"),
            (Status::Failed("a.wav: is empty".to_owned()), "a.wav: is empty"),
            (Status::Missing, "not where it was"),
        ] {
            let recording = Recording::kept(RecordingEntry { status, ..entry(1) }, None, Vec::new());
            assert!(recording.placeholder().contains(expected), "{}", recording.placeholder());
            assert!(!recording.is_of_session() && !recording.can_retry());
        }
    }

    #[test]
    fn all_changes_are_kept_with_those_of_earlier_days() {
        let speaker = |label: &str| Speaker { label: label.to_owned(), ..Speaker::default() };
        let transcript = Transcript { speakers: vec![speaker("A"), speaker("B")], ..Transcript::default() };
        let named = |label: &str, name: &str| Change::RenameSpeaker { label: label.to_owned(), name: name.to_owned() };
        let mut recording = Recording::kept(entry(1), Some(Arc::new(transcript)), vec![named("A", "Nora")]);
        assert!(recording.take_save().is_none(), "nothing has changed");
        recording.edit(named("B", "Brian")).expect("nobody else is called so");
        let saved = |recording: &mut Recording| match recording.take_save() {
            Some(LibraryCommand::Save { changes, .. }) => changes,
            other => panic!("{other:?}"),
        };
        assert_eq!(saved(&mut recording), [named("A", "Nora"), named("B", "Brian")]);
        assert!(recording.take_save().is_none(), "it is on its way");
        assert!(recording.undo() && !recording.undo());
        assert_eq!(saved(&mut recording), [named("A", "Nora")]);
        recording.await_kept();
        recording.edit(named("B", "Ana")).expect("nobody else is called so");
        assert!(recording.take_save().is_none(), "it would replace what is to come");
        let transcript = recording.transcript.clone();
        recording.take_kept(&transcript, &[named("B", "Ana")]);
        recording.edit(named("A", "Eve")).expect("nobody else is called so");
        assert_eq!(saved(&mut recording), [named("B", "Ana"), named("A", "Eve")]);
    }
}
