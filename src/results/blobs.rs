//! The folder of the store, and the files of large results in it. Whoever writes or removes one may write to the index
//! meanwhile, so that nobody else does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::hash::ContentHash;

use super::error::Unreadable;
use super::frame::{Flaw, Frame};

/// Frames up to this length are kept in the index: below it, a file of its own takes longer and wastes more.
const MAX_INLINE_BYTES: usize = 32 << 10;
/// What the names of blobs end with.
const EXTENSION: &str = "zst";
/// What the names of files begin with that are being written.
const TEMPORARY: &str = ".hansard-";

/// Where everything is.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) folder: PathBuf,
    pub(super) database: PathBuf,
    pub(super) lock: PathBuf,
    blobs: PathBuf,
}

/// Where the bytes of a result are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the index.
    Inline,
    /// In a file.
    Blob,
}

impl Place {
    pub(super) fn of(frame: &Frame) -> Self {
        if frame.bytes().len() <= MAX_INLINE_BYTES { Self::Inline } else { Self::Blob }
    }
}

impl Layout {
    pub(super) fn below(cache_dir: &Path) -> Self {
        let folder = cache_dir.join("results-v1");
        let [database, lock, blobs] = ["index.db", "index.lock", "blobs"].map(|name| folder.join(name));
        Self { folder, database, lock, blobs }
    }

    /// A name for a damaged index that is free.
    pub(super) fn free_damaged(&self) -> PathBuf {
        (1..=u32::MAX)
            .map(|n| self.folder.join(format!("index-damaged-{n}.db")))
            .find(|path| !path.exists())
            .expect("a folder cannot hold as many files as there are numbers")
    }

    /// The damaged indexes that were set aside, with what belongs to them.
    pub(super) fn all_damaged(&self) -> Result<Vec<PathBuf>, FileError> {
        let is_damaged = |path: &PathBuf| name_of(path).starts_with("index-damaged-");
        Ok(children(&self.folder)?.into_iter().filter(is_damaged).collect())
    }

    fn shard(&self, hash: &ContentHash) -> PathBuf {
        self.blobs.join(format!("{:02x}", hash.as_bytes()[0]))
    }

    fn blob(&self, hash: &ContentHash) -> PathBuf {
        self.shard(hash).join(format!("{hash}.{EXTENSION}"))
    }

    /// Writes a blob, so that it is there whole or not at all, and for certain before the index names it.
    pub(super) fn write_blob(&self, frame: &Frame) -> Result<(), FileError> {
        let path = self.blob(frame.hash());
        clear_place(&path)?;
        files::write_private(&path, frame.bytes())
    }

    /// Reads a blob.
    pub(super) fn read_blob(&self, hash: &ContentHash) -> Result<Frame, Unreadable> {
        let path = self.blob(hash);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Flaw::Missing.into()),
            Ok(there) if !there.is_file() => return Err(Flaw::Unreadable("it is no regular file".to_owned()).into()),
            Ok(_) | Err(_) => {}
        }
        let bytes = fs::read(&path).map_err(|error| unreadable(&path, error))?;
        let frame = Frame::parse(bytes)?;
        if frame.hash() == hash { Ok(frame) } else { Err(Flaw::Misplaced.into()) }
    }

    /// Removes a blob, if it is there.
    pub(super) fn remove_blob(&self, hash: &ContentHash) -> Result<(), FileError> {
        let path = self.blob(hash);
        clear_place(&path)?;
        remove_file(&path)
    }

    /// Removes the index and all results, whatever state they are in. Returns what is free then that was not.
    pub(super) fn remove_all(&self) -> Result<u64, FileError> {
        let is_index = |path: &PathBuf| name_of(path).starts_with("index") && *path != self.lock;
        let mut n_freed_bytes = size_below(&self.blobs);
        match fs::remove_dir_all(&self.blobs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(FileError::of("remove", &self.blobs))?,
        }
        for path in children(&self.folder)?.into_iter().filter(is_index) {
            n_freed_bytes += size_below(&path);
            remove_file(&path)?;
        }
        Ok(n_freed_bytes)
    }

    /// What all of it takes on disk.
    pub(super) fn n_bytes(&self) -> u64 {
        size_below(&self.folder)
    }

    /// The hashes of all blobs, in their order; what was left half-written is removed. Files of other names stay.
    pub(super) fn tidy_blobs(&self) -> Result<Vec<ContentHash>, FileError> {
        let mut hashes: Vec<ContentHash> = Vec::new();
        for shard in children(&self.blobs)? {
            if !shard.is_dir() {
                continue;
            }
            // What is in a folder that cannot be read cannot be used either.
            for path in children(&shard).unwrap_or_default() {
                let name = name_of(&path);
                if name.starts_with(TEMPORARY) {
                    remove_file(&path)?;
                } else if let Some(hash) =
                    name.strip_suffix(&format!(".{EXTENSION}")).and_then(|name| name.parse().ok())
                {
                    hashes.push(hash);
                }
            }
        }
        hashes.retain(|hash| self.blob(hash).is_file());
        hashes.sort();
        Ok(hashes)
    }
}

/// Removes what lies in the place of a blob and is none: nobody but the store has anything to do there.
fn clear_place(path: &Path) -> Result<(), FileError> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path).map_err(FileError::of("remove", path)),
        Ok(there) if !there.is_file() => remove_file(path),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Why a blob cannot be read: it may only be for now, if there are too many open files.
fn unreadable(path: &Path, error: io::Error) -> Unreadable {
    match error.kind() {
        io::ErrorKind::NotFound => Flaw::Missing.into(),
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData => Flaw::Unreadable(error.to_string()).into(),
        _ => FileError::of("read", path)(error).into(),
    }
}

/// What a file, or all files below a folder, take; links are not followed.
fn size_below(path: &Path) -> u64 {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => children(path).unwrap_or_default().iter().map(|child| size_below(child)).sum(),
        Ok(there) => there.len(),
        Err(_) => 0,
    }
}

/// Removes a file, if it is there.
pub(super) fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(FileError::of("remove", path)),
    }
}

/// What is in a folder, in the order of names; nothing if it is not there.
fn children(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(FileError::of("read", folder))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = paths.map_err(FileError::of("read", folder))?;
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
