//! The store of results: what a stage computed once is found again under a key that is made of all that it depends on.
//!
//! ```text
//! CACHE/results-v1/                       ResultStore; another layout will be another folder
//! ├── index.db                            which results there are, and the small ones themselves; hashes of files
//! ├── index.db-wal, index.db-shm          its latest changes, until SQLite moves them over
//! ├── index.lock                          held by who opens or replaces the index
//! ├── index-damaged-1.db                  an index that was damaged, until the next clean-up
//! └── blobs/3f/3f….zst                    a large result, named by the hash at its end; see `frame.rs`
//! ```
//!
//! A result, small or large, is a frame that tells what it is and carries its own hash. So nothing damaged is ever
//! handed out, and an index that is lost is made again from what is left of it and from the blobs. Blobs are written
//! and removed only by who may write to the index at that moment; so a blob that the index does not name was left by
//! somebody who died, and is taken up again.
//!
//! The store is a cache: it knows stages only by name and payloads not at all, and it may forget. What the user made is
//! kept elsewhere.

mod archive;
mod blobs;
mod check;
mod clean_up;
mod database;
mod error;
mod frame;
mod index;
mod layer;
mod remembered;
mod usage;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::hash::{ContentHash, ResultKey};

use self::blobs::Layout;
use self::error::{Failure, Unreadable};
use self::frame::Frame;
use self::index::Index;

pub use archive::{ARCHIVE_EXTENSION, Exported, Imported};
pub use check::Verified;
pub use clean_up::{CleanUp, CleanedUp, Planned, Reason};
pub use error::{Refusal, ResultError};
pub use frame::{Flaw, MAX_PAYLOAD_BYTES};
pub use layer::{Layer, UnknownLayer};
pub use remembered::{FileState, Remembered};
pub use usage::{DaySurvey, LayerSurvey, ResultsSurvey};

/// How much and how long the store keeps. See [`CleanUp`], which does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// How long a result may lie unused; `None`: for ever.
    pub ttl_days: Option<u32>,
    /// What all results together may take; `None`: as much as they want.
    pub budget_bytes: Option<u64>,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { ttl_days: Some(90), budget_bytes: None }
    }
}

/// A result as the store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Which stage it comes from.
    pub layer: Layer,
    /// What it is found by.
    pub key: ResultKey,
    /// The sound that it is about.
    pub audio: ContentHash,
    /// What it takes on disk.
    pub n_bytes: u64,
    /// How often it was used since it was stored.
    pub n_uses: u64,
    /// What computing it took.
    pub cost: Duration,
    /// When it was stored, in milliseconds since 1970.
    pub created_unix_ms: i64,
    /// When it was last used, in milliseconds since 1970.
    pub last_used_unix_ms: i64,
}

/// Is told how many of all pieces are done, and says whether to go on.
pub type Watch<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// Stored results. Cheap to clone; any number of threads and processes may use one folder.
#[derive(Clone)]
pub struct ResultStore {
    limits: StoreLimits,
    layout: Arc<Layout>,
    index: Arc<Mutex<Index>>,
}

impl ResultStore {
    /// The store in a cache folder, which is made if it is not there. A damaged index is replaced, with a warning.
    pub fn open(cache_dir: &Path, limits: StoreLimits) -> Result<Self, ResultError> {
        let layout = Arc::new(Layout::below(cache_dir));
        let index = Index::open(layout.clone())?;
        Ok(Self { limits, layout, index: Arc::new(Mutex::new(index)) })
    }

    /// Whether a cache folder has one. Nothing is made.
    pub fn is_there(cache_dir: &Path) -> bool {
        Layout::below(cache_dir).folder.is_dir()
    }

    /// The folder of the store in a cache folder, whether it is there or not.
    pub fn folder_in(cache_dir: &Path) -> PathBuf {
        Layout::below(cache_dir).folder
    }

    /// How much and how long it keeps.
    pub fn limits(&self) -> StoreLimits {
        self.limits
    }

    /// The folder of the store.
    pub fn folder(&self) -> &Path {
        &self.layout.folder
    }

    /// What the user should know, each told once: damaged results that were dropped, an index that was made again.
    pub fn take_warnings(&self) -> Vec<String> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner).warnings.take()
    }

    /// The payload that was stored under this key, exactly as it was. A damaged one is dropped with a warning, as if it
    /// had never been stored. Looking writes nothing: uses are noted in memory, and written with the next result.
    pub fn get(&self, layer: Layer, key: &ResultKey) -> Result<Option<Vec<u8>>, ResultError> {
        loop {
            let Some(mut stored) = self.with(|index| index.find(layer, key))? else {
                self.with(|index| {
                    index.note_miss(layer, SystemTime::now());
                    Ok(())
                })?;
                return Ok(None);
            };
            // Large ones are read while others use the index.
            let opened = stored.read(&self.layout).and_then(|frame| Ok((frame.payload()?, frame.head().cost)));
            match opened {
                Ok((payload, cost)) => {
                    // A result is none the worse for not being counted.
                    if let Err(error) = self.with(|index| index.note_hit(layer, key, cost, SystemTime::now())) {
                        tracing::debug!("{error}");
                    }
                    return Ok(Some(payload));
                }
                Err(Unreadable::File(error)) => return Err(error.into()),
                // If it is not there any more as it was found, somebody replaced or removed it meanwhile.
                Err(Unreadable::Flawed(flaw)) => {
                    self.with(|index| index.drop_damaged(stored.id, &stored.hash, &flaw))?;
                }
            }
        }
    }

    /// The same for many keys, in their order.
    pub fn get_many(&self, layer: Layer, keys: &[ResultKey]) -> Result<Vec<Option<Vec<u8>>>, ResultError> {
        keys.iter().map(|key| self.get(layer, key)).collect()
    }

    /// Whether there is a result under this key. That is no use of it, and it is not looked at.
    pub fn contains(&self, layer: Layer, key: &ResultKey) -> Result<bool, ResultError> {
        self.with(|index| index.contains(layer, key))
    }

    /// Stores a result, instead of the one that is there under the same key. `cost` is what computing it took. When
    /// this returns, no death of a process can undo it.
    pub fn put(
        &self,
        layer: Layer,
        key: &ResultKey,
        audio: &ContentHash,
        payload: &[u8],
        cost: Duration,
    ) -> Result<(), ResultError> {
        let frame = Frame::new(layer, key, audio, payload, cost)?;
        self.with(|index| index.put(&frame, SystemTime::now()))
    }

    /// All results of a layer, in the order of their keys.
    pub fn entries(&self, layer: Layer) -> Result<Vec<StoredEntry>, ResultError> {
        self.with(|index| index.entries(layer))
    }

    /// The results that take most, largest first.
    pub fn largest(&self, n_entries: usize) -> Result<Vec<StoredEntry>, ResultError> {
        self.with(|index| index.largest(n_entries))
    }

    /// The hash that was remembered of a file, if the file has not changed since. `None` also for a file that cannot be
    /// found.
    pub fn remembered_hash(&self, path: &Path, kind: Remembered) -> Result<Option<ContentHash>, ResultError> {
        let Some((path, state)) = remembered::look_at(path) else { return Ok(None) };
        self.with(|index| index.remembered(&path, state, kind))
    }

    /// Remembers the hash of a file. `state` is what the file was like before it was read; so if it changed while it
    /// was read, the hash is not taken for that of the changed file.
    pub fn remember_hash(
        &self,
        path: &Path,
        state: FileState,
        kind: Remembered,
        hash: &ContentHash,
    ) -> Result<(), ResultError> {
        let path = remembered::canonical(path)?;
        self.with(|index| index.remember(&path, state, kind, hash, SystemTime::now()))
    }

    /// What is stored, layer by layer, and what came of it in the last 30 days.
    pub fn survey(&self) -> Result<ResultsSurvey, ResultError> {
        let (layers, days) = self.with(|index| index.survey(SystemTime::now()))?;
        Ok(ResultsSurvey { layers, days, budget_bytes: self.limits.budget_bytes })
    }

    /// Removes the results of these layers, of all if none is named: those that were not used for so long, or all. With
    /// everything else the hashes of files are forgotten, too.
    pub fn clear(&self, layers: &[Layer], older_than: Option<Duration>) -> Result<CleanedUp, ResultError> {
        self.with(|index| index.clear(layers, older_than, SystemTime::now()))
    }

    /// What a clean-up would remove, in the order in which it would. Nothing is changed.
    pub fn plan_clean_up(&self, wanted: &CleanUp, now: SystemTime) -> Result<Vec<Planned>, ResultError> {
        self.with(|index| index.plan_clean_up(wanted, now))
    }

    /// Removes what is too old, too much, or used too little; and what processes left that died, and damaged indexes.
    pub fn clean_up(&self, wanted: &CleanUp, now: SystemTime) -> Result<CleanedUp, ResultError> {
        self.with(|index| index.clean_up(wanted, now))
    }

    /// Does the clean-up that the limits ask for, unless that was done on this day.
    pub fn clean_up_once_a_day(&self, now: SystemTime) -> Result<Option<CleanedUp>, ResultError> {
        if self.with(|index| Ok(usage::begin_clean_up_of_day(&index.connection, now)?))? {
            self.clean_up(&CleanUp::from(self.limits), now).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Removes the store in a cache folder without opening it, for a disk may be too full for that. Returns what is free
    /// then that was not.
    pub fn remove_unopened(cache_dir: &Path) -> Result<u64, ResultError> {
        Ok(database::remove_all(&Layout::below(cache_dir))?)
    }

    /// What all files of the store in a cache folder take.
    pub fn size_unopened(cache_dir: &Path) -> u64 {
        Layout::below(cache_dir).n_bytes()
    }

    /// Looks at every payload. Damaged ones are dropped, with warnings.
    pub fn verify(&self, watch: &mut Watch<'_>) -> Result<Verified, ResultError> {
        check::verify(self, watch)
    }

    /// Makes the index again from the results themselves. Damaged ones are dropped, with warnings.
    pub fn rebuild_index(&self, watch: &mut Watch<'_>) -> Result<Verified, ResultError> {
        self.with(Index::renew)?;
        check::verify(self, watch)
    }

    /// Writes all results into one file. Damaged ones are left out, with warnings.
    pub fn export(&self, path: &Path, watch: &mut Watch<'_>) -> Result<Exported, ResultError> {
        archive::export(self, path, watch)
    }

    /// Stores the results of a file that [`ResultStore::export`] wrote; those that are there already stay. The file is
    /// read as if an enemy had written it: all of it is looked at before anything is stored.
    pub fn import(&self, path: &Path, watch: &mut Watch<'_>) -> Result<Imported, ResultError> {
        archive::import(self, path, watch)
    }

    /// Does something with the index. If that turns out to be damaged, it is made again, and tried once more.
    fn with<T>(&self, mut act: impl FnMut(&mut Index) -> Result<T, Failure>) -> Result<T, ResultError> {
        let named = |failure: Failure| failure.of(&self.layout.database);
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        match act(&mut index).map_err(named) {
            Err(ResultError::Damaged { .. }) => {
                index.reopen()?;
                act(&mut index).map_err(named)
            }
            done => done,
        }
    }
}

/// Milliseconds since 1970, negative before.
fn unix_ms(time: SystemTime) -> i64 {
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -ms(before.duration()), ms)
}
