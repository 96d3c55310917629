//! What can go wrong with stored results, each with the path concerned and what to do. A damaged result is no error
//! here: it is dropped with a warning, for it can be computed again.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::files::FileError;

use super::frame::Flaw;

/// What `SQLite` says where it could not write, and where it could not make its shared memory longer or map it.
const IOERR_WRITE: i32 = 778;
const IOERR_SHMSIZE: i32 = 4874;
const IOERR_SHMMAP: i32 = 5386;
/// With less than this left, a disk is full.
const LITTLE_SPACE_BYTES: u64 = 1 << 20;

/// The store of results could not do what was asked. Nothing half-written remains of it.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    File(FileError),
    /// There is no space left.
    #[error("{0}. Free some space, or let `hansard cache clear results` remove what can be computed again")]
    DiskFull(#[source] FileError),
    /// The user may not write there.
    #[error("{0}. Allow writing there, or choose another folder with --cache-dir")]
    NotWritable(#[source] FileError),
    /// Other processes kept the index for themselves.
    #[error("{} is kept busy by another Hansard; try again when its job has ended", .0.display())]
    Busy(PathBuf),
    /// The index cannot be used, nor replaced.
    #[error("{} is damaged ({reason}) and could not be made again; `hansard cache rebuild-index` may help, and \
             removing its folder does", path.display())]
    Damaged {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database did not do what it was told.
    #[error("cannot use {}: {source}", path.display())]
    Database {
        /// The index.
        path: PathBuf,
        /// What `SQLite` said.
        #[source]
        source: rusqlite::Error,
    },
    /// The index is from the future.
    #[error("{} has the format {found}, which only a newer Hansard knows; update Hansard, or choose another folder \
             with --cache-dir", path.display())]
    Newer {
        /// The index.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// Nothing of such a size is a result.
    #[error("a result of {n_bytes} bytes is too large to be stored")]
    TooLarge {
        /// What was to be stored.
        n_bytes: u64,
    },
    /// A file from outside is not what it should be, or an attack.
    #[error("{} is refused, and nothing of it was stored: {refusal}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        refusal: Refusal,
    },
    /// A file from outside changed between the look at it and its use.
    #[error("{} changed while it was read; what was stored of it before that is sound. Import it again", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// Whoever watched did not want to go on.
    #[error("stopped on request")]
    Stopped,
}

/// Why a file of results from outside is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It begins in another way.
    #[error("it is no file of results of Hansard's")]
    Foreign,
    /// Written by a newer Hansard.
    #[error("it has the format {found}, and this Hansard knows formats up to {known}; update Hansard")]
    Newer {
        /// The format of the file.
        found: u32,
        /// The newest one known.
        known: u32,
    },
    /// It ends in the middle.
    #[error("it is cut short")]
    Cut,
    /// Something follows its end.
    #[error("there is more in it than it says")]
    Longer,
    /// It is not as it was written.
    #[error("its bytes have changed since it was written")]
    Changed,
    /// One of its results is wrong.
    #[error("its result number {number} is wrong: {flaw}")]
    Flawed {
        /// Which one, counted from 1.
        number: u64,
        /// What is wrong with it.
        #[source]
        flaw: Flaw,
    },
    /// More than the disk can take.
    #[error("it needs {n_bytes} bytes, but the disk has only {n_free_bytes} left")]
    TooLarge {
        /// What it needs.
        n_bytes: u64,
        /// What is free.
        n_free_bytes: u64,
    },
}

impl From<FileError> for ResultError {
    fn from(error: FileError) -> Self {
        match error.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(error),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if error.action != "read" => {
                Self::NotWritable(error)
            }
            _ => Self::File(error),
        }
    }
}

/// What fails inside, where the path of the index goes without saying.
#[derive(Debug)]
pub(super) enum Failure {
    Database(rusqlite::Error),
    Other(ResultError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<ResultError> for Failure {
    fn from(error: ResultError) -> Self {
        Self::Other(error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::Other(error.into())
    }
}

impl Failure {
    /// The same of the index at `path`.
    pub(super) fn of(self, path: &Path) -> ResultError {
        let error = match self {
            Self::Other(error) => return error,
            Self::Database(error) => error,
        };
        let path = path.to_path_buf();
        let file = |action, kind: io::ErrorKind, path: PathBuf, error: rusqlite::Error| {
            ResultError::from(FileError { action, path, source: io::Error::new(kind, error) })
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => file("write", io::ErrorKind::StorageFull, path, error),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                file("write", io::ErrorKind::PermissionDenied, path, error)
            }
            Some(ErrorCode::CannotOpen) => file("open", io::ErrorKind::PermissionDenied, path, error),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ResultError::Busy(path),
            Some(ErrorCode::SystemIoFailure) if is_for_want_of_space(&error, &path) => {
                file("write", io::ErrorKind::StorageFull, path, error)
            }
            _ if is_damage(&error) => ResultError::Damaged { path, reason: reason_of(&error) },
            _ => ResultError::Database { path, source: error },
        }
    }
}

/// Whether the disk is full, though `SQLite` says only that it cannot write.
fn is_for_want_of_space(error: &rusqlite::Error, path: &Path) -> bool {
    let extended_code = error.sqlite_error().map_or(0, |error| error.extended_code);
    let is_full = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs4::available_space(folder).is_ok_and(|n_bytes| n_bytes < LITTLE_SPACE_BYTES)
    };
    match extended_code {
        IOERR_SHMSIZE => true,
        IOERR_WRITE | IOERR_SHMMAP => is_full(),
        _ => false,
    }
}

/// Whether the database is not one, or not ours. All that is asked of it is right, so an answer that its tables or
/// columns are missing, or of another type, says something about it.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;

    match error {
        Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        Error::SqlInputError { .. }
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        _ => false,
    }
}

/// What `SQLite` said, without the statement that it said it of.
fn reason_of(error: &rusqlite::Error) -> String {
    if let rusqlite::Error::SqlInputError { msg, .. } = error { msg.clone() } else { error.to_string() }
}

/// Why a stored result could not be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is damaged.
    Flawed(Flaw),
    /// Perhaps only for now.
    File(FileError),
}

impl From<Flaw> for Unreadable {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(flaw)
    }
}

impl From<FileError> for Unreadable {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}
