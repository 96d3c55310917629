//! How the model cache is set up: plain values, decided by whoever opens it.

use std::path::PathBuf;

use crate::models::download::Network;
use crate::models::memory::MemoryLimits;
use crate::models::pressure::default_budget_bytes;
use crate::paths::AppPaths;

/// What models may take of a graphics card unless the user says otherwise: room for the largest published size, beside
/// what it computes with. How much a card has, nobody here can ask it.
pub const DEFAULT_CARD_BUDGET_BYTES: usize = 4 << 30;

/// How the model cache is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// The folder in which the models on disk have theirs; `None`: nothing is kept on disk.
    pub disk: Option<PathBuf>,
    /// What may be in the memory of the machine,
    pub memory: MemoryLimits,
    /// and in that of a graphics card.
    pub card_memory: MemoryLimits,
    /// What models may take of the disk; `None`: as much as they want.
    pub disk_budget_bytes: Option<u64>,
    /// Whether files as they were published are kept beside those that are ready to load.
    pub originals: Originals,
    /// Whether anything may be fetched.
    pub network: Network,
    /// The hub to fetch from, in place of the one that the environment names.
    pub endpoint: Option<String>,
}

/// What becomes of files as they were published, once they are made ready to load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Originals {
    /// They stay.
    Kept,
    /// They go.
    #[default]
    Dropped,
}

impl CacheOptions {
    /// The usual ones for this installation.
    pub fn usual(paths: &AppPaths) -> Self {
        Self {
            disk: Some(paths.cache_dir.clone()),
            memory: MemoryLimits::with_budget(default_budget_bytes()),
            card_memory: MemoryLimits::with_budget(DEFAULT_CARD_BUDGET_BYTES),
            disk_budget_bytes: None,
            originals: Originals::Dropped,
            network: Network::Allowed,
            endpoint: None,
        }
    }
}
