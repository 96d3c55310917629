//! What the thread that looks after folders does with the library, which it opens for itself: it takes in what was
//! found, and tells who wants to know.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Sender;

use crate::engine::event::Event;
use crate::engine::library::LibraryEvent;
use crate::library::{FolderScan, FoundFile, Library, LibraryError, RecordingId};
use crate::paths::AppPaths;
use crate::task::CancelToken;

use super::scans::{self, Taken};
use super::stored::Stored;
use super::worker::Work;
use super::{Added, ShelfError, library_file};

/// Who waits for a look through a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The user, who is told how it ended.
    ByUser,
    /// Nobody: it is looked at anyway.
    ByNobody,
}

/// The library, open or not, and those who are told.
pub(super) struct Intake {
    paths: AppPaths,
    stored: Arc<Stored>,
    library: Option<Library>,
    events: Sender<Event>,
    /// Hears when the list has changed.
    works: Sender<Work>,
    cancel: CancelToken,
}

impl Intake {
    pub(super) fn new(
        paths: AppPaths,
        stored: Arc<Stored>,
        events: Sender<Event>,
        works: Sender<Work>,
        cancel: CancelToken,
    ) -> Self {
        Self { paths, stored, library: None, events, works, cancel }
    }

    /// Takes in what was found in a folder, of which `growing` is not whole yet.
    pub(super) fn take(&mut self, scan: FolderScan, growing: &[FoundFile], asked: Asked) {
        let folder = scan.folder.display().to_string();
        let n_files = scan.files.len() + growing.len();
        let stored = Arc::clone(&self.stored);
        match self.with_library(|library| Ok(scans::take_scan(library, &stored, scan, growing)?)) {
            Ok(Taken { new, has_changed, arrived, n_found_again: _ }) => {
                if has_changed {
                    self.tell_changed();
                }
                if asked == Asked::ByUser {
                    self.tell(LibraryEvent::Done(format!("{folder} is looked after: {n_files} recordings")));
                }
                if !arrived.is_empty() {
                    self.tell(LibraryEvent::Arrived(arrived));
                }
                self.tell_lengths(&new);
            }
            Err(error) if asked == Asked::ByUser => self.refuse(error.to_string()),
            Err(error) => self.warn(format!("{folder} is not listed: {error}.")),
        }
    }

    /// Adds files and folders, and answers.
    pub(super) fn add(&mut self, paths: &[PathBuf]) {
        let stored = Arc::clone(&self.stored);
        match self.with_library(|library| scans::add(library, &stored, paths)) {
            Ok(added) => {
                added.warnings.iter().for_each(|warning| self.warn(format!("{warning}.")));
                self.tell_changed();
                self.tell(LibraryEvent::Done(added_in_words(&added)));
            }
            Err(error) => self.refuse(error.to_string()),
        }
    }

    /// Finds out which recordings, of all or of a folder, are not where they were.
    pub(super) fn look_for_missing(&mut self, below: Option<&Path>) {
        match self.with_library(|library| Ok(library.look_for_missing(below)?)) {
            Ok(changed) if changed.is_empty() => {}
            Ok(_) => self.tell_changed(),
            Err(error) => self.warn(format!("{error}.")),
        }
    }

    /// Takes the hash of the file of a recording, by which it is found again when it is moved.
    pub(super) fn hash(&mut self, recording: RecordingId) {
        let stored = Arc::clone(&self.stored);
        let hashed = self.with_library(|library| Ok(scans::hash(library, &stored, recording)?));
        if let Err(error) = hashed {
            self.warn(format!("The hash of a recording is not kept: {error}."));
        }
    }

    /// The recordings whose tags or notes would be lost if their files were moved now.
    pub(super) fn unhashed(&mut self) -> Vec<RecordingId> {
        let found = self.with_library(|library| Ok(library.described_without_content()?));
        found.inspect_err(|error| self.warn(format!("{error}."))).unwrap_or_default()
    }

    /// Tells the user something.
    pub(super) fn warn(&self, warning: String) {
        self.tell(LibraryEvent::Warning(warning));
    }

    /// Answers that something could not be done.
    pub(super) fn refuse(&self, reason: String) {
        self.tell(LibraryEvent::Failed(reason));
    }

    fn tell_lengths(&mut self, recordings: &[RecordingId]) {
        if recordings.is_empty() {
            return;
        }
        let cancel = self.cancel.clone();
        match self.with_library(|library| Ok(scans::tell_lengths(library, recordings, &cancel)?)) {
            Ok(()) => self.tell_changed(),
            Err(error) => self.warn(format!("{error}.")),
        }
    }

    fn with_library<T>(&mut self, work: impl FnOnce(&mut Library) -> Result<T, ShelfError>) -> Result<T, ShelfError> {
        let library = if let Some(library) = self.library.take() {
            library
        } else {
            let (library, warnings) = Library::open(&library_file(&self.paths))?;
            for warning in warnings {
                self.warn(warning);
            }
            library
        };
        let done = work(self.library.insert(library));
        if let Err(ShelfError::Library(LibraryError::Damaged { .. })) = &done {
            // Whoever opens it next restores a backup; nobody may hold on to the damaged one.
            self.library = None;
            self.works.send(Work::Reopen).ok();
        }
        done
    }

    fn tell_changed(&self) {
        // Nobody hears once the engine ends.
        self.works.send(Work::ListChanged).ok();
    }

    fn tell(&self, event: LibraryEvent) {
        // Nobody reads any more once the engine ends.
        self.events.send(Event::Library(event)).ok();
    }
}

fn added_in_words(added: &Added) -> String {
    let Added { n_new, n_known, n_found_again, warnings: _ } = added;
    let were = |n: usize| if n == 1 { "1 was".to_owned() } else { format!("{n} were") };
    let are = if *n_new == 1 { "1 recording is".to_owned() } else { format!("{n_new} recordings are") };
    let mut parts = vec![format!("{are} new in the library")];
    if *n_known > 0 {
        parts.push(format!("{} in it", were(*n_known)));
    }
    if *n_found_again > 0 {
        parts.push(format!("{} found again", were(*n_found_again)));
    }
    parts.join(", ")
}
