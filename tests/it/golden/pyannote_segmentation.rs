//! `pyannote_segmentation`: PyanNet layer by layer, its powerset decisions, and their aggregation to speech scores.

use std::fs;

use hansard::audio::Mono16k;
use hansard::nn::ComputeType;
use hansard::nn::checkpoint::Checkpoint;
use hansard::nn::sincnet_lstm::{PyanNet, SegmentationConfig, sinc_filters};
use hansard::pipeline::resume::Resume;
use hansard::pipeline::segmentation::segmentation;
use hansard::pipeline::speech::speech_scores;
use hansard::task::{CancelToken, Progress};

use super::{Golden, assert_close, audio, folder};

/// Frames whose two likeliest classes are closer than this may be decided either way.
const TIE: f32 = 1e-3;

fn load() -> (PyanNet, Checkpoint) {
    let folder = folder("pyannote_segmentation");
    let yaml = fs::read_to_string(folder.join("config.yaml")).expect("the configuration");
    let config = SegmentationConfig::from_yaml(&yaml).expect("a configuration of pyannote's");
    let checkpoint = Checkpoint::open(&[folder.join("model.safetensors")], ComputeType::F32).expect("the weights");
    (PyanNet::load(config, &checkpoint).expect("the model"), checkpoint)
}

fn scores_of(model: &PyanNet, samples: &[f32]) -> Vec<f32> {
    let cancel = CancelToken::default();
    let recording = Mono16k::from_samples(samples.to_vec());
    let activity = segmentation(&recording, model, Resume::none(), &Progress::unwatched(&cancel));
    let activity = activity.expect("samples in memory");
    speech_scores(&activity).values
}

#[test]
fn golden_pyannote_segmentation_layers() {
    let golden = Golden::of("pyannote_segmentation");
    let (model, checkpoint) = load();
    let filters = sinc_filters(&checkpoint.at("sincnet.conv1d.0.filterbank")).expect("the filterbank");
    assert_close("sinc_filters", &filters, &golden.tensor("sinc_filters").0, 1e-5);

    let window = &audio()[..model.config().window_samples];
    let features = model.sincnet(window, 1, window.len());
    let (expected, shape) = golden.tensor("sincnet_output");
    assert_close("sincnet_output", &super::transposed(&features, shape[0]), &expected, 1e-3);
    let hidden = model.recurrent(&features, 1);
    assert_close("lstm_output", &hidden, &golden.tensor("lstm_output").0, 1e-3);
    assert_close("log_softmax_10s", &model.classify(&hidden), &golden.tensor("log_softmax_10s").0, 5e-3);
}

#[test]
fn golden_pyannote_segmentation_windows() {
    let golden = Golden::of("pyannote_segmentation");
    let (model, _) = load();
    let config = model.config();
    let step_secs = golden.json["chunks"]["window"]["step"].as_f64().expect("a number");
    let step = (step_secs * 16_000.0).round() as usize;
    let (expected, shape) = golden.tensor("chunks_multilabel");
    let (n_windows, n_frames, n_speakers) = (shape[0], shape[1], shape[2]);
    assert_eq!(n_frames, config.n_frames());
    let mut samples = audio();
    samples.resize((n_windows - 1) * step + config.window_samples, 0.0);
    let classes = config.classes();
    let found = model.forward(&samples, n_windows, step);
    let mut n_ties = 0;
    let mut tied_times = Vec::new();
    for (row, (log_probabilities, expected)) in
        found.chunks_exact(classes.len()).zip(expected.chunks_exact(n_speakers)).enumerate()
    {
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by(|a, b| log_probabilities[*b].total_cmp(&log_probabilities[*a]));
        if log_probabilities[order[0]].exp() - log_probabilities[order[1]].exp() < TIE {
            n_ties += 1;
            tied_times.push(row / n_frames * step + row % n_frames * config.frame_step_samples());
            continue;
        }
        let speakers: Vec<f32> =
            (0..n_speakers).map(|speaker| f32::from(u8::from(classes[order[0]].contains(&speaker)))).collect();
        assert_eq!(speakers, expected, "window {} frame {}", row / n_frames, row % n_frames);
    }
    assert!(n_ties * 50 < n_windows * n_frames, "{n_ties} ties are too many to have compared much");

    let (mut expected, _) = golden.tensor("aggregated_vad_max");
    let mut scores = scores_of(&model, &audio());
    assert_eq!(scores.len(), expected.len());
    for sample in tied_times {
        let middle = sample / config.frame_step_samples();
        for frame in middle.saturating_sub(1)..(middle + 2).min(scores.len()) {
            (scores[frame], expected[frame]) = (0.0, 0.0);
        }
    }
    assert_close("aggregated_vad_max", &scores, &expected, 1e-4);
}

#[test]
fn golden_pyannote_segmentation_odd_lengths() {
    let golden = Golden::of("pyannote_segmentation");
    let (model, _) = load();
    for (key, tensor) in [("short", "short_3s3_aggregated"), ("odd", "odd_12s345_aggregated")] {
        let n_samples = golden.json[key]["samples"].as_u64().expect("a number") as usize;
        let scores = scores_of(&model, &audio()[..n_samples]);
        let (expected, shape) = golden.tensor(tensor);
        assert_eq!(scores.len(), shape[0], "{tensor}: frames");
        if n_samples <= model.config().window_samples {
            // A single window: the mean over windows of the loudest speaker is the loudest of the means.
            let loudest: Vec<f32> =
                expected.chunks_exact(shape[1]).map(|row| row.iter().copied().fold(0.0, f32::max)).collect();
            let n_different = scores.iter().zip(&loudest).filter(|(a, b)| (*a - *b).abs() > 1e-4).count();
            assert!(n_different * 100 <= scores.len(), "{tensor}: {n_different} of {} frames differ", scores.len());
        }
    }
}
