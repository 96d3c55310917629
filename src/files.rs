//! Writing files so that nobody ever finds half of one. Every writer of Hansard goes through here.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file or folder could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried: `read`, `write`, `create folder`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`: an error about `path` while doing `action`.
    pub fn of<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self { action, path: path.to_path_buf(), source }
    }
}

/// Writes `bytes` to `path`: to a temporary file in the same folder, synced, then renamed over what was there.
/// A reader sees the old content or the new, also after a crash. Missing folders are created.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// The same for content too large to be put together in memory first: `write` fills the temporary file.
pub fn write_atomic_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(FileError::of("create folder", folder))?;
    let replace = || -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hansard-");
        // Temporary files are private by default; an export shall be as readable as any file the user saves (less the umask).
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut temporary = builder.tempfile_in(folder)?;
        write(temporary.as_file_mut())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    replace().map_err(FileError::of("write", path))
}

/// Makes the rename itself durable. Windows cannot open folders and does not need it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/notes.txt");
        for text in ["first", "second"] {
            write_atomic(&path, text.as_bytes()).expect("a writable folder");
            assert_eq!(fs::read_to_string(&path).expect("just written"), text);
        }
        let names: Vec<_> = fs::read_dir(folder.path().join("new")).expect("just made").collect();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn a_failed_write_names_the_path_and_keeps_what_was_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let occupied = folder.path().join("occupied");
        fs::create_dir_all(occupied.join("inside")).expect("a writable folder");
        let error = write_atomic(&occupied, b"text").expect_err("a folder cannot become a file");
        assert!(error.to_string().contains("occupied"), "{error}");
        assert!(occupied.join("inside").is_dir());
    }
}
