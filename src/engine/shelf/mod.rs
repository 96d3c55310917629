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

use crate::audio::decode;
use crate::files::{self, FileError};
use crate::library::{self, Library, LibraryError};
use crate::paths::AppPaths;
use crate::results::ResultStore;
use crate::settings::ModelSettings;
use crate::task::CancelToken;
use crate::transcript::Transcript;
use crate::transcript::edit::Change;
use crate::units::Seconds;

use super::command::JobRequest;
use super::library::{
    Hit, JobRecord, ListRequest, NewFiles, RecordingEntry, RecordingId, SearchRequest, WatchedFolder,
};

use stored::Stored;

pub(super) use jobs::JobNote;
pub(super) use worker::{ShelfThreads, log_warning};

/// The newest jobs, among which those are looked for that are like one that is to begin.
const N_JOBS_TO_LEARN_FROM: usize = 500;
/// A job of which more was known already says nothing of how long one takes.
const MAX_REUSED_FRACTION: f32 = 0.05;

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

/// How long a job will take, by the jobs of the past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How long.
    pub time: Seconds,
    /// Jobs like it.
    pub n_jobs: usize,
    /// By what share of their time such an estimate is wrong for half of them; `None` where there are none.
    pub typical_error: Option<f64>,
}

/// A page of the recordings.
pub fn list(paths: &AppPaths, settings: &ModelSettings, request: &ListRequest) -> Result<Page, ShelfError> {
    let (entries, n_in_all) = Desk::open(paths, settings)?.library.list(request)?;
    Ok(Page { entries, n_in_all })
}

/// A recording, by its number or its path.
pub fn open(paths: &AppPaths, settings: &ModelSettings, which: &str) -> Result<Opened, ShelfError> {
    let Desk { library, .. } = Desk::open(paths, settings)?;
    let entry = entry_of(&library, which)?;
    let kept = library.transcript(entry.id)?;
    let (transcript, changes) = match kept {
        Some(kept) => (Some(Arc::new(kept.current.unwrap_or(kept.original))), kept.changes),
        None => (None, Vec::new()),
    };
    Ok(Opened { entry, transcript, changes })
}

/// Those of these recordings that sound like others of the library, which their entries name.
pub fn related(
    paths: &AppPaths,
    settings: &ModelSettings,
    recordings: &[PathBuf],
) -> Result<Vec<RecordingEntry>, ShelfError> {
    let Desk { library, .. } = Desk::open(paths, settings)?;
    let mut found = Vec::new();
    for path in recordings {
        let entry = library.find(path)?.map(|id| library.entry(id)).transpose()?.flatten();
        found.extend(entry.filter(|entry| !entry.related.is_empty()));
    }
    Ok(found)
}

/// Puts files, and all recordings below folders, into the library.
pub fn add(paths: &AppPaths, settings: &ModelSettings, files: &[PathBuf]) -> Result<Added, ShelfError> {
    let mut desk = Desk::open(paths, settings)?;
    let added = scans::add(&mut desk.library, &desk.stored, files)?;
    desk.keep();
    Ok(added)
}

/// Takes recordings out of the library, each by its number or its path. Where one is not in it, none is taken out.
/// Returns their paths; the files stay.
pub fn remove(paths: &AppPaths, settings: &ModelSettings, which: &[String]) -> Result<Vec<PathBuf>, ShelfError> {
    let mut desk = Desk::open(paths, settings)?;
    let entries = which.iter().map(|which| entry_of(&desk.library, which)).collect::<Result<Vec<_>, _>>()?;
    desk.library.back_up_if_due()?;
    let ids: Vec<RecordingId> = entries.iter().map(|entry| entry.id).collect();
    desk.library.remove(&ids)?;
    desk.keep();
    Ok(entries.into_iter().map(|entry| entry.path).collect())
}

/// Looks for words in all transcripts.
pub fn search(paths: &AppPaths, settings: &ModelSettings, request: &SearchRequest) -> Result<Vec<Hit>, ShelfError> {
    let Desk { mut library, .. } = Desk::open(paths, settings)?;
    let hits = library.search(request)?;
    log_all(&library.take_warnings());
    Ok(hits)
}

/// The folders that are looked after.
pub fn folders(paths: &AppPaths, settings: &ModelSettings) -> Result<Vec<WatchedFolder>, ShelfError> {
    Ok(Desk::open(paths, settings)?.library.folders()?)
}

/// Lists a folder's recordings, and has it looked after whenever the window is open.
pub fn watch(
    paths: &AppPaths,
    settings: &ModelSettings,
    folder: &Path,
    new_files: NewFiles,
) -> Result<Added, ShelfError> {
    let mut desk = Desk::open(paths, settings)?;
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
pub fn unwatch(paths: &AppPaths, settings: &ModelSettings, folder: &Path) -> Result<(), ShelfError> {
    let mut desk = Desk::open(paths, settings)?;
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
    paths: &AppPaths,
    settings: &ModelSettings,
    which: &str,
    added: &[String],
    removed: &[String],
) -> Result<RecordingEntry, ShelfError> {
    let mut desk = Desk::open(paths, settings)?;
    let entry = entry_of(&desk.library, which)?;
    let tags = desk.library.change_tags(entry.id, added, removed)?;
    desk.keep_described(entry.id);
    Ok(RecordingEntry { tags, ..entry })
}

/// Replaces the note of a recording, which is meant by its number or its path. Returns it as it is then.
pub fn set_note(
    paths: &AppPaths,
    settings: &ModelSettings,
    which: &str,
    note: &str,
) -> Result<RecordingEntry, ShelfError> {
    let mut desk = Desk::open(paths, settings)?;
    let entry = entry_of(&desk.library, which)?;
    desk.library.set_note(entry.id, note)?;
    desk.keep_described(entry.id);
    Ok(RecordingEntry { note: note.to_owned(), ..entry })
}

/// Jobs of the past, newest first.
pub fn jobs(paths: &AppPaths, settings: &ModelSettings, limit: usize) -> Result<Vec<JobRecord>, ShelfError> {
    Ok(Desk::open(paths, settings)?.library.jobs(limit)?)
}

/// Writes all of the library to one file.
pub fn export(paths: &AppPaths, settings: &ModelSettings, file: &Path) -> Result<Moved, ShelfError> {
    check_target(paths, settings, file)?;
    let written = Desk::open(paths, settings)?.library.export(file)?;
    log_all(&written.warnings);
    Ok(Moved { n_recordings: written.n_recordings, n_bytes: written.n_bytes })
}

/// Takes the library of such a file into this one, which is backed up before.
pub fn import(paths: &AppPaths, settings: &ModelSettings, file: &Path) -> Result<Moved, ShelfError> {
    let n_bytes = std::fs::metadata(file).map_err(FileError::of("read", file))?.len();
    let mut desk = Desk::open(paths, settings)?;
    desk.library.back_up_if_due()?;
    let taken = desk.library.import(file)?;
    log_all(&desk.library.take_warnings());
    desk.keep();
    Ok(Moved { n_recordings: taken.n_new + taken.n_known, n_bytes })
}

/// How long a job will take. `None` where too little is known of such jobs, or the length of the recording is not.
pub fn estimate(
    paths: &AppPaths,
    settings: &ModelSettings,
    request: &JobRequest,
) -> Result<Option<Estimate>, ShelfError> {
    let Desk { library, .. } = Desk::open(paths, settings)?;
    let listed = match library.find(&request.path)? {
        Some(id) => library.entry(id)?.and_then(|entry| entry.duration),
        None => None,
    };
    // What is wrong with the file, the job will say.
    let audio = listed.or_else(|| decode::stated_length(&request.path).ok().flatten());
    let words = jobs::settings_in_words(request);
    let of = |audio: Seconds| library.estimate(&request.model, &words, audio);
    let Some(time) = audio.map(of).transpose()?.flatten() else { return Ok(None) };
    let is_alike = |job: &JobRecord| {
        let is_whole = job.outcome == "done" && job.reused_fraction <= MAX_REUSED_FRACTION && job.total.0 > 0.0;
        is_whole && job.model == request.model && job.settings == words
    };
    let alike: Vec<JobRecord> = library.jobs(N_JOBS_TO_LEARN_FROM)?.into_iter().filter(is_alike).collect();
    let mut errors = Vec::new();
    for job in &alike {
        errors.extend(of(job.audio)?.map(|time| (time.0 - job.total.0).abs() / job.total.0));
    }
    errors.sort_by(f64::total_cmp);
    Ok(Some(Estimate { time, n_jobs: alike.len(), typical_error: errors.get(errors.len() / 2).copied() }))
}

/// The library, open for one piece of work.
struct Desk {
    library: Library,
    stored: Stored,
}

impl Desk {
    fn open(paths: &AppPaths, settings: &ModelSettings) -> Result<Self, ShelfError> {
        let (library, warnings) = Library::open(&library_file(paths))?;
        log_all(&warnings);
        Ok(Self { library, stored: Stored::new(paths, settings) })
    }

    /// After something was written: backs the library up if that is due. What was written is kept in any case.
    fn keep(&mut self) {
        if let Err(error) = self.library.back_up_if_due() {
            tracing::warn!("the library is not backed up: {error}");
        }
    }

    /// The same after tags or a note were written, which a file takes along that is known by its content.
    fn keep_described(&mut self, recording: RecordingId) {
        if let Err(error) = scans::hash(&mut self.library, &self.stored, recording) {
            tracing::warn!("the hash of a recording is not kept: {error}");
        }
        self.keep();
    }
}

fn log_all(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
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
        Err(_) => match library.find(Path::new(which))? {
            None => library.find(&scans::real(Path::new(which)))?,
            found => found,
        },
    };
    let entry = match id {
        Some(id) => library.entry(id)?,
        None => None,
    };
    entry.ok_or_else(|| ShelfError::NoRecording(which.to_owned()))
}
