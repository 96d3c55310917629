//! What the window and the command line ask of the engine.

use std::path::PathBuf;

use crate::models::catalog;
pub use crate::models::device::ComputeDevice;
pub use crate::nn::ComputeType;
pub use crate::nn::whisper::Task;
use crate::paths::AppPaths;
pub use crate::pipeline::diarize::options::{MAX_SPEAKERS, SpeakerCount};
pub use crate::pipeline::options::{Numerals, PreviousText};
use crate::settings::{Settings, WindowState};
use crate::task::CancelToken;

use super::library::LibraryCommand;
use super::models::ModelCommand;
use super::playback::PlayCommand;
use super::recording::RecordCommand;
use super::results::ResultsCommand;
use super::voices::VoiceCommand;

/// Number of a job, unique within one engine, in the order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Whether somebody waits for a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rank {
    /// The user asked for it.
    #[default]
    Wanted,
    /// It came by itself, into a watched folder: it is done when nothing is left that the user asked for.
    Spare,
}

/// Chunks that are decoded together unless the user says otherwise.
pub const DEFAULT_BATCH_SIZE: usize = 8;

/// How the model goes through a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Speech is found first, and many stretches of it are decoded together.
    #[default]
    Batched,
    /// From beginning to end, window after window, each with the text before it as a hint.
    Sequential,
}

/// Whether and how words get times of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Alignment {
    /// By the aligner of the language where there is one, else by Whisper itself.
    #[default]
    Automatic,
    /// By a wav2vec2 model in a folder, in Hugging Face layout, whatever the language.
    With(PathBuf),
    /// Not at all.
    Off,
}

/// What becomes of results that earlier jobs stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// They are used, and new ones are stored.
    #[default]
    Kept,
    /// All is computed anew and takes their place.
    Fresh,
}

/// Whether speakers are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Diarize {
    /// Every turn and word gets its speaker.
    #[default]
    On,
    /// Nobody asks who speaks.
    Off,
}

/// What is to be found out about the speakers of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakerRequest {
    /// Whether they are told apart at all.
    pub diarize: Diarize,
    /// Name of the diarization model as the catalog lists it, or its folder. Its first part finds speech, too.
    pub model: String,
    /// What is known of their number.
    pub count: SpeakerCount,
    /// Folder with more voices for this job, `NAME/*.wav` or `NAME.wav`, beside those that are enrolled.
    pub voices: Option<PathBuf>,
}

impl Default for SpeakerRequest {
    fn default() -> Self {
        let model = catalog::DEFAULT_DIARIZATION.to_owned();
        Self { diarize: Diarize::On, model, count: SpeakerCount::default(), voices: None }
    }
}

/// What helps a model with names and terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// What the recording is about: names and terms in it are recognised more easily. Empty for nothing.
    pub prompt: String,
    /// Names and terms that may come up at any time. Empty for none.
    pub hotwords: String,
    /// The words that the recording begins with; the transcript goes on after them. Empty for whatever it begins with.
    pub prefix: String,
}

/// A recording to transcribe, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequest {
    /// The recording: any audio or video file.
    pub path: PathBuf,
    /// Name of the model, as the catalog lists it.
    pub model: String,
    /// ISO 639-1 code of the spoken language, or `None` to detect it.
    pub language: Option<String>,
    /// Whether to write down what is said, or its translation into English.
    pub task: Task,
    /// How the model goes through the recording.
    pub mode: Mode,
    /// What helps the model with names and terms.
    pub hints: Hints,
    /// How numbers are written.
    pub numerals: Numerals,
    /// What each window of the sequential mode knows of the text before it.
    pub previous_text: PreviousText,
    /// Texts that the search follows at once; 1 takes the likeliest token at every step.
    pub beam_size: usize,
    /// Chunks that are decoded together.
    pub batch_size: usize,
    /// Whether words get times of their own,
    pub alignment: Alignment,
    /// and who speaks.
    pub speakers: SpeakerRequest,
    /// What the speech model computes on,
    pub device: ComputeDevice,
    /// and how exactly.
    pub compute_type: ComputeType,
    /// What becomes of results that earlier jobs stored.
    pub reuse: Reuse,
}

impl JobRequest {
    /// The recording in its own language, which is detected, with the usual settings.
    pub fn new(path: PathBuf, model: &str) -> Self {
        Self {
            path,
            model: model.to_owned(),
            language: None,
            task: Task::Transcribe,
            mode: Mode::Batched,
            hints: Hints::default(),
            numerals: Numerals::AsModelWrites,
            previous_text: PreviousText::Given,
            beam_size: 1,
            batch_size: DEFAULT_BATCH_SIZE,
            alignment: Alignment::Automatic,
            speakers: SpeakerRequest::default(),
            device: ComputeDevice::Auto,
            compute_type: ComputeType::Int8,
            reuse: Reuse::Kept,
        }
    }
}

impl JobRequest {
    /// The bundled meeting with the bundled voices, so that its speakers get their names; `None` if this installation
    /// lacks it.
    pub fn demo(paths: &AppPaths) -> Option<Self> {
        let mut request = Self::new(paths.asset("demo/meetings/demo_1min_2spk.flac")?, catalog::DEFAULT_MODEL);
        request.speakers.voices = paths.asset("demo/speakers");
        Some(request)
    }
}

/// What the engine can be asked to do. Answers come as [`super::Event`]s.
#[derive(Debug)]
pub enum Command {
    /// Transcribe a recording when those before it are done.
    Transcribe {
        /// Number under which the events of this job come.
        job: JobId,
        /// The work.
        request: Box<JobRequest>,
        /// Whether somebody waits for it.
        rank: Rank,
        /// Stops the job, queued or running.
        cancel: CancelToken,
    },
    /// Drop a job that waits in the queue, so that the answer does not wait for the job that runs.
    Unqueue(JobId),
    /// Do a job that waits in the queue before all others there.
    Prefer(JobId),
    /// Write an exported file.
    WriteFile {
        /// Where to.
        path: PathBuf,
        /// The content.
        bytes: Vec<u8>,
        /// Recordings, none of which may be replaced by it: formats are told by content, so `speech.txt` may be sound.
        keep: Vec<PathBuf>,
    },
    /// Keep the user's choices.
    SaveSettings(Box<Settings>),
    /// Keep how the window is left. Where that fails, the next one opens as usual, and nobody is told.
    SaveWindow(WindowState),
    /// Do something with the enrolled voices.
    Voices(VoiceCommand),
    /// Do something with models.
    Models(ModelCommand),
    /// Record from a device.
    Record(RecordCommand),
    /// Listen to a recording.
    Play(PlayCommand),
    /// Do something with the library of recordings.
    Library(LibraryCommand),
    /// Do something with stored results.
    Results(ResultsCommand),
}
