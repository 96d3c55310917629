//! Recordings go to the engine, its events to the user, each transcript to whoever wants it. Ctrl-C stops it all: once
//! for an orderly end, twice for an end at once.
//!
//! It does not know what becomes of a transcript: that is the caller's `deliver`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::engine::library::LibraryEvent;
use crate::engine::results::ResultsEvent;
use crate::engine::{Engine, Event, JobId, JobReport, JobRequest};
use crate::files::FileError;
use crate::transcript::Transcript;

use super::progress::Display;
use super::reused::{Reused, summary};

/// Jobs in the engine's queue at a time. A batch may be of any size, but the engine's channels are not.
const MAX_QUEUED: usize = 64;
/// How often Ctrl-C is looked for while nothing happens.
const POLL: Duration = Duration::from_millis(50);
/// Time for a cancelled job to stop by itself. Whoever pressed Ctrl-C wants the prompt back within a second.
const PATIENCE: Duration = Duration::from_millis(800);

const EXIT_CANCELLED: u8 = 130;

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every recording is transcribed and delivered.
    Done,
    /// Some are not; each was reported.
    Failed,
    /// The user pressed Ctrl-C.
    Cancelled,
    /// Whoever read stdout has seen enough (`hansard … | head`), which is no failure.
    ReaderGone,
}

impl Outcome {
    /// The exit code of the program.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Done | Self::ReaderGone => 0,
            Self::Failed => super::FAILED,
            Self::Cancelled => EXIT_CANCELLED,
        }
    }
}

/// A finished job.
#[derive(Debug)]
pub(super) struct Finished<'a> {
    /// Its place among the requests.
    pub(super) request_idx: usize,
    /// The recording.
    pub(super) recording: &'a Path,
    /// What was said.
    pub(super) transcript: &'a Arc<Transcript>,
    /// What it cost.
    pub(super) report: &'a JobReport,
}

/// A transcript did not get to where it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeliveryError {
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Transcribes all recordings in order, shows how it goes, and gives each transcript to `deliver`. A recording that
/// fails is reported and the others are still done.
///
/// # Errors
/// When Ctrl-C cannot be listened for. To be called once in a process, for there is one Ctrl-C.
pub(super) fn run(
    engine: &mut Engine,
    requests: Vec<JobRequest>,
    display: &mut Display,
    deliver: impl FnMut(&Finished<'_>, &Display) -> Result<(), DeliveryError>,
) -> anyhow::Result<Outcome> {
    let mut interrupt = Interrupt::listen().context("cannot listen for Ctrl-C")?;
    let n_requests = requests.len();
    let mut waiting = requests.into_iter().enumerate();
    let jobs = BTreeMap::new();
    let mut batch = Batch { display, deliver, jobs, n_requests, n_failed: 0, done: Vec::new(), reader: Reader::Reads };
    let mut stop: Option<(Outcome, Instant)> = None;
    loop {
        while stop.is_none()
            && batch.jobs.len() < MAX_QUEUED
            && let Some((request_idx, request)) = waiting.next()
        {
            let recording = request.path.clone();
            batch.jobs.insert(engine.transcribe(request), Job { request_idx, recording });
        }
        if batch.jobs.is_empty() {
            break;
        }
        match engine.recv_timeout(POLL) {
            Some(event) => batch.handle(event),
            None if engine.is_running() => {}
            None => anyhow::bail!("the engine has stopped unexpectedly; please report what was being transcribed"),
        }
        let reason = match (interrupt.pressed(), batch.reader) {
            (Pressed::Yes, _) => Some(Outcome::Cancelled),
            (Pressed::No, Reader::Gone) => Some(Outcome::ReaderGone),
            (Pressed::No, Reader::Reads) => None,
        };
        stop = match (stop, reason) {
            (None, Some(reason)) => {
                for job in batch.jobs.keys() {
                    engine.cancel(*job);
                }
                Some((reason, Instant::now() + PATIENCE))
            }
            (stop, _) => stop,
        };
        if let Some((reason, deadline)) = stop
            && Instant::now() >= deadline
        {
            // Results are written by this thread and whole files only, so nothing is half done.
            batch.finish(reason);
            process::exit(reason.exit_code().into());
        }
    }
    let outcome = match stop {
        Some((reason, _)) => reason,
        None if batch.n_failed > 0 => Outcome::Failed,
        None => Outcome::Done,
    };
    batch.finish(outcome);
    Ok(outcome)
}

struct Batch<'a, Deliver> {
    display: &'a mut Display,
    deliver: Deliver,
    /// What is in the engine, queued or running.
    jobs: BTreeMap<JobId, Job>,
    n_requests: usize,
    n_failed: usize,
    /// How much of each finished job was known before.
    done: Vec<Reused>,
    reader: Reader,
}

struct Job {
    request_idx: usize,
    recording: PathBuf,
}

/// Whether somebody still reads what goes to stdout.
#[derive(Clone, Copy)]
enum Reader {
    Reads,
    Gone,
}

impl<Deliver: FnMut(&Finished<'_>, &Display) -> Result<(), DeliveryError>> Batch<'_, Deliver> {
    fn handle(&mut self, event: Event) {
        match event {
            Event::JobStarted(job) => {
                if let Some(job) = self.jobs.get(&job) {
                    self.display.job_started(&job.recording, job.request_idx, self.n_requests);
                }
            }
            Event::Progress(job, progress) => {
                if let Some(job) = self.jobs.get(&job) {
                    self.display.job_progressed(&job.recording, &progress);
                }
            }
            Event::Warning(job, text) => {
                if let Some(job) = self.jobs.get(&job) {
                    self.display.say(&format!("warning: {}: {text}", job.recording.display()));
                }
            }
            Event::Continues(job, at) => {
                if let Some(job) = self.jobs.get(&job) {
                    self.display.tell(&format!("{}: continues at {at}", job.recording.display()));
                }
            }
            Event::Library(LibraryEvent::Warning(text)) | Event::Results(ResultsEvent::Warning(text)) => {
                self.display.say(&format!("warning: {text}"));
            }
            Event::JobDone(job, transcript, report) => {
                if let Some(job) = self.jobs.remove(&job) {
                    self.display.job_ended();
                    self.job_done(&job, &transcript, &report);
                }
            }
            Event::JobFailed(job, text) => {
                if self.jobs.remove(&job).is_some() {
                    self.display.job_ended();
                    self.failed(&text);
                }
            }
            Event::JobCancelled(job) => {
                self.jobs.remove(&job);
                self.display.job_ended();
            }
            // Segments come again in the whole transcript, models and recordings are the window's affair, and nothing is
            // written or saved through the engine here.
            Event::AudioReady(..)
            | Event::Segments(..)
            | Event::Models(_)
            | Event::ModelCache(_)
            | Event::Library(_)
            | Event::Results(_)
            | Event::Recording(_)
            | Event::Playback(_)
            | Event::Voices(_)
            | Event::FileWritten(_)
            | Event::FileNotWritten(..)
            | Event::SettingsNotSaved(_) => {}
        }
    }

    fn job_done(&mut self, job: &Job, transcript: &Arc<Transcript>, report: &JobReport) {
        if transcript.is_empty() {
            self.display
                .say(&format!("note: {}: no speech was found, so the transcript is empty", job.recording.display()));
        }
        let finished = Finished { request_idx: job.request_idx, recording: &job.recording, transcript, report };
        match (self.deliver)(&finished, self.display) {
            Ok(()) => self.done.push(Reused::of(report)),
            Err(DeliveryError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader = Reader::Gone;
            }
            Err(error @ (DeliveryError::Stdout(_) | DeliveryError::File(_))) => {
                self.failed(&format!("{}: {error}", job.recording.display()));
            }
        }
    }

    fn failed(&mut self, text: &str) {
        self.n_failed += 1;
        self.display.say(&format!("error: {text}"));
    }

    fn finish(&mut self, outcome: Outcome) {
        self.display.job_ended();
        if let Some(line) = summary(&self.done) {
            self.display.tell(&line);
        }
        match outcome {
            Outcome::Cancelled => self.display.tell("cancelled"),
            Outcome::Failed if self.n_requests > 1 => {
                self.display.tell(&format!("{} of {} recordings failed", self.n_failed, self.n_requests));
            }
            Outcome::Done | Outcome::Failed | Outcome::ReaderGone => {}
        }
    }
}

/// Whether Ctrl-C was pressed since it was last asked.
#[derive(Clone, Copy)]
enum Pressed {
    Yes,
    No,
}

/// Ctrl-C while jobs run. The first is heard here; once it is heard, or when nobody listens any more (the window is
/// open), another ends the process.
struct Interrupt(Option<Receiver<()>>);

impl Interrupt {
    fn listen() -> Result<Self, ctrlc::Error> {
        let (sender, receiver) = sync_channel(1);
        ctrlc::set_handler(move || {
            if sender.try_send(()).is_err() {
                process::exit(EXIT_CANCELLED.into());
            }
        })?;
        Ok(Self(Some(receiver)))
    }

    fn pressed(&mut self) -> Pressed {
        let pressed = self.0.as_ref().is_some_and(|receiver| receiver.try_recv().is_ok());
        if pressed {
            self.0 = None;
        }
        if pressed { Pressed::Yes } else { Pressed::No }
    }
}
