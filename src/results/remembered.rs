//! Hashes of files that were read once: as long as a file has the same length and time of change, it need not be read
//! again to know what is in it.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension as _, params};

use crate::files::FileError;
use crate::hash::ContentHash;

use super::error::Failure;
use super::index::Index;
use super::{ResultError, unix_ms};

/// How long a hash is remembered: after that, the file is read once more.
const KEPT: Duration = Duration::from_hours(365 * 24);

/// What of a file a hash is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// The samples that it decodes to.
    Samples,
    /// Its bytes.
    File,
}

/// What a file is like without reading it. If this is the same, so is its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Its length.
    pub n_bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_unix_ns: i64,
}

impl FileState {
    /// What a file is like now. To be asked before it is read.
    pub fn of(path: &Path) -> Result<Self, ResultError> {
        let metadata = fs::metadata(path).map_err(FileError::of("read", path))?;
        let modified = metadata.modified().map_err(FileError::of("read", path))?;
        Ok(Self::with(&metadata, modified))
    }

    fn with(metadata: &Metadata, modified: SystemTime) -> Self {
        let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let modified_unix_ns = modified.duration_since(UNIX_EPOCH).map_or_else(|before| -ns(before.duration()), ns);
        Self { n_bytes: metadata.len(), modified_unix_ns }
    }
}

/// Where a file really is, and what it is like; `None` if it cannot be found.
pub(super) fn look_at(path: &Path) -> Option<(PathBuf, FileState)> {
    let path = path.canonicalize().ok()?;
    let metadata = fs::metadata(&path).ok()?;
    let state = FileState::with(&metadata, metadata.modified().ok()?);
    metadata.is_file().then_some((path, state))
}

/// Where a file really is.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, ResultError> {
    Ok(path.canonicalize().map_err(FileError::of("read", path))?)
}

impl Remembered {
    const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::File => "file",
        }
    }
}

impl Index {
    pub(super) fn remembered(
        &self,
        path: &Path,
        state: FileState,
        kind: Remembered,
    ) -> Result<Option<ContentHash>, Failure> {
        let mut statement = self.connection.prepare_cached(
            "SELECT hash FROM remembered WHERE path = ?1 AND kind = ?2 AND n_bytes = ?3 AND modified_ns = ?4",
        )?;
        let path = path.as_os_str().as_encoded_bytes();
        let hash = statement.query_row(params![path, kind.name(), length(state), state.modified_unix_ns], |row| {
            row.get::<_, [u8; 32]>(0)
        });
        Ok(hash.optional()?.map(ContentHash::from_bytes))
    }

    pub(super) fn remember(
        &mut self,
        path: &Path,
        state: FileState,
        kind: Remembered,
        hash: &ContentHash,
        now: SystemTime,
    ) -> Result<(), Failure> {
        let mut statement = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO remembered (path, kind, n_bytes, modified_ns, hash, remembered_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let path = path.as_os_str().as_encoded_bytes();
        let (n_bytes, now_ms) = (length(state), unix_ms(now));
        statement.execute(params![path, kind.name(), n_bytes, state.modified_unix_ns, hash.as_bytes(), now_ms])?;
        Ok(())
    }

    /// Forgets hashes that were remembered long ago.
    pub(super) fn forget_old_hashes(&mut self, now: SystemTime) -> Result<(), Failure> {
        let oldest_ms = unix_ms(now).saturating_sub(KEPT.as_millis() as i64);
        self.connection.execute("DELETE FROM remembered WHERE remembered_ms < ?1", [oldest_ms])?;
        Ok(())
    }

    /// Forgets all hashes of files.
    pub(super) fn forget_all_hashes(&mut self) -> Result<(), Failure> {
        self.connection.execute("DELETE FROM remembered", [])?;
        Ok(())
    }
}

/// `SQLite` knows no larger numbers, and no disk larger files.
fn length(state: FileState) -> i64 {
    i64::try_from(state.n_bytes).unwrap_or(i64::MAX)
}
