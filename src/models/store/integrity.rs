//! Whether the files of an entry are those that were stored: sizes and headers every time, SHA-256 on demand and where
//! a file was changed since it was last right. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::files::{self, FileError};

use super::content::{self, Depth};
use super::error::{Refusal, StoreError};
use super::layout::children;
use super::manifest::{FileRecord, Manifest, modified_unix_ns};
use super::watch::Meter;

/// Bytes that are read at once.
pub(super) const COPY_BYTES: usize = 1 << 20;

/// What a check came to.
pub(super) enum Checked {
    /// All files are right. For each, when it was last changed.
    Sound(BTreeMap<String, u64>),
    /// What is wrong with the first that is not.
    Damaged(String),
}

/// Compares the files in a folder with the manifest. `verified` has those whose SHA-256 was right before, with the time
/// of their last change then.
pub(super) fn check(
    folder: &Path,
    manifest: &Manifest,
    verified: &BTreeMap<String, u64>,
    depth: Depth,
    meter: &mut Meter<'_>,
) -> Result<Checked, StoreError> {
    let mut modified = BTreeMap::new();
    for file in &manifest.files {
        let path = folder.join(&file.name);
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Checked::Damaged(format!("{} is missing", file.name)));
            }
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        };
        if !metadata.is_file() {
            return Ok(Checked::Damaged(format!("{} is no plain file", file.name)));
        }
        if metadata.len() != file.n_bytes {
            let (found, expected) = (metadata.len(), file.n_bytes);
            return Ok(Checked::Damaged(format!("{} has {found} bytes instead of {expected}", file.name)));
        }
        let modified_unix_ns = modified_unix_ns(&metadata);
        let is_unchanged = verified.get(&file.name) == Some(&modified_unix_ns);
        match content::check(&path, &file.name, if is_unchanged { depth } else { Depth::Full }) {
            Err(StoreError::Refused { refusal, .. }) => return Ok(Checked::Damaged(refusal.to_string())),
            checked => checked?,
        }
        if (depth == Depth::Full || !is_unchanged) && sha256_of(&path, meter)? != file.sha256 {
            return Ok(Checked::Damaged(format!("{} has other bytes than were stored", file.name)));
        }
        modified.insert(file.name.clone(), modified_unix_ns);
    }
    Ok(Checked::Sound(modified))
}

/// The SHA-256 of a file in hexadecimal digits.
pub(super) fn sha256_of(path: &Path, meter: &mut Meter<'_>) -> Result<String, StoreError> {
    let mut file = File::open(path).map_err(FileError::of("read", path))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; COPY_BYTES]);
    loop {
        let n_bytes = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            n_bytes => n_bytes.map_err(FileError::of("read", path))?,
        };
        if n_bytes == 0 {
            return Ok(hex(hasher.finalize().into()));
        }
        hasher.update(&buffer[..n_bytes]);
        meter.add(n_bytes)?;
    }
}

/// A SHA-256 in hexadecimal digits.
pub(super) fn hex(hash: [u8; 32]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digits = hash.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// All plain files below a folder with their names relative to it, by name. Anything else is refused.
pub(super) fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let (mut found, mut open) = (Vec::new(), vec![(String::new(), folder.to_path_buf())]);
    while let Some((prefix, folder)) = open.pop() {
        for path in children(&folder)? {
            let refuse = |refusal| StoreError::Refused { path: path.clone(), refusal };
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(refuse(Refusal::UnsafeName(path.to_string_lossy().into_owned())));
            };
            let name = format!("{prefix}{name}");
            let kind = path.symlink_metadata().map_err(FileError::of("read", &path))?.file_type();
            if kind.is_dir() {
                open.push((format!("{name}/"), path));
            } else if kind.is_file() {
                found.push((name, path));
            } else if kind.is_symlink() {
                return Err(refuse(Refusal::Link(name)));
            } else {
                return Err(refuse(Refusal::NotAFile(name)));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Looks at every file of a new entry, makes sure that it is on the disk, and describes it.
pub(super) fn describe(folder: &Path) -> Result<Vec<FileRecord>, StoreError> {
    let mut records = Vec::new();
    for (name, path) in files_below(folder)? {
        content::check(&path, &name, Depth::Full)?;
        let sha256 = sha256_of(&path, &mut Meter::new(None, 0))?;
        let n_bytes = fs::metadata(&path).map_err(FileError::of("read", &path))?.len();
        records.push(FileRecord { name, n_bytes, sha256 });
    }
    if records.is_empty() {
        return Err(StoreError::Refused { path: folder.to_path_buf(), refusal: Refusal::Empty });
    }
    Ok(records)
}

/// Makes sure that all files and folders are on the disk, and returns when each file was last changed.
pub(super) fn sync(folder: &Path) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut modified = BTreeMap::new();
    let mut folders = BTreeSet::from([folder.to_path_buf()]);
    for (name, path) in files_below(folder)? {
        // Windows writes out only what is open for writing.
        let file = File::options().read(true).write(cfg!(windows)).open(&path);
        let synced = file.and_then(|file| file.sync_all().and_then(|()| file.metadata()));
        modified.insert(name, modified_unix_ns(&synced.map_err(FileError::of("write", &path))?));
        folders.extend(path.ancestors().skip(1).take_while(|parent| *parent != folder).map(Path::to_path_buf));
    }
    for folder in folders {
        files::sync_folder(&folder).map_err(FileError::of("write", &folder))?;
    }
    Ok(modified)
}
