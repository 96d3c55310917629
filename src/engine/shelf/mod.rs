//! What is done with the library of recordings and with the stored results: for the command line, which waits for it,
//! and in threads of their own for the window.
//!
//! ```text
//! hansard-engine ──LibraryCommand, JobNote──▶ worker (hansard-library) ──▶ library::Library ◀── the functions below
//!        │                                      └──▶ watch (hansard-folders) ──▶ intake, scans ──┘
//!        └──ResultsCommand──▶ results (hansard-results) ──▶ results::ResultStore
//! ```
//! Each function of this face opens the library for itself, as a program does that does nothing else. Several may have
//! it open at once.

mod estimates;
mod intake;
mod jobs;
mod related;
pub mod results;
mod scans;
mod stored;
mod watch;
mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::files::{self, FileError};
use crate::library::{self, Library, LibraryError};
use crate::paths::AppPaths;
use crate::results::ResultStore;
use crate::settings::ModelSettings;
use crate::task::CancelToken;
use crate::transcript::Transcript;
use crate::transcript::edit::Change;

use super::command::JobRequest;
use super::library::{
    Estimate, Hit, JobRecord, ListRequest, NewFiles, RecordingEntry, RecordingId, SearchRequest, TranscriptVersion,
    WatchedFolder,
};

use estimates::{Histories, Outlook};
use stored::Stored;

pub(super) use jobs::JobNote;
pub(super) use worker::{ShelfThreads, log_warning};

/// Which library is asked, and who hears what the user should know of it.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// Where it is.
    pub paths: &'a AppPaths,
    /// What the user chose.
    pub settings: &'a ModelSettings,
    /// Hears warnings, for example that the library was damaged and what became of it.
    pub warn: &'a dyn Fn(&str),
}

impl Access<'_> {
    fn warn_all(self, warnings: &[String]) {
        for warning in warnings {
            (self.warn)(warning);
        }
    }
}

/// What was asked of the library was not done.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The library cannot do it.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing in it is called so.
    #[error("there is no recording {0} in the library; `hansard library list` shows those that are")]
    NoRecording(String),
    /// Something else was named.
    #[error("{} is no folder; name one that is there", .0.display())]
    NoFolder(PathBuf),
    /// It was not.
    #[error("the folder {} is not looked after; `hansard library folders` shows those that are", .0.display())]
    NotWatched(PathBuf),
    /// A thread could not be had.
    #[error("folders cannot be looked after, for the system grants no thread: {0}; close other programs")]
    NoThread(#[source] io::Error),
}

/// A page of the recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The recordings,
    pub entries: Vec<RecordingEntry>,
    /// and how many there are in all.
    pub n_in_all: usize,
}

/// A recording with what is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The recording.
    pub entry: RecordingEntry,
    /// Its transcript as the user left it, where it has one.
    pub transcript: Option<Arc<Transcript>>,
    /// The user's changes in it, oldest first.
    pub changes: Vec<Change>,
}

/// What came of adding files and folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Recordings that are new in the library.
    pub n_new: usize,
    /// Those that were in it.
    pub n_known: usize,
    /// Those that were missing in it, or are somewhere else now.
    pub n_found_again: usize,
    /// What could not be read, one line each.
    pub warnings: Vec<String>,
}

/// What was written to one file, or taken from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Recordings in it.
    pub n_recordings: usize,
    /// Its size.
    pub n_bytes: u64,
}

/// The versions of the transcript of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Versions {
    /// The recording.
    pub entry: RecordingEntry,
    /// Those that can be restored, newest first.
    pub versions: Vec<TranscriptVersion>,
}

/// What came of restoring a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The recording.
    pub entry: RecordingEntry,
    /// The number by which what was the newest can be restored; `None` where that was the same.
    pub replaced: Option<usize>,
}

/// A page of the recordings.
pub fn list(access: Access<'_>, request: &ListRequest) -> Result<Page, ShelfError> {
    let (entries, n_in_all) = Desk::open(access)?.library.list(request)?;
    Ok(Page { entries, n_in_all })
}

/// A recording, by its number or its path.
pub fn open(access: Access<'_>, which: &str) -> Result<Opened, ShelfError> {
    let Desk { library, .. } = Desk::open(access)?;
    let entry = entry_of(&library, which)?;
    let kept = library.transcript(entry.id)?;
    let (transcript, changes) = match kept {
        Some(kept) => (Some(Arc::new(kept.current.unwrap_or(kept.original))), kept.changes),
        None => (None, Vec::new()),
    };
    Ok(Opened { entry, transcript, changes })
}

/// Those of these recordings that sound like others of the library, which their entries name.
pub fn related(access: Access<'_>, recordings: &[PathBuf]) -> Result<Vec<RecordingEntry>, ShelfError> {
    let Desk { library, .. } = Desk::open(access)?;
    let mut found = Vec::new();
    for path in recordings {
        let id = library.find(&scans::listed(&library, path)?)?;
        let entry = id.map(|id| library.entry(id)).transpose()?.flatten();
        found.extend(entry.filter(|entry| !entry.related.is_empty()));
    }
    Ok(found)
}

/// Puts files, and all recordings below folders, into the library.
pub fn add(access: Access<'_>, files: &[PathBuf]) -> Result<Added, ShelfError> {
    let mut desk = Desk::open(access)?;
    let added = scans::add(&mut desk.library, &desk.stored, files)?;
    desk.keep();
    Ok(added)
}

/// Takes recordings out of the library, each by its number or its path. Where one is not in it, none is taken out.
/// Returns their paths; the files stay.
pub fn remove(access: Access<'_>, which: &[String]) -> Result<Vec<PathBuf>, ShelfError> {
    let mut desk = Desk::open(access)?;
    let entries = which.iter().map(|which| entry_of(&desk.library, which)).collect::<Result<Vec<_>, _>>()?;
    desk.library.back_up_if_due()?;
    let ids: Vec<RecordingId> = entries.iter().map(|entry| entry.id).collect();
    desk.library.remove(&ids)?;
    desk.keep();
    Ok(entries.into_iter().map(|entry| entry.path).collect())
}

/// Looks for words in all transcripts.
pub fn search(access: Access<'_>, request: &SearchRequest) -> Result<Vec<Hit>, ShelfError> {
    let Desk { mut library, .. } = Desk::open(access)?;
    let hits = library.search(request)?;
    access.warn_all(&library.take_warnings());
    Ok(hits)
}

/// The folders that are looked after.
pub fn folders(access: Access<'_>) -> Result<Vec<WatchedFolder>, ShelfError> {
    Ok(Desk::open(access)?.library.folders()?)
}

/// Lists a folder's recordings, and has it looked after whenever the window is open.
pub fn watch(access: Access<'_>, folder: &Path, new_files: NewFiles) -> Result<Added, ShelfError> {
    let mut desk = Desk::open(access)?;
    let folder = worker::watchable(folder.to_path_buf())?;
    desk.library.watch(&folder, new_files)?;
    let mut found = library::scan(&folder)?;
    let (n_found, warnings) = (found.files.len(), std::mem::take(&mut found.warnings));
    let taken = scans::take_scan(&mut desk.library, &desk.stored, found, &[])?;
    scans::tell_lengths(&mut desk.library, &taken.new, &CancelToken::default())?;
    desk.keep();
    let (n_new, n_found_again) = (taken.new.len(), taken.n_found_again);
    Ok(Added { n_new, n_known: n_found.saturating_sub(n_new + n_found_again), n_found_again, warnings })
}

/// Leaves a folder alone. What was found in it stays listed.
pub fn unwatch(access: Access<'_>, folder: &Path) -> Result<(), ShelfError> {
    let mut desk = Desk::open(access)?;
    let was_watched = desk.library.unwatch(folder)?;
    desk.keep();
    if was_watched { Ok(()) } else { Err(ShelfError::NotWatched(folder.to_path_buf())) }
}

/// All recordings below a folder in the order of their paths, and what could not be read. The library is not asked.
pub fn recordings_below(folder: &Path) -> (Vec<PathBuf>, Vec<String>) {
    match library::scan(folder) {
        Ok(found) => (found.files.into_iter().map(|file| file.path).collect(), found.warnings),
        Err(error) => (Vec::new(), vec![error.to_string()]),
    }
}

/// Gives a recording, which is meant by its number or its path, tags and takes others away. Returns it as it is then.
pub fn change_tags(
    access: Access<'_>,
    which: &str,
    added: &[String],
    removed: &[String],
) -> Result<RecordingEntry, ShelfError> {
    let mut desk = Desk::open(access)?;
    let entry = entry_of(&desk.library, which)?;
    let tags = desk.library.change_tags(entry.id, added, removed)?;
    desk.keep_described(entry.id);
    Ok(RecordingEntry { tags, ..entry })
}

/// Replaces the note of a recording, which is meant by its number or its path. Returns it as it is then.
pub fn set_note(access: Access<'_>, which: &str, note: &str) -> Result<RecordingEntry, ShelfError> {
    let mut desk = Desk::open(access)?;
    let entry = entry_of(&desk.library, which)?;
    desk.library.set_note(entry.id, note)?;
    desk.keep_described(entry.id);
    Ok(RecordingEntry { note: note.to_owned(), ..entry })
}

/// The versions of the transcript of a recording, which is meant by its number or its path.
pub fn versions(access: Access<'_>, which: &str) -> Result<Versions, ShelfError> {
    let Desk { library, .. } = Desk::open(access)?;
    let entry = entry_of(&library, which)?;
    let versions = library.versions(entry.id)?;
    Ok(Versions { entry, versions })
}

/// Makes a version of the transcript of a recording the newest one. What was the newest is a version from then on.
pub fn restore(access: Access<'_>, which: &str, version: usize) -> Result<Restored, ShelfError> {
    let mut desk = Desk::open(access)?;
    let entry = entry_of(&desk.library, which)?;
    let replaced = desk.library.restore(entry.id, version)?;
    desk.keep();
    Ok(Restored { entry, replaced })
}

/// Jobs of the past, newest first.
pub fn jobs(access: Access<'_>, limit: usize) -> Result<Vec<JobRecord>, ShelfError> {
    Ok(Desk::open(access)?.library.jobs(limit)?)
}

/// Writes all of the library to one file.
pub fn export(access: Access<'_>, file: &Path) -> Result<Moved, ShelfError> {
    check_target(access.paths, access.settings, file)?;
    let written = Desk::open(access)?.library.export(file)?;
    access.warn_all(&written.warnings);
    Ok(Moved { n_recordings: written.n_recordings, n_bytes: written.n_bytes })
}

/// Takes the library of such a file into this one, which is backed up before.
pub fn import(access: Access<'_>, file: &Path) -> Result<Moved, ShelfError> {
    let n_bytes = std::fs::metadata(file).map_err(FileError::of("read", file))?.len();
    let mut desk = Desk::open(access)?;
    desk.library.back_up_if_due()?;
    let taken = desk.library.import(file)?;
    access.warn_all(&desk.library.take_warnings());
    desk.keep();
    Ok(Moved { n_recordings: taken.n_new + taken.n_known, n_bytes })
}

/// How long jobs will take, in the order of their requests. `None` where nothing is known of such jobs, or the length of
/// the recording is not, or nobody could find it out in this time.
pub fn estimates(
    access: Access<'_>,
    requests: &[JobRequest],
    patience: Duration,
) -> Result<Vec<Option<Estimate>>, ShelfError> {
    let until = Instant::now() + patience;
    let Desk { library, stored, .. } = Desk::open(access)?;
    let mut histories = Histories::default();
    let mut estimates = Vec::with_capacity(requests.len());
    for request in requests {
        let past = histories.of(&library, &request.model)?;
        // Without jobs of the past, no file need be looked at.
        estimates.push(if past.is_empty() || Instant::now() >= until {
            None
        } else {
            Outlook::of(&library, &stored, request)?.estimate(past)
        });
    }
    Ok(estimates)
}

/// The library, open for one piece of work.
struct Desk<'a> {
    library: Library,
    stored: Stored,
    access: Access<'a>,
}

impl<'a> Desk<'a> {
    fn open(access: Access<'a>) -> Result<Self, ShelfError> {
        let (library, warnings) = Library::open(&library_file(access.paths))?;
        access.warn_all(&warnings);
        Ok(Self { library, stored: Stored::new(access.paths, access.settings), access })
    }

    /// After something was written: backs the library up if that is due. What was written is kept in any case.
    fn keep(&mut self) {
        if let Err(error) = self.library.back_up_if_due() {
            (self.access.warn)(&format!("the library is not backed up: {error}"));
        }
    }

    /// The same after tags or a note were written, which a file takes along that is known by its content.
    fn keep_described(&mut self, recording: RecordingId) {
        if let Err(error) = scans::hash(&mut self.library, &self.stored, recording) {
            (self.access.warn)(&format!("the hash of a recording is not kept: {error}"));
        }
        self.keep();
    }
}

/// Refuses to write a file of the user's where the library and its backups are, or the stored results.
pub(super) fn check_target(paths: &AppPaths, settings: &ModelSettings, file: &Path) -> Result<(), FileError> {
    let results = ResultStore::folder_in(&settings.cache_root(paths));
    files::check_target(file, &[&paths.data_dir, &results])
}

/// Where the library is.
fn library_file(paths: &AppPaths) -> PathBuf {
    paths.data_dir.join("library.db")
}

/// The recording that a number or a path means. A file whose name is a number goes by `./` before it.
fn entry_of(library: &Library, which: &str) -> Result<RecordingEntry, ShelfError> {
    let id = match which.parse() {
        Ok(number) => Some(RecordingId(number)),
        Err(_) => library.find(&scans::listed(library, Path::new(which))?)?,
    };
    let entry = match id {
        Some(id) => library.entry(id)?,
        None => None,
    };
    entry.ok_or_else(|| ShelfError::NoRecording(which.to_owned()))
}
