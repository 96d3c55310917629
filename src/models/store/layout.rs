//! Where everything lies in the store's folder (drawn in `mod.rs`), and moving it about. Locks are the caller's
//! business.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::models::key::ModelKey;

/// The store's folder below the cache folder. Another layout will have another number.
const FOLDER: &str = "models-v1";

/// The paths of a store. Names that begin with a dot are no keys.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn below(cache_dir: &Path) -> Self {
        Self { root: cache_dir.join(FOLDER) }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn locks(&self) -> PathBuf {
        self.root.join(".locks")
    }

    pub(super) fn entry(&self, key: &ModelKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// Everything that is being made or removed, by key.
    pub(super) fn all_work(&self) -> PathBuf {
        self.root.join(".tmp")
    }

    /// What is being made or removed of one model. Belongs to who holds the lock for its changes.
    pub(super) fn work(&self, key: &ModelKey) -> PathBuf {
        self.all_work().join(key.as_str())
    }

    pub(super) fn all_damaged(&self) -> PathBuf {
        self.root.join(".damaged")
    }

    pub(super) fn all_downloads(&self) -> PathBuf {
        self.root.join(".downloads")
    }

    /// Downloads for one model that are not finished.
    pub(super) fn downloads(&self, key: &ModelKey) -> PathBuf {
        self.all_downloads().join(key.as_str())
    }
}

pub(super) fn manifest_in(entry: &Path) -> PathBuf {
    entry.join("manifest.json")
}

pub(super) fn usage_in(entry: &Path) -> PathBuf {
    entry.join("usage.json")
}

pub(super) fn files_in(entry: &Path) -> PathBuf {
    entry.join("files")
}

/// The first free name `STEM-N` in a folder.
pub(super) fn first_free(folder: &Path, stem: &str) -> PathBuf {
    (1..=u32::MAX)
        .map(|n| folder.join(format!("{stem}-{n}")))
        .find(|path| path.symlink_metadata().is_err())
        .expect("a folder cannot hold as many files as there are numbers")
}

/// Whether there is something of this name, a link that leads nowhere included.
pub(super) fn is_there(path: &Path) -> Result<bool, FileError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::of("read", path)(error)),
    }
}

pub(super) fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::of("create folder", path))
}

/// Moves a folder to a name in a folder that exists, so that it is there after a power cut as well.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::of("rename", from))?;
    for folder in [to.parent(), from.parent()].into_iter().flatten() {
        files::sync_folder(folder).map_err(FileError::of("write", folder))?;
    }
    Ok(())
}

/// Removes a folder or file with all that is in it, if it is there.
pub(super) fn remove_tree(path: &Path) -> Result<(), FileError> {
    let removed = match path.symlink_metadata() {
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(FileError::of("remove", path)),
    }
}

/// What is in a folder, by name; nothing if it is not there.
pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries: io::Result<Vec<DirEntry>> = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => entries.collect(),
    };
    let entries = entries.map_err(FileError::of("read", folder))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

/// The folders in a folder whose names are keys.
pub(super) fn keyed_children(folder: &Path) -> Result<Vec<(ModelKey, PathBuf)>, FileError> {
    let key_of = |path: &Path| ModelKey::new(path.file_name()?.to_str()?).ok();
    Ok(children(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| Some((key_of(&path)?, path)))
        .collect())
}

/// Size of all files in a folder, and when one of them was last changed, in milliseconds since 1970. What vanishes
/// meanwhile does not count.
pub(super) fn measure(path: &Path) -> (u64, u64) {
    let Ok(metadata) = path.symlink_metadata() else { return (0, 0) };
    let modified_unix_ms = metadata.modified().map_or(0, super::manifest::unix_ms);
    if !metadata.is_dir() {
        return (metadata.len(), modified_unix_ms);
    }
    let measured = children(path).unwrap_or_default();
    measured
        .iter()
        .map(|child| measure(child))
        .fold((0, modified_unix_ms), |(sum, last), (n_bytes, modified)| (sum + n_bytes, last.max(modified)))
}
