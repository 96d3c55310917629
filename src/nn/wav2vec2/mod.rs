//! wav2vec 2.0 with a CTC head (Baevski et al., "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech
//! Representations", 2020): samples become, for every 20 ms, the log-probability of each label of an alphabet. Written
//! after Hugging Face transformers 4.57 (`Wav2Vec2ForCTC`), in both its families.
//!
//! ```text
//! samples ──features──▶ 512 numbers every 20 ms ──project──▶ ──layers──▶ ──logits──▶ log-probabilities
//! ```
//! It does not find where words are: that is `pipeline::align`. One recording at a time; the caller cuts long ones.

mod config;
mod encoder;
mod features;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::LogSoftmax;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::linear::{ComputeType, Linear, Write};
use super::norm::LayerNorm;
use config::Wav2Vec2Config;
use encoder::Encoder;
use features::FeatureExtractor;

pub use config::Wav2Vec2ConfigError;

/// Samples that a frame of the output is made from; fewer are filled up with silence.
pub const RECEPTIVE_FIELD_SAMPLES: usize = 400;
/// Samples from one frame of the output to the next.
pub const HOP_SAMPLES: usize = 320;
/// What the label that stands for no character is called, in small letters.
const BLANK_LABELS: [&str; 2] = ["[pad]", "<pad>"];

/// A wav2vec 2.0 model for CTC: everything that a folder in Hugging Face layout holds.
pub struct Wav2Vec2 {
    labels: Vec<String>,
    features: FeatureExtractor,
    feature_norm: LayerNorm,
    projection: Linear,
    encoder: Encoder,
    classifier: Linear,
    n_bytes: usize,
}

/// A folder does not hold a wav2vec 2.0 model.
#[derive(Debug, thiserror::Error)]
pub enum Wav2Vec2Error {
    /// A file is missing or cannot be read.
    #[error(
        "cannot read {}: {source}; a wav2vec2 model folder holds config.json, vocab.json and model.safetensors \
         (or pytorch_model.bin)",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A configuration file makes no sense, or describes a network of another kind.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Wav2Vec2ConfigError,
    },
    /// The weights do not fit the configuration.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
}

impl Wav2Vec2 {
    /// Loads a model from a folder in Hugging Face layout: `config.json`, `vocab.json`, `model.safetensors` (or,
    /// without it, `pytorch_model.bin`) and, where present, `added_tokens.json`.
    pub fn load(folder: &Path, compute_type: ComputeType) -> Result<Self, Wav2Vec2Error> {
        let in_file = |name: &str| {
            let path = folder.join(name);
            move |source| Wav2Vec2Error::Config { path, source }
        };
        let config = read_text(&folder.join("config.json"))?;
        let config = Wav2Vec2Config::parse(&config).map_err(in_file("config.json"))?;
        let added = match read_text(&folder.join("added_tokens.json")) {
            Err(Wav2Vec2Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        let vocabulary = read_text(&folder.join("vocab.json"))?;
        let labels = config::labels(&vocabulary, added.as_deref(), config.sizes.vocab_size);
        let labels = labels.map_err(in_file("vocab.json"))?;
        let checkpoint = Checkpoint::open(&[weight_file(folder)?], compute_type)?;
        Ok(Self::from_weights(&config, labels, &checkpoint)?)
    }

    fn from_weights(
        config: &Wav2Vec2Config,
        labels: Vec<String>,
        checkpoint: &Checkpoint,
    ) -> Result<Self, CheckpointError> {
        let (feature_width, width) = (config.feature_width(), config.sizes.hidden_size);
        let root = checkpoint.at("wav2vec2");
        let projection = root.at("feature_projection");
        Ok(Self {
            features: FeatureExtractor::load(config, &root.at("feature_extractor"))?,
            feature_norm: projection.at("layer_norm").layer_norm(feature_width)?,
            projection: projection.at("projection").linear(feature_width, width)?,
            encoder: Encoder::load(config, &root.at("encoder"))?,
            classifier: checkpoint.at("lm_head").linear(width, labels.len())?,
            n_bytes: checkpoint.n_bytes_kept(),
            labels,
        })
    }

    /// The label of each output, as `vocab.json` writes it.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The output that stands for no character: `[pad]` or `<pad>` in letters of any size, else the first, as for
    /// whisperX.
    pub fn blank_id(&self) -> usize {
        let is_blank = |label: &String| BLANK_LABELS.contains(&label.to_lowercase().as_str());
        self.labels.iter().rposition(is_blank).unwrap_or(0)
    }

    /// Number of outputs.
    pub fn n_labels(&self) -> usize {
        self.labels.len()
    }

    /// Number of transformer layers.
    pub fn n_layers(&self) -> usize {
        self.encoder.n_layers()
    }

    /// Bytes of its weights.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Log-probabilities of the labels, from samples as they are: whisperX does not normalise them either, whatever the
    /// model's configuration says. Fewer than [`RECEPTIVE_FIELD_SAMPLES`] are filled up with silence.
    ///
    /// `None` if `should_stop`, which is asked before each layer, said so.
    ///
    /// # Shapes
    /// Returns `[frames, labels]`; frame `k` is made from the samples from `k * HOP_SAMPLES` on.
    pub fn log_probabilities(&self, samples: &[f32], should_stop: &dyn Fn() -> bool) -> Option<Vec<f32>> {
        let mut samples = Cow::Borrowed(samples);
        if samples.len() < RECEPTIVE_FIELD_SAMPLES {
            samples.to_mut().resize(RECEPTIVE_FIELD_SAMPLES, 0.0);
        }
        let projected = self.project(&self.features(&samples));
        let hidden = self.encoder.layers(projected, self.n_layers(), should_stop)?;
        let mut logits = self.logits(&self.last_hidden_state(hidden));
        logits.par_chunks_exact_mut(self.n_labels()).for_each(|row| {
            LogSoftmax::new_mut(row).dispatch();
        });
        Some(logits)
    }

    /// The convolutions over the samples.
    ///
    /// # Shapes
    /// `samples` at least [`RECEPTIVE_FIELD_SAMPLES`] of them; returns `[frames, channels]`.
    pub fn features(&self, samples: &[f32]) -> Vec<f32> {
        self.features.forward(samples)
    }

    /// Features, normalised and projected to the width of the transformer.
    ///
    /// # Shapes
    /// `features` `[frames, channels]`; returns `[frames, width]`.
    pub fn project(&self, features: &[f32]) -> Vec<f32> {
        let mut normed = vec![0.0; features.len()];
        self.feature_norm.forward(features, &mut normed);
        let n_frames = features.len() / self.projection.n_in();
        let mut projected = vec![0.0; n_frames * self.projection.n_out()];
        self.projection.forward(&normed, &mut projected, Write::Replace);
        projected
    }

    /// What is added to projected features to tell each frame where it is.
    ///
    /// # Shapes
    /// `projected` `[frames, width]`, as the result.
    pub fn positions(&self, projected: &[f32]) -> Vec<f32> {
        self.encoder.positions(projected)
    }

    /// Projected features after [`Wav2Vec2::positions`] and the first `n_layers` layers, of which there are
    /// [`Wav2Vec2::n_layers`].
    ///
    /// # Shapes
    /// `projected` `[frames, width]`, as the result.
    pub fn layers(&self, projected: Vec<f32>, n_layers: usize) -> Vec<f32> {
        self.encoder.layers(projected, n_layers, &|| false).expect("nobody stops it")
    }

    /// What comes after the last layer: a normalisation in one of the families, nothing in the other.
    ///
    /// # Shapes
    /// `hidden` `[frames, width]`, as the result.
    pub fn last_hidden_state(&self, hidden: Vec<f32>) -> Vec<f32> {
        self.encoder.close(hidden)
    }

    /// The CTC head.
    ///
    /// # Shapes
    /// `hidden` `[frames, width]`, as [`Wav2Vec2::last_hidden_state`] gives it; returns `[frames, labels]`.
    pub fn logits(&self, hidden: &[f32]) -> Vec<f32> {
        let mut logits = vec![0.0; hidden.len() / self.classifier.n_in() * self.n_labels()];
        self.classifier.forward(hidden, &mut logits, Write::Replace);
        logits
    }
}

/// Samples with mean 0 and variance 1, as transformers' feature extractor gives them to models whose
/// `preprocessor_config.json` has `do_normalize`.
pub fn normalised(samples: &[f32]) -> Vec<f32> {
    const EPSILON: f64 = 1e-7;
    let n = samples.len() as f64;
    let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let variance = samples.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
    let scale = (variance + EPSILON).sqrt().recip();
    samples.iter().map(|x| ((f64::from(*x) - mean) * scale) as f32).collect()
}

fn read_text(path: &Path) -> Result<String, Wav2Vec2Error> {
    fs::read_to_string(path).map_err(|source| Wav2Vec2Error::File { path: path.to_path_buf(), source })
}

/// `model.safetensors`, or `pytorch_model.bin` where that is all there is.
fn weight_file(folder: &Path) -> Result<PathBuf, Wav2Vec2Error> {
    let [best, other] = ["model.safetensors", "pytorch_model.bin"].map(|name| folder.join(name));
    let path = if best.exists() || !other.exists() { best } else { other };
    // A missing file is reported by its name.
    match fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(source) => Err(Wav2Vec2Error::File { path, source }),
    }
}
