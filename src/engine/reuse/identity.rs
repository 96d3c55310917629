//! What results depend on, by its content: samples, the files of models, the voices that are known. Hashes are the same on
//! every machine but for the voices, of which it only matters whether they changed.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::audio::Mono16k;
use crate::engine::voices::voices_file;
use crate::hash::{ContentHash, ContentHasher};
use crate::paths::AppPaths;
use crate::task::CancelToken;

/// Samples that are hashed at once: 4 MB.
const SAMPLES_AT_ONCE: usize = 1 << 20;
const BYTES_AT_ONCE: usize = 1 << 20;
/// Endings of the files that hold weights,
const WEIGHTS: [&str; 4] = ["safetensors", "bin", "ckpt", "npz"];
/// and of those that networks read beside them. Others (notes, forms for other programs) make no other model.
const BESIDE_WEIGHTS: [&str; 3] = ["json", "yaml", "txt"];
/// How deep voices lie in a folder of them: `NAME/FILE`.
const VOICE_FOLDER_DEPTH: usize = 2;

/// The hash of all samples, as little-endian numbers.
pub(in crate::engine) fn hash_of_samples(samples: &Mono16k) -> io::Result<ContentHash> {
    let (mut hasher, mut bytes) = (ContentHasher::new(), Vec::with_capacity(4 * SAMPLES_AT_ONCE));
    for start in (0..samples.len()).step_by(SAMPLES_AT_ONCE) {
        bytes.clear();
        let block = samples.read(start..start + SAMPLES_AT_ONCE)?;
        bytes.extend(block.iter().flat_map(|sample| sample.to_le_bytes()));
        hasher.update(&bytes);
    }
    Ok(hasher.finish())
}

/// The hash of a model: of all files of its folder that networks read, whatever the folder is called.
pub(in crate::engine) fn hash_of_model(folder: &Path) -> io::Result<ContentHash> {
    hash_of_files(folder, ContentHash::of_file)
}

/// The same, with another way to hash a file.
pub(super) fn hash_of_files(
    folder: &Path,
    hash_of_file: impl Fn(&Path) -> io::Result<ContentHash>,
) -> io::Result<ContentHash> {
    let ends_with = |path: &Path, endings: &[&str]| {
        path.extension().is_some_and(|extension| endings.iter().any(|ending| extension == *ending))
    };
    let mut files = files_in(folder)?;
    files.retain(|path| path.is_file() && (ends_with(path, &WEIGHTS) || ends_with(path, &BESIDE_WEIGHTS)));
    if !files.iter().any(|path| ends_with(path, &WEIGHTS)) {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} has no weights", folder.display())));
    }
    let mut hasher = ContentHasher::new();
    for path in files {
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        // No name has this byte, so that names and hashes do not run together.
        hasher.update(&[0]);
        hasher.update(hash_of_file(&path)?.as_bytes());
    }
    Ok(hasher.finish())
}

/// The hash of a file, unless somebody asks to stop: weights may take many seconds.
pub(super) fn hash_of_file(path: &Path, cancel: &CancelToken) -> io::Result<ContentHash> {
    let (mut file, mut hasher, mut buffer) = (File::open(path)?, ContentHasher::new(), vec![0; BYTES_AT_ONCE]);
    loop {
        cancel.check().map_err(io::Error::other)?;
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n_bytes) => hasher.update(&buffer[..n_bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A hash that changes with the voices that are enrolled, and with those in the folder that a job names.
pub(in crate::engine) fn hash_of_known_voices(paths: &AppPaths, folder: Option<&Path>) -> ContentHash {
    let mut hasher = ContentHasher::new();
    // What cannot be read holds no voice, until it can.
    let enrolled = ContentHash::of_file(&voices_file(paths)).unwrap_or_else(|_| ContentHash::of(&[]));
    hasher.update(enrolled.as_bytes());
    if let Some(folder) = folder {
        add_listing(folder, VOICE_FOLDER_DEPTH, &mut hasher);
    }
    hasher.finish()
}

/// Adds what a folder looks like without reading its files.
fn add_listing(folder: &Path, depth: usize, hasher: &mut ContentHasher) {
    for path in files_in(folder).unwrap_or_default() {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(&[0]);
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() && depth > 1 {
            add_listing(&path, depth - 1, hasher);
        } else {
            let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            hasher.update(&metadata.len().to_le_bytes());
            hasher.update(&modified.map_or(0, |since| since.as_nanos()).to_le_bytes());
        }
    }
}

/// What is in a folder, in the order of names.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_what_networks_read_of_it() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
            fs::write(path, text).expect("a writable folder");
        };
        let hash = |name: &str| hash_of_model(&root.path().join(name));
        for name in ["a", "b"] {
            write(&format!("{name}/model.safetensors"), "weights");
            write(&format!("{name}/config.json"), "{}");
        }
        let known = hash("a").expect("readable files");
        assert_eq!(hash("b").expect("readable files"), known, "the folder has no part in it");
        write("b/README.md", "about it");
        assert_eq!(hash("b").expect("readable files"), known, "nor has what no network reads");
        write("b/config.json", "{ }");
        assert_ne!(hash("b").expect("readable files"), known);
        write("b/config.json", "{}");
        write("b/model.safetensors", "Weights");
        assert_ne!(hash("b").expect("readable files"), known);
        write("none/config.json", "{}");
        for name in ["none", "missing"] {
            assert!(hash(name).is_err(), "{name} is no model");
        }
        let cancel = CancelToken::default();
        let weights = root.path().join("a/model.safetensors");
        assert_eq!(hash_of_file(&weights, &cancel).expect("a file"), ContentHash::of(b"weights"));
        cancel.cancel();
        assert!(hash_of_file(&weights, &cancel).is_err());
    }

    #[test]
    fn samples_are_hashed_as_one_whatever_their_number() {
        for n_samples in [0, 1, SAMPLES_AT_ONCE + 1] {
            let samples: Vec<f32> = (0..n_samples).map(|n| n as f32 / 7.0).collect();
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let hash = hash_of_samples(&Mono16k::from_samples(samples)).expect("samples in memory");
            assert_eq!(hash, ContentHash::of(&bytes));
        }
    }

    #[test]
    fn known_voices_change_with_their_files() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(&root.path().join("home"));
        let folder = root.path().join("speakers");
        let mut seen = Vec::new();
        let mut look = |what: &str| {
            let hash = hash_of_known_voices(&paths, Some(&folder));
            assert!(!seen.contains(&hash), "{what} is not seen");
            assert_eq!(hash_of_known_voices(&paths, Some(&folder)), hash, "nothing changed");
            seen.push(hash);
        };
        look("no folder");
        let write = |path: &Path, text: &str| {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
            fs::write(path, text).expect("a writable folder");
        };
        write(&folder.join("Ana/one.wav"), "sound");
        look("a new file");
        write(&folder.join("Ana/one.wav"), "more sound");
        look("a longer file");
        write(&voices_file(&paths), "voices");
        look("an enrolled voice");
    }
}
