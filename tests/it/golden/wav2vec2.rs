//! `wav2vec2_ctc_base` and `wav2vec2_ctc_large_style`: both families of wav2vec 2.0, layer by layer and from the
//! samples that whisperX gives them, from every form in which weights are stored; and folders that hold no model.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use hansard::nn::ComputeType;
use hansard::nn::wav2vec2::{HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, Wav2Vec2, normalised};
use serde_json::Value;
use tempfile::TempDir;

use super::{Golden, assert_close, folder};

const FOLDERS: [&str; 2] = ["wav2vec2_ctc_base", "wav2vec2_ctc_large_style"];
const MODEL: &str = "model.safetensors";

fn load(folder: &Path, compute_type: ComputeType) -> Wav2Vec2 {
    Wav2Vec2::load(folder, compute_type).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

fn log_softmax(logits: &[f32], n_labels: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(n_labels) {
        let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        out.extend(row.iter().map(|logit| (f64::from(*logit) - sum.ln()) as f32));
    }
    out
}

#[test]
fn golden_wav2vec2_ctc_layers() {
    for name in FOLDERS {
        let golden = Golden::of(name);
        let model = load(&folder(name), ComputeType::F32);
        let check = |what: &str, found: &[f32], tolerance: f32| {
            assert_close(&format!("{name}: {what}"), found, &golden.tensor(what).0, tolerance);
        };
        let input = normalised(&golden.tensor("input_raw").0);
        check("input_normalised", &input, 1e-4);
        let features = model.features(&input);
        check("conv_features", &features, 1e-4);
        let projected = model.project(&features);
        check("feature_projection", &projected, 1e-3);
        check("pos_conv_embedding", &model.positions(&projected), 1e-3);
        check("encoder_layer0", &model.layers(projected.clone(), 1), 1e-3);
        let hidden = model.last_hidden_state(model.layers(projected, model.n_layers()));
        check("last_hidden_state", &hidden, 1e-3);
        check("logits", &model.logits(&hidden), 1e-3);
        check("log_softmax", &model.log_probabilities(&input, &|| false).expect("nobody stops it"), 1e-3);
    }
}

#[test]
fn golden_wav2vec2_ctc_raw_samples() {
    for name in FOLDERS {
        let golden = Golden::of(name);
        let model = load(&folder(name), ComputeType::F32);
        for (input, logits) in [
            ("input_raw", "whisperx_raw_logits"),
            ("short_input_raw", "short_raw_logits"),
            ("pad400_input_raw", "pad400_raw_logits"),
        ] {
            let (mut samples, _) = golden.tensor(input);
            let (logits_expected, shape) = golden.tensor(logits);
            assert_eq!(shape, [(samples.len() - RECEPTIVE_FIELD_SAMPLES) / HOP_SAMPLES + 1, model.n_labels()]);
            if samples.len() == RECEPTIVE_FIELD_SAMPLES {
                // The model fills up by itself what is too short.
                samples.truncate(samples.iter().rposition(|sample| sample.abs() > 0.0).map_or(0, |last| last + 1));
                assert!(samples.len() < RECEPTIVE_FIELD_SAMPLES);
            }
            let expected = log_softmax(&logits_expected, model.n_labels());
            assert_close(
                &format!("{name}: {logits}"),
                &model.log_probabilities(&samples, &|| false).expect("nobody stops it"),
                &expected,
                1e-3,
            );
        }
    }
}

#[test]
fn golden_wav2vec2_ctc_labels() {
    for name in FOLDERS {
        let model = load(&folder(name), ComputeType::F32);
        let json = |file: &str| {
            let text = fs::read_to_string(folder(name).join(file)).expect(file);
            serde_json::from_str::<Value>(&text).expect(file)
        };
        let vocabulary = json("vocab.json");
        let vocabulary = vocabulary.as_object().expect("labels and their numbers");
        assert_eq!(model.n_labels(), vocabulary.len(), "{name}");
        for (label, id) in vocabulary {
            assert_eq!(model.labels()[id.as_u64().expect("a number") as usize], *label, "{name}");
        }
        assert_eq!(Some(model.blank_id() as u64), json("config.json")["pad_token_id"].as_u64(), "{name}");
    }
}

#[test]
fn golden_wav2vec2_ctc_weights_mean_the_same_in_every_form() {
    for name in FOLDERS {
        let source = folder(name);
        let (samples, _) = Golden::of(name).tensor("short_input_raw");
        let expected = load(&source, ComputeType::F32).log_probabilities(&samples, &|| false).expect("nobody stops it");
        let check = |what: &str, tolerance: f32, put_weights_into: &dyn Fn(&Path)| {
            let copy = folder_without_weights(&source);
            put_weights_into(copy.path());
            let found =
                load(copy.path(), ComputeType::F32).log_probabilities(&samples, &|| false).expect("nobody stops it");
            assert_close(&format!("{name}: {what}"), &found, &expected, tolerance);
        };
        let copied = |from: &str, to: &Path| {
            fs::copy(source.join(from), to).expect(from);
        };
        let names_before = "model_weight_g_names.safetensors";
        check("names of PyTorch before 2.1", 0.0, &|copy| copied(names_before, &copy.join(MODEL)));
        check("a pickle", 0.0, &|copy| copied("pytorch_model.bin", &copy.join("pytorch_model.bin")));
        check("a positional convolution as it is", 1e-3, &|copy| {
            let tensors = with_plain_positions(&source.join(names_before));
            candle_core::safetensors::save(&tensors, copy.join(MODEL)).expect("a writable folder");
        });
    }
}

/// With 8-bit weights the likeliest label of nearly every frame stays what it is.
#[test]
fn golden_wav2vec2_ctc_in_8_bits() {
    for name in FOLDERS {
        let golden = Golden::of(name);
        let [exact, rounded] = [ComputeType::F32, ComputeType::Int8].map(|kind| load(&folder(name), kind));
        assert!(rounded.n_bytes() < exact.n_bytes(), "{name}: {} bytes", rounded.n_bytes());
        let (samples, _) = golden.tensor("input_normalised");
        let likeliest = |model: &Wav2Vec2| -> Vec<usize> {
            let rows = model.log_probabilities(&samples, &|| false).expect("nobody stops it");
            let rows = rows.chunks_exact(model.n_labels());
            rows.map(|row| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("labels")).collect()
        };
        let (exact, rounded) = (likeliest(&exact), likeliest(&rounded));
        let n_same = exact.iter().zip(&rounded).filter(|(exact, rounded)| exact == rounded).count();
        assert!(n_same * 10 >= exact.len() * 9, "{name}: {n_same} of {} frames", exact.len());
    }
}

/// What is done to a whole folder.
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
fn golden_wav2vec2_ctc_folders_that_hold_no_model() {
    const CONFIG: &str = "config.json";
    const VOCABULARY: &str = "vocab.json";
    let cases: [(Damage, &[&str]); 10] = [
        (Damage::Removed(CONFIG), &["cannot read", CONFIG, "a wav2vec2 model folder holds"]),
        (Damage::Removed(VOCABULARY), &["cannot read", VOCABULARY, "a wav2vec2 model folder holds"]),
        (Damage::Removed(MODEL), &["cannot read", MODEL, "a wav2vec2 model folder holds"]),
        (Damage::CutShort(CONFIG), &[CONFIG, "EOF"]),
        (Damage::CutShort(MODEL), &["cannot read the model file", MODEL]),
        (Damage::Entry(CONFIG, "adapter_attn_dim", 16), &[CONFIG, "adapter_attn_dim is 16", "adapters"]),
        (Damage::Entry(CONFIG, "intermediate_size", 7), &["feed_forward.intermediate_dense.weight", "[7, "]),
        (Damage::Entry(CONFIG, "num_hidden_layers", 99), &[MODEL, "no tensor wav2vec2.encoder.layers."]),
        (Damage::Entry(CONFIG, "vocab_size", 9999), &[VOCABULARY, "no label is number", "9999 labels"]),
        (Damage::Entry(VOCABULARY, "|", 9999), &[VOCABULARY, "\"|\" is number 9999"]),
    ];
    for name in FOLDERS {
        for (damage, expected) in &cases {
            let copy = folder_without_weights(&folder(name));
            fs::copy(folder(name).join(MODEL), copy.path().join(MODEL)).expect("the weights");
            damage.inflict(copy.path());
            let error = Wav2Vec2::load(copy.path(), ComputeType::F32).err();
            let message = error.unwrap_or_else(|| panic!("{name}: {damage:?} went unnoticed")).to_string();
            for part in *expected {
                assert!(message.contains(part), "{name}: {damage:?}: no {part:?} in {message:?}");
            }
        }
    }
}

/// A copy of the configuration files.
fn folder_without_weights(source: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(source).expect("the reference folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().expect("a file has a name");
            fs::copy(&path, copy.path().join(name)).expect("a writable folder");
        }
    }
    copy
}

/// The weights with a positional convolution that is no longer taken apart into sizes and directions.
fn with_plain_positions(weights: &Path) -> HashMap<String, Tensor> {
    let named = |name: &str| format!("wav2vec2.encoder.pos_conv_embed.conv.{name}");
    let mut tensors = candle_core::safetensors::load(weights, &Device::Cpu).expect("the weights");
    let size = tensors.remove(&named("weight_g")).expect("sizes");
    let direction = tensors.remove(&named("weight_v")).expect("directions");
    let length = direction.sqr().and_then(|squares| squares.sum_keepdim((0, 1))?.sqrt());
    let weight = length.and_then(|length| direction.broadcast_mul(&size.broadcast_div(&length)?));
    tensors.insert(named("weight"), weight.expect("tensors of fitting shapes"));
    tensors
}
