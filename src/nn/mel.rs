//! Whisper's input: samples become a log-mel spectrogram, as openai-whisper 20250625 (`audio.py`) computes it.

use std::sync::Arc;

use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Samples from one frame to the next: 10 ms.
pub const HOP: usize = 160;
/// Samples under one window: 25 ms.
const N_FFT: usize = 400;
/// Samples that a frame depends on, on each side of its centre.
pub const CONTEXT: usize = N_FFT / 2;
const N_BINS: usize = N_FFT / 2 + 1;
const SAMPLE_RATE_HZ: f64 = 16_000.0;
/// The smallest power that counts, and how far below the loudest cell (in powers of ten) everything is cut.
const POWER_FLOOR: f32 = 1e-10;
const DYNAMIC_RANGE: f32 = 8.0;

/// Computes log-mel spectrograms with a fixed number of mel bands.
pub struct LogMel {
    filters: Vec<Filter>,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
}

/// One triangular band: the first bin that it weighs, and its weights from there on.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

impl LogMel {
    /// For models with `n_mels` bands (80, or 128 from large-v3 on).
    pub fn new(n_mels: usize) -> Self {
        // A periodic Hann window: sin² with the period of the window, not of its last sample.
        let window =
            (0..N_FFT).map(|n| (std::f64::consts::PI * n as f64 / N_FFT as f64).sin().powi(2) as f32).collect();
        let filters = mel_filters(n_mels).chunks_exact(N_BINS).map(Filter::new).collect();
        Self { filters, window, fft: RealFftPlanner::new().plan_fft_forward(N_FFT) }
    }

    /// Number of mel bands.
    pub fn n_mels(&self) -> usize {
        self.filters.len()
    }

    /// The spectrogram of `samples`, followed by silence or cut so that it has `n_frames` frames of 10 ms. What is left
    /// over after the last frame, if less than a frame, still counts as signal.
    ///
    /// Frame `t` is centred on sample `160 t`; the padded signal is mirrored at both ends. Values are
    /// `(max(log10 power, loudest - 8) + 4) / 4`, where the loudest cell is that of the whole array.
    ///
    /// # Shapes
    /// Returns `[n_frames, n_mels]`.
    pub fn compute(&self, samples: &[f32], n_frames: usize) -> Vec<f32> {
        let n_given = samples.len().min((n_frames + 1) * HOP - 1);
        let n_samples = n_given.max(n_frames * HOP);
        let mut padded = vec![0.0; n_samples + N_FFT];
        let half = N_FFT / 2;
        padded[half..half + n_given].copy_from_slice(&samples[..n_given]);
        for n in 1..=half.min(n_samples.saturating_sub(1)) {
            padded[half - n] = padded[half + n];
            padded[half + n_samples - 1 + n] = padded[half + n_samples - 1 - n];
        }
        let mut cells = self.log_power(&padded, n_frames);
        let loudest = loudest_of(&cells);
        compress(&mut cells, loudest);
        cells
    }

    /// The loudest of all cells under `signal`, as `log10 power`. With it, [`Self::frames`] computes the spectrogram of
    /// a long recording in parts that are exactly those of the whole.
    ///
    /// # Shapes
    /// `signal` `[160 (n_frames - 1) + 400]`: frame `t` is centred on sample `160 t + 200`.
    pub fn loudest(&self, signal: &[f32]) -> f32 {
        loudest_of(&self.log_power(signal, n_frames_under(signal)))
    }

    /// Part of the spectrogram of a recording whose loudest cell is `loudest`. Nothing is padded or mirrored here.
    ///
    /// # Shapes
    /// `signal` `[160 (n_frames - 1) + 400]`: frame `t` is centred on sample `160 t + 200`. Returns
    /// `[n_frames, n_mels]`.
    pub fn frames(&self, signal: &[f32], loudest: f32) -> Vec<f32> {
        let mut cells = self.log_power(signal, n_frames_under(signal));
        compress(&mut cells, loudest);
        cells
    }

    /// `log10 power` of the first `n_frames` frames under `signal`.
    fn log_power(&self, signal: &[f32], n_frames: usize) -> Vec<f32> {
        let n_mels = self.n_mels();
        let mut out = vec![0.0; n_frames * n_mels];
        let make_buffers = || (self.fft.make_input_vec(), self.fft.make_output_vec(), self.fft.make_scratch_vec());
        out.par_chunks_mut(n_mels).enumerate().for_each_init(make_buffers, |(frame, spectrum, scratch), (t, row)| {
            for ((value, sample), weight) in frame.iter_mut().zip(&signal[t * HOP..]).zip(&self.window) {
                *value = sample * weight;
            }
            self.fft.process_with_scratch(frame, spectrum, scratch).expect("the buffers were made by this transform");
            let power: Vec<f32> = spectrum.iter().map(Complex::norm_sqr).collect();
            for (value, filter) in row.iter_mut().zip(&self.filters) {
                let sum: f32 = power[filter.first_bin..].iter().zip(&filter.weights).map(|(p, w)| p * w).sum();
                *value = sum.max(POWER_FLOOR).log10();
            }
        });
        out
    }
}

fn n_frames_under(signal: &[f32]) -> usize {
    (signal.len() + HOP).saturating_sub(N_FFT) / HOP
}

fn loudest_of(cells: &[f32]) -> f32 {
    cells.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Cuts what is too far below the loudest cell, and scales to about -1..1.
fn compress(cells: &mut [f32], loudest: f32) {
    let floor = loudest - DYNAMIC_RANGE;
    for value in cells {
        *value = (value.max(floor) + 4.0) / 4.0;
    }
}

impl Filter {
    fn new(row: &[f32]) -> Self {
        let first_bin = row.iter().position(|weight| *weight > 0.0).unwrap_or(0);
        let end = row.iter().rposition(|weight| *weight > 0.0).map_or(first_bin, |last| last + 1);
        Self { first_bin, weights: row[first_bin..end].to_vec() }
    }
}

/// The filter bank of `librosa.filters.mel(sr=16000, n_fft=400)`: triangles between neighbouring points of Slaney's mel
/// scale, each divided by half its width in hertz so that all have the same area.
///
/// # Shapes
/// Returns `[n_mels, 201]`.
pub fn mel_filters(n_mels: usize) -> Vec<f32> {
    let top = hz_to_mel(SAMPLE_RATE_HZ / 2.0);
    let edges_hz: Vec<f64> = (0..n_mels + 2).map(|n| mel_to_hz(top * n as f64 / (n_mels + 1) as f64)).collect();
    let mut filters = Vec::with_capacity(n_mels * N_BINS);
    for edges in edges_hz.windows(3) {
        let &[low, centre, high] = edges else { unreachable!("windows of three") };
        filters.extend((0..N_BINS).map(|bin| {
            let hz = bin as f64 * SAMPLE_RATE_HZ / N_FFT as f64;
            let triangle = ((hz - low) / (centre - low)).min((high - hz) / (high - centre)).max(0.0);
            (triangle * 2.0 / (high - low)) as f32
        }));
    }
    filters
}

/// Slaney's scale: linear up to 1 kHz (15 mel), from there on 27 mel for each factor of 6.4.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const LOG_START_HZ: f64 = 1000.0;
const LOG_START_MEL: f64 = LOG_START_HZ / LINEAR_HZ_PER_MEL;
const MELS_PER_FACTOR: f64 = 27.0;
const FACTOR: f64 = 6.4;

fn hz_to_mel(hz: f64) -> f64 {
    if hz < LOG_START_HZ {
        hz / LINEAR_HZ_PER_MEL
    } else {
        LOG_START_MEL + (hz / LOG_START_HZ).ln() * MELS_PER_FACTOR / FACTOR.ln()
    }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < LOG_START_MEL {
        mel * LINEAR_HZ_PER_MEL
    } else {
        LOG_START_HZ * ((mel - LOG_START_MEL) * FACTOR.ln() / MELS_PER_FACTOR).exp()
    }
}
