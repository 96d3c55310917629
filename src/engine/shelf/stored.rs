//! The store of results as the user set it up, opened when it is first needed, and the hashes of whole files, which it
//! remembers: they tell a recording that was moved.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::engine::reuse;
use crate::hash::ContentHash;
use crate::paths::AppPaths;
use crate::results::{FileState, Remembered, ResultError, ResultStore};
use crate::settings::ModelSettings;

/// The store of results, which may not be open yet, and may be of no use.
pub(super) struct Stored {
    paths: AppPaths,
    settings: ModelSettings,
    store: Mutex<Option<ResultStore>>,
}

impl Stored {
    pub(super) fn new(paths: &AppPaths, settings: &ModelSettings) -> Self {
        Self { paths: paths.clone(), settings: settings.clone(), store: Mutex::default() }
    }

    /// Whether the user wants results to be stored and found again.
    pub(super) fn is_used(&self) -> bool {
        self.settings.use_model_cache
    }

    /// The store; where it cannot be opened, that is tried again the next time.
    pub(super) fn store(&self) -> Result<ResultStore, ResultError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = store.as_ref() {
            return Ok(store.clone());
        }
        let opened = ResultStore::open(&self.settings.cache_root(&self.paths), reuse::limits(&self.settings))?;
        Ok(store.insert(opened).clone())
    }

    /// The store, if there is one and the user allows that it is used unasked. None is made.
    pub(super) fn store_if_there(&self) -> Result<Option<ResultStore>, ResultError> {
        if ResultStore::is_there(&self.settings.cache_root(&self.paths)) { self.store_to_write() } else { Ok(None) }
    }

    /// Removes all results without opening them, and returns what is free then that was not.
    pub(super) fn remove_unopened(&self) -> Result<u64, ResultError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        // What is open would go on with files that are gone.
        *store = None;
        ResultStore::remove_unopened(&self.settings.cache_root(&self.paths))
    }

    /// The hash of all bytes of a file, if that is known already.
    pub(super) fn known_content(&self, path: &Path) -> Option<ContentHash> {
        // A store that cannot be used only costs the time to read the file again.
        self.store_to_write().ok()??.remembered_hash(path, Remembered::File).ok().flatten()
    }

    /// The hash of all bytes of a file, which is read where nobody remembers it.
    pub(super) fn content(&self, path: &Path) -> io::Result<ContentHash> {
        if let Some(known) = self.known_content(path) {
            return Ok(known);
        }
        // Asked before the file is read: if it changes meanwhile, the hash is not taken for that of the changed one.
        let state = FileState::of(path);
        let hash = ContentHash::of_file(path)?;
        let remember = |state: FileState| -> Result<(), ResultError> {
            let Some(store) = self.store_to_write()? else { return Ok(()) };
            store.remember_hash(path, state, Remembered::File, &hash)
        };
        if let Err(error) = state.and_then(remember) {
            tracing::debug!("the hash of {} is not remembered: {error}", path.display());
        }
        Ok(hash)
    }

    /// The store, where the user allows that something is written there unasked.
    fn store_to_write(&self) -> Result<Option<ResultStore>, ResultError> {
        if self.is_used() { self.store().map(Some) } else { Ok(None) }
    }
}
