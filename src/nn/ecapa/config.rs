//! What of an ECAPA-TDNN its weights do not tell, from the `hyperparams.yaml` that SpeechBrain ships beside them. Sizes
//! are read from the weights themselves.

use yaml_rust2::Yaml;

use super::super::yaml;

/// Settings that the features and the network are built for; where an entry is absent, SpeechBrain has the same value.
const SUPPORTED: [(&str, &str, &str); 13] = [
    ("compute_features", "sample_rate", "16000"),
    ("compute_features", "n_fft", "400"),
    ("compute_features", "win_length", "25"),
    ("compute_features", "hop_length", "10"),
    ("compute_features", "f_min", "0"),
    ("compute_features", "f_max", "8000"),
    ("compute_features", "filter_shape", "triangular"),
    ("compute_features", "deltas", "false"),
    ("compute_features", "context", "false"),
    ("mean_var_norm", "norm_type", "sentence"),
    ("mean_var_norm", "mean_norm", "true"),
    ("mean_var_norm", "std_norm", "false"),
    ("embedding_model", "global_context", "true"),
];
/// Dilations of SpeechBrain's constructor.
const DEFAULT_DILATIONS: [usize; 5] = [1, 2, 3, 4, 1];
/// No published model comes near; more would only mean that short utterances are padded beyond reason.
const MAX_DILATION: usize = 64;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EcapaConfigError {
    /// Not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] yaml_rust2::ScanError),
    /// The distances of the taps are not what they should be.
    #[error("`embedding_model.dilations` is not a list of small positive numbers, one for each block")]
    Dilations,
    /// An entry has a value that this network is not built for.
    #[error("`{entry}` is {found}, but only {supported} is supported")]
    Unsupported {
        /// Its name.
        entry: String,
        /// Its value.
        found: String,
        /// What would do.
        supported: &'static str,
    },
}

/// What the weights do not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EcapaConfig {
    dilations: Vec<usize>,
}

impl EcapaConfig {
    /// Reads SpeechBrain's `hyperparams.yaml`. Tags such as `!new:` do not matter, and `!ref <name>` stands for the
    /// entry `name`.
    pub(super) fn from_yaml(text: &str) -> Result<Self, EcapaConfigError> {
        let root = &yaml::document(text)?;
        for (section, key, supported) in SUPPORTED {
            let found = as_text(resolved(root, &root[section][key]));
            if let Some(found) = found.filter(|found| found != supported) {
                let entry = format!("{section}.{key}");
                return Err(EcapaConfigError::Unsupported { entry, found, supported });
            }
        }
        let dilations = match resolved(root, &root["embedding_model"]["dilations"]) {
            Yaml::BadValue => DEFAULT_DILATIONS.to_vec(),
            Yaml::Array(list) => {
                let dilations: Option<Vec<usize>> = list.iter().map(dilation).collect();
                dilations.ok_or(EcapaConfigError::Dilations)?
            }
            _ => return Err(EcapaConfigError::Dilations),
        };
        Ok(Self { dilations })
    }

    /// Frames from one tap of a block's convolution to the next.
    pub(super) fn dilation(&self, block: usize) -> Result<usize, EcapaConfigError> {
        self.dilations.get(block).copied().ok_or(EcapaConfigError::Dilations)
    }
}

fn dilation(value: &Yaml) -> Option<usize> {
    let number = usize::try_from(value.as_i64()?).ok()?;
    (1..=MAX_DILATION).contains(&number).then_some(number)
}

/// What `value` stands for, if it is a reference: `!ref <name>` is the text `<name>` once its tag is taken off.
fn resolved<'a>(root: &'a Yaml, value: &'a Yaml) -> &'a Yaml {
    let name = value.as_str().and_then(|text| text.strip_prefix('<')?.strip_suffix('>'));
    name.map_or(value, |name| &root[name])
}

/// A simple value as it is compared; `None` for what is not there.
fn as_text(value: &Yaml) -> Option<String> {
    match value {
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Real(_) => value.as_f64().map(|number| number.to_string()),
        Yaml::Boolean(truth) => Some(truth.to_string()),
        Yaml::String(text) => Some(text.clone()),
        Yaml::Null | Yaml::BadValue => None,
        Yaml::Array(_) | Yaml::Hash(_) | Yaml::Alias(_) => Some("a list".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "pretrained_path: .\nn_mels: 80\ndeltas: False\ncompute_features: !new:speechbrain.lobes.features.Fbank\n    \
                        n_mels: !ref <n_mels>\n    deltas: !ref <deltas>\nmean_var_norm: !new:speechbrain.processing.features.InputNormalization\n    \
                        norm_type: sentence\n    std_norm: False\nembedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN\n    \
                        dilations: [1, 3, 2, 4, 1]\nlabel_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder\n\npaths:\n    \
                        label_encoder: !ref <pretrained_path>/label_encoder.txt\n";

    #[test]
    fn dilations_are_read_past_tags_and_references() {
        let dilations = |text: &str| {
            let config = EcapaConfig::from_yaml(text).expect(text);
            (0..4).map(|block| config.dilation(block).expect("five are there")).collect::<Vec<_>>()
        };
        assert_eq!(dilations(YAML), [1, 3, 2, 4]);
        assert_eq!(dilations(&YAML.replace("dilations: [1, 3, 2, 4, 1]", "lin_neurons: 192")), [1, 2, 3, 4]);
        assert_eq!(dilations(""), [1, 2, 3, 4]);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_refused() {
        for (from, to, expected) in [
            ("[1, 3, 2, 4, 1]", "[1, 0, 2, 4, 1]", "dilations"),
            ("[1, 3, 2, 4, 1]", "[1, many]", "dilations"),
            ("[1, 3, 2, 4, 1]", "7", "dilations"),
            ("std_norm: False", "std_norm: True", "mean_var_norm.std_norm"),
            ("norm_type: sentence", "norm_type: global", "mean_var_norm.norm_type"),
            ("deltas: False", "deltas: True", "compute_features.deltas"),
            ("[1, 3", "[[1, 3", "YAML"),
        ] {
            let error = EcapaConfig::from_yaml(&YAML.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
        assert!(EcapaConfig::from_yaml(YAML).expect("valid").dilation(5).is_err(), "there are only five");
    }
}
