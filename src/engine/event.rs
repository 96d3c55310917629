//! What the engine tells the window and the command line.

use std::path::PathBuf;
use std::sync::Arc;

use crate::audio::features::Features;
use crate::audio::fingerprint::Fingerprint;
use crate::transcript::manifest::Manifest;
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::command::JobId;
use super::library::LibraryEvent;
use super::models::ModelsEvent;
use super::playback::PlayEvent;
use super::recording::RecordEvent;
use super::results::ResultsEvent;
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
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Decode, Self::LoadModels, Self::Speech, Self::Transcribe, Self::Align, Self::Diarize, Self::Recognise];

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

/// How much of a stage's work was done, in pieces: recordings that were decoded, chunks or windows that were transcribed,
/// passages that were aligned, blocks of windows that a network looked at. What takes no model is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageWork {
    /// The stage.
    pub stage: Stage,
    /// Pieces that were computed,
    pub n_computed: usize,
    /// and those that were stored by earlier jobs.
    pub n_reused: usize,
}

/// What a recording sounds like, as far as it was found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acoustics {
    /// How loud and how noisy it is, where it was looked who speaks.
    pub features: Option<Features>,
    /// By what another copy of it is recognised.
    pub fingerprint: Option<Fingerprint>,
}

/// Where the time of a finished job went, and what it found out beside the transcript.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobReport {
    /// Wall-clock time of each stage that ran. Looking stored results up and measuring what the recording sounds like are
    /// in none of them, only in the whole.
    pub stages: Vec<(Stage, Seconds)>,
    /// What each stage computed and what was known, in the order of stages.
    pub work: Vec<StageWork>,
    /// What the transcript was made of.
    pub manifest: Option<Arc<Manifest>>,
    /// What the recording sounds like.
    pub acoustics: Option<Arc<Acoustics>>,
    /// Wall-clock time of the job.
    pub total: Seconds,
}

impl JobReport {
    /// The share of the work that was known already, 0 to 1.
    pub fn reused_fraction(&self) -> f32 {
        let n_reused: usize = self.work.iter().map(|work| work.n_reused).sum();
        let n_computed: usize = self.work.iter().map(|work| work.n_computed).sum();
        if n_reused == 0 { 0.0 } else { n_reused as f32 / (n_reused + n_computed) as f32 }
    }
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
    /// The text up to here was known before the job began; what follows it is being transcribed.
    Continues(JobId, Seconds),
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
    /// What came of a [`super::Command::Record`], or happened to a recording.
    Recording(RecordEvent),
    /// What the player tells.
    Playback(PlayEvent),
    /// What came of a [`super::Command::Library`], or something else about the library of recordings.
    Library(LibraryEvent),
    /// What came of a [`super::Command::Results`], or something else about stored results.
    Results(ResultsEvent),
    /// A file asked for by [`super::Command::WriteFile`] is on disk.
    FileWritten(PathBuf),
    /// It is not, and this is why.
    FileNotWritten(PathBuf, String),
    /// What came of a [`super::Command::Voices`].
    Voices(Result<VoicesAnswer, String>),
    /// The settings could not be kept.
    SettingsNotSaved(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_is_a_share_of_all_the_work() {
        let work = |n_computed, n_reused| StageWork { stage: Stage::Transcribe, n_computed, n_reused };
        for (work, expected) in
            [(vec![], 0.0_f32), (vec![work(3, 0)], 0.0), (vec![work(1, 2), work(0, 1)], 0.75), (vec![work(0, 4)], 1.0)]
        {
            let fraction = JobReport { work, ..JobReport::default() }.reused_fraction();
            assert!((fraction - expected).abs() < f32::EPSILON, "{fraction} is not {expected}");
        }
    }
}
