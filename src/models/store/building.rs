//! Putting entries into their place and taking them out, so that a crash at any moment leaves the entry that was there,
//! the new one, or none, and what the next sweep tidies up.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::files::FileError;
use crate::models::key::ModelKey;

use super::content::Depth;
use super::error::{Damage, StoreError};
use super::integrity::{self, hex};
use super::layout::{
    Layout, children, create_folder, files_in, first_free, is_there, keyed_children, manifest_in, measure, remove_tree,
    rename, usage_in,
};
use super::lock::Held;
use super::manifest::{self, Manifest, Origin, Usage, unix_ms};
use super::watch::Step;
use super::{Inspected, Shelf, StoredModel};

/// The folder in which an entry is made, removed, or put aside for another. When this is dropped it goes, with all that
/// is still in it; but an entry that was put aside for one that never came goes back.
pub(super) struct Work {
    folder: PathBuf,
    entry: PathBuf,
    /// Given back last, for nobody else may be in the folder while it is tidied up.
    _change: Held,
}

impl Work {
    /// An empty one, for who may change the entry.
    pub(super) fn begin(layout: &Layout, change: Held, key: &ModelKey) -> Result<Self, StoreError> {
        let work = Self { folder: layout.work(key), entry: layout.entry(key), _change: change };
        tidy_up(&work.folder, &work.entry)?;
        create_folder(&work.files())?;
        Ok(work)
    }

    /// Where the files of the new entry are written.
    pub(super) fn files(&self) -> PathBuf {
        files_in(&self.new_entry())
    }

    fn new_entry(&self) -> PathBuf {
        new_in(&self.folder)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What cannot be tidied up now, the next sweep may.
        if let Err(error) = tidy_up(&self.folder, &self.entry) {
            tracing::warn!("{error}");
        }
    }
}

/// Puts the old entry back if there is no new one, and removes the rest.
fn tidy_up(work: &Path, entry: &Path) -> Result<(), FileError> {
    let old = old_in(work);
    if is_there(&old)? && !is_there(entry)? {
        rename(&old, entry)?;
    }
    remove_tree(work)
}

fn new_in(work: &Path) -> PathBuf {
    work.join("new")
}

fn old_in(work: &Path) -> PathBuf {
    work.join("old")
}

fn removed_in(work: &Path) -> PathBuf {
    work.join("removed")
}

impl Shelf {
    pub(super) fn store<E: From<StoreError>>(
        &self,
        key: &ModelKey,
        origin: &Origin,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<StoredModel, E> {
        let change = self.locks.change(key, "storing", &*self.watcher)?;
        self.recover(&change, key)?;
        match self.inspect(key, Depth::Headers, None)? {
            Inspected::Ready(model) if model.manifest.origin == *origin => return Ok(*model),
            Inspected::Damaged(reason) => {
                let damage = self.set_aside(&change, key, reason)?;
                tracing::warn!("{damage}");
            }
            Inspected::Ready(_) | Inspected::Absent | Inspected::Stale { .. } => {}
        }
        let work = Work::begin(&self.layout, change, key)?;
        fill(&work.files())?;
        self.watcher.reached(Step::Filled);
        let manifest = Manifest::new(key, origin.clone(), integrity::describe(&work.files())?);
        manifest.check().map_err(|refusal| StoreError::Refused { path: work.files(), refusal })?;
        self.move_in(&work, key, &manifest)?;
        let downloads = self.layout.downloads(key);
        remove_tree(&downloads).map_err(StoreError::from)?;
        // Nobody else can change the entry before the lock is given back.
        match self.inspect(key, Depth::Headers, None)? {
            Inspected::Ready(model) => Ok(*model),
            Inspected::Stale { reason, .. } => Err(StoreError::Stale { key: key.clone(), reason }.into()),
            Inspected::Absent => Err(StoreError::NotStored { key: key.clone() }.into()),
            Inspected::Damaged(reason) => {
                Err(StoreError::Damaged(Damage { key: key.clone(), reason, aside: None }).into())
            }
        }
    }

    pub(super) fn downloads(&self, key: &ModelKey, origin: &Origin) -> Result<PathBuf, StoreError> {
        // Revisions may be called anything; parts of one must never be taken for parts of another.
        let hash = Sha256::digest(format!("{}\n{}", origin.repository, origin.revision));
        let name: String = hex(hash.into()).chars().take(16).collect();
        let folder = self.layout.downloads(key).join(name);
        create_folder(&folder)?;
        Ok(folder)
    }

    /// Puts what was made into its place, instead of the entry that is there, whose pin and uses it takes over. The
    /// entry that was there stays if somebody uses it.
    pub(super) fn move_in(&self, work: &Work, key: &ModelKey, manifest: &Manifest) -> Result<(), StoreError> {
        let (new, old, entry) = (work.new_entry(), old_in(&work.folder), self.layout.entry(key));
        let verified = integrity::sync(&work.files())?;
        manifest::write_json(&manifest_in(&new), manifest)?;
        self.watcher.reached(Step::Described);
        let state = self.locks.state(key)?;
        let is_replaced = is_there(&entry)?;
        let mut usage = if is_replaced { Usage::read(&usage_in(&entry)) } else { Usage::default() };
        usage.last_used_unix_ms = unix_ms(SystemTime::now());
        usage.verified = verified;
        usage.write(&usage_in(&new))?;
        if !is_replaced {
            rename(&new, &entry)?;
            self.watcher.reached(Step::MovedIn);
            return Ok(());
        }
        let Some(_nobody_uses_it) = self.locks.try_own_use(key, &state)? else {
            return Err(StoreError::InUse { key: key.clone() });
        };
        rename(&entry, &old)?;
        self.watcher.reached(Step::MovedAside);
        rename(&new, &entry)?;
        self.watcher.reached(Step::MovedIn);
        Ok(())
    }

    pub(super) fn remove(&self, key: &ModelKey) -> Result<u64, StoreError> {
        let in_use = || StoreError::InUse { key: key.clone() };
        let not_stored = || StoreError::NotStored { key: key.clone() };
        let (entry, downloads) = (self.layout.entry(key), self.layout.downloads(key));
        // Not even a lock is made for what is not there.
        if !is_there(&entry)? && !is_there(&downloads)? && !is_there(&self.layout.work(key))? {
            return Err(not_stored());
        }
        let change = self.locks.try_change(key)?.ok_or_else(in_use)?;
        self.recover(&change, key)?;
        let is_stored = is_there(&entry)?;
        if !is_stored && !is_there(&downloads)? {
            return Err(not_stored());
        }
        let n_bytes = measure(&entry).0 + measure(&downloads).0;
        let work = Work::begin(&self.layout, change, key)?;
        if is_stored {
            self.take_out(&work, key)?;
        }
        remove_tree(&downloads)?;
        remove_tree(&work.folder)?;
        Ok(n_bytes)
    }

    /// In one step, so that nobody ever finds a part of it.
    fn take_out(&self, work: &Work, key: &ModelKey) -> Result<(), StoreError> {
        let entry = self.layout.entry(key);
        let state = self.locks.state(key)?;
        if Usage::read(&usage_in(&entry)).pinned {
            return Err(StoreError::Pinned { key: key.clone() });
        }
        let Some(_nobody_uses_it) = self.locks.try_own_use(key, &state)? else {
            return Err(StoreError::InUse { key: key.clone() });
        };
        rename(&entry, &removed_in(&work.folder))?;
        self.watcher.reached(Step::TakenOut);
        Ok(())
    }

    /// Puts a damaged entry where nobody finds it. If somebody uses it, or the disk is read-only, it stays.
    pub(super) fn set_aside(&self, _change: &Held, key: &ModelKey, reason: String) -> Result<Damage, StoreError> {
        let folder = self.layout.all_damaged();
        let set_aside = || -> Result<Option<PathBuf>, StoreError> {
            let state = self.locks.state(key)?;
            let Some(_nobody_uses_it) = self.locks.try_own_use(key, &state)? else { return Ok(None) };
            create_folder(&folder)?;
            let aside = first_free(&folder, key.as_str());
            rename(&self.layout.entry(key), &aside)?;
            Ok(Some(aside))
        };
        let aside = match set_aside() {
            Err(StoreError::NotWritable(error)) => {
                tracing::debug!("{error}");
                None
            }
            aside => aside?,
        };
        Ok(Damage { key: key.clone(), reason, aside })
    }

    /// Undoes a change that ended half-way, and removes what it left.
    pub(super) fn recover(&self, _change: &Held, key: &ModelKey) -> Result<u64, StoreError> {
        let work = self.layout.work(key);
        if !is_there(&work)? {
            return Ok(0);
        }
        let (n_bytes, _) = measure(&work);
        tidy_up(&work, &self.layout.entry(key))?;
        Ok(n_bytes)
    }

    pub(super) fn sweep(&self) -> Result<u64, StoreError> {
        let mut n_bytes = 0;
        for (key, _) in keyed_children(&self.layout.all_work())? {
            if let Some(change) = self.locks.try_change(&key)? {
                n_bytes += self.recover(&change, &key)?;
            }
        }
        // Who dies while noting a use leaves the temporary file of `files::write_atomic`.
        for (key, entry) in keyed_children(self.layout.root())? {
            let is_temporary =
                |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".hansard-"));
            let temporary: Vec<PathBuf> = children(&entry)?.into_iter().filter(is_temporary).collect();
            if temporary.is_empty() {
                continue;
            }
            let Some(_state) = self.locks.try_state(&key)? else { continue };
            for path in temporary {
                n_bytes += measure(&path).0;
                remove_tree(&path)?;
            }
        }
        Ok(n_bytes)
    }
}
