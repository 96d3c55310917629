//! PyanNet, the speaker segmentation network of pyannote.audio 4.0 (SincNet, bidirectional LSTM, linear layers): windows
//! of samples become, for every 16.9 ms, the log-probability of each set of speakers who may be talking.
//!
//! Bredin & Laurent, "End-to-end speaker segmentation for overlap-aware resegmentation", 2021; powerset classes from
//! Plaquet & Bredin, 2023; sinc filters from Ravanelli & Bengio, 2018. It does not slide over recordings or join the
//! windows' results: those are `pipeline::segmentation` and `pipeline::speech`.

mod config;
mod lstm;

use std::f64::consts::PI;

use rayon::prelude::*;

use super::checkpoint::{Checkpoint, CheckpointError, Scope};
use super::linear::{Linear, Write};
use lstm::LstmLayer;

pub use config::{SegmentationConfig, SegmentationConfigError};

const SINC_KERNEL: usize = 251;
const CONV_KERNEL: usize = 5;
const POOL: usize = 3;
const SINC_FILTERS: usize = 80;
const CONV_CHANNELS: usize = 60;
const SAMPLE_RATE_HZ: f64 = 16_000.0;
const MIN_LOW_HZ: f64 = 50.0;
const MIN_BAND_HZ: f64 = 50.0;
const NORM_EPSILON: f32 = 1e-5;
const LEAK: f32 = 0.01;

/// The network with its weights.
pub struct PyanNet {
    config: SegmentationConfig,
    wav_norm: (f32, f32),
    sinc: Linear,
    /// Response of each sinc filter to a constant 1.
    sinc_sums: Vec<f32>,
    norms: [ChannelNorm; 3],
    convs: [Linear; 2],
    lstm: Vec<LstmLayer>,
    linears: Vec<Linear>,
    classifier: Linear,
    n_bytes: usize,
}

/// Scale and shift of an instance normalisation, one pair per channel.
struct ChannelNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl PyanNet {
    /// Takes the weights from a checkpoint with pyannote's own names.
    pub fn load(config: SegmentationConfig, checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let root = checkpoint.at("");
        let sincnet = root.at("sincnet");
        let filters = sinc_filters(&sincnet.at("conv1d.0.filterbank"))?;
        let sinc_sums = filters.chunks_exact(SINC_KERNEL).map(|filter| filter.iter().sum()).collect();
        let norm = |index, channels: usize| {
            let scope = sincnet.nth("norm1d", index);
            let (weight, bias) = (scope.tensor("weight", &[channels])?, scope.tensor("bias", &[channels])?);
            Ok::<_, CheckpointError>(ChannelNorm { weight, bias })
        };
        let conv = |index, channels: usize| {
            let scope = sincnet.nth("conv1d", index);
            let weight = scope.tensor("weight", &[CONV_CHANNELS, channels, CONV_KERNEL])?;
            Ok::<_, CheckpointError>(Linear::convolution(
                &weight,
                scope.tensor("bias", &[CONV_CHANNELS])?,
                channels,
                CONV_KERNEL,
            ))
        };
        let wav_norm = sincnet.at("wav_norm1d");
        let width = 2 * config.lstm_hidden;
        let lstm = (0..config.lstm_layers)
            .map(|layer| {
                let n_in = if layer == 0 { CONV_CHANNELS } else { width };
                LstmLayer::load(&root.at("lstm"), layer, n_in, config.lstm_hidden)
            })
            .collect::<Result<_, _>>()?;
        let linear_in = |layer| if layer == 0 { width } else { config.linear_hidden };
        let linears = (0..config.linear_layers)
            .map(|layer| root.nth("linear", layer).linear(linear_in(layer), config.linear_hidden))
            .collect::<Result<_, _>>()?;
        let classifier = root.at("classifier").linear(linear_in(config.linear_layers), config.classes().len())?;
        Ok(Self {
            wav_norm: (wav_norm.tensor("weight", &[1])?[0], wav_norm.tensor("bias", &[1])?[0]),
            sinc: Linear::convolution(&filters, Vec::new(), 1, SINC_KERNEL),
            sinc_sums,
            norms: [norm(0, SINC_FILTERS)?, norm(1, CONV_CHANNELS)?, norm(2, CONV_CHANNELS)?],
            convs: [conv(1, SINC_FILTERS)?, conv(2, CONV_CHANNELS)?],
            lstm,
            linears,
            classifier,
            n_bytes: checkpoint.n_bytes_kept(),
            config,
        })
    }

    /// What the network was built for.
    pub fn config(&self) -> &SegmentationConfig {
        &self.config
    }

    /// Bytes of its weights.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Log-probabilities of the powerset classes for `n_windows` windows, window `k` beginning `k * step` samples into
    /// `signal`, which must hold them all.
    ///
    /// # Shapes
    /// Returns `[windows, frames, classes]`, see [`SegmentationConfig::n_frames`] and [`SegmentationConfig::classes`].
    pub fn forward(&self, signal: &[f32], n_windows: usize, step: usize) -> Vec<f32> {
        let features = self.sincnet(signal, n_windows, step);
        let hidden = self.recurrent(&features, n_windows);
        self.classify(&hidden)
    }

    /// The convolutional part.
    ///
    /// # Shapes
    /// `signal` as in [`PyanNet::forward`]; returns `[windows, frames, 60]`.
    pub fn sincnet(&self, signal: &[f32], n_windows: usize, step: usize) -> Vec<f32> {
        let window = self.config.window_samples;
        let stride = self.config.sinc_stride;
        let n_sinc_frames = (window - SINC_KERNEL) / stride + 1;
        let convolve = |samples: &[f32]| {
            let mut out = vec![0.0; ((samples.len() - SINC_KERNEL) / stride + 1) * SINC_FILTERS];
            self.sinc.convolve(samples, 1, stride, &mut out, Write::Replace);
            out
        };
        // Windows overlap by nine tenths. Normalising a window is x -> a x + c, and filtering is linear, so the filters
        // run once over all of the signal: filter(a x + c) = a filter(x) + c sum(filter).
        let shared = step.is_multiple_of(stride).then(|| convolve(&signal[..(n_windows - 1) * step + window]));
        let n_frames = self.config.n_frames();
        let mut features = vec![0.0; n_windows * n_frames * CONV_CHANNELS];
        let windows = features.par_chunks_exact_mut(n_frames * CONV_CHANNELS).enumerate();
        windows.for_each_init(Scratch::default, |Scratch { pooled, convolved }, (k, out)| {
            let samples = &signal[k * step..][..window];
            let own;
            let filtered = if let Some(shared) = &shared {
                &shared[k * step / stride * SINC_FILTERS..][..n_sinc_frames * SINC_FILTERS]
            } else {
                own = convolve(samples);
                own.as_slice()
            };
            let (mean, scale) = mean_and_scale(samples);
            let gain = scale * self.wav_norm.0;
            let offset = self.wav_norm.1 - mean * gain;
            let offsets: Vec<f32> = self.sinc_sums.iter().map(|sum| offset * sum).collect();
            pooled.resize(n_sinc_frames / POOL * SINC_FILTERS, 0.0);
            max_pool(filtered, pooled, &offsets, |value, offset| (gain * value + offset).abs());
            self.norms[0].normalise_and_leak(pooled);

            let zeros = [0.0; CONV_CHANNELS];
            let [first, second] = &self.convs;
            let mut convolve = |conv: &Linear, x: &[f32], channels: usize, pooled: &mut [f32]| {
                convolved.resize((x.len() / channels - CONV_KERNEL + 1) * CONV_CHANNELS, 0.0);
                conv.convolve(x, channels, 1, convolved, Write::Replace);
                max_pool(convolved, pooled, &zeros, |value, _| value);
            };
            let n_middle_frames = (pooled.len() / SINC_FILTERS - CONV_KERNEL + 1) / POOL;
            let mut middle = vec![0.0; n_middle_frames * CONV_CHANNELS];
            convolve(first, pooled, SINC_FILTERS, &mut middle);
            self.norms[1].normalise_and_leak(&mut middle);
            convolve(second, &middle, CONV_CHANNELS, out);
            self.norms[2].normalise_and_leak(out);
        });
        features
    }

    /// The LSTM layers.
    ///
    /// # Shapes
    /// `features` `[windows, frames, 60]`; returns `[windows, frames, 2 * lstm_hidden]`, forward then backward.
    pub fn recurrent(&self, features: &[f32], n_windows: usize) -> Vec<f32> {
        // Time outermost, so that one step of all windows is one block of memory.
        let mut x = swap_axes(features, n_windows, CONV_CHANNELS);
        for layer in &self.lstm {
            x = layer.forward(&x, n_windows);
        }
        let width = 2 * self.config.lstm_hidden;
        swap_axes(&x, x.len() / width / n_windows, width)
    }

    /// The linear layers and the log-softmax over classes.
    ///
    /// # Shapes
    /// `hidden` `[rows, 2 * lstm_hidden]`; returns `[rows, classes]`.
    pub fn classify(&self, hidden: &[f32]) -> Vec<f32> {
        let n_rows = hidden.len() / (2 * self.config.lstm_hidden);
        let mut x = hidden.to_vec();
        for linear in &self.linears {
            let mut out = vec![0.0; n_rows * linear.n_out()];
            linear.forward(&x, &mut out, Write::Replace);
            for value in &mut out {
                *value = leak(*value);
            }
            x = out;
        }
        let n_classes = self.classifier.n_out();
        let mut out = vec![0.0; n_rows * n_classes];
        self.classifier.forward(&x, &mut out, Write::Replace);
        for row in out.chunks_exact_mut(n_classes) {
            let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let log_sum = row.iter().map(|value| (value - max).exp()).sum::<f32>().ln() + max;
            for value in row {
                *value -= log_sum;
            }
        }
        out
    }
}

impl ChannelNorm {
    /// Instance normalisation over time, then leaky ReLU.
    ///
    /// # Shapes
    /// `x` `[frames, channels]`.
    fn normalise_and_leak(&self, x: &mut [f32]) {
        let channels = self.weight.len();
        let n_frames = (x.len() / channels) as f32;
        let mut means = vec![0.0; channels];
        for row in x.chunks_exact(channels) {
            means.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        for sum in &mut means {
            *sum /= n_frames;
        }
        let mut scales = vec![0.0; channels];
        for row in x.chunks_exact(channels) {
            for ((sum, value), mean) in scales.iter_mut().zip(row).zip(&means) {
                *sum += (value - mean) * (value - mean);
            }
        }
        for (scale, weight) in scales.iter_mut().zip(&self.weight) {
            *scale = weight / (*scale / n_frames + NORM_EPSILON).sqrt();
        }
        for row in x.chunks_exact_mut(channels) {
            for (((value, mean), scale), bias) in row.iter_mut().zip(&means).zip(&scales).zip(&self.bias) {
                *value = leak((*value - mean) * scale + bias);
            }
        }
    }
}

fn leak(value: f32) -> f32 {
    if value > 0.0 { value } else { LEAK * value }
}

/// Mean of the samples, and what to multiply their distance from it by to get unit variance.
fn mean_and_scale(samples: &[f32]) -> (f32, f32) {
    let n = samples.len() as f64;
    let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let variance = samples.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
    (mean as f32, 1.0 / (variance as f32 + NORM_EPSILON).sqrt())
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    pooled: Vec<f32>,
    convolved: Vec<f32>,
}

/// The largest of each three neighbouring frames, after `map(value, offset of the channel)`; frames left over are dropped.
///
/// # Shapes
/// `x` `[frames, channels]`, `out` `[frames / 3, channels]`, `offsets` `[channels]`.
fn max_pool(x: &[f32], out: &mut [f32], offsets: &[f32], map: impl Fn(f32, f32) -> f32) {
    let channels = offsets.len();
    for (frames, out) in x.chunks_exact(POOL * channels).zip(out.chunks_exact_mut(channels)) {
        let (first, rest) = frames.split_at(channels);
        let (second, third) = rest.split_at(channels);
        for ((((out, first), second), third), offset) in out.iter_mut().zip(first).zip(second).zip(third).zip(offsets) {
            *out = map(*first, *offset).max(map(*second, *offset)).max(map(*third, *offset));
        }
    }
}

/// `[outer, inner, width]` to `[inner, outer, width]`.
fn swap_axes(x: &[f32], n_outer: usize, width: usize) -> Vec<f32> {
    let n_inner = x.len() / width / n_outer;
    let mut out = Vec::with_capacity(x.len());
    for inner in 0..n_inner {
        for outer in 0..n_outer {
            out.extend_from_slice(&x[(outer * n_inner + inner) * width..][..width]);
        }
    }
    out
}

/// Band-pass filters from their learnt edges, as `asteroid_filterbanks` 0.4 (`ParamSincFB`): 40 even (cosine) filters,
/// then 40 odd (sine) ones.
///
/// A band-pass is the difference of two low-passes, `(sin(2π f_high t) - sin(2π f_low t)) / (π t)`; the odd
/// filters are its Hilbert transform. Both are tapered by a Hamming window and scaled by the width of their band.
///
/// # Shapes
/// Returns `[80, 251]`.
pub fn sinc_filters(filterbank: &Scope<'_>) -> Result<Vec<f32>, CheckpointError> {
    const HALF: usize = SINC_KERNEL / 2;
    let n_bands = SINC_FILTERS / 2;
    let low = filterbank.tensor("low_hz_", &[n_bands, 1])?;
    let band = filterbank.tensor("band_hz_", &[n_bands, 1])?;
    let mut even = Vec::with_capacity(SINC_FILTERS * SINC_KERNEL);
    let mut odd = Vec::with_capacity(n_bands * SINC_KERNEL);
    for (low, band) in low.iter().zip(&band) {
        let low_hz = MIN_LOW_HZ + f64::from(low.abs());
        let high_hz = (low_hz + MIN_BAND_HZ + f64::from(band.abs())).clamp(MIN_LOW_HZ, SAMPLE_RATE_HZ / 2.0);
        let norm = 2.0 * (high_hz - low_hz);
        let side = |wave: &dyn Fn(f64) -> f64| -> Vec<f64> {
            (0..HALF)
                .map(|n| {
                    let t = 2.0 * PI * (n as f64 - HALF as f64) / SAMPLE_RATE_HZ;
                    let window = 0.54 - 0.46 * (2.0 * PI * n as f64 / (SINC_KERNEL - 1) as f64).cos();
                    wave(t) / (t / 2.0) * window / norm
                })
                .collect()
        };
        let cosine = side(&|t| (high_hz * t).sin() - (low_hz * t).sin());
        let sine = side(&|t| (low_hz * t).cos() - (high_hz * t).cos());
        even.extend(cosine.iter().map(|x| *x as f32));
        even.push(1.0);
        even.extend(cosine.iter().rev().map(|x| *x as f32));
        odd.extend(sine.iter().map(|x| *x as f32));
        odd.push(0.0);
        odd.extend(sine.iter().rev().map(|x| -*x as f32));
    }
    even.extend(odd);
    Ok(even)
}
