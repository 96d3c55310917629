//! Bringing a model onto this disk, ready to load: from a cache of the hub's own tools, where it is there and whole, else
//! from the hub. Whisper is made ready for the processor on the way; everything else is kept as it was published.
//!
//! What has arrived of a download lies beside the entry that it is for, and the next try goes on with it.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{RecvTimeoutError, bounded};
use sha2::{Digest, Sha256};

use crate::files::FileError;
use crate::models::catalog::{self, Access, Entry, Family, Source, Wanted};
use crate::models::convert::convert_folder;
use crate::models::download::{
    DownloadControl, DownloadError, DownloadProgress, DownloadState, Environment, FilePattern, Hub, HubSettings,
    Network,
};
use crate::models::hub_cache::{Snapshot, SnapshotFile};
use crate::models::key::ModelKey;
use crate::models::store::{
    CleanUp, Found, LeftoverKind, ORIGINALS, Origin, PUBLISHED_FORM, Planned, Reason, StoreError, StoredModel, Target,
};
use crate::models::token::TokenStore;
use crate::nn::checkpoint::READY_VERSION;
use crate::task::CancelToken;

use super::ModelCache;
use super::error::{LoadError, ObtainError};
use super::options::Originals;

/// The end of the name of a file that tells in which of several files which weights are.
const INDEX_END: &str = ".safetensors.index.json";
/// Of a model without a choice of files.
const NO_CHOICE: &[&str] = &[""];
/// How often it is looked whether somebody asked to stop.
const POLL: Duration = Duration::from_millis(50);
const N_BUFFER_BYTES: usize = 1 << 20;

/// Who watches a model on its way.
#[derive(Clone, Copy)]
pub struct ObtainWatch<'a> {
    /// Stops it. (It cannot be paused: who stops it and asks again goes on where it stopped.)
    pub control: &'a DownloadControl,
    /// Is told how far it is, in the thread that brings it.
    pub tell: &'a dyn Fn(ObtainStep),
}

/// How far a model is on its way.
#[derive(Clone, Debug, PartialEq)]
pub enum ObtainStep {
    /// It is fetched.
    Download(DownloadProgress),
    /// What is there of it is compared with its hashes.
    Verify {
        /// Bytes that were read.
        n_bytes: u64,
        /// All there are.
        total_bytes: u64,
    },
    /// It is made ready to load.
    Prepare,
}

/// A model that is here now.
#[derive(Debug)]
pub struct Obtained {
    /// Its entry on disk.
    pub model: StoredModel,
    /// How it came.
    pub came: Came,
}

/// How a model came onto this disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was there, ready to load.
    Disk,
    /// From files that were here.
    Files,
    /// From a cache of the hub's own tools.
    HubCache,
    /// From the hub.
    Hub,
}

/// The files that an entry is made from.
struct Sources {
    folder: PathBuf,
    /// Their names in the repository, and where they are.
    files: Vec<(String, PathBuf)>,
    sharing: Sharing,
}

/// Whether files may be in two places at once.
#[derive(Clone, Copy)]
enum Sharing {
    /// They are Hansard's own, and nobody changes them.
    Linked,
    /// They are somebody else's.
    Copied,
}

/// In which form an entry is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 8-bit weights as the kernels of the processor read them.
    Ready,
    /// As it was published.
    Published,
}

/// Does work that a control can stop, and stops it when somebody asks for that.
pub fn interruptible<T>(cancel: Option<&CancelToken>, work: impl FnOnce(&DownloadControl) -> T) -> T {
    let control = DownloadControl::default();
    let Some(cancel) = cancel else { return work(&control) };
    thread::scope(|scope| {
        let (working, ended) = bounded::<()>(0);
        let stopped = control.clone();
        let watch = move || {
            while ended.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                if cancel.is_cancelled() {
                    stopped.cancel();
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("hansard-cancel".into()).spawn_scoped(scope, watch) {
            tracing::warn!("downloads cannot be stopped, for the system grants no thread: {error}");
        }
        let done = work(&control);
        drop(working);
        done
    })
}

impl ModelCache {
    /// The key of a model of the catalog where models usually compute.
    pub fn usual_key(&self, entry: &Entry) -> ModelKey {
        catalog::key_of(entry, &self.usual_placement())
    }

    /// Brings a model of the catalog onto this disk under one of its keys, if it is not there.
    pub fn obtain(&self, entry: &Entry, key: &ModelKey, watch: &ObtainWatch<'_>) -> Result<Obtained, ObtainError> {
        let Source::Hub { repository, revision } = entry.source else {
            return Err(ObtainError::BuiltIn(entry.name.clone()));
        };
        let mut originals = None;
        match self.store.find(key)? {
            Found::Ready(model) => return Ok(Obtained { model, came: Came::Disk }),
            Found::Absent => {}
            Found::Stale { originals: kept, .. } => originals = kept,
            Found::Damaged(damage) => self.warn(format!("{damage}.")),
        }
        if self.store.folder().is_none() {
            return Err(StoreError::Disabled.into());
        }
        let snapshot = if originals.is_none() { self.sound_snapshot_of(entry, watch)? } else { None };
        if originals.is_none() && snapshot.is_none() && self.network() == Network::Offline {
            return Err(DownloadError::Offline { repository: repository.to_owned() }.into());
        }
        let origin = origin_of(entry.family, key, repository, revision);
        // If somebody else stores it meanwhile, it is there.
        let came = Cell::new(Came::Disk);
        let model = self.store.store(key, &origin, |target| -> Result<(), ObtainError> {
            let sources = if let Some(folder) = &originals {
                came.set(Came::Files);
                Sources::of_originals(folder)?
            } else if let Some(snapshot) = &snapshot {
                came.set(Came::HubCache);
                Sources::of_snapshot(snapshot)
            } else {
                came.set(Came::Hub);
                let folder = self.store.downloads(key, &origin)?;
                let tell = |progress| (watch.tell)(ObtainStep::Download(progress));
                let wanted: Vec<FilePattern> = entry.files.iter().map(pattern).collect();
                let fetched = self.hub(entry)?.fetch(repository, revision, &wanted, &folder, watch.control, &tell)?;
                let files = fetched.files.into_iter().map(|file| (file.name.clone(), folder.join(file.name))).collect();
                Sources { folder, files, sharing: Sharing::Linked }
            };
            (watch.tell)(ObtainStep::Prepare);
            let keeps_originals = originals.is_some() || self.options().originals == Originals::Kept;
            put(&sources, form_of(entry.family, key), keeps_originals, target, watch.control)
        })?;
        self.forget_wishes();
        Ok(Obtained { model, came: came.get() })
    }

    /// Makes an entry of another version again, from the published files that it has.
    pub(super) fn rebuild(
        &self,
        key: &ModelKey,
        entry: Option<&Entry>,
        originals: &Path,
    ) -> Result<StoredModel, LoadError> {
        let origin = match entry.map(|entry| (entry.family, entry.source)) {
            Some((family, Source::Hub { repository, revision })) => origin_of(family, key, repository, revision),
            Some((_, Source::BuiltIn { .. })) | None => {
                let known = self.store.list()?.into_iter().find(|known| known.key == *key);
                let known = known.and_then(|known| known.origin);
                let unknown =
                    || LoadError::Unusable { reason: format!("the manifest of the model {key} is of another version") };
                Origin { form: READY_VERSION.to_owned(), ..known.ok_or_else(unknown)? }
            }
        };
        let control = DownloadControl::default();
        let stored = self.store.store(key, &origin, |target| -> Result<(), ObtainError> {
            put(&Sources::of_originals(originals)?, Form::Ready, true, target, &control)
        });
        stored.map_err(LoadError::from)
    }

    /// What a cache of the hub's own tools has of a model, if it has all of it.
    pub fn snapshot_of(&self, entry: &Entry) -> Option<Snapshot> {
        let Source::Hub { repository, revision } = entry.source else { return None };
        let (mut required, mut optional, mut choice) = (Vec::new(), Vec::new(), NO_CHOICE);
        for wanted in entry.files {
            match wanted {
                Wanted::Required(name) => required.push(*name),
                Wanted::Optional(name) => optional.push(*name),
                // No model of the catalog has more than one choice.
                Wanted::FirstOf(names) => choice = *names,
            }
        }
        let find = |more: &[&str]| {
            let all: Vec<&str> = required.iter().chain(more).copied().collect();
            self.shared.hub_cache.find(repository, revision, &all, &optional)
        };
        choice.iter().find_map(|name| {
            if name.is_empty() {
                return find(&[]);
            }
            let snapshot = find(&[*name])?;
            if !name.ends_with(INDEX_END) {
                return Some(snapshot);
            }
            let shards = shards_in(&snapshot.folder.join(name))?;
            let names: Vec<&str> = [*name].into_iter().chain(shards.iter().map(String::as_str)).collect();
            find(&names)
        })
    }

    /// How much there is of a model that is not on disk yet: bytes of downloads that stopped on the way.
    pub fn unfinished(&self, key: &ModelKey) -> Result<u64, StoreError> {
        let leftovers = self.store.leftovers()?;
        let of_key = leftovers.iter().filter(|leftover| leftover.kind == LeftoverKind::Downloads(key.clone()));
        Ok(of_key.map(|leftover| leftover.n_bytes).sum())
    }

    /// Removes downloads for a model that stopped on the way.
    pub fn discard_downloads(&self, key: &ModelKey) -> Result<(), StoreError> {
        for leftover in self.store.leftovers()? {
            if leftover.kind != LeftoverKind::Downloads(key.clone()) {
                continue;
            }
            let planned = Planned {
                target: Target::Downloads(key.clone(), leftover.folder),
                n_bytes: leftover.n_bytes,
                last_used_unix_ms: leftover.modified_unix_ms,
                reason: Reason::TooOld,
            };
            if let Some((_, error)) = self.store.clean_up(&[planned]).kept.into_iter().next() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes from disk what was not used for longest, until the rest is within the budget, and tells the user.
    pub fn keep_disk_budget(&self) -> Result<(), StoreError> {
        let budget_bytes = self.options().disk_budget_bytes;
        if budget_bytes.is_none() {
            return Ok(());
        }
        let plan = self.store.plan_cleanup(&CleanUp { budget_bytes, older_than: None }, SystemTime::now())?;
        for removed in self.store.clean_up(&plan).removed {
            if let Target::Entry(key) = removed.target {
                self.warn(format!("The model {key} was removed from the disk, to stay within the budget."));
            }
        }
        Ok(())
    }

    /// Whether anything may be fetched, by the settings and the environment.
    pub fn network(&self) -> Network {
        Hub::new(HubSettings::of(&Environment::of_this_process(), None, self.options().network)).network()
    }

    fn hub(&self, entry: &Entry) -> Result<Hub, ObtainError> {
        let token = match TokenStore::of_this_user(&self.shared.paths).find() {
            Ok(found) => found.map(|(token, _)| token),
            // Who needs none shall not be held up by a wrong one.
            Err(error) if entry.access == Access::Open => {
                self.warn(format!("{error}."));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let options = self.options();
        let settings = HubSettings::of(&Environment::of_this_process(), token, options.network);
        Ok(Hub::new(match &options.endpoint {
            Some(endpoint) => settings.with_endpoint(endpoint),
            None => settings,
        }))
    }

    /// The same as [`ModelCache::snapshot_of`], with the hashes of its files compared where they are known.
    fn sound_snapshot_of(&self, entry: &Entry, watch: &ObtainWatch<'_>) -> Result<Option<Snapshot>, ObtainError> {
        let Some(snapshot) = self.snapshot_of(entry) else { return Ok(None) };
        let total_bytes: u64 = snapshot.files.iter().map(|file| file.n_bytes).sum();
        let mut n_bytes = 0;
        for file in &snapshot.files {
            let told = |n_more: u64| (watch.tell)(ObtainStep::Verify { n_bytes: n_bytes + n_more, total_bytes });
            if !is_sound(file, watch.control, &told)? {
                let path = file.path.display();
                self.warn(format!("{path} has other bytes than its hash says; {} is fetched instead.", entry.name));
                return Ok(None);
            }
            n_bytes += file.n_bytes;
        }
        Ok(Some(snapshot))
    }
}

impl Sources {
    fn of_snapshot(snapshot: &Snapshot) -> Self {
        let files = snapshot.files.iter().map(|file| (file.name.clone(), file.path.clone())).collect();
        Self { folder: snapshot.folder.clone(), files, sharing: Sharing::Copied }
    }

    /// Those of a Whisper model, which has no folders inside.
    fn of_originals(folder: &Path) -> Result<Self, FileError> {
        let list = || -> io::Result<Vec<(String, PathBuf)>> {
            let entries = fs::read_dir(folder)?;
            entries
                .map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())))
                .collect()
        };
        let files = list().map_err(FileError::of("read", folder))?;
        Ok(Self { folder: folder.to_path_buf(), files, sharing: Sharing::Linked })
    }
}

/// In which form the model of a key is kept.
pub(super) fn form_of(family: Family, key: &ModelKey) -> Form {
    // All other places of Whisper need the weights as they were published.
    let is_for_kernels = key.as_str().ends_with("_cpu") && !key.as_str().ends_with("-f32_cpu");
    if family == Family::Whisper && is_for_kernels { Form::Ready } else { Form::Published }
}

/// Where a model comes from, as its manifest says it.
pub(super) fn origin_of(family: Family, key: &ModelKey, repository: &str, revision: &str) -> Origin {
    let (dtype, form) = match form_of(family, key) {
        Form::Ready => ("int8", READY_VERSION),
        Form::Published => ("published", PUBLISHED_FORM),
    };
    let device = key.as_str().rsplit('_').next().unwrap_or_default();
    let text = str::to_owned;
    Origin {
        repository: text(repository),
        revision: text(revision),
        device: text(device),
        dtype: text(dtype),
        form: text(form),
    }
}

/// Writes the files of an entry.
fn put(
    sources: &Sources,
    form: Form,
    keeps_originals: bool,
    target: &Path,
    control: &DownloadControl,
) -> Result<(), ObtainError> {
    check(control)?;
    match form {
        Form::Published => place(sources, target, control),
        Form::Ready => {
            convert_folder(&sources.folder, target)?;
            if keeps_originals { place(sources, &target.join(ORIGINALS), control) } else { Ok(()) }
        }
    }
}

fn place(sources: &Sources, target: &Path, control: &DownloadControl) -> Result<(), ObtainError> {
    for (name, from) in &sources.files {
        check(control)?;
        let to = target.join(name);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(FileError::of("create folder", folder))?;
        }
        let is_linked = match sources.sharing {
            Sharing::Linked => fs::hard_link(from, &to).is_ok(),
            Sharing::Copied => false,
        };
        if !is_linked {
            fs::copy(from, &to).map_err(FileError::of("write", &to))?;
        }
    }
    Ok(())
}

fn check(control: &DownloadControl) -> Result<(), DownloadError> {
    if control.state() == DownloadState::Cancelled { Err(DownloadError::Cancelled) } else { Ok(()) }
}

/// Whether a file has the bytes that its hash says, if it has one. `told` is how many were read.
fn is_sound(file: &SnapshotFile, control: &DownloadControl, told: &dyn Fn(u64)) -> Result<bool, ObtainError> {
    let Some(expected) = &file.sha256 else { return Ok(true) };
    let mut source = File::open(&file.path).map_err(FileError::of("read", &file.path))?;
    let (mut hasher, mut buffer, mut n_bytes) = (Sha256::new(), vec![0; N_BUFFER_BYTES], 0);
    loop {
        check(control)?;
        let n_read = match source.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            n_read => n_read.map_err(FileError::of("read", &file.path))?,
        };
        if n_read == 0 {
            break;
        }
        hasher.update(&buffer[..n_read]);
        n_bytes += n_read as u64;
        told(n_bytes);
    }
    let hash: [u8; 32] = hasher.finalize().into();
    Ok(hex(&hash) == *expected)
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}

fn pattern(wanted: &Wanted) -> FilePattern {
    match wanted {
        Wanted::Required(name) => FilePattern::required(name),
        Wanted::Optional(name) => FilePattern::optional(name),
        Wanted::FirstOf(names) => FilePattern::first_of(names),
    }
}

/// The files of weights that an index names.
fn shards_in(index: &Path) -> Option<Vec<String>> {
    let index: serde_json::Value = serde_json::from_slice(&fs::read(index).ok()?).ok()?;
    let names = index.get("weight_map")?.as_object()?.values();
    let mut shards = names.map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()?;
    shards.sort();
    shards.dedup();
    Some(shards)
}
