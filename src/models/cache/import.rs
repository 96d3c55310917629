//! Taking in a model that somebody fetched in another way: a folder in Hugging Face layout, or a snapshot of the cache of
//! the hub's own tools. What it is, its configuration says; which model of the catalog, its name.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::files::FileError;
use crate::models::catalog::{self, Entry, Family};
use crate::models::convert::convert_folder;
use crate::models::key::ModelKey;
use crate::models::store::{
    Kind, ORIGINALS, Refusal, StoreError, StoredModel, copy_model_folder, header_flaw, kind_of,
};
use crate::task::Progress;

use super::ModelCache;
use super::error::ObtainError;
use super::folders::as_key;
use super::obtain::{Form, form_of, hex, origin_of};
use super::options::Originals;

impl ModelCache {
    /// Stores the model in a folder of the user's. An entry that was made from the same files stays as it is.
    pub fn import_folder(&self, folder: &Path, progress: &Progress<'_>) -> Result<StoredModel, ObtainError> {
        let family = family_of(folder)?;
        let name = name_of(folder);
        let is_meant = |entry: &&Entry| entry.family == family && is_called(entry, &name);
        let entry = catalog::entries().iter().find(is_meant);
        let key = match entry {
            Some(entry) => self.usual_key(entry),
            None => self.key_of_stranger(family, short(&name))?,
        };
        let files = files_in(folder)?;
        // Whisper's weights are read to be made ready, before the store looks at what is stored.
        for path in &files {
            if kind_of(&path.to_string_lossy()) == Some(Kind::Safetensors)
                && let Some(reason) = header_flaw(path)?
            {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let refusal = Refusal::Weights { name, reason };
                return Err(StoreError::Refused { path: folder.to_path_buf(), refusal }.into());
            }
        }
        let repository = entry.and_then(Entry::repository).unwrap_or_else(|| short(&name));
        let repository: String = repository.chars().filter(|c| !c.is_control()).take(200).collect();
        let origin = origin_of(family, &key, &repository, &fingerprint(&files)?);
        // What is in memory and used by nobody would keep an entry of the same key where it is.
        self.release(&key);
        let stored = self.store.store(&key, &origin, |target| -> Result<(), ObtainError> {
            let skipped = match form_of(family, &key) {
                Form::Published => copy_model_folder(folder, target, progress)?,
                Form::Ready => {
                    progress.at(0, 1).map_err(StoreError::from)?;
                    convert_folder(folder, target)?;
                    match self.options().originals {
                        Originals::Kept => copy_model_folder(folder, &target.join(ORIGINALS), progress)?,
                        Originals::Dropped => Vec::new(),
                    }
                }
            };
            if !skipped.is_empty() {
                tracing::info!("{}: not needed: {}", folder.display(), skipped.join(", "));
            }
            progress.at(1, 1).map_err(StoreError::from)?;
            Ok(())
        })?;
        self.forget_wishes();
        Ok(stored)
    }

    /// The key of a model that the catalog does not have.
    fn key_of_stranger(&self, family: Family, name: &str) -> Result<ModelKey, ObtainError> {
        let plain = as_key(name);
        let key = match family {
            Family::Whisper => catalog::whisper_key(plain.as_str(), &self.usual_placement()),
            Family::Aligner => catalog::aligner_key(plain.as_str()),
            Family::Segmentation | Family::Diarization => format!("pyannote_{plain}_cpu"),
            Family::Embedding => format!("voices_{plain}_cpu"),
        };
        Ok(ModelKey::new(&key)?)
    }
}

/// What the model in a folder is for.
fn family_of(folder: &Path) -> Result<Family, ObtainError> {
    let read = |name: &str| {
        let path = folder.join(name);
        if path.is_file() {
            fs::read_to_string(&path).map(Some).map_err(FileError::of("read", &path))
        } else {
            Ok(None)
        }
    };
    if folder.join("hyperparams.yaml").exists() {
        return Ok(Family::Embedding);
    }
    if let Some(text) = read("config.json")? {
        let config: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        return match config.get("model_type").and_then(serde_json::Value::as_str) {
            Some("whisper") => Ok(Family::Whisper),
            Some("wav2vec2") => Ok(Family::Aligner),
            Some(other) => Err(ObtainError::OtherType { folder: folder.to_path_buf(), found: other.to_owned() }),
            None => Err(ObtainError::NoModel { folder: folder.to_path_buf() }),
        };
    }
    match read("config.yaml")? {
        Some(text) if text.lines().any(|line| line.starts_with("pipeline:")) => Ok(Family::Diarization),
        Some(text) if text.contains("WeSpeaker") => Ok(Family::Embedding),
        Some(_) => Ok(Family::Segmentation),
        None => Err(ObtainError::NoModel { folder: folder.to_path_buf() }),
    }
}

/// The name of the model in a folder: that of the folder or, for a snapshot `models--OWNER--NAME/snapshots/COMMIT`, of the
/// repository.
fn name_of(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let text = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let snapshots = folder.parent().filter(|parent| parent.ends_with("snapshots"));
    let repository = text(snapshots.and_then(Path::parent));
    match repository.strip_prefix("models--") {
        Some(name) => name.replacen("--", "/", 1),
        None => text(Some(&folder)),
    }
}

/// `whisper-small` of `openai/whisper-small`.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether this is a model of the catalog, by its name, by its repository's, or by the end of that.
fn is_called(entry: &Entry, name: &str) -> bool {
    entry.repository().is_some_and(|repository| {
        entry.name == name || repository == name || (!name.contains('/') && short(repository) == name)
    })
}

/// The files in a folder and in the folders in it, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(FileError::of("read", folder))?;
    for entry in entries {
        let path = entry.map_err(FileError::of("read", folder))?.path();
        if path.is_file() {
            files.push(path);
        } else if path.is_dir() && !path.is_symlink() {
            let inside = fs::read_dir(&path).map_err(FileError::of("read", &path))?;
            files.extend(inside.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()));
        }
    }
    files.sort();
    Ok(files)
}

/// Tells versions of a folder apart without reading its files: by their names, sizes and times.
fn fingerprint(files: &[PathBuf]) -> Result<String, FileError> {
    let mut hasher = Sha256::new();
    for path in files {
        let metadata = fs::metadata(path).map_err(FileError::of("read", path))?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let nanos = modified.map_or(0, |modified| modified.as_nanos());
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(format!("\0{}\0{nanos}\0", metadata.len()));
    }
    let hash: [u8; 32] = hasher.finalize().into();
    Ok(hex(&hash[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_apart_by_their_configuration_and_name() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let snapshot = "models--openai--whisper-tiny/snapshots/0123456789012345678901234567890123456789";
        for (folder, file, text, family, name, entry) in [
            ("whisper-small", "config.json", r#"{"model_type": "whisper"}"#, Family::Whisper, "whisper-small", "small"),
            (snapshot, "config.json", r#"{"model_type": "whisper"}"#, Family::Whisper, "openai/whisper-tiny", "tiny"),
            ("mine", "config.json", r#"{"model_type": "wav2vec2"}"#, Family::Aligner, "mine", ""),
            ("demo", "config.json", r#"{"model_type": "whisper"}"#, Family::Whisper, "demo", ""),
            ("x", "config.yaml", "pipeline:\n  name: y", Family::Diarization, "x", ""),
            (
                "segmentation-3.0",
                "config.yaml",
                "model:\n  _target_: PyanNet",
                Family::Segmentation,
                "segmentation-3.0",
                "pyannote/segmentation-3.0",
            ),
            ("z", "hyperparams.yaml", "", Family::Embedding, "z", ""),
        ] {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).expect("a writable folder");
            fs::write(folder.join(file), text).expect("a writable folder");
            let found_name = name_of(&folder);
            assert_eq!((family_of(&folder).ok(), found_name.as_str()), (Some(family), name));
            let found = catalog::entries().iter().find(|entry| entry.family == family && is_called(entry, &found_name));
            assert_eq!(found.map_or("", |entry| entry.name.as_str()), entry, "{name}");
        }
        let other = root.path().join("other");
        fs::create_dir_all(&other).expect("a writable folder");
        assert!(matches!(family_of(&other), Err(ObtainError::NoModel { .. })));
        fs::write(other.join("config.json"), r#"{"model_type": "bert"}"#).expect("a writable folder");
        assert!(matches!(family_of(&other), Err(ObtainError::OtherType { .. })));
    }
}
