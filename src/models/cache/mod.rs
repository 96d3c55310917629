//! Both levels of the model cache together: a name becomes a model in memory, by way of the files of the user, of the
//! installation, of the disk level, or of a cache of the hub's own tools.
//!
//! ```text
//! name ──folders──▶ folder ──claim──▶ key ──MemoryLevel::get──▶ Arc<weights>
//!            │ not as it should be                  └─ load: map or read the folder, keep its lease
//!            └──obtain──▶ hub cache or hub ──convert──▶ DiskStore
//! ```
//! A load never fetches a model that was not here before: that, somebody asks for (`obtain.rs`). What was here and is
//! damaged or of another version is made or fetched again, and the user is told. As long as a model is in memory its
//! files stay on disk: they may be mapped.

mod error;
mod folders;
mod import;
mod obtain;
mod options;
mod snapshots;
mod tally;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::nn::ComputeType;
use crate::nn::checkpoint::Checkpoint;
use crate::nn::ecapa::Ecapa;
use crate::nn::resnet::ResNet34;
use crate::nn::sincnet_lstm::{PyanNet, SegmentationConfig};
use crate::nn::wav2vec2::Wav2Vec2;
use crate::nn::whisper::{Backend, Whisper, WhisperError};
use crate::paths::AppPaths;
use crate::task::CancelToken;

use super::catalog;
use super::device::{ComputeDevice, Devices, Placement};
use super::hub_cache::HubCache;
use super::key::ModelKey;
use super::memory::{Admission, Clock, EntryState, Freed, LoadedFrom, MemoryEntry, MemoryLevel, Resident, Unload};
use super::store::{DiskStore, StoreWatcher, StoredModel};

use folders::ModelFolder;
use snapshots::HashedFiles;

pub use error::{LoadError, ObtainError};
pub use folders::whisper_of_key;
pub use obtain::{Came, ObtainStep, ObtainWatch, Obtained, interruptible};
pub use options::{CacheOptions, DEFAULT_CARD_BUDGET_BYTES, Originals};
pub use tally::Tally;

/// The models of this installation, in memory and on disk. Clones are handles to the same.
#[derive(Clone)]
pub struct ModelCache {
    shared: Arc<Shared>,
    store: DiskStore,
    /// Ends the waiting of whoever holds this handle.
    cancel: Option<CancelToken>,
}

struct Shared {
    paths: AppPaths,
    options: CacheOptions,
    processor: MemoryLevel,
    card: MemoryLevel,
    devices: Mutex<Devices>,
    hub_cache: HubCache,
    hashed_files: Mutex<HashedFiles>,
    /// The keys that stood for what was asked for, so that a model in memory is found without looking at files.
    wishes: Mutex<BTreeMap<String, ModelKey>>,
    /// The folder that each key in memory stands for: two models may be called the same.
    claims: Mutex<BTreeMap<ModelKey, PathBuf>>,
    /// What keeps the files of models in memory where they are, by their keys in memory.
    leases: Mutex<BTreeMap<ModelKey, StoredModel>>,
    /// Why entries are not on disk any more that were: what was wrong with them.
    lost: Mutex<BTreeMap<ModelKey, String>>,
    /// What nobody was told yet.
    warnings: Mutex<Vec<String>>,
    n_hub_loads: Mutex<u64>,
}

impl ModelCache {
    /// The cache of this installation, as it usually is. Nothing is written until something is stored.
    pub fn new(paths: AppPaths) -> Self {
        let options = CacheOptions::usual(&paths);
        Self::open(paths, options)
    }

    /// The cache with these options.
    pub fn open(paths: AppPaths, options: CacheOptions) -> Self {
        let store = options.disk.as_deref().map_or_else(DiskStore::disabled, DiskStore::open);
        let shared = Shared {
            processor: MemoryLevel::new(options.memory, Clock::system()),
            card: MemoryLevel::new(options.card_memory, Clock::system()),
            paths,
            options,
            devices: Mutex::default(),
            hub_cache: HubCache::from_environment(),
            hashed_files: Mutex::default(),
            wishes: Mutex::default(),
            claims: Mutex::default(),
            leases: Mutex::default(),
            lost: Mutex::default(),
            warnings: Mutex::default(),
            n_hub_loads: Mutex::default(),
        };
        Self { shared: Arc::new(shared), store, cancel: None }
    }

    /// A handle whose waiting ends when somebody asks to stop.
    pub fn with_cancel(&self, cancel: &CancelToken) -> Self {
        Self { cancel: Some(cancel.clone()), ..self.clone() }
    }

    /// A handle whose waiting for other processes is watched.
    pub fn watched_by(&self, watcher: Arc<dyn StoreWatcher>) -> Self {
        let disk = self.shared.options.disk.as_deref();
        let store = disk.map_or_else(DiskStore::disabled, |disk| DiskStore::watched(disk, watcher));
        Self { store, ..self.clone() }
    }

    /// The level on disk.
    pub fn store(&self) -> &DiskStore {
        &self.store
    }

    /// The levels in memory: that of the machine, and that of a graphics card.
    pub fn levels(&self) -> [&MemoryLevel; 2] {
        [&self.shared.processor, &self.shared.card]
    }

    /// How it is set up.
    pub fn options(&self) -> &CacheOptions {
        &self.shared.options
    }

    /// A Whisper model by its name, or a folder. Where the device asked for cannot have it, it is on the processor, and a
    /// warning says why.
    pub fn whisper(
        &self,
        name: &str,
        device: ComputeDevice,
        compute_type: ComputeType,
    ) -> Result<(Arc<Whisper>, Option<String>), LoadError> {
        let (placement, warning) = lock(&self.shared.devices).place(device, compute_type);
        let error = match self.whisper_at(name, &placement) {
            Ok(whisper) => return Ok((whisper, warning)),
            Err(error) => error,
        };
        let is_on_card = matches!(placement, Placement::Accelerator(_));
        let Some(reason) = error.about_the_device().filter(|_| is_on_card) else { return Err(error) };
        // A converted model was made for the processor; who leaves the choice to us need not be told.
        let is_news = device != ComputeDevice::Auto || matches!(reason, WhisperError::Device(_));
        let warning = format!("The processor does the work of the graphics card: {reason}.");
        let whisper = self.whisper_at(name, &Placement::Cpu(compute_type))?;
        Ok((whisper, is_news.then_some(warning)))
    }

    fn whisper_at(&self, name: &str, placement: &Placement) -> Result<Arc<Whisper>, LoadError> {
        let level = match placement {
            Placement::Accelerator(accelerator) => match accelerator.backend() {
                Backend::Cuda | Backend::Metal => &self.shared.card,
                Backend::Processor => &self.shared.processor,
            },
            Placement::Cpu(_) => &self.shared.processor,
        };
        let wish = format!("whisper {name}{}", placement.key_suffix());
        let find = || self.find_whisper(name, placement);
        self.get(level, wish, folders::expected_bytes(name, placement), find, |folder| {
            Ok(match placement {
                Placement::Cpu(compute_type) => Whisper::load(folder, *compute_type)?,
                Placement::Accelerator(accelerator) => Whisper::load_on(folder, accelerator)?,
            })
        })
    }

    /// The built-in model that finds speech.
    pub fn segmentation(&self) -> Result<Arc<PyanNet>, LoadError> {
        let folder = catalog::segmentation_folder(&self.shared.paths)?;
        self.segmentation_in(&folder)
    }

    /// The segmentation model in a folder, in pyannote's layout.
    pub fn segmentation_in(&self, folder: &Path) -> Result<Arc<PyanNet>, LoadError> {
        self.get_in("segmentation", catalog::SEGMENTATION_KEY, folder, |folder| {
            let path = folder.join("config.yaml");
            let text =
                fs::read_to_string(&path).map_err(|source| LoadError::ReadConfig { path: path.clone(), source })?;
            let config = SegmentationConfig::from_yaml(&text).map_err(|source| LoadError::Config { path, source })?;
            let checkpoint = Checkpoint::open(&[weights_in(folder)], ComputeType::F32)?;
            Ok(PyanNet::load(config, &checkpoint)?)
        })
    }

    /// The aligner of a language, or the one in a folder.
    pub fn aligner(&self, language: &str, folder: Option<&Path>) -> Result<Arc<Wav2Vec2>, LoadError> {
        let wish = match folder {
            // Told apart by their folders alone.
            Some(folder) => format!("aligner in {}", folder.display()),
            None => format!("aligner {language}"),
        };
        let find = || -> Result<(String, ModelFolder), LoadError> {
            match folder {
                Some(folder) => Ok((catalog::aligner_key(language), self.files_at(folder)?.1)),
                None => self.find_aligner(language),
            }
        };
        self.get(&self.shared.processor, wish, None, find, |folder| Ok(Wav2Vec2::load(folder, ComputeType::F32)?))
    }

    /// The model that recognises speakers.
    pub fn ecapa(&self) -> Result<Arc<Ecapa>, LoadError> {
        let folder = catalog::recogniser_folder(&self.shared.paths)?;
        self.ecapa_in(&folder)
    }

    /// The ECAPA-TDNN in a folder, in SpeechBrain's layout.
    pub fn ecapa_in(&self, folder: &Path) -> Result<Arc<Ecapa>, LoadError> {
        self.get_in("ecapa", catalog::ECAPA_KEY, folder, |folder| Ok(Ecapa::load(folder)?))
    }

    /// WeSpeaker's ResNet34 in a folder, in pyannote's layout.
    pub fn resnet_in(&self, folder: &Path) -> Result<Arc<ResNet34>, LoadError> {
        self.get_in("resnet", catalog::WESPEAKER_KEY, folder, |folder| Ok(ResNet34::load(folder)?))
    }

    /// Key and bytes of every model in memory, by key.
    pub fn loaded(&self) -> Vec<(String, usize)> {
        let is_there = |entry: &MemoryEntry| entry.state != EntryState::Loading;
        let entries = self.entries().into_iter().filter(is_there);
        entries.map(|entry| (entry.key.to_string(), entry.n_bytes)).collect()
    }

    /// The models in memory and those being loaded, by key.
    pub fn entries(&self) -> Vec<MemoryEntry> {
        let mut entries: Vec<MemoryEntry> = self.levels().into_iter().flat_map(MemoryLevel::entries).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        entries
    }

    /// Unloads a model that nobody uses.
    pub fn unload(&self, key: &ModelKey) -> Unload {
        let [processor, card] = self.levels();
        let answer = match processor.unload(key) {
            Unload::Absent => card.unload(key),
            answer @ (Unload::Unloaded | Unload::InUse) => answer,
        };
        self.prune_leases();
        answer
    }

    /// Unloads all that nobody uses, but what is pinned.
    pub fn unload_all(&self) -> Freed {
        let [on_processor, on_card] = self.levels().map(|level| level.shrink_to(0));
        self.prune_leases();
        Freed { n_models: on_processor.n_models + on_card.n_models, n_bytes: on_processor.n_bytes + on_card.n_bytes }
    }

    /// Unloads what is in memory of the files of an entry on disk, so that they can be removed.
    pub fn release(&self, stored: &ModelKey) -> Unload {
        self.prune_leases();
        let leases = lock(&self.shared.leases);
        let of_entry = leases.iter().filter(|(_, lease)| lease.key == *stored);
        let keys: Vec<ModelKey> = of_entry.map(|(key, _)| key.clone()).collect();
        drop(leases);
        keys.iter().fold(Unload::Absent, |all, key| match (all, self.unload(key)) {
            (Unload::InUse, _) | (_, Unload::InUse) => Unload::InUse,
            (Unload::Unloaded, _) | (_, Unload::Unloaded) => Unload::Unloaded,
            (Unload::Absent, Unload::Absent) => Unload::Absent,
        })
    }

    /// Keeps a model in memory once it is there.
    pub fn pin(&self, key: &ModelKey) {
        self.levels().into_iter().for_each(|level| level.pin(key));
    }

    /// Lets a model leave the memory again.
    pub fn unpin(&self, key: &ModelKey) {
        self.levels().into_iter().for_each(|level| level.unpin(key));
    }

    /// What happened since the start.
    pub fn tally(&self) -> Tally {
        let [on_processor, on_card] = self.levels().map(|level| level.statistics().since_start);
        Tally { memory: on_processor.plus(&on_card), n_hub_loads: *lock(&self.shared.n_hub_loads) }
    }

    /// What happened since the folder of the models on disk was made.
    pub fn lifetime(&self) -> Tally {
        self.store.folder().map(Tally::read).unwrap_or_default().plus(&self.tally())
    }

    /// What the user should know and was not told yet.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.warnings))
    }

    /// Lets go of the files of models that are not in memory any more. For whoever hears that models left it.
    pub fn prune_leases(&self) {
        let mut leases = lock(&self.shared.leases);
        if leases.is_empty() {
            return;
        }
        // Those that are being loaded have theirs already.
        let keys: Vec<ModelKey> = self.entries().into_iter().map(|entry| entry.key).collect();
        leases.retain(|key, _| keys.contains(key));
    }

    /// The network in a folder, by its purpose. `base` is its key, unless it has one on disk.
    fn get_in<T: Resident>(
        &self,
        purpose: &str,
        base: &str,
        folder: &Path,
        load: impl FnOnce(&Path) -> Result<T, LoadError>,
    ) -> Result<Arc<T>, LoadError> {
        let wish = format!("{purpose} in {}", folder.display());
        let find = || -> Result<(String, ModelFolder), LoadError> {
            let (key, files) = self.files_at(folder)?;
            Ok((key.unwrap_or_else(|| base.to_owned()), files))
        };
        self.get(&self.shared.processor, wish, None, find, load)
    }

    /// What `wish` asks for, from memory or by `load` from the folder that `find` finds, with the key that it would have
    /// if no other model had it.
    fn get<T: Resident>(
        &self,
        level: &MemoryLevel,
        wish: String,
        expected_bytes: Option<usize>,
        find: impl Fn() -> Result<(String, ModelFolder), LoadError>,
        load: impl FnOnce(&Path) -> Result<T, LoadError>,
    ) -> Result<Arc<T>, LoadError> {
        let known = lock(&self.shared.wishes).get(&wish).cloned();
        let (key, folder) = if let Some(key) = known.filter(|key| level.contains(key)) {
            (key, None)
        } else {
            let (base, folder) = find()?;
            let key = self.claim(&base, &folder.path);
            lock(&self.shared.wishes).insert(wish, key.clone());
            (key, Some(folder))
        };
        let admission = Admission { expected_bytes, cancel: self.cancel.clone(), ..Admission::default() };
        let load_and_keep = || -> Result<(Arc<T>, LoadedFrom), LoadError> {
            let folder = match folder {
                Some(folder) => folder,
                None => find()?.1,
            };
            let model = Arc::new(load(&folder.path)?);
            let from = folder.from;
            self.keep(&key, folder);
            Ok((model, from))
        };
        let (model, _) = level.get_with(&key, &admission, load_and_keep)?;
        Ok(model)
    }

    /// The key of a model in a folder: `base`, or with a number where another folder has that already.
    fn claim(&self, base: &str, folder: &Path) -> ModelKey {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let mut claims = lock(&self.shared.claims);
        let candidates = (1_u32..).map(|n| if n == 1 { base.to_owned() } else { format!("{base}-{n}") });
        let key = candidates
            .map(|candidate| folders::as_key(&candidate))
            .find(|key| claims.get(key).is_none_or(|claimed| *claimed == folder))
            .expect("there are more numbers than folders");
        claims.entry(key.clone()).or_insert(folder);
        key
    }

    /// Notes that a model was loaded from its folder, whose files stay as long as it is in memory.
    fn keep(&self, key: &ModelKey, folder: ModelFolder) {
        self.prune_leases();
        if folder.from == LoadedFrom::Hub {
            *lock(&self.shared.n_hub_loads) += 1;
        }
        if let Some(stored) = folder.lease {
            // On a read-only disk nobody counts.
            if let Err(error) = self.store.touch(&stored.key) {
                tracing::debug!("{error}");
            }
            lock(&self.shared.leases).insert(key.clone(), stored);
        }
    }

    fn warn(&self, warning: String) {
        lock(&self.shared.warnings).push(warning);
    }

    /// Names may stand for other models from now on.
    fn forget_wishes(&self) {
        lock(&self.shared.wishes).clear();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(disk) = &self.options.disk else { return };
        let memory = self.processor.statistics().since_start.plus(&self.card.statistics().since_start);
        let tally = Tally { memory, n_hub_loads: *lock(&self.n_hub_loads) };
        let store = DiskStore::open(disk);
        // Where nothing was ever stored, nothing is written.
        if let Some(folder) = store.folder().filter(|folder| folder.is_dir())
            && tally != Tally::default()
            && let Err(error) = tally.add_to(folder)
        {
            tracing::debug!("{error}");
        }
    }
}

/// What a lock guards is right whatever befell another thread that held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file with the weights of a folder, under one of the names that pyannote's and SpeechBrain's folders use.
fn weights_in(folder: &Path) -> PathBuf {
    let safetensors = folder.join("model.safetensors");
    if safetensors.exists() { safetensors } else { folder.join("pytorch_model.bin") }
}
