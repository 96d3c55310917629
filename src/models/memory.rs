//! Models in memory, loaded on first use and shared behind `Arc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::nn::ComputeType;
use crate::nn::checkpoint::{Checkpoint, CheckpointError};
use crate::nn::sincnet_lstm::{PyanNet, SegmentationConfig, SegmentationConfigError};
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
    segmentation: Option<Arc<PyanNet>>,
}

impl MemoryCache {
    /// An empty cache for the models of this installation.
    pub fn new(paths: AppPaths) -> Self {
        Self { paths, devices: Devices::default(), whispers: BTreeMap::new(), segmentation: None }
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

    /// The model that finds speech.
    pub fn segmentation(&mut self) -> Result<Arc<PyanNet>, LoadError> {
        if let Some(model) = &self.segmentation {
            return Ok(model.clone());
        }
        let folder = catalog::segmentation_folder(&self.paths)?;
        let path = folder.join("config.yaml");
        let text = fs::read_to_string(&path).map_err(|source| LoadError::ReadConfig { path: path.clone(), source })?;
        let config = SegmentationConfig::from_yaml(&text).map_err(|source| LoadError::Config { path, source })?;
        let checkpoint = Checkpoint::open(&[folder.join("model.safetensors")], ComputeType::F32)?;
        let model = Arc::new(PyanNet::load(config, &checkpoint)?);
        self.segmentation = Some(model.clone());
        Ok(model)
    }

    /// Key and bytes of every model in memory, by key.
    pub fn loaded(&self) -> Vec<(String, usize)> {
        let segmentation =
            self.segmentation.iter().map(|model| (catalog::SEGMENTATION_KEY.to_owned(), model.n_bytes()));
        let whispers = self.whispers.values().map(|(key, whisper)| (key.clone(), whisper.n_bytes()));
        let mut loaded: Vec<_> = segmentation.chain(whispers).collect();
        loaded.sort();
        loaded
    }
}
