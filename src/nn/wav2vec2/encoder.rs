//! The transformer of wav2vec 2.0: a grouped convolution over two and a half seconds tells each frame where it is, then
//! layers of attention and feed-forward blocks, in either order of normalisation. There is no mask: one recording at a
//! time.

use std::mem::swap;

use rayon::prelude::*;

use super::super::attention::self_attention;
use super::super::checkpoint::{Bias, CheckpointError, Scope};
use super::super::linear::{ComputeType, Linear, Write};
use super::super::norm::LayerNorm;
use super::config::{NormOrder, Wav2Vec2Config};

pub(super) struct Encoder {
    positions: PositionalConvolution,
    norm: LayerNorm,
    layers: Vec<Layer>,
    norm_order: NormOrder,
}

impl Encoder {
    pub(super) fn load(config: &Wav2Vec2Config, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let layer = |index| Layer::load(config, &scope.nth("layers", index));
        Ok(Self {
            positions: PositionalConvolution::load(config, &scope.at("pos_conv_embed.conv"))?,
            norm: scope.at("layer_norm").layer_norm(config.sizes.hidden_size)?,
            layers: (0..config.sizes.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            norm_order: config.norm_order,
        })
    }

    pub(super) fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// # Shapes
    /// `x` `[frames, width]`, as the result.
    pub(super) fn positions(&self, x: &[f32]) -> Vec<f32> {
        self.positions.forward(x)
    }

    /// The first `n_layers` layers and what comes before them; `None` if `should_stop` said so between two of them.
    ///
    /// # Shapes
    /// `x` `[frames, width]`, as the result.
    pub(super) fn layers(&self, mut x: Vec<f32>, n_layers: usize, should_stop: &dyn Fn() -> bool) -> Option<Vec<f32>> {
        let positions = self.positions(&x);
        x.iter_mut().zip(&positions).for_each(|(x, position)| *x += position);
        let mut scratch = Scratch { normed: positions, attended: vec![0.0; x.len()], wide: Vec::new() };
        if self.norm_order == NormOrder::After {
            self.norm.forward(&x, &mut scratch.normed);
            swap(&mut x, &mut scratch.normed);
        }
        for layer in &self.layers[..n_layers] {
            if should_stop() {
                return None;
            }
            match self.norm_order {
                NormOrder::After => layer.forward_norms_after(&mut x, &mut scratch),
                NormOrder::Before => layer.forward_norms_before(&mut x, &mut scratch),
            }
        }
        Some(x)
    }

    /// What comes after the layers.
    ///
    /// # Shapes
    /// `x` `[frames, width]`, as the result.
    pub(super) fn close(&self, x: Vec<f32>) -> Vec<f32> {
        match self.norm_order {
            NormOrder::After => x,
            NormOrder::Before => {
                let mut normed = vec![0.0; x.len()];
                self.norm.forward(&x, &mut normed);
                normed
            }
        }
    }
}

/// Buffers that all layers of one pass share.
struct Scratch {
    normed: Vec<f32>,
    attended: Vec<f32>,
    /// Widest intermediate: queries, keys and values, or the inside of a feed-forward block.
    wide: Vec<f32>,
}

struct Layer {
    qkv: Linear,
    attention_out: Linear,
    attention_norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    final_norm: LayerNorm,
    n_heads: usize,
    compute_type: ComputeType,
}

impl Layer {
    fn load(config: &Wav2Vec2Config, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let (width, inner) = (config.sizes.hidden_size, config.sizes.intermediate_size);
        let attention = scope.at("attention");
        let projections = [("q_proj", Bias::Own), ("k_proj", Bias::Own), ("v_proj", Bias::Own)];
        Ok(Self {
            qkv: attention.joined(&projections, width, width)?,
            attention_out: attention.at("out_proj").linear(width, width)?,
            attention_norm: scope.at("layer_norm").layer_norm(width)?,
            widen: scope.at("feed_forward.intermediate_dense").linear(width, inner)?,
            narrow: scope.at("feed_forward.output_dense").linear(inner, width)?,
            final_norm: scope.at("final_layer_norm").layer_norm(width)?,
            n_heads: config.sizes.num_attention_heads,
            compute_type: scope.compute_type(),
        })
    }

    /// `x = norm(x + attention(x))`, `x = norm(x + feed_forward(x))`
    fn forward_norms_after(&self, x: &mut Vec<f32>, scratch: &mut Scratch) {
        self.attend(x, &mut scratch.wide, &mut scratch.attended);
        self.attention_out.forward(&scratch.attended, x, Write::Add);
        self.attention_norm.forward(x, &mut scratch.normed);
        swap(x, &mut scratch.normed);
        self.widened(x, &mut scratch.wide);
        self.narrow.forward(&scratch.wide, x, Write::Add);
        self.final_norm.forward(x, &mut scratch.normed);
        swap(x, &mut scratch.normed);
    }

    /// `x += attention(norm(x))`, `x += feed_forward(norm(x))`
    fn forward_norms_before(&self, x: &mut [f32], scratch: &mut Scratch) {
        self.attention_norm.forward(x, &mut scratch.normed);
        self.attend(&scratch.normed, &mut scratch.wide, &mut scratch.attended);
        self.attention_out.forward(&scratch.attended, x, Write::Add);
        self.final_norm.forward(x, &mut scratch.normed);
        self.widened(&scratch.normed, &mut scratch.wide);
        self.narrow.forward(&scratch.wide, x, Write::Add);
    }

    /// Attention before its last projection.
    fn attend(&self, x: &[f32], wide: &mut Vec<f32>, attended: &mut [f32]) {
        wide.resize(3 * x.len(), 0.0);
        self.qkv.forward(x, wide, Write::Replace);
        self_attention(wide, self.attention_out.n_in(), self.n_heads, self.compute_type, attended);
    }

    /// The inside of the feed-forward block.
    fn widened(&self, x: &[f32], wide: &mut Vec<f32>) {
        wide.resize(x.len() / self.widen.n_in() * self.widen.n_out(), 0.0);
        self.widen.forward(x, wide, Write::Gelu);
    }
}

/// A convolution along time with as many frames as it is given, and GELU. Its channels are in groups that know nothing
/// of each other.
struct PositionalConvolution {
    groups: Vec<Linear>,
    kernel: usize,
    width: usize,
}

impl PositionalConvolution {
    fn load(config: &Wav2Vec2Config, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let (width, kernel) = (config.sizes.hidden_size, config.sizes.num_conv_pos_embeddings);
        let group_width = width / config.sizes.num_conv_pos_embedding_groups;
        let weight = positional_weight(scope, [width, group_width, kernel])?;
        let bias = scope.tensor("bias", &[width])?;
        let groups = weight.chunks_exact(group_width * group_width * kernel).zip(bias.chunks_exact(group_width));
        let groups = groups.map(|(weight, bias)| Linear::convolution(weight, bias.to_vec(), group_width, kernel));
        Ok(Self { groups: groups.collect(), kernel, width })
    }

    /// # Shapes
    /// `x` `[frames, width]`, as the result.
    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let group_width = self.width / self.groups.len();
        let n_frames = x.len() / self.width;
        // Half a kernel of zeros before the first frame. Where the kernel is even, PyTorch pads as much after the last
        // one and drops the frame that is too many.
        let first = self.kernel / 2 * group_width;
        let n_padded = (n_frames + self.kernel - 1) * group_width;
        let by_group: Vec<Vec<f32>> = self
            .groups
            .par_iter()
            .enumerate()
            .map(|(group, conv)| {
                let mut padded = vec![0.0; n_padded];
                for (own, row) in padded[first..].chunks_exact_mut(group_width).zip(x.chunks_exact(self.width)) {
                    own.copy_from_slice(&row[group * group_width..][..group_width]);
                }
                let mut out = vec![0.0; n_frames * group_width];
                conv.convolve(&padded, group_width, 1, &mut out, Write::Gelu);
                out
            })
            .collect();
        let mut out = vec![0.0; x.len()];
        out.par_chunks_exact_mut(self.width).enumerate().for_each(|(frame, row)| {
            for (columns, group) in row.chunks_exact_mut(group_width).zip(&by_group) {
                columns.copy_from_slice(&group[frame * group_width..][..group_width]);
            }
        });
        out
    }
}

/// The weight `[width, group_width, kernel]` of the positional convolution. Checkpoints keep it as direction `v` and
/// size `g` of each tap, `weight = g v / |v|`, under the names of PyTorch before or since version 2.1, or as it is.
fn positional_weight(scope: &Scope<'_>, shape: [usize; 3]) -> Result<Vec<f32>, CheckpointError> {
    const SPELLINGS: [(&str, &str); 2] =
        [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")];
    let [_, _, kernel] = shape;
    let Some((size, direction)) = SPELLINGS.into_iter().find(|(size, _)| scope.has(size)) else {
        return scope.tensor("weight", &shape);
    };
    let sizes = scope.tensor(size, &[1, 1, kernel])?;
    let mut weight = scope.tensor(direction, &shape)?;
    let mut squares = vec![0.0_f64; kernel];
    for taps in weight.chunks_exact(kernel) {
        squares.iter_mut().zip(taps).for_each(|(sum, tap)| *sum += f64::from(*tap).powi(2));
    }
    let scale = |(size, square): (&f32, &f64)| if *square > 0.0 { f64::from(*size) / square.sqrt() } else { 0.0 };
    let scales: Vec<f64> = sizes.iter().zip(&squares).map(scale).collect();
    for taps in weight.chunks_exact_mut(kernel) {
        taps.iter_mut().zip(&scales).for_each(|(tap, scale)| *tap = (f64::from(*tap) * scale) as f32);
    }
    Ok(weight)
}
