//! The thread that keeps the library: it answers what is asked, in order, and keeps what jobs tell. What takes long is
//! not done here: folders are looked after by `watch.rs`, and the stored results have a thread of their own in
//! `results.rs`.
//!
//! The library is opened when it is first needed. Where that fails, the user is told once, and what is asked is
//! refused; jobs go on.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, unbounded};

use crate::engine::command::{JobId, JobRequest};
use crate::engine::event::Event;
use crate::engine::library::{Estimate, LibraryCommand, LibraryEvent};
use crate::engine::results::ResultsCommand;
use crate::library::{Library, LibraryError};
use crate::paths::AppPaths;
use crate::settings::ModelSettings;
use crate::task::CancelToken;

use super::estimates::WaitingJobs;
use super::intake::{Asked, Intake};
use super::jobs::{End, JobNote, RunningJob};
use super::results::ResultsThread;
use super::scans::absolute;
use super::stored::Stored;
use super::watch::{FolderWatch, Order};
use super::{ShelfError, library_file};

/// Room between the threads of the shelf and the engine's, which never waits for long.
const EVENT_CAPACITY: usize = 64;
/// How long the thread may take to keep what it was told before nobody listens to it any more.
const LONGEST_FAREWELL: Duration = Duration::from_secs(30);
/// How often it is looked whether the thread has ended while it says nothing.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// Shortest time between two notes that the list has changed.
const BETWEEN_CHANGES: Duration = Duration::from_millis(300);
/// Time without anything to do after which the search index is brought up to date,
const QUIET_BEFORE_INDEX: Duration = Duration::from_millis(500);
/// and after which the library is backed up, if that was not done on this day.
const QUIET_BEFORE_BACKUP: Duration = Duration::from_secs(5);

/// The threads that keep the library and the stored results. Dropping this lets them keep what they were told, and
/// waits for them.
pub(in crate::engine) struct ShelfThreads {
    works: Sender<Work>,
    results: ResultsThread,
    events: Receiver<Event>,
    closing: CancelToken,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told to do.
pub(super) enum Work {
    /// What the user asks.
    Command(LibraryCommand),
    /// What becomes of a job.
    Job(JobId, JobNote),
    /// Another thread has changed the list.
    ListChanged,
    /// Another thread found the library damaged.
    Reopen,
    /// To end, after all that came before.
    Close,
}

impl ShelfThreads {
    /// Starts the threads. Nothing is opened or looked at before something is asked.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub(in crate::engine) fn start(paths: &AppPaths, settings: &ModelSettings) -> io::Result<Self> {
        let (sender, events) = bounded(EVENT_CAPACITY);
        // Without a bound: whoever sends is the engine's thread, which never waits, and commands are few and small.
        let (works, received) = unbounded();
        let closing = CancelToken::default();
        let stored = Arc::new(Stored::new(paths, settings));
        let results = ResultsThread::start(Arc::clone(&stored), sender.clone())?;
        let worker = Worker {
            paths: paths.clone(),
            stored,
            library: None,
            folders: None,
            jobs: BTreeMap::new(),
            waiting: WaitingJobs::default(),
            events: sender,
            works: works.clone(),
            closing: closing.clone(),
            state: State::default(),
        };
        let thread = thread::Builder::new().name("hansard-library".into()).spawn(move || worker.run(&received))?;
        Ok(Self { works, results, events, closing, thread: Some(thread) })
    }

    /// What is told about the library and the stored results.
    pub(in crate::engine) fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Has something done with the library. Never waits.
    pub(in crate::engine) fn send(&self, command: LibraryCommand) {
        self.pass_on(Work::Command(command));
    }

    /// Has something done with the stored results. Never waits.
    pub(in crate::engine) fn send_results(&self, command: ResultsCommand) {
        self.results.send(command);
    }

    /// Has something kept of a job. Never waits.
    pub(in crate::engine) fn note(&self, job: JobId, note: JobNote) {
        self.pass_on(Work::Job(job, note));
    }

    fn pass_on(&self, work: Work) {
        if self.works.send(work).is_err() {
            tracing::error!("the thread that keeps the library has ended; something is not kept");
        }
    }
}

impl Drop for ShelfThreads {
    fn drop(&mut self) {
        self.closing.cancel();
        self.pass_on(Work::Close);
        let deadline = Instant::now() + LONGEST_FAREWELL;
        // What goes wrong with the last job is told all the same.
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < deadline {
            if let Ok(event) = self.events.recv_timeout(BETWEEN_LOOKS) {
                log_warning(&event);
            }
        }
        self.events.try_iter().for_each(|event| log_warning(&event));
        // Nobody reads any more: let the threads fail to tell instead of waiting for room.
        self.events = never();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that keeps the library panicked");
        }
    }
}

/// Writes to the log what nobody shows to the user any more, where it is a warning.
pub(in crate::engine) fn log_warning(event: &Event) {
    if let Event::Library(LibraryEvent::Warning(text)) = event {
        tracing::warn!("{text}");
    }
}

struct Worker {
    paths: AppPaths,
    stored: Arc<Stored>,
    /// `None` before it is needed, and where it could not be opened.
    library: Option<Library>,
    /// `None` before anybody asks something of the library: whoever only transcribes looks after no folders.
    folders: Option<FolderWatch>,
    jobs: BTreeMap<JobId, RunningJob>,
    waiting: WaitingJobs,
    events: Sender<Event>,
    /// Its own, for the thread that looks after folders.
    works: Sender<Work>,
    closing: CancelToken,
    state: State,
}

/// What is still to be done or told.
#[derive(Default)]
struct State {
    /// Whether the list has changed and nobody was told.
    has_changed: bool,
    /// When that was told last.
    told_change: Option<Instant>,
    /// Whether some transcripts may not be in the search index.
    is_index_behind: bool,
    /// When they may be brought there.
    index_due: Option<Instant>,
    /// When the library may be backed up.
    backup_due: Option<Instant>,
    /// What went wrong last, as it was told.
    told_failure: Option<String>,
    /// Whether folders are looked after.
    is_watching: bool,
}

impl Worker {
    fn run(mut self, received: &Receiver<Work>) {
        loop {
            let next = match self.wakes_at() {
                Some(at) => received.recv_deadline(at),
                None => received.recv().map_err(RecvTimeoutError::from),
            };
            match next {
                Ok(Work::Close) | Err(RecvTimeoutError::Disconnected) => {
                    return self.guarded(LibraryEvent::Warning, Self::back_up);
                }
                Ok(work) => self.do_guarded(work),
                Err(RecvTimeoutError::Timeout) => self.guarded(LibraryEvent::Warning, Self::use_spare_time),
            }
            self.tell_warnings();
            self.tell_changes();
        }
    }

    /// When something is to be done that nobody asks for; `None`: there is nothing.
    fn wakes_at(&self) -> Option<Instant> {
        let State { has_changed, told_change, index_due, backup_due, .. } = self.state;
        let change = if has_changed { told_change.map(|told| told + BETWEEN_CHANGES) } else { None };
        [change, index_due, backup_due].into_iter().flatten().min()
    }

    /// Does one thing, and puts off what can wait.
    fn do_guarded(&mut self, work: Work) {
        let tell_panic = match work {
            // Each question gets its answer.
            Work::Command(_) => LibraryEvent::Failed,
            Work::Job(..) | Work::ListChanged | Work::Reopen | Work::Close => LibraryEvent::Warning,
        };
        self.guarded(tell_panic, |worker| worker.do_work(work));
        let now = Instant::now();
        let is_open = self.library.is_some();
        self.state.index_due = (is_open && self.state.is_index_behind).then(|| now + QUIET_BEFORE_INDEX);
        self.state.backup_due = is_open.then(|| now + QUIET_BEFORE_BACKUP);
    }

    /// Outlives whatever the work does.
    fn guarded(&mut self, tell_panic: fn(String) -> LibraryEvent, work: impl FnOnce(&mut Self)) {
        // What is in the library is whole after a panic: it is only ever changed by whole transactions.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            self.library = None;
            (self.state.index_due, self.state.backup_due) = (None, None);
            self.tell(tell_panic(panic_message(panic.as_ref())));
        }
    }

    fn do_work(&mut self, work: Work) {
        match work {
            Work::Command(command) => {
                if self.closing.is_cancelled() && !command.keeps_something() {
                    return;
                }
                match self.perform(command) {
                    Ok(Some(event)) => self.tell(event),
                    // Whoever looks after folders answers.
                    Ok(None) => {}
                    Err(error) => {
                        self.reopen_if_damaged(&error);
                        self.tell(LibraryEvent::Failed(error.to_string()));
                    }
                }
            }
            Work::Job(job, note) => {
                if let Err(error) = self.keep(job, note) {
                    // That it cannot be opened was told when that was tried.
                    let is_open = self.library.is_some();
                    self.reopen_if_damaged(&error);
                    if is_open {
                        self.warn_once(format!("What became of a job is not kept in the library: {error}."));
                    }
                }
            }
            Work::ListChanged => {
                self.state.has_changed = true;
                self.state.is_index_behind = true;
            }
            Work::Reopen => self.reopen(),
            Work::Close => unreachable!("it ends the loop"),
        }
    }

    fn perform(&mut self, command: LibraryCommand) -> Result<Option<LibraryEvent>, ShelfError> {
        self.library()?;
        self.begin_watching()?;
        let event = match command {
            LibraryCommand::List(request) => {
                let (entries, n_in_all) = self.library()?.list(&request)?;
                LibraryEvent::Listed { request, entries, n_in_all }
            }
            LibraryCommand::Open(id) => {
                let library = self.library()?;
                let entry = library.entry(id)?.ok_or(LibraryError::NoRecording(id.0))?;
                let latest = library.latest_transcript(id)?;
                let changes = match &latest {
                    Some(latest) if latest.n_changes > 0 => library.transcript(id)?.map(|kept| kept.changes),
                    Some(_) | None => None,
                };
                let transcript = latest.map(|latest| Arc::new(latest.transcript));
                LibraryEvent::Opened { entry: Box::new(entry), transcript, changes: changes.unwrap_or_default() }
            }
            LibraryCommand::Add(paths) => return self.order(Order::Add(paths)),
            LibraryCommand::Remove(ids) => {
                let n_removed = self.library()?.remove(&ids)?;
                self.state.has_changed = true;
                LibraryEvent::Done(format!("{n_removed} recordings are no longer in the library; their files stay"))
            }
            LibraryCommand::Save { recording, transcript, changes } => {
                self.library()?.save(recording, &transcript, &changes)?;
                (self.state.has_changed, self.state.is_index_behind) = (true, true);
                LibraryEvent::Done(String::new())
            }
            LibraryCommand::Describe { recording, tags, note } => {
                self.library()?.describe(recording, &tags, &note)?;
                self.state.has_changed = true;
                // A file that is moved takes them along if it is known by its content.
                if !self.closing.is_cancelled() {
                    self.order(Order::Hash(recording))?;
                }
                LibraryEvent::Done(String::new())
            }
            LibraryCommand::Search(request) => {
                let hits = self.library()?.search(&request)?;
                LibraryEvent::Found { request, hits }
            }
            LibraryCommand::Watch(folder, new_files) => {
                let folder = watchable(folder)?;
                self.library()?.watch(&folder, new_files)?;
                return self.order(Order::Watch(folder, Asked::ByUser));
            }
            LibraryCommand::Unwatch(folder) => {
                let folder = absolute(&folder);
                if !self.library()?.unwatch(&folder)? {
                    return Err(ShelfError::NotWatched(folder));
                }
                let text = format!("{} is left alone", folder.display());
                self.order(Order::Unwatch(folder))?;
                LibraryEvent::Done(text)
            }
            LibraryCommand::Versions(recording) => {
                LibraryEvent::Versions { recording, versions: self.library()?.versions(recording)? }
            }
            LibraryCommand::Restore { recording, version } => {
                let library = self.library()?;
                let replaced = library.restore(recording, version)?;
                let kept = library.transcript(recording)?.ok_or(LibraryError::NoRecording(recording.0))?;
                (self.state.has_changed, self.state.is_index_behind) = (true, true);
                let transcript = Arc::new(kept.current.unwrap_or(kept.original));
                LibraryEvent::Restored { recording, transcript, changes: kept.changes, replaced }
            }
            LibraryCommand::Folders => LibraryEvent::Folders(self.library()?.folders()?),
            LibraryCommand::Jobs { limit } => LibraryEvent::Jobs(self.library()?.jobs(limit)?),
            LibraryCommand::LastJob(recording) => {
                let library = self.library()?;
                let job = library.last_job(recording)?.map(Box::new);
                let path = library.entry(recording)?.map(|entry| entry.path);
                let file_hash = path.and_then(|path| self.stored.known_content(&path)).map(|hash| hash.to_string());
                LibraryEvent::LastJob { recording, job, file_hash }
            }
        };
        Ok(Some(event))
    }

    /// Has something done by the thread that looks after folders, which answers.
    fn order(&mut self, order: Order) -> Result<Option<LibraryEvent>, ShelfError> {
        self.folders()?.order(order);
        Ok(None)
    }

    fn keep(&mut self, job: JobId, note: JobNote) -> Result<(), ShelfError> {
        let stored = Arc::clone(&self.stored);
        let end = match note {
            JobNote::Queued(request) => {
                // Once the engine ends, few of those that wait will begin.
                if !self.closing.is_cancelled() {
                    let estimate = self.estimate(job, &request)?;
                    self.tell_estimates(estimate.map(|estimate| (job, estimate)).into_iter().collect());
                }
                return Ok(());
            }
            JobNote::Started(request) => {
                if self.closing.is_cancelled() {
                    // Its record has it all the same. A job that cannot be estimated is one of which nothing is known.
                    self.estimate(job, &request).ok();
                }
                let estimate = self.waiting.take(job);
                let (running, listed) = RunningJob::begin(self.library()?, &stored, request, estimate);
                if let Some(path) = running.listed_elsewhere() {
                    self.tell(LibraryEvent::JobListed { job, path: path.to_path_buf() });
                }
                self.jobs.insert(job, running);
                self.state.has_changed = true;
                return Ok(listed?);
            }
            JobNote::Length(length) => {
                if let Some(running) = self.jobs.get_mut(&job) {
                    running.set_length(length);
                }
                return Ok(());
            }
            JobNote::Done(transcript, report) => End::Done(transcript, report),
            JobNote::Failed(reason) => End::Failed(reason),
            JobNote::Cancelled => End::Cancelled,
        };
        self.waiting.take(job);
        // One that was cancelled before it began left nothing to be kept.
        let Some(running) = self.jobs.remove(&job) else { return Ok(()) };
        let kept = running.end(self.library()?, &stored, end)?;
        (self.state.has_changed, self.state.is_index_behind) = (true, true);
        for warning in kept.warnings {
            self.tell(LibraryEvent::Warning(warning));
        }
        if let Some(related) = kept.related {
            self.tell(LibraryEvent::Related(related));
        }
        if let Some(recording) = kept.to_hash {
            self.order(Order::Hash(recording))?;
        }
        if let Some(library) = self.library.as_ref().filter(|_| !self.closing.is_cancelled()) {
            let news = self.waiting.news(library)?;
            self.tell_estimates(news);
        }
        Ok(())
    }

    fn estimate(&mut self, job: JobId, request: &JobRequest) -> Result<Option<Estimate>, ShelfError> {
        let library = match self.library.take() {
            Some(library) => library,
            None => self.open()?,
        };
        Ok(self.waiting.add(self.library.insert(library), &self.stored, job, request)?)
    }

    fn tell_estimates(&self, estimates: Vec<(JobId, Estimate)>) {
        if !estimates.is_empty() {
            self.tell(LibraryEvent::Estimated(estimates));
        }
    }

    fn library(&mut self) -> Result<&mut Library, ShelfError> {
        let library = match self.library.take() {
            Some(library) => library,
            None => self.open()?,
        };
        Ok(self.library.insert(library))
    }

    /// Opens the library. Where it cannot be, that is tried again with each command, for the user may have mended it.
    fn open(&mut self) -> Result<Library, ShelfError> {
        match Library::open(&library_file(&self.paths)) {
            Ok((library, warnings)) => {
                for warning in warnings {
                    self.tell(LibraryEvent::Warning(warning));
                }
                self.state.told_failure = None;
                self.state.is_index_behind = true;
                Ok(library)
            }
            Err(error) => {
                self.warn_once(format!(
                    "The library cannot be used: {error}. Recordings are transcribed all the same."
                ));
                Err(error.into())
            }
        }
    }

    fn warn_once(&mut self, text: String) {
        if self.state.told_failure.as_ref() != Some(&text) {
            self.tell(LibraryEvent::Warning(text.clone()));
            self.state.told_failure = Some(text);
        }
    }

    fn reopen_if_damaged(&mut self, error: &ShelfError) {
        if let ShelfError::Library(LibraryError::Damaged { .. }) = error {
            self.reopen();
        }
    }

    /// Lets go of the library everywhere, so that who opens it next can put a backup in its place.
    fn reopen(&mut self) {
        self.library = None;
        self.folders = None;
        self.state = State { has_changed: true, told_change: self.state.told_change, ..State::default() };
    }

    fn folders(&mut self) -> Result<&FolderWatch, ShelfError> {
        let folders = if let Some(folders) = self.folders.take() {
            folders
        } else {
            let cancel = CancelToken::default();
            let intake = Intake::new(
                self.paths.clone(),
                Arc::clone(&self.stored),
                self.events.clone(),
                self.works.clone(),
                cancel.clone(),
            );
            FolderWatch::start(intake, cancel).map_err(ShelfError::NoThread)?
        };
        Ok(self.folders.insert(folders))
    }

    /// Looks after the folders from the first question on.
    fn begin_watching(&mut self) -> Result<(), ShelfError> {
        if self.state.is_watching || self.closing.is_cancelled() {
            return Ok(());
        }
        let watched = self.library()?.folders()?;
        self.state.is_watching = true;
        let folders = self.folders()?;
        folders.order(Order::LookForMissing);
        for folder in watched {
            folders.order(Order::Watch(folder.path, Asked::ByNobody));
        }
        folders.order(Order::HashDescribed);
        Ok(())
    }

    /// Does a little of what can wait.
    fn use_spare_time(&mut self) {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        let Some(library) = &mut self.library else { return };
        let done = if is_due(self.state.index_due) {
            library.catch_up(1).map(|n_left| {
                self.state.is_index_behind = n_left > 0;
                self.state.index_due = (n_left > 0).then_some(now);
            })
        } else if is_due(self.state.backup_due) {
            return self.back_up();
        } else {
            Ok(())
        };
        self.warn_of(done);
    }

    /// Backs the library up, if that is due.
    fn back_up(&mut self) {
        self.state.backup_due = None;
        let done = self.library.as_mut().map_or(Ok(()), |library| library.back_up_if_due().map(drop));
        self.warn_of(done);
    }

    fn warn_of(&mut self, done: Result<(), LibraryError>) {
        if let Err(error) = done {
            // The next search catches up, and the next quiet time is used for a backup.
            (self.state.index_due, self.state.backup_due) = (None, None);
            let error = ShelfError::from(error);
            self.reopen_if_damaged(&error);
            self.tell(LibraryEvent::Warning(format!("{error}.")));
        }
    }

    fn tell_warnings(&mut self) {
        let warnings = self.library.as_mut().map(Library::take_warnings).unwrap_or_default();
        for warning in warnings {
            self.tell(LibraryEvent::Warning(warning));
        }
    }

    fn tell_changes(&mut self) {
        let state = &mut self.state;
        if state.has_changed && state.told_change.is_none_or(|told| told.elapsed() >= BETWEEN_CHANGES) {
            (state.has_changed, state.told_change) = (false, Some(Instant::now()));
            self.tell(LibraryEvent::Changed);
        }
    }

    fn tell(&self, event: LibraryEvent) {
        // Nobody reads any more once the engine ends.
        self.events.send(Event::Library(event)).ok();
    }
}

/// What a panic says.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned());
    format!("Hansard made a mistake while it looked after recordings and results ({text}). Please report it")
}

/// A folder that can be looked after, from the root of the file system.
pub(super) fn watchable(folder: PathBuf) -> Result<PathBuf, ShelfError> {
    if folder.is_dir() { Ok(absolute(&folder)) } else { Err(ShelfError::NoFolder(folder)) }
}
