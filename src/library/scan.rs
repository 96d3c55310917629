//! A folder becomes the list of the recordings in it and below, with what `*_metadata.csv` files say of them, and a
//! version by which it is known whether anything changed. Nothing is opened but those CSV files, nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::files::FileError;
use crate::hash::{ContentHash, ContentHasher};

use super::metadata;
use super::place::absolute;

/// Endings of the recordings that are looked for in folders. A file that is named by itself may have any.
const RECORDING_EXTENSIONS: [&str; 21] = [
    "aac", "aif", "aiff", "caf", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpga", "oga",
    "ogg", "opus", "wav", "wave", "webm",
];
/// Ending of the files that describe the recordings beside them.
const METADATA_ENDING: &str = "_metadata.csv";

/// A recording as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundFile {
    /// Where, from the root of the file system.
    pub path: PathBuf,
    /// Its size.
    pub n_bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// What the metadata of its folder calls it.
    pub label: Option<String>,
    /// What else they say of it, in the order of the columns.
    pub metadata: Vec<(String, String)>,
}

/// What a folder has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderScan {
    /// The folder, from the root of the file system.
    pub folder: PathBuf,
    /// Hash over path, size and time of the recordings and metadata files: the same means nothing changed.
    pub version: ContentHash,
    /// Its recordings, in the order of their paths.
    pub files: Vec<FoundFile>,
    /// For folders with metadata, what those say of all recordings alike.
    pub shared: Vec<(PathBuf, Vec<(String, String)>)>,
    /// Folders that could not be read; what is in them is not known to be missing.
    pub unreadable: Vec<PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A file by itself.
pub fn look(file: &Path) -> Result<FoundFile, FileError> {
    let path = absolute(file);
    let state = fs::metadata(&path).map_err(FileError::of("read", &path))?;
    if state.is_dir() {
        return Err(FileError::of("read as a recording", &path)(std::io::ErrorKind::IsADirectory.into()));
    }
    if !state.is_file() {
        let no_file = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file");
        return Err(FileError::of("read as a recording", &path)(no_file));
    }
    Ok(FoundFile { n_bytes: state.len(), modified_ns: modified_ns(&state), path, ..FoundFile::default() })
}

/// All of a folder and what lies below it. Only a folder that cannot be read at all is an error.
pub fn scan(folder: &Path) -> Result<FolderScan, FileError> {
    let folder = absolute(folder);
    fs::read_dir(&folder).map_err(FileError::of("read folder", &folder))?;
    let mut walk = Walk::default();
    walk.enter(&folder);
    let Walk { mut files, mut tables, unreadable, mut warnings, .. } = walk;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    tables.sort_by(|one, other| one.path.cmp(&other.path));
    let version = version_of(&folder, &files, &tables);
    let mut tables_by_folder: BTreeMap<PathBuf, Vec<&Path>> = BTreeMap::new();
    for table in &tables {
        tables_by_folder.entry(folder_of(&table.path)).or_default().push(&table.path);
    }
    let mut files_by_folder: BTreeMap<PathBuf, Vec<&mut FoundFile>> = BTreeMap::new();
    for file in &mut files {
        files_by_folder.entry(folder_of(&file.path)).or_default().push(file);
    }
    let mut shared = Vec::new();
    for (folder, tables) in tables_by_folder {
        let mut beside = files_by_folder.remove(&folder).unwrap_or_default();
        shared.push((folder, metadata::describe(&mut beside, &tables, &mut warnings)));
    }
    Ok(FolderScan { folder, version, files, shared, unreadable, warnings })
}

/// What is found on the way through a folder.
#[derive(Default)]
struct Walk {
    files: Vec<FoundFile>,
    /// The metadata files.
    tables: Vec<FoundFile>,
    unreadable: Vec<PathBuf>,
    warnings: Vec<String>,
    /// The real places of the folders that were entered: links may lead there again.
    entered: BTreeSet<PathBuf>,
}

impl Walk {
    fn enter(&mut self, folder: &Path) {
        // By a list instead of by recursion: folders may be nested deeper than the stack.
        let mut waiting = vec![folder.to_path_buf()];
        while let Some(folder) = waiting.pop() {
            let entries = fs::canonicalize(&folder).and_then(|real| Ok((real, fs::read_dir(&folder)?)));
            let (real, entries) = match entries {
                Ok(found) => found,
                Err(error) => {
                    self.cannot_read(folder, &error);
                    continue;
                }
            };
            if !self.entered.insert(real) {
                self.warnings.push(format!(
                    "{} leads to a folder that is listed already; what is in it is listed once",
                    folder.display()
                ));
                continue;
            }
            for entry in entries {
                match entry {
                    Ok(entry) => self.take(entry.path(), &mut waiting),
                    Err(error) => {
                        self.cannot_read(folder, &error);
                        break;
                    }
                }
            }
        }
    }

    fn take(&mut self, path: PathBuf, waiting: &mut Vec<PathBuf>) {
        if is_hidden(&path) {
            return;
        }
        let (is_recording, is_metadata) = (is_recording(&path), is_metadata(&path));
        // Links are followed.
        let state = match fs::metadata(&path) {
            Ok(state) => state,
            Err(error) => {
                if is_recording || is_metadata {
                    self.warnings.push(format!("cannot read {}: {error}", path.display()));
                }
                return;
            }
        };
        if state.is_dir() {
            waiting.push(path);
        } else if state.is_file() && (is_recording || is_metadata) {
            let list = if is_recording { &mut self.files } else { &mut self.tables };
            let modified_ns = modified_ns(&state);
            list.push(FoundFile { path, n_bytes: state.len(), modified_ns, ..FoundFile::default() });
        }
    }

    fn cannot_read(&mut self, folder: PathBuf, error: &std::io::Error) {
        self.warnings.push(format!("cannot read folder {}: {error}", folder.display()));
        self.unreadable.push(folder);
    }
}

fn version_of(folder: &Path, files: &[FoundFile], tables: &[FoundFile]) -> ContentHash {
    let mut hasher = ContentHasher::new();
    for file in files.iter().chain(tables) {
        let relative = file.path.strip_prefix(folder).unwrap_or(&file.path).as_os_str().as_encoded_bytes();
        hasher.update(&(relative.len() as u64).to_le_bytes());
        hasher.update(relative);
        hasher.update(&file.n_bytes.to_le_bytes());
        hasher.update(&file.modified_ns.to_le_bytes());
    }
    hasher.finish()
}

fn modified_ns(state: &Metadata) -> i64 {
    let Ok(modified) = state.modified() else { return 0 };
    let ns = |duration: std::time::Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => ns(since),
        Err(before) => -ns(before.duration()),
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Whether a file in a folder is taken for a recording: by its ending, and not hidden.
pub fn is_recording(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    !is_hidden(path) && extension.is_some_and(|extension| RECORDING_EXTENSIONS.contains(&extension.as_str()))
}

/// Whether a file describes the recordings beside it.
fn is_metadata(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    !is_hidden(path) && name.is_some_and(|name| name.ends_with(METADATA_ENDING))
}

/// What begins with a dot: files that are being written, and what systems leave behind.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_known_by_their_ending() {
        for (name, expected) in [
            ("a.wav", true),
            ("a.b.MP3", true),
            ("a.txt", false),
            ("wav", false),
            (".wav", false),
            ("._a.wav", false),
            ("ä ö.Opus", true),
        ] {
            assert_eq!(is_recording(&Path::new("/x").join(name)), expected, "{name}");
        }
        assert!(is_metadata(Path::new("x/Team_Metadata.CSV")) && !is_metadata(Path::new("x/metadata.csv")));
    }

    #[test]
    fn the_version_changes_with_anything_that_matters() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let version = || scan(root).expect("a readable folder").version;
        let mut versions = vec![version()];
        fs::create_dir(root.join("sub")).expect("a writable folder");
        for (name, bytes) in [("sub/a.wav", "1"), ("sub/a.wav", "12"), ("b.mp3", ""), ("t_metadata.csv", "file\n")] {
            fs::write(root.join(name), bytes).expect("a writable folder");
            versions.push(version());
        }
        fs::rename(root.join("b.mp3"), root.join("c.mp3")).expect("a writable folder");
        versions.push(version());
        assert_eq!(versions.iter().collect::<BTreeSet<_>>().len(), versions.len());
        // What is no recording, hidden or empty does not matter.
        fs::write(root.join("notes.txt"), "x").expect("a writable folder");
        fs::write(root.join(".d.wav"), "x").expect("a writable folder");
        fs::create_dir(root.join("empty")).expect("a writable folder");
        assert_eq!(Some(&version()), versions.last());
    }

    #[cfg(unix)]
    #[test]
    fn links_in_circles_and_links_to_nowhere_are_told_of() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("sub")).expect("a writable folder");
        fs::write(root.join("sub/a.wav"), "1").expect("a writable folder");
        symlink(&root, root.join("sub/back")).expect("a file system with links");
        symlink(root.join("gone.wav"), root.join("link.wav")).expect("a file system with links");
        let scan = scan(&root).expect("a readable folder");
        let names: Vec<_> = scan.files.iter().filter_map(|file| file.path.file_name()).collect();
        assert_eq!(
            (names, scan.warnings.len(), scan.unreadable.len()),
            (vec![std::ffi::OsStr::new("a.wav")], 2, 0),
            "{scan:?}"
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = scan(&folder.path().join("gone")).expect_err("it is not there");
        assert!(error.to_string().contains("gone"), "{error}");
        assert!(look(folder.path()).is_err());
    }
}
