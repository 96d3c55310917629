//! Where the files of a model lie that was asked for by a name: the user's own folder, the installation, the disk level, a
//! cache of the hub's own tools, in this order. An entry of the disk level that cannot be used as it is, is put in order on
//! the way.

use std::path::{Path, PathBuf};

use crate::models::catalog::{self, CatalogError, Entry, Family};
use crate::models::device::{ComputeDevice, Placement};
use crate::models::key::ModelKey;
use crate::models::memory::LoadedFrom;
use crate::models::store::{Found, PUBLISHED_FORM, StoredModel};
use crate::nn::ComputeType;

use super::error::{LoadError, ObtainError};
use super::obtain::{Came, ObtainWatch, interruptible};
use super::snapshots::InHubCache;
use super::{ModelCache, lock};

/// The ends of the keys of Whisper models, the most particular first, and what to ask for to get there.
const WHISPER_ENDS: [(&str, ComputeDevice, ComputeType); 6] = [
    ("-f32_cpu", ComputeDevice::Cpu, ComputeType::F32),
    ("-f32_cuda", ComputeDevice::Cuda, ComputeType::F32),
    ("-f32_metal", ComputeDevice::Metal, ComputeType::F32),
    ("_cuda", ComputeDevice::Cuda, ComputeType::Int8),
    ("_metal", ComputeDevice::Metal, ComputeType::Int8),
    ("_cpu", ComputeDevice::Cpu, ComputeType::Int8),
];
const WHISPER_START: &str = "whisperx_";
const ALIGNER_START: &str = "whisperx_align_";

/// Where the files of a model lie, and what keeps them there.
pub(super) struct ModelFolder {
    pub(super) path: PathBuf,
    /// The entry of the disk level, if they are of one.
    pub(super) lease: Option<StoredModel>,
    pub(super) from: LoadedFrom,
}

impl ModelFolder {
    /// Files that are nobody's business but the user's.
    fn of_files(path: PathBuf) -> Self {
        Self { path, lease: None, from: LoadedFrom::Disk }
    }

    fn of_entry((model, from): (StoredModel, LoadedFrom)) -> Self {
        Self { path: model.folder.clone(), lease: Some(model), from }
    }
}

/// A text as a key, with what keys do not have replaced.
pub(super) fn as_key(text: &str) -> ModelKey {
    const MAX_CHARS: usize = 100;
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let text: String = text.chars().map(plain).collect();
    // Names differ in the beginning or the end; the end has the device.
    let skipped = text.len().saturating_sub(MAX_CHARS);
    let text = text[skipped..].trim_start_matches('.');
    ModelKey::new(text).unwrap_or_else(|_| ModelKey::new("model").expect("letters are a key"))
}

impl ModelCache {
    /// Whether there is a Whisper model of this name; nothing is loaded or put in order.
    pub fn check_whisper(&self, name: &str) -> Result<(), LoadError> {
        let Err(missing) = catalog::whisper_folder(name, &self.shared.paths) else { return Ok(()) };
        let entry = whisper_entry(name);
        let keys = keys_of_whisper(name, entry, &Placement::Cpu(ComputeType::Int8));
        let is_stored = |key: &ModelKey| self.store.folder().is_some_and(|folder| folder.join(key.as_str()).is_dir());
        let was_here = |key: &ModelKey| self.why_lost(key).is_some();
        let is_known = keys.iter().any(|key| is_stored(key) || was_here(key));
        // Whoever loads it hears what became of it.
        let is_here = is_known || entry.is_some_and(|entry| self.snapshot_of(entry).is_some());
        if is_here { Ok(()) } else { Err(missing.into()) }
    }

    /// The folder of a Whisper model on the processor.
    pub fn whisper_folder(&self, name: &str, compute_type: ComputeType) -> Result<PathBuf, LoadError> {
        Ok(self.find_whisper(name, &Placement::Cpu(compute_type))?.1.path)
    }

    /// Where a Whisper model computes that is asked for like this, and the folder of its files there. Nothing is loaded.
    pub fn whisper_files(
        &self,
        name: &str,
        device: ComputeDevice,
        compute_type: ComputeType,
    ) -> Result<(Placement, PathBuf), LoadError> {
        let (placement, warning) = lock(&self.shared.devices).place(device, compute_type);
        // Whoever asks for the model itself does not hear of it any more.
        if let Some(warning) = warning {
            self.warn(warning);
        }
        let folder = self.find_whisper(name, &placement)?.1.path;
        Ok((placement, folder))
    }

    /// The folder of the aligner of a language. Nothing is loaded.
    pub fn aligner_files(&self, language: &str) -> Result<PathBuf, LoadError> {
        Ok(self.find_aligner(language)?.1.path)
    }

    /// The folder of a diarization model, by its name or as a folder of the user's.
    pub fn diarization_folder(&self, name: &str) -> Result<PathBuf, LoadError> {
        let missing = match catalog::diarization_folder(name, &self.shared.paths) {
            Ok(folder) => return Ok(folder),
            Err(missing) => missing,
        };
        let folder = match catalog::entry_of(name) {
            Ok(entry) if entry.family == Family::Diarization => self.find_entry(entry)?,
            Ok(_) => None,
            Err(_) => match ModelKey::new(&format!("pyannote_{name}_cpu")) {
                Ok(key) => self.stored(&key, None)?.map(ModelFolder::of_entry),
                Err(_) => None,
            },
        };
        folder.map(|folder| folder.path).ok_or_else(|| missing.into())
    }

    /// The folder of a network that the configuration of a diarization model names.
    pub fn part_folder(&self, config: &Path, name: &str) -> Result<PathBuf, LoadError> {
        let missing = match catalog::part_folder(config, name) {
            Ok(folder) => return Ok(folder),
            Err(missing) => missing,
        };
        let folder = match catalog::entry_of(name) {
            Ok(entry) => self.find_entry(entry)?,
            Err(_) => None,
        };
        folder.map(|folder| folder.path).ok_or_else(|| missing.into())
    }

    /// Loads the model of a name or a key and keeps it for whoever needs it.
    pub fn warm_up(&self, name: &str) -> Result<(), LoadError> {
        if let Ok(entry) = catalog::entry_of(name) {
            return self.load_entry(entry, ComputeDevice::Auto, ComputeType::Int8);
        }
        let is_known_key = name == catalog::SEGMENTATION_KEY || catalog::entry_of_key(name).is_some();
        match ModelKey::new(name) {
            Ok(key) if is_known_key || name.starts_with(WHISPER_START) => self.load(&key),
            Ok(_) | Err(_) => self.load_whisper(name, ComputeDevice::Auto, ComputeType::Int8),
        }
    }

    /// Loads the model of a key and keeps it for whoever needs it.
    pub fn load(&self, key: &ModelKey) -> Result<(), LoadError> {
        if key.as_str() == catalog::SEGMENTATION_KEY {
            return self.segmentation().map(drop);
        }
        if let Some((entry, device, compute_type)) = catalog::entry_of_key(key.as_str()) {
            return self.load_entry(entry, device, compute_type);
        }
        match whisper_of_key(key) {
            Some((name, device, compute_type)) => self.load_whisper(name, device, compute_type),
            None => Err(LoadError::UnknownKey(key.clone())),
        }
    }

    fn load_entry(
        &self,
        entry: &'static Entry,
        device: ComputeDevice,
        compute_type: ComputeType,
    ) -> Result<(), LoadError> {
        let folder = || {
            let not_here = || CatalogError::NotHere {
                name: entry.name.clone(),
                download_bytes: entry.download_bytes.unwrap_or(0),
            };
            Ok::<_, LoadError>(self.find_entry(entry)?.ok_or_else(not_here)?.path)
        };
        match entry.family {
            Family::Whisper => self.load_whisper(&entry.name, device, compute_type),
            Family::Aligner => {
                let language = entry.name.strip_prefix("align-").unwrap_or(&entry.name);
                self.aligner(language, None).map(drop)
            }
            Family::Segmentation => self.segmentation_in(&folder()?).map(drop),
            Family::Embedding => {
                let folder = folder()?;
                if folder.join("hyperparams.yaml").exists() {
                    self.ecapa_in(&folder).map(drop)
                } else {
                    self.resnet_in(&folder).map(drop)
                }
            }
            Family::Diarization => Err(LoadError::Several(entry.name.clone())),
        }
    }

    fn load_whisper(&self, name: &str, device: ComputeDevice, compute_type: ComputeType) -> Result<(), LoadError> {
        let (_, warning) = self.whisper(name, device, compute_type)?;
        if let Some(warning) = warning {
            self.warn(warning);
        }
        Ok(())
    }

    /// A Whisper model for a place, and its key there.
    pub(super) fn find_whisper(&self, name: &str, placement: &Placement) -> Result<(String, ModelFolder), LoadError> {
        let missing = match catalog::whisper_folder(name, &self.shared.paths) {
            Ok(folder) => return Ok((catalog::whisper_key(name, placement), ModelFolder::of_files(folder))),
            Err(missing) => missing,
        };
        let entry = whisper_entry(name);
        let keys = keys_of_whisper(name, entry, placement);
        let Some(own_key) = keys.first() else { return Err(missing.into()) };
        for key in &keys {
            if let Some((model, from)) = self.stored(key, entry)? {
                return Ok((own_key.to_string(), whisper_files(model, from, placement)));
            }
        }
        let Some(entry) = entry else { return Err(missing.into()) };
        let Some(mut folder) = self.find_in_hub_cache(entry, own_key)? else { return Err(missing.into()) };
        // Made ready once, it is only mapped from then on. Other forms would gain nothing from a copy.
        let gains = matches!(placement, Placement::Cpu(ComputeType::Int8)) && self.store.folder().is_some();
        if folder.lease.is_none() && gains {
            match self.obtain_quietly(entry, own_key) {
                Ok(obtained) => folder = ModelFolder::of_entry(obtained),
                Err(error) if error.is_cancelled() => return Err(error.into()),
                Err(error) => self.warn(format!("{} is not made ready to load: {error}.", entry.name)),
            }
        }
        Ok((own_key.to_string(), folder))
    }

    /// The aligner of a language, and its key.
    pub(super) fn find_aligner(&self, language: &str) -> Result<(String, ModelFolder), LoadError> {
        let name = catalog::aligner_key(language);
        let entry = catalog::entry_of(&format!("align-{language}")).ok();
        let key = ModelKey::new(&name).ok();
        if let Some(key) = &key
            && let Some(stored) = self.stored(key, entry)?
        {
            return Ok((name, ModelFolder::of_entry(stored)));
        }
        let missing = match catalog::aligner_folder(language, &self.shared.paths) {
            Ok(folder) => return Ok((name, ModelFolder::of_files(folder))),
            Err(missing) => missing,
        };
        let folder = match (entry, &key) {
            (Some(entry), Some(key)) => self.find_in_hub_cache(entry, key)?,
            (None, _) | (_, None) => None,
        };
        folder.map(|folder| (name, folder)).ok_or_else(|| missing.into())
    }

    /// The files in a folder, and the key that they have if they are of an entry on disk.
    pub(super) fn files_at(&self, folder: &Path) -> Result<(Option<String>, ModelFolder), LoadError> {
        let inside = self.store.folder().and_then(|root| folder.strip_prefix(root).ok());
        let names: Vec<String> = inside
            .map_or_else(Vec::new, |inside| inside.iter().map(|name| name.to_string_lossy().into_owned()).collect());
        let Some(key) = names.first().and_then(|name| ModelKey::new(name).ok()) else {
            return Ok((None, ModelFolder::of_files(folder.to_path_buf())));
        };
        let Found::Ready(model) = self.store.find(&key)? else {
            return Ok((None, ModelFolder::of_files(folder.to_path_buf())));
        };
        // A part of a diarization model lies in a folder of its own.
        let part = folder.strip_prefix(&model.folder).ok().filter(|part| !part.as_os_str().is_empty());
        let name = part.map_or_else(|| key.to_string(), |part| format!("{key}-{}", part.display()));
        let path = folder.to_path_buf();
        Ok((Some(name), ModelFolder { path, lease: Some(model), from: LoadedFrom::Disk }))
    }

    /// The files of a model of the catalog that is no Whisper.
    fn find_entry(&self, entry: &'static Entry) -> Result<Option<ModelFolder>, LoadError> {
        let key = catalog::key_of(entry, &Placement::Cpu(ComputeType::Int8));
        if let Some(stored) = self.stored(&key, Some(entry))? {
            return Ok(Some(ModelFolder::of_entry(stored)));
        }
        if key.as_str() == catalog::ECAPA_KEY
            && let Ok(folder) = catalog::recogniser_folder(&self.shared.paths)
        {
            return Ok(Some(ModelFolder::of_files(folder)));
        }
        self.find_in_hub_cache(entry, &key)
    }

    /// The files of a model in a cache of the hub's own tools. Damaged ones are fetched anew, to be kept under the key.
    fn find_in_hub_cache(&self, entry: &'static Entry, key: &ModelKey) -> Result<Option<ModelFolder>, LoadError> {
        if self.snapshot_of(entry).is_none() {
            return Ok(None);
        }
        let here = interruptible(self.cancel.as_ref(), |control| {
            self.in_hub_cache(entry, &ObtainWatch { control, tell: &|_| {} })
        })?;
        let damaged = match here {
            InHubCache::Nothing => return Ok(None),
            InHubCache::Sound(snapshot) => return Ok(Some(ModelFolder::of_files(snapshot.folder))),
            InHubCache::Damaged(path) => path,
        };
        match self.obtain_quietly(entry, key) {
            Ok(obtained) => Ok(Some(ModelFolder::of_entry(obtained))),
            Err(error) if error.is_cancelled() => Err(error.into()),
            // It names the file by itself.
            Err(error @ ObtainError::DamagedSnapshot { .. }) => Err(error.into()),
            Err(error) => {
                let reason = format!("{} has other bytes than its hash says", damaged.display());
                Err(LoadError::Lost { reason, source: Box::new(error) })
            }
        }
    }

    /// What is on disk under a key. What cannot be used as it is, is made again from what it was made from, or fetched again.
    fn stored(
        &self,
        key: &ModelKey,
        entry: Option<&'static Entry>,
    ) -> Result<Option<(StoredModel, LoadedFrom)>, LoadError> {
        let reason = match self.store.find(key)? {
            Found::Absent => match self.why_lost(key) {
                Some(reason) => reason,
                None => return Ok(None),
            },
            Found::Ready(model) => {
                lock(&self.shared.lost).remove(key);
                return Ok(Some((model, LoadedFrom::Disk)));
            }
            Found::Stale { originals: Some(originals), .. } => {
                let model = self.rebuild(key, entry, &originals)?;
                return Ok(Some((model, LoadedFrom::Disk)));
            }
            Found::Stale { reason, originals: None } => format!("the model {key} was {reason}"),
            Found::Damaged(damage) => {
                // Whoever asks first may keep it to himself.
                lock(&self.shared.lost).insert(key.clone(), damage.to_string());
                damage.to_string()
            }
        };
        let Some(entry) = entry.filter(|entry| entry.repository().is_some()) else {
            return Err(LoadError::Unusable { reason });
        };
        match self.obtain_quietly(entry, key) {
            Ok(obtained) => {
                lock(&self.shared.lost).remove(key);
                self.warn(format!("{reason}; it was had again."));
                Ok(Some(obtained))
            }
            Err(error) if error.is_cancelled() => Err(error.into()),
            Err(error) => Err(LoadError::Lost { reason, source: Box::new(error) }),
        }
    }

    /// Why an entry was set aside that nobody has had again since.
    fn why_lost(&self, key: &ModelKey) -> Option<String> {
        lock(&self.shared.lost).get(key).cloned()
    }

    fn obtain_quietly(&self, entry: &Entry, key: &ModelKey) -> Result<(StoredModel, LoadedFrom), ObtainError> {
        let obtained = interruptible(self.cancel.as_ref(), |control| {
            self.obtain(entry, key, &ObtainWatch { control, tell: &|_| {} })
        })?;
        let from = match obtained.came {
            Came::Hub => LoadedFrom::Hub,
            Came::Disk | Came::Files | Came::HubCache => LoadedFrom::Disk,
        };
        Ok((obtained.model, from))
    }

    /// Where models compute unless the user says otherwise.
    pub fn usual_placement(&self) -> Placement {
        lock(&self.shared.devices).place(ComputeDevice::Auto, ComputeType::Int8).0
    }
}

/// Bytes that a Whisper model will take in memory, where the catalog knows. A folder of the user's may have the name of
/// another size.
pub(super) fn expected_bytes(name: &str, placement: &Placement) -> Option<usize> {
    let entry = whisper_entry(name).filter(|_| matches!(placement, Placement::Cpu(ComputeType::Int8)))?;
    usize::try_from(entry.memory_bytes).ok().filter(|_| !Path::new(name).is_dir())
}

/// The name of the Whisper model that a key stands for, and what to ask for to have it under this key; `None` for keys of
/// other models.
pub fn whisper_of_key(key: &ModelKey) -> Option<(&str, ComputeDevice, ComputeType)> {
    let key = key.as_str();
    let (end, device, compute_type) = *WHISPER_ENDS.iter().find(|(end, ..)| key.ends_with(*end))?;
    let name = key.strip_suffix(end)?.strip_prefix(WHISPER_START)?;
    (!key.starts_with(ALIGNER_START)).then_some((name, device, compute_type))
}

/// The entry of a Whisper model in the catalog.
fn whisper_entry(name: &str) -> Option<&'static Entry> {
    catalog::entry_of(name).ok().filter(|entry| entry.family == Family::Whisper)
}

/// The keys under which a Whisper model may be on disk, that of its place first; none if its name makes no key.
fn keys_of_whisper(name: &str, entry: Option<&Entry>, placement: &Placement) -> Vec<ModelKey> {
    let own_key = catalog::whisper_key(entry.map_or(name, |entry| entry.name.as_str()), placement);
    let end = placement.key_suffix();
    let Some(start) = own_key.strip_suffix(&end) else { return Vec::new() };
    let other_ends = WHISPER_ENDS.iter().map(|(end, ..)| *end).filter(|other| *other != end);
    let keys = [end.as_str()].into_iter().chain(other_ends).map(|end| ModelKey::new(&format!("{start}{end}")));
    keys.collect::<Result<Vec<_>, _>>().unwrap_or_default()
}

/// The files of an entry that suit a place: 8-bit weights are for the processor, for others are those that they were made
/// from, where they are kept.
fn whisper_files(model: StoredModel, from: LoadedFrom, placement: &Placement) -> ModelFolder {
    let suits = model.manifest.origin.form == PUBLISHED_FORM || matches!(placement, Placement::Cpu(ComputeType::Int8));
    let path = model.originals().filter(|_| !suits).unwrap_or_else(|| model.folder.clone());
    ModelFolder { path, lease: Some(model), from }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_key() {
        let long = format!("whisperx_{}_cpu", "x".repeat(200));
        for (text, expected) in [
            ("whisperx_small_cpu", "whisperx_small_cpu"),
            ("whisperx_my model/2_cpu", "whisperx_my-model-2_cpu"),
            ("whisperx_größe_cpu", "whisperx_gr--e_cpu"),
            ("..", "model"),
            ("", "model"),
            (&long, &long[long.len() - 100..]),
        ] {
            assert_eq!(as_key(text).as_str(), expected, "{text}");
        }
    }

    #[test]
    fn a_whisper_model_is_looked_for_at_its_place_and_then_elsewhere() {
        for (name, compute_type, first, n_keys) in [
            ("small", ComputeType::Int8, "whisperx_small_cpu", 6),
            ("openai/whisper-small", ComputeType::F32, "whisperx_small-f32_cpu", 6),
            ("my-model", ComputeType::Int8, "whisperx_my-model_cpu", 6),
            ("my model", ComputeType::Int8, "", 0),
        ] {
            let keys = keys_of_whisper(name, whisper_entry(name), &Placement::Cpu(compute_type));
            assert_eq!(keys.len(), n_keys, "{name}: {keys:?}");
            assert_eq!(keys.first().map_or("", ModelKey::as_str), first);
        }
    }
}
