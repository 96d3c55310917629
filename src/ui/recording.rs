//! One recording in the window: its job, its transcript and the changes made to it, and how all of that is put into
//! words. No egui in here.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::{DEFAULT_MODEL, JobId, JobProgress, Stage};
use crate::transcript::edit::{Change, EditError, History};
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::speakers::Speakers;

/// A recording and what became of it.
#[derive(Debug)]
pub(super) struct Recording {
    /// The job that transcribes it; `None` for a transcript that was given to the window.
    pub(super) job: Option<JobId>,
    /// The model that its job transcribes with; empty for a transcript that was given to the window.
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
    history: History,
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
}

impl Recording {
    /// A recording whose job was just queued.
    pub(super) fn queued(job: JobId, model: &str, path: PathBuf) -> Self {
        Self { job: Some(job), model: model.to_owned(), ..Self::new(path, Phase::Waiting) }
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
            model: String::new(),
            path,
            phase,
            duration: None,
            transcript: Arc::default(),
            speakers: Speakers::default(),
            revision: 0,
            history: History::default(),
        }
    }

    /// Adds what was transcribed next.
    pub(super) fn extend(&mut self, segments: Vec<Segment>) {
        self.speakers.note_segments(&segments);
        Arc::make_mut(&mut self.transcript).segments.extend(segments);
    }

    /// Takes the whole transcript in the place of what is there.
    pub(super) fn finish(&mut self, transcript: Arc<Transcript>) {
        self.phase = Phase::Done;
        self.duration = Some(transcript.duration);
        self.transcript = transcript;
        self.history = History::default();
        self.take_in();
    }

    /// Changes who speaks.
    pub(super) fn edit(&mut self, change: Change) -> Result<(), EditError> {
        self.history.apply(Arc::make_mut(&mut self.transcript), change)?;
        self.take_in();
        Ok(())
    }

    /// Takes the last change back; `false` where there is none.
    pub(super) fn undo(&mut self) -> bool {
        let is_undone = self.can_undo() && self.history.undo(Arc::make_mut(&mut self.transcript));
        if is_undone {
            self.take_in();
        }
        is_undone
    }

    /// Makes a change again that was taken back; `false` where there is none.
    pub(super) fn redo(&mut self) -> bool {
        let is_redone = self.can_redo() && self.history.redo(Arc::make_mut(&mut self.transcript));
        if is_redone {
            self.take_in();
        }
        is_redone
    }

    /// Whether there is a change to take back.
    pub(super) fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    /// Whether there is a change to make again.
    pub(super) fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    fn take_in(&mut self) {
        self.revision += 1;
        self.speakers.refresh(&self.transcript);
    }

    /// The file's name without its folder.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The file's name without folder and extension: what an export is called.
    pub(super) fn stem(&self) -> String {
        self.path.file_stem().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Whether its job waits or runs and can be told to stop.
    pub(super) fn is_unfinished(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Running(_) => true,
            Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled => false,
        }
    }

    /// Share of the whole job that is done, while it runs.
    pub(super) fn job_fraction(&self) -> Option<f32> {
        match &self.phase {
            Phase::Running(progress) => Some(progress.map_or(0.0, |progress| progress.job_fraction)),
            Phase::Waiting | Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled => None,
        }
    }

    /// How far it is, in one short line for the list.
    pub(super) fn status(&self) -> String {
        match &self.phase {
            Phase::Waiting => "Waiting".to_owned(),
            Phase::Running(None) => "Starting".to_owned(),
            Phase::Running(Some(progress)) => {
                let percent = (progress.job_fraction.clamp(0.0, 1.0) * 100.0).floor();
                let left = progress.remaining.map(|remaining| format!(", about {remaining} left")).unwrap_or_default();
                format!("{} {percent:.0} %{left}", progress.stage.label())
            }
            Phase::Stopping => "Stopping".to_owned(),
            Phase::Done => "Done".to_owned(),
            Phase::Failed(_) => "Failed".to_owned(),
            Phase::Cancelled => "Cancelled".to_owned(),
        }
    }

    /// What stands in the place of the text while there is none.
    pub(super) fn placeholder(&self) -> String {
        match &self.phase {
            Phase::Waiting => "Its turn comes when the recordings before it are done.".to_owned(),
            Phase::Running(None) => "Starting…".to_owned(),
            Phase::Running(Some(progress)) => match progress.stage {
                Stage::Transcribe => "The first sentences appear in a moment.".to_owned(),
                Stage::LoadModels
                | Stage::Decode
                | Stage::Speech
                | Stage::Align
                | Stage::Diarize
                | Stage::Recognise => format!("{}…", progress.stage.label()),
            },
            Phase::Stopping => "Stopping…".to_owned(),
            Phase::Done => "No speech was found in this recording.".to_owned(),
            Phase::Failed(line) => line.clone(),
            Phase::Cancelled => "Stopped before there was any text. Open the recording again to start over.".to_owned(),
        }
    }

    /// What is known about it, in one line above the text.
    pub(super) fn facts(&self) -> String {
        let mut facts = Vec::new();
        if !self.transcript.is_empty() {
            match &self.phase {
                Phase::Failed(_) => facts.push("Failed: the text ends early".to_owned()),
                Phase::Cancelled => facts.push("Stopped: the text ends early".to_owned()),
                Phase::Waiting | Phase::Running(_) | Phase::Stopping | Phase::Done => {}
            }
        }
        facts.extend(self.duration.map(|duration| format!("Length {duration}")));
        if !self.transcript.language.is_empty() {
            facts.push(format!("Language {}", self.transcript.language));
        }
        match self.model.as_str() {
            "" => {}
            DEFAULT_MODEL => facts.push("Built-in demo model, for trying out".to_owned()),
            model => facts.push(format!("Model {model}")),
        }
        facts.join(" · ")
    }
}
