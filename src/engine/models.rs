//! What can be asked about models, and what is answered: those in memory and on disk, those that can be had, and how
//! far downloads are: plain values. What is done about them is in `model_cache`, whose face for the command line is here.
//!
//! Downloads go on one after the other, beside everything else, and are told by the model's name. All other commands
//! are carried out one at a time, in the order in which they were sent, and each ends with exactly one answer.

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

pub use crate::models::key::ModelKey;
use crate::units::Seconds;

pub use super::model_cache::{
    ModelsError, clear, export, import, list, plan_clear, pull, remove, set_pin, verify, warm,
};

/// What can be done about models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelCommand {
    /// Tell what there is. Never fails: the answer is [`ModelsEvent::Listed`].
    List,
    /// Bring a model of the disk into memory.
    Load(ModelKey),
    /// Take a model out of memory; refused while it is in use.
    Unload(ModelKey),
    /// Keep a model on this level, whatever the budget says.
    Pin(Level, ModelKey),
    /// Let it go again when room is needed.
    Unpin(Level, ModelKey),
    /// Read all files of a model on disk and compare them with their hashes.
    Verify(ModelKey),
    /// Remove a model from the disk, and from memory; refused while it is in use.
    Delete(ModelKey),
    /// Remove all models from both levels but those that are pinned or in use.
    Clear,
    /// Fetch a model of the catalog by its name, or go on where its download stopped.
    Download(String),
    /// Stop a download and keep what is there of it.
    PauseDownload(String),
    /// Stop a download and remove what is there of it.
    CancelDownload(String),
    /// Write models to one file, for a machine without a network.
    Export {
        /// Which.
        keys: Vec<ModelKey>,
        /// Where to.
        path: PathBuf,
    },
    /// Take in the models of such a file, or of a folder in Hugging Face layout.
    Import(PathBuf),
    /// Stop the verification, export or import that runs.
    Stop,
    /// Keep the token that opens gated models.
    KeepToken(TypedToken),
    /// Forget it.
    ForgetToken,
}

/// Where a model is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Loaded, for this process.
    Memory,
    /// Ready to be loaded, for the next one too.
    Disk,
}

/// A token of the Hugging Face hub as the user typed it. It is never shown: not even [`fmt::Debug`] tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedToken(String);

impl TypedToken {
    /// The token in a text, without the blanks around it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The token itself, for the keyring and for requests.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TypedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedToken(***)")
    }
}

/// What is told about models.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelsEvent {
    /// What there is.
    Listed(Box<ModelListing>),
    /// A command other than a download is being carried out; at most some ten of these a second.
    Working {
        /// What is done, such as `Verifying whisperx_base_cpu`.
        what: String,
        /// Share of it that is done, 0 to 1, where that is known.
        fraction: Option<f32>,
    },
    /// It was carried out: one line that says what was done.
    Done(String),
    /// It was not: one line that says what, which model or file, and what to do.
    Failed(String),
    /// Something the user should know, such as a damaged model that was set aside.
    Warning(String),
    /// How far a download is; while it runs, at most some ten of these a second.
    Download {
        /// Name of the model.
        model: String,
        /// How far it is.
        state: DownloadState,
    },
}

/// How far a download is.
#[derive(Clone, Debug, PartialEq)]
pub enum DownloadState {
    /// Its turn has not come, or the server has not answered yet.
    Waiting,
    /// Bytes come in.
    Running(Fetched, Rate),
    /// It was stopped and can go on.
    Paused(Fetched),
    /// All is there; it is checked and made ready to be loaded.
    Preparing,
    /// The model is on disk.
    Done,
    /// It was stopped, and nothing is left of it.
    Cancelled,
    /// It ended: one line that says why and what to do. It goes on where it stopped when it is asked for again.
    Failed(String),
}

/// How much of a download is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes on disk.
    pub n_bytes: u64,
    /// Bytes in all; 0 until the server has told.
    pub total_bytes: u64,
}

/// How fast it grows; unknown in the first moments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// Bytes a second, lately.
    pub bytes_per_sec: Option<f64>,
    /// Estimate of the time left.
    pub remaining: Option<Seconds>,
}

/// All that is known about models at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelListing {
    /// Folder of the models on disk.
    pub folder: PathBuf,
    /// Every model that can be used or had, in the order of the catalog; imported ones after those.
    pub available: Vec<AvailableModel>,
    /// Models in memory, in any order.
    pub in_memory: Vec<CachedModel>,
    /// Models on disk, in any order. What is built in is not among them.
    pub on_disk: Vec<CachedModel>,
    /// Bytes that models may take in memory.
    pub memory_budget_bytes: u64,
    /// Bytes that they may take on disk; `None` where nothing but the disk is the limit.
    pub disk_budget_bytes: Option<u64>,
    /// What lies beside the models on disk.
    pub beside: Beside,
    /// Since this process began.
    pub since_start: CacheCounters,
    /// Since the folder was made.
    pub lifetime: CacheCounters,
    /// Whether models may be fetched.
    pub downloads: Downloads,
    /// Whether there is a token for gated models.
    pub token: TokenPlace,
    /// Threads that models compute with.
    pub n_threads: usize,
}

/// What lies on disk beside models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Models whose downloads are not finished.
    pub n_unfinished: usize,
    /// What has arrived of them.
    pub unfinished_bytes: u64,
    /// Damaged models that were set aside.
    pub n_set_aside: usize,
    /// What they take.
    pub set_aside_bytes: u64,
}

/// A model on one of the two levels.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedModel {
    /// Its key.
    pub key: ModelKey,
    /// Bytes that it takes on this level.
    pub n_bytes: u64,
    /// When it was used last; `None` if never.
    pub last_used: Option<SystemTime>,
    /// How often it was used.
    pub n_uses: u64,
    /// What is going on with it.
    pub state: CachedState,
    /// Whether it stays whatever the budget says.
    pub pinning: Pinning,
    /// More about it in one line: where it came from, how long it took to load.
    pub detail: String,
}

/// What is going on with a model on one of the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachedState {
    /// It is on its way into memory, or being written to disk.
    Loading,
    /// It can be used.
    Idle,
    /// A job uses it.
    InUse,
    /// Its files are not what they should be, and it cannot be used.
    Damaged,
    /// Another version of Hansard made it, and it cannot be used as it is.
    Outdated,
}

/// Whether a model stays whatever the budget says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// It goes when room is needed.
    #[default]
    Unpinned,
    /// It stays.
    Pinned,
}

/// A model that can be used or had.
#[derive(Clone, Debug, PartialEq)]
pub struct AvailableModel {
    /// Its name in the catalog, as [`super::JobRequest::model`] takes it.
    pub name: String,
    /// What it is for.
    pub purpose: ModelPurpose,
    /// Its key on this machine.
    pub key: ModelKey,
    /// Where it is published, as `owner/name` of the Hugging Face hub; `None` for what is built in.
    pub repository: Option<String>,
    /// Bytes to be fetched; 0 for what is built in.
    pub download_bytes: u64,
    /// Bytes that it takes in memory: counted if it was ever loaded, else estimated.
    pub memory_bytes: u64,
    /// The languages it knows, in words.
    pub languages: String,
    /// The licence's name.
    pub licence: String,
    /// Whether everybody may fetch it.
    pub gate: Gate,
    /// What is there of it.
    pub presence: Presence,
    /// The dimensions of a Whisper model, for estimates of its speed.
    pub shape: Option<WhisperShape>,
    /// Seconds of sound that it transcribed in a second on this machine, in a benchmark or in jobs.
    pub measured_speed: Option<f64>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPurpose {
    /// Speech to text.
    Transcription,
    /// Times of words.
    Alignment,
    /// Who speaks, and whose voice that is.
    Speakers,
}

/// Whether everybody may fetch a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everybody.
    Open,
    /// Whoever accepted its conditions on its page and has a token that says so.
    Gated,
}

/// What is there of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It ships with Hansard.
    BuiltIn,
    /// It is on disk, or in a cache of Hugging Face's that is read too.
    Installed,
    /// A download stopped on the way.
    Partial(Fetched),
    /// Nothing.
    Absent,
}

/// The dimensions of a Whisper model that its speed depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhisperShape {
    /// Width of the hidden states.
    pub width: usize,
    /// Layers of the encoder.
    pub n_encoder_layers: usize,
    /// Layers of the decoder.
    pub n_decoder_layers: usize,
    /// Mel bands of the input.
    pub n_mels: usize,
    /// Frames of the encoder's output in a window, 20 ms each.
    pub n_audio_positions: usize,
    /// Tokens of the vocabulary.
    pub n_tokens: usize,
}

/// What the cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CacheCounters {
    /// Models that were in memory when they were needed.
    pub n_hits: u64,
    /// Models that were not.
    pub n_misses: u64,
    /// Models that had to leave memory for others.
    pub n_evictions: u64,
    /// Times that models left memory because the system was short of it.
    pub n_memory_cleanups: u64,
    /// Models that somebody else was loading already, so that waiting for them was enough.
    pub from_memory: Loads,
    /// Models that came from disk, ready to be used.
    pub from_disk: Loads,
    /// Models that were fetched from the hub first.
    pub from_hub: Loads,
}

/// How often models were loaded, and how long that took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loads {
    /// How often.
    pub n_loads: u64,
    /// In all.
    pub taken: Seconds,
}

/// Whether models may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downloads {
    /// They may.
    Allowed,
    /// The user forbids any connection.
    Offline,
}

/// Where the token for gated models is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// There is none.
    Nowhere,
    /// In the keyring of the operating system, or in a file that only the user can read.
    Kept,
    /// In the environment, where it was set for this process.
    Environment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_told_by_accident() {
        let command = ModelCommand::KeepToken(TypedToken::new(" hf_secret\n"));
        assert!(!format!("{command:?} {command:#?}").contains("secret"));
        assert!(matches!(&command, ModelCommand::KeepToken(token) if token.reveal() == "hf_secret"));
    }
}
