//! The second level of the model cache: models on disk, whole or not there at all, for this process and the next ones.
//!
//! ```text
//! CACHE/models-v1/                        DiskStore; another layout will be another folder
//! ├── whisperx_base_cpu/                  an entry, by its key; moved here when all of it is on the disk
//! │   ├── manifest.json                   Manifest: written once
//! │   ├── usage.json                      last use, number of uses, pinned; when files were last found right
//! │   └── files/                          StoredModel::folder: what the networks load
//! │       ├── config.json
//! │       ├── tokenizer.json
//! │       ├── model.safetensors           weights as the kernels read them: loading maps them
//! │       └── originals/                  the published files, where they are kept
//! ├── .tmp/whisperx_small_cpu/            being changed by who holds the lock for it; else left by one who died
//! │   ├── new/                            an entry that is being made
//! │   ├── old/                            the entry that was there before
//! │   └── removed/                        an entry that is being removed
//! ├── .downloads/whisperx_small_cpu/1f…/  unfinished downloads of one revision, which the next try goes on with
//! ├── .damaged/whisperx_tiny_cpu-1/       an entry that was not as it was stored, until the next clean-up
//! └── .locks/whisperx_base_cpu.change     see `lock.rs`; also .state, .use, .holder
//! ```
//!
//! An entry is made in `.tmp`, synced, and renamed into its place, so that whoever finds it finds all of it. What dies
//! on the way leaves only what [`DiskStore::sweep`] and the next change of that entry tidy up. What a model is made of,
//! and from where, the caller decides: nothing here downloads or converts.

mod archive;
mod building;
mod clean_up;
mod content;
mod error;
mod folder;
mod integrity;
mod layout;
mod listing;
mod lock;
mod manifest;
mod unpack;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::task::Progress;

use self::integrity::Checked;
use self::layout::{Layout, files_in, is_there, manifest_in, usage_in};
use self::lock::{Held, Locks};
use self::manifest::{Read, Usage};
use self::watch::{Meter, PatientWatcher};
use super::key::ModelKey;

pub use archive::ARCHIVE_EXTENSION;
pub use clean_up::{CleanUp, CleanedUp, Fit, Planned, Reason, Target};
pub use content::Depth;
pub use error::{Damage, Refusal, StoreError};
pub use folder::copy_model_folder;
pub use listing::{DiskEntry, EntryState, Leftover, LeftoverKind};
pub use lock::Waiting;
pub use manifest::{FORMAT_VERSION, FileRecord, Manifest, ORIGINALS, Origin, PUBLISHED_FORM, Staleness, unix_ms};
pub use unpack::Imported;
pub use watch::{Patience, Step, StoreWatcher};

pub(in crate::models) use content::{Kind, header_flaw, kind_of};

/// Models on disk. Cheap to clone; any number of threads and processes may use one folder.
#[derive(Clone)]
pub struct DiskStore {
    /// `None` where nothing shall be kept on disk.
    shelf: Option<Shelf>,
}

/// A store that is switched on.
#[derive(Clone)]
struct Shelf {
    layout: Layout,
    locks: Locks,
    watcher: Arc<dyn StoreWatcher>,
}

/// An entry of the store. While it lives, nobody moves or removes its files.
#[derive(Debug)]
pub struct StoredModel {
    /// The key of the model.
    pub key: ModelKey,
    /// The folder of its files, as the networks load it.
    pub folder: PathBuf,
    /// What it is.
    pub manifest: Manifest,
    _in_use: Held,
}

/// What the store has of a model.
#[derive(Debug)]
pub enum Found {
    /// An entry that is whole.
    Ready(StoredModel),
    /// Nothing.
    Absent,
    /// An entry that another version of Hansard made: to be stored again.
    Stale {
        /// What differs.
        reason: Staleness,
        /// The folder of the published files that it was made from, if they are kept. Only `fill` of
        /// [`DiskStore::store`] may read there, for then nobody moves them.
        originals: Option<PathBuf>,
    },
    /// An entry that was not as it was stored. It is set aside where that was possible: to be stored again.
    Damaged(Damage),
}

/// The same before damage is dealt with.
enum Inspected {
    Absent,
    Ready(Box<StoredModel>),
    Stale { reason: Staleness, originals: Option<PathBuf> },
    Damaged(String),
}

impl DiskStore {
    /// The store in a cache folder. Nothing is written until something is stored.
    pub fn open(cache_dir: &Path) -> Self {
        Self::watched(cache_dir, Arc::new(PatientWatcher))
    }

    /// The same, with somebody who is told what happens and may end its waiting.
    pub fn watched(cache_dir: &Path, watcher: Arc<dyn StoreWatcher>) -> Self {
        let layout = Layout::below(cache_dir);
        let locks = Locks::new(layout.locks());
        Self { shelf: Some(Shelf { layout, locks, watcher }) }
    }

    /// A store that finds nothing and keeps nothing, for whom `use_model_cache` is off.
    pub fn disabled() -> Self {
        Self { shelf: None }
    }

    /// The folder of the store, which need not exist yet; `None` if it is switched off.
    pub fn folder(&self) -> Option<&Path> {
        self.shelf.as_ref().map(|shelf| shelf.layout.root())
    }

    /// Looks for a model, and checks the sizes and headers of its files, and the SHA-256 of those that were changed
    /// since they were last right.
    pub fn find(&self, key: &ModelKey) -> Result<Found, StoreError> {
        self.shelf.as_ref().map_or(Ok(Found::Absent), |shelf| shelf.verify(key, Depth::Headers, None))
    }

    /// Looks for a model and checks its files to this depth. As long as that takes: `progress` is told, and may stop
    /// it.
    pub fn verify(&self, key: &ModelKey, depth: Depth, progress: &Progress<'_>) -> Result<Found, StoreError> {
        self.shelf.as_ref().map_or(Ok(Found::Absent), |shelf| shelf.verify(key, depth, Some(progress)))
    }

    /// Stores what `fill` writes into the folder that it is given, unless the same model from the same origin is there:
    /// of several that store it, one fills, and the others wait and find it. An entry of another origin, a stale or a
    /// damaged one is replaced, with its pin. If `fill` fails, nothing of it remains but what it put into
    /// [`DiskStore::downloads`].
    ///
    /// Only kinds of files that models are made of are taken, and weights are looked at.
    pub fn store<E: From<StoreError>>(
        &self,
        key: &ModelKey,
        origin: &Origin,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<StoredModel, E> {
        self.on()?.store(key, origin, fill)
    }

    /// The folder where unfinished downloads of this revision are kept until the model is stored. It is made if it is
    /// missing. Only `fill` of [`DiskStore::store`] may use it, for then nobody else does.
    pub fn downloads(&self, key: &ModelKey, origin: &Origin) -> Result<PathBuf, StoreError> {
        self.on()?.downloads(key, origin)
    }

    /// Notes that a model was used now.
    pub fn touch(&self, key: &ModelKey) -> Result<(), StoreError> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        shelf.change_usage(key, |usage| {
            usage.last_used_unix_ms = unix_ms(SystemTime::now());
            usage.n_uses += 1;
        })
    }

    /// Keeps a model from being cleaned up.
    pub fn pin(&self, key: &ModelKey) -> Result<(), StoreError> {
        self.on()?.change_usage(key, |usage| usage.pinned = true)
    }

    /// Lets a model be cleaned up again.
    pub fn unpin(&self, key: &ModelKey) -> Result<(), StoreError> {
        self.on()?.change_usage(key, |usage| usage.pinned = false)
    }

    /// Removes a model that nobody uses, and its unfinished downloads. Returns how many bytes that freed.
    pub fn remove(&self, key: &ModelKey) -> Result<u64, StoreError> {
        self.on()?.remove(key)
    }

    /// All entries, by key.
    pub fn list(&self) -> Result<Vec<DiskEntry>, StoreError> {
        self.shelf.as_ref().map_or(Ok(Vec::new()), Shelf::list)
    }

    /// What lies in the store beside entries: those that were set aside, and unfinished downloads.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        self.shelf.as_ref().map_or(Ok(Vec::new()), Shelf::leftovers)
    }

    /// What a clean-up would remove, in the order in which it would. Nothing is changed.
    pub fn plan_cleanup(&self, wanted: &CleanUp, now: SystemTime) -> Result<Vec<Planned>, StoreError> {
        self.shelf.as_ref().map_or(Ok(Vec::new()), |shelf| shelf.plan_cleanup(wanted, now))
    }

    /// What would have to go so that the rest is within a budget. What is in `kept` has to stay, beside what is pinned or
    /// in use.
    pub fn plan_to_fit(&self, budget_bytes: u64, kept: &[ModelKey], now: SystemTime) -> Result<Fit, StoreError> {
        let nothing = || Ok(Fit::Within(Vec::new()));
        self.shelf.as_ref().map_or_else(nothing, |shelf| shelf.plan_to_fit(budget_bytes, kept, now))
    }

    /// Removes what was planned, but for what is pinned or in use by now.
    pub fn clean_up(&self, plan: &[Planned]) -> CleanedUp {
        self.shelf.as_ref().map_or_else(CleanedUp::default, |shelf| shelf.clean_up(plan))
    }

    /// Tidies up after processes that died: undoes half-made exchanges, removes temporary folders. For the start of the
    /// program; what living processes do is left alone. Returns how many bytes that freed.
    pub fn sweep(&self) -> Result<u64, StoreError> {
        self.shelf.as_ref().map_or(Ok(0), Shelf::sweep)
    }

    /// Writes models into one file, for a machine without a network. Returns its size.
    pub fn export(&self, keys: &[ModelKey], path: &Path, progress: &Progress<'_>) -> Result<u64, StoreError> {
        self.on()?.export(keys, path, progress)
    }

    /// Stores the models of a file that [`DiskStore::export`] wrote. It is read as if an enemy had written it: either
    /// all of it is right, or nothing is stored.
    pub fn import(&self, path: &Path, progress: &Progress<'_>) -> Result<Imported, StoreError> {
        self.on()?.import(path, progress)
    }

    fn on(&self) -> Result<&Shelf, StoreError> {
        self.shelf.as_ref().ok_or(StoreError::Disabled)
    }
}

impl StoredModel {
    /// The folder of the published files that it was made from, if they are kept.
    pub fn originals(&self) -> Option<PathBuf> {
        self.manifest.has_originals().then(|| self.folder.join(ORIGINALS))
    }
}

impl Shelf {
    fn verify(&self, key: &ModelKey, depth: Depth, progress: Option<&Progress<'_>>) -> Result<Found, StoreError> {
        let reason = match self.inspect(key, depth, progress)? {
            Inspected::Absent => return Ok(Found::Absent),
            Inspected::Ready(model) => return Ok(Found::Ready(*model)),
            Inspected::Stale { reason, originals } => return Ok(Found::Stale { reason, originals }),
            Inspected::Damaged(reason) => reason,
        };
        // Who holds the lock replaces the entry right now; and nobody can on a read-only disk.
        let change = match self.locks.try_change(key) {
            Ok(Some(change)) => change,
            Ok(None) | Err(StoreError::NotWritable(_)) => {
                return Ok(Found::Damaged(Damage { key: key.clone(), reason, aside: None }));
            }
            Err(error) => return Err(error),
        };
        // Somebody may have replaced it since.
        Ok(match self.inspect(key, depth, progress)? {
            Inspected::Absent => Found::Damaged(Damage { key: key.clone(), reason, aside: None }),
            Inspected::Ready(model) => Found::Ready(*model),
            Inspected::Stale { reason, originals } => Found::Stale { reason, originals },
            Inspected::Damaged(reason) => Found::Damaged(self.set_aside(&change, key, reason)?),
        })
    }

    /// Looks at an entry, and keeps it in place as long as what is returned lives.
    fn inspect(&self, key: &ModelKey, depth: Depth, progress: Option<&Progress<'_>>) -> Result<Inspected, StoreError> {
        let entry = self.layout.entry(key);
        if !is_there(&entry)? {
            return Ok(Inspected::Absent);
        }
        let in_use = self.locks.share_use(key)?;
        // It may have gone before that.
        if !is_there(&entry)? {
            return Ok(Inspected::Absent);
        }
        let manifest = match manifest::read(&manifest_in(&entry), key)? {
            Read::Manifest(manifest) => manifest,
            Read::OtherFormat(found) => {
                return Ok(Inspected::Stale { reason: Staleness::Format(found), originals: None });
            }
            Read::Damaged(reason) => return Ok(Inspected::Damaged(reason)),
        };
        let folder = files_in(&entry);
        let usage = Usage::read(&usage_in(&entry));
        let mut meter = Meter::new(progress, manifest.n_bytes());
        match integrity::check(&folder, &manifest, &usage.verified, depth, &mut meter)? {
            Checked::Damaged(reason) => return Ok(Inspected::Damaged(reason)),
            // Files may have been copied or touched; whoever looks next need not hash them again.
            Checked::Sound(verified) if verified != usage.verified => {
                match self.change_usage(key, |usage| usage.verified = verified) {
                    // That they are hashed again is no reason to do without them.
                    Err(error @ (StoreError::NotWritable(_) | StoreError::DiskFull(_) | StoreError::File(_))) => {
                        tracing::debug!("{error}");
                    }
                    changed => changed?,
                }
            }
            Checked::Sound(_) => {}
        }
        let staleness = manifest.staleness();
        let model = StoredModel { key: key.clone(), folder, manifest, _in_use: in_use };
        Ok(match staleness {
            None => Inspected::Ready(Box::new(model)),
            Some(reason) => Inspected::Stale { reason, originals: model.originals() },
        })
    }

    /// Changes what is noted about the use of an entry.
    fn change_usage(&self, key: &ModelKey, change: impl FnOnce(&mut Usage)) -> Result<(), StoreError> {
        let not_stored = || StoreError::NotStored { key: key.clone() };
        let entry = self.layout.entry(key);
        if !is_there(&entry)? {
            return Err(not_stored());
        }
        let _state = self.locks.state(key)?;
        // Entries are moved by who holds this lock, so it stays from here on.
        if !is_there(&entry)? {
            return Err(not_stored());
        }
        let path = usage_in(&entry);
        let mut usage = Usage::read(&path);
        change(&mut usage);
        Ok(usage.write(&path)?)
    }
}
