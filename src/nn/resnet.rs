//! WeSpeaker's ResNet34 as in pyannote.audio 4.0 (`WeSpeakerResNet34`): a window of samples and, for each of its
//! speakers, when they talk, become a vector per speaker. Wang et al., "WeSpeaker: A Research and Production Oriented
//! Speaker Embedding Learning Toolkit", 2023; the network is that of He et al., "Deep Residual Learning", 2015.
//!
//! ```text
//! samples ──fbank, minus its mean──▶ stem ──▶ four layers ──▶ statistics over the speaker's frames ──▶ projection
//! ```
//! Who talks matters at the last step but one, so the layers run once for all speakers of a window.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rayon::prelude::*;

use super::checkpoint::{Checkpoint, CheckpointError, Scope};
use super::fbank::{KaldiFbank, WINDOW, subtract_mean};
use super::linear::{ComputeType, Linear, Write};

const N_MELS: usize = 80;
const N_LAYERS: usize = 4;
/// No published layer has more blocks than 36; a file may name the same numbers again and again.
const MAX_BLOCKS: usize = 36;
/// Taps of a convolution along each axis.
const KERNEL: usize = 3;
/// pyannote divides by weights plus this much.
const MIN_WEIGHT: f32 = 1e-8;
/// Positions that are convolved together: few enough for input and output to stay in the cache from one product to the
/// next, enough for the products to be worth starting.
const POSITIONS_PER_BLOCK: usize = 1024;

/// The network with its weights.
pub struct ResNet34 {
    fbank: KaldiFbank,
    stem: Convolution,
    layers: Vec<Vec<Block>>,
    projection: Linear,
    n_bytes: usize,
}

/// Values in time, frequency bands and channels, with zeros around them in time and bands.
pub struct FeatureMap {
    /// `[frames + 2, bands + 2, channels]`
    values: Vec<f32>,
    n_frames: usize,
    n_bands: usize,
    channels: usize,
}

/// Two convolutions around which the input passes.
struct Block {
    first: Convolution,
    second: Convolution,
    shortcut: Option<Shortcut>,
}

/// A convolution of 3 x 3 positions, the batch normalisation after it included. It reaches one position beyond each
/// edge.
struct Convolution {
    /// For each of the three frames, the taps in that frame: a product with the channels of three neighbouring bands,
    /// which lie one after the other.
    products: [Linear; KERNEL],
    channels: usize,
    stride: usize,
}

/// A convolution with a single tap, for the input of a block whose output has another size.
struct Shortcut {
    product: Linear,
    stride: usize,
}

/// A folder does not hold such a network.
#[derive(Debug, thiserror::Error)]
pub enum ResNet34Error {
    /// The weights are missing or cannot be read.
    #[error("cannot read {}: {source}; a folder with WeSpeaker's ResNet34 holds model.safetensors or pytorch_model.bin", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The weights are not those of such a network.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The network ends otherwise.
    #[error("{} has a second embedding layer, which is not supported; use pyannote's wespeaker-voxceleb-resnet34-LM", path.display())]
    TwoLayers {
        /// The file.
        path: PathBuf,
    },
}

impl ResNet34 {
    /// The fewest samples that give anything at all: one window of the features. Without weights, below two frames of
    /// the last layer (about 90 ms), an embedding is not a number, for it has no deviation.
    pub const MIN_SAMPLES: usize = WINDOW;

    /// Loads a model from a folder in pyannote's layout: `model.safetensors` or `pytorch_model.bin`.
    pub fn load(folder: &Path) -> Result<Self, ResNet34Error> {
        let safetensors = folder.join("model.safetensors");
        let path = if safetensors.exists() { safetensors } else { folder.join("pytorch_model.bin") };
        fs::metadata(&path).map_err(|source| ResNet34Error::File { path: path.clone(), source })?;
        let checkpoint = Checkpoint::open(std::slice::from_ref(&path), ComputeType::F32)?;
        let root = checkpoint.at("resnet");
        if root.has("seg_2.weight") {
            return Err(ResNet34Error::TwoLayers { path });
        }
        let stem = Convolution::load(&root.at("conv1"), &root.at("bn1"), 1, 1)?;
        let mut channels = stem.n_out();
        let mut n_bands = N_MELS;
        let mut layers = Vec::with_capacity(N_LAYERS);
        for layer in 1..=N_LAYERS {
            let name = format!("layer{layer}");
            let mut blocks: Vec<Block> = Vec::new();
            while blocks.is_empty() || (blocks.len() < MAX_BLOCKS && root.nth(&name, blocks.len()).has("conv1.weight"))
            {
                let stride = if layer > 1 && blocks.is_empty() { 2 } else { 1 };
                let block = Block::load(&root.nth(&name, blocks.len()), channels, stride)?;
                channels = block.second.n_out();
                n_bands = n_bands.div_ceil(stride);
                blocks.push(block);
            }
            layers.push(blocks);
        }
        let embedding = root.at("seg_1");
        let [dimension, _] = embedding.shape::<2>("weight")?;
        let projection = embedding.linear(2 * channels * n_bands, dimension)?;
        Ok(Self { fbank: KaldiFbank::new(N_MELS), stem, layers, projection, n_bytes: checkpoint.n_bytes_kept() })
    }

    /// Length of an embedding.
    pub fn dimension(&self) -> usize {
        self.projection.n_out()
    }

    /// Bytes of its weights.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Features, minus their mean over time, and the network up to pooling.
    pub fn trunk(&self, samples: &[f32]) -> FeatureMap {
        let mut map = self.stem(&self.features(samples));
        for layer in 0..N_LAYERS {
            map = self.layer(layer, map);
        }
        map
    }

    /// What the network hears.
    ///
    /// # Shapes
    /// Returns `[frames, 80]`.
    pub fn features(&self, samples: &[f32]) -> Vec<f32> {
        let mut features = self.fbank.compute(samples);
        subtract_mean(&mut features, N_MELS);
        features
    }

    /// The first convolution.
    ///
    /// # Shapes
    /// `features` `[frames, 80]`.
    pub fn stem(&self, features: &[f32]) -> FeatureMap {
        let mut input = FeatureMap::zeros(features.len() / N_MELS, N_MELS, 1);
        for (frame, row) in features.chunks_exact(N_MELS).enumerate() {
            input.frame_mut(frame).copy_from_slice(row);
        }
        let mut map = FeatureMap::zeros(input.n_frames, N_MELS, self.stem.n_out());
        self.stem.forward(&input, &mut map, Write::Replace);
        map
    }

    /// One of the four layers of blocks, which follow one another.
    pub fn layer(&self, index: usize, map: FeatureMap) -> FeatureMap {
        self.layers[index].iter().fold(map, |map, block| block.forward(map))
    }

    /// The embedding of a speaker, from the frames of the last layer, which count as much as `weights` says, or all the
    /// same.
    ///
    /// # Shapes
    /// `weights` `[frames]`, see [`nearest`]; returns `[dimension]`.
    pub fn embedding_of(&self, map: &FeatureMap, weights: Option<&[f32]>) -> Vec<f32> {
        let pooled = map.statistics(weights);
        let mut embedding = vec![0.0; self.dimension()];
        self.projection.forward(&pooled, &mut embedding, Write::Replace);
        embedding
    }
}

/// Values of a mask at `n` equally distant places, each of them the nearest one that is not after it: PyTorch's
/// interpolation of that name.
pub fn nearest(mask: &[f32], n: usize) -> Vec<f32> {
    let scale = mask.len() as f32 / n as f32;
    (0..n).map(|place| mask[((place as f32 * scale) as usize).min(mask.len() - 1)]).collect()
}

impl FeatureMap {
    fn zeros(n_frames: usize, n_bands: usize, channels: usize) -> Self {
        Self { values: vec![0.0; (n_frames + 2) * (n_bands + 2) * channels], n_frames, n_bands, channels }
    }

    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        self.n_frames
    }

    /// The values of one frame, `[bands, channels]`.
    pub fn frame(&self, frame: usize) -> &[f32] {
        &self.values[(frame + 1) * self.row_len() + self.channels..][..self.n_bands * self.channels]
    }

    fn frame_mut(&mut self, frame: usize) -> &mut [f32] {
        let start = (frame + 1) * self.row_len() + self.channels;
        &mut self.values[start..][..self.n_bands * self.channels]
    }

    /// Values of a frame with the zeros around it.
    fn row_len(&self) -> usize {
        (self.n_bands + 2) * self.channels
    }

    /// Mean and standard deviation over time, of weighted frames as pyannote's `StatsPool` estimates them.
    ///
    /// # Shapes
    /// `weights` `[frames]`, none counting as ones; returns `[2, channels, bands]`.
    pub fn statistics(&self, weights: Option<&[f32]>) -> Vec<f32> {
        let (total, degrees_of_freedom) = match weights {
            None => (self.n_frames as f32, self.n_frames as f32 - 1.0),
            Some(weights) => {
                let total = weights.iter().sum::<f32>() + MIN_WEIGHT;
                let squares: f32 = weights.iter().map(|weight| weight * weight).sum();
                (total, total - squares / total + MIN_WEIGHT)
            }
        };
        let weight = |frame: usize| weights.map_or(1.0, |weights| weights[frame]);
        let width = self.n_bands * self.channels;
        let (mut means, mut deviations) = (vec![0.0; width], vec![0.0; width]);
        for frame in 0..self.n_frames {
            let weight = weight(frame);
            for (sum, value) in means.iter_mut().zip(self.frame(frame)) {
                *sum += value * weight;
            }
        }
        for mean in &mut means {
            *mean /= total;
        }
        for frame in 0..self.n_frames {
            let weight = weight(frame);
            for ((sum, mean), value) in deviations.iter_mut().zip(&means).zip(self.frame(frame)) {
                *sum += (value - mean) * (value - mean) * weight;
            }
        }
        for deviation in &mut deviations {
            *deviation = (*deviation / degrees_of_freedom).sqrt();
        }
        let mut out = Vec::with_capacity(2 * width);
        for part in [means, deviations] {
            for channel in 0..self.channels {
                out.extend(part.iter().skip(channel).step_by(self.channels));
            }
        }
        out
    }
}

impl Block {
    fn load(scope: &Scope<'_>, n_in: usize, stride: usize) -> Result<Self, CheckpointError> {
        let first = Convolution::load(&scope.at("conv1"), &scope.at("bn1"), n_in, stride)?;
        let second = Convolution::load(&scope.at("conv2"), &scope.at("bn2"), first.n_out(), 1)?;
        let needs_shortcut = stride != 1 || n_in != second.n_out();
        let shortcut =
            needs_shortcut.then(|| Shortcut::load(&scope.at("shortcut"), n_in, second.n_out(), stride)).transpose()?;
        Ok(Self { first, second, shortcut })
    }

    fn forward(&self, x: FeatureMap) -> FeatureMap {
        let stride = self.first.stride;
        let (n_frames, n_bands) = (x.n_frames.div_ceil(stride), x.n_bands.div_ceil(stride));
        let mut inner = FeatureMap::zeros(n_frames, n_bands, self.first.n_out());
        self.first.forward(&x, &mut inner, Write::Replace);
        let mut out = match &self.shortcut {
            None => x,
            Some(shortcut) => {
                let mut out = FeatureMap::zeros(n_frames, n_bands, shortcut.product.n_out());
                shortcut.forward(&x, &mut out);
                out
            }
        };
        self.second.forward(&inner, &mut out, Write::Add);
        out
    }
}

impl Convolution {
    fn load(scope: &Scope<'_>, norm: &Scope<'_>, n_in: usize, stride: usize) -> Result<Self, CheckpointError> {
        let [n_out, ..] = scope.shape::<4>("weight")?;
        // As in PyTorch, where bands are the third axis and frames the fourth.
        let weight = scope.tensor("weight", &[n_out, n_in, KERNEL, KERNEL])?;
        let (scale, shift) = norm.batch_norm(n_out)?;
        let product = |frame: usize| {
            let mut taps = Vec::with_capacity(n_out * KERNEL * n_in);
            for (filter, scale) in weight.chunks_exact(n_in * KERNEL * KERNEL).zip(&scale) {
                for band in 0..KERNEL {
                    let at = |channel: usize| filter[(channel * KERNEL + band) * KERNEL + frame] * scale;
                    taps.extend((0..n_in).map(at));
                }
            }
            let bias = if frame == 0 { shift.clone() } else { Vec::new() };
            Linear::in_f32(&taps, bias, KERNEL * n_in)
        };
        Ok(Self { products: [product(0), product(1), product(2)], channels: n_in, stride })
    }

    fn n_out(&self) -> usize {
        self.products[0].n_out()
    }

    /// Convolves `x` into `out`, or adds to what is there; then ReLU.
    fn forward(&self, x: &FeatureMap, out: &mut FeatureMap, write: Write) {
        let (row_in, row_out, channels) = (x.row_len(), out.row_len(), out.channels);
        let rows_per_block = (POSITIONS_PER_BLOCK / (out.n_bands + 2)).max(1);
        let n_values = out.n_frames * row_out;
        let blocks = out.values[row_out..][..n_values].par_chunks_mut(rows_per_block * row_out).enumerate();
        blocks.for_each(|(block, rows)| {
            let first = block * rows_per_block;
            if self.stride == 1 {
                // All rows of the block as one. The places between them get values, too, which are cleared below.
                let end = rows.len() - channels;
                self.multiply(&x.values[first * row_in..], row_in, &mut rows[channels..end], write);
            } else {
                for (n, row) in rows.chunks_exact_mut(row_out).enumerate() {
                    let above = (first + n) * self.stride * row_in;
                    self.multiply(&x.values[above..], row_in, &mut row[channels..row_out - channels], write);
                }
            }
            for row in rows.chunks_exact_mut(row_out) {
                row[..channels].fill(0.0);
                row[row_out - channels..].fill(0.0);
                for value in &mut row[channels..row_out - channels] {
                    *value = value.max(0.0);
                }
            }
        });
    }

    /// Neighbouring positions, of which the first has its first tap at the start of `x`.
    fn multiply(&self, x: &[f32], row_in: usize, out: &mut [f32], write: Write) {
        for (frame, product) in self.products.iter().enumerate() {
            let write = if frame == 0 { write } else { Write::Add };
            product.convolve(&x[frame * row_in..], self.channels, self.stride, out, write);
        }
    }
}

impl Shortcut {
    fn load(scope: &Scope<'_>, n_in: usize, n_out: usize, stride: usize) -> Result<Self, CheckpointError> {
        let mut weight = scope.at("0").tensor("weight", &[n_out, n_in, 1, 1])?;
        let (scale, shift) = scope.at("1").batch_norm(n_out)?;
        for (filter, scale) in weight.chunks_exact_mut(n_in).zip(&scale) {
            for value in filter {
                *value *= scale;
            }
        }
        Ok(Self { product: Linear::in_f32(&weight, shift, n_in), stride })
    }

    fn forward(&self, x: &FeatureMap, out: &mut FeatureMap) {
        let row_out = out.row_len();
        let channels = out.channels;
        let n_values = out.n_frames * row_out;
        out.values[row_out..][..n_values].par_chunks_mut(row_out).enumerate().for_each(|(frame, row)| {
            let row = &mut row[channels..row_out - channels];
            self.product.convolve(x.frame(frame * self.stride), x.channels, self.stride, row, Write::Replace);
        });
    }
}
