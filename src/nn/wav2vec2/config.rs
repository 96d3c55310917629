//! What a wav2vec 2.0 checkpoint is made of and what its outputs mean, from its `config.json`, `vocab.json` and
//! `added_tokens.json`. Nothing is assumed of a model that its files do not say, and what this program cannot compute
//! is refused. The normalisation of the input that `preprocessor_config.json` may ask for is the caller's.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Deserialize;

use super::super::checkpoint::Bias;
use super::{HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES};

/// Epsilon of the layer normalisations, see [`super::super::norm`].
const EPSILON: f64 = 1e-5;

/// A configuration file makes no sense, or describes a network of another kind.
#[derive(Debug, thiserror::Error)]
pub enum Wav2Vec2ConfigError {
    /// Not JSON, or an entry is missing or of the wrong kind.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
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
    /// The vocabulary goes beyond the output of the network.
    #[error("{label:?} is number {id}, but by vocab_size in config.json the model has {n_labels} labels, from 0 on")]
    LabelBeyond {
        /// The label.
        label: String,
        /// Its number.
        id: usize,
        /// Labels that the network tells apart.
        n_labels: usize,
    },
    /// The vocabulary has a hole, or is shorter than the output of the network.
    #[error("no label is number {id}, but by vocab_size in config.json the model has {n_labels} labels, from 0 on")]
    LabelMissing {
        /// The first number without a label.
        id: usize,
        /// Labels that the network tells apart.
        n_labels: usize,
    },
    /// Two labels have the same number.
    #[error("both {first:?} and {second:?} are number {id}")]
    LabelTwice {
        /// A label.
        first: String,
        /// Another.
        second: String,
        /// The number of both.
        id: usize,
    },
}

/// The network's sizes, and which of its kinds it is.
pub(super) struct Wav2Vec2Config {
    pub(super) sizes: Sizes,
    pub(super) feature_norm: FeatureNorm,
    /// Whether the convolutions of the feature extractor have one.
    pub(super) conv_bias: Bias,
    pub(super) norm_order: NormOrder,
}

#[derive(Deserialize)]
pub(super) struct Sizes {
    conv_dim: Vec<usize>,
    conv_kernel: Vec<usize>,
    conv_stride: Vec<usize>,
    pub(super) hidden_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) intermediate_size: usize,
    pub(super) num_conv_pos_embeddings: usize,
    pub(super) num_conv_pos_embedding_groups: usize,
    pub(super) vocab_size: usize,
}

/// How the feature extractor normalises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FeatureNorm {
    /// Each channel of the first convolution over time ("base").
    Group,
    /// The channels of each frame, after each convolution ("large").
    Layer,
}

/// Where a layer of the transformer normalises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NormOrder {
    /// After each sum ("base").
    After,
    /// Before attention and before the feed-forward block ("large", `do_stable_layer_norm`).
    Before,
}

/// A convolution of the feature extractor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Convolution {
    pub(super) n_in: usize,
    pub(super) n_out: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// The entries that say what kind of network it is.
#[derive(Deserialize)]
struct Kinds {
    feat_extract_norm: FeatureNorm,
    conv_bias: bool,
    do_stable_layer_norm: bool,
    feat_extract_activation: String,
    hidden_act: String,
    layer_norm_eps: f64,
    add_adapter: Option<bool>,
    adapter_attn_dim: Option<usize>,
}

impl Wav2Vec2Config {
    /// Reads `config.json`.
    pub(super) fn parse(text: &str) -> Result<Self, Wav2Vec2ConfigError> {
        // A network of another kind may lack entries, so its kind is looked at first.
        #[derive(Deserialize)]
        struct Model {
            model_type: Option<String>,
        }
        if let Some(found) = serde_json::from_str::<Model>(text)?.model_type.filter(|found| found != "wav2vec2") {
            return Err(value("model_type", &found, "only wav2vec2 is supported"));
        }
        let kinds: Kinds = serde_json::from_str(text)?;
        kinds.check()?;
        let sizes: Sizes = serde_json::from_str(text)?;
        sizes.check()?;
        Ok(Self {
            sizes,
            feature_norm: kinds.feat_extract_norm,
            conv_bias: if kinds.conv_bias { Bias::Own } else { Bias::Zero },
            norm_order: if kinds.do_stable_layer_norm { NormOrder::Before } else { NormOrder::After },
        })
    }

    /// The convolutions of the feature extractor, in order.
    pub(super) fn convolutions(&self) -> Vec<Convolution> {
        let Sizes { conv_dim, conv_kernel, conv_stride, .. } = &self.sizes;
        let n_in = std::iter::once(1).chain(conv_dim.iter().copied());
        n_in.zip(conv_dim)
            .zip(conv_kernel.iter().zip(conv_stride))
            .map(|((n_in, n_out), (kernel, stride))| Convolution {
                n_in,
                n_out: *n_out,
                kernel: *kernel,
                stride: *stride,
            })
            .collect()
    }

    /// Width of the feature extractor's output.
    pub(super) fn feature_width(&self) -> usize {
        *self.sizes.conv_dim.last().expect("a parsed configuration has convolutions")
    }
}

impl Kinds {
    fn check(&self) -> Result<(), Wav2Vec2ConfigError> {
        for (entry, found) in
            [("feat_extract_activation", &self.feat_extract_activation), ("hidden_act", &self.hidden_act)]
        {
            if found != "gelu" {
                return Err(value(entry, found, "only gelu is supported"));
            }
        }
        if self.add_adapter == Some(true) {
            return Err(value("add_adapter", &"true", "models with adapters are not supported; choose another"));
        }
        if let Some(found) = self.adapter_attn_dim {
            return Err(value("adapter_attn_dim", &found, "models with adapters are not supported; choose another"));
        }
        if (self.layer_norm_eps - EPSILON).abs() > EPSILON / 1e3 {
            return Err(value("layer_norm_eps", &self.layer_norm_eps, "only 1e-5 is supported"));
        }
        Ok(())
    }
}

impl Sizes {
    fn check(&self) -> Result<(), Wav2Vec2ConfigError> {
        for (entry, size) in [
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("num_conv_pos_embeddings", self.num_conv_pos_embeddings),
            ("num_conv_pos_embedding_groups", self.num_conv_pos_embedding_groups),
            ("vocab_size", self.vocab_size),
        ] {
            if size == 0 {
                return Err(value(entry, &0, "it must be positive"));
            }
        }
        let lists =
            [("conv_dim", &self.conv_dim), ("conv_kernel", &self.conv_kernel), ("conv_stride", &self.conv_stride)];
        for (entry, list) in lists {
            if list.is_empty() || list.contains(&0) || list.len() != self.conv_dim.len() {
                let needed = "conv_dim, conv_kernel and conv_stride must be lists of as many positive numbers each";
                return Err(value(entry, &format!("{list:?}"), needed));
            }
        }
        for (entry, divisor) in [
            ("num_attention_heads", self.num_attention_heads),
            ("num_conv_pos_embedding_groups", self.num_conv_pos_embedding_groups),
        ] {
            if !self.hidden_size.is_multiple_of(divisor) {
                return Err(value(entry, &divisor, format!("it must divide hidden_size, {}", self.hidden_size)));
            }
        }
        let hop = self.conv_stride.iter().fold(1_usize, |hop, stride| hop.saturating_mul(*stride));
        if hop != HOP_SAMPLES {
            let needed = format!("their product must be {HOP_SAMPLES}: a frame every 20 ms");
            return Err(value("conv_stride", &format!("{:?}", self.conv_stride), needed));
        }
        // From the last layer back: as many frames as so many frames of the next layer are made from.
        let layers = self.conv_kernel.iter().zip(&self.conv_stride);
        let receptive_field = layers
            .rev()
            .fold(1_usize, |n_frames, (kernel, stride)| (n_frames - 1).saturating_mul(*stride).saturating_add(*kernel));
        if receptive_field != RECEPTIVE_FIELD_SAMPLES {
            let needed = format!("with these strides, a frame must come from {RECEPTIVE_FIELD_SAMPLES} samples");
            return Err(value("conv_kernel", &format!("{:?}", self.conv_kernel), needed));
        }
        Ok(())
    }
}

/// The label of each number below `n_labels`, from `vocab.json` and, where there is one, `added_tokens.json`.
pub(super) fn labels(
    vocabulary: &str,
    added: Option<&str>,
    n_labels: usize,
) -> Result<Vec<String>, Wav2Vec2ConfigError> {
    type Numbers = BTreeMap<String, usize>;
    let mut by_id: BTreeMap<usize, String> = BTreeMap::new();
    for (label, id) in serde_json::from_str::<Numbers>(vocabulary)? {
        if id >= n_labels {
            return Err(Wav2Vec2ConfigError::LabelBeyond { label, id, n_labels });
        }
        if let Some(first) = by_id.insert(id, label.clone()) {
            return Err(Wav2Vec2ConfigError::LabelTwice { first, second: label, id });
        }
    }
    // The tokenizer adds its own tokens after those of the vocabulary, whether or not the network has outputs for them.
    for (label, id) in added.map_or(Ok(Numbers::new()), serde_json::from_str)? {
        by_id.entry(id).or_insert(label);
    }
    let label_of = |id: usize| by_id.remove(&id).ok_or(Wav2Vec2ConfigError::LabelMissing { id, n_labels });
    (0..n_labels).map(label_of).collect()
}

fn value(entry: &'static str, found: &dyn Display, needed: impl Into<String>) -> Wav2Vec2ConfigError {
    Wav2Vec2ConfigError::Value { entry, found: found.to_string(), needed: needed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"{"model_type": "wav2vec2", "conv_dim": [4, 4, 4, 4, 4, 4, 6], "vocab_size": 3,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2], "conv_bias": false,
        "feat_extract_norm": "group", "feat_extract_activation": "gelu", "hidden_act": "gelu",
        "do_stable_layer_norm": false, "layer_norm_eps": 1e-05, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 16, "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4, "add_adapter": false, "adapter_attn_dim": null}"#;

    #[test]
    fn the_layers_follow_each_other() {
        let config = Wav2Vec2Config::parse(BASE).expect("a configuration");
        let convolutions = config.convolutions();
        assert_eq!(convolutions.len(), 7);
        assert_eq!(convolutions[0], Convolution { n_in: 1, n_out: 4, kernel: 10, stride: 5 });
        assert_eq!(convolutions[6], Convolution { n_in: 4, n_out: 6, kernel: 2, stride: 2 });
        assert_eq!(config.feature_width(), 6);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_refused() {
        for (from, to, expected) in [
            ("wav2vec2", "hubert", "model_type is hubert"),
            ("\"group\"", "\"batch\"", "unknown variant `batch`, expected `group` or `layer`"),
            ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"", "hidden_act is relu"),
            ("activation\": \"gelu\"", "activation\": \"silu\"", "feat_extract_activation is silu"),
            ("\"add_adapter\": false", "\"add_adapter\": true", "add_adapter is true"),
            ("\"adapter_attn_dim\": null", "\"adapter_attn_dim\": 16", "adapter_attn_dim is 16"),
            ("1e-05", "1e-06", "layer_norm_eps is 0.000001"),
            ("\"hidden_size\": 8, ", "", "missing field `hidden_size`"),
            ("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 0", "num_hidden_layers is 0"),
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "num_attention_heads is 3"),
            ("embedding_groups\": 4", "embedding_groups\": 5", "num_conv_pos_embedding_groups is 5"),
            ("[4, 4, 4, 4, 4, 4, 6]", "[]", "conv_dim is []"),
            ("[4, 4, 4, 4, 4, 4, 6]", "[4, 4, 4, 0, 4, 4, 6]", "conv_dim is [4, 4, 4, 0"),
            ("[10, 3, 3, 3, 3, 2, 2]", "[10, 3, 3, 3, 3, 2]", "conv_kernel is [10"),
            ("[10, 3, 3, 3, 3, 2, 2]", "[10, 3, 3, 3, 3, 2, 3]", "conv_kernel is [10"),
            ("[5, 2, 2, 2, 2, 2, 2]", "[5, 2, 2, 2, 2, 2, 18446744073709551615]", "conv_stride is [5"),
            ("{", "", "expected"),
        ] {
            assert!(BASE.contains(from), "{from}");
            let error = Wav2Vec2Config::parse(&BASE.replacen(from, to, 1)).err();
            let error = error.unwrap_or_else(|| panic!("{to} went unnoticed")).to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }

    #[test]
    fn every_output_has_one_label() {
        let check = |vocabulary: &str, added: Option<&str>, n_labels: usize, expected: &str| {
            let found =
                labels(vocabulary, added, n_labels).map_or_else(|error| error.to_string(), |labels| labels.join(" "));
            assert!(found.starts_with(expected), "{vocabulary} {added:?} {n_labels}: {found}");
        };
        check(r#"{"b": 2, "<pad>": 0, "a": 1}"#, None, 3, "<pad> a b");
        check(r#"{"a": 0}"#, Some(r#"{"<s>": 1, "</s>": 2}"#), 3, "a <s> </s>");
        check(r#"{"a": 0}"#, Some(r#"{"<s>": 1}"#), 1, "a");
        check(r#"{"a": 0, "b": 2}"#, None, 3, "no label is number 1");
        check(r#"{"a": 0}"#, None, 2, "no label is number 1");
        check(r#"{"a": 0, "b": 1}"#, None, 1, "\"b\" is number 1");
        check(r#"{"a": 0, "b": 0}"#, None, 2, "both \"a\" and \"b\" are number 0");
        check(r#"{"eng": {"a": 0}}"#, None, 1, "invalid type");
        check("", None, 1, "EOF");
    }
}
