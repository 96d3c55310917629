//! Weights by name out of safetensors files, converted to `f32`, each checked against the shape that the network needs.

use std::cell::Cell;
use std::path::PathBuf;

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device};

use super::linear::{ComputeType, Linear};
use super::norm::LayerNorm;

/// A checkpoint does not hold what its network needs.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a safetensors file, cut short, or not readable.
    #[error("cannot read the model file {}: {source}. It may be damaged or incomplete; install the model again", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: candle_core::Error,
    },
    /// A tensor is not there.
    #[error("the model file {} has no tensor {name}; it is not a model of this kind, or incomplete", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Its full name.
        name: String,
    },
    /// A tensor is there, in another shape.
    #[error("tensor {name} in {} has shape {found:?}, but this model needs {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Its full name.
        name: String,
        /// What the configuration asks for.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// A tensor holds values that are not numbers.
    #[error("tensor {name} in {} holds values that are not finite; the file is damaged, install the model again", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Its full name.
        name: String,
    },
}

/// One or several safetensors files that together hold a model.
pub struct Checkpoint {
    tensors: MmapedSafetensors,
    path: PathBuf,
    n_bytes_kept: Cell<usize>,
    compute_type: ComputeType,
}

impl Checkpoint {
    /// Opens the files of one model, a single file or all shards, for a network that computes in this way.
    pub fn open(paths: &[PathBuf], compute_type: ComputeType) -> Result<Self, CheckpointError> {
        let path = paths.first().cloned().unwrap_or_default();
        let unreadable = |source| CheckpointError::Unreadable { path: path.clone(), source };
        // SAFETY: the map is only read. A file cut by somebody else while it is mapped would end the process; models
        // are replaced by renaming, which leaves the mapped file as it was.
        #[allow(unsafe_code)]
        let tensors = unsafe { MmapedSafetensors::multi(paths) }.map_err(unreadable)?;
        Ok(Self { tensors, path, n_bytes_kept: Cell::new(0), compute_type })
    }

    /// Bytes in memory of all weights handed out so far, in the form in which the network keeps them.
    pub fn n_bytes_kept(&self) -> usize {
        self.n_bytes_kept.get()
    }

    /// The part of the checkpoint whose names begin with `prefix`.
    pub fn at(&self, prefix: &str) -> Scope<'_> {
        Scope { checkpoint: self, prefix: prefix.to_owned() }
    }
}

/// A checkpoint seen from one of its modules, so that the code that builds a network mirrors the names in the file.
pub struct Scope<'a> {
    checkpoint: &'a Checkpoint,
    prefix: String,
}

impl Scope<'_> {
    /// The module `name` inside this one.
    pub fn at(&self, name: &str) -> Self {
        Self { checkpoint: self.checkpoint, prefix: self.full_name(name) }
    }

    /// The `index`-th module of the list `name` inside this one.
    pub fn nth(&self, name: &str, index: usize) -> Self {
        self.at(&format!("{name}.{index}"))
    }

    /// The tensor `name`, in row-major order, which the network keeps in `f32`.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        self.read(name, shape, size_of::<f32>())
    }

    /// The tensor `name`, in row-major order, which the network keeps as its compute type says.
    pub(super) fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let n_bytes_per_value = match self.compute_type() {
            ComputeType::F32 => size_of::<f32>(),
            ComputeType::Int8 => size_of::<i8>(),
        };
        self.read(name, shape, n_bytes_per_value)
    }

    fn read(&self, name: &str, shape: &[usize], n_bytes_per_value: usize) -> Result<Vec<f32>, CheckpointError> {
        let checkpoint = self.checkpoint;
        let name = self.full_name(name);
        let path = || checkpoint.path.clone();
        let Ok(view) = checkpoint.tensors.get(&name) else {
            return Err(CheckpointError::Missing { path: path(), name });
        };
        if view.shape() != shape {
            let (expected, found) = (shape.to_vec(), view.shape().to_vec());
            return Err(CheckpointError::Shape { path: path(), name, expected, found });
        }
        let values = (|| {
            let tensor = checkpoint.tensors.load(&name, &Device::Cpu)?;
            tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
        })()
        .map_err(|source| CheckpointError::Unreadable { path: path(), source })?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(CheckpointError::NotFinite { path: path(), name });
        }
        checkpoint.n_bytes_kept.set(checkpoint.n_bytes_kept.get() + values.len() * n_bytes_per_value);
        Ok(values)
    }

    /// How the network computes.
    pub(super) fn compute_type(&self) -> ComputeType {
        self.checkpoint.compute_type
    }

    /// `weight` `[n_out, n_in]` and `bias` `[n_out]` of a linear layer.
    pub(super) fn linear(&self, n_in: usize, n_out: usize) -> Result<Linear, CheckpointError> {
        let weight = self.weight("weight", &[n_out, n_in])?;
        Ok(Linear::new(&weight, self.tensor("bias", &[n_out])?, n_in, self.compute_type()))
    }

    /// `weight` and `bias` `[width]` of a layer normalisation.
    pub(super) fn layer_norm(&self, width: usize) -> Result<LayerNorm, CheckpointError> {
        Ok(LayerNorm::new(self.tensor("weight", &[width])?, self.tensor("bias", &[width])?))
    }

    fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}
