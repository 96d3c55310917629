//! Sizes and special tokens of a Whisper checkpoint, from its own `config.json`, `generation_config.json` and
//! `preprocessor_config.json`. Nothing is assumed of a model that its files do not say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;

use super::super::mel::HOP;
use super::tokenizer::{TokenId, Tokenizer};

/// A configuration file makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or an entry is missing or of the wrong kind.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The tokenizer cannot be read.
    #[error("not a tokenizer: {0}")]
    Tokenizer(String),
    /// The vocabulary lacks a token that Whisper cannot do without.
    #[error("the vocabulary has no {0}; this is not a Whisper tokenizer")]
    MissingToken(String),
    /// An entry has a value that cannot work.
    #[error("{entry} is {found}, but {needed}")]
    Value {
        /// Its name.
        entry: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        needed: String,
    },
}

/// Fewer tokens are not enough for a prompt (three quarters of them and four more) and a token after it.
const MIN_TARGET_POSITIONS: usize = 16;

/// Sizes of the network, and the tokens that never or not at first may be said.
#[derive(Clone, Debug, Deserialize)]
pub struct WhisperConfig {
    /// Width of the hidden states.
    pub d_model: usize,
    /// Encoder layers.
    pub encoder_layers: usize,
    /// Attention heads of the encoder.
    pub encoder_attention_heads: usize,
    /// Width inside the encoder's feed-forward blocks.
    pub encoder_ffn_dim: usize,
    /// Decoder layers.
    pub decoder_layers: usize,
    /// Attention heads of the decoder.
    pub decoder_attention_heads: usize,
    /// Width inside the decoder's feed-forward blocks.
    pub decoder_ffn_dim: usize,
    /// Mel bands of the input.
    pub num_mel_bins: usize,
    /// Frames of the encoder's output, 20 ms each: the model's window.
    pub max_source_positions: usize,
    /// Tokens that fit the decoder, prompt included.
    pub max_target_positions: usize,
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Tokens that are never said.
    #[serde(default, deserialize_with = "null_as_default")]
    pub suppress_tokens: Vec<i64>,
    /// Tokens that are not said first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub begin_suppress_tokens: Vec<i64>,
    /// Highest first timestamp, in steps of 20 ms.
    #[serde(default)]
    pub max_initial_timestamp_index: Option<usize>,
    /// Whether the model was trained on several languages; `None` where no file says so.
    #[serde(default)]
    pub is_multilingual: Option<bool>,
    /// The heads that the checkpoint names as those which follow the words; often none.
    #[serde(skip)]
    alignment_heads: Vec<AlignmentHead>,
    /// The activation between the linear layers.
    #[serde(default = "gelu")]
    activation_function: String,
    /// Whether embeddings are multiplied by the square root of their width.
    #[serde(default)]
    scale_embedding: bool,
}

/// A head of the decoder's cross-attention; checkpoints write `[layer, head]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct AlignmentHead {
    /// Layer of the decoder.
    pub layer: usize,
    /// Head in that layer.
    pub head: usize,
}

#[derive(Deserialize)]
struct GenerationConfig {
    suppress_tokens: Option<Vec<i64>>,
    begin_suppress_tokens: Option<Vec<i64>>,
    max_initial_timestamp_index: Option<usize>,
    is_multilingual: Option<bool>,
    alignment_heads: Option<Vec<AlignmentHead>>,
}

#[derive(Deserialize)]
struct PreprocessorConfig {
    feature_size: Option<usize>,
    hop_length: Option<usize>,
    sampling_rate: Option<usize>,
    nb_max_frames: Option<usize>,
}

impl WhisperConfig {
    /// Reads `config.json`.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_str(text)?;
        for (entry, size) in [
            ("d_model", config.d_model),
            ("encoder_attention_heads", config.encoder_attention_heads),
            ("decoder_attention_heads", config.decoder_attention_heads),
            ("num_mel_bins", config.num_mel_bins),
            ("max_source_positions", config.max_source_positions),
            ("max_target_positions", config.max_target_positions),
            ("encoder_ffn_dim", config.encoder_ffn_dim),
            ("decoder_ffn_dim", config.decoder_ffn_dim),
            ("vocab_size", config.vocab_size),
        ] {
            if size == 0 {
                return Err(ConfigError::Value { entry, found: "0".into(), needed: "it must be positive".into() });
            }
        }
        if config.max_target_positions < MIN_TARGET_POSITIONS {
            let (found, needed) =
                (config.max_target_positions, format!("no prompt fits less than {MIN_TARGET_POSITIONS}"));
            return Err(ConfigError::Value { entry: "max_target_positions", found: found.to_string(), needed });
        }
        if config.activation_function != gelu() || config.scale_embedding {
            let found = format!("{} and scale_embedding {}", config.activation_function, config.scale_embedding);
            let needed = "only gelu without scaled embeddings is supported".to_owned();
            return Err(ConfigError::Value { entry: "activation_function", found, needed });
        }
        for (entry, heads) in [
            ("encoder_attention_heads", config.encoder_attention_heads),
            ("decoder_attention_heads", config.decoder_attention_heads),
        ] {
            if !config.d_model.is_multiple_of(heads) {
                let needed = format!("it must divide d_model, {}", config.d_model);
                return Err(ConfigError::Value { entry, found: heads.to_string(), needed });
            }
        }
        Ok(config)
    }

    /// Takes over what `generation_config.json` says of suppressed tokens, which newer checkpoints keep there, and of
    /// the heads that follow the words.
    pub(super) fn apply_generation_config(&mut self, text: &str) -> Result<(), ConfigError> {
        let generation: GenerationConfig = serde_json::from_str(text)?;
        self.suppress_tokens = generation.suppress_tokens.unwrap_or_default();
        if let Some(tokens) = generation.begin_suppress_tokens {
            self.begin_suppress_tokens = tokens;
        }
        self.is_multilingual = generation.is_multilingual.or(self.is_multilingual);
        self.max_initial_timestamp_index = generation.max_initial_timestamp_index.or(self.max_initial_timestamp_index);
        self.alignment_heads = generation.alignment_heads.unwrap_or_default();
        Ok(())
    }

    /// Makes sure that the features which the model was trained on are those that we compute.
    pub(super) fn check_preprocessor_config(&self, text: &str) -> Result<(), ConfigError> {
        let preprocessor: PreprocessorConfig = serde_json::from_str(text)?;
        for (entry, found, needed) in [
            ("feature_size", preprocessor.feature_size, self.num_mel_bins),
            ("hop_length", preprocessor.hop_length, HOP),
            ("sampling_rate", preprocessor.sampling_rate, 16_000),
            ("nb_max_frames", preprocessor.nb_max_frames, 2 * self.max_source_positions),
        ] {
            if let Some(found) = found.filter(|found| *found != needed) {
                let needed = format!("config.json and this program need {needed}");
                return Err(ConfigError::Value { entry, found: found.to_string(), needed });
            }
        }
        Ok(())
    }

    /// Makes sure that every token has an embedding.
    pub(super) fn check_tokenizer(&self, tokenizer: &Tokenizer) -> Result<(), ConfigError> {
        let last = tokenizer.last_special() as usize;
        if last < self.vocab_size {
            return Ok(());
        }
        let needed = format!("the tokenizer numbers its tokens up to {last}");
        Err(ConfigError::Value { entry: "vocab_size", found: self.vocab_size.to_string(), needed })
    }

    /// Makes sure that each of these tokens has an embedding.
    pub fn check_tokens(&self, tokens: &[TokenId]) -> Result<(), ConfigError> {
        match tokens.iter().find(|token| **token as usize >= self.vocab_size) {
            None => Ok(()),
            Some(token) => Err(ConfigError::Value {
                entry: "vocab_size",
                found: self.vocab_size.to_string(),
                needed: format!("the tokenizer gave token {token}"),
            }),
        }
    }

    /// Whether the model knows more than English. Where no file says so, the vocabulary does, as for openai-whisper: those
    /// of its English-only models have 51,864 tokens, which include those of languages that they never saw.
    pub(super) fn knows_languages(&self) -> bool {
        const ENGLISH_ONLY_VOCABULARY: usize = 51_864;
        self.is_multilingual.unwrap_or(self.vocab_size != ENGLISH_ONLY_VOCABULARY)
    }

    /// The model's window in samples: 30 s for the published sizes.
    pub fn window_samples(&self) -> usize {
        2 * self.max_source_positions * HOP
    }

    /// The heads of cross-attention that follow the words through the audio: those that the checkpoint names or, where
    /// it names none, all in the last half of the decoder's layers, as for openai-whisper.
    pub fn alignment_heads(&self) -> Vec<AlignmentHead> {
        let exists =
            |head: &AlignmentHead| head.layer < self.decoder_layers && head.head < self.decoder_attention_heads;
        // Distilled models may come with the list of their teacher, whose layers they do not have.
        if !self.alignment_heads.is_empty() && self.alignment_heads.iter().all(exists) {
            return self.alignment_heads.clone();
        }
        let heads = 0..self.decoder_attention_heads;
        (self.decoder_layers / 2..self.decoder_layers)
            .flat_map(|layer| heads.clone().map(move |head| AlignmentHead { layer, head }))
            .collect()
    }

    /// The tokens that are never said, less what is no token.
    pub(super) fn suppressed(&self) -> impl Iterator<Item = TokenId> {
        self.suppress_tokens.iter().filter_map(|id| TokenId::try_from(*id).ok())
    }

    /// The tokens that are not said first, less what is no token.
    pub(super) fn suppressed_at_first(&self) -> impl Iterator<Item = TokenId> {
        self.begin_suppress_tokens.iter().filter_map(|id| TokenId::try_from(*id).ok())
    }
}

/// The distinct files that a `model.safetensors.index.json` names, in order. Names that lead out of the folder are
/// refused.
pub(super) fn shard_names(text: &str) -> Result<BTreeSet<String>, ConfigError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_str(text)?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    for name in &names {
        let mut parts = Path::new(name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            let needed = "it must be the plain name of a file in the model's folder".to_owned();
            return Err(ConfigError::Value { entry: "weight_map", found: name.clone(), needed });
        }
    }
    Ok(names)
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_the_model_does_not_have_are_not_aligned_with() {
        const CONFIG: &str = r#"{"d_model": 4, "encoder_layers": 1, "encoder_attention_heads": 1, "encoder_ffn_dim": 4,
            "decoder_layers": 3, "decoder_attention_heads": 2, "decoder_ffn_dim": 4, "num_mel_bins": 80,
            "max_source_positions": 10, "max_target_positions": 16, "vocab_size": 10}"#;
        let last_half: &[(usize, usize)] = &[(1, 0), (1, 1), (2, 0), (2, 1)];
        for (generation, expected) in [
            ("{}", last_half),
            (r#"{"alignment_heads": null}"#, last_half),
            (r#"{"alignment_heads": []}"#, last_half),
            (r#"{"alignment_heads": [[0, 1], [2, 0]]}"#, &[(0, 1), (2, 0)]),
            (r#"{"alignment_heads": [[0, 1], [7, 0]]}"#, last_half),
            (r#"{"alignment_heads": [[0, 2]]}"#, last_half),
        ] {
            let mut config = WhisperConfig::parse(CONFIG).expect("a configuration");
            config.apply_generation_config(generation).expect("a configuration");
            let found: Vec<_> = config.alignment_heads().iter().map(|head| (head.layer, head.head)).collect();
            assert_eq!(found, expected, "{generation}");
        }
    }
}
