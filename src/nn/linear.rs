//! Linear layers: `y = x Wᵀ + b` over many rows at once. Also convolutions along time, which are linear layers over
//! overlapping rows.

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::{Matrix, NdTensorView};

thread_local! {
    /// The kernel for this machine; an executor is a pointer to it, which `rten-gemm` does not let threads share.
    static GEMM: GemmExecutor = GemmExecutor::default();
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
    weights: PackedBMatrix<f32>,
    bias: Vec<f32>,
    n_in: usize,
}

impl Linear {
    /// A layer from `weight` `[n_out, n_in]` and `bias` `[n_out]` (or empty for none).
    pub(super) fn new(weight: &[f32], bias: Vec<f32>, n_in: usize) -> Self {
        let n_out = weight.len() / n_in;
        let weights = pack_transposed(NdTensorView::from_data([n_out, n_in], weight));
        Self { weights, bias, n_in }
    }

    /// Several layers that read the same input as one, their outputs side by side. An empty bias counts as zeros.
    ///
    /// # Shapes
    /// Each part is a `weight` `[n_out, n_in]` and a `bias` `[n_out]` or empty.
    pub(super) fn fused(parts: &[(Vec<f32>, Vec<f32>)], n_in: usize) -> Self {
        let mut bias = Vec::new();
        for (part_weight, part_bias) in parts {
            bias.extend_from_slice(part_bias);
            bias.resize(bias.len() + part_weight.len() / n_in - part_bias.len(), 0.0);
        }
        let weight: Vec<f32> = parts.iter().flat_map(|(weight, _)| weight).copied().collect();
        Self::new(&weight, bias, n_in)
    }

    /// A convolution along time, from `weight` `[n_out, n_in, kernel]` as PyTorch stores it. Its input rows are
    /// `kernel` neighbouring frames of `n_in` channels, see [`Linear::convolve`].
    pub(super) fn convolution(weight: &[f32], bias: Vec<f32>, n_in: usize, kernel: usize) -> Self {
        // Frames are stored one after the other, so the taps of a row are ordered (tap, channel), not (channel, tap).
        let mut by_tap = Vec::with_capacity(weight.len());
        for filter in weight.chunks_exact(n_in * kernel) {
            by_tap.extend((0..kernel).flat_map(|tap| (0..n_in).map(move |channel| filter[channel * kernel + tap])));
        }
        Self::new(&by_tap, bias, n_in * kernel)
    }

    /// Width of an input row.
    pub(super) fn n_in(&self) -> usize {
        self.n_in
    }

    /// Width of the output.
    pub(super) fn n_out(&self) -> usize {
        self.weights.cols()
    }

    /// Applies the layer to every row.
    ///
    /// # Shapes
    /// `x` `[rows, n_in]`, `out` `[rows, n_out]`.
    pub(super) fn forward(&self, x: &[f32], out: &mut [f32], write: Write) {
        self.multiply(NdTensorView::from_data([x.len() / self.n_in, self.n_in], x), out, write);
    }

    /// Applies a layer made by [`Linear::convolution`], without copying overlapping rows.
    ///
    /// # Shapes
    /// `x` `[frames, channels]` (padded already), `out` `[n_frames_out, n_out]`, where row `t` of the output sees the
    /// frames from `t * stride` on.
    pub(super) fn convolve(&self, x: &[f32], channels: usize, stride: usize, out: &mut [f32]) {
        let n_frames_out = out.len() / self.n_out();
        let rows = NdTensorView::from_slice_with_strides([n_frames_out, self.n_in], x, [stride * channels, 1])
            .expect("the padded input holds every row that the output asks for");
        self.multiply(rows, out, Write::Replace);
    }

    fn multiply(&self, x: Matrix<'_, f32>, out: &mut [f32], write: Write) {
        let bias = (!self.bias.is_empty()).then_some(BiasVector::Row(self.bias.as_slice()));
        let beta = match write {
            Write::Replace => 0.0,
            Write::Add => 1.0,
        };
        let options = GemmOptions { beta, bias, ..GemmOptions::default() };
        GEMM.with(|gemm| gemm.gemm(out, GemmInputA::Unpacked(x), GemmInputB::Packed(&self.weights), options))
            .expect("the shapes were fixed when the layer was built");
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
