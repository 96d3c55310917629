//! How late captions are: the bundled meeting, heard as if people spoke now, with the demo model and with random
//! weights of the size `base`. `cargo bench --bench captions`.
//!
//! Time is that of the meeting while there is nothing to do, and that of this machine while it computes, so that nobody
//! waits. Random weights say nothing, but take the time that true ones do; their texts are as long as what people say.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hansard::audio::decode::decode;
use hansard::engine::voices::VoiceModel;
use hansard::engine::{ComputeDevice, ComputeType};
use hansard::models::ModelCache;
use hansard::models::random::{PublishedSize, RandomWhisper};
use hansard::nn::whisper::Whisper;
use hansard::paths::AppPaths;
use hansard::pipeline::live::{LiveCaptioner, LiveEvent, LiveModels, LiveOptions, Recogniser};
use hansard::pipeline::options::PreviousText;
use hansard::task::{CancelToken, Progress};
use hansard::units::Seconds;

const SAMPLES_PER_SEC: f64 = 16_000.0;
/// Sound that comes at once: 20 ms.
const PIECE_SAMPLES: usize = 320;
/// What people say in a second, in tokens of the published vocabularies.
const TOKENS_PER_SEC: f64 = 5.0;

fn main() {
    // `cargo bench` and `cargo test` pass arguments, none of which means anything here.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = AppPaths::below(folder.path());
    let models = ModelCache::new(paths.clone());
    let cancel = CancelToken::default();
    let meeting = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/meetings/demo_1min_2spk.flac");
    let decoded = decode(&meeting, folder.path(), &Progress::unwatched(&cancel)).expect("a recording");
    let samples = decoded.samples.read(0..decoded.samples.len()).expect("it is in memory");
    let recogniser = VoiceModel::load(&models, &paths).expect("the demo model");
    let segmenter = models.segmentation().expect("the demo model");
    let (demo, _) = models.whisper("demo", ComputeDevice::Cpu, ComputeType::Int8).expect("the demo model");
    let PublishedSize { dimensions, precision, .. } = PublishedSize::named("base").expect("a published size");
    let base = folder.path().join("base");
    RandomWhisper { dimensions, precision, n_shards: 1, seed: 0 }.write(&base, &cancel).expect("a writable folder");
    let base = Arc::new(Whisper::load(&base, ComputeType::Int8).expect("a whole model"));
    let as_said = LiveOptions { max_tokens_per_sec: TOKENS_PER_SEC, ..LiveOptions::default() };
    let without_hints = LiveOptions { previous_text: PreviousText::Withheld, ..LiveOptions::default() };
    for (name, whisper, options) in [("demo", demo, without_hints), ("base, random", base, as_said)] {
        let recogniser = Recogniser { ecapa: &recogniser.ecapa, options: &recogniser.options, voices: &[] };
        let models = LiveModels { whisper: &whisper, segmenter: &segmenter, recogniser: Some(recogniser) };
        let options = LiveOptions { language: Some("en".to_owned()), ..options };
        LiveCaptioner::warm_up(&models, &cancel).expect("nobody cancelled");
        let line = measure(&samples, &models, options).line(name);
        writeln!(io::stdout(), "{line}").expect("somebody reads");
    }
}

/// What was measured.
struct Measured {
    /// From the end of each utterance to its last text.
    latencies_secs: Vec<f64>,
    n_drafts: usize,
    n_behind: usize,
    computing_secs: f64,
    total_secs: f64,
}

fn measure(samples: &[f32], models: &LiveModels<'_>, options: LiveOptions) -> Measured {
    let cancel = CancelToken::default();
    let mut captioner = LiveCaptioner::new(options, models.whisper.config().window_samples());
    let total_secs = samples.len() as f64 / SAMPLES_PER_SEC;
    let (mut events, mut now_secs, mut computing_secs, mut n_heard) = (Vec::new(), 0.0, 0.0, 0);
    loop {
        while n_heard < samples.len() && n_heard as f64 <= now_secs * SAMPLES_PER_SEC - PIECE_SAMPLES as f64 {
            let end = (n_heard + PIECE_SAMPLES).min(samples.len());
            captioner.push(&samples[n_heard..end], Seconds(end as f64 / SAMPLES_PER_SEC));
            n_heard = end;
        }
        if captioner.is_idle() {
            if n_heard == samples.len() {
                break;
            }
            now_secs += PIECE_SAMPLES as f64 / SAMPLES_PER_SEC;
            continue;
        }
        let (started, began_secs) = (Instant::now(), now_secs);
        let clock = || Seconds(began_secs + started.elapsed().as_secs_f64());
        events.extend(captioner.step(models, &cancel, &clock).expect("nobody cancelled"));
        let took_secs = started.elapsed().as_secs_f64();
        now_secs += took_secs;
        computing_secs += took_secs;
    }
    let mut measured = Measured { latencies_secs: Vec::new(), n_drafts: 0, n_behind: 0, computing_secs, total_secs };
    for event in events {
        match event {
            LiveEvent::Caption(caption) if caption.is_final => measured.latencies_secs.push(caption.latency.0),
            LiveEvent::Caption(_) => measured.n_drafts += 1,
            LiveEvent::Behind(_) => measured.n_behind += 1,
        }
    }
    measured.latencies_secs.sort_unstable_by(f64::total_cmp);
    measured
}

impl Measured {
    fn line(&self, name: &str) -> String {
        let n = self.latencies_secs.len();
        let quantile = |share: f64| {
            let rank = (share * n as f64).ceil() as usize;
            self.latencies_secs.get(rank.clamp(1, n.max(1)) - 1).copied().unwrap_or(f64::NAN)
        };
        format!(
            "{name}: {n} utterances, latency {:.2} s (median) and {:.2} s (95th percentile); {} captions meanwhile; \
             computing for {:.0} % of the time; said {} times that it was late or not any more",
            quantile(0.5),
            quantile(0.95),
            self.n_drafts,
            100.0 * self.computing_secs / self.total_secs,
            self.n_behind
        )
    }
}
