//! Which recordings are not ended, and the markers in them: a small file for each in a folder of the user's data, made
//! before the first sound and removed after the last. So unfinished ones are found wherever they are.
//!
//! ```text
//! unfinished/4711-1795298400123.json    where the recording is, markers; always replaced as a whole
//! unfinished/4711-1795298400123.lock    locked while the recording goes on; the system unlocks it when the process ends
//! ```

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

use super::Marker;

/// Tells apart the recordings of one process.
static N_JOURNALS: AtomicU64 = AtomicU64::new(0);

/// What is remembered of a recording that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The file.
    pub(super) recording: PathBuf,
    /// Places that the user marked.
    pub(super) markers: Vec<Marker>,
}

/// The journal of one recording. Dropping it leaves it there; [`Journal::close`] removes it.
pub(super) struct Journal {
    path: PathBuf,
    note: Note,
    /// Locked as long as it is open.
    lock: File,
}

impl Journal {
    /// Notes that `recording` goes on.
    pub(super) fn open(folder: &Path, recording: &Path) -> Result<Self, FileError> {
        let recording = absolute(recording).map_err(FileError::of("find", recording))?;
        files::create_private_folder(folder)?;
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let number = N_JOURNALS.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{unix_ms}-{number}.json", process::id()));
        let Some(lock) = lock(&path)? else {
            return Err(FileError { action: "lock", path, source: io::ErrorKind::WouldBlock.into() });
        };
        let journal = Self { path, note: Note { recording, markers: Vec::new() }, lock };
        journal.write()?;
        Ok(journal)
    }

    /// All journals in a folder whose recordings nobody makes any more, and what could not be read.
    pub(super) fn left_behind(folder: &Path) -> (Vec<Self>, Vec<FileError>) {
        let Ok(entries) = fs::read_dir(folder) else { return (Vec::new(), Vec::new()) };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        let (mut journals, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            match Self::take_up(path) {
                Ok(journal) => journals.extend(journal),
                Err(error) => errors.push(error),
            }
        }
        (journals, errors)
    }

    /// What is noted.
    pub(super) fn note(&self) -> &Note {
        &self.note
    }

    /// Notes a marker.
    pub(super) fn mark(&mut self, marker: Marker) -> Result<(), FileError> {
        self.note.markers.push(marker);
        self.write()
    }

    /// Removes it, for the recording is ended.
    pub(super) fn close(self) {
        let Self { path, note: _, lock } = self;
        let lock_path = lock_path(&path);
        // Windows removes no file that is open. Where removing fails, the next start finds a recording that is whole.
        let removed = fs::remove_file(&path);
        drop(lock);
        for error in removed.err().into_iter().chain(fs::remove_file(lock_path).err()) {
            tracing::warn!("cannot remove the journal of a recording, {}: {error}", path.display());
        }
    }

    /// `None` while its recording goes on, or if another process took it up and removed it.
    fn take_up(path: PathBuf) -> Result<Option<Self>, FileError> {
        let Some(lock) = lock(&path)? else { return Ok(None) };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Nobody waits for a lock, so there is nobody to take it away from.
                drop(lock);
                fs::remove_file(lock_path(&path)).ok();
                return Ok(None);
            }
            Err(error) => return Err(FileError::of("read", &path)(error)),
        };
        let note = serde_json::from_slice(&text).map_err(io::Error::from).map_err(FileError::of("read", &path))?;
        Ok(Some(Self { path, note, lock }))
    }

    fn write(&self) -> Result<(), FileError> {
        // A path that is no Unicode has no JSON form.
        let text = serde_json::to_vec_pretty(&self.note).map_err(io::Error::from);
        files::write_private(&self.path, &text.map_err(FileError::of("write", &self.path))?)
    }
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// `None` if another process has it.
fn lock(path: &Path) -> Result<Option<File>, FileError> {
    let path = lock_path(path);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(FileError::of("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(FileError { action: "lock", path, source }),
    }
}
