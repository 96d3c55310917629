//! `wespeaker_resnet34`: Kaldi's features, the network layer by layer, and embeddings with and without masks.

use std::fs;

use hansard::nn::fbank::{HOP, KaldiFbank, WINDOW};
use hansard::nn::resnet::{FeatureMap, ResNet34, nearest};

use super::ecapa_tdnn::check_segments;
use super::{Golden, assert_close, audio, folder};

/// The segmentation frame that speaks alone in `embedding_single_frame_mask`, as the set's README says.
const SINGLE_FRAME: usize = 200;

/// Where sums are the same but for rounding, relative to the largest value.
fn check(golden: &Golden, name: &str, found: &[f32]) {
    let (expected, _) = golden.tensor(name);
    let largest = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    assert_close(name, found, &expected, 1e-3 * largest);
}

/// The part of the common input that this set uses, told by the number of its frames.
fn input(golden: &Golden) -> Vec<f32> {
    let n_frames = golden.tensor("kaldi_fbank").1[0];
    audio()[..(n_frames - 1) * HOP + WINDOW].to_vec()
}

/// The first frames of a map as `[channels, bands, frames]`.
fn channels_first(map: &FeatureMap, channels: usize, n_frames: usize) -> Vec<f32> {
    let n_places = map.frame(0).len();
    let mut values = Vec::with_capacity(n_places * n_frames);
    for channel in 0..channels {
        for place in (channel..n_places).step_by(channels) {
            values.extend((0..n_frames).map(|frame| map.frame(frame)[place]));
        }
    }
    values
}

#[test]
fn golden_wespeaker_resnet34_features() {
    let golden = Golden::of("wespeaker_resnet34");
    let model = ResNet34::load(&folder("wespeaker_resnet34")).expect("the model");
    let n_mels = golden.tensor("kaldi_fbank").1[1];
    let fbank = KaldiFbank::new(n_mels);
    assert_close("kaldi_mel_banks", &fbank.filters(), &golden.tensor("kaldi_mel_banks").0, 1e-4);
    let input = input(&golden);
    for (name, found) in [("kaldi_fbank", fbank.compute(&input)), ("fbank_centred", model.features(&input))] {
        let (expected, _) = golden.tensor(name);
        // Next to loud bands, the logarithm of a quiet one shows the rounding of the transform.
        assert_close(name, &found, &expected, 5e-3);
        let mean = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum::<f32>() / expected.len() as f32;
        assert!(mean <= 1e-4, "{name}: mean difference {mean}");
    }
}

#[test]
fn golden_wespeaker_resnet34_layers() {
    let golden = Golden::of("wespeaker_resnet34");
    let model = ResNet34::load(&folder("wespeaker_resnet34")).expect("the model");
    let check_map = |name: &str, map: &FeatureMap| {
        let (_, shape) = golden.tensor(name);
        check(&golden, name, &channels_first(map, shape[0], shape[2]));
    };
    let mut map = model.layer(0, model.stem(&model.features(&input(&golden))));
    check_map("layer1_first_20_frames", &map);
    for layer in 1..4 {
        map = model.layer(layer, map);
    }
    check_map("layer4_output", &map);
    assert_eq!(map.n_frames(), golden.tensor("layer4_output").1[2]);
    check(&golden, "pooled_statistics", &map.statistics(None));
    check(&golden, "embedding_no_mask", &model.embedding_of(&map, None));

    let (masks, shape) = golden.tensor("masks");
    let masks: Vec<Vec<f32>> = masks.chunks_exact(shape[1]).map(|mask| nearest(mask, map.n_frames())).collect();
    assert_close("masks_interpolated", &masks.concat(), &golden.tensor("masks_interpolated").0, 0.0);
    let found: Vec<f32> = masks.iter().flat_map(|mask| model.embedding_of(&map, Some(mask))).collect();
    check(&golden, "embeddings_masked", &found);
    check(&golden, "embeddings_masked_speaker_dim", &found);
    let mut mask = vec![0.0; shape[1]];
    for name in ["embedding_all_zero_mask", "embedding_single_frame_mask"] {
        check(&golden, name, &model.embedding_of(&map, Some(&nearest(&mask, map.n_frames()))));
        mask[SINGLE_FRAME] = 1.0;
    }
}

#[test]
fn golden_wespeaker_resnet34_segments() {
    let model = ResNet34::load(&folder("wespeaker_resnet34")).expect("the model");
    let golden = Golden::of("wespeaker_resnet34");
    check_segments(&golden, |samples| model.embedding_of(&model.trunk(samples), None));
    for n_samples in [0, 1, ResNet34::MIN_SAMPLES, 800] {
        let map = model.trunk(&audio()[16_000..][..n_samples]);
        assert_eq!(model.embedding_of(&map, None).len(), model.dimension(), "{n_samples} samples");
    }
}

#[test]
fn golden_wespeaker_resnet34_from_a_pickle() {
    let reference = folder("wespeaker_resnet34");
    let copy = tempfile::tempdir().expect("a temporary folder");
    fs::copy(reference.join("pytorch_model.bin"), copy.path().join("pytorch_model.bin")).expect("a file to copy");
    let embedding = |model: &ResNet34| model.embedding_of(&model.trunk(&audio()[..32_000]), None);
    let from_pickle = embedding(&ResNet34::load(copy.path()).expect("the same model"));
    assert_eq!(from_pickle, embedding(&ResNet34::load(&reference).expect("the model")));
}
