//! Folders with Whisper models of the true dimensions and random weights, in Hugging Face layout. Time, memory and
//! loading do not depend on the values of the weights, so they can be measured and tested where no real model is at
//! hand.
//!
//! Everything follows from the dimensions and a seed, weights are written as they are drawn, and a tensor has the same
//! values in every precision (but for rounding) and in every number of shards. Nothing sensible is transcribed with
//! them.

mod sizes;
mod vocabulary;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use half::{bf16, f16};
use safetensors::Dtype;
use serde_json::{Map, Value, json};

use crate::files::{self, FileError};
use crate::nn::random::SplitMix64;
use crate::task::{CancelToken, Cancelled};

use super::safetensors_file::{Entry, write_header};

use sizes::{Tensor, Values};

pub use sizes::{Dimensions, PublishedSize};
pub use vocabulary::Languages;

/// How a weight is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a 32-bit number.
    Bf16,
}

impl Precision {
    /// As safetensors calls it.
    fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
        }
    }

    /// As PyTorch calls it.
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    /// Replaces `bytes` by the values in this precision.
    fn encode(self, values: &[f32], bytes: &mut Vec<u8>) {
        bytes.clear();
        match self {
            Self::F32 => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::F16 => bytes.extend(values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes())),
            Self::Bf16 => bytes.extend(values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes())),
        }
    }
}

/// A model folder could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RandomModelError {
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The disk is full, or the folder is not for us.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A model that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomWhisper {
    /// Its sizes.
    pub dimensions: Dimensions,
    /// How its weights are stored.
    pub precision: Precision,
    /// Files that the weights are spread over, at most one for each tensor; 1 for the usual `model.safetensors`.
    pub n_shards: usize,
    /// The same seed gives the same weights.
    pub seed: u64,
}

impl RandomWhisper {
    /// Writes the model into `folder`, which is made if it is missing and should hold no other model. Takes little
    /// memory whatever the size, and stops soon after `cancel` is set, leaving the folder incomplete.
    pub fn write(&self, folder: &Path, cancel: &CancelToken) -> Result<(), RandomModelError> {
        for (name, content) in [
            ("config.json", self.config()),
            ("generation_config.json", self.dimensions.generation_config()),
            ("preprocessor_config.json", self.dimensions.preprocessor_config()),
            ("tokenizer.json", self.dimensions.tokenizer()),
        ] {
            files::write_atomic(&folder.join(name), content.to_string().as_bytes())?;
        }
        let tensors = self.dimensions.tensors();
        let n_per_shard = tensors.len().div_ceil(self.n_shards.max(1));
        let n_shards = tensors.chunks(n_per_shard).len();
        let mut weight_map = Map::new();
        for (shard, tensors) in tensors.chunks(n_per_shard).enumerate() {
            let name = match n_shards {
                1 => "model.safetensors".to_owned(),
                _ => format!("model-{:05}-of-{n_shards:05}.safetensors", shard + 1),
            };
            let write = |file: &mut File| self.write_tensors(tensors, shard * n_per_shard, file, cancel);
            files::write_atomic_with(&folder.join(&name), write).map_err(|error| match cancel.check() {
                Err(cancelled) => RandomModelError::from(cancelled),
                Ok(()) => error.into(),
            })?;
            weight_map.extend(tensors.iter().map(|tensor| (tensor.name.clone(), Value::from(name.as_str()))));
        }
        if n_shards > 1 {
            let total_size = self.dimensions.n_weights() * self.precision.dtype().bitsize() / 8;
            let index = json!({ "metadata": { "total_size": total_size }, "weight_map": weight_map });
            files::write_atomic(&folder.join("model.safetensors.index.json"), index.to_string().as_bytes())?;
        }
        Ok(())
    }

    fn config(&self) -> Value {
        let Dimensions { width, n_heads, n_encoder_layers, n_decoder_layers, n_mels, .. } = self.dimensions;
        let end_of_text = self.dimensions.n_text_tokens;
        json!({
            "architectures": ["WhisperForConditionalGeneration"],
            "model_type": "whisper",
            "activation_function": "gelu",
            "scale_embedding": false,
            "tie_word_embeddings": true,
            "d_model": width,
            "encoder_layers": n_encoder_layers,
            "encoder_attention_heads": n_heads,
            "encoder_ffn_dim": 4 * width,
            "decoder_layers": n_decoder_layers,
            "decoder_attention_heads": n_heads,
            "decoder_ffn_dim": 4 * width,
            "num_mel_bins": n_mels,
            "max_source_positions": self.dimensions.n_audio_positions,
            "max_target_positions": self.dimensions.n_text_positions,
            "vocab_size": self.dimensions.vocab_size(),
            "bos_token_id": end_of_text,
            "eos_token_id": end_of_text,
            "pad_token_id": end_of_text,
            "decoder_start_token_id": end_of_text + 1,
            "torch_dtype": self.precision.name(),
        })
    }

    /// A safetensors file: the length of its header, the header, the values. `first_idx` is the index of the first of
    /// `tensors` among all tensors of the model.
    fn write_tensors(
        &self,
        tensors: &[Tensor],
        first_idx: usize,
        file: &mut File,
        cancel: &CancelToken,
    ) -> io::Result<()> {
        let dtype = self.precision.dtype();
        let entries = tensors.iter().map(|tensor| Entry { name: &tensor.name, dtype, shape: &tensor.shape });
        write_header(file, ("format", "pt"), entries)?;
        for (idx, tensor) in tensors.iter().enumerate() {
            let mut random = Random::of_tensor(self.seed, first_idx + idx);
            self.write_values(tensor, &mut random, file, cancel)?;
        }
        Ok(())
    }

    fn write_values(
        &self,
        tensor: &Tensor,
        random: &mut Random,
        file: &mut File,
        cancel: &CancelToken,
    ) -> io::Result<()> {
        const VALUES_AT_ONCE: usize = 32 * 1024;
        let n_values = tensor.n_values();
        let n_columns = tensor.shape.last().copied().unwrap_or(1);
        let (mut values, mut bytes) = (Vec::new(), Vec::new());
        for first in (0..n_values).step_by(VALUES_AT_ONCE) {
            cancel.check().map_err(io::Error::other)?;
            let part = first..n_values.min(first + VALUES_AT_ONCE);
            values.clear();
            match tensor.values {
                Values::Random => values.extend(part.map(|_| random.next_weight())),
                Values::Zeros => values.resize(part.len(), 0.0),
                Values::Ones => values.resize(part.len(), 1.0),
                Values::Sinusoids => {
                    values.extend(part.map(|n| sinusoid(n / n_columns, n % n_columns, n_columns)));
                }
            }
            self.precision.encode(&values, &mut bytes);
            file.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// One value of the encoder's positions (openai-whisper, `model.py`, `sinusoids`): sines of falling frequency in the
/// first half of the channels, cosines of the same frequencies in the second.
fn sinusoid(position: usize, channel: usize, n_channels: usize) -> f32 {
    let n_frequencies = n_channels / 2;
    let step = 10_000_f64.ln() / (n_frequencies.max(2) - 1) as f64;
    let phase = position as f64 * (-step * (channel % n_frequencies) as f64).exp();
    (if channel < n_frequencies { phase.sin() } else { phase.cos() }) as f32
}

/// The weights of one tensor, drawn one after the other.
struct Random(SplitMix64);

impl Random {
    /// A tensor has a stream of its own, so that its values do not depend on the file that it is in.
    fn of_tensor(seed: u64, tensor_idx: usize) -> Self {
        // Hashed twice, so that neighbouring seeds and tensors do not share a stream, one shifted against the other.
        let of_seed = SplitMix64::new(seed).next_bits();
        let of_tensor = SplitMix64::new(of_seed ^ tensor_idx as u64).next_bits();
        Self(SplitMix64::new(of_tensor))
    }

    /// Mean 0 and a standard deviation of 0.02, as transformers initialises Whisper: the sum of four evenly distributed
    /// numbers, which is close to a normal distribution and quick to draw.
    ///
    /// A number from 0 to 2¹⁶ - 1 has the variance 2³² / 12 (but for a hair), the sum of four 2³² / 3.
    fn next_weight(&mut self) -> f32 {
        const SCALE: f32 = 0.02 * 1.732_05 / 65_536.0;
        const MEAN: i32 = 2 * u16::MAX as i32;
        let bits = self.0.next_bits();
        let sum: i32 = (0..4).map(|quarter| i32::from((bits >> (16 * quarter)) as u16)).sum();
        (sum - MEAN) as f32 * SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_spread_as_those_of_an_untrained_model() {
        let mut random = Random::of_tensor(1, 2);
        let weights: Vec<f64> = (0..100_000).map(|_| f64::from(random.next_weight())).collect();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let variance = weights.iter().map(|weight| (weight - mean).powi(2)).sum::<f64>() / weights.len() as f64;
        assert!(mean.abs() < 3e-4, "mean {mean}");
        assert!((variance.sqrt() - 0.02).abs() < 2e-4, "standard deviation {}", variance.sqrt());
    }
}
