//! What is on disk, for tables and totals. Nothing is opened but the small files of each entry: whether weights are
//! right, [`super::DiskStore::verify`] finds out.

use std::path::PathBuf;

use crate::models::key::ModelKey;

use super::Shelf;
use super::error::StoreError;
use super::layout::{children, files_in, keyed_children, manifest_in, measure, usage_in};
use super::manifest::{self, Origin, Read, Staleness, Usage};

/// An entry as a table shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskEntry {
    /// Its key.
    pub key: ModelKey,
    /// Where it comes from; `None` if its manifest cannot be read.
    pub origin: Option<Origin>,
    /// Size of everything in its folder.
    pub n_bytes: u64,
    /// Number of its files.
    pub n_files: usize,
    /// Whether the published files that it was made from are kept in it, so that it can be made again.
    pub has_originals: bool,
    /// When it was stored, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// When it was last used, or stored if it never was.
    pub last_used_unix_ms: u64,
    /// How often it was used.
    pub n_uses: u64,
    /// Whether it is kept from being cleaned up.
    pub pinned: bool,
    /// Whether somebody uses it now, here or in another process.
    pub in_use: bool,
    /// Whether it can be used.
    pub state: EntryState,
}

/// Whether an entry can be used, as far as sizes tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// It can.
    Ready,
    /// Another version of Hansard made it; it cannot be used as it is.
    Stale(Staleness),
    /// It is not as it was stored; it cannot be used.
    Damaged(String),
}

/// Something in the store that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// Size of all in it.
    pub n_bytes: u64,
    /// When something in it was last changed, in milliseconds since 1970.
    pub modified_unix_ms: u64,
}

/// What lies beside entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftoverKind {
    /// A damaged entry that was set aside.
    SetAside,
    /// Unfinished downloads for this model.
    Downloads(ModelKey),
}

impl Shelf {
    pub(super) fn list(&self) -> Result<Vec<DiskEntry>, StoreError> {
        let mut entries = Vec::new();
        for (key, folder) in keyed_children(self.layout.root())? {
            let usage = Usage::read(&usage_in(&folder));
            let (n_bytes, _) = measure(&folder);
            // One that cannot be read hides no other.
            let read =
                manifest::read(&manifest_in(&folder), &key).unwrap_or_else(|error| Read::Damaged(error.to_string()));
            let (manifest, state) = match read {
                Read::OtherFormat(found) => (None, EntryState::Stale(Staleness::Format(found))),
                Read::Damaged(reason) => (None, EntryState::Damaged(reason)),
                Read::Manifest(manifest) => {
                    let files = files_in(&folder);
                    let is_whole = |name: &str, n_bytes: u64| {
                        files.join(name).symlink_metadata().is_ok_and(|file| file.is_file() && file.len() == n_bytes)
                    };
                    let wrong = manifest.files.iter().find(|file| !is_whole(&file.name, file.n_bytes));
                    let state = match (wrong, manifest.staleness()) {
                        (Some(file), _) => EntryState::Damaged(format!("{} is missing or cut short", file.name)),
                        (None, Some(reason)) => EntryState::Stale(reason),
                        (None, None) => EntryState::Ready,
                    };
                    (Some(manifest), state)
                }
            };
            let created_unix_ms = manifest.as_ref().map_or(0, |manifest| manifest.created_unix_ms);
            entries.push(DiskEntry {
                n_bytes,
                n_files: manifest.as_ref().map_or(0, |manifest| manifest.files.len()),
                has_originals: manifest.as_ref().is_some_and(manifest::Manifest::has_originals),
                created_unix_ms,
                last_used_unix_ms: usage.last_used_unix_ms.max(created_unix_ms),
                n_uses: usage.n_uses,
                pinned: usage.pinned,
                in_use: self.is_in_use(&key)?,
                state,
                origin: manifest.map(|manifest| manifest.origin),
                key,
            });
        }
        Ok(entries)
    }

    fn is_in_use(&self, key: &ModelKey) -> Result<bool, StoreError> {
        let is_free = || -> Result<bool, StoreError> {
            let state = self.locks.state(key)?;
            Ok(self.locks.try_own_use(key, &state)?.is_some())
        };
        match is_free() {
            // Nobody can lock on a read-only disk.
            Err(StoreError::NotWritable(_)) => Ok(false),
            is_free => Ok(!is_free?),
        }
    }

    pub(super) fn leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        let mut leftovers = Vec::new();
        let mut add = |kind, folder: PathBuf| {
            let (n_bytes, modified_unix_ms) = measure(&folder);
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            leftovers.push(Leftover { kind, name, folder, n_bytes, modified_unix_ms });
        };
        for folder in children(&self.layout.all_damaged())? {
            add(LeftoverKind::SetAside, folder);
        }
        for (key, folder) in keyed_children(&self.layout.all_downloads())? {
            add(LeftoverKind::Downloads(key), folder);
        }
        Ok(leftovers)
    }
}
