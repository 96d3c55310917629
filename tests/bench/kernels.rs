//! Times of what takes the time, one function each, on all cores: `cargo bench`, or `cargo bench -- encode` for some of
//! them. `hansard bench` times whole stages; this is for those who work on a kernel.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use divan::{Bencher, black_box};
use hansard::audio::Mono16k;
use hansard::audio::resample::Resampler;
use hansard::models::ModelCache;
use hansard::models::random::{PublishedSize, RandomWhisper};
use hansard::nn::ComputeType;
use hansard::nn::mel::LogMel;
use hansard::nn::random::SplitMix64;
use hansard::nn::whisper::{DecoderState, TokenId, Whisper};
use hansard::paths::AppPaths;
use hansard::pipeline::diarize::embed::Embeddings;
use hansard::pipeline::diarize::{DiarizeOptions, SpeakerCount, cluster_and_reconstruct};
use hansard::pipeline::guards::compression_ratio;
use hansard::pipeline::resume::Resume;
use hansard::pipeline::segmentation::{Activity, Windows, segmentation};
use hansard::task::{CancelToken, Progress};
use hansard::units::Seconds;

const SAMPLE_RATE_HZ: usize = 16_000;
/// Tokens that a sequence has seen before the step that is timed.
const N_SEEN: usize = 64;

fn main() {
    divan::main();
}

/// A Whisper model, and how it computes.
#[derive(Clone, Copy, Debug)]
enum Model {
    DemoF32,
    DemoInt8,
    TinyF32,
    TinyInt8,
}

const MODELS: [Model; 4] = [Model::DemoF32, Model::DemoInt8, Model::TinyF32, Model::TinyInt8];

impl Model {
    /// The model in memory, loaded when it is first asked for.
    fn get(self) -> &'static Whisper {
        static LOADED: [OnceLock<Whisper>; MODELS.len()] = [const { OnceLock::new() }; MODELS.len()];
        LOADED[self as usize].get_or_init(|| match self {
            Self::DemoF32 => load(&asset("demo/models/whisper-demo"), ComputeType::F32),
            Self::DemoInt8 => load(&asset("demo/models/whisper-demo"), ComputeType::Int8),
            Self::TinyF32 => random_tiny(ComputeType::F32),
            Self::TinyInt8 => random_tiny(ComputeType::Int8),
        })
    }

    fn hidden(self) -> Vec<f32> {
        let whisper = self.get();
        let samples = sound(whisper.config().window_samples());
        whisper.encode(&whisper.log_mel(&samples), &|| false).expect("it computes").expect("nobody stops it")
    }
}

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)
}

fn load(folder: &Path, compute_type: ComputeType) -> Whisper {
    Whisper::load(folder, compute_type).expect("a whole model")
}

fn random_tiny(compute_type: ComputeType) -> Whisper {
    let PublishedSize { dimensions, precision, .. } = PublishedSize::named("tiny").expect("a published size");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let random = RandomWhisper { dimensions, precision, n_shards: 1, seed: 0 };
    random.write(folder.path(), &CancelToken::default()).expect("a writable folder");
    load(folder.path(), compute_type)
}

/// A tone that swells and fades.
fn sound(n_samples: usize) -> Vec<f32> {
    (0..n_samples).map(|n| (n as f32 * 0.09).sin() * (n as f32 * 0.0004).sin()).collect()
}

#[divan::bench(args = [80, 128])]
fn log_mel_of_30_s(bencher: Bencher, n_mels: usize) {
    let (mel, samples) = (LogMel::new(n_mels), sound(30 * SAMPLE_RATE_HZ));
    bencher.bench_local(|| mel.compute(black_box(&samples), 3000));
}

#[divan::bench(args = MODELS, sample_count = 10, sample_size = 1)]
fn encode(bencher: Bencher, model: Model) {
    let whisper = model.get();
    let mel = whisper.log_mel(&sound(whisper.config().window_samples()));
    bencher.bench_local(|| whisper.encode(black_box(&mel), &|| false));
}

#[divan::bench(args = MODELS, sample_count = 20, sample_size = 1)]
fn prepare(bencher: Bencher, model: Model) {
    let (whisper, hidden) = (model.get(), model.hidden());
    bencher.bench_local(|| whisper.prepare(black_box(&hidden)));
}

#[divan::bench(args = MODELS, sample_count = 50, sample_size = 1)]
fn decode_step_batch_1(bencher: Bencher, model: Model) {
    decode_step(bencher, model, 1);
}

#[divan::bench(args = MODELS, sample_count = 50, sample_size = 1)]
fn decode_step_batch_8(bencher: Bencher, model: Model) {
    decode_step(bencher, model, 8);
}

fn decode_step(bencher: Bencher, model: Model, n_sequences: usize) {
    let (whisper, hidden) = (model.get(), model.hidden());
    let mut states: Vec<DecoderState> =
        (0..n_sequences).map(|_| DecoderState::new(whisper.prepare(&hidden).expect("it computes"))).collect();
    let seen: Vec<TokenId> = (0..N_SEEN as TokenId).collect();
    feed(whisper, &mut states, &seen);
    bencher.with_inputs(|| states.clone()).bench_local_refs(|states| feed(whisper, states, &[7]));
}

/// Feeds the same tokens to each sequence.
fn feed(whisper: &Whisper, states: &mut [DecoderState], tokens: &[TokenId]) -> Vec<f32> {
    let positions: Vec<(usize, usize)> = (0..states.len()).map(|sequence| (sequence, tokens.len() - 1)).collect();
    let mut batch: Vec<(&mut DecoderState, &[TokenId])> = states.iter_mut().map(|state| (state, tokens)).collect();
    whisper.decode(&mut batch, &positions).expect("it computes")
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn segmentation_of_60_s(bencher: Bencher) {
    // Nothing is written there.
    let paths = AppPaths::below(Path::new(env!("CARGO_MANIFEST_DIR")));
    let segmenter = ModelCache::new(paths).segmentation().expect("the built-in model");
    let samples = Mono16k::from_samples(sound(60 * SAMPLE_RATE_HZ));
    let cancel = CancelToken::default();
    bencher
        .bench_local(|| segmentation(black_box(&samples), &segmenter, Resume::none(), &Progress::unwatched(&cancel)));
}

/// An hour's voices clustered for a number of speakers; 0 stands for unknown.
#[divan::bench(args = [0, 4], sample_count = 10, sample_size = 1)]
fn cluster_an_hour(bencher: Bencher, n_speakers: usize) {
    let (activity, embeddings) = an_hour();
    let (options, count) = (DiarizeOptions::default(), exactly(n_speakers));
    bencher
        .bench_local(|| cluster_and_reconstruct(black_box(&activity), &embeddings, &options, &count, None, &mut None));
}

/// The same once more, with another number of speakers.
#[divan::bench(args = [0, 4], sample_count = 10, sample_size = 1)]
fn recluster_an_hour(bencher: Bencher, n_speakers: usize) {
    let (activity, embeddings) = an_hour();
    let (options, count, mut tree) = (DiarizeOptions::default(), exactly(n_speakers), None);
    let mut run = || cluster_and_reconstruct(black_box(&activity), &embeddings, &options, &count, None, &mut tree);
    run().expect("a possible number");
    bencher.bench_local(run);
}

fn exactly(n_speakers: usize) -> SpeakerCount {
    SpeakerCount { exact: Some(n_speakers), ..SpeakerCount::default() }
}

/// Made-up voices of six people who speak for 20 s each in turn.
fn an_hour() -> (Activity, Embeddings) {
    const DIMENSION: usize = 192;
    const N_FRAMES: usize = 589;
    const FRAME_STEP: Seconds = Seconds(0.016_875);
    let windows = Windows {
        n_windows: 3591,
        window_samples: 10 * SAMPLE_RATE_HZ,
        step_samples: SAMPLE_RATE_HZ,
        n_frames: N_FRAMES,
        frame_step: FRAME_STEP,
        frame_duration: Seconds(0.061_937_5),
        n_samples: 3600 * SAMPLE_RATE_HZ,
    };
    let mut random = SplitMix64::new(0);
    let mut noise = |size: f64| -> Vec<f64> { (0..DIMENSION).map(|_| size * (random.next_unit() - 0.5)).collect() };
    let people: Vec<Vec<f64>> = (0..6).map(|_| noise(1.0)).collect();
    let (mut masks, mut values) = (Vec::new(), Vec::new());
    for window in 0..windows.n_windows {
        let turn = window / 20;
        let local = |frame: usize| (window as f64 + frame as f64 * FRAME_STEP.0) as usize / 20 - turn;
        masks.extend((0..N_FRAMES).map(|frame| 1_u8 << local(frame)));
        for speaker in 0..3 {
            let voice = people[(turn + speaker) % people.len()].iter().zip(noise(0.5));
            values.extend(voice.map(|(person, noise)| (person + noise) as f32));
        }
    }
    (Activity { windows, n_speakers: 3, masks }, Embeddings { dimension: DIMENSION, values })
}

#[divan::bench(args = [8_000, 44_100, 48_000])]
fn resample_10_s(bencher: Bencher, rate_hz: u32) {
    let samples = sound(10 * rate_hz as usize);
    let rate_hz = NonZero::new(rate_hz).expect("none of the rates is zero");
    bencher.with_inputs(|| Resampler::new(rate_hz)).bench_local_values(|mut resampler| {
        let mut output = Vec::new();
        resampler.push(black_box(&samples), &mut output);
        resampler.finish(&mut output);
        output
    });
}

#[divan::bench]
fn compression_ratio_of_a_minute(bencher: Bencher) {
    let text = fs::read_to_string(asset("demo/meetings/demo_1min_2spk.txt")).expect("the bundled meeting");
    bencher.bench_local(|| compression_ratio(black_box(&text)));
}
