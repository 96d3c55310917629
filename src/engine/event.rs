//! What the engine tells the window and the command line.

use std::path::PathBuf;
use std::sync::Arc;

use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::command::JobId;
use super::models::ModelsEvent;
use super::voices::VoicesAnswer;

/// The stages of a job, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The file becomes 16 kHz mono samples.
    Decode,
    /// Models come into memory; nothing to do for the second file.
    LoadModels,
    /// Where somebody speaks.
    Speech,
    /// What is said.
    Transcribe,
    /// When each word is said.
    Align,
    /// Who speaks when.
    Diarize,
    /// Whose voices these are.
    Recognise,
}

impl Stage {
    /// What the user reads while it runs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Decode => "Reading audio",
            Self::LoadModels => "Loading models",
            Self::Speech => "Finding speech",
            Self::Transcribe => "Transcribing",
            Self::Align => "Aligning words",
            Self::Diarize => "Telling speakers apart",
            Self::Recognise => "Recognising voices",
        }
    }
}

/// A model in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedModel {
    /// `family_variant_device`, such as `whisperx_demo_cpu`.
    pub key: String,
    /// Bytes of its weights in memory.
    pub n_bytes: usize,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobProgress {
    /// What is being done.
    pub stage: Stage,
    /// Share of this stage that is done, 0 to 1.
    pub stage_fraction: f32,
    /// Share of the whole job that is done, 0 to 1; never goes back.
    pub job_fraction: f32,
    /// Estimate of the time left, once there is something to base it on.
    pub remaining: Option<Seconds>,
}

/// Where the time of a finished job went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobReport {
    /// Wall-clock time of each stage that ran.
    pub stages: Vec<(Stage, Seconds)>,
    /// Wall-clock time of the job.
    pub total: Seconds,
}

/// What happened. Events of one job come in the order in which they happened, and end with exactly one of
/// [`Event::JobDone`], [`Event::JobFailed`] and [`Event::JobCancelled`].
#[derive(Clone, Debug)]
pub enum Event {
    /// The job runs.
    JobStarted(JobId),
    /// How far it is; at most some ten of these a second.
    Progress(JobId, JobProgress),
    /// The length of the recording is known.
    AudioReady(JobId, Seconds),
    /// More of the transcript, in order of time, following what came before.
    Segments(JobId, Vec<Segment>),
    /// Something the user should know; the job goes on.
    Warning(JobId, String),
    /// The whole transcript.
    JobDone(JobId, Arc<Transcript>, JobReport),
    /// The job ended without a transcript: one line that says what, which file, and what to do.
    JobFailed(JobId, String),
    /// The job was stopped on request.
    JobCancelled(JobId),
    /// The models in memory changed.
    Models(Vec<LoadedModel>),
    /// What came of a [`super::Command::Models`], or something else about models.
    ModelCache(ModelsEvent),
    /// A file asked for by [`super::Command::WriteFile`] is on disk.
    FileWritten(PathBuf),
    /// It is not, and this is why.
    FileNotWritten(PathBuf, String),
    /// What came of a [`super::Command::Voices`].
    Voices(Result<VoicesAnswer, String>),
    /// The settings could not be kept.
    SettingsNotSaved(String),
}
