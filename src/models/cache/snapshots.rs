//! What a cache of the hub's own tools has of the models of the catalog, and whether its bytes are those that the hub
//! published. A file is hashed once in a run, and again when it was changed. Nothing is written there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::files::FileError;
use crate::models::catalog::{Entry, Source, Wanted};
use crate::models::download::DownloadControl;
use crate::models::hub_cache::{BlobHash, Snapshot, SnapshotFile};

use super::error::ObtainError;
use super::obtain::{ObtainStep, ObtainWatch, check, hex};
use super::{ModelCache, lock};

/// The end of the name of a file that tells in which of several files which weights are.
const INDEX_END: &str = ".safetensors.index.json";
/// Of a model without a choice of files.
const NO_CHOICE: &[&str] = &[""];
const N_BUFFER_BYTES: usize = 1 << 20;

/// What a cache of the hub's own tools has of a model.
pub(super) enum InHubCache {
    /// Not all of it.
    Nothing,
    /// All of it, as it was published, as far as hashes tell.
    Sound(Snapshot),
    /// All of it, but this file has other bytes than its hash says.
    Damaged(PathBuf),
}

/// Files that were hashed, by their paths.
pub(super) type HashedFiles = BTreeMap<PathBuf, HashedFile>;

/// How a file was when it was hashed.
#[derive(Clone, Copy)]
pub(super) struct HashedFile {
    state: (u64, Option<SystemTime>),
    is_sound: bool,
}

impl ModelCache {
    /// What a cache of the hub's own tools has of a model, if it has all of it. What the files hold is not looked at.
    pub fn snapshot_of(&self, entry: &Entry) -> Option<Snapshot> {
        let Source::Hub { repository, revision } = entry.source else { return None };
        let (mut required, mut optional, mut choice) = (Vec::new(), Vec::new(), NO_CHOICE);
        for wanted in entry.files {
            match wanted {
                Wanted::Required(name) => required.push(*name),
                Wanted::Optional(name) => optional.push(*name),
                // No model of the catalog has more than one choice.
                Wanted::FirstOf(names) => choice = *names,
            }
        }
        let find = |more: &[&str]| {
            let all: Vec<&str> = required.iter().chain(more).copied().collect();
            self.shared.hub_cache.find(repository, revision, &all, &optional)
        };
        choice.iter().find_map(|name| {
            if name.is_empty() {
                return find(&[]);
            }
            let snapshot = find(&[*name])?;
            if !name.ends_with(INDEX_END) {
                return Some(snapshot);
            }
            let shards = shards_in(&snapshot.folder.join(name))?;
            let names: Vec<&str> = [*name].into_iter().chain(shards.iter().map(String::as_str)).collect();
            find(&names)
        })
    }

    /// The same with the hashes of its files compared, where they are known.
    pub(super) fn in_hub_cache(&self, entry: &Entry, watch: &ObtainWatch<'_>) -> Result<InHubCache, ObtainError> {
        let Some(snapshot) = self.snapshot_of(entry) else { return Ok(InHubCache::Nothing) };
        let total_bytes: u64 = snapshot.files.iter().map(|file| file.n_bytes).sum();
        let mut n_bytes = 0;
        for file in &snapshot.files {
            let told = |n_more: u64| (watch.tell)(ObtainStep::Verify { n_bytes: n_bytes + n_more, total_bytes });
            if !self.is_sound(file, watch.control, &told)? {
                return Ok(InHubCache::Damaged(file.path.clone()));
            }
            n_bytes += file.n_bytes;
        }
        Ok(InHubCache::Sound(snapshot))
    }

    /// Whether a file has the bytes that its hash says, if it has one. `told` is how many were read.
    fn is_sound(
        &self,
        file: &SnapshotFile,
        control: &DownloadControl,
        told: &dyn Fn(u64),
    ) -> Result<bool, ObtainError> {
        let Some(expected) = &file.hash else { return Ok(true) };
        let metadata = fs::metadata(&file.path).map_err(FileError::of("read", &file.path))?;
        let state = (metadata.len(), metadata.modified().ok());
        let hashed = lock(&self.shared.hashed_files).get(&file.path).copied();
        if let Some(hashed) = hashed.filter(|hashed| hashed.state == state) {
            return Ok(hashed.is_sound);
        }
        let is_sound = match expected {
            BlobHash::Sha256(digits) => digits_of(Sha256::new(), &file.path, control, told)? == *digits,
            BlobHash::Git(digits) => {
                // Git hashes the content behind its kind and size.
                let hasher = Sha1::new_with_prefix(format!("blob {}\0", state.0));
                digits_of(hasher, &file.path, control, told)? == *digits
            }
        };
        lock(&self.shared.hashed_files).insert(file.path.clone(), HashedFile { state, is_sound });
        Ok(is_sound)
    }
}

/// The hash of a file in hexadecimal digits.
fn digits_of(
    mut hasher: impl Digest,
    path: &Path,
    control: &DownloadControl,
    told: &dyn Fn(u64),
) -> Result<String, ObtainError> {
    let mut source = File::open(path).map_err(FileError::of("read", path))?;
    let (mut buffer, mut n_bytes) = (vec![0; N_BUFFER_BYTES], 0);
    loop {
        check(control)?;
        let n_read = match source.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            n_read => n_read.map_err(FileError::of("read", path))?,
        };
        if n_read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n_read]);
        n_bytes += n_read as u64;
        told(n_bytes);
    }
}

/// The files of weights that an index names.
fn shards_in(index: &Path) -> Option<Vec<String>> {
    let index: serde_json::Value = serde_json::from_slice(&fs::read(index).ok()?).ok()?;
    let names = index.get("weight_map")?.as_object()?.values();
    let mut shards = names.map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()?;
    shards.sort();
    shards.dedup();
    Some(shards)
}
