//! The user's own data, kept in `library.db`: which recordings there are, their transcripts with the user's changes,
//! tags and notes, the folders that are looked after, the jobs of the past, what recordings sound like; and the search
//! through all that was said.
//!
//! It is the user's own: migrated from version to version, backed up before that and once a day, restored from the
//! newest intact backup where it is damaged, and cleared by no command. Only the index of the search can be made
//! again, and is, whenever there is something about it. Nothing here looks after folders by itself, runs in a thread
//! of its own or reads sound: all methods do what they are asked and return. Several processes may use one library at
//! the same time.

mod archive;
mod checked;
mod entry;
mod error;
mod folders;
mod intake;
mod jobs;
mod metadata;
mod opening;
mod packed;
mod passage;
mod place;
mod query;
mod recordings;
mod salvage;
mod scan;
mod schema;
mod search;
mod sounds;
mod transcripts;
mod versions;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use archive::{ExportReport, ImportReport};
pub use entry::{
    Hit, JobRecord, ListOrder, ListRequest, NewFiles, RecordingEntry, RecordingId, RelatedRecording, SearchRequest,
    SoundFeatures, Status, TranscriptVersion, WatchedFolder,
};
pub use error::LibraryError;
pub use intake::{Added, ContentOf};
pub use jobs::{PastJob, estimate};
pub use scan::{FolderScan, FoundFile, is_recording, look, scan};
pub use sounds::{KeptFingerprint, Known};
pub use transcripts::{Kept, KeptTranscript, LatestTranscript};

use error::is_damage;
use search::{SearchIndex, Trouble};

/// Transcripts that the search index takes in at once; between them others may write.
const CATCH_UP_BATCH: usize = 16;

/// An open library.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    connection: Connection,
    /// Opened when something is looked for.
    index: Option<SearchIndex>,
    warnings: Vec<String>,
}

impl Library {
    /// Opens the library at `path` (`<data_dir>/library.db`), or makes it, migrates it after a backup, or restores it
    /// where it is damaged. Returns warnings for the user.
    pub fn open(path: &Path) -> Result<(Self, Vec<String>), LibraryError> {
        let path = place::absolute(path);
        let (connection, warnings) = opening::open(&path)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok((Self { path, connection, index: None, warnings: Vec::new() }, warnings))
    }

    /// What the user should know of what happened since this was asked last.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Checks the library and backs it up, unless that was done on this day; a backup of this day that is empty, or
    /// older than an hour and than the last change, is replaced. Returns the new backup. With
    /// [`LibraryError::Damaged`], drop this value and open the library again, which restores a backup.
    pub fn back_up_if_due(&mut self) -> Result<Option<PathBuf>, LibraryError> {
        opening::back_up_if_due(&self.path, &self.connection)
    }

    /// The passages that are looked for: first those that have the words in the order in which they were typed; among
    /// them the recordings that were added last come first, and what was said in one in the order of time.
    pub fn search(&mut self, request: &SearchRequest) -> Result<Vec<Hit>, LibraryError> {
        self.with_index(|index, library| {
            while index.catch_up(library, CATCH_UP_BATCH)? > 0 {}
            index.search(library, request)
        })
    }

    /// Takes at most `limit` new transcripts into the search index, so that the next search need not. Returns how many
    /// are left.
    pub fn catch_up(&mut self, limit: usize) -> Result<usize, LibraryError> {
        self.with_index(|index, library| index.catch_up(library, limit))
    }

    /// Works with the search index, which is made again where it is damaged.
    fn with_index<T>(
        &mut self,
        work: impl Fn(&mut SearchIndex, (&Connection, &Path)) -> Result<T, Trouble>,
    ) -> Result<T, LibraryError> {
        let mut done = self.try_with_index(&work);
        if let Err(Trouble::Index(error)) = &done
            && is_damage(error)
        {
            self.index = None;
            for file in search::files_of(&self.path) {
                opening::remove_if_there(&file)?;
            }
            self.warnings.push(format!("the index of the search was damaged ({error}) and is made again"));
            done = self.try_with_index(&work);
        }
        done.map_err(|trouble| trouble.into_error(&self.path))
    }

    fn try_with_index<T>(
        &mut self,
        work: impl Fn(&mut SearchIndex, (&Connection, &Path)) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let index = match &mut self.index {
            Some(index) => index,
            none => none.insert(SearchIndex::open(&self.path)?),
        };
        work(index, (&self.connection, &self.path))
    }
}
