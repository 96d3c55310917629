//! Whisper checkpoints of every kind: each loads by its own configuration, in whatever precision and number of files it
//! is stored, and what is wrong with a broken one is said by its name. The weights are random, the dimensions true.

use std::fs;
use std::path::Path;

use hansard::models::random::{Dimensions, Languages, Precision, PublishedSize, RandomWhisper};
use hansard::nn::ComputeType;
use hansard::nn::whisper::{DecoderState, TokenId, Whisper};
use hansard::task::CancelToken;
use serde_json::Value;
use tempfile::TempDir;

/// Loads in a moment, and has everything that a checkpoint can lack.
const SMALLEST: Dimensions = Dimensions {
    width: 16,
    n_heads: 2,
    n_encoder_layers: 1,
    n_decoder_layers: 1,
    n_mels: 8,
    n_audio_positions: 10,
    n_text_positions: 16,
    n_text_tokens: 300,
    languages: Languages::BeforeV3,
};

fn published(name: &str) -> Dimensions {
    PublishedSize::named(name).expect(name).dimensions
}

fn written(dimensions: Dimensions, precision: Precision, n_shards: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let random = RandomWhisper { dimensions, precision, n_shards, seed: 7 };
    random.write(folder.path(), &CancelToken::default()).expect("a writable folder");
    folder
}

fn loaded(folder: &Path) -> Whisper {
    Whisper::load(folder, ComputeType::F32).unwrap_or_else(|error| panic!("{error}"))
}

/// The logits of the first token for a window of a swelling tone.
fn logits(whisper: &Whisper) -> Vec<f32> {
    let n_samples = whisper.config().window_samples();
    let samples: Vec<f32> = (0..n_samples).map(|n| (n as f32 * 0.09).sin() * n as f32 / n_samples as f32).collect();
    let hidden = whisper.encode(&whisper.log_mel(&samples), &|| false).expect("it computes").expect("nobody stops it");
    let tokenizer = whisper.tokenizer();
    let prompt: Vec<TokenId> = [Some(tokenizer.start_of_transcript), tokenizer.language("en"), tokenizer.transcribe]
        .into_iter()
        .flatten()
        .chain([tokenizer.no_timestamps])
        .collect();
    let mut state = DecoderState::new(whisper.prepare(&hidden).expect("it computes"));
    whisper.decode(&mut [(&mut state, &prompt)], &[(0, prompt.len() - 1)]).expect("it computes")
}

#[test]
fn a_checkpoint_means_the_same_in_every_precision_and_in_shards() {
    let stored = |precision, n_shards| logits(&loaded(written(published("tiny"), precision, n_shards).path()));
    let exact = stored(Precision::F32, 1);
    let (low, high) = exact.iter().fold((f32::MAX, f32::MIN), |(low, high), logit| (low.min(*logit), high.max(*logit)));
    assert!(high - low > 2.0, "logits from {low} to {high} would be close to anything");
    let half = stored(Precision::F16, 1);
    // Rounding the weights of such a network to 11 and to 8 bits moves the logits by some 0.001 and 0.008.
    for (what, found, tolerance) in [("half precision", &half, 0.005), ("bfloat16", &stored(Precision::Bf16, 1), 0.04)]
    {
        assert_eq!(found.len(), exact.len(), "{what}");
        let worst = exact.iter().zip(found).map(|(exact, found)| (exact - found).abs()).fold(0.0, f32::max);
        assert!(worst > 0.0 && worst <= tolerance, "{what}: differs by {worst}");
    }
    assert!(half == stored(Precision::F16, 3), "in shards, the same weights give other logits");
}

/// What openai-whisper numbers its tokens, how many languages a model may be asked for, and its input.
#[test]
fn vocabulary_and_input_are_those_of_the_published_sizes() {
    for (name, n_mels, vocab_size, end_of_text, first_timestamp, n_languages) in [
        ("small", 80, 51_865, 50_257, 50_364, 99),
        ("small.en", 80, 51_864, 50_256, 50_363, 0),
        ("large-v3", 128, 51_866, 50_257, 50_365, 100),
    ] {
        // With layers of a size that loads in a moment.
        let dimensions =
            Dimensions { width: 64, n_heads: 1, n_encoder_layers: 1, n_decoder_layers: 2, ..published(name) };
        let folder = written(dimensions, Precision::F16, 1);
        let whisper = loaded(folder.path());
        let (config, tokenizer) = (whisper.config(), whisper.tokenizer());
        assert_eq!((config.num_mel_bins, config.vocab_size), (n_mels, vocab_size), "{name}");
        assert_eq!(config.window_samples(), 480_000, "{name}");
        assert_eq!((tokenizer.end_of_text, tokenizer.first_timestamp()), (end_of_text, first_timestamp), "{name}");
        assert_eq!(tokenizer.start_of_transcript, end_of_text + 1, "{name}");
        assert_eq!(tokenizer.languages().len(), n_languages, "{name}");
        assert_eq!(tokenizer.language("yue").is_some(), n_languages == 100, "{name}");
        assert_eq!(tokenizer.translate.is_some(), n_languages > 0, "{name}");
        let text = " Zwölf Boxkämpfer, 你好";
        let tokens = tokenizer.encode(text).expect("every byte has a token");
        assert_eq!(tokenizer.decode(&tokens), text, "{name}");
        let logits = logits(&whisper);
        assert!(logits.len() == vocab_size && logits.iter().all(|logit| logit.is_finite()), "{name}");
    }
}

/// What is done to a whole checkpoint.
#[derive(Debug)]
enum Damage {
    /// An entry of a configuration file has another value.
    Entry(&'static str, &'static str, usize),
    /// A file ends early.
    CutShort(&'static str),
    /// A file is not there.
    Removed(&'static str),
}

impl Damage {
    fn inflict(&self, folder: &Path) {
        match *self {
            Self::Entry(file, entry, value) => {
                let text = fs::read_to_string(folder.join(file)).expect("a configuration");
                let mut config: Value = serde_json::from_str(&text).expect("JSON");
                config[entry] = Value::from(value);
                fs::write(folder.join(file), config.to_string()).expect("a writable folder");
            }
            Self::CutShort(file) => {
                let bytes = fs::read(folder.join(file)).expect("a file");
                fs::write(folder.join(file), &bytes[..bytes.len() * 3 / 4]).expect("a writable folder");
            }
            Self::Removed(file) => fs::remove_file(folder.join(file)).expect("a file"),
        }
    }
}

#[test]
fn what_is_wrong_with_a_checkpoint_is_said_by_its_name() {
    const CONFIG: &str = "config.json";
    const MODEL: &str = "model.safetensors";
    const SHARD: &str = "model-00002-of-00003.safetensors";
    let cases: [(usize, Damage, &[&str]); 11] = [
        (1, Damage::Entry(CONFIG, "decoder_layers", 2), &[MODEL, "no tensor model.decoder.layers.1."]),
        (1, Damage::Entry(CONFIG, "encoder_layers", 2), &[MODEL, "no tensor model.encoder.layers.1."]),
        (
            1,
            Damage::Entry(CONFIG, "encoder_ffn_dim", 65),
            &["model.encoder.layers.0.fc1.weight", "[64, 16]", "[65, 16]"],
        ),
        (
            1,
            Damage::Entry(CONFIG, "max_target_positions", 17),
            &["model.decoder.embed_positions", "[16, 16]", "[17, 16]"],
        ),
        (1, Damage::Entry(CONFIG, "num_mel_bins", 9), &["preprocessor_config.json", "feature_size is 8", "9"]),
        (1, Damage::Entry(CONFIG, "vocab_size", 300), &["vocab_size is 300"]),
        (1, Damage::CutShort(MODEL), &["cannot read the model file", MODEL]),
        (1, Damage::CutShort(CONFIG), &[CONFIG]),
        (1, Damage::Removed(MODEL), &["cannot read", MODEL]),
        (3, Damage::Removed(SHARD), &["cannot read", SHARD]),
        (3, Damage::CutShort(SHARD), &["cannot read", SHARD]),
    ];
    for (n_shards, damage, expected) in cases {
        let folder = written(SMALLEST, Precision::Bf16, n_shards);
        loaded(folder.path());
        damage.inflict(folder.path());
        let error = Whisper::load(folder.path(), ComputeType::Int8).err();
        let message = error.unwrap_or_else(|| panic!("{damage:?} went unnoticed")).to_string();
        for part in expected {
            assert!(message.contains(part), "{damage:?}: no {part:?} in {message:?}");
        }
    }
}
