//! `log_mel`: Whisper's features.

use hansard::nn::mel::{HOP, LogMel, mel_filters};

use super::{Golden, assert_close, audio, transposed};

#[test]
fn golden_log_mel() {
    let golden = Golden::of("log_mel");
    let audio = audio();
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
