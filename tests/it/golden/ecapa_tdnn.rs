//! `ecapa_tdnn`: SpeechBrain's features and speaker embeddings, step by step. Its batches of padded utterances are left
//! out: nothing here pads one utterance to the length of another.

use std::fs;

use hansard::nn::ecapa::Ecapa;
use hansard::nn::fbank::{HOP, edges_hz, subtract_mean};

use super::{Golden, assert_close, audio, folder, transposed};

/// How far values may be off that are as large as `expected`.
fn tolerance(expected: &[f32]) -> f32 {
    1e-3 * expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The parts of the common input that `golden.json` names, and the embedding of each.
pub(super) fn check_segments(golden: &Golden, embedding: impl Fn(&[f32]) -> Vec<f32>) {
    let segments = golden.json["segments_seconds"].as_array().expect("a list");
    let audio = audio();
    let sample = |secs: &serde_json::Value| (secs.as_f64().expect("a number") * 16_000.0) as usize;
    let found: Vec<Vec<f32>> =
        segments.iter().map(|segment| embedding(&audio[sample(&segment[0])..sample(&segment[1])])).collect();
    let (expected, _) = golden.tensor("segment_embeddings");
    assert_close("segment_embeddings", &found.concat(), &expected, tolerance(&expected));
    let cosines: Vec<f32> = found.iter().flat_map(|a| found.iter().map(|b| cosine(a, b))).collect();
    assert_close("segment_cosine", &cosines, &golden.tensor("segment_cosine").0, 1e-4);
}

#[test]
fn golden_ecapa_tdnn_features() {
    let golden = Golden::of("ecapa_tdnn");
    let ecapa = Ecapa::load(&folder("ecapa_tdnn")).expect("the model");
    let n_mels = ecapa.fbank().n_mels();
    let edges = edges_hz(n_mels);
    let centres: Vec<f32> = edges[1..=n_mels].iter().map(|hz| *hz as f32).collect();
    let widths: Vec<f32> = edges.windows(2).take(n_mels).map(|edges| (edges[1] - edges[0]) as f32).collect();
    assert_close("mel_filter_f_central", &centres, &golden.tensor("mel_filter_f_central").0, 0.02);
    assert_close("mel_filter_band", &widths, &golden.tensor("mel_filter_band").0, 0.02);

    let (expected, shape) = golden.tensor("fbank_first_4s");
    let mut features = ecapa.fbank().compute(&audio()[..(shape[0] - 1) * HOP]);
    assert_close("fbank_first_4s", &features, &expected, 1e-2);
    subtract_mean(&mut features, n_mels);
    assert_close("fbank_first_4s_normalised", &features, &golden.tensor("fbank_first_4s_normalised").0, 1e-2);
}

#[test]
fn golden_ecapa_tdnn_layers() {
    let golden = Golden::of("ecapa_tdnn");
    let ecapa = Ecapa::load(&folder("ecapa_tdnn")).expect("the model");
    let check = |name: &str, found: &[f32]| {
        let (expected, _) = golden.tensor(name);
        assert_close(name, found, &expected, tolerance(&expected));
    };
    let check_first_frames = |name: &str, found: &[f32]| {
        let (channels, n_frames) = (golden.tensor(name).1[0], golden.tensor(name).1[1]);
        check(name, &transposed(&found[..n_frames * channels], channels));
    };
    let mut features = ecapa.fbank().compute(&audio());
    ecapa.normalise(&mut features);
    let first = ecapa.block(0, &features);
    check_first_frames("full_block0_first_50_frames", &first);
    check_first_frames("full_block1_first_50_frames", &ecapa.block(1, &first));
    let frames = ecapa.frame_features(&features);
    check_first_frames("full_mfa_first_50_frames", frames.values());
    let all: Vec<usize> = (0..frames.n_frames()).collect();
    let mut pooled = ecapa.pool(&frames, &all);
    check("full_asp", &pooled);
    ecapa.normalise_pooled(&mut pooled);
    check("full_asp_bn", &pooled);
    check("embedding_full", &ecapa.project(&pooled));
    check("embedding_full", &ecapa.embedding(&audio()));
}

#[test]
fn golden_ecapa_tdnn_segments() {
    let ecapa = Ecapa::load(&folder("ecapa_tdnn")).expect("the model");
    check_segments(&Golden::of("ecapa_tdnn"), |samples| ecapa.embedding(samples));
    for n_samples in [0, 1, ecapa.min_samples() - 1, ecapa.min_samples(), 800] {
        let embedding = ecapa.embedding(&audio()[16_000..][..n_samples]);
        assert!(embedding.iter().all(|value| value.is_finite()), "{n_samples} samples");
        assert_eq!(embedding.len(), ecapa.dimension());
    }
}

#[test]
fn golden_ecapa_tdnn_from_a_pickle() {
    let reference = folder("ecapa_tdnn");
    let copy = tempfile::tempdir().expect("a temporary folder");
    for name in ["hyperparams.yaml", "embedding_model.ckpt"] {
        fs::copy(reference.join(name), copy.path().join(name)).expect("a file to copy");
    }
    let from_pickle = Ecapa::load(copy.path()).expect("the same model");
    let samples = &audio()[..32_000];
    assert_eq!(from_pickle.embedding(samples), Ecapa::load(&reference).expect("the model").embedding(samples));
    fs::remove_file(copy.path().join("embedding_model.ckpt")).expect("it is there");
    let error = Ecapa::load(copy.path()).err().expect("no weights").to_string();
    assert!(error.contains("embedding_model.ckpt"), "{error}");
}
