//! What the first level tells about its models: plain values for a listing.

use std::time::Instant;

use crate::models::key::ModelKey;

/// A model in memory, or on its way there.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryEntry {
    /// Its name.
    pub key: ModelKey,
    /// Bytes that it takes; while it is being loaded those that are expected, 0 if nothing is known.
    pub n_bytes: usize,
    /// When it was loaded; while it is being loaded, when that began.
    pub loaded_at: Instant,
    /// When somebody last got it or was seen using it.
    pub last_used: Instant,
    /// How often somebody got it.
    pub n_uses: u64,
    /// How long loading it took.
    pub load_secs: f64,
    /// What it does.
    pub state: EntryState,
    /// Whether it is pinned, whatever it does.
    pub is_pinned: bool,
}

/// What a model in memory does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// It is being loaded, or waits for that.
    Loading,
    /// Nobody uses it; it may go.
    Idle,
    /// Somebody holds it; it cannot go.
    InUse,
    /// Nobody uses it, but it shall stay.
    Pinned,
}

impl EntryState {
    /// What the user reads.
    pub fn label(self) -> &'static str {
        match self {
            Self::Loading => "being loaded",
            Self::Idle => "idle",
            Self::InUse => "in use",
            Self::Pinned => "pinned",
        }
    }
}

/// What became of the wish to unload a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unload {
    /// It is gone and its memory is given back.
    Unloaded,
    /// Somebody holds it, or it is being loaded: it stays.
    InUse,
    /// It was not in memory.
    Absent,
}

/// What was unloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// How many models.
    pub n_models: usize,
    /// How many bytes they took.
    pub n_bytes: usize,
}

impl Freed {
    pub(super) fn add(&mut self, other: Self) {
        self.n_models += other.n_models;
        self.n_bytes += other.n_bytes;
    }
}
