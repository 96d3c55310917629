//! Looking at models on disk, keeping them there, and writing them to a file for another machine.

use std::path::Path;

use crate::engine::model_work::{ModelBundle, ModelProgress, ModelStep, ModelWatch, VerifiedEntry};
use crate::engine::models::Pinning;
use crate::models::catalog;
use crate::models::key::ModelKey;
use crate::models::store::{Depth, DiskEntry, Found};
use crate::models::{ModelCache, Originals, whisper_of_key};
use crate::task::Progress;

use super::ModelsError;
use super::listing::fate;

pub(super) fn verify(
    models: &ModelCache,
    names: &[String],
    watch: ModelWatch<'_>,
) -> Result<Vec<VerifiedEntry>, ModelsError> {
    let mut verified = Vec::new();
    for DiskEntry { key, n_bytes, .. } in wanted(models, names)? {
        let found = with_progress(watch, key.as_str(), ModelStep::Verify, Some(n_bytes), |progress| {
            models.store().verify(&key, Depth::Full, progress)
        })?;
        let problem = match found {
            Found::Ready(_) => None,
            Found::Absent => Some("it was removed meanwhile".to_owned()),
            Found::Stale { reason, originals } => {
                let originals = originals.map_or(Originals::Dropped, |_| Originals::Kept);
                Some(format!("{reason}; {}", fate(&key, originals)))
            }
            Found::Damaged(damage) => Some(format!("{damage}; {}", fate(&key, Originals::Dropped))),
        };
        verified.push(VerifiedEntry { key: key.to_string(), n_bytes, problem });
    }
    Ok(verified)
}

pub(super) fn set_pin(models: &ModelCache, names: &[String], pinning: Pinning) -> Result<(), ModelsError> {
    for entry in wanted_of(models, names)? {
        match pinning {
            Pinning::Pinned => models.store().pin(&entry.key)?,
            Pinning::Unpinned => models.store().unpin(&entry.key)?,
        }
    }
    Ok(())
}

pub(super) fn export(
    models: &ModelCache,
    file: &Path,
    names: &[String],
    watch: ModelWatch<'_>,
) -> Result<ModelBundle, ModelsError> {
    let entries = wanted(models, names)?;
    if entries.is_empty() {
        return Err(ModelsError::NothingToExport);
    }
    let total: u64 = entries.iter().map(|entry| entry.n_bytes).sum();
    let keys: Vec<ModelKey> = entries.into_iter().map(|entry| entry.key).collect();
    let name = file.display().to_string();
    let n_bytes = with_progress(watch, &name, ModelStep::Export, Some(total), |progress| {
        models.store().export(&keys, file, progress)
    })?;
    Ok(ModelBundle { keys: keys.iter().map(ModelKey::to_string).collect(), n_bytes })
}

/// Does work whose progress is a share of so many bytes.
pub(super) fn with_progress<T>(
    watch: ModelWatch<'_>,
    name: &str,
    step: ModelStep,
    total: Option<u64>,
    work: impl FnOnce(&Progress<'_>) -> T,
) -> T {
    let report = |fraction: f32| {
        let n_bytes = total.map_or(0, |total| (total as f64 * f64::from(fraction)) as u64);
        let name = name.to_owned();
        (watch.report)(&ModelProgress {
            name,
            step,
            n_bytes,
            n_bytes_total: total,
            bytes_per_sec: None,
            remaining: None,
        });
    };
    work(&Progress::new(watch.cancel, &report))
}

/// The entries on disk that are asked for; all where none is named.
fn wanted(models: &ModelCache, names: &[String]) -> Result<Vec<DiskEntry>, ModelsError> {
    if names.is_empty() { Ok(models.store().list()?) } else { wanted_of(models, names) }
}

/// The entries on disk of these keys or names, each once, in the order in which they are named.
pub(super) fn wanted_of(models: &ModelCache, names: &[String]) -> Result<Vec<DiskEntry>, ModelsError> {
    let entries = models.store().list()?;
    let mut wanted: Vec<DiskEntry> = Vec::new();
    for name in names {
        let named: Vec<&DiskEntry> = entries.iter().filter(|entry| is_called(&entry.key, name)).collect();
        if named.is_empty() {
            return Err(ModelsError::NotOnDisk(name.clone()));
        }
        for entry in named {
            if !wanted.contains(entry) {
                wanted.push(entry.clone());
            }
        }
    }
    Ok(wanted)
}

/// Whether a key is meant by a text: the key itself, or the name of its model.
fn is_called(key: &ModelKey, name: &str) -> bool {
    let of_catalog = catalog::entry_of_key(key.as_str()).map(|(entry, ..)| entry);
    let is_name = match of_catalog {
        Some(entry) => entry.name == name || entry.repository() == Some(name),
        None => whisper_of_key(key).is_some_and(|(of_key, ..)| of_key == name),
    };
    is_name || key.as_str() == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_go_by_their_keys_and_names() {
        for (key, name, expected) in [
            ("whisperx_small_cpu", "whisperx_small_cpu", true),
            ("whisperx_small_cpu", "small", true),
            ("whisperx_small_cpu", "openai/whisper-small", true),
            ("whisperx_small-f32_cpu", "small", true),
            ("whisperx_small.en_cpu", "small", false),
            ("whisperx_align_de_cpu", "align-de", true),
            ("whisperx_align_de_cpu", "de", false),
            ("whisperx_mine_cpu", "mine", true),
            ("pyannote_segmentation-3.0_cpu", "pyannote/segmentation-3.0", true),
            ("ecapa_tdnn_cpu", "tdnn", false),
        ] {
            let key = ModelKey::new(key).expect("a key");
            assert_eq!(is_called(&key, name), expected, "{key} {name}");
        }
    }
}
