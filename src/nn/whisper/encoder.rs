//! Whisper's encoder: two convolutions and a stack of pre-norm transformer layers over the whole window. There is no
//! mask: the silence that pads a chunk is part of what the model sees.

use rayon::prelude::*;

use super::super::attention::self_attention;
use super::super::checkpoint::{Bias, CheckpointError, Scope};
use super::super::eight_bit::{EightBit, ROWS_PER_TASK};
use super::super::linear::{ComputeType, Linear, Write};
use super::super::norm::LayerNorm;
use super::config::WhisperConfig;

const CONV_KERNEL: usize = 3;

pub(super) struct Encoder {
    conv1: Linear,
    conv2: Linear,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: LayerNorm,
    width: usize,
    n_mels: usize,
}

struct Layer {
    attention_norm: LayerNorm,
    qkv: Linear,
    attention_out: Linear,
    feed_forward: FeedForward,
    n_heads: usize,
    compute_type: ComputeType,
}

/// LayerNorm, widen, GELU, narrow; the same in encoder and decoder.
pub(super) struct FeedForward {
    norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
}

impl Encoder {
    pub(super) fn load(config: &WhisperConfig, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let (width, n_mels) = (config.d_model, config.num_mel_bins);
        let conv = |name: &str, n_in: usize| {
            let weight = scope.at(name).tensor("weight", &[width, n_in, CONV_KERNEL])?;
            let bias = scope.at(name).tensor("bias", &[width])?;
            Ok::<_, CheckpointError>(Linear::convolution(&weight, bias, n_in, CONV_KERNEL))
        };
        let layer = |index| {
            let scope = scope.nth("layers", index);
            Ok(Layer {
                attention_norm: scope.at("self_attn_layer_norm").layer_norm(width)?,
                qkv: qkv(&scope.at("self_attn"), width)?,
                attention_out: scope.at("self_attn.out_proj").linear(width, width)?,
                feed_forward: FeedForward::load(&scope, width, config.encoder_ffn_dim)?,
                n_heads: config.encoder_attention_heads,
                compute_type: scope.compute_type(),
            })
        };
        Ok(Self {
            conv1: conv("conv1", n_mels)?,
            conv2: conv("conv2", width)?,
            positions: scope.at("embed_positions").tensor("weight", &[config.max_source_positions, width])?,
            layers: (0..config.encoder_layers).map(layer).collect::<Result<_, _>>()?,
            norm: scope.at("layer_norm").layer_norm(width)?,
            width,
            n_mels,
        })
    }

    /// `None` if `should_stop` said so between two layers.
    ///
    /// # Shapes
    /// `mel` `[2 * positions, n_mels]`; returns `[positions, width]`.
    pub(super) fn forward(&self, mel: &[f32], should_stop: &dyn Fn() -> bool) -> Option<Vec<f32>> {
        let width = self.width;
        let n_positions = self.positions.len() / width;
        let mut wide = vec![0.0; 2 * n_positions * width];
        self.conv1.convolve(&between_zero_rows(mel, self.n_mels), self.n_mels, 1, &mut wide, Write::Gelu);
        let mut x = vec![0.0; n_positions * width];
        self.conv2.convolve(&between_zero_rows(&wide, width), width, 2, &mut x, Write::Gelu);
        drop(wide);
        x.iter_mut().zip(&self.positions).for_each(|(x, position)| *x += position);
        let mut scratch = Scratch { normed: vec![0.0; x.len()], attended: vec![0.0; x.len()], wide: Vec::new() };
        for layer in &self.layers {
            if should_stop() {
                return None;
            }
            layer.forward(&mut x, &mut scratch);
        }
        self.norm.forward(&x, &mut scratch.normed);
        Some(scratch.normed)
    }
}

/// Buffers that all layers of one pass share.
struct Scratch {
    normed: Vec<f32>,
    attended: Vec<f32>,
    /// Widest intermediate: queries, keys and values, or the inside of a feed-forward block.
    wide: Vec<f32>,
}

impl Layer {
    fn forward(&self, x: &mut [f32], scratch: &mut Scratch) {
        let width = self.attention_out.n_out();
        self.attention_norm.forward(x, &mut scratch.normed);
        scratch.wide.resize(3 * x.len(), 0.0);
        self.qkv.forward(&scratch.normed, &mut scratch.wide, Write::Replace);
        self_attention(&scratch.wide, width, self.n_heads, self.compute_type, &mut scratch.attended);
        self.attention_out.forward(&scratch.attended, x, Write::Add);
        self.feed_forward.forward(x, &mut scratch.normed, &mut scratch.wide);
    }
}

impl FeedForward {
    pub(super) fn load(scope: &Scope<'_>, width: usize, inner: usize) -> Result<Self, CheckpointError> {
        Ok(Self {
            norm: scope.at("final_layer_norm").layer_norm(width)?,
            widen: scope.at("fc1").linear(width, inner)?,
            narrow: scope.at("fc2").linear(inner, width)?,
        })
    }

    /// Adds the block's output to `x` `[rows, width]`; `normed` is as long, `wide` becomes as long as needed.
    pub(super) fn forward(&self, x: &mut [f32], normed: &mut [f32], wide: &mut Vec<f32>) {
        if let (Some(widen), Some(narrow)) = (self.widen.eight_bit(), self.narrow.eight_bit())
            && x.len() > ROWS_PER_TASK * self.widen.n_in()
        {
            return self.forward_blocks(x, normed, widen, narrow);
        }
        self.norm.forward(x, normed);
        wide.resize(x.len() / self.narrow.n_out() * self.widen.n_out(), 0.0);
        self.widen.forward(normed, wide, Write::Gelu);
        self.narrow.forward(wide, x, Write::Add);
    }

    /// The same for many rows with 8-bit weights: what is inside the block stays in the cache of the thread that made it.
    fn forward_blocks(&self, x: &mut [f32], normed: &mut [f32], widen: &EightBit, narrow: &EightBit) {
        let block = ROWS_PER_TASK * self.widen.n_in();
        let inside = || vec![0.0; ROWS_PER_TASK * self.widen.n_out()];
        x.par_chunks_mut(block).zip(normed.par_chunks_mut(block)).for_each_init(inside, |wide, (x, normed)| {
            let wide = &mut wide[..x.len() / self.widen.n_in() * self.widen.n_out()];
            self.norm.forward(x, normed);
            widen.forward_block(normed, self.widen.bias(), wide, Write::Gelu);
            narrow.forward_block(wide, self.narrow.bias(), x, Write::Add);
        });
    }
}

/// The three projections of self-attention as one layer. Keys have no bias.
pub(super) fn qkv(scope: &Scope<'_>, width: usize) -> Result<Linear, CheckpointError> {
    scope.joined(&[("q_proj", Bias::Own), ("k_proj", Bias::Zero), ("v_proj", Bias::Own)], width, width)
}

/// `[rows, width]` with a row of zeros before and after.
fn between_zero_rows(x: &[f32], width: usize) -> Vec<f32> {
    let mut padded = vec![0.0; x.len() + 2 * width];
    padded[width..width + x.len()].copy_from_slice(x);
    padded
}
