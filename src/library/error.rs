//! What can go wrong with the library, told so that the user knows what to do. An error that speaks of damage leaves a
//! mark beside the library, so that the whole of it is checked when it is opened next.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::files::FileError;

/// The library cannot do as asked.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A later Hansard wrote it, and this one would lose what it does not know.
    #[error("{} was written by a newer Hansard (format {version}) and is left as it is; update Hansard to use it", path.display())]
    Newer {
        /// The library.
        path: PathBuf,
        /// Its format.
        version: i64,
    },
    /// It is damaged. Opening it again restores the newest intact backup.
    #[error("{} is damaged ({reason}); start Hansard again, and the newest intact backup takes its place", path.display())]
    Damaged {
        /// The library.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such recording.
    #[error("the library has no recording {0}; it may have been removed meanwhile, so list the recordings again")]
    NoRecording(i64),
    /// A recording has no such version of its transcript.
    #[error(
        "there is no version {version} of the transcript of recording {recording}; `hansard library versions {recording}` shows those that there are"
    )]
    NoVersion {
        /// The recording.
        recording: i64,
        /// The number of the version.
        version: usize,
    },
    /// A transcript is there and cannot be read.
    #[error("the kept transcript of recording {recording} cannot be read ({reason}); transcribe it again")]
    DamagedTranscript {
        /// The recording.
        recording: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// A value cannot be kept, for it would not come back.
    #[error("this cannot be kept in the library: {0}")]
    Unkeepable(String),
    /// A path that does not name a file.
    #[error("{} does not name a file; give the path of a recording", .0.display())]
    NoFile(PathBuf),
    /// A file to be imported is none, or is cut or spoiled.
    #[error("{} is no export of a library that can be read ({reason}); nothing was changed", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database cannot do it.
    #[error("cannot {action} in {}: {source}; {advice}", path.display())]
    Database {
        /// What was tried.
        action: &'static str,
        /// The library.
        path: PathBuf,
        /// What it said.
        #[source]
        source: Box<rusqlite::Error>,
        /// What can be done about it.
        advice: &'static str,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// For `map_err`: an error about the library at `path` while doing `action`.
pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(rusqlite::Error) -> LibraryError + 'a {
    move |source| {
        if !is_damage(&source) {
            return database_error(action, path, source);
        }
        if let Err(error) = fs::write(suspect_mark(path), b"") {
            tracing::warn!("cannot mark {} as damaged: {error}", path.display());
        }
        LibraryError::Damaged { path: path.to_path_buf(), reason: source.to_string() }
    }
}

/// An error about the database at `path`, with what can be done about it.
pub(super) fn database_error(action: &'static str, path: &Path, source: rusqlite::Error) -> LibraryError {
    let advice = match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room on the disk and try again",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "see to it that you may write to this file and its folder"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another Hansard is busy with it; try again in a moment"
        }
        _ => "try again",
    };
    LibraryError::Database { action, path: path.to_path_buf(), source: Box::new(source), advice }
}

/// Whether the file turned out not to be what was written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// The file whose being there says that the library at `path` is to be checked.
pub(super) fn suspect_mark(path: &Path) -> PathBuf {
    path.with_extension("suspect")
}
