//! Compares what a transcript says of its recording and its models with what is on this machine now, and names the
//! places of models so that another machine finds its own. Nothing is written.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::audio::decode::{self, DecodeError};
use crate::files::FileError;
use crate::hash::ContentHash;
use crate::paths::AppPaths;
use crate::settings::ModelSettings;
use crate::task::{CancelToken, Progress};
use crate::transcript::manifest::{AudioHashes, ModelHash};

use super::reuse::{hash_of_model, hash_of_samples};

const IN_ASSETS: &str = "assets:";
const IN_CACHE: &str = "cache:";

/// How a recording compares with the one that was transcribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioMatch {
    /// It is that file, byte by byte.
    SameFile,
    /// It is another file with the same sound.
    SameSound,
    /// It is another recording.
    Other,
}

/// How a model compares with the one that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelMatch {
    /// It is the same.
    Same,
    /// It has other weights.
    Other,
    /// It is not on this machine, or cannot be read, for this reason.
    Missing(String),
}

/// A recording could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its sound cannot.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Nor what was decoded of it.
    #[error("{}: its sound cannot be read back: {source}; free some space in the cache folder", path.display())]
    Samples {
        /// The recording.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// Compares a recording; its sound is decoded only where the file is another one.
pub fn compare_audio(expected: &AudioHashes, path: &Path, paths: &AppPaths) -> Result<AudioMatch, CompareError> {
    let file = ContentHash::of_file(path).map_err(FileError::of("read", path))?;
    if file.to_string() == expected.file {
        return Ok(AudioMatch::SameFile);
    }
    let cancel = CancelToken::default();
    let decoded = decode::decode(path, &paths.cache_dir, &Progress::unwatched(&cancel))?;
    let samples = hash_of_samples(&decoded.samples)
        .map_err(|source| CompareError::Samples { path: path.to_path_buf(), source })?;
    Ok(if samples.to_string() == expected.samples { AudioMatch::SameSound } else { AudioMatch::Other })
}

/// Compares a model with the one that is in its place here.
pub fn compare_model(expected: &ModelHash, paths: &AppPaths, settings: &ModelSettings) -> ModelMatch {
    let cache = settings.cache_root(paths);
    let Some(folder) = folder_at(&expected.place, paths, &cache) else {
        return ModelMatch::Missing(format!("there is no {} here", expected.place));
    };
    match hash_of_model(&folder) {
        Ok(hash) if hash.to_string() == expected.hash => ModelMatch::Same,
        Ok(_) => ModelMatch::Other,
        Err(error) => ModelMatch::Missing(error.to_string()),
    }
}

/// How a manifest names the folder of a model; `cache` is the folder of the models on disk, where there is one.
pub(super) fn place_of(folder: &Path, paths: &AppPaths, cache: Option<&Path>) -> String {
    // Parts of a model are named relative to it: `diarization/../segmentation`.
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = &whole(folder);
    let assets = paths.asset_roots().iter().map(|root| (IN_ASSETS, root.as_path()));
    let named = assets.chain(cache.map(|root| (IN_CACHE, root))).find_map(|(start, root)| {
        let names = folder.strip_prefix(whole(root)).ok()?.components();
        let names: Vec<String> = names.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
        Some(format!("{start}{}", names.join("/")))
    });
    named.unwrap_or_else(|| folder.display().to_string())
}

/// The folder that a manifest names, if it is here.
fn folder_at(place: &str, paths: &AppPaths, cache: &Path) -> Option<PathBuf> {
    let inside = |relative: &str| Path::new(relative).components().all(|part| matches!(part, Component::Normal(_)));
    let folder = if let Some(relative) = place.strip_prefix(IN_ASSETS) {
        paths.asset(relative).filter(|_| inside(relative))?
    } else if let Some(relative) = place.strip_prefix(IN_CACHE) {
        Some(cache.join(relative)).filter(|_| inside(relative))?
    } else {
        PathBuf::from(place)
    };
    folder.is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_again_from_their_names() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(root.path());
        let cache = root.path().join("cache");
        let stored = cache.join("models-v1/whisperx_small_cpu");
        let elsewhere = root.path().join("mine");
        for folder in [&stored, &elsewhere] {
            std::fs::create_dir_all(folder).expect("a writable folder");
        }
        let demo = paths.asset("demo/models").expect("the demo models are in the source tree");
        let outside = elsewhere.display().to_string();
        for (folder, expected) in [
            (&stored, "cache:models-v1/whisperx_small_cpu"),
            (&demo, "assets:demo/models"),
            (&elsewhere, outside.as_str()),
        ] {
            let place = place_of(folder, &paths, Some(&cache));
            assert_eq!(place, expected);
            assert_eq!(folder_at(&place, &paths, &cache).as_ref(), Some(folder));
        }
        for hostile in ["cache:../mine", "assets:../src", "cache:/", "cache:nothing", ""] {
            assert_eq!(folder_at(hostile, &paths, &cache), None, "{hostile}");
        }
    }
}
