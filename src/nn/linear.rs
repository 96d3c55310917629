//! Linear layers: `y = x Wᵀ + b` over many rows at once, in `f32` or with 8-bit weights. Also convolutions along time,
//! which are linear layers over overlapping rows.

use rayon::prelude::*;
use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::SimdUnaryOp;
use rten_tensor::{Matrix, NdTensorView};
use rten_vecmath::Gelu;

use super::eight_bit::EightBit;

thread_local! {
    /// The kernel for this machine; an executor is a pointer to it, which `rten-gemm` does not let threads share.
    static GEMM: GemmExecutor = GemmExecutor::default();
}

/// Values per parallel task of an elementwise pass.
const VALUES_PER_TASK: usize = 32 * 1024;

/// How exactly a network computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComputeType {
    /// 32-bit floating point throughout: equal to the reference implementations.
    #[default]
    F32,
    /// 8-bit weights in the linear layers, and attention in integers: faster, smaller, not quite exact.
    Int8,
}

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// `y = x Wᵀ + b`
    Replace,
    /// `y += x Wᵀ + b`: a residual connection in the same pass.
    Add,
    /// `y = gelu(x Wᵀ + b)`: the activation while the rows are in the cache.
    Gelu,
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
    Int8(EightBit),
}

impl Linear {
    /// A layer in `f32` from `weight` `[n_out, n_in]` and `bias` `[n_out]` (or empty for none).
    pub(super) fn in_f32(weight: &[f32], mut bias: Vec<f32>, n_in: usize) -> Self {
        let n_out = weight.len() / n_in;
        bias.resize(n_out, 0.0);
        Self {
            weights: Weights::F32(pack_transposed(NdTensorView::from_data([n_out, n_in], weight))),
            bias,
            n_in,
            n_out,
        }
    }

    /// A layer with quantised weights, and `bias` `[n_out]`.
    pub(super) fn in_8_bits(weights: EightBit, bias: Vec<f32>, n_in: usize) -> Self {
        Self { weights: Weights::Int8(weights), n_out: bias.len(), bias, n_in }
    }

    /// A convolution along time, from `weight` `[n_out, n_in, kernel]` as PyTorch stores it, always in `f32`. Its input
    /// rows are `kernel` neighbouring frames of `n_in` channels, see [`Linear::convolve`].
    pub(super) fn convolution(weight: &[f32], bias: Vec<f32>, n_in: usize, kernel: usize) -> Self {
        // Frames are stored one after the other, so the taps of a row are ordered (tap, channel), not (channel, tap).
        let mut by_tap = Vec::with_capacity(weight.len());
        for filter in weight.chunks_exact(n_in * kernel) {
            by_tap.extend((0..kernel).flat_map(|tap| (0..n_in).map(move |channel| filter[channel * kernel + tap])));
        }
        Self::in_f32(&by_tap, bias, n_in * kernel)
    }

    /// Width of an input row.
    pub(super) fn n_in(&self) -> usize {
        self.n_in
    }

    /// Width of the output.
    pub(super) fn n_out(&self) -> usize {
        self.n_out
    }

    /// What is added to the product, `[n_out]`.
    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Its quantised weights; `None` in `f32`.
    pub(super) fn eight_bit(&self) -> Option<&EightBit> {
        match &self.weights {
            Weights::F32(_) => None,
            Weights::Int8(weights) => Some(weights),
        }
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
            Weights::Int8(weights) => weights.forward(x, &self.bias, out, write),
        }
    }

    /// Applies a layer made by [`Linear::convolution`], without copying overlapping rows.
    ///
    /// # Shapes
    /// `x` `[frames, channels]` (padded already), `out` `[n_frames_out, n_out]`, where row `t` of the output sees the
    /// frames from `t * stride` on.
    pub(super) fn convolve(&self, x: &[f32], channels: usize, stride: usize, out: &mut [f32], write: Write) {
        let Weights::F32(weights) = &self.weights else { unreachable!("convolutions are built in f32") };
        let n_frames_out = out.len() / self.n_out;
        let rows = NdTensorView::from_slice_with_strides([n_frames_out, self.n_in], x, [stride * channels, 1])
            .expect("the padded input holds every row that the output asks for");
        self.multiply(rows, weights, out, write);
    }

    fn multiply(&self, x: Matrix<'_, f32>, weights: &PackedBMatrix<f32>, out: &mut [f32], write: Write) {
        let beta = match write {
            Write::Replace | Write::Gelu => 0.0,
            Write::Add => 1.0,
        };
        let options = GemmOptions { beta, bias: Some(BiasVector::Row(&self.bias)), ..GemmOptions::default() };
        GEMM.with(|gemm| gemm.gemm(out, GemmInputA::Unpacked(x), GemmInputB::Packed(weights), options))
            .expect("the shapes were fixed when the layer was built");
        if write == Write::Gelu {
            out.par_chunks_mut(VALUES_PER_TASK).for_each(gelu);
        }
    }
}

/// `x Φ(x)`, with the error function.
pub(super) fn gelu(values: &mut [f32]) {
    Gelu {}.map_mut(values);
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
        let pools = [1, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads"));
        // The last ones are shared between threads by their columns, and summed in several blocks.
        for (n_rows, n_in, n_out) in
            [(1, 16, 16), (3, 65, 40), (70, 128, 33), (130, 300, 7), (1, 1024, 600), (9, 1024, 600), (20, 1024, 600)]
        {
            let (x, weight, bias) = (noise(n_rows * n_in, 0.0), noise(n_out * n_in, 0.3), noise(n_out, 0.7));
            let before = noise(n_rows * n_out, 0.9);
            for (compute_type, tolerance) in [(ComputeType::F32, 1e-4), (ComputeType::Int8, 0.02)] {
                let linear = match compute_type {
                    ComputeType::F32 => Linear::in_f32(&weight, bias.clone(), n_in),
                    ComputeType::Int8 => Linear::in_8_bits(EightBit::quantise(&weight, n_in), bias.clone(), n_in),
                };
                for write in [Write::Replace, Write::Add] {
                    let mut out = before.clone();
                    linear.forward(&x, &mut out, write);
                    for pool in &pools {
                        let mut same = before.clone();
                        pool.install(|| linear.forward(&x, &mut same, write));
                        assert_eq!(same, out, "{compute_type:?} {n_rows}x{n_in}x{n_out} with other threads");
                    }
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
        let linear = Linear::in_8_bits(EightBit::quantise(&noise(8 * 4, 0.1), 8), vec![1.0, 2.0, 3.0, 4.0], 8);
        for value in [0.0, f32::INFINITY, f32::NAN] {
            let mut out = vec![0.0; 4];
            linear.forward(&[value; 8], &mut out, Write::Replace);
            assert_eq!(out, [1.0, 2.0, 3.0, 4.0], "{value}");
        }
    }
}
