//! How fast a Whisper model transcribes on this machine: as it was measured, else estimated from its dimensions. No
//! egui in here.
//!
//! # What a window costs
//! The work of a window is counted in multiply-adds. `d` is the width, `T` the positions of the encoder (50 a second),
//! `M` the mel bands, `E` and `D` the layers of encoder and decoder, `V` the vocabulary, `N` the tokens of the text.
//! ```text
//! convolutions  2T · 3Md  +  T · 3d²                      kernels of three frames, at twice the frame rate and at T
//! encoder       E · (12 T d²  +  2 T² d)                  four projections and 8d² of feed-forward; scores and sums
//! preparing     D · 2 T d²                                keys and values that the decoder looks at
//! decoder       N · (D · (14 d²  +  2 T d)  +  V d)       4d² to itself, 2d² to the sound, 8d² of feed-forward
//! ```
//! Steps of the decoder multiply matrices by few rows and are bound by memory, so a multiply-add costs more there:
//! [`DECODER_PRICE`] times as much, measured with eight sequences together. By that price the times of `tiny`, `base`
//! and `small` on one machine are told from each other to within a tenth (the test below).

use crate::engine::models::WhisperShape;

/// What a multiply-add costs in the decoder, compared with the encoder: 80 to 35 billion a second on two threads.
const DECODER_PRICE: f64 = 2.3;
/// Multiply-adds a second and thread where nothing was measured: 8-bit weights on a processor with AVX2.
const TYPICAL_RATE_PER_THREAD: f64 = 40e9;
/// Tokens of a second of speech: 150 words a minute, and four tokens for three words.
const TOKENS_PER_SEC: f64 = 3.4;
/// Positions of the encoder in a second.
const POSITIONS_PER_SEC: f64 = 50.0;
/// Where two models are further apart than this, one says little about the other: small matrices are mostly overhead.
const MAX_COST_RATIO: f64 = 40.0;

/// How fast a model is, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed {
    /// Seconds of sound that it transcribes in a second.
    pub(super) times: f64,
    /// How that is known.
    pub(super) source: SpeedSource,
}

/// How a speed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpeedSource {
    /// The model worked on this machine.
    Measured,
    /// Worked out from its dimensions.
    Estimated,
}

/// The speed of a model of this shape, estimated from models that were measured here, each with its shape and the
/// seconds of sound that it transcribed in a second. Where none of them is of a comparable size, from what processors
/// usually do on `n_threads` threads.
pub(super) fn estimated_speed(shape: WhisperShape, measured: &[(WhisperShape, f64)], n_threads: usize) -> Speed {
    let cost = cost_per_sec(shape);
    let distance = |other: WhisperShape| (cost_per_sec(other) / cost).ln().abs();
    let comparable = measured.iter().filter(|(other, _)| distance(*other) < MAX_COST_RATIO.ln());
    let nearest = comparable.min_by(|(a, _), (b, _)| distance(*a).total_cmp(&distance(*b)));
    let times = match nearest {
        Some((other, times)) => times * cost_per_sec(*other) / cost,
        None => TYPICAL_RATE_PER_THREAD * n_threads.max(1) as f64 / cost,
    };
    Speed { times, source: SpeedSource::Estimated }
}

/// Multiply-adds for a second of speech, by the prices of the encoder.
fn cost_per_sec(shape: WhisperShape) -> f64 {
    let [d, t, mels, vocabulary] =
        [shape.width, shape.n_audio_positions, shape.n_mels, shape.n_tokens].map(|n| n as f64);
    let (encoder_layers, decoder_layers) = (shape.n_encoder_layers as f64, shape.n_decoder_layers as f64);
    let window_secs = t / POSITIONS_PER_SEC;
    let convolutions = 6.0 * t * mels * d + 3.0 * t * d * d;
    let encoder = encoder_layers * (12.0 * t * d * d + 2.0 * t * t * d);
    let preparing = decoder_layers * 2.0 * t * d * d;
    let token = decoder_layers * (14.0 * d * d + 2.0 * t * d) + vocabulary * d;
    let decoder = TOKENS_PER_SEC * window_secs * token;
    (convolutions + encoder + preparing + DECODER_PRICE * decoder) / window_secs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: WhisperShape = WhisperShape {
        width: 384,
        n_encoder_layers: 4,
        n_decoder_layers: 4,
        n_mels: 80,
        n_audio_positions: 1500,
        n_tokens: 51_865,
    };
    const BASE: WhisperShape = WhisperShape { width: 512, n_encoder_layers: 6, n_decoder_layers: 6, ..TINY };
    const SMALL: WhisperShape = WhisperShape { width: 768, n_encoder_layers: 12, n_decoder_layers: 12, ..TINY };
    const LARGE: WhisperShape = WhisperShape { width: 1280, n_encoder_layers: 32, n_decoder_layers: 32, ..TINY };
    /// Milliseconds for encoding, preparing and a token of eight sequences, by `hansard bench` on two threads.
    const MEASURED: [(WhisperShape, f64, f64, f64); 3] =
        [(TINY, 216.8, 26.3, 0.993), (BASE, 570.4, 62.9, 1.603), (SMALL, 2057.5, 223.4, 4.74)];

    #[test]
    fn estimates_agree_with_measurements() {
        let speeds = MEASURED.map(|(shape, encode_ms, prepare_ms, token_ms)| {
            (shape, 30e3 / (encode_ms + prepare_ms + 30.0 * TOKENS_PER_SEC * token_ms))
        });
        for (shape, expected) in speeds {
            for reference in speeds {
                let estimated = estimated_speed(shape, &[reference], 1).times;
                assert!((estimated / expected - 1.0).abs() < 0.1, "{shape:?}: {estimated:.1} for {expected:.1}");
            }
            let typical = estimated_speed(shape, &[], 2).times;
            assert!((typical / expected - 1.0).abs() < 0.25, "{shape:?}: {typical:.1} for {expected:.1}");
        }
    }

    #[test]
    fn the_nearest_measurement_counts_and_a_far_one_does_not() {
        let estimated = estimated_speed(LARGE, &[(BASE, 1000.0), (SMALL, 1.0)], 2);
        assert!(estimated.times < 0.5, "small is nearer to large than base: {estimated:?}");
        assert_eq!(estimated.source, SpeedSource::Estimated);
        assert_eq!(estimated_speed(LARGE, &[(TINY, 1000.0)], 2), estimated_speed(LARGE, &[], 2));
    }
}
