//! The recorder's thread: does one [`RecordCommand`] after the other, and looks after the recording some fifty times a
//! second while one goes on. It never waits for whoever reads its events.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::audio::microphone::{self, DeviceChoice};
use crate::audio::recorder::{
    Ended, Finished, Happening, Input, Output, Plan, Recording, journal_folder, repair_unfinished, tap,
};
use crate::engine::captions::CaptionThread;
use crate::engine::outbox::Outbox;
use crate::models::ModelCache;
use crate::paths::AppPaths;

use super::{
    RecordCommand, RecordEvent, RecordProgress, RecordRequest, RecordSource, RecordedFile, is_recording_name,
    recordings_dir,
};

/// How often sound is taken from the devices.
const TICK: Duration = Duration::from_millis(20);
/// Longest wait for the first sound before the recording is said to have begun.
const START_PATIENCE: Duration = Duration::from_secs(3);
/// Shortest time between two events about the level.
const LEVEL_INTERVAL: Duration = Duration::from_millis(100);
/// Commands that wait; a person gives one at a time.
const COMMAND_CAPACITY: usize = 64;
/// Events that nobody has taken yet. More of them wait in the thread, but for levels, which are dropped.
const EVENT_CAPACITY: usize = 64;

/// The thread. Dropping this ends the recording that goes on, and waits for it.
pub(in crate::engine) struct RecorderThread {
    commands: Option<Sender<RecordCommand>>,
    events: Receiver<RecordEvent>,
    thread: Option<JoinHandle<()>>,
}

impl RecorderThread {
    /// Starts it, and the one that makes captions with models of `models` on so many threads.
    pub(in crate::engine) fn start(paths: AppPaths, models: &ModelCache, n_threads: Option<usize>) -> io::Result<Self> {
        let (commands, command_queue) = bounded(COMMAND_CAPACITY);
        let (event_sink, events) = bounded(EVENT_CAPACITY);
        let captions = CaptionThread::start(&paths, models, n_threads, event_sink.clone())?;
        let run = move || {
            let outbox = Outbox::new(event_sink);
            let mut worker =
                Worker { paths, outbox, captions, recording: None, begun: None, next_level: Instant::now() };
            worker.run(&command_queue);
        };
        let thread = thread::Builder::new().name("hansard-recorder".into()).spawn(run)?;
        Ok(Self { commands: Some(commands), events, thread: Some(thread) })
    }

    /// What it tells.
    pub(in crate::engine) fn events(&self) -> &Receiver<RecordEvent> {
        &self.events
    }

    /// Asks it; the answer is the event to tell at once where it cannot be asked.
    pub(in crate::engine) fn send(&self, command: RecordCommand) -> Option<RecordEvent> {
        let message = match self.commands.as_ref()?.try_send(command) {
            Ok(()) => return None,
            Err(TrySendError::Full(_)) => "the recorder is busy; try again in a moment",
            Err(TrySendError::Disconnected(_)) => "the recorder has ended; restart Hansard",
        };
        Some(RecordEvent::Failed(message.to_owned()))
    }
}

impl Drop for RecorderThread {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the recorder's thread panicked");
        }
    }
}

struct Worker {
    paths: AppPaths,
    outbox: Outbox<RecordEvent>,
    captions: CaptionThread,
    recording: Option<Recording>,
    /// What is told once the first sound is there, and when it is told at the latest.
    begun: Option<(RecordEvent, Instant)>,
    next_level: Instant,
}

impl Worker {
    fn run(&mut self, commands: &Receiver<RecordCommand>) {
        loop {
            // Without a recording there is only something to do when somebody asks, or when events wait.
            let is_idle = self.recording.is_none() && self.outbox.is_empty();
            let command = if is_idle {
                commands.recv().map_err(|_closed| RecvTimeoutError::Disconnected)
            } else {
                commands.recv_timeout(TICK)
            };
            match command {
                Ok(command) => self.guarded(|worker| worker.perform(command)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.guarded(Self::tick);
            self.outbox.flush();
        }
        self.guarded(Self::stop);
    }

    /// A mistake of ours ends the recording, whose file is whole up to then and found at the next start, but nothing else.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            let file = self.recording.take().map(|recording| format!(" ({})", recording.path().display()));
            let message = format!(
                "Hansard made a mistake while recording{}; what was recorded is kept. Please report it",
                file.unwrap_or_default()
            );
            self.outbox.tell(RecordEvent::Failed(message));
        }
    }

    fn perform(&mut self, command: RecordCommand) {
        match command {
            RecordCommand::ListDevices => {
                let devices = microphone::input_devices().map_err(|error| error.to_string());
                self.outbox.tell(RecordEvent::Devices(devices));
            }
            RecordCommand::Repair => {
                for repaired in repair_unfinished(&journal_folder(&recordings_dir(&self.paths))) {
                    self.outbox.tell(RecordEvent::Repaired { path: repaired.path, outcome: repaired.outcome });
                }
                self.outbox.tell(RecordEvent::RepairDone);
            }
            RecordCommand::Prepare(request) => {
                let refusal = self.captions.prepare(request);
                if let Some(event) = refusal {
                    self.outbox.tell(event);
                }
            }
            RecordCommand::Start(_) if self.recording.is_some() => {
                let message = "a recording goes on already; stop it before you begin another";
                self.outbox.tell(RecordEvent::Warning(message.to_owned()));
            }
            RecordCommand::Start(request) => self.start(&request),
            RecordCommand::Pause => {
                if let Some(recording) = &mut self.recording {
                    recording.pause();
                    self.outbox.tell(RecordEvent::Paused);
                }
            }
            RecordCommand::Resume => {
                if let Some(recording) = &mut self.recording {
                    recording.resume();
                    self.outbox.tell(RecordEvent::Resumed);
                }
            }
            RecordCommand::Mark { label } => {
                if let Some(recording) = &mut self.recording {
                    let event = match recording.mark(&label) {
                        Ok(at) => RecordEvent::Marked(at),
                        Err(error) => RecordEvent::Warning(format!("the marker would be lost in a crash: {error}")),
                    };
                    self.outbox.tell(event);
                }
            }
            RecordCommand::Stop => self.stop(),
        }
    }

    fn start(&mut self, request: &RecordRequest) {
        if let Some(path) = request.output.as_ref().filter(|path| !is_recording_name(path)) {
            let path = path.display();
            let message = format!("recordings are WAV files, so the name must end in .wav: {path}");
            self.outbox.tell(RecordEvent::Failed(message));
            return;
        }
        match Recording::start(&self.plan(request)) {
            Ok(mut recording) => {
                let (path, sources) = (recording.path().to_path_buf(), recording.sources());
                let refusal = request.captions.as_ref().and_then(|captions| {
                    let (tap, heard) = tap();
                    recording.listen_in(tap);
                    self.captions.listen(captions.clone(), recording.format(), heard)
                });
                self.recording = Some(recording);
                // Some devices take a second to give anything, and nobody shall speak into nothing meanwhile.
                self.begun = Some((RecordEvent::Started { path, sources }, Instant::now() + START_PATIENCE));
                if let Some(event) = refusal {
                    self.outbox.tell(event);
                }
            }
            Err(error) => self.outbox.tell(RecordEvent::Failed(error.to_string())),
        }
    }

    fn plan(&self, request: &RecordRequest) -> Plan {
        let device =
            |name: &Option<String>| Input::Device(name.clone().map_or(DeviceChoice::Default, DeviceChoice::Named));
        let system = Input::Device(DeviceChoice::SystemAudio);
        let (first, second) = match &request.source {
            RecordSource::Device(name) => (device(name), None),
            RecordSource::System => (system, None),
            RecordSource::Both(name) => (device(name), Some(system)),
            RecordSource::File { path, speed } => (Input::File { path: path.clone(), speed: *speed }, None),
        };
        let folder = recordings_dir(&self.paths);
        Plan {
            first,
            second,
            journals: journal_folder(&folder),
            output: request.output.clone().map_or_else(|| Output::Named { folder, stem: name_of_now() }, Output::File),
            spool_dir: self.paths.cache_dir.clone(),
            limit: request.limit,
        }
    }

    fn tick(&mut self) {
        let Some(recording) = &mut self.recording else { return };
        let mut happenings = Vec::new();
        let ended = recording.tick(&mut happenings);
        let has_sound = recording.duration().0 > 0.0;
        let begun = self.begun.take_if(|(_, latest)| has_sound || ended.is_some() || Instant::now() >= *latest);
        if let Some((event, _)) = begun {
            self.outbox.tell(event);
        }
        for happening in happenings {
            self.outbox.tell(match happening {
                Happening::Lost(text) => RecordEvent::Lost(text),
                Happening::Recovered(text) => RecordEvent::Recovered(text),
                Happening::Warning(text) => RecordEvent::Warning(text),
            });
        }
        if Instant::now() >= self.next_level {
            self.next_level = Instant::now() + LEVEL_INTERVAL;
            let (duration, space_left) = (recording.duration(), recording.space_left());
            let levels = recording.take_levels();
            self.outbox.tell_if_idle(RecordEvent::Level(RecordProgress { duration, space_left, levels }));
        }
        match ended {
            None => {}
            Some(Ended::LimitReached | Ended::SourceEnded) => self.finish(None),
            Some(Ended::NotWritten(problem)) => self.finish(Some(problem)),
        }
    }

    fn stop(&mut self) {
        self.finish(None);
        self.outbox.flush();
    }

    fn finish(&mut self, problem: Option<String>) {
        let Some(recording) = self.recording.take() else { return };
        if let Some((event, _)) = self.begun.take() {
            self.outbox.tell(event);
        }
        match recording.finish() {
            Ok(Finished { path, duration, overrun, warnings }) => {
                for warning in warnings {
                    self.outbox.tell(RecordEvent::Warning(warning));
                }
                self.outbox.tell(RecordEvent::Finished(RecordedFile { path, duration, overrun, problem }));
            }
            Err(error) => self.outbox.tell(RecordEvent::Failed(problem.unwrap_or_else(|| error.to_string()))),
        }
    }
}

/// `Meeting 2026-11-21 14-05`, by the user's clock.
fn name_of_now() -> String {
    jiff::Zoned::now().strftime("Meeting %Y-%m-%d %H-%M").to_string()
}
