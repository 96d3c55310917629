//! What is done with the stored results of stages: for the command line, which waits for it, and in a thread of its own
//! for the window. Jobs store and find results by themselves; here they are counted, checked, removed and carried
//! elsewhere.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::engine::event::Event;
use crate::engine::results::{ClearResults, Layer, ResultsCommand, ResultsEvent, ResultsSurvey};
use crate::files::FileError;
use crate::paths::AppPaths;
use crate::results::{CleanUp, CleanedUp, ResultStore, StoredEntry};
use crate::settings::ModelSettings;
use crate::task::CancelToken;

use super::stored::Stored;
use super::worker::panic_message;

/// What was asked of the stored results was not done.
pub use crate::results::ResultError as ResultsError;

const BYTES_PER_MB: f64 = 1e6;
/// Time without anything to do after which the store is cleaned up, if that was not done on this day,
const BEFORE_CLEAN_UP: Duration = Duration::from_secs(30);
/// and how often it is looked whether another day has come.
const BETWEEN_CLEAN_UPS: Duration = Duration::from_hours(1);

/// Whether something is done, or only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It is counted, and nothing is changed.
    Only,
    /// It is done.
    No,
}

/// What a clean-up leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanUpRequest {
    /// Results not used for so many days go; `None`: as the settings say.
    pub older_than_days: Option<u32>,
    /// So many stay at most, those that were used most often; `None`: all.
    pub keep_top: Option<usize>,
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many results,
    pub n_entries: u64,
    /// and what they took on disk.
    pub n_bytes: u64,
}

/// A result that takes much room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeResult {
    /// Which stage it comes from.
    pub layer: Layer,
    /// What it is found by.
    pub key: String,
    /// Hash of the sound that it is about.
    pub audio: String,
    /// What it takes on disk.
    pub n_bytes: u64,
    /// How often it was used.
    pub n_uses: u64,
    /// When it was last used, in seconds since 1970.
    pub last_used_secs: i64,
}

/// What a look at all results came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many are as they were stored,
    pub n_entries: u64,
    /// and what those take on disk.
    pub n_bytes: u64,
    /// Those that were not and are dropped, one line each.
    pub damaged: Vec<String>,
}

/// Results that were written to one file, or taken from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bundled {
    /// How many; of those taken, how many are new here.
    pub n_entries: u64,
    /// Size of the file.
    pub n_bytes: u64,
}

/// What is stored.
pub fn survey(paths: &AppPaths, settings: &ModelSettings) -> Result<ResultsSurvey, ResultsError> {
    looked_at(paths, settings, ResultStore::survey)
}

/// Removes results.
pub fn clear(
    paths: &AppPaths,
    settings: &ModelSettings,
    request: &ClearResults,
    trial: Trial,
) -> Result<Removed, ResultsError> {
    looked_at(paths, settings, |store| match trial {
        Trial::Only => plan_clear(store, request),
        Trial::No => Ok(removed(store.clear(&request.layers, days(request.older_than_days))?)),
    })
}

/// Whether the results can be removed without opening them, after they could not be cleared for this reason. Where all
/// shall go, they need not be opened: that makes room on a full disk, and helps where the index is damaged.
pub fn can_go_unopened(request: &ClearResults, reason: &ResultsError) -> bool {
    use ResultsError::{Damaged, Database, DiskFull, File};

    let is_all = request.layers.is_empty() && request.older_than_days.is_none();
    is_all && matches!(reason, DiskFull(_) | File(_) | Database { .. } | Damaged { .. })
}

/// What the user should know when they were removed so.
pub fn unopened_warning(reason: &ResultsError) -> String {
    format!("{reason}. The stored results were removed without looking at them.")
}

/// Removes all results, also where they cannot be opened, because the disk is full or cannot be read. Then their number
/// is not known, and is told as none.
pub fn clear_unopened(paths: &AppPaths, settings: &ModelSettings, trial: Trial) -> Result<Removed, ResultsError> {
    let folder = settings.cache_root(paths);
    let n_bytes = match trial {
        Trial::Only => ResultStore::size_unopened(&folder),
        Trial::No => ResultStore::remove_unopened(&folder)?,
    };
    Ok(Removed { n_entries: 0, n_bytes })
}

/// Removes what is too old or too much by the limits of the store, once a day.
pub fn clean_up_once_a_day(paths: &AppPaths, settings: &ModelSettings) -> Result<(), ResultsError> {
    let Some(store) = Stored::new(paths, settings).store_if_there()? else { return Ok(()) };
    store.clean_up_once_a_day(SystemTime::now())?;
    log_warnings(&store);
    Ok(())
}

/// Removes what is too old, too much, or used too little.
pub fn clean_up(
    paths: &AppPaths,
    settings: &ModelSettings,
    request: &CleanUpRequest,
    trial: Trial,
) -> Result<Removed, ResultsError> {
    looked_at(paths, settings, |store| {
        let usual = CleanUp::from(store.limits());
        let wanted = CleanUp {
            older_than: days(request.older_than_days).or(usual.older_than),
            n_most_used: request.keep_top.map(|n_entries| n_entries as u64),
            ..usual
        };
        match trial {
            Trial::Only => {
                Ok(sum_of(store.plan_clean_up(&wanted, SystemTime::now())?.iter().map(|planned| &planned.entry)))
            }
            Trial::No => Ok(removed(store.clean_up(&wanted, SystemTime::now())?)),
        }
    })
}

/// The results that take most, largest first.
pub fn largest(paths: &AppPaths, settings: &ModelSettings, limit: usize) -> Result<Vec<LargeResult>, ResultsError> {
    let large = |entry: StoredEntry| LargeResult {
        layer: entry.layer,
        key: entry.key.to_string(),
        audio: entry.audio.to_string(),
        n_bytes: entry.n_bytes,
        n_uses: entry.n_uses,
        last_used_secs: entry.last_used_unix_ms.div_euclid(1000),
    };
    looked_at(paths, settings, |store| Ok(store.largest(limit)?.into_iter().map(large).collect()))
}

/// Looks at every payload. Damaged ones are dropped.
pub fn verify(paths: &AppPaths, settings: &ModelSettings, cancel: &CancelToken) -> Result<Verified, ResultsError> {
    if !ResultStore::is_there(&settings.cache_root(paths)) {
        return Ok(Verified::default());
    }
    let store = Stored::new(paths, settings).store()?;
    log_warnings(&store);
    let found = store.verify(&mut |_, _| go_on(cancel))?;
    Ok(Verified { n_entries: found.n_entries, n_bytes: found.n_bytes, damaged: store.take_warnings() })
}

/// Makes the list of results again from the results themselves. Returns how many there are.
pub fn rebuild_index(paths: &AppPaths, settings: &ModelSettings) -> Result<u64, ResultsError> {
    logged(paths, settings, |store| Ok(store.rebuild_index(&mut |_, _| ControlFlow::Continue(()))?.n_entries))
}

/// Writes all results to one file.
pub fn export(paths: &AppPaths, settings: &ModelSettings, file: &Path) -> Result<Bundled, ResultsError> {
    super::check_target(paths, settings, file)?;
    logged(paths, settings, |store| {
        let written = store.export(file, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(Bundled { n_entries: written.n_entries, n_bytes: written.n_bytes })
    })
}

/// Takes the results of such a file.
pub fn import(paths: &AppPaths, settings: &ModelSettings, file: &Path) -> Result<Bundled, ResultsError> {
    let n_bytes = std::fs::metadata(file).map_err(FileError::of("read", file))?.len();
    logged(paths, settings, |store| {
        let taken = store.import(file, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(Bundled { n_entries: taken.n_new, n_bytes })
    })
}

/// The thread that does what the window wants done with stored results, in order. Dropping it ends what it does.
pub(super) struct ResultsThread {
    commands: Option<Sender<ResultsCommand>>,
    closing: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl ResultsThread {
    /// Starts the thread. Nothing is opened before something is asked.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub(super) fn start(stored: Arc<Stored>, events: Sender<Event>) -> io::Result<Self> {
        // Without a bound: whoever sends is the engine's thread, which never waits, and commands are few and small.
        let (commands, received) = unbounded();
        let closing = CancelToken::default();
        let worker = ResultsWorker { stored, events, closing: closing.clone() };
        let thread = thread::Builder::new().name("hansard-results".into()).spawn(move || worker.run(&received))?;
        Ok(Self { commands: Some(commands), closing, thread: Some(thread) })
    }

    /// Has something done. Never waits.
    pub(super) fn send(&self, command: ResultsCommand) {
        if self.commands.as_ref().is_none_or(|commands| commands.send(command).is_err()) {
            tracing::error!("the thread for stored results has ended; a command was lost");
        }
    }
}

impl Drop for ResultsThread {
    fn drop(&mut self) {
        self.closing.cancel();
        self.commands = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread for stored results panicked");
        }
    }
}

struct ResultsWorker {
    stored: Arc<Stored>,
    events: Sender<Event>,
    closing: CancelToken,
}

impl ResultsWorker {
    fn run(&self, received: &Receiver<ResultsCommand>) {
        let mut patience = BEFORE_CLEAN_UP;
        loop {
            let command = match received.recv_timeout(patience) {
                Ok(command) => command,
                Err(RecvTimeoutError::Timeout) => {
                    patience = BETWEEN_CLEAN_UPS;
                    self.clean_up();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.closing.is_cancelled() {
                return;
            }
            // What is stored is whole after a panic: it is only ever changed by whole steps.
            let done = catch_unwind(AssertUnwindSafe(|| self.perform_or_remove(&command)));
            self.tell(match done {
                Ok(Ok(event)) => event,
                Ok(Err(error)) => ResultsEvent::Failed(error.to_string()),
                Err(panic) => ResultsEvent::Failed(panic_message(panic.as_ref())),
            });
        }
    }

    /// Does what the limits ask for, once a day. Nobody waits for it, so nobody is told that it failed.
    fn clean_up(&self) {
        let clean_up = || -> Result<(), ResultsError> {
            let Some(store) = self.stored.store_if_there()? else { return Ok(()) };
            store.clean_up_once_a_day(SystemTime::now())?;
            for warning in store.take_warnings() {
                self.tell(ResultsEvent::Warning(warning));
            }
            Ok(())
        };
        match catch_unwind(AssertUnwindSafe(clean_up)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("stored results are not cleaned up: {error}"),
            Err(panic) => tracing::error!("{}", panic_message(panic.as_ref())),
        }
    }

    /// Does what is asked. To remove everything, nothing need be opened.
    fn perform_or_remove(&self, command: &ResultsCommand) -> Result<ResultsEvent, ResultsError> {
        match (self.perform(command), command) {
            (Err(error), ResultsCommand::Clear(request)) if can_go_unopened(request, &error) => {
                let n_freed_bytes = self.stored.remove_unopened()?;
                self.tell(ResultsEvent::Warning(unopened_warning(&error)));
                Ok(ResultsEvent::Done(format!("Removed all stored results, {}", megabytes(n_freed_bytes))))
            }
            (done, _) => done,
        }
    }

    fn perform(&self, command: &ResultsCommand) -> Result<ResultsEvent, ResultsError> {
        let store = self.stored.store()?;
        let event = match command {
            ResultsCommand::Survey => ResultsEvent::Surveyed(Box::new(store.survey()?)),
            ResultsCommand::Clear(request) => {
                told_removed(store.clear(&request.layers, days(request.older_than_days))?)
            }
            ResultsCommand::CleanUp => told_removed(store.clean_up(&CleanUp::from(store.limits()), SystemTime::now())?),
            ResultsCommand::Verify => {
                let found = store.verify(&mut |_, _| go_on(&self.closing))?;
                let size = megabytes(found.n_bytes);
                ResultsEvent::Done(match found.n_damaged {
                    0 => format!("{} results, {size}: all are as they were stored", found.n_entries),
                    n => format!(
                        "{} results, {size}, are as they were stored; {n} were not and are dropped",
                        found.n_entries
                    ),
                })
            }
        };
        for warning in store.take_warnings() {
            self.tell(ResultsEvent::Warning(warning));
        }
        Ok(event)
    }

    fn tell(&self, event: ResultsEvent) {
        // Nobody reads any more once the engine ends.
        self.events.send(Event::Results(event)).ok();
    }
}

/// Does something with the store, and writes to the log what the user should know about it.
/// The same where there may be nothing to look at: looking makes no folder.
fn looked_at<T: Default>(
    paths: &AppPaths,
    settings: &ModelSettings,
    work: impl FnOnce(&ResultStore) -> Result<T, ResultsError>,
) -> Result<T, ResultsError> {
    if ResultStore::is_there(&settings.cache_root(paths)) { logged(paths, settings, work) } else { Ok(T::default()) }
}

fn logged<T>(
    paths: &AppPaths,
    settings: &ModelSettings,
    work: impl FnOnce(&ResultStore) -> Result<T, ResultsError>,
) -> Result<T, ResultsError> {
    let store = Stored::new(paths, settings).store()?;
    let done = work(&store);
    log_warnings(&store);
    done
}

fn log_warnings(store: &ResultStore) {
    for warning in store.take_warnings() {
        tracing::warn!("{warning}");
    }
}

/// What [`ResultStore::clear`] would remove.
fn plan_clear(store: &ResultStore, request: &ClearResults) -> Result<Removed, ResultsError> {
    let layers: &[Layer] = if request.layers.is_empty() { &Layer::ALL } else { &request.layers };
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let last_kept_ms = days(request.older_than_days).map(|age| now_ms - age.as_millis() as i64);
    let mut planned = Removed::default();
    for layer in layers {
        let entries = store.entries(*layer)?;
        let goes = |entry: &&StoredEntry| last_kept_ms.is_none_or(|kept| entry.last_used_unix_ms < kept);
        let of_layer = sum_of(entries.iter().filter(goes));
        planned.n_entries += of_layer.n_entries;
        planned.n_bytes += of_layer.n_bytes;
    }
    Ok(planned)
}

fn sum_of<'a>(entries: impl Iterator<Item = &'a StoredEntry>) -> Removed {
    let add = |sum: Removed, entry: &StoredEntry| Removed {
        n_entries: sum.n_entries + 1,
        n_bytes: sum.n_bytes + entry.n_bytes,
    };
    entries.fold(Removed::default(), add)
}

fn removed(done: CleanedUp) -> Removed {
    Removed { n_entries: done.n_entries, n_bytes: done.n_freed_bytes }
}

fn told_removed(done: CleanedUp) -> ResultsEvent {
    ResultsEvent::Done(format!("Removed {} results, {}", done.n_entries, megabytes(done.n_freed_bytes)))
}

fn days(n_days: Option<u32>) -> Option<Duration> {
    n_days.map(|n_days| Duration::from_hours(24 * u64::from(n_days)))
}

fn go_on(cancel: &CancelToken) -> ControlFlow<()> {
    if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn megabytes(n_bytes: u64) -> String {
    format!("{:.1} MB", n_bytes as f64 / BYTES_PER_MB)
}
