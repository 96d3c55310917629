//! Paths as the database has them: the bytes that the system calls a file by, the folder with a separator at its end
//! and the name apart, so that all that lies below a folder is one range. No file is touched.

use std::path::{self, MAIN_SEPARATOR, Path, PathBuf};

/// Where a recording lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Bytes of the folder, with a separator at the end.
    pub(super) folder: Vec<u8>,
    /// Bytes of the name.
    pub(super) name: Vec<u8>,
}

impl Place {
    /// The place of a file; `None` for a path that does not end with a name.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let path = absolute(path);
        let name = path.file_name()?.as_encoded_bytes().to_vec();
        Some(Self { folder: folder_bytes(path.parent()?), name })
    }

    /// The path again.
    pub(super) fn path(&self) -> PathBuf {
        to_path(&[self.folder.as_slice(), &self.name].concat())
    }
}

/// The path from the root of the file system, written in one way.
pub(super) fn absolute(path: &Path) -> PathBuf {
    // Only an empty path has no absolute form, or one of somebody whose working folder was removed.
    let absolute = path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute.components().collect()
}

/// The bytes of a folder, with a separator at the end.
pub(super) fn folder_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = absolute(folder).as_os_str().as_encoded_bytes().to_vec();
    if bytes.last() != Some(&(MAIN_SEPARATOR as u8)) {
        bytes.push(MAIN_SEPARATOR as u8);
    }
    bytes
}

/// The range of `Place::folder`, from the first to before the second, of all that lies in a folder and below it.
pub(super) fn below(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let from = folder_bytes(folder);
    let mut until = from.clone();
    if let Some(last) = until.last_mut() {
        *last += 1;
    }
    (from, until)
}

/// The folder of such bytes.
pub(super) fn folder_path(bytes: &[u8]) -> PathBuf {
    to_path(bytes).components().collect()
}

#[cfg(unix)]
fn to_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;

    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn to_path(bytes: &[u8]) -> PathBuf {
    // Only names with halves of characters are changed by this, which no program writes on purpose.
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_and_what_lies_below_a_folder_is_a_range() {
        for (path, expected) in [("/a/b c/d.wav", "/a/b c/d.wav"), ("/d.wav", "/d.wav"), ("//a/./b//d", "/a/b/d")] {
            let place = Place::of(Path::new(path)).expect("a file");
            assert_eq!(place.path(), Path::new(expected));
        }
        assert_eq!(
            [Place::of(Path::new("/")), Place::of(Path::new("")), Place::of(Path::new("/a/.."))],
            [None, None, None]
        );
        let odd = to_path(b"/a/\xff\xfe.wav");
        assert_eq!(Place::of(&odd).expect("a file").path(), odd);
        let is_below = |path: &str, folder: &str| {
            let (from, until) = below(Path::new(folder));
            let place = Place::of(Path::new(path)).expect("a file");
            place.folder >= from && place.folder < until
        };
        for (path, folder, expected) in [
            ("/a/x.wav", "/a", true),
            ("/a/b/c/x.wav", "/a/", true),
            ("/a/x.wav", "/", true),
            ("/a-b/x.wav", "/a", false),
            ("/ab/x.wav", "/a", false),
            ("/x.wav", "/a", false),
        ] {
            assert_eq!(is_below(path, folder), expected, "{path} below {folder}");
        }
        assert_eq!(folder_path(&folder_bytes(Path::new("/a/b"))), Path::new("/a/b"));
    }
}
