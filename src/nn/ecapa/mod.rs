//! ECAPA-TDNN as in SpeechBrain 1.1.2: samples of one speaker become a vector, similar (by cosine) for the same voice
//! and different for others. Desplanques et al., "ECAPA-TDNN: Emphasized Channel Attention, Propagation and Aggregation
//! in TDNN Based Speaker Verification", 2020.
//!
//! ```text
//! samples ──fbank, minus its mean──▶ blocks ──▶ aggregation ──▶ FrameFeatures ──attentive pooling──▶ projection
//! ```
//! One utterance at a time: SpeechBrain's batches of padded utterances give other vectors than the utterances alone.
//! Who the voice belongs to is not decided here.

mod config;
mod layers;
mod pooling;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::checkpoint::{Checkpoint, CheckpointError, Scope};
use super::fbank::{HOP, SpeechBrainFbank, limit_range, subtract_mean};
use super::linear::{ComputeType, Linear, Write};
use config::EcapaConfig;
use layers::{BatchNorm, SeRes2Block, Tdnn, pointwise};
use pooling::AttentivePooling;

pub use config::EcapaConfigError;
pub use pooling::FrameFeatures;

/// Published models have 3 blocks; a file may name the same numbers again and again.
const MAX_BLOCKS: usize = 16;

/// The network with its weights.
pub struct Ecapa {
    fbank: SpeechBrainFbank,
    first: Tdnn,
    blocks: Vec<SeRes2Block>,
    aggregation: Aggregation,
    pooling: AttentivePooling,
    pooled_norm: BatchNorm,
    projection: Linear,
    min_frames: usize,
    n_bytes: usize,
}

/// The outputs of all blocks but the first, joined.
struct Aggregation {
    /// What each block's output contributes.
    products: Vec<Linear>,
    norm: BatchNorm,
}

/// A folder does not hold an ECAPA-TDNN.
#[derive(Debug, thiserror::Error)]
pub enum EcapaError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}: {source}; a folder with an ECAPA-TDNN holds hyperparams.yaml and embedding_model.ckpt", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The configuration makes no sense.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: EcapaConfigError,
    },
    /// The weights are not those of such a network.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The weights are all there, but their sizes contradict each other.
    #[error("the layers in {} do not fit together; the file is damaged or of another kind, install the model again", path.display())]
    Mismatched {
        /// The file.
        path: PathBuf,
    },
}

impl Ecapa {
    /// Loads a model from a folder in SpeechBrain's layout: `hyperparams.yaml`, and `embedding_model.safetensors` or
    /// `embedding_model.ckpt`.
    pub fn load(folder: &Path) -> Result<Self, EcapaError> {
        let path = folder.join("hyperparams.yaml");
        let text = fs::read_to_string(&path).map_err(|source| EcapaError::File { path: path.clone(), source })?;
        let config =
            EcapaConfig::from_yaml(&text).map_err(|source| EcapaError::Config { path: path.clone(), source })?;
        let dilation = |block| {
            let in_file = |source| EcapaError::Config { path: path.clone(), source };
            config.dilation(block).map_err(in_file)
        };
        let safetensors = folder.join("embedding_model.safetensors");
        let weights = if safetensors.exists() { safetensors } else { folder.join("embedding_model.ckpt") };
        fs::metadata(&weights).map_err(|source| EcapaError::File { path: weights.clone(), source })?;
        let checkpoint = Checkpoint::open(std::slice::from_ref(&weights), ComputeType::F32)?;
        let root = checkpoint.at("");

        let [_, n_mels, _] = root.shape::<3>("blocks.0.conv.conv.weight")?;
        let first = Tdnn::load(&root.nth("blocks", 0), n_mels, dilation(0)?)?;
        let mut blocks = vec![SeRes2Block::load(&root.nth("blocks", 1), first.n_out(), dilation(1)?)?];
        while blocks.len() < MAX_BLOCKS && root.nth("blocks", blocks.len() + 1).has("tdnn1.conv.conv.weight") {
            let n_in = blocks[blocks.len() - 1].n_out();
            let index = blocks.len() + 1;
            blocks.push(SeRes2Block::load(&root.nth("blocks", index), n_in, dilation(index)?)?);
        }
        if !first.keeps_length() || !blocks.iter().all(SeRes2Block::fits_together) {
            return Err(EcapaError::Mismatched { path: weights });
        }
        let aggregation = Aggregation::load(&root.at("mfa"), &blocks)?;
        let n_channels = aggregation.n_out();
        Ok(Self {
            fbank: SpeechBrainFbank::new(n_mels),
            pooling: AttentivePooling::load(&root.at("asp"), n_channels)?,
            pooled_norm: BatchNorm::load(&root.at("asp_bn.norm"), 2 * n_channels)?,
            projection: pointwise(&root.at("fc.conv"), 2 * n_channels)?,
            min_frames: blocks.iter().map(SeRes2Block::min_frames).fold(first.min_frames(), usize::max),
            n_bytes: checkpoint.n_bytes_kept(),
            first,
            blocks,
            aggregation,
        })
    }

    /// Length of an embedding.
    pub fn dimension(&self) -> usize {
        self.projection.n_out()
    }

    /// The fewest frames that the network can work on.
    pub fn min_frames(&self) -> usize {
        self.min_frames
    }

    /// The fewest samples that make so many frames: 40 ms with the usual sizes.
    pub fn min_samples(&self) -> usize {
        (self.min_frames - 1) * HOP
    }

    /// Bytes of its weights.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// The features that the network was trained on, before [`Ecapa::normalise`].
    pub fn fbank(&self) -> &SpeechBrainFbank {
        &self.fbank
    }

    /// The embedding of one utterance, as SpeechBrain's `encode_batch` computes it. An utterance of fewer than
    /// [`Ecapa::min_samples`] is followed by silence. Memory grows with the length: by up to 10 MB a second.
    ///
    /// # Shapes
    /// Returns `[dimension]`, not of unit length.
    pub fn embedding(&self, samples: &[f32]) -> Vec<f32> {
        let mut samples = Cow::Borrowed(samples);
        if samples.len() < self.min_samples() {
            samples.to_mut().resize(self.min_samples(), 0.0);
        }
        let mut features = self.fbank.compute(&samples);
        self.normalise(&mut features);
        let frames = self.frame_features(&features);
        let all: Vec<usize> = (0..frames.n_frames()).collect();
        self.embedding_of(&frames, &all)
    }

    /// Makes the features of an utterance independent of its loudness and of the microphone, in the mean: cells far
    /// below the loudest are raised, and the mean of every band becomes zero.
    ///
    /// # Shapes
    /// `features` `[frames, n_mels]`.
    pub fn normalise(&self, features: &mut [f32]) {
        limit_range(features);
        subtract_mean(features, self.fbank.n_mels());
    }

    /// The network up to pooling.
    ///
    /// # Shapes
    /// `features` `[frames, n_mels]`, normalised, at least [`Ecapa::min_frames`].
    pub fn frame_features(&self, features: &[f32]) -> FrameFeatures {
        let mut x = self.block(0, features);
        let n_frames = features.len() / self.fbank.n_mels();
        let mut aggregated = vec![0.0; n_frames * self.aggregation.n_out()];
        for (n, product) in self.aggregation.products.iter().enumerate() {
            x = self.block(n + 1, &x);
            product.forward(&x, &mut aggregated, if n == 0 { Write::Replace } else { Write::Add });
        }
        self.aggregation.norm.relu_then_normalise(&mut aggregated);
        self.pooling.prepare(aggregated)
    }

    /// One block: the first is a convolution, those after it have squeeze and excitation.
    ///
    /// # Shapes
    /// `x` `[frames, channels]` of the block before, or the features; returns `[frames, channels]`.
    pub fn block(&self, index: usize, x: &[f32]) -> Vec<f32> {
        match index.checked_sub(1) {
            None => self.first.forward(x),
            Some(n) => self.blocks[n].forward(x),
        }
    }

    /// The embedding of the frames `rows`, at least one, as if there were no others.
    pub fn embedding_of(&self, frames: &FrameFeatures, rows: &[usize]) -> Vec<f32> {
        let mut pooled = self.pool(frames, rows);
        self.normalise_pooled(&mut pooled);
        self.project(&pooled)
    }

    /// Mean and standard deviation of each channel over the frames `rows`, weighted by attention.
    ///
    /// # Shapes
    /// Returns `[2 * channels]`.
    pub fn pool(&self, frames: &FrameFeatures, rows: &[usize]) -> Vec<f32> {
        self.pooling.pool(frames, rows)
    }

    /// Brings pooled values to a common scale.
    pub fn normalise_pooled(&self, pooled: &mut [f32]) {
        self.pooled_norm.normalise(pooled);
    }

    /// Pooled and normalised values to an embedding.
    ///
    /// # Shapes
    /// `pooled` `[2 * channels]`; returns `[dimension]`.
    pub fn project(&self, pooled: &[f32]) -> Vec<f32> {
        let mut embedding = vec![0.0; self.dimension()];
        self.projection.forward(pooled, &mut embedding, Write::Replace);
        embedding
    }
}

impl Aggregation {
    fn load(scope: &Scope<'_>, blocks: &[SeRes2Block]) -> Result<Self, CheckpointError> {
        let conv = scope.at("conv.conv");
        let [n_out, _, _] = conv.shape::<3>("weight")?;
        let n_in_all: usize = blocks.iter().map(SeRes2Block::n_out).sum();
        let weight = conv.tensor("weight", &[n_out, n_in_all, 1])?;
        let mut bias = conv.tensor("bias", &[n_out])?;
        let mut first = 0;
        let product = |block: &SeRes2Block| {
            let columns = first..first + block.n_out();
            first = columns.end;
            let own = weight.chunks_exact(n_in_all).flat_map(|row| row[columns.clone()].iter().copied());
            // The bias is added once, with the first block.
            Linear::in_f32(&own.collect::<Vec<f32>>(), std::mem::take(&mut bias), block.n_out())
        };
        let products = blocks.iter().map(product).collect();
        Ok(Self { products, norm: BatchNorm::load(&scope.at("norm.norm"), n_out)? })
    }

    fn n_out(&self) -> usize {
        self.products[0].n_out()
    }
}
