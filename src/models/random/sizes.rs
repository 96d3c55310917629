//! Sizes of Whisper networks: those that were published, the tensors that a size stands for, and what the configuration
//! files beside them say.

use serde_json::{Value, json};

use super::Precision;
use super::vocabulary::{Languages, SPACE};

/// A size that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedSize {
    /// Its name, such as `small.en`.
    pub name: &'static str,
    /// Its dimensions.
    pub dimensions: Dimensions,
    /// The precision of the published weights.
    pub precision: Precision,
}

impl PublishedSize {
    /// The published sizes, small ones first.
    pub const ALL: [Self; 12] = [
        Self { name: "tiny", dimensions: TINY, precision: Precision::F32 },
        Self { name: "tiny.en", dimensions: TINY.in_english(), precision: Precision::F32 },
        Self { name: "base", dimensions: BASE, precision: Precision::F32 },
        Self { name: "base.en", dimensions: BASE.in_english(), precision: Precision::F32 },
        Self { name: "small", dimensions: SMALL, precision: Precision::F32 },
        Self { name: "small.en", dimensions: SMALL.in_english(), precision: Precision::F32 },
        Self { name: "medium", dimensions: MEDIUM, precision: Precision::F32 },
        Self { name: "medium.en", dimensions: MEDIUM.in_english(), precision: Precision::F32 },
        Self { name: "large-v2", dimensions: LARGE_V2, precision: Precision::F32 },
        Self { name: "large-v3", dimensions: LARGE_V3, precision: Precision::F16 },
        Self {
            name: "large-v3-turbo",
            dimensions: Dimensions { n_decoder_layers: 4, ..LARGE_V3 },
            precision: Precision::F16,
        },
        Self {
            name: "distil-large-v3",
            dimensions: Dimensions { n_decoder_layers: 2, ..LARGE_V3 },
            precision: Precision::F16,
        },
    ];

    /// The size of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name == name)
    }
}

/// Sizes of a Whisper network and of its vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Width of the hidden states; feed-forward blocks are four times as wide inside.
    pub width: usize,
    /// Attention heads, which divide the width.
    pub n_heads: usize,
    /// Layers of the encoder.
    pub n_encoder_layers: usize,
    /// Layers of the decoder.
    pub n_decoder_layers: usize,
    /// Mel bands of the input.
    pub n_mels: usize,
    /// Frames of the encoder's output, 20 ms each: the model's window.
    pub n_audio_positions: usize,
    /// Tokens that fit the decoder.
    pub n_text_positions: usize,
    /// Tokens of text, at least the 256 bytes; the special tokens follow them.
    pub n_text_tokens: usize,
    /// The languages among the special tokens.
    pub languages: Languages,
}

const TINY: Dimensions = Dimensions {
    width: 384,
    n_heads: 6,
    n_encoder_layers: 4,
    n_decoder_layers: 4,
    n_mels: 80,
    n_audio_positions: 1500,
    n_text_positions: 448,
    n_text_tokens: 50_257,
    languages: Languages::BeforeV3,
};
const BASE: Dimensions = Dimensions { width: 512, n_heads: 8, n_encoder_layers: 6, n_decoder_layers: 6, ..TINY };
const SMALL: Dimensions = Dimensions { width: 768, n_heads: 12, n_encoder_layers: 12, n_decoder_layers: 12, ..TINY };
const MEDIUM: Dimensions = Dimensions { width: 1024, n_heads: 16, n_encoder_layers: 24, n_decoder_layers: 24, ..TINY };
const LARGE_V2: Dimensions =
    Dimensions { width: 1280, n_heads: 20, n_encoder_layers: 32, n_decoder_layers: 32, ..TINY };
const LARGE_V3: Dimensions = Dimensions { n_mels: 128, languages: Languages::SinceV3, ..LARGE_V2 };

impl Dimensions {
    /// Tokens of text, special tokens and timestamps together.
    pub fn vocab_size(&self) -> usize {
        self.n_text_tokens + self.special_tokens().len()
    }

    /// Weights of the network, the fixed positions of the encoder included.
    pub fn n_weights(&self) -> usize {
        self.tensors().iter().map(Tensor::n_values).sum()
    }

    /// The same for the English-only sizes, which have GPT-2's vocabulary with one token less.
    const fn in_english(self) -> Self {
        Self { n_text_tokens: 50_256, languages: Languages::EnglishOnly, ..self }
    }
}

/// What the configuration files say.
impl Dimensions {
    pub(super) fn generation_config(&self) -> Value {
        let end_of_text = self.n_text_tokens;
        let after_languages = end_of_text + 2 + self.languages.codes().len();
        // The start of the transcript; translate, transcribe, startoflm, startofprev and nospeech.
        let suppressed: Vec<usize> =
            [end_of_text + 1].into_iter().chain(after_languages..after_languages + 5).collect();
        json!({
            "is_multilingual": self.languages != Languages::EnglishOnly,
            "bos_token_id": end_of_text,
            "eos_token_id": end_of_text,
            "pad_token_id": end_of_text,
            "decoder_start_token_id": end_of_text + 1,
            "no_timestamps_token_id": after_languages + 5,
            "max_initial_timestamp_index": 50,
            "max_length": self.n_text_positions,
            "suppress_tokens": suppressed,
            "begin_suppress_tokens": [SPACE, end_of_text],
        })
    }

    pub(super) fn preprocessor_config(&self) -> Value {
        json!({
            "feature_extractor_type": "WhisperFeatureExtractor",
            "feature_size": self.n_mels,
            "sampling_rate": 16_000,
            "hop_length": 160,
            "n_fft": 400,
            "chunk_length": self.n_audio_positions / 50,
            "n_samples": 320 * self.n_audio_positions,
            "nb_max_frames": 2 * self.n_audio_positions,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": false,
        })
    }
}

/// What the weights of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Around 0, as transformers initialises all matrices.
    Random,
    Zeros,
    Ones,
    /// The fixed positions of Whisper's encoder.
    Sinusoids,
}

/// A tensor of the checkpoint.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

impl Tensor {
    pub(super) fn n_values(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The tensors of the network.
impl Dimensions {
    /// Named and shaped as transformers stores them. The output layer is the token embedding, and not stored again.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        let width = self.width;
        let mut list = TensorList(Vec::new());
        for (name, n_in) in [("conv1", self.n_mels), ("conv2", width)] {
            list.add(format!("model.encoder.{name}.weight"), &[width, n_in, 3], Values::Random);
            list.add(format!("model.encoder.{name}.bias"), &[width], Values::Zeros);
        }
        let positions = |part: &str| format!("model.{part}.embed_positions.weight");
        list.add(positions("encoder"), &[self.n_audio_positions, width], Values::Sinusoids);
        for layer in 0..self.n_encoder_layers {
            let layer = format!("model.encoder.layers.{layer}");
            list.attention(&layer, "self_attn", width);
            list.feed_forward(&layer, width);
        }
        list.layer_norm("model.encoder.layer_norm", width);
        list.add("model.decoder.embed_tokens.weight".to_owned(), &[self.vocab_size(), width], Values::Random);
        list.add(positions("decoder"), &[self.n_text_positions, width], Values::Random);
        for layer in 0..self.n_decoder_layers {
            let layer = format!("model.decoder.layers.{layer}");
            list.attention(&layer, "self_attn", width);
            list.attention(&layer, "encoder_attn", width);
            list.feed_forward(&layer, width);
        }
        list.layer_norm("model.decoder.layer_norm", width);
        list.0
    }
}

struct TensorList(Vec<Tensor>);

impl TensorList {
    fn add(&mut self, name: String, shape: &[usize], values: Values) {
        self.0.push(Tensor { name, shape: shape.to_vec(), values });
    }

    fn linear(&mut self, name: &str, n_in: usize, n_out: usize) {
        self.add(format!("{name}.weight"), &[n_out, n_in], Values::Random);
        // Whisper's keys have no bias.
        if !name.ends_with(".k_proj") {
            self.add(format!("{name}.bias"), &[n_out], Values::Zeros);
        }
    }

    fn layer_norm(&mut self, name: &str, width: usize) {
        self.add(format!("{name}.weight"), &[width], Values::Ones);
        self.add(format!("{name}.bias"), &[width], Values::Zeros);
    }

    fn attention(&mut self, layer: &str, name: &str, width: usize) {
        for projection in ["k_proj", "v_proj", "q_proj", "out_proj"] {
            self.linear(&format!("{layer}.{name}.{projection}"), width, width);
        }
        self.layer_norm(&format!("{layer}.{name}_layer_norm"), width);
    }

    fn feed_forward(&mut self, layer: &str, width: usize) {
        self.linear(&format!("{layer}.fc1"), width, 4 * width);
        self.linear(&format!("{layer}.fc2"), 4 * width, width);
        self.layer_norm(&format!("{layer}.final_layer_norm"), width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As counted in the published checkpoints.
    #[test]
    fn the_published_sizes_have_their_true_numbers_of_weights_and_tokens() {
        for (name, n_weights, vocab_size) in [
            ("tiny", 37_760_640, 51_865),
            ("tiny.en", 37_760_256, 51_864),
            ("base", 72_593_920, 51_865),
            ("base.en", 72_593_408, 51_864),
            ("small", 241_734_912, 51_865),
            ("small.en", 241_734_144, 51_864),
            ("medium", 763_857_920, 51_865),
            ("medium.en", 763_856_896, 51_864),
            ("large-v2", 1_543_304_960, 51_865),
            ("large-v3", 1_543_490_560, 51_866),
            ("large-v3-turbo", 808_878_080, 51_866),
            ("distil-large-v3", 756_405_760, 51_866),
        ] {
            let PublishedSize { dimensions, .. } = PublishedSize::named(name).expect(name);
            assert_eq!((dimensions.n_weights(), dimensions.vocab_size()), (n_weights, vocab_size), "{name}");
        }
    }
}
