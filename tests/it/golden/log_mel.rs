//! `log_mel`: Whisper's features.

use std::fs;

use hansard::nn::mel::{HOP, LogMel, mel_filters};

use super::{Golden, assert_close, audio, folder, transposed};

/// The common input as this set used it: its README says how much was cut off, and what it was multiplied by.
fn input() -> Vec<f32> {
    let readme = fs::read_to_string(folder("log_mel").join("README.md")).expect("the description");
    let number_between = |before: &str, after: &str| {
        let (_, rest) = readme.split_once(before).expect(before);
        rest.split_once(after).expect(after).0.trim().parse::<f32>().expect("a number")
    };
    let n_dropped = number_between("float32; first ", " samples dropped") as usize;
    let gain = number_between("then multiplied by ", " (not copied here)");
    audio()[n_dropped..].iter().map(|sample| sample * gain).collect()
}

#[test]
fn golden_log_mel() {
    let golden = Golden::of("log_mel");
    let audio = input();
    let mut n_checked = 0;
    for name in golden.names() {
        let (expected, shape) = golden.tensor(name);
        if let Some(n_mels) = name.strip_prefix("mel_filters_") {
            assert_close(name, &mel_filters(n_mels.parse().expect("a number")), &expected, 1e-7);
            n_checked += 1;
        } else if let Some(rest) = name.strip_prefix("log_mel_") {
            let (n_mels, variant) = rest.split_once('_').unwrap_or((rest, ""));
            let n_mels: usize = n_mels.parse().expect("a number");
            let n_frames_shown = shape[1];
            let n_frames = if variant.starts_with("unpadded") { audio.len() / HOP } else { 3000 };
            let frames = LogMel::new(n_mels).compute(&audio, n_frames);
            let shown = if variant.contains("last") {
                &frames[(n_frames - n_frames_shown) * n_mels..]
            } else {
                &frames[..n_frames_shown * n_mels]
            };
            let found = transposed(shown, n_mels);
            assert_close(name, &found, &expected, 1e-4);
            let mean = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum::<f32>() / expected.len() as f32;
            assert!(mean <= 1e-6, "{name}: mean difference {mean}");
            n_checked += 1;
        }
    }
    assert!(n_checked >= 4, "only {n_checked} tensors were there to compare");
}
