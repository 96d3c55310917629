//! The inputs of the speaker networks: samples become energies in mel bands, as SpeechBrain 1.1.2 (`lobes/features.py`)
//! computes them for ECAPA-TDNN, and as Kaldi does (torchaudio 2.8, `compliance/kaldi.py`) for WeSpeaker's ResNet.
//!
//! Frames depend on nothing but the 25 ms under them, so those of overlapping windows need to be computed only once.
//! What depends on the whole utterance, its loudest cell and its mean, is taken care of afterwards.

use std::f64::consts::TAU;
use std::sync::Arc;

use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Samples from one frame to the next: 10 ms.
pub const HOP: usize = 160;
/// Samples under one window: 25 ms.
pub const WINDOW: usize = 400;
const SAMPLE_RATE_HZ: f64 = 16_000.0;
/// SpeechBrain's smallest power that counts, and how far below the loudest cell of an utterance everything is cut.
const POWER_FLOOR: f32 = 1e-10;
const RANGE_DECIBELS: f32 = 80.0;
/// Kaldi fills windows up to the next power of two.
const KALDI_FFT: usize = 512;
const KALDI_LOW_HZ: f64 = 20.0;
/// Kaldi counts samples as 16-bit integers do.
const KALDI_SCALE: f32 = 32_768.0;
const PREEMPHASIS: f32 = 0.97;

/// SpeechBrain's features, in decibels.
pub struct SpeechBrainFbank {
    window: Vec<f32>,
    bands: Bands,
}

/// Kaldi's features, as natural logarithms.
pub struct KaldiFbank {
    window: Vec<f32>,
    bands: Bands,
}

/// From a frame of samples to the energy in each band.
struct Bands {
    fft: Arc<dyn RealToComplex<f32>>,
    filters: Vec<Filter>,
}

/// One triangular band: the first bin that it weighs, and its weights from there on.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

impl SpeechBrainFbank {
    /// With `n_mels` bands.
    pub fn new(n_mels: usize) -> Self {
        let n_bins = WINDOW / 2 + 1;
        let filter = |edges: &[f64]| {
            let &[low, centre] = edges else { unreachable!("windows of two") };
            // Both slopes are as long as the left one. That is what the published models were trained with.
            let hz = |bin: usize| bin as f64 * SAMPLE_RATE_HZ / WINDOW as f64;
            Filter::new(n_bins, |bin| 1.0 - (hz(bin) - centre).abs() / (centre - low))
        };
        let filters = edges_hz(n_mels).windows(2).take(n_mels).map(filter).collect();
        Self { window: hamming(WINDOW, WINDOW), bands: Bands::new(WINDOW, filters) }
    }

    /// Number of bands.
    pub fn n_mels(&self) -> usize {
        self.bands.filters.len()
    }

    /// Frames of an utterance of `n_samples`: frame `t` is centred on sample `160 t`.
    pub fn n_frames(n_samples: usize) -> usize {
        n_samples / HOP + 1
    }

    /// The features of one utterance, with silence before and after it. Cells far below its loudest are raised.
    ///
    /// # Shapes
    /// Returns `[frames, n_mels]`, see [`SpeechBrainFbank::n_frames`].
    pub fn compute(&self, samples: &[f32]) -> Vec<f32> {
        let mut signal = vec![0.0; samples.len() + WINDOW];
        signal[WINDOW / 2..][..samples.len()].copy_from_slice(samples);
        let mut cells = self.frames(&signal);
        limit_range(&mut cells);
        cells
    }

    /// Part of the features of a recording; nothing is padded or raised here.
    ///
    /// # Shapes
    /// `signal` `[160 (n_frames - 1) + 400]`: frame `t` is centred on sample `160 t + 200`. Returns
    /// `[n_frames, n_mels]`.
    pub fn frames(&self, signal: &[f32]) -> Vec<f32> {
        let fill = |frame: &mut [f32], samples: &[f32]| {
            for ((value, sample), weight) in frame.iter_mut().zip(samples).zip(&self.window) {
                *value = sample * weight;
            }
        };
        self.bands.energies(signal, fill, |power| 10.0 * power.max(POWER_FLOOR).log10())
    }
}

impl KaldiFbank {
    /// With `n_mels` bands.
    pub fn new(n_mels: usize) -> Self {
        let filters = kaldi_triangles(n_mels).map(|triangle| Filter::new(KALDI_FFT / 2, triangle)).collect();
        Self { window: hamming(WINDOW, WINDOW - 1), bands: Bands::new(KALDI_FFT, filters) }
    }

    /// Number of bands.
    pub fn n_mels(&self) -> usize {
        self.bands.filters.len()
    }

    /// The features of `samples`. Only windows that lie inside of them count.
    ///
    /// # Shapes
    /// Returns `[n_frames, n_mels]`, with `n_frames = (samples - 400) / 160 + 1`.
    pub fn compute(&self, samples: &[f32]) -> Vec<f32> {
        let fill = |frame: &mut [f32], samples: &[f32]| {
            let mean = samples.iter().sum::<f32>() / WINDOW as f32;
            // The sample before the first one is taken to be equal to it.
            let mut before = samples[0] - mean;
            for ((value, sample), weight) in frame.iter_mut().zip(samples).zip(&self.window) {
                let sample = sample - mean;
                *value = (sample - PREEMPHASIS * before) * weight * KALDI_SCALE;
                before = sample;
            }
            frame[WINDOW..].fill(0.0);
        };
        self.bands.energies(samples, fill, |power| power.max(f32::EPSILON).ln())
    }

    /// The weights of the bands.
    ///
    /// # Shapes
    /// Returns `[n_mels, 256]`.
    pub fn filters(&self) -> Vec<f32> {
        let mut rows = vec![0.0; self.n_mels() * KALDI_FFT / 2];
        for (row, filter) in rows.chunks_exact_mut(KALDI_FFT / 2).zip(&self.bands.filters) {
            row[filter.first_bin..][..filter.weights.len()].copy_from_slice(&filter.weights);
        }
        rows
    }
}

/// Raises cells that are more than 80 dB below the loudest one of their utterance.
pub fn limit_range(cells: &mut [f32]) {
    let floor = cells.iter().copied().fold(f32::NEG_INFINITY, f32::max) - RANGE_DECIBELS;
    for value in cells {
        *value = value.max(floor);
    }
}

/// Subtracts from every band its mean over the frames.
///
/// # Shapes
/// `cells` `[frames, n_mels]`.
pub fn subtract_mean(cells: &mut [f32], n_mels: usize) {
    let n_frames = (cells.len() / n_mels) as f64;
    let mut sums = vec![0.0_f64; n_mels];
    for row in cells.chunks_exact(n_mels) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let means: Vec<f32> = sums.iter().map(|sum| (sum / n_frames) as f32).collect();
    for row in cells.chunks_exact_mut(n_mels) {
        row.iter_mut().zip(&means).for_each(|(value, mean)| *value -= mean);
    }
}

/// The lower edge of SpeechBrain's first band, then the centre of each band and the upper edge of the last one, equally
/// far apart in mel `2595 log10(1 + f / 700)`.
///
/// # Shapes
/// Returns `[n_mels + 2]`.
pub fn edges_hz(n_mels: usize) -> Vec<f64> {
    let top_mel = 2595.0 * (1.0 + SAMPLE_RATE_HZ / 2.0 / 700.0).log10();
    let step_mel = top_mel / (n_mels + 1) as f64;
    (0..n_mels + 2).map(|n| 700.0 * (10.0_f64.powf(step_mel * n as f64 / 2595.0) - 1.0)).collect()
}

/// For each of Kaldi's bands, its weight in every bin: triangles in mel `1127 ln(1 + f / 700)`, not in hertz.
fn kaldi_triangles(n_mels: usize) -> impl Iterator<Item = impl Fn(usize) -> f64> {
    let mel = |hz: f64| 1127.0 * (hz / 700.0).ln_1p();
    let low = mel(KALDI_LOW_HZ);
    let step = (mel(SAMPLE_RATE_HZ / 2.0) - low) / (n_mels + 1) as f64;
    (1..=n_mels).map(move |band| {
        let centre = low + step * band as f64;
        move |bin: usize| 1.0 - (mel(bin as f64 * SAMPLE_RATE_HZ / KALDI_FFT as f64) - centre).abs() / step
    })
}

/// `0.54 - 0.46 cos` over `n` samples.
fn hamming(n: usize, period: usize) -> Vec<f32> {
    (0..n).map(|k| (0.54 - 0.46 * (TAU * k as f64 / period as f64).cos()) as f32).collect()
}

impl Bands {
    fn new(n_fft: usize, filters: Vec<Filter>) -> Self {
        Self { fft: RealFftPlanner::new().plan_fft_forward(n_fft), filters }
    }

    /// Every frame of `signal`, windowed by `fill`, as `finish(energy)` of each band.
    fn energies(
        &self,
        signal: &[f32],
        fill: impl Fn(&mut [f32], &[f32]) + Sync,
        finish: impl Fn(f32) -> f32 + Sync,
    ) -> Vec<f32> {
        let n_frames = (signal.len() + HOP).saturating_sub(WINDOW) / HOP;
        let n_mels = self.filters.len();
        let mut out = vec![0.0; n_frames * n_mels];
        let make_buffers = || {
            let (frame, spectrum) = (self.fft.make_input_vec(), self.fft.make_output_vec());
            let power = vec![0.0; spectrum.len()];
            (frame, spectrum, self.fft.make_scratch_vec(), power)
        };
        let rows = out.par_chunks_mut(n_mels).enumerate();
        rows.for_each_init(make_buffers, |(frame, spectrum, scratch, power), (t, row)| {
            fill(frame, &signal[t * HOP..][..WINDOW]);
            self.fft.process_with_scratch(frame, spectrum, scratch).expect("the buffers were made by this transform");
            power.iter_mut().zip(&*spectrum).for_each(|(power, bin)| *power = Complex::norm_sqr(bin));
            for (value, filter) in row.iter_mut().zip(&self.filters) {
                let sum: f32 = power[filter.first_bin..].iter().zip(&filter.weights).map(|(p, w)| p * w).sum();
                *value = finish(sum);
            }
        });
        out
    }
}

impl Filter {
    /// The positive part of `triangle` over `n_bins` bins.
    fn new(n_bins: usize, triangle: impl Fn(usize) -> f64) -> Self {
        let row: Vec<f32> = (0..n_bins).map(|bin| triangle(bin).max(0.0) as f32).collect();
        let first_bin = row.iter().position(|weight| *weight > 0.0).unwrap_or(0);
        let end = row.iter().rposition(|weight| *weight > 0.0).map_or(first_bin, |last| last + 1);
        Self { first_bin, weights: row[first_bin..end].to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_recording_have_the_frames_of_the_whole() {
        let samples: Vec<f32> = (0..8000).map(|n| ((n * n) as f32 * 0.001).sin() * 0.3).collect();
        let fbank = SpeechBrainFbank::new(80);
        let padded = [&[0.0; WINDOW / 2], samples.as_slice(), &[0.0; WINDOW / 2]].concat();
        let whole = fbank.frames(&padded);
        assert_eq!(whole.len(), SpeechBrainFbank::n_frames(samples.len()) * fbank.n_mels());
        // Frames 3 to 9 need the samples from the start of the window of frame 3 to the end of that of frame 9.
        let part = fbank.frames(&samples[3 * HOP - WINDOW / 2..9 * HOP + WINDOW / 2]);
        assert_eq!(part, whole[3 * 80..10 * 80]);
        for n_samples in [0, 1, 399] {
            assert_eq!(KaldiFbank::new(80).compute(&samples[..n_samples]), [0.0; 0], "{n_samples}");
        }
    }
}
