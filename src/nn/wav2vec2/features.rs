//! The feature extractor of wav2vec 2.0: a stack of convolutions from samples to a frame every 20 ms.
//!
//! The frames of its first layer are a hundred times as large as the samples, so it never holds them all: it goes
//! through the recording in blocks that stay in the cache. What a block needs of its neighbours, the 80 samples that
//! their fields share, is computed twice.

use std::mem::swap;

use rayon::prelude::*;

use super::super::checkpoint::{Bias, CheckpointError, Scope};
use super::super::linear::{Linear, Write, gelu};
use super::super::norm::LayerNorm;
use super::config::{Convolution, FeatureNorm, Wav2Vec2Config};
use super::{HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES};

/// Frames of the output that are computed together. They take 1,551 frames of the first layer, which has 512 numbers in
/// each for the published sizes.
const BLOCK_FRAMES: usize = 24;
/// Windows of samples per parallel task of the statistics.
const WINDOWS_PER_TASK: usize = 8 * 1024;
/// Epsilon of PyTorch's group normalisation.
const EPSILON: f64 = 1e-5;

pub(super) struct FeatureExtractor {
    /// The first layer, where its channels are normalised over time.
    grouped: Option<GroupedLayer>,
    /// The other layers.
    layers: Vec<Layer>,
    width: usize,
}

impl FeatureExtractor {
    pub(super) fn load(config: &Wav2Vec2Config, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let (mut grouped, mut layers) = (None, Vec::new());
        for (index, size) in config.convolutions().into_iter().enumerate() {
            let scope = scope.nth("conv_layers", index);
            if index == 0 && config.feature_norm == FeatureNorm::Group {
                grouped = Some(GroupedLayer::load(size, &scope)?);
            } else {
                layers.push(Layer::load(config, size, &scope)?);
            }
        }
        Ok(Self { grouped, layers, width: config.feature_width() })
    }

    /// # Shapes
    /// `samples` at least 400 of them; returns `[frames, channels]`.
    pub(super) fn forward(&self, samples: &[f32]) -> Vec<f32> {
        let n_frames = (samples.len() - RECEPTIVE_FIELD_SAMPLES) / HOP_SAMPLES + 1;
        let first = self.grouped.as_ref().map(|grouped| grouped.fitted_to(samples));
        let layers: Vec<&Layer> = first.iter().chain(&self.layers).collect();
        let mut features = vec![0.0; n_frames * self.width];
        let blocks = features.par_chunks_mut(BLOCK_FRAMES * self.width).enumerate();
        // Buffers are kept from block to block: fresh memory costs more than a small layer.
        blocks.for_each_init(<(Vec<f32>, Vec<f32>)>::default, |(x, spare), (block, out)| {
            let n_samples = (out.len() / self.width - 1) * HOP_SAMPLES + RECEPTIVE_FIELD_SAMPLES;
            x.clear();
            x.extend_from_slice(&samples[block * BLOCK_FRAMES * HOP_SAMPLES..][..n_samples]);
            for layer in &layers {
                layer.forward(x, spare);
            }
            out.copy_from_slice(x);
        });
        features
    }
}

/// A convolution, a layer normalisation in one of the families, and GELU.
struct Layer {
    conv: Linear,
    n_in: usize,
    stride: usize,
    norm: Option<LayerNorm>,
}

impl Layer {
    fn load(config: &Wav2Vec2Config, size: Convolution, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let Convolution { n_in, n_out, kernel, stride } = size;
        let conv = scope.at("conv");
        let weight = conv.tensor("weight", &[n_out, n_in, kernel])?;
        let bias = match config.conv_bias {
            Bias::Own => conv.tensor("bias", &[n_out])?,
            Bias::Zero => Vec::new(),
        };
        let norm = match config.feature_norm {
            FeatureNorm::Group => None,
            FeatureNorm::Layer => Some(scope.at("layer_norm").layer_norm(n_out)?),
        };
        Ok(Self { conv: Linear::convolution(&weight, bias, n_in, kernel), n_in, stride, norm })
    }

    /// Replaces `x` `[frames, n_in]` by the layer's output; what `spare` holds is lost.
    fn forward(&self, x: &mut Vec<f32>, spare: &mut Vec<f32>) {
        let kernel = self.conv.n_in() / self.n_in;
        let n_frames = (x.len() / self.n_in - kernel) / self.stride + 1;
        spare.resize(n_frames * self.conv.n_out(), 0.0);
        if let Some(norm) = &self.norm {
            self.conv.convolve(x, self.n_in, self.stride, spare, Write::Replace);
            x.resize(spare.len(), 0.0);
            norm.forward(spare, x);
            gelu(x);
        } else {
            self.conv.convolve(x, self.n_in, self.stride, spare, Write::Gelu);
            swap(x, spare);
        }
    }
}

/// A convolution of samples, each channel of which is normalised over the whole recording, and GELU.
struct GroupedLayer {
    /// `[channels, kernel]`. A bias would be taken off again with the mean.
    weight: Vec<f32>,
    norm_weight: Vec<f32>,
    norm_bias: Vec<f32>,
    kernel: usize,
    stride: usize,
}

impl GroupedLayer {
    fn load(size: Convolution, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let Convolution { n_in, n_out, kernel, stride } = size;
        let norm = scope.at("layer_norm");
        Ok(Self {
            weight: scope.at("conv").tensor("weight", &[n_out, n_in, kernel])?,
            norm_weight: norm.tensor("weight", &[n_out])?,
            norm_bias: norm.tensor("bias", &[n_out])?,
            kernel,
            stride,
        })
    }

    /// The same layer for these samples alone, with its normalisation as part of the convolution.
    ///
    /// A filter `w` makes `y = w · x` of a window `x` of samples. Over all windows then `mean(y) = w · mean(x)`, and
    /// `var(y) = wᵀ C w` with the covariance `C` of the windows: some ten by ten numbers tell the statistics of every
    /// channel before any of them is computed. Normalising is linear as well: with `s = weight / sqrt(var(y) + 1e-5)`,
    /// `(y - mean(y)) s + bias = (s w) · x + (bias - s mean(y))`.
    fn fitted_to(&self, samples: &[f32]) -> Layer {
        let windows = WindowStatistics::of(samples, self.kernel, self.stride);
        let mut weight = Vec::with_capacity(self.weight.len());
        let mut bias = Vec::with_capacity(self.norm_bias.len());
        let norms = self.norm_weight.iter().zip(&self.norm_bias);
        for (filter, (norm_weight, norm_bias)) in self.weight.chunks_exact(self.kernel).zip(norms) {
            let (mean, variance) = windows.mean_and_variance(filter);
            let scale = f64::from(*norm_weight) / (variance + EPSILON).sqrt();
            weight.extend(filter.iter().map(|weight| (scale * f64::from(*weight)) as f32));
            bias.push((f64::from(*norm_bias) - scale * mean) as f32);
        }
        let conv = Linear::convolution(&weight, bias, 1, self.kernel);
        Layer { conv, n_in: 1, stride: self.stride, norm: None }
    }
}

/// Mean and covariance of all windows of a recording.
struct WindowStatistics {
    /// `[kernel]`
    mean: Vec<f64>,
    /// `[kernel, kernel]`
    covariance: Vec<f64>,
}

impl WindowStatistics {
    fn of(samples: &[f32], kernel: usize, stride: usize) -> Self {
        let n_windows = (samples.len() - kernel) / stride + 1;
        // Tasks are cut and their sums added in the same way whatever the number of threads.
        let firsts: Vec<usize> = (0..n_windows).step_by(WINDOWS_PER_TASK).collect();
        let parts: Vec<Self> = firsts
            .into_par_iter()
            .map(|first| {
                let mut sums = Self { mean: vec![0.0; kernel], covariance: vec![0.0; kernel * kernel] };
                let mut window = vec![0.0_f64; kernel];
                for n in first..n_windows.min(first + WINDOWS_PER_TASK) {
                    window.iter_mut().zip(&samples[n * stride..]).for_each(|(x, sample)| *x = f64::from(*sample));
                    sums.add_window(&window);
                }
                sums
            })
            .collect();
        let mut all = Self { mean: vec![0.0; kernel], covariance: vec![0.0; kernel * kernel] };
        for part in &parts {
            all.mean.iter_mut().zip(&part.mean).for_each(|(sum, part)| *sum += part);
            all.covariance.iter_mut().zip(&part.covariance).for_each(|(sum, part)| *sum += part);
        }
        let scale = (n_windows as f64).recip();
        all.mean.iter_mut().chain(&mut all.covariance).for_each(|sum| *sum *= scale);
        for (row, x) in all.covariance.chunks_exact_mut(kernel).zip(&all.mean) {
            row.iter_mut().zip(&all.mean).for_each(|(product, y)| *product -= x * y);
        }
        all
    }

    fn add_window(&mut self, window: &[f64]) {
        self.mean.iter_mut().zip(window).for_each(|(sum, x)| *sum += x);
        for (row, x) in self.covariance.chunks_exact_mut(window.len()).zip(window) {
            row.iter_mut().zip(window).for_each(|(sum, y)| *sum += x * y);
        }
    }

    /// Those of a filter's output.
    fn mean_and_variance(&self, filter: &[f32]) -> (f64, f64) {
        let dot = |row: &[f64]| row.iter().zip(filter).map(|(x, weight)| x * f64::from(*weight)).sum::<f64>();
        let rows = self.covariance.chunks_exact(filter.len()).zip(filter);
        let variance = rows.map(|(row, weight)| f64::from(*weight) * dot(row)).sum::<f64>();
        // Rounding may leave a little less than nothing of a constant signal.
        (dot(&self.mean), variance.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against convolution, mean, variance and normalisation one after the other, for sound with and without an offset,
    /// and for silence.
    #[test]
    fn normalising_before_the_convolution_equals_normalising_after_it() {
        const KERNEL: usize = 10;
        const STRIDE: usize = 5;
        let noise = |n: usize, seed: f32| (0..n).map(|n| ((n as f32 + seed) * 12.9898).sin()).collect::<Vec<_>>();
        let grouped = GroupedLayer {
            weight: noise(3 * KERNEL, 0.3),
            norm_weight: noise(3, 0.7),
            norm_bias: noise(3, 0.9),
            kernel: KERNEL,
            stride: STRIDE,
        };
        // More windows than one task has.
        let n_samples = WINDOWS_PER_TASK * STRIDE + 1234;
        for (offset, level) in [(0.0, 0.1), (0.5, 0.1), (0.0, 0.0), (0.25, 0.0)] {
            let mut samples = noise(n_samples, 0.0);
            for sample in &mut samples {
                *sample = offset + level * *sample;
            }
            let (mut found, mut spare) = (samples.clone(), Vec::new());
            grouped.fitted_to(&samples).forward(&mut found, &mut spare);
            for channel in 0..3 {
                let filter = &grouped.weight[channel * KERNEL..][..KERNEL];
                let outputs: Vec<f64> = samples
                    .windows(KERNEL)
                    .step_by(STRIDE)
                    .map(|x| x.iter().zip(filter).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum())
                    .collect();
                let mean = outputs.iter().sum::<f64>() / outputs.len() as f64;
                let variance = outputs.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / outputs.len() as f64;
                let scale = f64::from(grouped.norm_weight[channel]) / (variance + 1e-5).sqrt();
                assert_eq!(found.len(), 3 * outputs.len());
                for (n, y) in outputs.iter().enumerate() {
                    let mut expected = [((y - mean) * scale) as f32 + grouped.norm_bias[channel]];
                    gelu(&mut expected);
                    let difference = (found[3 * n + channel] - expected[0]).abs();
                    // With a scale of 1 / sqrt(1e-5), rounding an offset counts 316 times.
                    assert!(difference < 2e-4, "{offset} {level}: channel {channel} of frame {n} by {difference}");
                }
            }
        }
    }
}
