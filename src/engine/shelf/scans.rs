//! From folders and files to the library: what a look through a folder found is taken in, and what the user names is
//! added. Here hashes meet the library; who looks, and when, is in `watch.rs` and in the face of this folder.

use std::io;
use std::path::{self, Path, PathBuf};

use crate::audio::decode;
use crate::files::FileError;
use crate::hash::ContentHasher;
use crate::library::{self, FolderScan, FoundFile, Library, LibraryError, NewFiles, RecordingId};
use crate::task::CancelToken;

use super::jobs::is_unchanged;
use super::stored::Stored;
use super::{Added, ShelfError};

/// What a look through a folder changed.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Recordings that are new in the library.
    pub(super) new: Vec<RecordingId>,
    /// How many were missing, or are somewhere else now.
    pub(super) n_found_again: usize,
    /// Whether anything changed.
    pub(super) has_changed: bool,
    /// Those of the new ones that are to be transcribed.
    pub(super) arrived: Vec<PathBuf>,
}

/// Takes what was found in a folder into the library. Files that still grow are not in the scan, but in `growing`.
pub(super) fn take_scan(
    library: &mut Library,
    stored: &Stored,
    mut scan: FolderScan,
    growing: &[FoundFile],
) -> Result<Taken, LibraryError> {
    for file in growing {
        // One that is known already is not missing because somebody writes to it.
        if library.find(&file.path)?.is_some() {
            scan.files.push(file.clone());
        }
    }
    if !growing.is_empty() {
        scan.files.sort_by(|a, b| a.path.cmp(&b.path));
        // The version is that of all files. This is another one, so that the next look, with all of them, counts.
        let mut hasher = ContentHasher::new();
        hasher.update(scan.version.as_bytes());
        hasher.update(b"some of them grow");
        scan.version = hasher.finish();
    }
    if library.folder_version(&scan.folder)? == Some(scan.version) {
        return Ok(Taken::default());
    }
    let mut queued = Vec::new();
    for folder in library.folders()? {
        // What was there when the user began to look after a folder is listed only: it may be the work of years.
        if folder.new_files == NewFiles::Transcribe && library.folder_version(&folder.path)?.is_some() {
            queued.push(folder.path);
        }
    }
    let library::Added { new, changed, found_again, missing } =
        library.take_scan(&scan, &mut |path| stored.content(path).ok())?;
    let has_changed = ![&new, &changed, &found_again, &missing].into_iter().all(Vec::is_empty);
    let mut arrived = Vec::new();
    for id in &new {
        let path = library.entry(*id)?.map(|entry| entry.path);
        arrived.extend(path.filter(|path| queued.iter().any(|folder| path.starts_with(folder))));
    }
    Ok(Taken { new, n_found_again: found_again.len(), has_changed, arrived })
}

/// Puts files, and all recordings below folders, into the library. What cannot be read is left out with a warning.
pub(super) fn add(library: &mut Library, stored: &Stored, paths: &[PathBuf]) -> Result<Added, ShelfError> {
    let mut added = Added::default();
    let mut files: Vec<FoundFile> = Vec::new();
    let mut refusal = None;
    for path in paths {
        match found_at(path) {
            Ok((found, warnings)) => {
                files.extend(found);
                added.warnings.extend(warnings);
            }
            Err(error) => {
                added.warnings.push(error.to_string());
                refusal.get_or_insert(error);
            }
        }
    }
    if let (true, Some(error)) = (files.is_empty(), refusal) {
        return Err(error.into());
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    let taken = library.add(&files, &mut |path| stored.content(path).ok())?;
    (added.n_new, added.n_found_again) = (taken.new.len(), taken.found_again.len());
    added.n_known = files.len().saturating_sub(added.n_new + added.n_found_again);
    tell_lengths(library, &taken.new, &CancelToken::default())?;
    Ok(added)
}

/// Looks up how long recordings are, where their headers say so. What they do not say, a job finds out.
pub(super) fn tell_lengths(
    library: &mut Library,
    recordings: &[RecordingId],
    cancel: &CancelToken,
) -> Result<(), LibraryError> {
    for id in recordings {
        if cancel.is_cancelled() {
            break;
        }
        let Some(entry) = library.entry(*id)? else { continue };
        // What is wrong with a file, the job says that wants to read it.
        if let (None, Ok(Some(duration))) = (entry.duration, decode::stated_length(&entry.path)) {
            library.set_duration(*id, duration)?;
        }
    }
    Ok(())
}

/// Takes the hash of the file of a recording, by which it is found again when it is moved.
pub(super) fn hash(library: &mut Library, stored: &Stored, recording: RecordingId) -> Result<(), LibraryError> {
    // A file that is gone has none, and one that was taken out of the library needs none.
    let Some(entry) = library.entry(recording)? else { return Ok(()) };
    let Ok(file) = library::look(&entry.path) else { return Ok(()) };
    if let Ok(content) = stored.content(&file.path)
        && is_unchanged(&file)
    {
        library.set_content_of(recording, &file, &content)?;
    }
    Ok(())
}

/// The path from the root of the file system, written in one way, as the library writes it.
pub(super) fn absolute(path: &Path) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).components().collect()
}

/// Where a file or folder really is, so that it is listed once whatever links lead to it.
pub(super) fn real(path: &Path) -> PathBuf {
    // On Windows, such paths are written in a way that few programs know.
    let real = if cfg!(unix) { path.canonicalize().ok() } else { None };
    real.unwrap_or_else(|| absolute(path))
}

/// The path by which the library has a file: that which is given, where it has it so, else where the file really is.
pub(super) fn listed(library: &Library, path: &Path) -> Result<PathBuf, LibraryError> {
    let given = absolute(path);
    Ok(if library.find(&given)?.is_some() { given } else { real(path) })
}

/// A file, or the recordings below a folder; and warnings.
fn found_at(path: &Path) -> Result<(Vec<FoundFile>, Vec<String>), FileError> {
    if path.is_dir() {
        let found = library::scan(&real(path))?;
        return Ok((found.files, found.warnings));
    }
    let file = library::look(&real(path))?;
    if library::is_recording(path) {
        Ok((vec![file], Vec::new()))
    } else {
        let reason = "its ending is not that of a recording; one that is transcribed is added all the same";
        Err(FileError::of("add", path)(io::Error::new(io::ErrorKind::InvalidInput, reason)))
    }
}
