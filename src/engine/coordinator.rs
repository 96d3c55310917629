//! The engine thread: owns the queue, hands one job at a time to the inference thread, passes its events and those
//! about models and the library on, has the library keep what becomes of jobs, and writes files. Nothing here computes
//! or waits for a computation.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, SendError, Sender, TrySendError, bounded, select};

use crate::files;
use crate::paths::AppPaths;
use crate::task::CancelToken;

use super::Wake;
use super::command::{Command, JobId, JobRequest, Rank};
use super::event::Event;
use super::library::LibraryCommand;
use super::model_cache::ModelThreads;
use super::models::{DownloadState, ModelsEvent};
use super::playback::{PlayEvent, PlayerThread};
use super::queue::Queue;
use super::recording::{RecordEvent, RecorderThread};
use super::shelf::{self, JobNote, ShelfThreads};
use super::voices;
use super::worker::{self, Job, Runner, Work};

/// Room between the inference thread and this one, which never waits for long.
const WORKER_EVENT_CAPACITY: usize = 64;
/// Places in the event queue that progress leaves free for events that matter.
const RESERVED_FOR_RESULTS: usize = 1024;

/// The threads that do what takes long and is no job.
pub(super) struct Threads {
    pub(super) models: ModelThreads,
    pub(super) shelf: ShelfThreads,
    pub(super) recorder: RecorderThread,
    pub(super) player: PlayerThread,
}

/// Starts the engine thread and, from it, the inference thread. It ends when `commands` is closed.
pub(super) fn spawn(
    paths: AppPaths,
    runner: Box<dyn Runner>,
    threads: Threads,
    commands: Receiver<Command>,
    events: Sender<Event>,
    wake: Wake,
) -> io::Result<JoinHandle<()>> {
    let (work, work_queue) = bounded(1);
    let (worker_sink, worker_events) = bounded(WORKER_EVENT_CAPACITY);
    let worker = worker::spawn(runner, work_queue, worker_sink)?;
    thread::Builder::new().name("hansard-engine".into()).spawn(move || {
        let mut coordinator = Coordinator {
            paths,
            work,
            events,
            wake,
            queue: Queue::default(),
            running: None,
            next_request: None,
            voices_cancel: CancelToken::default(),
            threads,
        };
        coordinator.run(&commands, &worker_events);
        coordinator.voices_cancel.cancel();
        // Closing both channels lets the inference thread finish its job (which was cancelled) and end; first that of its
        // events, so that it does not wait for room while the threads for models and the library end.
        drop(worker_events);
        drop(coordinator);
        if worker.join().is_err() {
            tracing::error!("the inference thread panicked");
        }
    })
}

struct Coordinator {
    paths: AppPaths,
    work: Sender<Work>,
    events: Sender<Event>,
    wake: Wake,
    queue: Queue,
    running: Option<Running>,
    /// What was asked of the job that was handed over last, until it begins.
    next_request: Option<Box<JobRequest>>,
    /// Stops work on voices when the engine ends; jobs have tokens of their own.
    voices_cancel: CancelToken,
    threads: Threads,
}

/// What the inference thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Running {
    Job(JobId),
    Voices,
}

impl Coordinator {
    fn run(&mut self, commands: &Receiver<Command>, worker_events: &Receiver<Event>) {
        let (model_events, shelf_events) = (self.threads.models.events().clone(), self.threads.shelf.events().clone());
        let (recorder_events, play_events) =
            (self.threads.recorder.events().clone(), self.threads.player.events().clone());
        loop {
            select! {
                recv(commands) -> command => match command {
                    Ok(command) => self.handle_command(command),
                    Err(_) => return,
                },
                recv(worker_events) -> event => match event {
                    Ok(event) => self.handle_worker_event(event),
                    Err(_) => return,
                },
                recv(model_events) -> event => match event {
                    Ok(event) => self.emit(event),
                    Err(_) => return,
                },
                recv(shelf_events) -> event => match event {
                    Ok(event) => self.emit(event),
                    Err(_) => return,
                },
                recv(recorder_events) -> event => match event {
                    Ok(event) => self.handle_recorder_event(event),
                    Err(_) => return,
                },
                recv(play_events) -> event => match event {
                    Ok(event) => self.emit(Event::Playback(event)),
                    Err(_) => return,
                },
            }
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Transcribe { job, request, rank, cancel } => {
                self.threads.shelf.note(job, JobNote::Queued(request.clone()));
                self.queue.push(rank, Work::Job(Job { id: job, request, cancel }));
                self.start_next();
            }
            Command::Unqueue(job) => {
                if self.queue.remove(job) {
                    self.threads.shelf.note(job, JobNote::Cancelled);
                    self.emit(Event::JobCancelled(job));
                }
            }
            Command::Prefer(job) => self.queue.prefer(job),
            Command::WriteFile { path, bytes, keep } => {
                let event = if is_one_of(&path, &keep) {
                    let message = format!("{} is a recording and is kept; choose another name", path.display());
                    Event::FileNotWritten(path, message)
                } else {
                    match files::write_atomic(&path, &bytes) {
                        Ok(()) => Event::FileWritten(path),
                        Err(error) => Event::FileNotWritten(path, error.to_string()),
                    }
                };
                self.emit(event);
            }
            Command::Voices(command) if command.needs_inference() => {
                self.queue.push(Rank::Wanted, Work::Voices(command, self.voices_cancel.clone()));
                self.start_next();
            }
            Command::Voices(command) => {
                let perform = || voices::perform_alone(&command, &self.paths).map_err(|error| error.to_string());
                self.emit(worker::voices_guarded(perform));
            }
            Command::Models(command) => {
                if let Some(event) = self.threads.models.send(command) {
                    self.emit(Event::ModelCache(event));
                }
            }
            Command::Library(command) => self.threads.shelf.send(command),
            Command::Results(command) => self.threads.shelf.send_results(command),
            Command::Record(command) => {
                if let Some(event) = self.threads.recorder.send(command) {
                    self.emit(Event::Recording(event));
                }
            }
            Command::Play(command) => {
                if let Some(event) = self.threads.player.send(command) {
                    self.emit(Event::Playback(event));
                }
            }
            Command::SaveSettings(settings) => {
                if let Err(error) = settings.save(&self.paths.settings_file()) {
                    self.emit(Event::SettingsNotSaved(error.to_string()));
                }
            }
            Command::SaveWindow(window) => {
                if let Err(error) = window.save(&self.paths.window_file()) {
                    tracing::warn!("{error}");
                }
            }
        }
    }

    fn handle_worker_event(&mut self, event: Event) {
        let has_ended = match &event {
            Event::JobDone(job, ..) | Event::JobFailed(job, _) | Event::JobCancelled(job) => {
                self.running == Some(Running::Job(*job))
            }
            Event::Voices(_) => self.running == Some(Running::Voices),
            Event::JobStarted(_)
            | Event::Progress(..)
            | Event::AudioReady(..)
            | Event::Continues(..)
            | Event::Segments(..)
            | Event::Warning(..)
            | Event::Models(_)
            | Event::ModelCache(_)
            | Event::Library(_)
            | Event::Results(_)
            | Event::Recording(_)
            | Event::Playback(_)
            | Event::FileWritten(_)
            | Event::FileNotWritten(..)
            | Event::SettingsNotSaved(_) => false,
        };
        // First: whoever hears that a job is done may end the engine, and then the library knows already.
        self.note(&event);
        self.emit(event);
        if has_ended {
            self.running = None;
            self.start_next();
        }
    }

    /// Recordings go into the library first: whoever hears of their end may end the engine.
    fn handle_recorder_event(&mut self, event: RecordEvent) {
        let ended = match &event {
            RecordEvent::Finished(file) => Some(&file.path),
            RecordEvent::Repaired { path, outcome: Ok(_) } => Some(path),
            RecordEvent::Repaired { outcome: Err(_), .. }
            | RecordEvent::Devices(_)
            | RecordEvent::Started { .. }
            | RecordEvent::Level(_)
            | RecordEvent::Paused
            | RecordEvent::Resumed
            | RecordEvent::Marked(_)
            | RecordEvent::Lost(_)
            | RecordEvent::Recovered(_)
            | RecordEvent::Warning(_)
            | RecordEvent::Caption(_)
            | RecordEvent::CaptionsReady
            | RecordEvent::CaptionsBehind(_)
            | RecordEvent::CaptionsFailed(_)
            | RecordEvent::CaptionsDone
            | RecordEvent::Failed(_)
            | RecordEvent::RepairDone => None,
        };
        if let Some(path) = ended {
            self.threads.shelf.send(LibraryCommand::Add(vec![path.clone()]));
        }
        self.emit(Event::Recording(event));
    }

    /// Tells the library what becomes of a job.
    fn note(&mut self, event: &Event) {
        let (job, note) = match event {
            Event::JobStarted(job) => match self.next_request.take() {
                Some(request) => (*job, JobNote::Started(request)),
                None => return,
            },
            Event::AudioReady(job, length) => (*job, JobNote::Length(*length)),
            Event::JobDone(job, transcript, report) => (*job, JobNote::Done(transcript.clone(), report.clone())),
            Event::JobFailed(job, reason) => (*job, JobNote::Failed(reason.clone())),
            Event::JobCancelled(job) => (*job, JobNote::Cancelled),
            Event::Progress(..)
            | Event::Continues(..)
            | Event::Segments(..)
            | Event::Warning(..)
            | Event::Models(_)
            | Event::ModelCache(_)
            | Event::Library(_)
            | Event::Results(_)
            | Event::Recording(_)
            | Event::Playback(_)
            | Event::Voices(_)
            | Event::FileWritten(_)
            | Event::FileNotWritten(..)
            | Event::SettingsNotSaved(_) => return,
        };
        self.threads.shelf.note(job, note);
    }

    fn start_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        while let Some(work) = self.queue.pop() {
            let (running, next_request) = match &work {
                Work::Job(job) => (Running::Job(job.id), Some(job.request.clone())),
                Work::Voices(..) => (Running::Voices, None),
            };
            (self.running, self.next_request) = (Some(running), next_request);
            // The inference thread is idle, so the one place in its queue is free.
            let Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) = self.work.try_send(work) else {
                return;
            };
            self.running = None;
            let message = "the inference thread has ended; restart Hansard".to_owned();
            self.emit(match work {
                Work::Job(job) => Event::JobFailed(job.id, message),
                Work::Voices(..) => Event::Voices(Err(message)),
            });
        }
    }

    fn emit(&self, event: Event) {
        let is_droppable = matches!(
            event,
            Event::Progress(..)
                | Event::Recording(RecordEvent::Level(_))
                | Event::Playback(PlayEvent::Position(_))
                | Event::ModelCache(
                    ModelsEvent::Working { .. } | ModelsEvent::Download { state: DownloadState::Running(..), .. }
                )
        );
        let room = self.events.capacity().map_or(usize::MAX, |capacity| capacity - self.events.len());
        if is_droppable && room <= RESERVED_FOR_RESULTS {
            return;
        }
        // Fails only once the handle is being dropped, when nobody but the log wants to know.
        match self.events.send(event) {
            Ok(()) => (self.wake)(),
            Err(SendError(event)) => shelf::log_warning(&event),
        }
    }
}

/// Whether `path` names one of `files`, by whatever way.
fn is_one_of(path: &Path, files: &[PathBuf]) -> bool {
    let Ok(target) = path.canonicalize() else { return false };
    files.iter().any(|file| file.canonicalize().is_ok_and(|file| file == target))
}
