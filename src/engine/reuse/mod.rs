//! What a job knows before it computes anything: each stage's results are looked up under keys that are made of all they
//! depend on, and stored piece by piece as soon as they are there. So nothing is computed twice, and a job that was stopped
//! goes on where it was.
//!
//! ```text
//! sound, models, parameters ──keys──▶ Pieces ──all known──▶ result
//!                     (identity)         └──some missing──▶ Resume ──stage──▶ result, each new piece stored on the way
//! ```
//! Keys name results of other stages by their keys, so that whatever changes, exactly what depends on it is computed
//! again. What stages do, [`crate::pipeline`] knows; what a store is, [`crate::results`].

mod identity;
mod keys;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::{ContentHash, ResultKey};
use crate::paths::AppPaths;
use crate::pipeline::resume::Resume;
use crate::results::{FileState, Layer, Remembered, ResultError, ResultStore, StoreLimits};
use crate::settings::{ModelSettings, ResultSettings};

use super::command::Reuse;
use super::event::Stage;
use super::worker::JobContext;

pub(super) use identity::{hash_of_known_voices, hash_of_model, hash_of_samples};
pub(super) use keys::{AlignerId, DiarizerIds, Keys, ModelIds, sound_key};

const BYTES_PER_GB: u64 = 1_000_000_000;

/// The folder below which results are kept; `None` where the user wants nothing to be kept.
pub(super) fn folder(paths: &AppPaths, settings: &ModelSettings) -> Option<PathBuf> {
    settings.use_model_cache.then(|| settings.cache_root(paths))
}

/// How much and how long results are kept.
pub(super) fn limits(settings: &ModelSettings) -> StoreLimits {
    let ResultSettings { keep_days, budget_gb } = settings.results;
    StoreLimits { ttl_days: keep_days, budget_bytes: budget_gb.map(|gb| gb.saturating_mul(BYTES_PER_GB)) }
}

/// The store as one job uses it. Where it fails, the job goes on without it, and the user is told once.
pub(super) struct Stash<'a> {
    store: RefCell<Option<ResultStore>>,
    reuse: Reuse,
    context: &'a JobContext<'a>,
}

impl<'a> Stash<'a> {
    /// `store` is `None` where nothing is kept.
    pub(super) fn new(store: Option<ResultStore>, reuse: Reuse, context: &'a JobContext<'a>) -> Self {
        Self { store: RefCell::new(store), reuse, context }
    }

    /// Whether anything is kept.
    pub(super) fn is_open(&self) -> bool {
        self.store.borrow().is_some()
    }

    /// Neither looks anything up nor keeps it from here on.
    pub(super) fn close(&self) {
        *self.store.borrow_mut() = None;
    }

    /// Tells the user what the store has to say.
    pub(super) fn tell_warnings(&self) {
        let warnings = self.store.borrow().as_ref().map(ResultStore::take_warnings).unwrap_or_default();
        for warning in warnings {
            self.context.warn(warning);
        }
    }

    /// The hash of the sound of a recording, if it was decoded before and is unchanged.
    pub(super) fn known_sound(&self, path: &Path) -> Option<ContentHash> {
        match self.reuse {
            Reuse::Kept => self.with(|store| store.remembered_hash(path, Remembered::Samples))?,
            Reuse::Fresh => None,
        }
    }

    /// Remembers the hash of the sound of a recording, which was in this state before it was decoded.
    pub(super) fn remember_sound(&self, path: &Path, state: FileState, hash: &ContentHash) {
        self.remember(path, state, Remembered::Samples, hash);
    }

    /// The hash of a model, whose files are read only if they changed since they were read last.
    pub(super) fn hash_of_model(&self, folder: &Path) -> io::Result<ContentHash> {
        identity::hash_of_files(folder, |file| self.hash_of_file(file))
    }

    /// The hash of a file, which is read only if it changed since it was read last.
    pub(super) fn hash_of_file(&self, file: &Path) -> io::Result<ContentHash> {
        if let Some(hash) = self.with(|store| store.remembered_hash(file, Remembered::File)).flatten() {
            return Ok(hash);
        }
        let state = FileState::of(file);
        let hash = identity::hash_of_file(file, self.context.cancel())?;
        if let Ok(state) = state {
            self.remember(file, state, Remembered::File, &hash);
        }
        Ok(hash)
    }

    /// What is stored under a key. Nothing, if all is to be computed anew.
    pub(super) fn get<T: DeserializeOwned>(&self, layer: Layer, key: &ResultKey) -> Option<T> {
        if self.reuse == Reuse::Fresh {
            return None;
        }
        let payload = self.with(|store| store.get(layer, key)).flatten()?;
        // A result of another form was stored by another version that forgot to say so. It is replaced.
        let result = postcard::from_bytes(&payload);
        result.inspect_err(|error| tracing::debug!("the {layer} result {key} cannot be read: {error}")).ok()
    }

    /// Stores a result in the place of what is there.
    pub(super) fn put<T: Serialize>(
        &self,
        layer: Layer,
        key: &ResultKey,
        audio: &ContentHash,
        result: &T,
        cost: Duration,
    ) {
        if !self.is_open() {
            return;
        }
        match postcard::to_allocvec(result) {
            Ok(payload) => {
                self.with(|store| store.put(layer, key, audio, &payload, cost));
            }
            Err(error) => tracing::warn!("a result of {layer} has no form to be stored in: {error}"),
        }
    }

    fn remember(&self, path: &Path, state: FileState, kind: Remembered, hash: &ContentHash) {
        let Some(store) = self.store.borrow().clone() else { return };
        // It is read once more next time.
        if let Err(error) = store.remember_hash(path, state, kind, hash) {
            tracing::debug!("{error}");
        }
    }

    fn with<T>(&self, act: impl FnOnce(&ResultStore) -> Result<T, ResultError>) -> Option<T> {
        let store = self.store.borrow().clone()?;
        match act(&store) {
            Ok(done) => Some(done),
            Err(error) => {
                self.close();
                self.context.warn(format!("Results are not kept for the next time: {error}."));
                None
            }
        }
    }
}

/// The results that are about one sound.
#[derive(Clone, Copy)]
pub(super) struct Results<'a> {
    stash: &'a Stash<'a>,
    audio: ContentHash,
}

impl<'a> Results<'a> {
    pub(super) fn new(stash: &'a Stash<'a>, audio: ContentHash) -> Self {
        Self { stash, audio }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, layer: Layer, key: &ResultKey) -> Option<T> {
        self.stash.get(layer, key)
    }

    pub(super) fn put<T: Serialize>(&self, layer: Layer, key: &ResultKey, result: &T, cost: Duration) {
        self.stash.put(layer, key, &self.audio, result, cost);
    }

    /// The whole result of a stage: as it is stored, or else computed and stored.
    pub(super) fn stored<T: Serialize + DeserializeOwned, E>(
        &self,
        layer: Layer,
        key: &ResultKey,
        compute: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(known) = self.get(layer, key) {
            return Ok(known);
        }
        let since = Instant::now();
        let result = compute()?;
        self.put(layer, key, &result, since.elapsed());
        Ok(result)
    }

    /// Looks for all of `n_pieces` pieces of a stage. Those that cannot be right are as good as missing.
    pub(super) fn pieces<T: DeserializeOwned>(
        &self,
        stage: Stage,
        layer: Layer,
        n_pieces: usize,
        key: impl Fn(usize) -> ResultKey + 'a,
        is_right: impl Fn(usize, &T) -> bool,
    ) -> Pieces<'a, T> {
        let look_up = |n: usize| self.get(layer, &key(n)).filter(|piece| is_right(n, piece));
        let known: Vec<Option<T>> = (0..n_pieces).map(look_up).collect();
        Pieces::new(*self, stage, layer, Box::new(key), known)
    }

    /// Looks for pieces one after the other, up to the first that is missing or the one that is the last.
    pub(super) fn leading_pieces<T: DeserializeOwned>(
        &self,
        stage: Stage,
        layer: Layer,
        key: impl Fn(usize) -> ResultKey + 'a,
        is_last: impl Fn(&T) -> bool,
    ) -> Pieces<'a, T> {
        let mut known: Vec<Option<T>> = Vec::new();
        while !known.last().and_then(Option::as_ref).is_some_and(&is_last)
            && let Some(piece) = self.get(layer, &key(known.len()))
        {
            known.push(Some(piece));
        }
        Pieces::new(*self, stage, layer, Box::new(key), known)
    }
}

/// The pieces of a stage: those that are stored, and where those go that are new.
pub(super) struct Pieces<'a, T> {
    results: Results<'a>,
    stage: Stage,
    layer: Layer,
    key: Box<dyn Fn(usize) -> ResultKey + 'a>,
    known: Vec<Option<T>>,
}

impl<'a, T> Pieces<'a, T> {
    fn new(
        results: Results<'a>,
        stage: Stage,
        layer: Layer,
        key: Box<dyn Fn(usize) -> ResultKey + 'a>,
        known: Vec<Option<T>>,
    ) -> Self {
        results.stash.context.worked(stage, 0, known.iter().flatten().count());
        Self { results, stage, layer, key, known }
    }

    /// Whether none of those that were looked for is missing.
    pub(super) fn are_complete(&self) -> bool {
        self.known.iter().all(Option::is_some)
    }

    /// How many are known before the first that is missing.
    pub(super) fn n_leading(&self) -> usize {
        self.known.iter().take_while(|piece| piece.is_some()).count()
    }

    /// The last one, if it is known.
    pub(super) fn last(&self) -> Option<&T> {
        self.known.last()?.as_ref()
    }

    /// Those that are known.
    pub(super) fn into_known(self) -> Vec<T> {
        self.known.into_iter().flatten().collect()
    }
}

impl<T: Serialize> Pieces<'_, T> {
    /// Runs a stage, which takes what is known and whose new pieces are stored one by one.
    pub(super) fn resume<R>(self, stage: impl FnOnce(Resume<'_, T>) -> R) -> R {
        let Self { results, stage: of_stage, layer, key, known } = self;
        // Pieces that are computed side by side share the time between them.
        let mut since = Instant::now();
        let mut on_new = |n: usize, piece: &T| {
            results.put(layer, &key(n), piece, since.elapsed());
            results.stash.context.worked(of_stage, 1, 0);
            since = Instant::now();
        };
        stage(Resume::new(known, &mut on_new))
    }
}
