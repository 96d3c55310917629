//! The thread that fetches models, one at a time. Pausing ends a download and keeps what is there of it; who asks again
//! goes on from there, also after a restart. So a paused download holds neither a connection nor a lock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::Sender;

use crate::engine::event::Event;
use crate::engine::models::{DownloadState, Fetched, ModelsEvent, Rate};
use crate::models::catalog::{Entry, Source};
use crate::models::download::{self, Activity, DownloadControl};
use crate::models::{ModelCache, ObtainStep, ObtainWatch};
use crate::units::Seconds;

use super::waiting::telling;
use super::worker::{BETWEEN_REPORTS, Work, discard, lock, panic_message};
use super::{ModelsError, listing, obtaining};

/// The thread that fetches. Dropping this ends what it does, keeps what has arrived, and waits for it.
pub(super) struct Downloads {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    models: ModelCache,
    events: Sender<Event>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<String>,
    running: Option<Running>,
    is_closing: bool,
}

struct Running {
    model: String,
    control: DownloadControl,
    ending: Ending,
}

/// How a download shall end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// When all is there.
    Finished,
    /// Now, to go on later.
    Paused,
    /// Now, and nothing of it shall stay.
    Cancelled,
}

impl Downloads {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub(super) fn start(models: ModelCache, events: Sender<Event>) -> io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new(), models, events });
        let worker = shared.clone();
        let thread = thread::Builder::new().name("hansard-downloads".into()).spawn(move || worker.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Fetches a model when those before it are here. What is returned is to be told.
    pub(super) fn fetch(&self, model: String) -> Option<ModelsEvent> {
        let mut queue = lock(&self.shared.queue);
        let is_running =
            queue.running.as_ref().is_some_and(|running| running.model == model && running.ending == Ending::Finished);
        if is_running || queue.waiting.contains(&model) {
            return None;
        }
        queue.waiting.push_back(model.clone());
        drop(queue);
        self.shared.changed.notify_one();
        Some(ModelsEvent::Download { model, state: DownloadState::Waiting })
    }

    /// Stops a download and keeps what is there of it. What is returned remains to be done.
    pub(super) fn pause(&self, model: String) -> Option<Work> {
        let mut queue = lock(&self.shared.queue);
        if queue.withdraw(&model) {
            return Some(Work::TellPaused(model));
        }
        queue.end(&model, Ending::Paused);
        None
    }

    /// Stops a download and removes what is there of it. What is returned remains to be done.
    pub(super) fn cancel(&self, model: String) -> Option<Work> {
        let mut queue = lock(&self.shared.queue);
        let is_withdrawn = queue.withdraw(&model);
        if !is_withdrawn && queue.end(&model, Ending::Cancelled) {
            return None;
        }
        Some(Work::Discard(model))
    }
}

impl Queue {
    /// Takes a model out that waits; true if it did.
    fn withdraw(&mut self, model: &str) -> bool {
        let n_before = self.waiting.len();
        self.waiting.retain(|waiting| waiting != model);
        self.waiting.len() < n_before
    }

    /// Ends the download that runs; true if it is this one.
    fn end(&mut self, model: &str, ending: Ending) -> bool {
        let Some(running) = self.running.as_mut().filter(|running| running.model == model) else { return false };
        running.ending = ending;
        running.control.cancel();
        true
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.is_closing = true;
        if let Some(running) = &queue.running {
            running.control.cancel();
        }
        drop(queue);
        self.shared.changed.notify_one();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread for downloads panicked");
        }
    }
}

impl Shared {
    fn run(&self) {
        while let Some((model, control)) = self.next() {
            // What is on disk is whole after a panic: it is only ever changed by whole steps.
            let done = catch_unwind(AssertUnwindSafe(|| self.fetch(&model, &control)));
            let ending = lock(&self.queue).running.take().map_or(Ending::Finished, |running| running.ending);
            for warning in self.models.take_warnings() {
                self.tell(ModelsEvent::Warning(warning));
            }
            let state = match (done, ending) {
                (Ok(Ok(())), _) => DownloadState::Done,
                (Ok(Err(_)), Ending::Paused) => DownloadState::Paused(listing::fetched(&self.models, &model)),
                (Ok(Err(_)), Ending::Cancelled) => {
                    if let Err(error) = discard(&self.models, &model) {
                        self.tell(ModelsEvent::Warning(format!("{error}.")));
                    }
                    DownloadState::Cancelled
                }
                (Ok(Err(error)), Ending::Finished) => DownloadState::Failed(error.to_string()),
                (Err(panic), _) => DownloadState::Failed(panic_message(panic.as_ref())),
            };
            self.tell(ModelsEvent::Download { model, state });
        }
    }

    /// Waits for a model to fetch. `None`: the engine ends.
    fn next(&self) -> Option<(String, DownloadControl)> {
        let mut queue = lock(&self.queue);
        loop {
            if queue.is_closing {
                return None;
            }
            if let Some(model) = queue.waiting.pop_front() {
                let control = DownloadControl::default();
                let running = Running { model: model.clone(), control: control.clone(), ending: Ending::Finished };
                queue.running = Some(running);
                return Some((model, control));
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Fetches a model with those that it cannot work without.
    fn fetch(&self, model: &str, control: &DownloadControl) -> Result<(), ModelsError> {
        let entries = obtaining::entries_of(&[model.to_owned()])?;
        let stop = control.clone();
        let is_stopped = move || stop.state() == download::DownloadState::Cancelled;
        let models = telling(&self.models, is_stopped, |waiting| tracing::info!("{waiting}"));
        let sizes: Vec<u64> = entries.iter().map(|entry| entry.download_bytes.unwrap_or_default()).collect();
        let mut done_bytes = 0;
        let mut keys = Vec::new();
        for (n, entry) in entries.iter().enumerate().filter(|(_, entry)| is_published(entry)) {
            let later_bytes: u64 = sizes[n + 1..].iter().sum();
            let teller = Teller {
                shared: self,
                model,
                done_bytes,
                later_bytes,
                told: Cell::new(None),
                last: RefCell::default(),
            };
            let watch = ObtainWatch { control, tell: &|step| teller.tell(step) };
            let key = models.usual_key(entry);
            models.obtain(entry, &key, &watch)?;
            keys.push(key);
            done_bytes += sizes[n];
        }
        models.keep_disk_budget(&keys)?;
        Ok(())
    }

    fn tell(&self, event: ModelsEvent) {
        // Nobody reads any more once the engine ends.
        self.events.send(Event::ModelCache(event)).ok();
    }
}

fn is_published(entry: &Entry) -> bool {
    matches!(entry.source, Source::Hub { .. })
}

/// Tells how far a download is, not too often, and nothing twice.
struct Teller<'a> {
    shared: &'a Shared,
    model: &'a str,
    /// Of the parts before this one, and of those after it.
    done_bytes: u64,
    later_bytes: u64,
    told: Cell<Option<Instant>>,
    last: RefCell<Option<DownloadState>>,
}

impl Teller<'_> {
    fn tell(&self, step: ObtainStep) {
        let state = match step {
            ObtainStep::Download(progress) => match progress.activity {
                Activity::Asking => DownloadState::Waiting,
                Activity::Downloading | Activity::Paused | Activity::Waiting { .. } => {
                    let fetched = Fetched {
                        n_bytes: self.done_bytes + progress.n_bytes_done,
                        total_bytes: self.done_bytes + progress.n_bytes + self.later_bytes,
                    };
                    let bytes_per_sec = (progress.bytes_per_sec > 0.0).then_some(progress.bytes_per_sec);
                    DownloadState::Running(fetched, Rate { bytes_per_sec, remaining: progress.secs_left.map(Seconds) })
                }
            },
            ObtainStep::Verify { .. } | ObtainStep::Prepare => DownloadState::Preparing,
        };
        let is_running = matches!(state, DownloadState::Running(..));
        let is_soon = self.told.get().is_some_and(|told| told.elapsed() < BETWEEN_REPORTS);
        if (is_running && is_soon) || self.last.borrow().as_ref() == Some(&state) {
            return;
        }
        self.told.set(Some(Instant::now()));
        self.last.replace(Some(state.clone()));
        self.shared.tell(ModelsEvent::Download { model: self.model.to_owned(), state });
    }
}
