//! The thread that does what the window wants done about models, one thing at a time and in order, so that nobody waits for
//! it. Downloads have a thread of their own beside this one. Both share the models in memory with the jobs.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, never, unbounded};

use crate::engine::event::{Event, LoadedModel};
use crate::engine::model_work::{ClearRequest, ModelNews, ModelProgress, ModelStep, ModelWatch};
use crate::engine::models::{DownloadState, Level, ModelCommand, ModelsEvent, Pinning, TokenPlace};
use crate::models::ModelCache;
use crate::models::download::Network;
use crate::models::key::ModelKey;
use crate::models::memory::Unload;
use crate::models::store::Waiting;
use crate::models::token::{Keyring, Token, TokenStore};
use crate::paths::AppPaths;
use crate::settings::ModelSettings;
use crate::task::CancelToken;

use super::downloads::Downloads;
use super::waiting::telling;
use super::{ModelsError, checking, clearing, listing, megabytes, obtaining};

/// Shortest time between two reports of progress.
pub(super) const BETWEEN_REPORTS: Duration = Duration::from_millis(100);

/// The threads that do what is asked about models. Dropping this ends what they do and waits for them.
pub(in crate::engine) struct ModelThreads {
    work: Option<Sender<Work>>,
    running: Arc<Mutex<Running>>,
    downloads: Downloads,
    events: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told to do.
pub(super) enum Work {
    /// One of the commands that are carried out in order.
    Command(ModelCommand),
    /// To load a model that may be needed.
    Preload(String),
    /// To remove what is there of a download that was cancelled, and say so.
    Discard(String),
    /// To say how far a download is that was paused before it began.
    TellPaused(String),
}

/// What is being done.
#[derive(Default)]
struct Running {
    cancel: Option<CancelToken>,
    is_closing: bool,
}

impl ModelThreads {
    /// Starts the threads. Whatever else tells events about models, sends them to the other end of `events`, too.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub(in crate::engine) fn start(
        models: &ModelCache,
        paths: &AppPaths,
        settings: &ModelSettings,
        n_threads: usize,
        (sender, events): (Sender<Event>, Receiver<Event>),
    ) -> io::Result<Self> {
        // Without a bound: whoever sends is the engine's thread, which never waits, and commands are few and small.
        let (work, works) = unbounded();
        for name in &settings.preload {
            work.send(Work::Preload(name.clone())).expect("its other end is here");
        }
        let running = Arc::<Mutex<Running>>::default();
        let downloads = Downloads::start(models.clone(), sender.clone())?;
        let worker = Worker {
            models: models.clone(),
            paths: paths.clone(),
            n_threads,
            events: sender,
            running: running.clone(),
        };
        let thread = thread::Builder::new().name("hansard-models".into()).spawn(move || worker.run(&works))?;
        Ok(Self { work: Some(work), running, downloads, events, thread: Some(thread) })
    }

    /// What is told about models.
    pub(in crate::engine) fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Has a command carried out. Never waits; what is returned is to be told at once.
    pub(in crate::engine) fn send(&self, command: ModelCommand) -> Option<ModelsEvent> {
        match command {
            ModelCommand::Stop => {
                if let Some(cancel) = &lock(&self.running).cancel {
                    cancel.cancel();
                }
            }
            ModelCommand::Download(model) => return self.downloads.fetch(model),
            ModelCommand::PauseDownload(model) => self.pass_on(self.downloads.pause(model)),
            ModelCommand::CancelDownload(model) => self.pass_on(self.downloads.cancel(model)),
            ModelCommand::List
            | ModelCommand::Load(_)
            | ModelCommand::Unload(_)
            | ModelCommand::Pin(..)
            | ModelCommand::Unpin(..)
            | ModelCommand::Verify(_)
            | ModelCommand::Delete(_)
            | ModelCommand::Clear
            | ModelCommand::Export { .. }
            | ModelCommand::Import(_)
            | ModelCommand::KeepToken(_)
            | ModelCommand::ForgetToken => self.pass_on(Some(Work::Command(command))),
        }
        None
    }

    fn pass_on(&self, work: Option<Work>) {
        let Some(work) = work else { return };
        if self.work.as_ref().is_none_or(|sender| sender.send(work).is_err()) {
            tracing::error!("the thread for models has ended; a command was lost");
        }
    }
}

impl Drop for ModelThreads {
    fn drop(&mut self) {
        // Nobody reads any more: let the threads fail to tell instead of waiting for room.
        self.events = never();
        let mut running = lock(&self.running);
        running.is_closing = true;
        if let Some(cancel) = &running.cancel {
            cancel.cancel();
        }
        drop(running);
        self.work = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread for models panicked");
        }
    }
}

/// Tells which models are in memory now.
pub(super) fn tell_loaded(models: &ModelCache, events: &Sender<Event>) {
    let loaded = models.loaded().into_iter().map(|(key, n_bytes)| LoadedModel { key, n_bytes }).collect();
    // Nobody reads any more once the engine ends.
    events.send(Event::Models(loaded)).ok();
}

/// What a panic says.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned());
    format!("Hansard made a mistake with the models ({text}). Please report it")
}

struct Worker {
    models: ModelCache,
    paths: AppPaths,
    n_threads: usize,
    events: Sender<Event>,
    running: Arc<Mutex<Running>>,
}

impl Worker {
    fn run(&self, works: &Receiver<Work>) {
        match self.models.store().sweep() {
            Ok(0) => {}
            Ok(n_bytes) => tracing::info!("{n_bytes} bytes were left by a Hansard that died, and are removed"),
            Err(error) => tracing::warn!("what a Hansard that died may have left is not removed: {error}"),
        }
        let mut token = None;
        for work in works {
            let Some(cancel) = self.begin() else { return };
            match work {
                Work::Command(ModelCommand::List) => self.list(&mut token),
                Work::Discard(model) => {
                    if let Err(error) = discard(&self.models, &model) {
                        self.tell(ModelsEvent::Warning(format!("{error}.")));
                    }
                    self.tell(ModelsEvent::Download { model, state: DownloadState::Cancelled });
                }
                Work::TellPaused(model) => {
                    let state = DownloadState::Paused(listing::fetched(&self.models, &model));
                    self.tell(ModelsEvent::Download { model, state });
                }
                Work::Preload(name) => self.answer(&cancel, || self.preload(&name, &cancel)),
                Work::Command(command) => {
                    if matches!(command, ModelCommand::KeepToken(_) | ModelCommand::ForgetToken) {
                        token = None;
                    }
                    self.answer(&cancel, || self.perform(&command, &cancel));
                }
            }
            lock(&self.running).cancel = None;
        }
    }

    /// What stops the work that begins; `None` once the engine ends.
    fn begin(&self) -> Option<CancelToken> {
        let mut running = lock(&self.running);
        if running.is_closing {
            return None;
        }
        let cancel = CancelToken::default();
        running.cancel = Some(cancel.clone());
        Some(cancel)
    }

    /// Does work and tells how it ended, exactly once.
    fn answer(&self, cancel: &CancelToken, work: impl FnOnce() -> Result<String, ModelsError>) {
        // What is on disk and in memory is whole after a panic: it is only ever changed by whole steps.
        let done = catch_unwind(AssertUnwindSafe(work));
        self.tell_warnings();
        self.tell(match done {
            Ok(Ok(line)) => ModelsEvent::Done(line),
            Ok(Err(_)) if cancel.is_cancelled() => ModelsEvent::Done("Stopped".to_owned()),
            Ok(Err(error)) => ModelsEvent::Failed(error.to_string()),
            Err(panic) => ModelsEvent::Failed(panic_message(panic.as_ref())),
        });
    }

    fn list(&self, token: &mut Option<TokenPlace>) {
        let offline = self.models.network() == Network::Offline;
        let token = *token.get_or_insert_with(|| {
            // The keyring is asked once: on some systems over a socket, which nobody shall see who is offline.
            listing::token_place(&self.paths, if offline { Keyring::Ignored } else { Keyring::Used })
        });
        let (listing, warnings) = listing::listing(&self.models, token, self.n_threads);
        for warning in warnings {
            self.tell(ModelsEvent::Warning(warning));
        }
        self.tell(ModelsEvent::Listed(Box::new(listing)));
    }

    fn perform(&self, command: &ModelCommand, cancel: &CancelToken) -> Result<String, ModelsError> {
        let models = self.patient(cancel);
        let names = |key: &ModelKey| [key.to_string()];
        match command {
            ModelCommand::Load(key) => {
                self.tell_working(format!("Loading {key}"));
                models.load(key)?;
                tell_loaded(&models, &self.events);
                Ok(format!("{key} is in memory"))
            }
            ModelCommand::Unload(key) => {
                let answer = models.unload(key);
                tell_loaded(&models, &self.events);
                match answer {
                    Unload::Unloaded => Ok(format!("Unloaded {key}")),
                    Unload::Absent => Ok(format!("{key} is not in memory any more")),
                    Unload::InUse => Err(ModelsError::InUse(key.to_string())),
                }
            }
            ModelCommand::Pin(Level::Memory, key) => {
                models.pin(key);
                Ok(format!("{key} stays in memory"))
            }
            ModelCommand::Unpin(Level::Memory, key) => {
                models.unpin(key);
                Ok(format!("{key} may leave the memory"))
            }
            ModelCommand::Pin(Level::Disk, key) => {
                checking::set_pin(&models, &names(key), Pinning::Pinned)?;
                Ok(format!("{key} stays on disk"))
            }
            ModelCommand::Unpin(Level::Disk, key) => {
                checking::set_pin(&models, &names(key), Pinning::Unpinned)?;
                Ok(format!("{key} may leave the disk"))
            }
            ModelCommand::Verify(key) => self.verify(&models, key, cancel),
            ModelCommand::Delete(key) => {
                let cleared = clearing::remove(&models, &names(key))?;
                tell_loaded(&models, &self.events);
                match cleared.kept.first() {
                    Some(kept) => Ok(format!("{} is kept: {}", kept.name, kept.reason.label())),
                    None => Ok(format!("Removed {key}, {}", megabytes(cleared.n_bytes()))),
                }
            }
            ModelCommand::Clear => {
                self.tell_working("Removing models".to_owned());
                let freed = models.unload_all();
                let cleared = clearing::clear(&models, &self.paths, &ClearRequest::default())?;
                tell_loaded(&models, &self.events);
                let (n_removed, n_kept) = (cleared.removed.len(), cleared.kept.len());
                let (on_disk, in_memory) = (megabytes(cleared.n_bytes()), megabytes(freed.n_bytes as u64));
                let kept = if n_kept > 0 { format!("; {n_kept} stay") } else { String::new() };
                Ok(format!("Freed {on_disk} on disk ({n_removed} removed) and {in_memory} of memory{kept}"))
            }
            ModelCommand::Export { keys, path } => {
                let keys: Vec<String> = keys.iter().map(ModelKey::to_string).collect();
                let bundle = self.watched(cancel, |watch| checking::export(&models, path, &keys, watch))?;
                Ok(format!("{}: {} models, {}", path.display(), bundle.keys.len(), megabytes(bundle.n_bytes)))
            }
            ModelCommand::Import(path) => self.import(&models, std::slice::from_ref(path), cancel),
            ModelCommand::KeepToken(typed) => {
                let token = Token::new(typed.reveal(), "what was typed")?;
                let place = TokenStore::of_this_user(&self.paths).save(&token)?;
                Ok(format!("The token is kept in {place}"))
            }
            ModelCommand::ForgetToken => {
                TokenStore::of_this_user(&self.paths).forget()?;
                Ok("The token is forgotten".to_owned())
            }
            ModelCommand::List
            | ModelCommand::Download(_)
            | ModelCommand::PauseDownload(_)
            | ModelCommand::CancelDownload(_)
            | ModelCommand::Stop => unreachable!("{command:?} is dealt with where it is sent or received"),
        }
    }

    fn preload(&self, name: &str, cancel: &CancelToken) -> Result<String, ModelsError> {
        self.tell_working(format!("Loading {name}"));
        let models = self.patient(cancel);
        models.warm_up(name)?;
        tell_loaded(&models, &self.events);
        Ok(format!("{name} is in memory"))
    }

    fn verify(&self, models: &ModelCache, key: &ModelKey, cancel: &CancelToken) -> Result<String, ModelsError> {
        let verified = self.watched(cancel, |watch| checking::verify(models, &[key.to_string()], watch))?;
        let problem = verified.into_iter().find_map(|entry| entry.problem);
        match problem {
            None => Ok(format!("{key} is as it was stored")),
            Some(problem) => {
                self.tell(ModelsEvent::Warning(format!("{key}: {problem}.")));
                Ok(format!("{key} is not as it should be"))
            }
        }
    }

    fn import(&self, models: &ModelCache, sources: &[PathBuf], cancel: &CancelToken) -> Result<String, ModelsError> {
        let bundle = self.watched(cancel, |watch| obtaining::import(models, sources, watch))?;
        Ok(format!("Imported {}, {}", bundle.keys.join(", "), megabytes(bundle.n_bytes)))
    }

    /// A handle that waits for other processes until somebody asks to stop, and tells whom for.
    fn patient(&self, cancel: &CancelToken) -> ModelCache {
        let (stop, events) = (cancel.clone(), self.events.clone());
        let tell = move |waiting: &Waiting| {
            let event = ModelsEvent::Working { what: sentence(&waiting.to_string()), fraction: None };
            // Nobody reads any more once the engine ends.
            events.send(Event::ModelCache(event)).ok();
        };
        telling(&self.models, move || stop.is_cancelled(), tell).with_cancel(cancel)
    }

    /// Does work whose progress is told, not too often.
    fn watched<T>(&self, cancel: &CancelToken, work: impl FnOnce(ModelWatch<'_>) -> T) -> T {
        let told: Mutex<Option<Instant>> = Mutex::default();
        let report = |progress: &ModelProgress| {
            let mut told = lock(&told);
            if told.is_some_and(|told| told.elapsed() < BETWEEN_REPORTS) {
                return;
            }
            *told = Some(Instant::now());
            drop(told);
            let what = format!("{} {}", verb(progress.step), progress.name);
            let total = progress.n_bytes_total.filter(|total| *total > 0);
            let fraction = total.map(|total| (progress.n_bytes as f64 / total as f64).clamp(0.0, 1.0) as f32);
            self.tell(ModelsEvent::Working { what, fraction });
        };
        let tell = |news: ModelNews<'_>| match news {
            ModelNews::Warning(warning) => self.tell(ModelsEvent::Warning(warning.to_owned())),
            // Said when all of it is done.
            ModelNews::Obtained(_) | ModelNews::Imported(_) => {}
        };
        work(ModelWatch { cancel, report: &report, tell: &tell })
    }

    fn tell_working(&self, what: String) {
        self.tell(ModelsEvent::Working { what, fraction: None });
    }

    fn tell_warnings(&self) {
        for warning in self.models.take_warnings() {
            self.tell(ModelsEvent::Warning(warning));
        }
    }

    fn tell(&self, event: ModelsEvent) {
        // Nobody reads any more once the engine ends.
        self.events.send(Event::ModelCache(event)).ok();
    }
}

/// Removes what is there of a download that stopped.
pub(super) fn discard(models: &ModelCache, model: &str) -> Result<(), ModelsError> {
    for entry in obtaining::entries_of(&[model.to_owned()])? {
        models.discard_downloads(&models.usual_key(entry))?;
    }
    Ok(())
}

/// What the user reads while it is done.
fn verb(step: ModelStep) -> &'static str {
    match step {
        ModelStep::Wait => "Waiting for",
        ModelStep::Download => "Fetching",
        ModelStep::Convert => "Making ready",
        ModelStep::Verify => "Verifying",
        ModelStep::Load => "Loading",
        ModelStep::Export => "Writing",
        ModelStep::Import => "Importing",
    }
}

/// A text that begins with a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What a lock guards is right whatever befell another thread that held it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
