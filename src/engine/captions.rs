//! The thread that makes captions of what is recorded: it listens in on a recording, and what it cannot take in time it
//! misses, so that the recording never waits for it. What is said in the captions, [`crate::pipeline::live`] decides.
//!
//! The models are those of the jobs, and are held for a while after they were last needed, so that the next recording
//! need not wait for them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use rayon::ThreadPool;

use crate::audio::recorder::{Heard, SoundFormat};
use crate::audio::resample::Resampler;
use crate::models::{LoadError, ModelCache};
use crate::nn::sincnet_lstm::PyanNet;
use crate::nn::whisper::Whisper;
use crate::paths::AppPaths;
use crate::pipeline::StageError;
use crate::pipeline::live::{LiveCaptioner, LiveEvent, LiveModels, LiveOptions, Recogniser};
use crate::pipeline::options::{PreviousText, TranscribeOptions, check_model};
use crate::pipeline::recognise::KnownVoice;
use crate::task::{CancelToken, Cancelled, Progress};
use crate::units::Seconds;

use super::DEFAULT_MODEL;
use super::command::{ComputeDevice, ComputeType};
use super::outbox::Outbox;
use super::recording::{CaptionRequest, RecordEvent};
use super::voices::{VoiceModel, VoicesError, known_voices};

/// What was asked and is not done yet; a person asks one thing at a time.
const ORDER_CAPACITY: usize = 16;
/// How often it is looked whether events can be told that nobody had room for.
const TICK: Duration = Duration::from_millis(50);
/// How long models are held that nobody needs at the moment.
const HELD: Duration = Duration::from_mins(5);

/// The thread. Dropping this stops the captions, and waits for it.
pub(super) struct CaptionThread {
    orders: Option<Sender<Order>>,
    cancel: CancelToken,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told to do.
enum Order {
    /// To have models at hand.
    Prepare(CaptionRequest),
    /// To make captions of a recording, until that is over.
    Listen(CaptionRequest, SoundFormat, Receiver<Heard>),
}

/// Why there are no captions.
#[derive(Debug, thiserror::Error)]
enum CaptionError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error(transparent)]
    Load(Box<LoadError>),
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl From<LoadError> for CaptionError {
    fn from(error: LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}

impl CaptionThread {
    /// Starts it. Its events go to `events`, and nobody waits until there is room for them.
    pub(super) fn start(
        paths: &AppPaths,
        models: &ModelCache,
        n_threads: Option<usize>,
        events: Sender<RecordEvent>,
    ) -> io::Result<Self> {
        let cancel = CancelToken::default();
        let (orders, order_queue) = bounded(ORDER_CAPACITY);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads.unwrap_or(0))
            .thread_name(|n| format!("hansard-captions-{n}"))
            .build()
            .map_err(io::Error::other)?;
        let mut worker = Worker {
            paths: paths.clone(),
            models: models.with_cancel(&cancel),
            pool,
            cancel: cancel.clone(),
            outbox: Outbox::new(events),
            held: None,
        };
        let thread = thread::Builder::new().name("hansard-captions".into()).spawn(move || worker.run(&order_queue))?;
        Ok(Self { orders: Some(orders), cancel, thread: Some(thread) })
    }

    /// Has it load models; the answer is the event to tell at once where it cannot be asked.
    pub(super) fn prepare(&self, request: CaptionRequest) -> Option<RecordEvent> {
        self.send(Order::Prepare(request))
    }

    /// Has it make captions of a recording; the answer likewise.
    pub(super) fn listen(
        &self,
        request: CaptionRequest,
        format: SoundFormat,
        heard: Receiver<Heard>,
    ) -> Option<RecordEvent> {
        self.send(Order::Listen(request, format, heard))
    }

    fn send(&self, order: Order) -> Option<RecordEvent> {
        let message = match self.orders.as_ref()?.try_send(order) {
            Ok(()) => return None,
            Err(TrySendError::Full(_)) => "there are no captions, for earlier ones are still being made",
            Err(TrySendError::Disconnected(_)) => "there are no captions, for their thread has ended; restart Hansard",
        };
        Some(RecordEvent::CaptionsFailed(message.to_owned()))
    }
}

impl Drop for CaptionThread {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.orders = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread for captions panicked");
        }
    }
}

/// Models in memory, and what they were asked for.
struct Held {
    request: CaptionRequest,
    whisper: Arc<Whisper>,
    segmenter: Arc<PyanNet>,
    /// What tells speakers apart, and the voices that it knows.
    recogniser: Option<(VoiceModel, Vec<KnownVoice>)>,
}

impl Held {
    fn models(&self) -> LiveModels<'_> {
        let recogniser = self.recogniser.as_ref().map(|(model, voices)| Recogniser {
            ecapa: &model.ecapa,
            options: &model.options,
            voices,
        });
        LiveModels { whisper: &self.whisper, segmenter: &self.segmenter, recogniser }
    }

    fn options(&self) -> LiveOptions {
        // Nothing says that the demo model was trained with hints, and what a model does not know confuses it.
        let is_demo = self.request.model == DEFAULT_MODEL;
        let previous_text = if is_demo { PreviousText::Withheld } else { PreviousText::Given };
        LiveOptions { language: self.request.language.clone(), previous_text, ..LiveOptions::default() }
    }
}

struct Worker {
    paths: AppPaths,
    models: ModelCache,
    pool: ThreadPool,
    cancel: CancelToken,
    outbox: Outbox<RecordEvent>,
    held: Option<Arc<Held>>,
}

impl Worker {
    fn run(&mut self, orders: &Receiver<Order>) {
        loop {
            let order = match (self.outbox.is_empty(), &self.held) {
                (false, _) => orders.recv_timeout(TICK),
                (true, Some(_)) => orders.recv_timeout(HELD),
                (true, None) => orders.recv().map_err(|_closed| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(order) => self.guarded(|worker| worker.perform(order)),
                Err(RecvTimeoutError::Timeout) if self.outbox.is_empty() => self.held = None,
                Err(RecvTimeoutError::Timeout) => self.outbox.flush(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// A mistake of ours ends the captions of this recording, but nothing else.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), CaptionError>) {
        let message = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(())) => return,
            // Nobody wants to know any more.
            Ok(Err(_)) if self.cancel.is_cancelled() => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "Hansard made a mistake. The recording is not touched by it; please report it".to_owned(),
        };
        self.outbox.tell(RecordEvent::CaptionsFailed(format!("there are no captions: {message}")));
    }

    fn perform(&mut self, order: Order) -> Result<(), CaptionError> {
        match order {
            Order::Prepare(request) => {
                self.ready(&request)?;
                self.outbox.tell(RecordEvent::CaptionsReady);
                Ok(())
            }
            Order::Listen(request, format, heard) => {
                let held = self.ready(&request)?;
                self.caption(&held, format, &heard)
            }
        }
    }

    /// The models for a request, in memory and used once.
    fn ready(&mut self, request: &CaptionRequest) -> Result<Arc<Held>, CaptionError> {
        if let Some(held) = self.held.as_ref().filter(|held| held.request == *request) {
            return Ok(held.clone());
        }
        // What is not needed any more makes room first.
        self.held = None;
        let mut warnings = Vec::new();
        let (models, paths, cancel) = (&self.models, &self.paths, &self.cancel);
        let held = self.pool.install(|| {
            let held = load(request, models, paths, cancel, &mut warnings)?;
            LiveCaptioner::warm_up(&held.models(), cancel)?;
            Ok::<_, CaptionError>(held)
        });
        warnings.extend(self.models.take_warnings());
        for warning in warnings {
            self.outbox.tell(RecordEvent::Warning(warning));
        }
        let held = Arc::new(held?);
        self.held = Some(held.clone());
        Ok(held)
    }

    fn caption(&mut self, held: &Held, format: SoundFormat, heard: &Receiver<Heard>) -> Result<(), CaptionError> {
        let (models, cancel) = (held.models(), self.cancel.clone());
        let mut captioner = LiveCaptioner::new(held.options(), held.whisper.config().window_samples());
        let mut intake = Intake::new(format);
        let started = Instant::now();
        let clock = || Seconds(started.elapsed().as_secs_f64());
        let mut take = |captioner: &mut LiveCaptioner, heard: Heard| {
            let at = Seconds(heard.at.saturating_duration_since(started).as_secs_f64());
            intake.take(&heard, |samples| captioner.push(samples, at));
        };
        loop {
            if captioner.is_idle() {
                match heard.recv_timeout(TICK) {
                    Ok(heard) => take(&mut captioner, heard),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            heard.try_iter().for_each(|heard| take(&mut captioner, heard));
            cancel.check()?;
            if !captioner.is_idle() {
                let events = self.pool.install(|| captioner.step(&models, &cancel, &clock))?;
                self.tell(events);
            }
            self.outbox.flush();
        }
        let events = self.pool.install(|| captioner.finish(&models, &cancel, &clock))?;
        self.tell(events);
        self.outbox.tell(RecordEvent::CaptionsDone);
        Ok(())
    }

    fn tell(&mut self, events: Vec<LiveEvent>) {
        for event in events {
            match event {
                LiveEvent::Caption(caption) if caption.is_final => self.outbox.tell(RecordEvent::Caption(caption)),
                // Another one will say more soon.
                LiveEvent::Caption(caption) => self.outbox.tell_if_idle(RecordEvent::Caption(caption)),
                LiveEvent::Behind(late) => self.outbox.tell(RecordEvent::CaptionsBehind(late)),
            }
        }
    }
}

fn load(
    request: &CaptionRequest,
    models: &ModelCache,
    paths: &AppPaths,
    cancel: &CancelToken,
    warnings: &mut Vec<String>,
) -> Result<Held, CaptionError> {
    let (whisper, warning) = models.whisper(&request.model, ComputeDevice::Auto, ComputeType::Int8)?;
    warnings.extend(warning);
    check_model(&whisper, &TranscribeOptions { language: request.language.clone(), ..TranscribeOptions::default() })?;
    let segmenter = models.segmentation()?;
    let known = || -> Result<_, VoicesError> {
        let model = VoiceModel::load(models, paths)?;
        let (voices, about_voices) = known_voices(None, &model, paths, &Progress::unwatched(cancel))?;
        Ok((model, voices, about_voices))
    };
    let recogniser = match known() {
        Ok((model, voices, about_voices)) => {
            warnings.extend(about_voices);
            Some((model, voices))
        }
        Err(error) => {
            cancel.check()?;
            warnings.push(format!("captions do not say who speaks: {error}"));
            None
        }
    };
    Ok(Held { request: request.clone(), whisper, segmenter, recogniser })
}

/// Sound as it was recorded becomes 16 kHz mono.
struct Intake {
    n_channels: usize,
    resampler: Resampler,
    mono: Vec<f32>,
    output: Vec<f32>,
}

impl Intake {
    fn new(format: SoundFormat) -> Self {
        let n_channels = usize::from(format.n_channels.get());
        Self { n_channels, resampler: Resampler::new(format.rate_hz), mono: Vec::new(), output: Vec::new() }
    }

    /// Hands on the next samples. What was missed is silence of the same length, so that time stays true; it comes in
    /// pieces of a second, for it may be long.
    fn take(&mut self, heard: &Heard, mut sink: impl FnMut(&[f32])) {
        let n_per_piece = u64::from(self.resampler.rate_hz().get());
        let mut n_missed = heard.n_missed_frames;
        while n_missed > 0 {
            let n_now = n_missed.min(n_per_piece);
            n_missed -= n_now;
            self.mono.resize(n_now as usize, 0.0);
            self.hand_on(&mut sink);
        }
        let share = 1.0 / self.n_channels as f32;
        let frames = heard.samples.chunks_exact(self.n_channels);
        self.mono.extend(frames.map(|frame| frame.iter().sum::<f32>() * share));
        self.hand_on(&mut sink);
    }

    fn hand_on(&mut self, sink: &mut impl FnMut(&[f32])) {
        self.resampler.push(&self.mono, &mut self.output);
        sink(&self.output);
        self.mono.clear();
        self.output.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_mixed_and_what_was_missed_is_silent() {
        let mut intake = Intake::new(SoundFormat::new(16_000, 2).expect("not zero"));
        let at = Instant::now();
        for (n_missed_frames, samples, expected) in [
            (0, vec![0.5, 0.25, -1.0, 0.0], &[0.375, -0.5][..]),
            (3, vec![1.0, 0.0], &[0.0, 0.0, 0.0, 0.5]),
            (0, vec![], &[]),
        ] {
            let mut found = Vec::new();
            intake.take(&Heard { n_missed_frames, samples, at }, |samples| found.extend_from_slice(samples));
            assert!(found.iter().eq(expected), "{n_missed_frames} missed: {found:?}");
        }
    }
}
