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
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(FileError::of("create folder", folder))?;
    let mut temporary_file = temporary_file();
    // Temporary files are private by default; an export shall be as readable as any file the user saves (less the umask).
    #[cfg(unix)]
    temporary_file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    replace(path, &mut temporary_file, write)
}

/// The same as [`write_atomic`] for what is nobody else's business: where the system knows owners of files, only the
/// user may read it, and look into folders that are created for it.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    create_private_folder(folder_of(path))?;
    replace(path, &mut temporary_file(), |file| file.write_all(bytes))
}

/// Creates a folder that only the user may look into, and those above it that are missing. One that is there stays as
/// it is.
pub fn create_private_folder(folder: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(FileError::of("create folder", folder))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hansard-");
    builder
}

fn replace(
    path: &Path,
    temporary_file: &mut tempfile::Builder<'_, '_>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), FileError> {
    let folder = folder_of(path);
    let replace = || -> io::Result<()> {
        let mut temporary = temporary_file.tempfile_in(folder)?;
        write(temporary.as_file_mut())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    replace().map_err(FileError::of("write", path))
}

/// Makes a rename in a folder durable. Windows cannot open folders and does not need it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
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

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_for_the_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/inner/voices.json");
        let mode = |path: &Path| fs::metadata(path).expect("just written").permissions().mode() & 0o777;
        write_private(&path, b"first").expect("a writable folder");
        let inner = path.parent().expect("a folder");
        assert_eq!([mode(&path), mode(inner), mode(&folder.path().join("new"))], [0o600, 0o700, 0o700]);
        // It becomes private where it was not.
        write_atomic(&path, b"second").expect("a writable folder");
        write_private(&path, b"third").expect("a writable folder");
        assert_eq!((mode(&path), fs::read(&path).expect("just written").as_slice()), (0o600, b"third".as_slice()));
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
