//! What is asked of the model cache by whoever waits for the answer, as the command line does, and what is told of it:
//! plain values; nothing is done here. What is sent to the engine instead, and what there is in the cache, is in
//! `engine/models.rs`.

use serde::Serialize;

use crate::task::CancelToken;
use crate::units::Seconds;

/// A model that was looked at bit by bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedEntry {
    /// Its key.
    pub key: String,
    /// Size of what was read.
    pub n_bytes: u64,
    /// What is wrong, and what becomes of it; `None`: it is as it was stored.
    pub problem: Option<String>,
}

/// A model that was asked for, and is here now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObtainedModel {
    /// Its key.
    pub key: String,
    /// Its size on disk; in memory, where it was loaded and is not kept on disk.
    pub n_bytes: u64,
    /// How it came.
    pub from: ObtainedFrom,
    /// How long it took.
    pub secs: f64,
}

/// Where a model came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObtainedFrom {
    /// It was there already, ready to load.
    Disk,
    /// From the installation or from files on this machine, made ready to load.
    Files,
    /// From a cache of Hugging Face's on this machine.
    HubCache,
    /// Fetched from the hub.
    Hub,
}

/// Which part of the cache is cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClearScope {
    /// Models on disk, and what is left of those that were begun or damaged.
    #[default]
    Models,
    /// What was computed from recordings and can be computed again.
    Results,
    /// Both.
    All,
}

/// What is to be cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClearRequest {
    /// The part.
    pub scope: ClearScope,
    /// Only what nobody used for so many days.
    pub older_than_days: Option<u32>,
}

/// What leaves the cache, planned or done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Clearing {
    /// What goes.
    pub removed: Vec<RemovedEntry>,
    /// What was meant, too, and stays.
    pub kept: Vec<KeptEntry>,
}

impl Clearing {
    /// Bytes that are freed.
    pub fn n_bytes(&self) -> u64 {
        self.removed.iter().map(|entry| entry.n_bytes).sum()
    }
}

/// Something that leaves the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedEntry {
    /// Key of a model, or the name of what it is.
    pub name: String,
    /// Its size.
    pub n_bytes: u64,
}

/// Something that was to leave the cache and stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptEntry {
    /// Key of a model, or the name of what it is.
    pub name: String,
    /// Why it stays.
    pub reason: KeptReason,
}

/// Why something stays in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// The user pinned it.
    Pinned,
    /// It is being used, perhaps by another Hansard.
    InUse,
}

impl KeptReason {
    /// As the user reads it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pinned => "it is pinned",
            Self::InUse => "it is in use",
        }
    }
}

/// Models that were written to a file or taken from files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelBundle {
    /// Their keys.
    pub keys: Vec<String>,
    /// Size of what was written.
    pub n_bytes: u64,
}

/// How far something is that takes time.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelProgress {
    /// Key or name of the model, or the file.
    pub name: String,
    /// What is done with it.
    pub step: ModelStep,
    /// So much of it is done.
    pub n_bytes: u64,
    /// All there is to do; `None`: not known yet.
    pub n_bytes_total: Option<u64>,
    /// How fast it goes lately.
    pub bytes_per_sec: Option<f64>,
    /// How long it will take from now.
    pub remaining: Option<Seconds>,
}

/// What is done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStep {
    /// Another process has it.
    Wait,
    /// It is fetched.
    Download,
    /// It is made ready to load.
    Convert,
    /// Its hashes are computed.
    Verify,
    /// It is loaded.
    Load,
    /// It is written to a file for another machine.
    Export,
    /// It is taken from such a file.
    Import,
}

impl ModelStep {
    /// As the user reads it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Wait => "waiting for another Hansard",
            Self::Download => "downloading",
            Self::Convert => "making ready",
            Self::Verify => "verifying",
            Self::Load => "loading",
            Self::Export => "writing",
            Self::Import => "importing",
        }
    }
}

/// Who watches something that takes time, and may stop it.
#[derive(Clone, Copy)]
pub struct ModelWatch<'a> {
    /// Stops it.
    pub cancel: &'a CancelToken,
    /// Is told how far it is, often.
    pub report: &'a (dyn Fn(&ModelProgress) + Sync),
    /// Is told what happened, as soon as it has.
    pub tell: &'a (dyn Fn(ModelNews<'_>) + Sync),
}

/// What happened on the way.
#[derive(Clone, Copy, Debug)]
pub enum ModelNews<'a> {
    /// Something the user should know, such as a damaged model that was set aside.
    Warning(&'a str),
    /// A model that was asked for is here.
    Obtained(&'a ObtainedModel),
    /// The model of this key was taken from a file or folder.
    Imported(&'a str),
}
