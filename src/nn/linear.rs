//! Linear layers: `y = x Wᵀ + b` over many rows at once, in `f32` or with 8-bit weights. Also convolutions along time,
//! which are linear layers over overlapping rows.
//!
//! # 8-bit arithmetic
//! A weight is `scale[column] * q` with `q` a signed byte; a row of the input is `scale * (u - zero)` with `u` an unsigned
//! byte, its range chosen for each row when it comes. So
//! `y[r, c] = scale[r] * scale[c] * Σ (u[r, k] - zero[r]) q[c, k] + b[c]`, where the sum is exact in 32-bit integers. Rows
//! are independent: what else is in a batch changes nothing.

use std::cell::Cell;

use rayon::prelude::*;
use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::{Isa, SimdOp};
use rten_tensor::{Matrix, NdTensorView};

thread_local! {
    /// The kernel for this machine; an executor is a pointer to it, which `rten-gemm` does not let threads share.
    static GEMM: GemmExecutor = GemmExecutor::default();
    static GEMM_8_BIT: GemmExecutor<u8, i8, i32> = GemmExecutor::default();
    /// Bytes and sums of the last 8-bit product on this thread: fresh memory costs more than the product of a few rows.
    static SCRATCH: Cell<(Vec<u8>, Vec<i32>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

/// Rows that one thread quantises, multiplies and scales back at a time, so that they stay in its cache.
const ROWS_PER_TASK: usize = 64;

/// How exactly a network computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComputeType {
    /// 32-bit floating point throughout: equal to the reference implementations.
    #[default]
    F32,
    /// 8-bit weights and activations in the linear layers: faster, smaller, not quite exact.
    Int8,
}

/// Whether the result replaces what the output held or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// `y = x Wᵀ + b`
    Replace,
    /// `y += x Wᵀ + b`: a residual connection in the same pass.
    Add,
}

/// A linear layer with weights packed for the matrix kernel.
pub(super) struct Linear {
    weights: Weights,
    bias: Vec<f32>,
    n_in: usize,
    n_out: usize,
}

enum Weights {
    F32(PackedBMatrix<f32>),
    Int8(Bytes),
}

/// Quantised weights.
struct Bytes {
    packed: PackedBMatrix<i8>,
    /// One scale for each output channel,
    scales: Vec<f32>,
    /// and the sum of its weights, by which the zero points of the input are taken off again.
    column_sums: Vec<i32>,
}

impl Linear {
    /// A layer from `weight` `[n_out, n_in]` and `bias` `[n_out]` (or empty for none).
    pub(super) fn new(weight: &[f32], mut bias: Vec<f32>, n_in: usize, compute_type: ComputeType) -> Self {
        let n_out = weight.len() / n_in;
        bias.resize(n_out, 0.0);
        let weights = match compute_type {
            ComputeType::F32 => Weights::F32(pack_transposed(NdTensorView::from_data([n_out, n_in], weight))),
            ComputeType::Int8 => Weights::Int8(Bytes::new(weight, n_in)),
        };
        Self { weights, bias, n_in, n_out }
    }

    /// Several layers that read the same input as one, their outputs side by side. An empty bias counts as zeros.
    ///
    /// # Shapes
    /// Each part is a `weight` `[n_out, n_in]` and a `bias` `[n_out]` or empty.
    pub(super) fn fused(parts: &[(Vec<f32>, Vec<f32>)], n_in: usize, compute_type: ComputeType) -> Self {
        let mut bias = Vec::new();
        for (part_weight, part_bias) in parts {
            bias.extend_from_slice(part_bias);
            bias.resize(bias.len() + part_weight.len() / n_in - part_bias.len(), 0.0);
        }
        let weight: Vec<f32> = parts.iter().flat_map(|(weight, _)| weight).copied().collect();
        Self::new(&weight, bias, n_in, compute_type)
    }

    /// A convolution along time, from `weight` `[n_out, n_in, kernel]` as PyTorch stores it, always in `f32`. Its input
    /// rows are `kernel` neighbouring frames of `n_in` channels, see [`Linear::convolve`].
    pub(super) fn convolution(weight: &[f32], bias: Vec<f32>, n_in: usize, kernel: usize) -> Self {
        // Frames are stored one after the other, so the taps of a row are ordered (tap, channel), not (channel, tap).
        let mut by_tap = Vec::with_capacity(weight.len());
        for filter in weight.chunks_exact(n_in * kernel) {
            by_tap.extend((0..kernel).flat_map(|tap| (0..n_in).map(move |channel| filter[channel * kernel + tap])));
        }
        Self::new(&by_tap, bias, n_in * kernel, ComputeType::F32)
    }

    /// Width of an input row.
    pub(super) fn n_in(&self) -> usize {
        self.n_in
    }

    /// Width of the output.
    pub(super) fn n_out(&self) -> usize {
        self.n_out
    }

    /// Applies the layer to every row.
    ///
    /// # Shapes
    /// `x` `[rows, n_in]`, `out` `[rows, n_out]`.
    pub(super) fn forward(&self, x: &[f32], out: &mut [f32], write: Write) {
        match &self.weights {
            Weights::F32(weights) => {
                let rows = NdTensorView::from_data([x.len() / self.n_in, self.n_in], x);
                self.multiply(rows, weights, out, write);
            }
            Weights::Int8(weights) => {
                let tasks = x.par_chunks(ROWS_PER_TASK * self.n_in).zip(out.par_chunks_mut(ROWS_PER_TASK * self.n_out));
                tasks.for_each(|(x, out)| self.multiply_8_bit(x, weights, out, write));
            }
        }
    }

    /// Applies a layer made by [`Linear::convolution`], without copying overlapping rows.
    ///
    /// # Shapes
    /// `x` `[frames, channels]` (padded already), `out` `[n_frames_out, n_out]`, where row `t` of the output sees the
    /// frames from `t * stride` on.
    pub(super) fn convolve(&self, x: &[f32], channels: usize, stride: usize, out: &mut [f32]) {
        let Weights::F32(weights) = &self.weights else { unreachable!("convolutions are built in f32") };
        let n_frames_out = out.len() / self.n_out;
        let rows = NdTensorView::from_slice_with_strides([n_frames_out, self.n_in], x, [stride * channels, 1])
            .expect("the padded input holds every row that the output asks for");
        self.multiply(rows, weights, out, Write::Replace);
    }

    fn multiply(&self, x: Matrix<'_, f32>, weights: &PackedBMatrix<f32>, out: &mut [f32], write: Write) {
        let beta = match write {
            Write::Replace => 0.0,
            Write::Add => 1.0,
        };
        let options = GemmOptions { beta, bias: Some(BiasVector::Row(&self.bias)), ..GemmOptions::default() };
        GEMM.with(|gemm| gemm.gemm(out, GemmInputA::Unpacked(x), GemmInputB::Packed(weights), options))
            .expect("the shapes were fixed when the layer was built");
    }

    fn multiply_8_bit(&self, x: &[f32], weights: &Bytes, out: &mut [f32], write: Write) {
        let n_rows = x.len() / self.n_in;
        // Taken, not borrowed: while this thread waits for the product it may begin another one.
        let (mut bytes, mut sums) = SCRATCH.take();
        bytes.resize(x.len(), 0);
        sums.resize(out.len(), 0);
        let rows = x.chunks_exact(self.n_in).zip(bytes.chunks_exact_mut(self.n_in));
        let scalings: Vec<RowScaling> = rows.map(|(x, bytes)| QuantiseRow { x, bytes }.dispatch()).collect();
        // rten-gemm 0.27 can take off the zero points itself, but mixes up those of different rows.
        let rows = NdTensorView::from_data([n_rows, self.n_in], bytes.as_slice());
        let packed = GemmInputB::Packed(&weights.packed);
        GEMM_8_BIT
            .with(|gemm| gemm.gemm(&mut sums, GemmInputA::Unpacked(rows), packed, GemmOptions::default()))
            .expect("the shapes were fixed when the layer was built");
        let rows = sums.chunks_exact(self.n_out).zip(out.chunks_exact_mut(self.n_out));
        for ((sums, out), scaling) in rows.zip(scalings) {
            ScaleBack { sums, scaling, weights, bias: &self.bias, out, write }.dispatch();
        }
        SCRATCH.set((bytes, sums));
    }
}

impl Bytes {
    /// Quantises `[n_out, n_in]`. On machines whose 8-bit kernel adds pairs of products in 16 bits, which can overflow,
    /// weights get 7 bits: 2 * 255 * 64 fits.
    fn new(weight: &[f32], n_in: usize) -> Self {
        let max_level = if GEMM_8_BIT.with(GemmExecutor::may_saturate) { 63.0 } else { 127.0 };
        let n_out = weight.len() / n_in;
        let (mut scales, mut column_sums) = (Vec::with_capacity(n_out), Vec::with_capacity(n_out));
        let mut bytes: Vec<i8> = Vec::with_capacity(weight.len());
        for row in weight.chunks_exact(n_in) {
            let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
            let scale = if largest > 0.0 { largest / max_level } else { 1.0 };
            scales.push(scale);
            bytes.extend(row.iter().map(|weight| (weight / scale).round() as i8));
            column_sums.push(bytes[bytes.len() - n_in..].iter().map(|byte| i32::from(*byte)).sum());
        }
        let rows = NdTensorView::from_data([n_out, n_in], bytes.as_slice());
        Self { packed: GEMM_8_BIT.with(|gemm| gemm.prepack_b(rows.transposed())), scales, column_sums }
    }
}

/// What the bytes of a row stand for: `scale * (byte - zero_point)`.
#[derive(Clone, Copy)]
struct RowScaling {
    scale: f32,
    zero_point: i32,
}

/// Turns a row to unsigned bytes. Plain loops, compiled for each instruction set; `dispatch` picks one at run time.
struct QuantiseRow<'a> {
    x: &'a [f32],
    bytes: &'a mut [u8],
}

impl SimdOp for QuantiseRow<'_> {
    type Output = RowScaling;

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) -> RowScaling {
        const LANES: usize = 16;
        const MAX_LEVEL: f32 = 255.0;
        // Zero is always in the range, so that it has an exact byte.
        let (mut lows, mut highs) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        let (blocks, rest) = self.x.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                lows[lane] = if block[lane] < lows[lane] { block[lane] } else { lows[lane] };
                highs[lane] = if block[lane] > highs[lane] { block[lane] } else { highs[lane] };
            }
        }
        let low = lows.iter().chain(rest).fold(0.0_f32, |low, value| low.min(*value));
        let high = highs.iter().chain(rest).fold(0.0_f32, |high, value| high.max(*value));
        let range = high - low;
        if range <= 0.0 || !range.is_finite() {
            self.bytes.fill(0);
            return RowScaling { scale: 0.0, zero_point: 0 };
        }
        let to_levels = MAX_LEVEL / range;
        let zero_point = (-low * to_levels).round();
        for (byte, value) in self.bytes.iter_mut().zip(self.x) {
            // Adding a half and cutting off rounds, as no level is below zero.
            *byte = (value * to_levels + zero_point + 0.5).clamp(0.0, MAX_LEVEL) as u8;
        }
        RowScaling { scale: range / MAX_LEVEL, zero_point: zero_point as i32 }
    }
}

/// Turns a row of integer sums back to numbers and adds the bias.
struct ScaleBack<'a> {
    sums: &'a [i32],
    scaling: RowScaling,
    weights: &'a Bytes,
    bias: &'a [f32],
    out: &'a mut [f32],
    write: Write,
}

impl SimdOp for ScaleBack<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let RowScaling { scale: row_scale, zero_point } = self.scaling;
        let Bytes { scales, column_sums, .. } = self.weights;
        let value = |sum: i32, column_sum: i32, scale: f32, bias: f32| {
            (sum - zero_point * column_sum) as f32 * (row_scale * scale) + bias
        };
        let columns = self.out.iter_mut().zip(self.sums).zip(column_sums).zip(scales).zip(self.bias);
        match self.write {
            Write::Replace => {
                for ((((out, sum), column_sum), scale), bias) in columns {
                    *out = value(*sum, *column_sum, *scale, *bias);
                }
            }
            Write::Add => {
                for ((((out, sum), column_sum), scale), bias) in columns {
                    *out += value(*sum, *column_sum, *scale, *bias);
                }
            }
        }
    }
}

/// Packs `[n, k]` as the right-hand side `[k, n]` of a product.
pub(super) fn pack_transposed(rows: Matrix<'_, f32>) -> PackedBMatrix<f32> {
    GEMM.with(|gemm| gemm.prepack_b(rows.transposed()))
}

/// Packs `[k, n]` as the right-hand side of a product.
pub(super) fn pack(matrix: Matrix<'_, f32>) -> PackedBMatrix<f32> {
    GEMM.with(|gemm| gemm.prepack_b(matrix))
}

/// `out = scale * x b`, with `x` `[rows, k]` and `b` `[k, n]` packed.
pub(super) fn multiply_packed(x: Matrix<'_, f32>, b: &PackedBMatrix<f32>, scale: f32, out: &mut [f32]) {
    let options = GemmOptions { alpha: scale, ..GemmOptions::default() };
    GEMM.with(|gemm| gemm.gemm(out, GemmInputA::Unpacked(x), GemmInputB::Packed(b), options))
        .expect("the caller sized the output");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that look random, between -1 and 1.
    fn noise(n: usize, seed: f32) -> Vec<f32> {
        (0..n).map(|n| ((n as f32 + seed) * 12.9898).sin()).collect()
    }

    #[test]
    fn both_types_compute_the_product_and_rows_do_not_notice_each_other() {
        for (n_rows, n_in, n_out) in [(1, 16, 16), (3, 65, 40), (70, 128, 33), (130, 300, 7)] {
            let (x, weight, bias) = (noise(n_rows * n_in, 0.0), noise(n_out * n_in, 0.3), noise(n_out, 0.7));
            let before = noise(n_rows * n_out, 0.9);
            for (compute_type, tolerance) in [(ComputeType::F32, 1e-4), (ComputeType::Int8, 0.02)] {
                let linear = Linear::new(&weight, bias.clone(), n_in, compute_type);
                for write in [Write::Replace, Write::Add] {
                    let mut out = before.clone();
                    linear.forward(&x, &mut out, write);
                    for (row, x) in x.chunks(n_in).enumerate() {
                        let mut alone = before[row * n_out..][..n_out].to_vec();
                        linear.forward(x, &mut alone, write);
                        assert_eq!(alone, out[row * n_out..][..n_out], "row {row} of {n_rows}");
                        for column in 0..n_out {
                            let products = x.iter().zip(&weight[column * n_in..]).map(|(x, w)| f64::from(x * w));
                            let old = if write == Write::Add { before[row * n_out + column] } else { 0.0 };
                            let expected = products.sum::<f64>() + f64::from(bias[column] + old);
                            let error = (f64::from(alone[column]) - expected).abs();
                            // The error of a sum of products grows with the square root of their number.
                            let allowed = tolerance * (n_in as f64).sqrt();
                            assert!(error <= allowed, "{compute_type:?} {n_rows}x{n_in}x{n_out}: off by {error}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rows_that_are_constant_or_broken_give_the_bias() {
        let linear = Linear::new(&noise(8 * 4, 0.1), vec![1.0, 2.0, 3.0, 4.0], 8, ComputeType::Int8);
        for value in [0.0, f32::INFINITY] {
            let mut out = vec![0.0; 4];
            linear.forward(&[value; 8], &mut out, Write::Replace);
            assert_eq!(out, [1.0, 2.0, 3.0, 4.0], "{value}");
        }
    }
}
