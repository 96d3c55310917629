//! The layers of ECAPA-TDNN before pooling: convolutions along time whose ends mirror, each followed by ReLU and batch
//! normalisation, and the blocks that are built of them.

use std::borrow::Cow;

use rten_simd::{Isa, SimdOp, SimdUnaryOp};
use rten_vecmath::Sigmoid;

use super::super::checkpoint::{CheckpointError, Scope};
use super::super::linear::{Linear, Write};

/// Convolution, ReLU, batch normalisation: SpeechBrain's `TDNNBlock`.
pub(super) struct Tdnn {
    convolution: Convolution,
    norm: BatchNorm,
}

/// A convolution along time that gives as many frames as it takes.
struct Convolution {
    /// One product over neighbouring frames, or, where the taps are apart, one product for each tap.
    products: Vec<Linear>,
    dilation: usize,
    n_in: usize,
    n_out: usize,
    /// Frames from the first tap to the last one. Half of them are mirrored at each end.
    reach: usize,
}

/// Batch normalisation with fixed statistics: `y = x * scale + shift` in each channel.
pub(super) struct BatchNorm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

/// SpeechBrain's `SERes2NetBlock`: channels in several chunks, each convolved after the one before was added to it;
/// then channels are weighed by what the whole utterance has in them.
pub(super) struct SeRes2Block {
    shortcut: Option<Linear>,
    expand: Tdnn,
    /// For all chunks of channels but the first, which passes as it is.
    chunks: Vec<Tdnn>,
    join: Tdnn,
    squeeze: Linear,
    excite: Linear,
}

impl Tdnn {
    pub(super) fn load(scope: &Scope<'_>, n_in: usize, dilation: usize) -> Result<Self, CheckpointError> {
        let convolution = Convolution::load(&scope.at("conv.conv"), n_in, dilation)?;
        let norm = BatchNorm::load(&scope.at("norm.norm"), convolution.n_out)?;
        Ok(Self { convolution, norm })
    }

    pub(super) fn n_in(&self) -> usize {
        self.convolution.n_in
    }

    pub(super) fn n_out(&self) -> usize {
        self.convolution.n_out
    }

    /// The fewest frames that it can mirror.
    pub(super) fn min_frames(&self) -> usize {
        self.convolution.reach / 2 + 1
    }

    /// Whether it gives as many frames as it takes, which an even number of taps does not.
    pub(super) fn keeps_length(&self) -> bool {
        self.convolution.reach.is_multiple_of(2)
    }

    /// # Shapes
    /// `x` `[frames, n_in]`; returns `[frames, n_out]`.
    pub(super) fn forward(&self, x: &[f32]) -> Vec<f32> {
        let mut out = self.convolution.forward(x);
        self.norm.relu_then_normalise(&mut out);
        out
    }
}

impl Convolution {
    fn load(scope: &Scope<'_>, n_in: usize, dilation: usize) -> Result<Self, CheckpointError> {
        let [n_out, _, kernel] = scope.shape::<3>("weight")?;
        let weight = scope.tensor("weight", &[n_out, n_in, kernel])?;
        let bias = scope.tensor("bias", &[n_out])?;
        let products = if dilation == 1 {
            vec![Linear::convolution(&weight, bias, n_in, kernel)]
        } else {
            let tap_weight = |tap: usize| weight.iter().skip(tap).step_by(kernel).copied().collect::<Vec<f32>>();
            let tap = |tap: usize| {
                let bias = if tap == 0 { bias.clone() } else { Vec::new() };
                Linear::in_f32(&tap_weight(tap), bias, n_in)
            };
            (0..kernel).map(tap).collect()
        };
        Ok(Self { products, dilation, n_in, n_out, reach: dilation * (kernel - 1) })
    }

    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let padded = mirrored(x, self.n_in, self.reach / 2);
        let mut out = vec![0.0; x.len() / self.n_in * self.n_out];
        for (tap, product) in self.products.iter().enumerate() {
            let write = if tap == 0 { Write::Replace } else { Write::Add };
            product.convolve(&padded[tap * self.dilation * self.n_in..], self.n_in, 1, &mut out, write);
        }
        out
    }
}

/// `x` with `n` frames more at each end, as in a mirror that stands in the first and in the last frame.
fn mirrored(x: &[f32], channels: usize, n: usize) -> Cow<'_, [f32]> {
    if n == 0 {
        return Cow::Borrowed(x);
    }
    let n_frames = x.len() / channels;
    let frame = |frame: usize| &x[frame * channels..][..channels];
    let mut padded = Vec::with_capacity(x.len() + 2 * n * channels);
    for distance in (1..=n).rev() {
        padded.extend_from_slice(frame(distance));
    }
    padded.extend_from_slice(x);
    for distance in 1..=n {
        padded.extend_from_slice(frame(n_frames - 1 - distance));
    }
    Cow::Owned(padded)
}

impl BatchNorm {
    pub(super) fn load(scope: &Scope<'_>, width: usize) -> Result<Self, CheckpointError> {
        let (scale, shift) = scope.batch_norm(width)?;
        Ok(Self { scale, shift })
    }

    /// # Shapes
    /// `x` `[rows, width]`.
    pub(super) fn normalise(&self, x: &mut [f32]) {
        for row in x.chunks_exact_mut(self.scale.len()) {
            for ((value, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *value = *value * scale + shift;
            }
        }
    }

    /// # Shapes
    /// `x` `[rows, width]`.
    pub(super) fn relu_then_normalise(&self, x: &mut [f32]) {
        ReluThenNormalise { norm: self, x }.dispatch();
    }
}

impl SeRes2Block {
    pub(super) fn load(scope: &Scope<'_>, n_in: usize, dilation: usize) -> Result<Self, CheckpointError> {
        let expand = Tdnn::load(&scope.at("tdnn1"), n_in, 1)?;
        let n_channels = expand.n_out();
        let res2 = scope.at("res2net_block");
        let n_chunks = (0..n_channels).take_while(|chunk| res2.nth("blocks", *chunk).has("conv.conv.weight")).count();
        let chunk_width = n_channels / (n_chunks + 1);
        let chunk = |chunk| Tdnn::load(&res2.nth("blocks", chunk), chunk_width, dilation);
        let chunks: Vec<Tdnn> = (0..n_chunks).map(chunk).collect::<Result<_, _>>()?;
        let shortcut = (n_in != n_channels).then(|| pointwise(&scope.at("shortcut.conv"), n_in)).transpose()?;
        let squeeze = pointwise(&scope.at("se_block.conv1.conv"), n_channels)?;
        let excite = pointwise(&scope.at("se_block.conv2.conv"), squeeze.n_out())?;
        Ok(Self { shortcut, join: Tdnn::load(&scope.at("tdnn2"), n_channels, 1)?, expand, chunks, squeeze, excite })
    }

    pub(super) fn n_out(&self) -> usize {
        self.join.n_out()
    }

    /// Whether all parts give as many channels as the next one takes; a file may hold anything.
    pub(super) fn fits_together(&self) -> bool {
        let shortcut = self.shortcut.as_ref().map_or(self.expand.n_in(), Linear::n_out);
        let widths = [shortcut, self.expand.n_out(), self.excite.n_out()];
        self.chunks.iter().all(|chunk| chunk.n_in() == chunk.n_out())
            && widths.iter().all(|width| *width == self.n_out())
            && self.tdnns().all(Tdnn::keeps_length)
    }

    /// The fewest frames that all its convolutions can mirror.
    pub(super) fn min_frames(&self) -> usize {
        self.tdnns().map(Tdnn::min_frames).max().unwrap_or(1)
    }

    fn tdnns(&self) -> impl Iterator<Item = &Tdnn> {
        self.chunks.iter().chain([&self.expand, &self.join])
    }

    /// # Shapes
    /// `x` `[frames, n_in]`; returns `[frames, n_out]`.
    pub(super) fn forward(&self, x: &[f32]) -> Vec<f32> {
        let mut inner = self.expand.forward(x);
        self.convolve_chunks(&mut inner);
        let mut out = self.join.forward(&inner);
        let gates = self.gates(&out);
        let residual = match &self.shortcut {
            None => Cow::Borrowed(x),
            Some(shortcut) => {
                shortcut.forward(x, &mut inner, Write::Replace);
                Cow::Owned(inner)
            }
        };
        GateThenAdd { x: &mut out, gates: &gates, residual: &residual }.dispatch();
        out
    }

    /// Each chunk of channels but the first becomes what its convolution makes of it and of the chunk before.
    fn convolve_chunks(&self, x: &mut [f32]) {
        let n_channels = self.expand.n_out();
        let mut before: Vec<f32> = Vec::new();
        for (n, chunk) in self.chunks.iter().enumerate() {
            let width = chunk.n_in();
            let columns = (n + 1) * width..(n + 2) * width;
            let mut input = Vec::with_capacity(x.len() / n_channels * width);
            for row in x.chunks_exact(n_channels) {
                input.extend_from_slice(&row[columns.clone()]);
            }
            input.iter_mut().zip(&before).for_each(|(value, before)| *value += before);
            before = chunk.forward(&input);
            for (row, made) in x.chunks_exact_mut(n_channels).zip(before.chunks_exact(width)) {
                row[columns.clone()].copy_from_slice(made);
            }
        }
    }

    /// How much each channel counts, from its mean over time.
    fn gates(&self, x: &[f32]) -> Vec<f32> {
        let n_frames = x.len() / self.n_out();
        let mut means = vec![0.0; self.n_out()];
        SumRows { x, sums: &mut means }.dispatch();
        for sum in &mut means {
            *sum /= n_frames as f32;
        }
        let mut squeezed = vec![0.0; self.squeeze.n_out()];
        self.squeeze.forward(&means, &mut squeezed, Write::Replace);
        for value in &mut squeezed {
            *value = value.max(0.0);
        }
        self.excite.forward(&squeezed, &mut means, Write::Replace);
        Sigmoid {}.map_mut(&mut means);
        means
    }
}

/// A convolution with a single tap.
pub(super) fn pointwise(scope: &Scope<'_>, n_in: usize) -> Result<Linear, CheckpointError> {
    let [n_out, _, _] = scope.shape::<3>("weight")?;
    let weight = scope.tensor("weight", &[n_out, n_in, 1])?;
    Ok(Linear::in_f32(&weight, scope.tensor("bias", &[n_out])?, n_in))
}

/// The plain loops below are compiled for each instruction set; `dispatch` picks one at run time.
struct ReluThenNormalise<'a> {
    norm: &'a BatchNorm,
    x: &'a mut [f32],
}

impl SimdOp for ReluThenNormalise<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let BatchNorm { scale, shift } = self.norm;
        for row in self.x.chunks_exact_mut(scale.len()) {
            for ((value, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
                *value = value.max(0.0) * scale + shift;
            }
        }
    }
}

/// `x = x * gates + residual`, with the same gates in every row.
struct GateThenAdd<'a> {
    x: &'a mut [f32],
    gates: &'a [f32],
    residual: &'a [f32],
}

impl SimdOp for GateThenAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let Self { x, gates, residual } = self;
        for (row, residual) in x.chunks_exact_mut(gates.len()).zip(residual.chunks_exact(gates.len())) {
            for ((value, gate), residual) in row.iter_mut().zip(gates).zip(residual) {
                *value = *value * gate + residual;
            }
        }
    }
}

struct SumRows<'a> {
    x: &'a [f32],
    sums: &'a mut [f32],
}

impl SimdOp for SumRows<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        for row in self.x.chunks_exact(self.sums.len()) {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}
