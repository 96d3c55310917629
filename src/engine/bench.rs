//! Times each stage on this machine: loading a Whisper model, each part of it on a window of made-up sound, and finding
//! speech in a minute of it. Nothing is transcribed, and nothing is kept.
//!
//! It bypasses the engine's threads and its models in memory: whoever calls it waits, and a model is loaded as if it
//! were for the first time (though the files are in the memory of the operating system by then).

use std::f32::consts::TAU;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::audio::Mono16k;
use crate::models::random::{PublishedSize, RandomModelError, RandomWhisper};
use crate::models::{LoadError, ModelCache};
use crate::nn::ComputeType;
use crate::nn::whisper::{DecoderState, DeviceError, Encoded, TokenId, Tokenizer, Whisper};
use crate::paths::AppPaths;
use crate::pipeline::StageError;
use crate::pipeline::resume::Resume;
use crate::pipeline::segmentation;
use crate::task::{CancelToken, Cancelled, Progress};
use crate::units::{SAMPLE_RATE_HZ, SampleIdx, Seconds};

/// Steps of the decoder before its time is taken, and when it ends: short texts and long ones, as people say them.
const FIRST_TIMED_STEP: usize = 20;
const N_STEPS: usize = 120;
const KIB_PER_MB: f64 = 1024.0;

/// What to time, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchRequest {
    /// The model.
    pub model: BenchModel,
    /// How exactly it computes.
    pub compute_type: ComputeType,
    /// Threads to compute with; `None`: as many as the machine has cores.
    pub n_threads: Option<usize>,
    /// Numbers of sequences that the decoder is timed with.
    pub batch_sizes: Vec<NonZeroUsize>,
    /// How often each stage is timed; the shortest time counts, for whatever else the machine does only adds to it.
    pub n_repetitions: NonZeroUsize,
}

/// The model that is timed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BenchModel {
    /// A model of the catalog, or a folder.
    Stored(String),
    /// A published size with random weights, which is written first.
    Random {
        /// Name of the size.
        size: String,
        /// Where to write it: a folder for it alone, which the caller removes.
        folder: PathBuf,
    },
}

/// What was measured. A chunk is a whole window of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchReport {
    /// Threads that computed.
    pub n_threads: usize,
    /// Length of a chunk.
    pub window: Seconds,
    /// From the folder to a model in memory.
    pub load_ms: f64,
    /// From the folder to the first token about a chunk that is encoded and prepared already.
    pub first_token_ms: f64,
    /// Samples of a chunk to its spectrogram.
    pub log_mel_ms_per_chunk: f64,
    /// Spectrogram to hidden states.
    pub encode_ms_per_chunk: f64,
    /// Hidden states to the keys and values that the decoder looks at.
    pub prepare_ms_per_chunk: f64,
    /// Tokens, one for each sequence at a time.
    pub decode: Vec<DecodeTiming>,
    /// Finding speech.
    pub speech_ms_per_minute: f64,
    /// Memory after decoding, before anything else was done; `None` where the system does not tell.
    pub memory: Option<MemoryUse>,
}

/// Time of the decoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeTiming {
    /// Sequences that step together.
    pub batch_size: usize,
    /// Time of a step, in which each of them gets a token.
    pub ms_per_step: f64,
}

impl DecodeTiming {
    /// Time of a token.
    pub fn ms_per_token(&self) -> f64 {
        self.ms_per_step / self.batch_size as f64
    }
}

/// Memory that the process takes of the machine's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryUse {
    /// The most it ever took, in MB of 2²⁰ bytes.
    pub peak_mb: f64,
    /// What it takes now.
    pub now_mb: f64,
}

/// A measurement came to no end.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No such size was published.
    #[error("there is no published size `{asked}`; random weights can be made for {known}")]
    UnknownSize {
        /// The size asked for.
        asked: String,
        /// Those there are.
        known: String,
    },
    /// The random weights could not be written.
    #[error(transparent)]
    RandomModel(#[from] RandomModelError),
    /// The graphics card gave up.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A model could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Speech could not be looked for.
    #[error(transparent)]
    Speech(#[from] StageError),
    /// The system grants no threads.
    #[error("cannot start the threads that compute: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Times all stages one after the other. `report` is told what begins.
///
/// # Errors
/// A model that is not there or broken, a full disk where weights are to be written, or `cancel`, which is looked at
/// between repetitions, encoder layers and decoder steps; only loading a model is not interrupted.
pub fn measure_stages(
    request: &BenchRequest,
    paths: &AppPaths,
    cancel: &CancelToken,
    report: &(dyn Fn(&str) + Sync),
) -> Result<BenchReport, BenchError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(request.n_threads.unwrap_or(0))
        .thread_name(|n| format!("hansard-compute-{n}"))
        .build()?;
    let bench = Bench { request, paths, cancel, report };
    pool.install(|| bench.run()).map_err(|error| match cancel.check() {
        Err(cancelled) => cancelled.into(),
        Ok(()) => error,
    })
}

struct Bench<'a> {
    request: &'a BenchRequest,
    paths: &'a AppPaths,
    cancel: &'a CancelToken,
    report: &'a (dyn Fn(&str) + Sync),
}

impl Bench<'_> {
    fn run(&self) -> Result<BenchReport, BenchError> {
        let folder = self.model_folder()?;
        (self.report)("loading the model");
        let mut whisper = self.load(&folder)?;
        let n_samples = whisper.config().window_samples();
        let samples = sound(n_samples);

        (self.report)("computing spectrograms");
        let (log_mel_ms_per_chunk, mel) = self.best_ms(|| Ok(whisper.log_mel(&samples)))?;
        (self.report)("encoding");
        let should_stop = || self.cancel.is_cancelled();
        let (encode_ms_per_chunk, hidden) =
            self.best_ms(|| whisper.encode(&mel, &should_stop)?.ok_or(BenchError::Cancelled(Cancelled)))?;
        (self.report)("preparing to decode");
        let (prepare_ms_per_chunk, encoded) = self.best_ms(|| Ok(whisper.prepare(&hidden)?))?;
        let mut chunks = vec![encoded];
        let mut decode = Vec::new();
        for batch_size in &self.request.batch_sizes {
            let batch_size = batch_size.get();
            (self.report)(&format!("decoding, batch size {batch_size}"));
            // The same chunk for all, but not the same memory: that would stay in the processor's cache, as in no job.
            chunks.truncate(batch_size);
            while chunks.len() < batch_size {
                chunks.push(whisper.prepare(&hidden)?);
            }
            decode.push(DecodeTiming { batch_size, ms_per_step: self.decode_ms_per_step(&whisper, &chunks)? });
        }
        // What one job needs; below, models come and go.
        let memory = MemoryUse::of_this_process();

        (self.report)("loading the model again");
        let prompt = prompt(whisper.tokenizer());
        let (mut load_ms, mut first_token_ms) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..self.request.n_repetitions.get() {
            self.cancel.check()?;
            drop(whisper);
            let started = Instant::now();
            whisper = self.load(&folder)?;
            load_ms = load_ms.min(ms_since(started));
            step(&whisper, &mut [DecoderState::new(chunks[0].clone())], std::slice::from_ref(&prompt))?;
            first_token_ms = first_token_ms.min(ms_since(started));
        }
        drop(whisper);

        (self.report)("finding speech");
        let segmenter = ModelCache::new(self.paths.clone()).segmentation()?;
        let minute = Mono16k::from_samples(sound(60 * SAMPLE_RATE_HZ as usize));
        let progress = Progress::unwatched(self.cancel);
        let (speech_ms_per_minute, _) =
            self.best_ms(|| Ok(segmentation::segmentation(&minute, &segmenter, Resume::none(), &progress)?))?;
        Ok(BenchReport {
            n_threads: rayon::current_num_threads(),
            window: SampleIdx(n_samples).to_seconds(),
            load_ms,
            first_token_ms,
            log_mel_ms_per_chunk,
            encode_ms_per_chunk,
            prepare_ms_per_chunk,
            decode,
            speech_ms_per_minute,
            memory,
        })
    }

    /// The folder of the model, which is made where it has random weights.
    fn model_folder(&self) -> Result<PathBuf, BenchError> {
        match &self.request.model {
            BenchModel::Stored(name) => {
                Ok(ModelCache::new(self.paths.clone()).whisper_folder(name, self.request.compute_type)?)
            }
            BenchModel::Random { size, folder } => {
                let Some(PublishedSize { dimensions, precision, .. }) = PublishedSize::named(size) else {
                    let known = PublishedSize::ALL.map(|size| size.name).join(", ");
                    return Err(BenchError::UnknownSize { asked: size.clone(), known });
                };
                (self.report)(&format!("writing {:.0} million random weights", dimensions.n_weights() as f64 / 1e6));
                RandomWhisper { dimensions, precision, n_shards: 1, seed: 0 }.write(folder, self.cancel)?;
                Ok(folder.clone())
            }
        }
    }

    fn load(&self, folder: &Path) -> Result<Whisper, LoadError> {
        Ok(Whisper::load(folder, self.request.compute_type)?)
    }

    /// The shortest of several runs, and the result of the last.
    fn best_ms<T>(&self, run: impl Fn() -> Result<T, BenchError>) -> Result<(f64, T), BenchError> {
        let (mut best_ms, mut result) = (f64::INFINITY, None);
        for _ in 0..self.request.n_repetitions.get() {
            self.cancel.check()?;
            // Two results at a time would count as memory that a job needs.
            drop(result.take());
            let started = Instant::now();
            result = Some(run()?);
            best_ms = best_ms.min(ms_since(started));
        }
        Ok((best_ms, result.expect("there is at least one repetition")))
    }

    /// The time of a step in the middle of a text: of prompt and first steps nothing is counted.
    /// `chunks` has one for each sequence.
    fn decode_ms_per_step(&self, whisper: &Whisper, chunks: &[Encoded]) -> Result<f64, BenchError> {
        let prompt = prompt(whisper.tokenizer());
        // The prompt is fed in the first step.
        let n_steps = N_STEPS.min(whisper.config().max_target_positions.saturating_sub(prompt.len())).max(1);
        let n_untimed = FIRST_TIMED_STEP.min(n_steps / 2);
        let mut best_ms = f64::INFINITY;
        for _ in 0..self.request.n_repetitions.get() {
            let mut states: Vec<DecoderState> = chunks.iter().cloned().map(DecoderState::new).collect();
            let mut tokens = vec![prompt.clone(); chunks.len()];
            let mut started = Instant::now();
            for n in 0..n_steps {
                self.cancel.check()?;
                if n == n_untimed {
                    started = Instant::now();
                }
                tokens = step(whisper, &mut states, &tokens)?;
            }
            best_ms = best_ms.min(ms_since(started) / (n_steps - n_untimed) as f64);
        }
        Ok(best_ms)
    }
}

impl MemoryUse {
    fn of_this_process() -> Option<Self> {
        // There is such a file on Linux alone.
        Self::parse(&fs::read_to_string("/proc/self/status").ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        let mb = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: f64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
            Some(kib / KIB_PER_MB)
        };
        Some(Self { peak_mb: mb("VmHWM:")?, now_mb: mb("VmRSS:")? })
    }
}

/// Feeds each sequence its tokens and takes the likeliest token of text, so that no text ever ends.
fn step(
    whisper: &Whisper,
    states: &mut [DecoderState],
    tokens: &[Vec<TokenId>],
) -> Result<Vec<Vec<TokenId>>, DeviceError> {
    let mut batch: Vec<(&mut DecoderState, &[TokenId])> =
        states.iter_mut().zip(tokens.iter().map(Vec::as_slice)).collect();
    let positions: Vec<(usize, usize)> = tokens.iter().enumerate().map(|(n, tokens)| (n, tokens.len() - 1)).collect();
    let logits = whisper.decode(&mut batch, &positions)?;
    let n_text_tokens = whisper.tokenizer().end_of_text as usize;
    let rows = logits.chunks_exact(whisper.config().vocab_size);
    Ok(rows.map(|logits| vec![likeliest(&logits[..n_text_tokens])]).collect())
}

fn likeliest(logits: &[f32]) -> TokenId {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best as TokenId
}

/// What a job starts a text with.
fn prompt(tokenizer: &Tokenizer) -> Vec<TokenId> {
    let start = Some(tokenizer.start_of_transcript);
    [start, tokenizer.language("en"), tokenizer.transcribe, Some(tokenizer.no_timestamps)]
        .into_iter()
        .flatten()
        .collect()
}

/// A tone that swells and fades, twice a second.
fn sound(n_samples: usize) -> Vec<f32> {
    let secs = |n: usize| n as f32 / SAMPLE_RATE_HZ as f32;
    (0..n_samples).map(|n| 0.5 * (TAU * 220.0 * secs(n)).sin() * (TAU * secs(n)).sin()).collect()
}

fn ms_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(model: BenchModel, cancel: &CancelToken) -> Result<BenchReport, BenchError> {
        let one = NonZeroUsize::MIN;
        let request = BenchRequest {
            model,
            compute_type: ComputeType::Int8,
            n_threads: Some(2),
            batch_sizes: vec![one, one.saturating_add(1)],
            n_repetitions: one,
        };
        let root = tempfile::tempdir().expect("a temporary folder");
        measure_stages(&request, &AppPaths::below(root.path()), cancel, &|_| {})
    }

    #[test]
    fn every_stage_is_timed() {
        let report = measure(BenchModel::Stored("demo".into()), &CancelToken::default()).expect("the built-in models");
        assert_eq!((report.n_threads, report.window), (2, Seconds(10.0)));
        assert_eq!(report.decode.iter().map(|timing| timing.batch_size).collect::<Vec<_>>(), [1, 2]);
        let decode = report.decode.iter().map(DecodeTiming::ms_per_token);
        let stages = [
            report.load_ms,
            report.log_mel_ms_per_chunk,
            report.encode_ms_per_chunk,
            report.prepare_ms_per_chunk,
            report.speech_ms_per_minute,
        ];
        for ms in decode.chain(stages) {
            assert!(ms > 0.0 && ms.is_finite(), "{report:?}");
        }
        assert!(report.first_token_ms > report.load_ms, "{report:?}");
        assert_eq!(report.memory.is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn unknown_sizes_are_refused_and_cancelling_ends_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let random = |size: &str| BenchModel::Random { size: size.into(), folder: folder.path().join("model") };
        let error = measure(random("huge"), &CancelToken::default()).expect_err("no such size");
        assert!(error.to_string().contains("`huge`") && error.to_string().contains("large-v3-turbo"), "{error}");
        let cancel = CancelToken::default();
        cancel.cancel();
        for model in [random("tiny"), BenchModel::Stored("demo".into())] {
            assert!(matches!(measure(model, &cancel), Err(BenchError::Cancelled(_))));
        }
    }

    #[test]
    fn memory_is_read_from_what_linux_says_of_a_process() {
        for (status, expected) in [
            ("Name:\tx\nVmHWM:\t  204800 kB\nVmRSS:\t    1024 kB\n", Some(MemoryUse { peak_mb: 200.0, now_mb: 1.0 })),
            ("Name:\tx\nVmRSS:\t    1024 kB\n", None),
            ("VmHWM:\t  many kB\nVmRSS:\t    1024 kB\n", None),
            ("", None),
        ] {
            assert_eq!(MemoryUse::parse(status), expected, "{status}");
        }
    }
}
