//! What can go wrong with models on disk, each with the path or model concerned and what to do. Damage and age of an
//! entry are not errors here: see [`super::Found`].

use std::io;
use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::models::key::ModelKey;
use crate::task::Cancelled;

use super::lock::Waiting;
use super::manifest::Staleness;

/// So much of a name is shown,
const MAX_NAME_CHARS: usize = 80;
/// and of a reason, which may hold one.
const MAX_REASON_CHARS: usize = 240;

/// The disk store could not do what was asked. Nothing half-written remains of it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    File(FileError),
    /// There is no space left.
    #[error("{0}. Free some space, or let `hansard cache clear` remove models that are not needed")]
    DiskFull(#[source] FileError),
    /// The user may not write there.
    #[error("{0}. Allow writing there, or choose another folder with --cache-dir")]
    NotWritable(#[source] FileError),
    /// There is a file where a folder should be.
    #[error("{0}. There is a file where a folder should be; choose another folder with --cache-dir")]
    NotAFolder(#[source] FileError),
    /// A file of models is to be called something else.
    #[error(
        "{} is no name for a file of models: let it end in .hansard-models, such as models.hansard-models",
        path.display()
    )]
    NotNamed {
        /// The file.
        path: PathBuf,
    },
    /// A file is to be written into a folder that is not there.
    #[error("there is no folder {}; make it first, or name another one", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Writing would replace something else.
    #[error("{} holds something else than models and is not replaced; choose another name", path.display())]
    WouldReplace {
        /// The file.
        path: PathBuf,
    },
    /// The store was opened for nothing to be stored.
    #[error("models are not kept on this disk, because the model cache is switched off; switch it on in the settings")]
    Disabled,
    /// Somebody loads, downloads or converts the model, here or in another Hansard.
    #[error("the model {key} is in use; try again when the job that uses it has ended, or the other Hansard")]
    InUse {
        /// The model.
        key: ModelKey,
    },
    /// The user wants to keep it.
    #[error("the model {key} is pinned; unpin it first")]
    Pinned {
        /// The model.
        key: ModelKey,
    },
    /// It is not there.
    #[error("the model {key} is not on this disk")]
    NotStored {
        /// The model.
        key: ModelKey,
    },
    /// Who asked did not want to wait for another process any longer.
    #[error("gave up {0}")]
    GaveUp(Waiting),
    /// Something from outside is not what a model is made of, or an attack.
    #[error("{} is refused, and nothing of it was stored: {refusal}", path.display())]
    Refused {
        /// The archive, folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        refusal: Refusal,
    },
    /// An entry that was needed whole is damaged.
    #[error(transparent)]
    Damaged(Damage),
    /// An entry that was needed as it is was made by another version.
    #[error("the model {key} was {reason}; load it once to bring it up to date")]
    Stale {
        /// The model.
        key: ModelKey,
        /// What differs.
        reason: Staleness,
    },
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        match error.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(error),
            io::ErrorKind::NotADirectory => Self::NotAFolder(error),
            io::ErrorKind::AlreadyExists if error.action == "create folder" => Self::NotAFolder(error),
            kind if is_about_permission(kind) && error.action != "read" => Self::NotWritable(error),
            _ => Self::File(error),
        }
    }
}

/// Whether the user may not write, rather than something being wrong.
pub(super) fn is_about_permission(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// An entry whose files are not those that were stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model {key} is damaged on disk ({reason}){}", kept(aside.as_deref()))]
pub struct Damage {
    /// The model.
    pub key: ModelKey,
    /// What is wrong with it.
    pub reason: String,
    /// Where it was put aside; `None` where that was not possible, because it is in use or on a read-only disk.
    pub aside: Option<PathBuf>,
}

fn kept(aside: Option<&Path>) -> String {
    aside.map_or_else(String::new, |aside| format!("; it was set aside as {}", aside.display()))
}

/// Why something from outside is refused. Names are shown with what is not printable in them escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read to its end as what it should be.
    #[error("it is no file of models of Hansard's, or cut short ({})", cut(.0))]
    Broken(String),
    /// Written by a newer Hansard.
    #[error("it has the format {found}, and this Hansard knows formats up to {known}; update Hansard")]
    Newer {
        /// The format of the file.
        found: u32,
        /// The newest one known.
        known: u32,
    },
    /// Weights that only another version can use.
    #[error("the model {} was {reason}; export it again with this version", quoted(key))]
    OtherVersion {
        /// The model.
        key: String,
        /// What differs.
        reason: Staleness,
    },
    /// It says something of itself that cannot be.
    #[error("its list of contents is wrong: {}", cut(.0))]
    BadList(String),
    /// A symbolic or hard link.
    #[error("{} is a link", quoted(.0))]
    Link(String),
    /// A folder, a device, or something that only archivers know.
    #[error("{} is no plain file", quoted(.0))]
    NotAFile(String),
    /// A name that leads elsewhere, or that not every system can bear.
    #[error("{} is not the name of a file of a model", quoted(.0))]
    UnsafeName(String),
    /// A kind of file that no model needs.
    #[error("{} is of a type that models do not need", quoted(.0))]
    UnknownType(String),
    /// The same name again.
    #[error("{} is there twice", quoted(.0))]
    Twice(String),
    /// A file that the list does not name.
    #[error("{} is not in its list of contents", quoted(.0))]
    Unlisted(String),
    /// A file that the list names.
    #[error("{} is missing", quoted(.0))]
    Missing(String),
    /// Nothing that a model is made of.
    #[error("there is no file of a model in it")]
    Empty,
    /// Not as many bytes as the list says.
    #[error("{} has {found} bytes, but its list of contents says {listed}", quoted(name))]
    Size {
        /// The file.
        name: String,
        /// What the list says.
        listed: u64,
        /// What is there.
        found: u64,
    },
    /// More than the disk can take.
    #[error("it needs {n_bytes} bytes, but the disk has only {n_free_bytes} left")]
    TooLarge {
        /// What it says it needs.
        n_bytes: u64,
        /// What is free.
        n_free_bytes: u64,
    },
    /// Other bytes than the list says.
    #[error("{} has other bytes than its SHA-256 says", quoted(.0))]
    Hash(String),
    /// Weights that cannot be read.
    #[error("{} does not hold weights ({})", quoted(name), cut(reason))]
    Weights {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint of Python's that is a program.
    #[error("{} would run {} if Python loaded it; no model needs that", quoted(name), quoted(function))]
    Code {
        /// The file.
        name: String,
        /// What it names.
        function: String,
    },
}

/// A name in quotes, as far as anybody wants to read it: it comes from outside.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text, MAX_NAME_CHARS))
}

fn cut(text: &str) -> String {
    shortened(text, MAX_REASON_CHARS)
}

fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
