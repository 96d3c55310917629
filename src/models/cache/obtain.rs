//! Bringing a model onto this disk, ready to load: from a cache of the hub's own tools, where it is there and whole, else
//! from the hub. Whisper is made ready for the processor on the way; everything else is kept as it was published.
//!
//! What has arrived of a download lies beside the entry that it is for, and the next try goes on with it.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{RecvTimeoutError, bounded};

use crate::files::FileError;
use crate::models::catalog::{self, Access, Entry, Family, Source, Wanted};
use crate::models::convert::convert_folder;
use crate::models::download::{
    DownloadControl, DownloadError, DownloadProgress, DownloadState, Environment, FilePattern, Hub, HubSettings,
    Network,
};
use crate::models::hub_cache::Snapshot;
use crate::models::key::ModelKey;
use crate::models::store::{
    Fit, Found, LeftoverKind, ORIGINALS, Origin, PUBLISHED_FORM, Planned, Reason, StoreError, StoredModel, Target,
};
use crate::models::token::TokenStore;
use crate::nn::checkpoint::READY_VERSION;
use crate::task::CancelToken;

use super::ModelCache;
use super::error::{LoadError, ObtainError, megabytes};
use super::options::Originals;
use super::snapshots::InHubCache;

/// How often it is looked whether somebody asked to stop.
const POLL: Duration = Duration::from_millis(50);

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
        let here = if originals.is_none() { self.in_hub_cache(entry, watch)? } else { InHubCache::Nothing };
        let (snapshot, damaged) = match here {
            InHubCache::Nothing => (None, None),
            InHubCache::Sound(snapshot) => (Some(snapshot), None),
            InHubCache::Damaged(path) => (None, Some(path)),
        };
        let is_offline = self.network() == Network::Offline;
        if originals.is_none() && snapshot.is_none() && is_offline {
            let offline = DownloadError::Offline { repository: repository.to_owned() };
            return Err(match damaged {
                Some(path) => ObtainError::DamagedSnapshot { path, source: Box::new(offline) },
                None => offline.into(),
            });
        }
        let form = form_of(entry.family, key);
        if originals.is_none() {
            self.check_disk_budget(entry, form)?;
        }
        let origin = origin_of(entry.family, key, repository, revision);
        let keeps_originals = originals.is_some() || self.options().originals == Originals::Kept;
        // What is wrong with what was here.
        let mut flaw = damaged.map(|path| format!("{} has other bytes than its hash says", path.display()));
        // If somebody else stores it meanwhile, it is there.
        let came = Cell::new(Came::Disk);
        let model = self.store.store(key, &origin, |target| -> Result<(), ObtainError> {
            let prepare = |sources: &Sources| {
                (watch.tell)(ObtainStep::Prepare);
                put(sources, form, keeps_originals, target, watch.control)
            };
            if let Some(folder) = &originals {
                came.set(Came::Files);
                return prepare(&Sources::of_originals(folder)?);
            }
            if let Some(snapshot) = &snapshot {
                came.set(Came::HubCache);
                match prepare(&Sources::of_snapshot(snapshot)) {
                    Err(error) if error.is_about_the_files() && !is_offline => {
                        flaw = Some(format!("{} cannot be used: {error}", snapshot.folder.display()));
                        fs::remove_dir_all(target).map_err(FileError::of("remove", target))?;
                        fs::create_dir(target).map_err(FileError::of("create folder", target))?;
                    }
                    prepared => return prepared,
                }
            }
            came.set(Came::Hub);
            let folder = self.store.downloads(key, &origin)?;
            let tell = |progress| (watch.tell)(ObtainStep::Download(progress));
            let wanted: Vec<FilePattern> = entry.files.iter().map(pattern).collect();
            let hub = self.hub(entry, form)?;
            let fetched = hub.fetch(repository, revision, &wanted, &folder, watch.control, &tell)?;
            let files = fetched.files.into_iter().map(|file| (file.name.clone(), folder.join(file.name))).collect();
            prepare(&Sources { folder, files, sharing: Sharing::Linked })
        })?;
        if let Some(flaw) = flaw.filter(|_| came.get() == Came::Hub) {
            self.warn(format!("{flaw}; {} was fetched instead.", entry.name));
        }
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

    /// Removes from disk what was not used for longest, until the rest is within the budget, and tells the user. What
    /// is in `kept` stays; so does everything where removing the rest would not be enough.
    pub fn keep_disk_budget(&self, kept: &[ModelKey]) -> Result<(), StoreError> {
        let Some(budget_bytes) = self.options().disk_budget_bytes else { return Ok(()) };
        let plan = match self.store.plan_to_fit(budget_bytes, kept, SystemTime::now())? {
            Fit::Within(plan) => plan,
            Fit::TooMuch { n_bytes } => {
                self.warn(format!(
                    "The models that have to stay take {} MB of the disk, and the disk budget is {} MB: nothing was \
                     removed. Raise disk_budget_gb in the settings, or remove models that are not needed.",
                    megabytes(n_bytes),
                    megabytes(budget_bytes)
                ));
                return Ok(());
            }
        };
        for removed in self.store.clean_up(&plan).removed {
            if let Target::Entry(key) = removed.target {
                self.warn(format!("The model {key} was removed from the disk, to stay within the budget."));
            }
        }
        Ok(())
    }

    /// Fails if a model is more than the disk budget by itself.
    fn check_disk_budget(&self, entry: &Entry, form: Form) -> Result<(), ObtainError> {
        let fetched_bytes = entry.download_bytes.unwrap_or(0);
        let n_bytes = match (form, self.options().originals) {
            (Form::Ready, Originals::Dropped) => entry.memory_bytes,
            (Form::Ready, Originals::Kept) => entry.memory_bytes + fetched_bytes,
            (Form::Published, _) => fetched_bytes,
        };
        match self.options().disk_budget_bytes {
            Some(budget_bytes) if n_bytes > budget_bytes => {
                Err(ObtainError::OverBudget { name: entry.name.clone(), n_bytes, budget_bytes })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether anything may be fetched, by the settings and the environment.
    pub fn network(&self) -> Network {
        Hub::new(HubSettings::of(&Environment::of_this_process(), None, self.options().network)).network()
    }

    /// The hub, for a model that is made ready from what is fetched.
    fn hub(&self, entry: &Entry, form: Form) -> Result<Hub, ObtainError> {
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
        let settings = match form {
            // What it is made from goes only when it is there.
            Form::Ready => settings.with_room_for(entry.memory_bytes),
            Form::Published => settings,
        };
        Ok(Hub::new(match &options.endpoint {
            Some(endpoint) => settings.with_endpoint(endpoint),
            None => settings,
        }))
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

pub(super) fn check(control: &DownloadControl) -> Result<(), DownloadError> {
    if control.state() == DownloadState::Cancelled { Err(DownloadError::Cancelled) } else { Ok(()) }
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
