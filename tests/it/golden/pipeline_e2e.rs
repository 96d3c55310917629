//! `pipeline_e2e`: the whole diarization pipeline on the common audio, in three configurations.

use std::fs;
use std::sync::Arc;

use hansard::audio::Mono16k;
use hansard::nn::ComputeType;
use hansard::nn::checkpoint::Checkpoint;
use hansard::nn::plda::Plda;
use hansard::nn::resnet::ResNet34;
use hansard::nn::sincnet_lstm::{PyanNet, SegmentationConfig};
use hansard::pipeline::diarize::embed::{Embedder, embeddings};
use hansard::pipeline::diarize::reconstruct::speaker_counts;
use hansard::pipeline::diarize::{Diarization, DiarizeOptions, Overlap, SpeakerCount, cluster_and_reconstruct};
use hansard::pipeline::resume::Resume;
use hansard::pipeline::segmentation::{Activity, segmentation};
use hansard::task::{CancelToken, Progress};
use hansard::units::Seconds;
use serde_json::Value;

use super::diarization_clustering::{
    activity_of, assert_rttm, assert_turns, assert_voices, clustering_of, count_of, discrete, embeddings_of,
};
use super::{Golden, audio, folder};

/// Our embeddings of the same windows and the reference's point in the same direction. A frame whose two likeliest sets
/// of speakers are nearly equal may be decided otherwise, which moves them a little.
const MIN_COSINE: f32 = 0.999;
/// One in this many frames may differ for the same reason.
const FRAMES_PER_DIFFERENCE: usize = 100;

/// A configuration of the reference: its name, and what it says.
fn cases(golden: &Golden) -> Vec<(&str, DiarizeOptions, SpeakerCount, &Value)> {
    let cases = golden.json["diarization"].as_object().expect("the configurations");
    assert!(!cases.is_empty());
    let case = |(name, case)| {
        let case: &Value = case;
        let params = &case["params"];
        let options = DiarizeOptions {
            clustering: clustering_of(&params["clustering"]),
            overlap: if case["embedding_exclude_overlap"] == true { Overlap::Excluded } else { Overlap::Included },
            min_duration_off: Seconds(params["segmentation"]["min_duration_off"].as_f64().expect("a number")),
            ..DiarizeOptions::default()
        };
        let name: &String = name;
        (name.as_str(), options, count_of(&case["kw"]), case)
    };
    cases.iter().map(case).collect()
}

fn plda() -> Plda {
    Plda::load(&folder("pipeline_e2e").join("plda")).expect("a PLDA of pyannote's")
}

/// What the reference's own network says of the windows.
fn reference_activity() -> Activity {
    let golden = Golden::of("pyannote_segmentation");
    let config = segmentation_config();
    let seconds = |n_samples: usize| n_samples as f64 / 16_000.0;
    let (step, duration) = (config.frame_step_samples(), config.receptive_field_samples());
    activity_of(&golden.tensor("chunks_multilabel"), seconds(step), seconds(duration))
}

fn segmentation_config() -> SegmentationConfig {
    let yaml = fs::read_to_string(folder("pyannote_segmentation").join("config.yaml")).expect("the configuration");
    SegmentationConfig::from_yaml(&yaml).expect("a configuration of pyannote's")
}

#[test]
fn golden_pipeline_e2e_turns_from_the_same_windows_and_voices() {
    let golden = Golden::of("pipeline_e2e");
    let (activity, plda) = (reference_activity(), plda());
    for (name, options, count, case) in cases(&golden) {
        let embeddings = embeddings_of(golden.tensor(&format!("{name}_embeddings")));
        // They are stored as the reference leaves them: for exclusive turns, at most one at once.
        let counts: Vec<f32> = speaker_counts(&activity).into_iter().map(|count| f32::from(count.min(1))).collect();
        assert_eq!(counts, golden.tensor(&format!("{name}_speaker_count")).0, "{name}_speaker_count");
        let (expected, shape) = golden.tensor(&format!("{name}_discrete"));
        let found = discrete(&activity, &embeddings, options.clustering, count, Some(&plda), shape[1]);
        assert_eq!(differences(&found, &expected), 0, "{name}_discrete");
        let found = cluster_and_reconstruct(&activity, &embeddings, &options, &count, Some(&plda), &mut None);
        let found = found.expect("a possible number");
        assert_turns(name, &found.turns, &case["diarization"]);
        assert_turns(&format!("{name}, exclusive"), &found.exclusive, &case["exclusive"]);
        assert_rttm(&found.turns, &folder("pipeline_e2e").join(format!("{name}.rttm")));
        assert_voices(name, &found, &golden.tensor(&format!("{name}_speaker_embeddings")));
    }
}

#[test]
fn golden_pipeline_e2e_diarization() {
    let golden = Golden::of("pipeline_e2e");
    let plda = plda();
    let weights = folder("pyannote_segmentation").join("model.safetensors");
    let checkpoint = Checkpoint::open(&[weights], ComputeType::F32).expect("the weights");
    let segmenter = PyanNet::load(segmentation_config(), &checkpoint).expect("the model");
    let resnet = ResNet34::load(&folder("wespeaker_resnet34")).expect("the model");
    let embedder = Embedder::WeSpeaker(Arc::new(resnet));
    let cancel = CancelToken::default();
    let progress = Progress::unwatched(&cancel);
    let samples = Mono16k::from_samples(audio());
    let activity = segmentation(&samples, &segmenter, Resume::none(), &progress).expect("samples in memory");
    let n_different = activity.masks.iter().zip(&reference_activity().masks).filter(|(a, b)| a != b).count();
    assert!(n_different * FRAMES_PER_DIFFERENCE <= activity.masks.len(), "{n_different} frames of windows differ");

    for (name, options, count, _) in cases(&golden) {
        let found = embeddings(&samples, &activity, &embedder, &options, Resume::none(), &progress);
        let found = found.expect("samples in memory");
        let expected = golden.tensor(&format!("{name}_embeddings")).0;
        assert_eq!(found.values.len(), expected.len(), "{name}_embeddings");
        let mut n_compared = 0;
        let rows = found.values.chunks_exact(found.dimension).zip(expected.chunks_exact(found.dimension));
        for (voice, (found, expected)) in rows.enumerate() {
            if found.iter().all(|value| value.is_finite()) {
                let cosine = cosine(found, expected);
                assert!(cosine >= MIN_COSINE, "{name}_embeddings: voice {voice} has a cosine of {cosine}");
                n_compared += 1;
            }
        }
        assert!(n_compared * 4 >= activity.windows.n_windows, "{name}: {n_compared} voices are too few");

        let (expected, shape) = golden.tensor(&format!("{name}_discrete"));
        let clusters = discrete(&activity, &found, options.clustering, count, Some(&plda), shape[1]);
        let n_different = differences(&clusters, &expected);
        assert!(n_different * FRAMES_PER_DIFFERENCE <= shape[0], "{name}_discrete: {n_different} differ");
        let turns: Diarization = cluster_and_reconstruct(&activity, &found, &options, &count, Some(&plda), &mut None)
            .expect("a possible number");
        assert_eq!(turns.speakers.len(), golden.tensor(&format!("{name}_speaker_embeddings")).1[0], "{name}");
    }
}

fn differences(found: &[f32], expected: &[f32]) -> usize {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).filter(|(found, expected)| (*found - *expected).abs() > 0.5).count()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
