//! Attentive statistics pooling: the frames of an utterance, or any choice of them, become the mean and the standard
//! deviation of every channel, in which frames count as much as the network pays attention to them.

use rten_simd::{Isa, SimdOp, SimdUnaryOp};
use rten_vecmath::{Exp, Tanh};

use super::super::checkpoint::{CheckpointError, Scope};
use super::super::linear::{Linear, Write};
use super::layers::BatchNorm;

/// Channels that are pooled together: their weights stay in the cache from one pass over the frames to the next.
const CHANNELS_PER_BLOCK: usize = 256;
const MIN_VARIANCE: f32 = 1e-12;

/// SpeechBrain's `AttentiveStatisticsPooling` with global context.
pub(super) struct AttentivePooling {
    /// The part of the attention's first layer that sees the frame; it does not depend on which frames are pooled.
    of_frame: Linear,
    /// The part that sees mean and deviation of all frames that are pooled; it has the bias.
    of_context: Linear,
    norm: BatchNorm,
    /// The attention's second layer, one for each block of channels.
    of_channels: Vec<Linear>,
    n_channels: usize,
}

/// What the network knows about each frame before pooling.
pub struct FrameFeatures {
    /// `[frames, channels]`
    values: Vec<f32>,
    /// `[frames, attention channels]`
    attention: Vec<f32>,
    n_frames: usize,
}

impl FrameFeatures {
    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        self.n_frames
    }

    /// The channels that are pooled, `[frames, channels]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

impl AttentivePooling {
    pub(super) fn load(scope: &Scope<'_>, n_channels: usize) -> Result<Self, CheckpointError> {
        let tdnn = scope.at("tdnn");
        let conv = tdnn.at("conv.conv");
        let [n_attention, _, _] = conv.shape::<3>("weight")?;
        let weight = conv.tensor("weight", &[n_attention, 3 * n_channels, 1])?;
        let columns = |from: usize, to: usize| -> Vec<f32> {
            weight.chunks_exact(3 * n_channels).flat_map(|row| row[from..to].iter().copied()).collect()
        };
        let of_frame = Linear::in_f32(&columns(0, n_channels), Vec::new(), n_channels);
        let bias = conv.tensor("bias", &[n_attention])?;
        let of_context = Linear::in_f32(&columns(n_channels, 3 * n_channels), bias, 2 * n_channels);
        // The softmax over frames does not notice what is added to all of them, so this layer needs no bias.
        let weight = scope.at("conv.conv").tensor("weight", &[n_channels, n_attention, 1])?;
        let of_channels = weight
            .chunks(CHANNELS_PER_BLOCK * n_attention)
            .map(|rows| Linear::in_f32(rows, Vec::new(), n_attention))
            .collect();
        let norm = BatchNorm::load(&tdnn.at("norm.norm"), n_attention)?;
        Ok(Self { of_frame, of_context, norm, of_channels, n_channels })
    }

    /// Prepares frames for pooling.
    ///
    /// # Shapes
    /// `values` `[frames, channels]`.
    pub(super) fn prepare(&self, values: Vec<f32>) -> FrameFeatures {
        let n_frames = values.len() / self.n_channels;
        let mut attention = vec![0.0; n_frames * self.of_frame.n_out()];
        self.of_frame.forward(&values, &mut attention, Write::Replace);
        FrameFeatures { values, attention, n_frames }
    }

    /// Pools the frames `rows`, at least one, as if there were no others.
    ///
    /// # Shapes
    /// Returns `[2 * channels]`, means and then standard deviations.
    pub(super) fn pool(&self, frames: &FrameFeatures, rows: &[usize]) -> Vec<f32> {
        let mut weights = vec![1.0; rows.len() * CHANNELS_PER_BLOCK.min(self.n_channels)];
        let context = self.statistics(frames, rows, &mut weights, |_, _| ());
        let n_attention = self.of_frame.n_out();
        let mut shared = vec![0.0; n_attention];
        self.of_context.forward(&context, &mut shared, Write::Replace);
        let mut attention = Vec::with_capacity(rows.len() * n_attention);
        for row in rows {
            let own = &frames.attention[row * n_attention..][..n_attention];
            attention.extend(own.iter().zip(&shared).map(|(own, shared)| own + shared));
        }
        self.norm.relu_then_normalise(&mut attention);
        Tanh {}.map_mut(&mut attention);
        self.statistics(frames, rows, &mut weights, |block, weights| {
            let layer = &self.of_channels[block];
            layer.forward(&attention, weights, Write::Replace);
            SubtractLargest { x: weights, width: layer.n_out() }.dispatch();
            Exp {}.map_mut(weights);
        })
    }

    /// Mean and standard deviation of every channel over the frames `rows`, weighted as `weigh` says for each block of
    /// channels. Weights need not sum to one.
    fn statistics(
        &self,
        frames: &FrameFeatures,
        rows: &[usize],
        weights: &mut [f32],
        weigh: impl Fn(usize, &mut [f32]),
    ) -> Vec<f32> {
        let mut pooled = vec![0.0; 2 * self.n_channels];
        let (means, deviations) = pooled.split_at_mut(self.n_channels);
        let blocks = means.chunks_mut(CHANNELS_PER_BLOCK).zip(deviations.chunks_mut(CHANNELS_PER_BLOCK));
        for (block, (means, deviations)) in blocks.enumerate() {
            let weights = &mut weights[..rows.len() * means.len()];
            weigh(block, weights);
            let (values, channels) = (&frames.values, self.n_channels);
            let first_channel = block * CHANNELS_PER_BLOCK;
            Statistics { values, channels, first_channel, rows, weights, means, deviations }.dispatch();
        }
        pooled
    }
}

/// Subtracts from each column its largest value. The plain loops below are compiled for each instruction set;
/// `dispatch` picks one at run time.
struct SubtractLargest<'a> {
    x: &'a mut [f32],
    width: usize,
}

impl SimdOp for SubtractLargest<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let Self { x, width } = self;
        let mut largest = vec![f32::NEG_INFINITY; width];
        for row in x.chunks_exact(width) {
            for (largest, value) in largest.iter_mut().zip(row) {
                *largest = largest.max(*value);
            }
        }
        for row in x.chunks_exact_mut(width) {
            for (value, largest) in row.iter_mut().zip(&largest) {
                *value -= largest;
            }
        }
    }
}

/// Weighted mean and standard deviation of neighbouring channels, as many as there are `means`, over some of the rows
/// of `values`.
struct Statistics<'a> {
    values: &'a [f32],
    channels: usize,
    first_channel: usize,
    rows: &'a [usize],
    weights: &'a [f32],
    means: &'a mut [f32],
    deviations: &'a mut [f32],
}

impl SimdOp for Statistics<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let Self { values, channels, first_channel, rows, weights, means, deviations } = self;
        let width = means.len();
        let mut totals = vec![0.0_f32; width];
        for (row, weights) in rows.iter().zip(weights.chunks_exact(width)) {
            let values = &values[row * channels + first_channel..][..width];
            for (((total, sum), weight), value) in totals.iter_mut().zip(&mut *means).zip(weights).zip(values) {
                *total += weight;
                *sum += weight * value;
            }
        }
        for (mean, total) in means.iter_mut().zip(&totals) {
            *mean /= total;
        }
        for (row, weights) in rows.iter().zip(weights.chunks_exact(width)) {
            let values = &values[row * channels + first_channel..][..width];
            for (((sum, mean), weight), value) in deviations.iter_mut().zip(&*means).zip(weights).zip(values) {
                let distance = value - mean;
                *sum += weight * distance * distance;
            }
        }
        for (deviation, total) in deviations.iter_mut().zip(&totals) {
            *deviation = (*deviation / total).max(MIN_VARIANCE).sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_statistics_equal_the_formula() {
        let (channels, first_channel, width) = (7, 2, 3);
        let values: Vec<f32> = (0..5 * channels).map(|n| (n as f32 * 0.9).sin()).collect();
        let rows = [0, 3, 4];
        let weights: Vec<f32> = (0..rows.len() * width).map(|n| 0.5 + (n as f32 * 1.7).cos().abs()).collect();
        let (mut means, mut deviations) = (vec![0.0; width], vec![0.0; width]);
        Statistics {
            values: &values,
            channels,
            first_channel,
            rows: &rows,
            weights: &weights,
            means: &mut means,
            deviations: &mut deviations,
        }
        .dispatch();
        for column in 0..width {
            let pairs: Vec<(f64, f64)> = (0..rows.len())
                .map(|n| (weights[n * width + column], values[rows[n] * channels + first_channel + column]))
                .map(|(weight, value)| (f64::from(weight), f64::from(value)))
                .collect();
            let total: f64 = pairs.iter().map(|(weight, _)| weight).sum();
            let mean = pairs.iter().map(|(weight, value)| weight * value).sum::<f64>() / total;
            let variance = pairs.iter().map(|(weight, value)| weight * (value - mean).powi(2)).sum::<f64>() / total;
            assert!((f64::from(means[column]) - mean).abs() < 1e-6, "mean of channel {column}");
            assert!((f64::from(deviations[column]) - variance.sqrt()).abs() < 1e-6, "deviation of channel {column}");
        }
    }
}
