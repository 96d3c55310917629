//! The network of `encoder.rs` and `decoder.rs` on candle tensors, for graphics cards: the same windows and tokens in, the
//! same hidden states and logits out, both in the memory of the host. Nothing is searched here, and no tensor leaves this
//! folder.
//!
//! What is computed for a window or a step of the decoder is the same on every device, so that the processor, on which
//! candle computes as well, shows that it is right. Only rounding differs: by the precision, and on graphics cards also by
//! how many sequences take a step together.

mod accelerator;
mod decoder;
mod layers;

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::Tensor;

use crate::nn::checkpoint::Scope;

use super::WhisperError;
use super::config::WhisperConfig;
use super::tokenizer::TokenId;

use decoder::Decoder;
use layers::{Convolution, FeedForward, LayerNorm, Linear, Loader, attend, to_host};

pub use accelerator::{Accelerator, AcceleratorError, Backend, DeviceError, Precision};
pub(super) use decoder::{Encoded, State, Watch};

/// Encoder and decoder.
pub(super) struct OnDevice {
    accelerator: Accelerator,
    encoder: Encoder,
    decoder: Decoder,
    n_bytes: usize,
    turn: Mutex<()>,
}

impl OnDevice {
    /// `scope` is the checkpoint's `model`.
    pub(super) fn load(
        config: &WhisperConfig,
        scope: &Scope<'_>,
        accelerator: &Accelerator,
    ) -> Result<Self, WhisperError> {
        let loader = Loader { accelerator, n_bytes: Cell::new(0) };
        Ok(Self {
            encoder: Encoder::load(config, &scope.at("encoder"), &loader)?,
            decoder: Decoder::load(config, &scope.at("decoder"), &loader)?,
            n_bytes: loader.n_bytes.get(),
            accelerator: accelerator.clone(),
            turn: Mutex::new(()),
        })
    }

    /// Bytes of the weights on the device.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// `None` if `should_stop`, which is asked before each layer, said so.
    ///
    /// # Shapes
    /// `mel` `[2 * positions, n_mels]`; returns `[positions, width]`.
    pub(super) fn encode(&self, mel: &[f32], should_stop: &dyn Fn() -> bool) -> Result<Option<Vec<f32>>, DeviceError> {
        let _turn = self.turn();
        let n_mels = self.encoder.n_mels;
        let mel = self.accelerator.tensor(mel.to_vec(), &[mel.len() / n_mels, n_mels])?;
        let hidden = self.encoder.forward(&mel, should_stop)?;
        Ok(hidden.map(|hidden| to_host(&hidden)).transpose()?)
    }

    /// What decoding needs to know of one encoded window.
    ///
    /// # Shapes
    /// `encoded` `[positions, width]`
    pub(super) fn prepare(&self, encoded: &[f32]) -> Result<Encoded, DeviceError> {
        let _turn = self.turn();
        let width = self.decoder.width();
        let encoded = self.accelerator.tensor(encoded.to_vec(), &[encoded.len() / width, width])?;
        Ok(self.decoder.prepare(&encoded)?)
    }

    /// Feeds each sequence its new tokens and returns the logits at `positions`: pairs of (sequence, index into its new
    /// tokens). Only where there is one sequence can its queries be watched.
    ///
    /// # Shapes
    /// Returns `[positions, vocab_size]`.
    pub(super) fn decode(
        &self,
        batch: &mut [(&mut State, &[TokenId])],
        positions: &[(usize, usize)],
        watch: Option<Watch<'_>>,
    ) -> Result<Vec<f32>, DeviceError> {
        let _turn = self.turn();
        Ok(self.decoder.forward(batch, positions, watch)?)
    }

    /// One computation at a time: two at once would take as long as one after the other, and twice the memory. On the
    /// processor there are no turns, for a thread that waits inside candle may take up another computation meanwhile.
    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let has_turns = self.accelerator.backend() != Backend::Processor;
        has_turns.then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Encoder {
    conv1: Convolution,
    conv2: Convolution,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    n_heads: usize,
    n_mels: usize,
}

struct Layer {
    attention_norm: LayerNorm,
    qkv: Linear,
    attention_out: Linear,
    feed_forward: FeedForward,
}

impl Encoder {
    fn load(config: &WhisperConfig, scope: &Scope<'_>, loader: &Loader<'_>) -> Result<Self, WhisperError> {
        let (width, n_heads) = (config.d_model, config.encoder_attention_heads);
        let layer = |index| -> Result<Layer, WhisperError> {
            let scope = scope.nth("layers", index);
            Ok(Layer {
                attention_norm: loader.layer_norm(&scope.at("self_attn_layer_norm"), width)?,
                qkv: loader.qkv(&scope.at("self_attn"), width, n_heads)?,
                attention_out: loader.linear(&scope.at("self_attn.out_proj"), width, width)?,
                feed_forward: loader.feed_forward(&scope, width, config.encoder_ffn_dim)?,
            })
        };
        Ok(Self {
            conv1: loader.convolution(&scope.at("conv1"), config.num_mel_bins, width, 1)?,
            conv2: loader.convolution(&scope.at("conv2"), width, width, 2)?,
            positions: loader.tensor(&scope.at("embed_positions"), "weight", &[config.max_source_positions, width])?,
            layers: (0..config.encoder_layers).map(layer).collect::<Result<_, _>>()?,
            norm: loader.layer_norm(&scope.at("layer_norm"), width)?,
            n_heads,
            n_mels: config.num_mel_bins,
        })
    }

    fn forward(&self, mel: &Tensor, should_stop: &dyn Fn() -> bool) -> candle_core::Result<Option<Tensor>> {
        // Convolutions want [batch, channels, frames].
        let x = self.conv1.forward(&mel.t()?.contiguous()?.unsqueeze(0)?)?.gelu_erf()?;
        let x = self.conv2.forward(&x)?.gelu_erf()?;
        let mut x = x.squeeze(0)?.t()?.contiguous()?.add(&self.positions)?;
        let (n_frames, width) = x.dims2()?;
        for layer in &self.layers {
            if should_stop() {
                return Ok(None);
            }
            let qkv = layer.qkv.forward(&layer.attention_norm.forward(&x)?)?;
            let qkv = qkv.reshape((n_frames, 3, self.n_heads, width / self.n_heads))?;
            let qkv = qkv.permute((1, 2, 0, 3))?.contiguous()?;
            let attended = attend(&qkv.get(0)?, &qkv.get(1)?, &qkv.get(2)?, None)?;
            let attended = attended.transpose(0, 1)?.reshape((n_frames, width))?;
            x = x.add(&layer.attention_out.forward(&attended)?)?;
            x = layer.feed_forward.forward(&x)?;
        }
        self.norm.forward(&x).map(Some)
    }
}
