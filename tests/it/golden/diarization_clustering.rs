//! `diarization_clustering`: which voices make clusters, the tree of their merges, PLDA and `VBx`, the assignment of all
//! voices, speaker counting, reconstruction, and turns.

use std::fs;
use std::path::Path;

use hansard::nn::plda::Plda;
use hansard::pipeline::diarize::clustering::{Clusters, clear_voices, cluster, most_similar_apart};
use hansard::pipeline::diarize::dendrogram::Dendrogram;
use hansard::pipeline::diarize::embed::Embeddings;
use hansard::pipeline::diarize::reconstruct::{for_each_frame, speaker_counts};
use hansard::pipeline::diarize::vbx::vbx;
use hansard::pipeline::diarize::{Clustering, Diarization, DiarizeOptions, SpeakerCount, cluster_and_reconstruct};
use hansard::pipeline::segmentation::{Activity, Windows};
use hansard::transcript::Turn;
use hansard::units::{SAMPLE_RATE_HZ, Seconds};
use serde_json::Value;

use super::{Golden, assert_close, folder};

/// pyannote's windows of ten seconds, one every second.
const WINDOW_SAMPLES: usize = 10 * SAMPLE_RATE_HZ as usize;
const STEP_SAMPLES: usize = SAMPLE_RATE_HZ as usize;
/// Times are sums of the same numbers.
const TOLERANCE_SECS: f64 = 1e-9;
/// RTTM has milliseconds, of which halves may be rounded either way.
const TOLERANCE_RTTM_SECS: f64 = 1.01e-3;

pub(super) fn activity_of((values, shape): &(Vec<f32>, Vec<usize>), frame_step: f64, frame_duration: f64) -> Activity {
    let (n_windows, n_frames, n_speakers) = (shape[0], shape[1], shape[2]);
    let windows = Windows {
        n_windows,
        window_samples: WINDOW_SAMPLES,
        step_samples: STEP_SAMPLES,
        n_frames,
        frame_step: Seconds(frame_step),
        frame_duration: Seconds(frame_duration),
        n_samples: (n_windows - 1) * STEP_SAMPLES + WINDOW_SAMPLES,
    };
    let mask =
        |speakers: &[f32]| speakers.iter().rev().fold(0_u8, |mask, speaks| (mask << 1) | u8::from(*speaks > 0.5));
    Activity { windows, n_speakers, masks: values.chunks_exact(n_speakers).map(mask).collect() }
}

pub(super) fn embeddings_of((values, shape): (Vec<f32>, Vec<usize>)) -> Embeddings {
    Embeddings { dimension: shape[2], values }
}

fn activity(golden: &Golden, case: &str) -> Activity {
    let field = &golden.json["receptive_field"];
    let number = |key: &str| field[key].as_f64().expect("a number");
    activity_of(&golden.tensor(&format!("{case}_segmentations")), number("step"), number("duration"))
}

fn has(golden: &Golden, name: &str) -> bool {
    golden.names().contains(&name)
}

/// What pyannote was asked for, under its own names.
pub(super) fn count_of(arguments: &Value) -> SpeakerCount {
    let number = |keys: [&str; 2]| keys.iter().find_map(|key| arguments[*key].as_u64()).map(|number| number as usize);
    SpeakerCount {
        exact: number(["num_clusters", "num_speakers"]),
        min: number(["min_clusters", "min_speakers"]),
        max: number(["max_clusters", "max_speakers"]),
    }
}

pub(super) fn clustering_of(params: &Value) -> Clustering {
    let number = |key: &str| params[key].as_f64().expect("a number");
    match params["min_cluster_size"].as_u64() {
        Some(size) => Clustering::Agglomerative { threshold: number("threshold"), min_cluster_size: size as usize },
        None => Clustering::Vbx { threshold: number("threshold"), fa: number("Fa"), fb: number("Fb") },
    }
}

fn plda() -> Plda {
    Plda::load(&folder("diarization_clustering").join("plda")).expect("a PLDA of pyannote's")
}

/// The embeddings that make clusters, and that they are the expected ones.
fn clear_rows(what: &str, case: &Value, activity: &Activity, embeddings: &Embeddings) -> Vec<f32> {
    let indices = |key: &str| -> Vec<usize> {
        let values = case[key].as_array().expect("a list");
        values.iter().map(|value| value.as_u64().expect("a number") as usize).collect()
    };
    let pairs = indices("train_chunk_idx").into_iter().zip(indices("train_speaker_idx"));
    let expected: Vec<usize> = pairs.map(|(window, speaker)| window * activity.n_speakers + speaker).collect();
    let clear = clear_voices(activity, embeddings);
    assert_eq!(clear, expected, "{what}: clear voices");
    clear
        .iter()
        .flat_map(|place| embeddings.values[place * embeddings.dimension..][..embeddings.dimension].to_vec())
        .collect()
}

fn unit_rows(rows: &[f32], dimension: usize) -> Vec<f32> {
    let unit = |row: &[f32]| {
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter().map(|value| value / length).collect::<Vec<_>>()
    };
    rows.chunks_exact(dimension).flat_map(unit).collect()
}

/// Whole numbers that are stored as tensors; below zero is none.
fn places(values: &[f32]) -> Vec<Option<usize>> {
    values.iter().map(|value| (*value >= 0.0).then_some(*value as usize)).collect()
}

/// Renumbers our clusters as the expected ones are, which must part the voices in the same way.
fn renumbered(what: &str, found: Clusters, expected: &[Option<usize>], dimension: usize) -> Clusters {
    let n_clusters = found.n_clusters;
    let mut ours = vec![None; n_clusters];
    for (found, expected) in found.speakers.iter().zip(expected) {
        let (Some(found), Some(expected)) = (*found, *expected) else { continue };
        assert_eq!(*ours[expected].get_or_insert(found), found, "{what}: the voices are parted in another way");
    }
    let ours: Vec<usize> = ours.into_iter().map(|cluster| cluster.expect("no cluster is empty")).collect();
    let theirs = |cluster: usize| ours.iter().position(|other| *other == cluster);
    Clusters {
        centroids: ours.iter().flat_map(|n| found.centroids[n * dimension..][..dimension].to_vec()).collect(),
        likeness: found
            .likeness
            .chunks_exact(n_clusters)
            .flat_map(|row| ours.iter().map(|n| row[*n]).collect::<Vec<_>>())
            .collect(),
        speakers: found.speakers.into_iter().map(|cluster| cluster.and_then(&theirs)).collect(),
        n_clusters,
    }
}

fn assert_clusters(golden: &Golden, case: &str, found: &Clusters) {
    let (expected, shape) = golden.tensor(&format!("{case}_soft"));
    assert_eq!(found.n_clusters, shape[2], "{case}: number of clusters");
    assert_close(&format!("{case}_centroids"), &found.centroids, &golden.tensor(&format!("{case}_centroids")).0, 1e-5);
    assert_eq!(found.likeness.len(), expected.len());
    for (n, (found, expected)) in found.likeness.iter().zip(&expected).enumerate() {
        let is_close = (*found as f32 - expected).abs() <= 1e-5 || (found.is_nan() && expected.is_nan());
        assert!(is_close, "{case}_soft[{n}]: {found}, expected {expected}");
    }
}

#[test]
fn golden_diarization_clustering_agglomerative() {
    let golden = Golden::of("diarization_clustering");
    let cases = golden.json["ahc"].as_array().expect("the cases");
    assert!(!cases.is_empty());
    for case in cases {
        let name = format!("ahc_{}", case["name"].as_str().expect("a name"));
        let activity = activity(&golden, &name);
        let embeddings = embeddings_of(golden.tensor(&format!("{name}_embeddings")));
        let rows = clear_rows(&name, case, &activity, &embeddings);
        if has(&golden, &format!("{name}_linkage")) {
            let (expected, shape) = golden.tensor(&format!("{name}_linkage"));
            let tree = Dendrogram::by_centroids(&unit_rows(&rows, embeddings.dimension), embeddings.dimension);
            assert_eq!(tree.merges.len(), shape[0], "{name}: merges");
            for (n, (merge, expected)) in tree.merges.iter().zip(expected.chunks_exact(4)).enumerate() {
                let [one, two] = merge.clusters;
                let found = [one as f32, two as f32, merge.height as f32, merge.n_rows as f32];
                assert_close(&format!("{name}: merge {n}"), &found, expected, 1e-6);
            }
            let threshold = case["params"]["threshold"].as_f64().expect("a number");
            let found: Vec<f32> = tree.within(threshold).iter().map(|cluster| (cluster + 1) as f32).collect();
            assert_eq!(found, golden.tensor(&format!("{name}_fcluster")).0, "{name}_fcluster");
        }
        let clustering = clustering_of(&case["params"]);
        let found = cluster(&activity, &embeddings, clustering, count_of(&case["kwargs"]), None, &mut None)
            .expect("a possible number");
        assert_clusters(&golden, &name, &found);
        let speakers = if case["constrained_assignment"].as_bool() == Some(true) {
            most_similar_apart(&found.likeness, activity.n_speakers, found.n_clusters)
        } else {
            found.speakers
        };
        assert_eq!(speakers, places(&golden.tensor(&format!("{name}_hard")).0), "{name}_hard");
    }
}

#[test]
fn golden_diarization_clustering_vbx() {
    let golden = Golden::of("diarization_clustering");
    let cases = golden.json["vbx"].as_array().expect("the cases");
    assert!(!cases.is_empty());
    for case in cases {
        let name = format!("vbx_{}", case["name"].as_str().expect("a name"));
        let plda = plda().truncated(case["lda_dimension"].as_u64().expect("a number") as usize);
        let activity = activity(&golden, &name);
        let embeddings = embeddings_of(golden.tensor(&format!("{name}_embeddings")));
        let rows = clear_rows(&name, case, &activity, &embeddings);
        let clustering = clustering_of(&case["params"]);
        let Clustering::Vbx { threshold, fa, fb } = clustering else { panic!("{name} is not clustered by VBx") };
        if has(&golden, &format!("{name}_ahc_init")) {
            let units = unit_rows(&rows, embeddings.dimension);
            let first = Dendrogram::by_centroids(&units, embeddings.dimension).within(threshold);
            let as_numbers: Vec<f32> = first.iter().map(|cluster| *cluster as f32).collect();
            assert_eq!(as_numbers, golden.tensor(&format!("{name}_ahc_init")).0, "{name}_ahc_init");
            let features = plda.features(&rows);
            let sizes = |values: &[f64]| values.iter().map(|value| value.abs() as f32).collect::<Vec<_>>();
            let (expected, _) = golden.tensor(&format!("{name}_plda_features"));
            let expected: Vec<f32> = expected.iter().map(|value| value.abs()).collect();
            assert_close(&format!("{name}_plda_features"), &sizes(&features), &expected, 1e-5);
            let (expected, _) = golden.tensor(&format!("{name}_phi"));
            assert_close(&format!("{name}_phi"), &sizes(plda.variances()), &expected, 1e-5);
            let mixture = vbx(&features, plda.variances(), &first, fa, fb);
            let (expected, _) = golden.tensor(&format!("{name}_gamma"));
            assert_close(&format!("{name}_gamma"), &sizes(&mixture.responsibilities), &expected, 1e-6);
            let (expected, _) = golden.tensor(&format!("{name}_pi"));
            assert_close(&format!("{name}_pi"), &sizes(&mixture.shares), &expected, 1e-6);
        }
        let found = cluster(&activity, &embeddings, clustering, count_of(&case["kwargs"]), Some(&plda), &mut None);
        let found = found.expect("a possible number");
        let expected = places(&golden.tensor(&format!("{name}_hard")).0);
        // Where the number was forced, k-means numbers its clusters by chance.
        let is_forced = !case["kwargs"]["num_clusters"].is_null();
        let found = if is_forced { renumbered(&name, found, &expected, embeddings.dimension) } else { found };
        assert_eq!(found.speakers, expected, "{name}_hard");
        assert_clusters(&golden, &name, &found);
    }
}

/// Who speaks in each frame before clusters are renamed, `[frames, clusters]`, as pyannote has it.
pub(super) fn discrete(
    activity: &Activity,
    embeddings: &Embeddings,
    clustering: Clustering,
    count: SpeakerCount,
    plda: Option<&Plda>,
    n_clusters: usize,
) -> Vec<f32> {
    let clusters = cluster(activity, embeddings, clustering, count, plda, &mut None).expect("a possible number");
    let speaks = |voice: usize| {
        let (window, speaker) = (voice / activity.n_speakers, voice % activity.n_speakers);
        activity.window(window).iter().any(|mask| (mask >> speaker) & 1 == 1)
    };
    let speakers: Vec<Option<usize>> =
        clusters.speakers.iter().enumerate().map(|(voice, cluster)| cluster.filter(|_| speaks(voice))).collect();
    let counts = speaker_counts(activity);
    let max_at_once = count.exact.or(count.max).unwrap_or(usize::MAX);
    let mut discrete = vec![0.0; counts.len() * n_clusters];
    for_each_frame(activity, &speakers, &counts, max_at_once, |frame, active| {
        for cluster in active {
            assert!(*cluster < n_clusters, "frame {frame}: cluster {cluster}");
            discrete[frame * n_clusters + cluster] = 1.0;
        }
    });
    discrete
}

pub(super) fn assert_turns(what: &str, found: &[Turn], expected: &Value) {
    let expected = expected.as_array().expect("a list").iter().map(|turn| {
        let number = |key: &str| turn[key].as_f64().expect("a number");
        (number("start"), number("end"), turn["speaker"].as_str().expect("a label").to_owned())
    });
    assert_same(what, found, expected.collect(), TOLERANCE_SECS);
}

pub(super) fn assert_rttm(found: &[Turn], path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let expected = text.lines().map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |n: usize| fields[n].parse::<f64>().expect("a number");
        (number(3), number(3) + number(4), fields[7].to_owned())
    });
    assert_same(&path.display().to_string(), found, expected.collect(), TOLERANCE_RTTM_SECS);
}

/// Where two turns begin and end together, either may come first.
fn assert_same(what: &str, found: &[Turn], mut expected: Vec<(f64, f64, String)>, tolerance_secs: f64) {
    let mut found: Vec<(f64, f64, String)> =
        found.iter().map(|turn| (turn.span.start.0, turn.span.end.0, turn.speaker.clone())).collect();
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}, expected {expected:?}");
    for turns in [&mut found, &mut expected] {
        let key = |turn: &(f64, f64, String)| ((turn.0 * 500.0).round() as i64, turn.2.clone());
        turns.sort_by_key(key);
    }
    for (n, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let off = (found.0 - expected.0).abs().max((found.1 - expected.1).abs());
        assert!(off <= tolerance_secs && found.2 == expected.2, "{what} {n}: {found:?}, expected {expected:?}");
    }
}

/// Rows of zeros stand for speakers of whom no voice is known.
pub(super) fn assert_voices(what: &str, found: &Diarization, (expected, shape): &(Vec<f32>, Vec<usize>)) {
    assert_eq!(found.speakers.len(), shape[0], "{what}: {:?}", found.speakers);
    for (n, (speaker, expected)) in found.speakers.iter().zip(expected.chunks_exact(shape[1])).enumerate() {
        assert_eq!(speaker.label, format!("SPEAKER_{n:02}"));
        if expected.iter().all(|value| *value == 0.0) {
            assert!(speaker.embedding.is_empty(), "{what}: {speaker:?}");
        } else {
            assert_close(&format!("{what}: {}", speaker.label), &speaker.embedding, expected, 1e-5);
        }
    }
}

#[test]
fn golden_diarization_clustering_turns() {
    let golden = Golden::of("diarization_clustering");
    let plda = plda();
    let cases = golden.json["pipeline"].as_array().expect("the cases");
    assert!(!cases.is_empty());
    for case in cases {
        let short_name = case["name"].as_str().expect("a name");
        let name = format!("pipe_{short_name}");
        let activity = activity(&golden, &name);
        let embeddings = embeddings_of(golden.tensor(&format!("{name}_embeddings")));
        let counts: Vec<f32> = speaker_counts(&activity).into_iter().map(f32::from).collect();
        assert_eq!(counts, golden.tensor(&format!("{name}_speaker_count")).0, "{name}_speaker_count");

        let params = &case["params"];
        let options = DiarizeOptions {
            clustering: clustering_of(&params["clustering"]),
            min_duration_off: Seconds(params["segmentation"]["min_duration_off"].as_f64().expect("a number")),
            ..DiarizeOptions::default()
        };
        let count = count_of(&case["kwargs"]);
        if has(&golden, &format!("{name}_discrete")) {
            let (expected, shape) = golden.tensor(&format!("{name}_discrete"));
            let found = discrete(&activity, &embeddings, options.clustering, count, Some(&plda), shape[1]);
            assert_eq!(found.len(), expected.len(), "{name}_discrete");
            let first = found.iter().zip(&expected).position(|(found, expected)| (found - expected).abs() > 0.5);
            assert_eq!(first, None, "{name}_discrete");
        }
        let found = cluster_and_reconstruct(&activity, &embeddings, &options, &count, Some(&plda), &mut None);
        let found = found.expect("a possible number");
        assert_turns(&name, &found.turns, &case["diarization"]);
        assert_turns(&format!("{name}, exclusive"), &found.exclusive, &case["exclusive"]);
        let folder = folder("diarization_clustering");
        assert_rttm(&found.turns, &folder.join(format!("{name}.rttm")));
        assert_rttm(&found.exclusive, &folder.join(format!("{name}.exclusive.rttm")));
        assert_voices(&name, &found, &golden.tensor(&format!("{name}_speaker_embeddings")));
    }
}
