//! Whisper (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022): the spectrogram of a
//! window becomes text. Written after openai-whisper 20250625 and the checkpoint layout of Hugging Face transformers.
//!
//! ```text
//! mel ──Encoder──▶ Encoded (keys and values for cross-attention) ──Decoder + LogitRules──▶ tokens ──Tokenizer──▶ text
//! ```
//! The weights ([`Whisper`]) are immutable and shared; what one chunk needs while it is decoded lives in a
//! [`generate::Batch`]. A chunk's result does not depend on what else is in the batch; on graphics
//! cards that is so but for rounding.

pub mod config;
mod decoder;
mod encoder;
pub mod generate;
mod network;
mod on_device;
mod rules;
mod search;
mod tokenizer;
mod vocabulary;
pub mod word_times;

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::checkpoint::{Checkpoint, CheckpointError, ReadyTensor};
use super::linear::ComputeType;
use super::mel::LogMel;

pub use config::{ConfigError, WhisperConfig};
use network::Network;
pub use network::{DecoderState, Encoded};
pub use on_device::{Accelerator, AcceleratorError, Backend, DeviceError, Precision};
pub use rules::{DecodeOptions, Suppression, Task, Timestamps};
pub use search::Strategy;
pub use tokenizer::{TokenId, TokenizedWord, Tokenizer};
use vocabulary::Vocabulary;
pub use vocabulary::byte_symbols;

/// Names of the vocabulary in the ready form of a model.
const VOCABULARY_BYTES: &str = "vocabulary.bytes";
const VOCABULARY_ENDS: &str = "vocabulary.ends";

/// A Whisper model: everything that a folder in Hugging Face layout holds.
pub struct Whisper {
    config: WhisperConfig,
    tokenizer: Tokenizer,
    mel: LogMel,
    network: Network,
}

/// A folder does not hold a Whisper model.
#[derive(Debug, thiserror::Error)]
pub enum WhisperError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}: {source}; a Whisper model folder holds config.json, tokenizer.json and model.safetensors", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A configuration file makes no sense.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ConfigError,
    },
    /// The weights do not fit the configuration.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The device could not take the weights.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl WhisperError {
    /// Whether the model is sound, and only cannot be where it was wanted.
    pub fn is_about_the_device(&self) -> bool {
        matches!(self, Self::Device(_) | Self::Weights(CheckpointError::OnlyInt8 { .. }))
    }
}

impl Whisper {
    /// Loads a model from a folder in Hugging Face layout: `config.json`, `tokenizer.json`, `model.safetensors` (or its
    /// shards and their index), and, where present, `generation_config.json` and `preprocessor_config.json`.
    pub fn load(folder: &Path, compute_type: ComputeType) -> Result<Self, WhisperError> {
        let open = |files: &[PathBuf]| Checkpoint::open(files, compute_type);
        Ok(Self::load_with(folder, open, Network::on_processor)?.0)
    }

    /// The 8-bit form of a model, ready to be mapped, for `model.safetensors` of another folder. That folder takes its
    /// other files from this one.
    pub fn ready_tensors(folder: &Path) -> Result<Vec<ReadyTensor>, WhisperError> {
        let open = |files: &[PathBuf]| Ok(Checkpoint::open(files, ComputeType::Int8)?.keeping_ready());
        Ok(Self::load_with(folder, open, Network::on_processor)?.1.ready_tensors())
    }

    /// The same model on a device, with the device's precision.
    pub fn load_on(folder: &Path, accelerator: &Accelerator) -> Result<Self, WhisperError> {
        let open = |files: &[PathBuf]| Checkpoint::open(files, ComputeType::F32);
        let network =
            |config: &WhisperConfig, checkpoint: &Checkpoint| Network::on_device(config, checkpoint, accelerator);
        Ok(Self::load_with(folder, open, network)?.0)
    }

    fn load_with(
        folder: &Path,
        open: impl FnOnce(&[PathBuf]) -> Result<Checkpoint, CheckpointError>,
        network: impl FnOnce(&WhisperConfig, &Checkpoint) -> Result<Network, WhisperError>,
    ) -> Result<(Self, Checkpoint), WhisperError> {
        let required = |name: &str| read_text(&folder.join(name));
        let optional = |name: &str| match required(name) {
            Err(WhisperError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        };
        let in_file = |name: &str| {
            let path = folder.join(name);
            move |source| WhisperError::Config { path, source }
        };
        let mut config = WhisperConfig::parse(&required("config.json")?).map_err(in_file("config.json"))?;
        if let Some(text) = optional("generation_config.json")? {
            config.apply_generation_config(&text).map_err(in_file("generation_config.json"))?;
        }
        if let Some(text) = optional("preprocessor_config.json")? {
            config.check_preprocessor_config(&text).map_err(in_file("preprocessor_config.json"))?;
        }
        let checkpoint = open(&weight_files(folder)?)?;
        let stored = checkpoint.lists(VOCABULARY_BYTES, VOCABULARY_ENDS);
        let vocabulary = match stored.and_then(|(bytes, ends)| Vocabulary::from_parts(bytes, ends)) {
            Some(vocabulary) => vocabulary,
            None => Vocabulary::parse(&required("tokenizer.json")?).map_err(in_file("tokenizer.json"))?,
        };
        let (bytes, ends) = vocabulary.parts();
        checkpoint.keep_lists(VOCABULARY_BYTES, bytes, VOCABULARY_ENDS, ends);
        let mut tokenizer =
            Tokenizer::new(vocabulary, folder.join("tokenizer.json")).map_err(in_file("tokenizer.json"))?;
        config.check_tokenizer(&tokenizer).map_err(in_file("tokenizer.json"))?;
        if !config.knows_languages() {
            tokenizer.restrict_to_english();
        }
        let network = network(&config, &checkpoint)?;
        let mel = LogMel::new(config.num_mel_bins);
        Ok((Self { config, tokenizer, mel, network }, checkpoint))
    }

    /// Sizes and special tokens.
    pub fn config(&self) -> &WhisperConfig {
        &self.config
    }

    /// Text to tokens and back.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Bytes of the weights in memory.
    pub fn n_bytes(&self) -> usize {
        self.network.n_bytes()
    }

    /// The input of the encoder for a chunk of samples, padded with silence to the model's window.
    ///
    /// # Shapes
    /// Returns `[2 * max_source_positions, n_mels]`.
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        self.mel.compute(samples, 2 * self.config.max_source_positions)
    }

    /// The encoder alone. `None` if `should_stop`, which is asked before each layer, said so: for the large sizes a
    /// window takes many seconds.
    ///
    /// # Shapes
    /// `mel` `[2 * max_source_positions, n_mels]`; returns `[max_source_positions, d_model]`.
    pub fn encode(&self, mel: &[f32], should_stop: &dyn Fn() -> bool) -> Result<Option<Vec<f32>>, DeviceError> {
        self.network.encode(mel, should_stop)
    }

    /// What decoding needs to know of one encoded window.
    ///
    /// # Shapes
    /// `encoded` `[max_source_positions, d_model]`.
    pub fn prepare(&self, encoded: &[f32]) -> Result<Encoded, DeviceError> {
        self.network.prepare(encoded)
    }

    /// Feeds tokens to the decoder, those of each sequence after what its state has seen, and returns the
    /// logits at `positions`: pairs of (sequence, index into its new tokens).
    ///
    /// # Shapes
    /// Returns `[positions, vocab_size]`.
    pub fn decode(
        &self,
        batch: &mut [(&mut DecoderState, &[TokenId])],
        positions: &[(usize, usize)],
    ) -> Result<Vec<f32>, DeviceError> {
        self.network.decode(batch, positions, None)
    }
}

fn read_text(path: &Path) -> Result<String, WhisperError> {
    fs::read_to_string(path).map_err(|source| WhisperError::File { path: path.to_path_buf(), source })
}

/// `model.safetensors`, or every shard that `model.safetensors.index.json` names.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, WhisperError> {
    let single = folder.join("model.safetensors");
    let index = folder.join("model.safetensors.index.json");
    if single.exists() || !index.exists() {
        // A missing file is reported by its name when it is opened below.
        fs::metadata(&single).map_err(|source| WhisperError::File { path: single.clone(), source })?;
        return Ok(vec![single]);
    }
    let shards = config::shard_names(&read_text(&index)?)
        .map_err(|source| WhisperError::Config { path: index.clone(), source })?;
    Ok(shards.into_iter().map(|name| folder.join(name)).collect())
}
