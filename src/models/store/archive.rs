//! Models as one file, `NAME.hansard-models`, for machines without a network: a tar archive compressed by zstd. Its
//! first member, `hansard-models.json`, lists what follows: the manifests of the models, whose files are the members
//! `KEY/NAME`, all plain. Reading it is in `unpack.rs`; neither takes more memory for larger models.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files::{self, FileError};
use crate::models::key::ModelKey;
use crate::task::Progress;

use super::content::Depth;
use super::error::{Damage, Refusal, StoreError};
use super::integrity::hex;
use super::manifest::Manifest;
use super::watch::Meter;
use super::{Found, Shelf, StoredModel};

/// What the names of such files end with, after a dot.
pub const ARCHIVE_EXTENSION: &str = "hansard-models";

/// The member that lists the others.
pub(super) const LIST_NAME: &str = "hansard-models.json";
/// The version of the format that is written.
pub(super) const ARCHIVE_VERSION: u32 = 1;

/// What all files begin with that zstd compressed (RFC 8878).
const ZSTD_START: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// zstd's level: weights hardly become smaller by trying harder.
const COMPRESSION: i32 = 1;

/// The list of what is in an archive.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    pub(super) archive_version: u32,
    pub(super) models: Vec<Manifest>,
}

impl Shelf {
    pub(super) fn export(&self, keys: &[ModelKey], path: &Path, progress: &Progress<'_>) -> Result<u64, StoreError> {
        check_target(path)?;
        let mut models = Vec::new();
        for key in keys.iter().collect::<BTreeSet<_>>() {
            match self.verify(key, Depth::Headers, None)? {
                Found::Ready(model) => models.push(model),
                Found::Absent => return Err(StoreError::NotStored { key: key.clone() }),
                Found::Stale { reason, .. } => return Err(StoreError::Stale { key: key.clone(), reason }),
                Found::Damaged(damage) => return Err(StoreError::Damaged(damage)),
            }
        }
        if models.is_empty() {
            return Err(StoreError::Refused { path: path.to_path_buf(), refusal: Refusal::Empty });
        }
        let mut meter = Meter::new(Some(progress), models.iter().map(|model| model.manifest.n_bytes()).sum());
        let mut failure = None;
        let written = files::write_atomic_with(path, |file| {
            write_archive(file, path, &models, &mut meter).map_err(|error| {
                failure = Some(error);
                io::Error::other("the reason is told elsewhere")
            })
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        written?;
        Ok(fs::metadata(path).map_err(FileError::of("read", path))?.len())
    }
}

/// Fails unless a file of models may be written there: no other file is replaced, and no folder made.
fn check_target(path: &Path) -> Result<(), StoreError> {
    if path.extension().is_none_or(|extension| extension != ARCHIVE_EXTENSION) {
        return Err(StoreError::NotNamed { path: path.to_path_buf() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(StoreError::NoFolder { path: folder.to_path_buf() });
    }
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(FileError::of("read", path))?,
    };
    let mut start = Vec::new();
    if metadata.is_file() {
        let file = File::open(path).map_err(FileError::of("read", path))?;
        file.take(ZSTD_START.len() as u64).read_to_end(&mut start).map_err(FileError::of("read", path))?;
    }
    let is_replaceable = metadata.is_file() && (start.is_empty() || start == ZSTD_START);
    if is_replaceable { Ok(()) } else { Err(StoreError::WouldReplace { path: path.to_path_buf() }) }
}

fn write_archive(
    file: &mut File,
    path: &Path,
    models: &[StoredModel],
    meter: &mut Meter<'_>,
) -> Result<(), StoreError> {
    let encoder = zstd::stream::write::Encoder::new(file, COMPRESSION).map_err(FileError::of("write", path))?;
    let mut archive = tar::Builder::new(encoder);
    let contents = Contents {
        archive_version: ARCHIVE_VERSION,
        models: models.iter().map(|model| model.manifest.clone()).collect(),
    };
    let list = serde_json::to_vec_pretty(&contents).map_err(io::Error::other).map_err(FileError::of("write", path))?;
    header(LIST_NAME, list.len() as u64)
        .and_then(|header| archive.append(&header, list.as_slice()))
        .map_err(FileError::of("write", path))?;
    for model in models {
        for file in &model.manifest.files {
            let from = model.folder.join(&file.name);
            let source = File::open(&from).map_err(FileError::of("read", &from))?;
            let mut reader =
                HashedReader { inner: source.take(file.n_bytes), hasher: Sha256::new(), meter: &mut *meter };
            let name = format!("{}/{}", model.key, file.name);
            let appended = header(&name, file.n_bytes).and_then(|header| archive.append(&header, &mut reader));
            let sha256 = hex(reader.hasher.finalize().into());
            meter.check()?;
            appended.map_err(FileError::of("write", path))?;
            if sha256 != file.sha256 {
                let reason = format!("{} has other bytes than were stored", file.name);
                return Err(StoreError::Damaged(Damage { key: model.key.clone(), reason, aside: None }));
            }
        }
    }
    let finished = archive.into_inner().and_then(zstd::stream::write::Encoder::finish);
    finished.map_err(FileError::of("write", path))?;
    Ok(())
}

/// The header of a plain file. Times and owners are left out: the same models give the same bytes.
fn header(name: &str, n_bytes: u64) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(n_bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

/// Hashes what is read through it, and counts it.
struct HashedReader<'a, 'b, R> {
    inner: R,
    hasher: Sha256,
    meter: &'a mut Meter<'b>,
}

impl<R: Read> Read for HashedReader<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n_bytes]);
        self.meter.add(n_bytes).map_err(io::Error::other)?;
        Ok(n_bytes)
    }
}
