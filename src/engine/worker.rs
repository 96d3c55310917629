//! The inference thread: runs one job at a time, reports how far it is, and outlives whatever a job does.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use crate::task::{CancelToken, Progress};
use crate::transcript::manifest::Manifest;
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::command::{JobId, JobRequest};
use super::event::{Acoustics, Event, JobProgress, JobReport, LoadedModel, Stage, StageWork};
use super::voices::{VoiceCommand, VoicesAnswer};

/// Shortest time between two progress events of a stage.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// Before this share of a job is done, an estimate of the time left says nothing.
const MIN_FRACTION_FOR_ESTIMATE: f32 = 0.03;

/// Does the work of a job. The engine runs one job at a time on a thread of its own.
pub trait Runner: Send {
    /// Turns a recording into a transcript, reporting through `context`, and stops soon after its token is set.
    fn run(&mut self, request: &JobRequest, context: &JobContext<'_>) -> Result<Transcript, JobError>;

    /// Does something with the enrolled voices that takes a model. An error is a line for the user.
    fn voices(&mut self, command: &VoiceCommand, cancel: &CancelToken) -> Result<VoicesAnswer, String>;
}

/// Why a job has no transcript.
#[derive(Debug)]
pub enum JobError {
    /// It was stopped on request.
    Cancelled,
    /// It failed; the line says what, which file, and what to do.
    Failed(String),
}

/// A job on its way to the inference thread.
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) request: Box<JobRequest>,
    pub(super) cancel: CancelToken,
}

/// What the inference thread does, one after the other.
pub(super) enum Work {
    Job(Job),
    Voices(VoiceCommand, CancelToken),
}

/// Starts the thread. It ends when `work` is closed.
pub(super) fn spawn(
    mut runner: Box<dyn Runner>,
    work: Receiver<Work>,
    events: Sender<Event>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("hansard-inference".into()).spawn(move || {
        for work in work {
            let last_event = match &work {
                Work::Job(job) => run_guarded(runner.as_mut(), job, &events),
                Work::Voices(command, cancel) => voices_guarded(|| runner.voices(command, cancel)),
            };
            if events.send(last_event).is_err() {
                return;
            }
        }
    })
}

/// What comes of work with the enrolled voices, also where it panics: their file is only ever replaced as a whole.
pub(super) fn voices_guarded(work: impl FnOnce() -> Result<VoicesAnswer, String>) -> Event {
    let answer = catch_unwind(AssertUnwindSafe(work));
    Event::Voices(answer.unwrap_or_else(|panic| {
        let what = panic_message(panic.as_ref());
        Err(format!("Hansard made a mistake with the voices ({what}). Please report it"))
    }))
}

fn run_guarded(runner: &mut dyn Runner, job: &Job, events: &Sender<Event>) -> Event {
    if job.cancel.is_cancelled() {
        return Event::JobCancelled(job.id);
    }
    let context = JobContext::new(job.id, &job.cancel, events);
    context.emit(Event::JobStarted(job.id));
    // The runner keeps only loaded models between jobs, and those do not change once loaded: a panic leaves it whole.
    match catch_unwind(AssertUnwindSafe(|| runner.run(&job.request, &context))) {
        Ok(Ok(transcript)) => Event::JobDone(job.id, Arc::new(transcript), context.report()),
        Ok(Err(JobError::Cancelled)) => Event::JobCancelled(job.id),
        Ok(Err(JobError::Failed(message))) => Event::JobFailed(job.id, message),
        Err(panic) => {
            let (path, what) = (job.request.path.display(), panic_message(panic.as_ref()));
            let message =
                format!("{path}: Hansard made a mistake while working on this recording ({what}). Please report it");
            Event::JobFailed(job.id, message)
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What a job reports through.
pub struct JobContext<'a> {
    job: JobId,
    cancel: &'a CancelToken,
    events: &'a Sender<Event>,
    started: Instant,
    clock: Mutex<StageClock>,
}

/// Which stage runs, and what the stages before it took.
#[derive(Default)]
struct StageClock {
    finished: Vec<(Stage, Seconds)>,
    running: Option<(Stage, Instant)>,
    last_report: Option<Instant>,
    /// Share of the job that is done; never goes back.
    fraction: f32,
    work: BTreeMap<Stage, StageWork>,
    /// Warnings that the user has seen.
    told: BTreeSet<String>,
    manifest: Option<Arc<Manifest>>,
    acoustics: Option<Arc<Acoustics>>,
}

impl<'a> JobContext<'a> {
    fn new(job: JobId, cancel: &'a CancelToken, events: &'a Sender<Event>) -> Self {
        Self { job, cancel, events, started: Instant::now(), clock: Mutex::default() }
    }

    /// The token that stops this job.
    pub fn cancel(&self) -> &CancelToken {
        self.cancel
    }

    /// Runs a stage, which reports its progress through the argument. Its time goes into the job's report, together with
    /// that of earlier runs of the same stage. A stage does not run within another.
    pub fn stage<T>(&self, stage: Stage, work: impl FnOnce(&Progress<'_>) -> T) -> T {
        self.clock().running = Some((stage, Instant::now()));
        self.report_progress(stage, 0.0);
        let report = |fraction| self.report_progress(stage, fraction);
        let result = work(&Progress::new(self.cancel, &report));
        let mut clock = self.clock();
        if let Some((_, since)) = clock.running.take() {
            let taken = Seconds(since.elapsed().as_secs_f64());
            tracing::debug!("{stage:?} took {:.3} s", taken.0);
            match clock.finished.iter_mut().find(|(finished, _)| *finished == stage) {
                Some((_, before)) => before.0 += taken.0,
                None => clock.finished.push((stage, taken)),
            }
        }
        clock.last_report = None;
        result
    }

    /// Tells the length of the recording.
    pub fn audio_ready(&self, duration: Seconds) {
        self.emit(Event::AudioReady(self.job, duration));
    }

    /// Hands out the next part of the transcript.
    pub fn segments(&self, segments: &[Segment]) {
        self.emit(Event::Segments(self.job, segments.to_vec()));
    }

    /// Tells that the text up to here was known before the job began.
    pub fn continues_at(&self, time: Seconds) {
        self.emit(Event::Continues(self.job, time));
    }

    /// Tells the user something, once; the job goes on.
    pub fn warn(&self, warning: String) {
        if self.clock().told.insert(warning.clone()) {
            self.emit(Event::Warning(self.job, warning));
        }
    }

    /// Notes for the report that a stage computed so many pieces of its work, and found so many stored.
    pub fn worked(&self, stage: Stage, n_computed: usize, n_reused: usize) {
        let mut clock = self.clock();
        let work = clock.work.entry(stage).or_insert(StageWork { stage, n_computed: 0, n_reused: 0 });
        work.n_computed += n_computed;
        work.n_reused += n_reused;
    }

    /// Tells which models are in memory now.
    pub fn models(&self, models: Vec<LoadedModel>) {
        self.emit(Event::Models(models));
    }

    fn report_progress(&self, stage: Stage, stage_fraction: f32) {
        let mut clock = self.clock();
        let now = Instant::now();
        if clock.last_report.is_some_and(|last| now - last < PROGRESS_INTERVAL) {
            return;
        }
        clock.last_report = Some(now);
        let (before, share) = share_of_job(stage);
        clock.fraction = clock.fraction.max(before + share * stage_fraction);
        let job_fraction = clock.fraction;
        drop(clock);
        let elapsed_secs = self.started.elapsed().as_secs_f64();
        let remaining = (job_fraction >= MIN_FRACTION_FOR_ESTIMATE)
            .then(|| Seconds(elapsed_secs * f64::from(1.0 - job_fraction) / f64::from(job_fraction)));
        self.emit(Event::Progress(self.job, JobProgress { stage, stage_fraction, job_fraction, remaining }));
    }

    /// Notes for the report what the transcript was made of.
    pub fn made_of(&self, manifest: Manifest) {
        self.clock().manifest = Some(Arc::new(manifest));
    }

    /// Notes for the report what the recording sounds like.
    pub fn sounds_like(&self, acoustics: Acoustics) {
        self.clock().acoustics = Some(Arc::new(acoustics));
    }

    fn report(&self) -> JobReport {
        let clock = self.clock();
        let (stages, work) = (clock.finished.clone(), clock.work.values().copied().collect());
        let (manifest, acoustics) = (clock.manifest.clone(), clock.acoustics.clone());
        JobReport { stages, work, manifest, acoustics, total: Seconds(self.started.elapsed().as_secs_f64()) }
    }

    fn emit(&self, event: Event) {
        // The engine reads until this thread has ended; if it is gone, so is everybody who could read this.
        if self.events.send(event).is_err() {
            self.cancel.cancel();
        }
    }

    fn clock(&self) -> std::sync::MutexGuard<'_, StageClock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What share of a job is done before a stage begins, and the share of the stage: measured on the demo meetings.
fn share_of_job(stage: Stage) -> (f32, f32) {
    match stage {
        Stage::Decode => (0.0, 0.05),
        Stage::LoadModels => (0.05, 0.05),
        Stage::Speech => (0.1, 0.35),
        Stage::Transcribe => (0.45, 0.25),
        Stage::Align => (0.7, 0.15),
        Stage::Diarize => (0.85, 0.13),
        Stage::Recognise => (0.98, 0.02),
    }
}
