//! Models in memory, loaded on first use and shared behind `Arc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::nn::ComputeType;
use crate::nn::checkpoint::{Checkpoint, CheckpointError};
use crate::nn::ecapa::{Ecapa, EcapaError};
use crate::nn::resnet::{ResNet34, ResNet34Error};
use crate::nn::sincnet_lstm::{PyanNet, SegmentationConfig, SegmentationConfigError};
use crate::nn::wav2vec2::{Wav2Vec2, Wav2Vec2Error};
use crate::nn::whisper::{Whisper, WhisperError};
use crate::paths::AppPaths;

use super::catalog::{self, CatalogError};
use super::device::{ComputeDevice, Devices, Placement};

/// A model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It is no Whisper model, or a broken one.
    #[error(transparent)]
    Whisper(#[from] WhisperError),
    /// It is no aligner, or a broken one.
    #[error(transparent)]
    Wav2Vec2(#[from] Wav2Vec2Error),
    /// It is no ECAPA-TDNN, or a broken one.
    #[error(transparent)]
    Ecapa(#[from] EcapaError),
    /// It is no ResNet34 of WeSpeaker's, or a broken one.
    #[error(transparent)]
    ResNet34(#[from] ResNet34Error),
    /// The weights of the segmentation model are not right.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// Its configuration cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// Its configuration makes no sense.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: SegmentationConfigError,
    },
}

/// The models in memory.
pub struct MemoryCache {
    paths: AppPaths,
    devices: Devices,
    /// By their folder and the end of their key.
    whispers: BTreeMap<(PathBuf, String), (String, Arc<Whisper>)>,
    /// By their folder; aligners with the language they were first used for.
    aligners: BTreeMap<PathBuf, (String, Arc<Wav2Vec2>)>,
    segmentations: BTreeMap<PathBuf, Arc<PyanNet>>,
    ecapas: BTreeMap<PathBuf, Arc<Ecapa>>,
    resnets: BTreeMap<PathBuf, Arc<ResNet34>>,
}

impl MemoryCache {
    /// An empty cache for the models of this installation.
    pub fn new(paths: AppPaths) -> Self {
        Self {
            paths,
            devices: Devices::default(),
            whispers: BTreeMap::new(),
            aligners: BTreeMap::new(),
            segmentations: BTreeMap::new(),
            ecapas: BTreeMap::new(),
            resnets: BTreeMap::new(),
        }
    }

    /// Whether there is a Whisper model of this name; nothing is loaded.
    pub fn check_whisper(&self, name: &str) -> Result<(), LoadError> {
        catalog::whisper_folder(name, &self.paths)?;
        Ok(())
    }

    /// A Whisper model by its name in the catalog, or a folder. Where the device asked for cannot have it, it is on the
    /// processor, and a warning says why.
    pub fn whisper(
        &mut self,
        name: &str,
        device: ComputeDevice,
        compute_type: ComputeType,
    ) -> Result<(Arc<Whisper>, Option<String>), LoadError> {
        let folder = catalog::whisper_folder(name, &self.paths)?;
        let (placement, warning) = self.devices.place(device, compute_type);
        match self.whisper_at(name, &folder, &placement) {
            Err(LoadError::Whisper(reason))
                if matches!(placement, Placement::Accelerator(_)) && reason.is_about_the_device() =>
            {
                let whisper = self.whisper_at(name, &folder, &Placement::Cpu(compute_type))?;
                // A converted model was made for the processor; who leaves the choice to us need not be told.
                let is_news = device != ComputeDevice::Auto || matches!(reason, WhisperError::Device(_));
                let warning = format!("The processor does the work of the graphics card: {reason}.");
                Ok((whisper, is_news.then_some(warning)))
            }
            loaded => Ok((loaded?, warning)),
        }
    }

    fn whisper_at(&mut self, name: &str, folder: &Path, placement: &Placement) -> Result<Arc<Whisper>, LoadError> {
        let place = (folder.to_path_buf(), placement.key_suffix());
        if let Some((_, whisper)) = self.whispers.get(&place) {
            return Ok(whisper.clone());
        }
        let whisper = Arc::new(match placement {
            Placement::Cpu(compute_type) => Whisper::load(folder, *compute_type)?,
            Placement::Accelerator(accelerator) => Whisper::load_on(folder, accelerator)?,
        });
        self.whispers.insert(place, (catalog::whisper_key(name, placement), whisper.clone()));
        Ok(whisper)
    }

    /// The built-in model that finds speech.
    pub fn segmentation(&mut self) -> Result<Arc<PyanNet>, LoadError> {
        let folder = catalog::segmentation_folder(&self.paths)?;
        self.segmentation_in(&folder)
    }

    /// The segmentation model in a folder, in pyannote's layout.
    pub fn segmentation_in(&mut self, folder: &Path) -> Result<Arc<PyanNet>, LoadError> {
        load_once(&mut self.segmentations, folder, |folder| {
            let path = folder.join("config.yaml");
            let text =
                fs::read_to_string(&path).map_err(|source| LoadError::ReadConfig { path: path.clone(), source })?;
            let config = SegmentationConfig::from_yaml(&text).map_err(|source| LoadError::Config { path, source })?;
            let checkpoint = Checkpoint::open(&[weights_in(folder)], ComputeType::F32)?;
            Ok(PyanNet::load(config, &checkpoint)?)
        })
    }

    /// The aligner of a language, or the one in a folder.
    pub fn aligner(&mut self, language: &str, folder: Option<&Path>) -> Result<Arc<Wav2Vec2>, LoadError> {
        let folder = match folder {
            Some(folder) => folder.to_path_buf(),
            None => catalog::aligner_folder(language, &self.paths)?,
        };
        let key = catalog::aligner_key(language);
        let folder = canonical(&folder);
        if let Some((_, aligner)) = self.aligners.get(&folder) {
            return Ok(aligner.clone());
        }
        let aligner = Arc::new(Wav2Vec2::load(&folder, ComputeType::F32)?);
        self.aligners.insert(folder, (key, aligner.clone()));
        Ok(aligner)
    }

    /// The model that recognises speakers.
    pub fn ecapa(&mut self) -> Result<Arc<Ecapa>, LoadError> {
        let folder = catalog::recogniser_folder(&self.paths)?;
        self.ecapa_in(&folder)
    }

    /// The ECAPA-TDNN in a folder, in SpeechBrain's layout.
    pub fn ecapa_in(&mut self, folder: &Path) -> Result<Arc<Ecapa>, LoadError> {
        load_once(&mut self.ecapas, folder, |folder| Ok(Ecapa::load(folder)?))
    }

    /// WeSpeaker's ResNet34 in a folder, in pyannote's layout.
    pub fn resnet_in(&mut self, folder: &Path) -> Result<Arc<ResNet34>, LoadError> {
        load_once(&mut self.resnets, folder, |folder| Ok(ResNet34::load(folder)?))
    }

    /// Key and bytes of every model in memory, by key.
    pub fn loaded(&self) -> Vec<(String, usize)> {
        let named = |key: &str, n_bytes| (key.to_owned(), n_bytes);
        let whispers = self.whispers.values().map(|(key, whisper)| named(key, whisper.n_bytes()));
        let aligners = self.aligners.values().map(|(key, aligner)| named(key, aligner.n_bytes()));
        let segmentations = self.segmentations.values().map(|model| named(catalog::SEGMENTATION_KEY, model.n_bytes()));
        let ecapas = self.ecapas.values().map(|model| named(catalog::ECAPA_KEY, model.n_bytes()));
        let resnets = self.resnets.values().map(|model| named(catalog::WESPEAKER_KEY, model.n_bytes()));
        let mut loaded: Vec<_> = whispers.chain(aligners).chain(segmentations).chain(ecapas).chain(resnets).collect();
        loaded.sort();
        loaded
    }
}

/// The file with the weights of a folder, under one of the names that pyannote's and SpeechBrain's folders use.
fn weights_in(folder: &Path) -> PathBuf {
    let safetensors = folder.join("model.safetensors");
    if safetensors.exists() { safetensors } else { folder.join("pytorch_model.bin") }
}

/// One name for a folder, by whatever way it is named.
fn canonical(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf())
}

fn load_once<T>(
    loaded: &mut BTreeMap<PathBuf, Arc<T>>,
    folder: &Path,
    load: impl FnOnce(&Path) -> Result<T, LoadError>,
) -> Result<Arc<T>, LoadError> {
    let folder = canonical(folder);
    if let Some(model) = loaded.get(&folder) {
        return Ok(model.clone());
    }
    let model = Arc::new(load(&folder)?);
    loaded.insert(folder, model.clone());
    Ok(model)
}
