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

/// Opens a file to read it. What is no regular file is refused: a pipe would keep its reader waiting for ever.
pub fn open_regular(path: &Path) -> Result<File, FileError> {
    let is_file = fs::metadata(path).map_err(FileError::of("read", path))?.is_file();
    if is_file {
        File::open(path).map_err(FileError::of("read", path))
    } else {
        Err(FileError::of("read", path)(no_regular_file()))
    }
}

/// Refuses a place for a file of the user's where it would take that of what Hansard keeps: in one of these folders or
/// below it. Also refuses `-`, which would become a file of that name.
pub fn check_target(path: &Path, own_folders: &[&Path]) -> Result<(), FileError> {
    let refused = |reason: String| FileError::of("write", path)(io::Error::new(io::ErrorKind::InvalidInput, reason));
    if path == Path::new("-") {
        return Err(refused("this is not written to standard output; name a file".to_owned()));
    }
    // A folder that is not there yet is none of them.
    let Ok(folder) = folder_of(path).canonicalize() else { return Ok(()) };
    let is_inside = |own: &&&Path| own.canonicalize().is_ok_and(|own| folder.starts_with(own));
    match own_folders.iter().find(is_inside) {
        Some(own) => {
            Err(refused(format!("Hansard keeps its own files in {}; name a file in another folder", own.display())))
        }
        None => Ok(()),
    }
}

fn no_regular_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file; name another one")
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
        // A device or a pipe would be replaced by a file.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(no_regular_file());
        }
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

    #[test]
    fn what_hansard_keeps_is_no_place_for_other_files() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let own = root.path().join("own");
        fs::create_dir_all(own.join("inside")).expect("a writable folder");
        for (path, is_allowed) in [
            (PathBuf::from("-"), false),
            (own.join("library.db"), false),
            (own.join("inside/../other"), false),
            (own.join("inside/other"), false),
            (root.path().join("own/inside/../../mine"), true),
            (root.path().join("mine"), true),
            (root.path().join("not/there/mine"), true),
        ] {
            assert_eq!(check_target(&path, &[&own]).is_ok(), is_allowed, "{}", path.display());
        }
        assert!(open_regular(&own).is_err(), "a folder");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_neither_replaced_nor_read() {
        for device in ["/dev/null", "/dev/full"] {
            let device = Path::new(device);
            assert!(write_atomic(device, b"text").is_err() && open_regular(device).is_err());
            assert!(!fs::metadata(device).expect("a device").is_file());
        }
    }
}
