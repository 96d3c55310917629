//! What is done with the model cache: for the command line, which waits for it, and in threads of its own for the window.
//!
//! ```text
//! engine::models (types) ──▶ listing  checking  clearing  obtaining ──▶ models::ModelCache
//! hansard-engine ──ModelCommand──▶ worker (hansard-models) ──┘   └── downloads (hansard-downloads)
//! ```
//! Each function of this face opens the cache for itself, as a program does that does nothing else. The threads share
//! theirs with the jobs.

mod checking;
mod clearing;
mod downloads;
mod listing;
mod obtaining;
mod pressure;
mod waiting;
mod worker;

use std::path::{Path, PathBuf};
use std::thread;

use crate::files::FileError;
use crate::models::catalog::CatalogError;
use crate::models::download::Network;
use crate::models::key::InvalidKey;
use crate::models::memory::{DEFAULT_PARALLEL_LOADS, MemoryLimits, idle_after_minutes};
use crate::models::store::StoreError;
use crate::models::token::{Keyring, TokenError};
use crate::models::{CacheOptions, LoadError, ModelCache, ObtainError, Originals};
use crate::paths::AppPaths;
use crate::settings::ModelSettings;

use super::model_work::{ClearRequest, Clearing, ModelBundle, ModelWatch, ObtainedModel, VerifiedEntry};
use super::models::{ModelListing, Pinning};
use super::shelf::check_target;

use waiting::attended;

pub(super) use pressure::Watchers;
pub(super) use worker::ModelThreads;

const BYTES_PER_MB: u64 = 1_000_000;
const BYTES_PER_GB: u64 = 1_000_000_000;

/// What was asked of the model cache was not done.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The models on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model could not be brought onto this disk.
    #[error(transparent)]
    Obtain(#[from] ObtainError),
    /// A model could not be loaded.
    #[error(transparent)]
    Load(Box<LoadError>),
    /// There is no such model.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A text is no key.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The token for the hub.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing of this name is on disk.
    #[error("the model {0} is not on this disk; `hansard cache list` shows those that are")]
    NotOnDisk(String),
    /// There is nothing to write.
    #[error("there is no model on this disk to export; `hansard models pull SIZE` fetches one")]
    NothingToExport,
    /// It is a pipe or a device.
    #[error("{} is neither a file nor a folder", .0.display())]
    NotAFile(PathBuf),
    /// It stays in memory.
    #[error("the model {0} is in use; try again when the job that uses it has ended")]
    InUse(String),
}

impl From<LoadError> for ModelsError {
    fn from(error: LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}

/// What there is, and what the user should know about it. Nothing is written.
pub fn list(paths: &AppPaths, settings: &ModelSettings) -> Result<(ModelListing, Vec<String>), ModelsError> {
    let models = open(paths, settings);
    // Whoever lists models on a command line need not unlock a keyring for that.
    let token = listing::token_place(paths, Keyring::Ignored);
    Ok(listing::listing(&models, token, n_cores()))
}

/// Compares models on disk with their hashes, those of these keys or names, or all.
pub fn verify(
    paths: &AppPaths,
    settings: &ModelSettings,
    keys: &[String],
    watch: ModelWatch<'_>,
) -> Result<Vec<VerifiedEntry>, ModelsError> {
    attended(&open(paths, settings), watch, |models| checking::verify(models, keys, watch))
}

/// Brings models onto this disk, ready to load, by their keys or names, and fetches those that are missing.
pub fn warm(
    paths: &AppPaths,
    settings: &ModelSettings,
    keys: &[String],
    watch: ModelWatch<'_>,
) -> Result<Vec<ObtainedModel>, ModelsError> {
    attended(&open(paths, settings), watch, |models| obtaining::warm(models, keys, watch))
}

/// Fetches models of the catalog by their names, with those that they cannot work without.
pub fn pull(
    paths: &AppPaths,
    settings: &ModelSettings,
    names: &[String],
    watch: ModelWatch<'_>,
) -> Result<Vec<ObtainedModel>, ModelsError> {
    attended(&open(paths, settings), watch, |models| obtaining::pull(models, names, watch))
}

/// Removes models from the disk, by their names or keys.
pub fn remove(paths: &AppPaths, settings: &ModelSettings, names: &[String]) -> Result<Clearing, ModelsError> {
    clearing::remove(&open(paths, settings), names)
}

/// Pins models on disk, or lets them go again.
pub fn set_pin(
    paths: &AppPaths,
    settings: &ModelSettings,
    keys: &[String],
    pinning: Pinning,
) -> Result<(), ModelsError> {
    checking::set_pin(&open(paths, settings), keys, pinning)
}

/// What [`clear`] would remove now, and what it would leave.
pub fn plan_clear(paths: &AppPaths, settings: &ModelSettings, request: &ClearRequest) -> Result<Clearing, ModelsError> {
    clearing::plan(&open(paths, settings), paths, request)
}

/// Removes what nobody used for some time, or all that may go.
pub fn clear(paths: &AppPaths, settings: &ModelSettings, request: &ClearRequest) -> Result<Clearing, ModelsError> {
    clearing::clear(&open(paths, settings), paths, request)
}

/// Writes models on disk to one file, those of these keys or names, or all.
pub fn export(
    paths: &AppPaths,
    settings: &ModelSettings,
    file: &Path,
    keys: &[String],
    watch: ModelWatch<'_>,
) -> Result<ModelBundle, ModelsError> {
    check_target(paths, settings, file)?;
    attended(&open(paths, settings), watch, |models| checking::export(models, file, keys, watch))
}

/// Takes models from files of [`export`], or from folders in Hugging Face layout.
pub fn import(
    paths: &AppPaths,
    settings: &ModelSettings,
    sources: &[PathBuf],
    watch: ModelWatch<'_>,
) -> Result<ModelBundle, ModelsError> {
    attended(&open(paths, settings), watch, |models| obtaining::import(models, sources, watch))
}

/// The cache as the user set it up.
pub(super) fn open(paths: &AppPaths, settings: &ModelSettings) -> ModelCache {
    ModelCache::open(paths.clone(), options_of(paths, settings))
}

/// Threads that models compute with, unless the user says otherwise.
pub(super) fn n_cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn options_of(paths: &AppPaths, settings: &ModelSettings) -> CacheOptions {
    let usual = CacheOptions::usual(paths);
    let limits = |budget_mb: Option<u64>, usual: MemoryLimits| {
        let bytes = |mb: u64| usize::try_from(mb.saturating_mul(BYTES_PER_MB)).unwrap_or(usize::MAX);
        MemoryLimits {
            budget_bytes: budget_mb.map_or(usual.budget_bytes, bytes),
            max_count: settings.max_models,
            idle: idle_after_minutes(u64::from(settings.idle_unload_minutes)),
            max_parallel_loads: DEFAULT_PARALLEL_LOADS,
        }
    };
    CacheOptions {
        disk: settings.use_model_cache.then(|| settings.cache_root(paths)),
        memory: limits(settings.memory_budget_mb, usual.memory),
        card_memory: limits(settings.gpu_memory_budget_mb, usual.card_memory),
        disk_budget_bytes: settings.disk_budget_gb.map(|gb| gb.saturating_mul(BYTES_PER_GB)),
        originals: if settings.keep_originals { Originals::Kept } else { Originals::Dropped },
        network: if settings.offline { Network::Offline } else { Network::Allowed },
        endpoint: settings.hub().map(str::to_owned),
    }
}

/// A size for the user.
fn megabytes(n_bytes: u64) -> String {
    format!("{:.1} MB", n_bytes as f64 / BYTES_PER_MB as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_limits() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(root.path());
        assert_eq!(options_of(&paths, &ModelSettings::default()), CacheOptions::usual(&paths));
        let settings = ModelSettings {
            use_model_cache: false,
            memory_budget_mb: Some(7),
            disk_budget_gb: Some(2),
            max_models: Some(3),
            idle_unload_minutes: 0,
            keep_originals: true,
            offline: true,
            ..ModelSettings::default()
        };
        let options = options_of(&paths, &settings);
        assert_eq!((options.disk, options.disk_budget_bytes), (None, Some(2_000_000_000)));
        let MemoryLimits { budget_bytes, max_count, idle, .. } = options.memory;
        assert_eq!((budget_bytes, max_count, idle), (7_000_000, Some(3), None));
        assert_eq!((options.originals, options.network), (Originals::Kept, Network::Offline));
    }
}
