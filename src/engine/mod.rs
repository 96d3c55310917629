//! The engine: takes [`Command`]s, works in threads of its own, answers with [`Event`]s.
//!
//! ```text
//! window / command line ──Command──▶ hansard-engine ──job──▶ hansard-inference
//!                       ◀───Event──        │        ◀─Event──        │ models
//!                                          ├────▶ hansard-models, hansard-downloads
//!                                          └────▶ hansard-library, hansard-folders, hansard-results
//! ```
//! The engine thread coordinates and writes files; it is the sole owner of the queue. The inference thread runs one job
//! at a time. So a command is answered while an hour of audio is being transcribed. The models are shared: what is loaded,
//! unloaded or fetched for the window happens in threads of its own. Threads that watch the memory unload what is in the
//! way. What becomes of jobs is kept in the library, folders are looked after and the stored results looked through by
//! threads of their own, too. The command line asks the functions in [`models`] and [`shelf`] instead and waits for them.
//! Cancelling does not queue: [`Engine::cancel`] sets the job's token, which the computation polls.

mod bench;
mod captions;
mod command;
mod coordinator;
mod event;
mod job;
pub mod library;
mod model_cache;
pub mod model_work;
pub mod models;
pub mod one_window;
mod outbox;
pub mod playback;
pub mod provenance;
mod queue;
pub mod recording;
pub mod results;
mod reuse;
pub mod shelf;
pub mod voices;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::models::ModelCache;
use crate::paths::AppPaths;
use crate::settings::ModelSettings;

use coordinator::Threads;
use model_cache::{ModelThreads, Watchers};
use playback::{PlayerThread, SystemOutputs};
use recording::RecorderThread;
use shelf::ShelfThreads;

pub use crate::models::catalog::{DEFAULT_DIARIZATION, DEFAULT_MODEL};
pub use crate::models::convert::convert_whisper;
pub use crate::task::CancelToken;
pub use bench::{BenchError, BenchModel, BenchReport, BenchRequest, DecodeTiming, MemoryUse, measure_stages};
pub use command::{
    Alignment, Command, ComputeDevice, ComputeType, DEFAULT_BATCH_SIZE, Diarize, Hints, JobId, JobRequest,
    MAX_SPEAKERS, Mode, Numerals, PreviousText, Rank, Reuse, SpeakerCount, SpeakerRequest, Task,
};
pub use event::{Acoustics, Event, JobProgress, JobReport, LoadedModel, Stage, StageWork};
pub use job::one_line;
pub use worker::{JobContext, JobError, Runner};

/// Called after every event, from the engine's thread: the window asks for a repaint here.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Room for events that nobody has read yet. A hidden window may read none for hours: a job of 20 hours has fewer
/// events than this when progress, which is droppable, is left out.
const EVENT_CAPACITY: usize = 8192;
/// Room between the threads for models and the engine's, which never waits for long.
const MODEL_EVENT_CAPACITY: usize = 64;

/// The handle to a running engine. Dropping it cancels what runs and waits for the threads to end.
pub struct Engine {
    commands: Option<Sender<Command>>,
    events: Receiver<Event>,
    cancels: BTreeMap<JobId, CancelToken>,
    n_jobs: u64,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts an engine that runs jobs with the models of this installation on `n_threads` threads (`None`: as many
    /// as the machine has cores).
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start(paths: AppPaths, n_threads: Option<usize>, wake: Wake) -> io::Result<Self> {
        Self::start_with_settings(paths, &ModelSettings::default(), n_threads, wake)
    }

    /// The same, with the models as the user set them up.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start_with_settings(
        paths: AppPaths,
        settings: &ModelSettings,
        n_threads: Option<usize>,
        wake: Wake,
    ) -> io::Result<Self> {
        let models = model_cache::open(&paths, settings);
        let model_events = bounded(MODEL_EVENT_CAPACITY);
        let watchers = Watchers::start(&models, settings, &model_events.0);
        let results = reuse::folder(&paths, settings).map(|folder| (folder, reuse::limits(settings)));
        let runner = job::Transcriber::new(paths.clone(), models.clone(), watchers, results, n_threads)?;
        let n_threads = n_threads.unwrap_or_else(model_cache::n_cores);
        let threads = ModelThreads::start(&models, &paths, settings, n_threads, model_events)?;
        let shelf = ShelfThreads::start(&paths, settings)?;
        let recorder = RecorderThread::start(paths.clone(), &models, Some(n_threads))?;
        let player = PlayerThread::start(&paths, settings, Box::new(SystemOutputs))?;
        Self::launch(paths, Box::new(runner), Threads { models: threads, shelf, recorder, player }, wake)
    }

    /// Starts an engine that runs jobs with `runner`.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start_with(paths: AppPaths, runner: Box<dyn Runner>, wake: Wake) -> io::Result<Self> {
        let (models, settings) = (ModelCache::new(paths.clone()), ModelSettings::default());
        let model_events = bounded(MODEL_EVENT_CAPACITY);
        let threads = ModelThreads::start(&models, &paths, &settings, model_cache::n_cores(), model_events)?;
        let shelf = ShelfThreads::start(&paths, &settings)?;
        let recorder = RecorderThread::start(paths.clone(), &models, None)?;
        let player = PlayerThread::start(&paths, &settings, Box::new(SystemOutputs))?;
        Self::launch(paths, runner, Threads { models: threads, shelf, recorder, player }, wake)
    }

    fn launch(paths: AppPaths, runner: Box<dyn Runner>, threads: Threads, wake: Wake) -> io::Result<Self> {
        // The only channel without a bound: whoever sends is the window, which never waits, and commands are few and small.
        let (commands, command_queue) = unbounded();
        let (event_sink, events) = bounded(EVENT_CAPACITY);
        let thread = coordinator::spawn(paths, runner, threads, command_queue, event_sink, wake)?;
        Ok(Self { commands: Some(commands), events, cancels: BTreeMap::new(), n_jobs: 0, thread: Some(thread) })
    }

    /// Puts a recording into the queue. Its events carry the number returned.
    pub fn transcribe(&mut self, request: JobRequest) -> JobId {
        self.transcribe_ranked(request, Rank::Wanted)
    }

    /// The same, for a job that nobody may wait for.
    pub fn transcribe_ranked(&mut self, request: JobRequest, rank: Rank) -> JobId {
        self.n_jobs += 1;
        let job = JobId(self.n_jobs);
        let cancel = CancelToken::default();
        self.cancels.insert(job, cancel.clone());
        self.send(Command::Transcribe { job, request: Box::new(request), rank, cancel });
        job
    }

    /// Does a queued job before all others that are queued. One that runs or has ended stays as it is.
    pub fn prefer(&self, job: JobId) {
        self.send(Command::Prefer(job));
    }

    /// Stops a job, queued or running; [`Event::JobCancelled`] follows unless it ended before.
    pub fn cancel(&self, job: JobId) {
        if let Some(cancel) = self.cancels.get(&job) {
            cancel.cancel();
            self.send(Command::Unqueue(job));
        }
    }

    /// Whether the engine thread is alive; once it is not, no event will come any more.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Sends any other command.
    pub fn send(&self, command: Command) {
        let is_sent = self.commands.as_ref().is_some_and(|commands| commands.send(command).is_ok());
        if !is_sent {
            tracing::error!("the engine thread has ended; a command was lost");
        }
    }

    /// The next event, if there is one.
    pub fn try_recv(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Waits for the next event, at most `patience`. `None`: nothing happened, or the engine has ended.
    pub fn recv_timeout(&self, patience: Duration) -> Option<Event> {
        self.events.recv_timeout(patience).ok()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for cancel in self.cancels.values() {
            cancel.cancel();
        }
        self.commands = None;
        // What came after the last look is still told to the log.
        self.events.try_iter().for_each(|event| shelf::log_warning(&event));
        // Nobody reads any more: let the engine thread fail to send instead of waiting for room.
        self.events = crossbeam_channel::never();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the engine thread panicked");
        }
    }
}
