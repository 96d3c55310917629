//! What an entry says of itself, in two JSON files: the manifest, written once and never changed, and how the entry was
//! used, which is replaced again and again. Whether the files are as the manifest says, `integrity.rs` checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::models::key::ModelKey;
use crate::nn::checkpoint::READY_VERSION;

use super::content;
use super::error::{Refusal, quoted};

/// The format of the manifest that is written. Entries of other formats are made again.
pub const FORMAT_VERSION: u32 = 1;
/// [`Origin::form`] of weights as they were published.
pub const PUBLISHED_FORM: &str = "published";
/// The folder inside [`super::StoredModel::folder`] for the published files that an entry was made from, where they are
/// kept.
pub const ORIGINALS: &str = "originals";

/// The longest text about the origin that is believed.
const MAX_TEXT_CHARS: usize = 200;
/// More files than any model has.
const MAX_FILES: usize = 500;

/// Where a model comes from, and in which form it is kept: all that decides whether an entry is the one that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its name on the Hugging Face hub, or the folder that it was imported from.
    pub repository: String,
    /// The commit, or whatever tells versions apart.
    pub revision: String,
    /// The device that it was made ready for: `cpu`, `cuda`, `metal`.
    pub device: String,
    /// The type of its weights on disk, such as `int8`.
    pub dtype: String,
    /// [`PUBLISHED_FORM`], or the version of the ready form ([`READY_VERSION`]).
    pub form: String,
}

/// A file of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its path inside the entry's folder of files, with `/`.
    pub name: String,
    /// Its size.
    pub n_bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// What an entry is, written when it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of who wrote it.
    pub format_version: u32,
    /// Version of the Hansard that wrote it.
    pub app_version: String,
    /// The key of the model.
    pub key: String,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was stored.
    pub created_unix_ms: u64,
    /// Every file, by name.
    pub files: Vec<FileRecord>,
}

/// Why an entry that is whole cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Staleness {
    /// The manifest has another format.
    #[error("stored in format {0}, which is not that of this Hansard")]
    Format(u32),
    /// The weights lie in another form than the kernels read now.
    #[error("made ready for another version of Hansard (form {0})")]
    Form(String),
    /// Another version of Hansard made it from originals that are still there.
    #[error("made ready by Hansard {0}")]
    Application(String),
}

impl Manifest {
    /// The manifest of a model that is stored now.
    pub(super) fn new(key: &ModelKey, origin: Origin, files: Vec<FileRecord>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            key: key.to_string(),
            origin,
            created_unix_ms: unix_ms(SystemTime::now()),
            files,
        }
    }

    /// Size of all files.
    pub fn n_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.n_bytes))
    }

    /// Whether the published files are kept beside what was made from them.
    pub fn has_originals(&self) -> bool {
        self.files.iter().any(|file| file.name.split_once('/').is_some_and(|(folder, _)| folder == ORIGINALS))
    }

    /// What of it needs to be made again, if anything. A new version of Hansard makes entries again whose originals are
    /// there; it downloads nothing again for its own sake.
    pub fn staleness(&self) -> Option<Staleness> {
        let is_current_form = [PUBLISHED_FORM, READY_VERSION].contains(&self.origin.form.as_str());
        if self.format_version != FORMAT_VERSION {
            Some(Staleness::Format(self.format_version))
        } else if !is_current_form {
            Some(Staleness::Form(self.origin.form.clone()))
        } else if self.app_version != env!("CARGO_PKG_VERSION") && self.has_originals() {
            Some(Staleness::Application(self.app_version.clone()))
        } else {
            None
        }
    }

    /// Whether what it says can be: names that are safe, hashes that are hashes, nothing twice. It may come from
    /// anywhere.
    pub(super) fn check(&self) -> Result<ModelKey, Refusal> {
        let Ok(key) = ModelKey::new(&self.key) else {
            return Err(Refusal::BadList(format!("{} is no key of a model", quoted(&self.key))));
        };
        let Origin { repository, revision, device, dtype, form } = &self.origin;
        for text in [repository, revision, device, dtype, form, &self.app_version] {
            if text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
                return Err(Refusal::BadList(format!("{} is no name or version", quoted(text))));
            }
        }
        if self.files.is_empty() || self.files.len() > MAX_FILES {
            return Err(Refusal::BadList(format!("{key} has {} files", self.files.len())));
        }
        let mut names = BTreeSet::new();
        for file in &self.files {
            content::check_name(&file.name)?;
            if file.sha256.len() != 64 || !file.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(Refusal::BadList(format!("{} has no SHA-256", quoted(&file.name))));
            }
            // Some systems see no difference between upper and lower case.
            if !names.insert(file.name.to_lowercase()) {
                return Err(Refusal::Twice(file.name.clone()));
            }
        }
        Ok(key)
    }
}

/// The part that manifests of all formats have.
#[derive(Deserialize)]
struct Header {
    format_version: u32,
}

/// What a manifest file turned out to be.
pub(super) enum Read {
    Manifest(Manifest),
    OtherFormat(u32),
    Damaged(String),
}

/// Reads the manifest of the model `key`.
pub(super) fn read(path: &Path, key: &ModelKey) -> Result<Read, FileError> {
    // A pipe would be waited for.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(Read::Damaged("its manifest is no plain file".to_owned()));
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Read::Damaged("its manifest is missing".to_owned()));
        }
        Err(error) => return Err(FileError::of("read", path)(error)),
    };
    let damaged = |reason: String| Ok(Read::Damaged(format!("its manifest cannot be read: {reason}")));
    match serde_json::from_slice::<Header>(&bytes) {
        Err(error) => return damaged(error.to_string()),
        Ok(header) if header.format_version != FORMAT_VERSION => return Ok(Read::OtherFormat(header.format_version)),
        Ok(_) => {}
    }
    let manifest = match serde_json::from_slice::<Manifest>(&bytes) {
        Err(error) => return damaged(error.to_string()),
        Ok(manifest) => manifest,
    };
    match manifest.check() {
        Err(refusal) => damaged(refusal.to_string()),
        Ok(found) if found != *key => damaged(format!("it is that of {found}")),
        Ok(_) => Ok(Read::Manifest(manifest)),
    }
}

/// How an entry was used, and what is known about its files since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) last_used_unix_ms: u64,
    pub(super) n_uses: u64,
    pub(super) pinned: bool,
    /// For each file, when it was last changed before its SHA-256 was found right, in nanoseconds since 1970.
    pub(super) verified: BTreeMap<String, u64>,
}

impl Usage {
    /// Reads it; a missing or damaged file says nothing, whereupon all files are hashed again.
    pub(super) fn read(path: &Path) -> Self {
        let bytes = fs::metadata(path).ok().filter(Metadata::is_file).and_then(|_| fs::read(path).ok());
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        write_json(path, self)
    }
}

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let bytes = serde_json::to_vec_pretty(value).map_err(io::Error::other).map_err(FileError::of("write", path))?;
    files::write_atomic(path, &bytes)
}

/// Milliseconds since 1970, as files tell times.
pub fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// When a file was last changed, in nanoseconds since 1970.
pub(super) fn modified_unix_ns(metadata: &Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
}
