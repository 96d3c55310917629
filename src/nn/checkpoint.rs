//! Weights by name out of safetensors files or PyTorch's own (see [`super::pickle`]), each checked against the shape that
//! the network needs.
//!
//! Files come in two forms: as published, in floating point, from which values are converted to `f32` and layers are
//! quantised if the network computes in 8 bits; and ready, as [`Checkpoint::ready_tensors`] gives them, where quantised
//! layers lie as the kernels read them and are used where they are mapped.
//!
//! # The ready form
//! A safetensors file whose metadata has `hansard = int8-1`. A layer `NAME` with quantised weights is `NAME.levels`, `I8`
//! `[panels, n_in / 2, 16, 2]` (see [`super::pairs`]), `NAME.scales`, `F32` `[n_out]`, and `NAME.bias` where it has one;
//! layers that read the same input are one, their names joined by `+`. All other weights are `F32` under their published
//! names. `vocabulary.bytes`, `U8`, has what the tokens say, one after the other, and `vocabulary.ends`, `U32`, where each
//! ends.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::pod_collect_to_vec;
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};
use memmap2::Mmap;
use rayon::prelude::*;
use safetensors::tensor::TensorInfo;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::eight_bit::EightBit;
use super::linear::{ComputeType, Linear};
use super::norm::LayerNorm;
use super::pairs::PANEL_COLUMNS;
use super::pickle::{self, PickleError, Place};
use super::stored::Stored;

/// The entry of a file's metadata that tells the ready form, and its version.
pub const READY_KEY: &str = "hansard";
/// The version that this program writes and reads.
pub const READY_VERSION: &str = "int8-1";
/// Epsilon of PyTorch's batch normalisation, which all our networks use.
const BATCH_NORM_EPSILON: f32 = 1e-5;
/// Values per parallel task of a conversion.
const VALUES_PER_TASK: usize = 1 << 18;

/// A checkpoint does not hold what its network needs.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be opened.
    #[error("cannot read the model file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Not a safetensors file, or cut short.
    #[error("cannot read the model file {}: {source}. It may be damaged or incomplete; install the model again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: SafeTensorError,
    },
    /// Not a checkpoint of PyTorch's, or cut short.
    #[error("cannot read the model file {}: {source}. It may be damaged or incomplete; install the model again", path.display())]
    DamagedPickle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PickleError,
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
    /// A tensor is there, with another number of axes, or with nothing in it.
    #[error("tensor {name} in {} has shape {found:?}, but this model needs {expected} axes that are not empty", path.display())]
    Axes {
        /// The file.
        path: PathBuf,
        /// Its full name.
        name: String,
        /// How many axes it should have.
        expected: usize,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// A tensor is there, in numbers of another kind.
    #[error("tensor {name} in {} has numbers of type {found}, but {needed} is needed", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// Its full name.
        name: String,
        /// What the file holds.
        found: Dtype,
        /// What would do.
        needed: &'static str,
    },
    /// A tensor holds values that are not numbers.
    #[error("tensor {name} in {} holds values that are not finite; the file is damaged, install the model again", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Its full name.
        name: String,
    },
    /// A ready file of another version of this program.
    #[error("{} was made ready by another version of Hansard ({found}); convert the model again", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// A ready file has only 8-bit weights.
    #[error("{} holds 8-bit weights only; compute in int8, or use the model that it was converted from", path.display())]
    OnlyInt8 {
        /// The file.
        path: PathBuf,
    },
}

/// One or several files that together hold a model.
pub struct Checkpoint {
    files: Vec<MappedFile>,
    form: Form,
    compute_type: ComputeType,
    n_bytes_kept: Cell<usize>,
    /// What the ready form of the model is made of, if it is asked for.
    ready: Option<RefCell<Vec<ReadyTensor>>>,
}

struct MappedFile {
    path: PathBuf,
    bytes: Arc<Mmap>,
    tensors: BTreeMap<String, Place>,
    /// What the file says of the ready form.
    ready_version: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Published,
    Ready,
}

/// A tensor of the ready form.
pub struct ReadyTensor {
    /// Its full name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    values: ReadyValues,
}

enum ReadyValues {
    F32(Vec<f32>),
    Levels(Stored),
    Bytes(Vec<u8>),
    Numbers(Vec<u32>),
}

impl ReadyTensor {
    /// The type of its numbers.
    pub fn dtype(&self) -> Dtype {
        match self.values {
            ReadyValues::F32(_) => Dtype::F32,
            ReadyValues::Levels(_) => Dtype::I8,
            ReadyValues::Bytes(_) => Dtype::U8,
            ReadyValues::Numbers(_) => Dtype::U32,
        }
    }

    /// Its numbers, in the byte order of this machine, which is little-endian wherever Hansard runs.
    pub fn bytes(&self) -> &[u8] {
        match &self.values {
            ReadyValues::F32(values) => bytemuck::cast_slice(values),
            ReadyValues::Levels(levels) => bytemuck::cast_slice(levels.as_slice()),
            ReadyValues::Bytes(bytes) => bytes,
            ReadyValues::Numbers(numbers) => bytemuck::cast_slice(numbers),
        }
    }
}

impl Checkpoint {
    /// Opens the files of one model, a single file or all shards, for a network that computes in this way. Whether they
    /// are safetensors or PyTorch's is told by their content.
    pub fn open(paths: &[PathBuf], compute_type: ComputeType) -> Result<Self, CheckpointError> {
        let files = paths.iter().map(|path| MappedFile::open(path)).collect::<Result<Vec<_>, _>>()?;
        let mut form = Form::Published;
        for file in &files {
            let path = || file.path.clone();
            match &file.ready_version {
                None => {}
                Some(version) if version != READY_VERSION => {
                    return Err(CheckpointError::OtherVersion { path: path(), found: version.clone() });
                }
                Some(_) if compute_type == ComputeType::F32 => return Err(CheckpointError::OnlyInt8 { path: path() }),
                Some(_) => form = Form::Ready,
            }
        }
        Ok(Self { files, form, compute_type, n_bytes_kept: Cell::new(0), ready: None })
    }

    /// Keeps what is read, in the form in which the network uses it, for [`Checkpoint::ready_tensors`].
    pub fn keeping_ready(mut self) -> Self {
        self.ready = Some(RefCell::default());
        self
    }

    /// The ready form of all that was read, in the order of names.
    pub fn ready_tensors(self) -> Vec<ReadyTensor> {
        let mut tensors = self.ready.map_or(Vec::new(), RefCell::into_inner);
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        tensors
    }

    /// A list of bytes and one of numbers that belong to the ready form beside the weights; `None` where it is not there.
    pub(super) fn lists(&self, bytes_name: &str, numbers_name: &str) -> Option<(Vec<u8>, Vec<u32>)> {
        let list = |name: &str, dtype: Dtype| {
            let (file, place) = self.files.iter().find_map(|file| Some((file, file.tensors.get(name)?)))?;
            (place.dtype == dtype).then(|| &file.bytes[place.range.clone()])
        };
        let numbers = list(numbers_name, Dtype::U32)?;
        Some((list(bytes_name, Dtype::U8)?.to_vec(), pod_collect_to_vec(numbers)))
    }

    /// Adds such lists to what [`Checkpoint::ready_tensors`] gives.
    pub(super) fn keep_lists(&self, bytes_name: &str, bytes: &[u8], numbers_name: &str, numbers: &[u32]) {
        self.keep_ready(bytes_name.to_owned(), &[bytes.len()], || ReadyValues::Bytes(bytes.to_vec()));
        self.keep_ready(numbers_name.to_owned(), &[numbers.len()], || ReadyValues::Numbers(numbers.to_vec()));
    }

    /// Bytes in memory of all weights handed out so far, in the form in which the network keeps them.
    pub fn n_bytes_kept(&self) -> usize {
        self.n_bytes_kept.get()
    }

    /// The part of the checkpoint whose names begin with `prefix`.
    pub fn at(&self, prefix: &str) -> Scope<'_> {
        Scope { checkpoint: self, prefix: prefix.to_owned() }
    }

    /// The file of a tensor, and where it lies there.
    fn locate(&self, name: &str) -> Result<(&MappedFile, &Place), CheckpointError> {
        let found = self.files.iter().find_map(|file| Some((file, file.tensors.get(name)?)));
        found.ok_or_else(|| {
            // Which file it should be in, nobody knows; one is named so that the folder is known.
            let path = self.files.first().map(|file| file.path.clone()).unwrap_or_default();
            CheckpointError::Missing { path, name: name.to_owned() }
        })
    }

    /// A tensor of the shape that is needed: its file, type and place in the file.
    fn find(&self, name: &str, shape: &[usize]) -> Result<Found<'_>, CheckpointError> {
        let (file, place) = self.locate(name)?;
        let name = name.to_owned();
        if place.shape != shape {
            let (path, expected, found) = (file.path.clone(), shape.to_vec(), place.shape.clone());
            return Err(CheckpointError::Shape { path, name, expected, found });
        }
        Ok(Found { file, name, dtype: place.dtype, range: place.range.clone() })
    }

    fn count(&self, n_bytes: usize) {
        self.n_bytes_kept.set(self.n_bytes_kept.get() + n_bytes);
    }

    fn keep_ready(&self, name: String, shape: &[usize], values: impl FnOnce() -> ReadyValues) {
        if let Some(ready) = &self.ready {
            ready.borrow_mut().push(ReadyTensor { name, shape: shape.to_vec(), values: values() });
        }
    }
}

impl MappedFile {
    fn open(path: &Path) -> Result<Self, CheckpointError> {
        let unreadable = |source| CheckpointError::Unreadable { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(unreadable)?;
        // SAFETY: the map is only read. A file cut by somebody else while it is mapped would end the process; models
        // are replaced by renaming, which leaves the mapped file as it was.
        #[allow(unsafe_code)]
        let bytes = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
        let (tensors, ready_version) = if pickle::is_archive(&bytes) {
            let damaged = |source| CheckpointError::DamagedPickle { path: path.to_path_buf(), source };
            (pickle::tensors(&bytes).map_err(damaged)?, None)
        } else {
            let damaged = |source| CheckpointError::Damaged { path: path.to_path_buf(), source };
            let (n_header_bytes, metadata) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
            let start = size_of::<u64>() + n_header_bytes;
            let place = |info: &TensorInfo| {
                let range = start + info.data_offsets.0..start + info.data_offsets.1;
                Place { dtype: info.dtype, shape: info.shape.clone(), range }
            };
            let tensors = metadata.tensors().into_iter().map(|(name, info)| (name, place(info))).collect();
            (tensors, metadata.metadata().as_ref().and_then(|metadata| metadata.get(READY_KEY).cloned()))
        };
        Ok(Self { path: path.to_path_buf(), bytes: Arc::new(bytes), tensors, ready_version })
    }
}

/// A tensor in its file.
struct Found<'a> {
    file: &'a MappedFile,
    name: String,
    dtype: Dtype,
    range: std::ops::Range<usize>,
}

impl Found<'_> {
    fn wrong_type(self, needed: &'static str) -> CheckpointError {
        CheckpointError::Type { path: self.file.path.clone(), name: self.name, found: self.dtype, needed }
    }

    fn values(self) -> Result<Vec<f32>, CheckpointError> {
        let bytes = &self.file.bytes[self.range.clone()];
        let mut values;
        match self.dtype {
            Dtype::F32 => values = pod_collect_to_vec::<u8, f32>(bytes),
            Dtype::F16 | Dtype::BF16 => {
                values = vec![0.0; bytes.len() / 2];
                let tasks = values.par_chunks_mut(VALUES_PER_TASK).zip(bytes.par_chunks(2 * VALUES_PER_TASK));
                tasks.for_each(|(values, bytes)| match self.dtype {
                    Dtype::F16 => pod_collect_to_vec::<u8, f16>(bytes).convert_to_f32_slice(values),
                    _ => pod_collect_to_vec::<u8, bf16>(bytes).convert_to_f32_slice(values),
                });
            }
            _ => return Err(self.wrong_type("F32, F16 or BF16")),
        }
        if values.par_chunks(VALUES_PER_TASK).any(|values| values.iter().any(|value| !value.is_finite())) {
            return Err(CheckpointError::NotFinite { path: self.file.path.clone(), name: self.name });
        }
        Ok(values)
    }
}

/// Whether a layer of those that are joined has a bias of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bias {
    /// In the file, as `bias`.
    Own,
    /// None; it counts as zeros.
    Zero,
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

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = self.full_name(name);
        self.checkpoint.files.iter().any(|file| file.tensors.contains_key(&name))
    }

    /// The shape of the tensor `name`, which has `N` axes, none of them empty.
    pub(super) fn shape<const N: usize>(&self, name: &str) -> Result<[usize; N], CheckpointError> {
        let name = self.full_name(name);
        let (file, place) = self.checkpoint.locate(&name)?;
        match <[usize; N]>::try_from(place.shape.as_slice()) {
            Ok(shape) if !shape.contains(&0) => Ok(shape),
            _ => Err(CheckpointError::Axes { path: file.path.clone(), name, expected: N, found: place.shape.clone() }),
        }
    }

    /// The tensor `name`, in row-major order, which the network keeps in `f32`.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let name = self.full_name(name);
        let values = self.checkpoint.find(&name, shape)?.values()?;
        self.checkpoint.count(size_of_val(values.as_slice()));
        self.checkpoint.keep_ready(name, shape, || ReadyValues::F32(values.clone()));
        Ok(values)
    }

    /// How the network computes.
    pub(super) fn compute_type(&self) -> ComputeType {
        self.checkpoint.compute_type
    }

    /// `weight` `[n_out, n_in]` and `bias` `[n_out]` of a linear layer.
    pub(super) fn linear(&self, n_in: usize, n_out: usize) -> Result<Linear, CheckpointError> {
        self.joined(&[("", Bias::Own)], n_in, n_out)
    }

    /// Linear layers inside this module that read the same input, as one: their outputs of `n_out` each are side by side.
    pub(super) fn joined(&self, layers: &[(&str, Bias)], n_in: usize, n_out: usize) -> Result<Linear, CheckpointError> {
        let n_out_all = layers.len() * n_out;
        let names: Vec<&str> = layers.iter().map(|(name, _)| *name).collect();
        let joined = self.at(&names.join("+"));
        let has_bias = layers.iter().any(|(_, bias)| *bias == Bias::Own);
        if self.checkpoint.form == Form::Ready {
            let weights = joined.ready_weights(n_in, n_out_all)?;
            let bias = if has_bias { joined.tensor("bias", &[n_out_all])? } else { vec![0.0; n_out_all] };
            return Ok(Linear::in_8_bits(weights, bias, n_in));
        }
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for (name, own_bias) in layers {
            let scope = self.at(name);
            let values = |name: &str, shape: &[usize]| self.checkpoint.find(&scope.full_name(name), shape)?.values();
            weight.append(&mut values("weight", &[n_out, n_in])?);
            match own_bias {
                Bias::Own => bias.append(&mut values("bias", &[n_out])?),
                Bias::Zero => bias.resize(bias.len() + n_out, 0.0),
            }
        }
        self.checkpoint.count(size_of_val(bias.as_slice()));
        if self.compute_type() == ComputeType::F32 {
            self.checkpoint.count(size_of_val(weight.as_slice()));
            return Ok(Linear::in_f32(&weight, bias, n_in));
        }
        let weights = EightBit::quantise(&weight, n_in);
        let (levels, scales) = weights.parts();
        self.checkpoint.count(levels.as_slice().len() + size_of_val(scales));
        let keep = |name: &str, shape: &[usize], values: &dyn Fn() -> ReadyValues| {
            self.checkpoint.keep_ready(joined.full_name(name), shape, values);
        };
        keep("levels", &panels_shape(n_in, n_out_all), &|| ReadyValues::Levels(levels.clone()));
        keep("scales", &[n_out_all], &|| ReadyValues::F32(scales.to_vec()));
        if has_bias {
            keep("bias", &[n_out_all], &|| ReadyValues::F32(bias.clone()));
        }
        Ok(Linear::in_8_bits(weights, bias, n_in))
    }

    fn ready_weights(&self, n_in: usize, n_out: usize) -> Result<EightBit, CheckpointError> {
        let found = self.checkpoint.find(&self.full_name("levels"), &panels_shape(n_in, n_out))?;
        if found.dtype != Dtype::I8 {
            return Err(found.wrong_type("I8"));
        }
        self.checkpoint.count(found.range.len());
        let levels = Stored::Mapped { file: found.file.bytes.clone(), range: found.range.clone() };
        let keep = || ReadyValues::Levels(levels.clone());
        self.checkpoint.keep_ready(found.name, &panels_shape(n_in, n_out), keep);
        Ok(EightBit::new(levels, self.tensor("scales", &[n_out])?, n_in))
    }

    /// `weight` and `bias` `[width]` of a layer normalisation.
    pub(super) fn layer_norm(&self, width: usize) -> Result<LayerNorm, CheckpointError> {
        Ok(LayerNorm::new(self.tensor("weight", &[width])?, self.tensor("bias", &[width])?))
    }

    /// A batch normalisation with fixed statistics `[width]`, as the factor and the summand of each channel.
    pub(super) fn batch_norm(&self, width: usize) -> Result<(Vec<f32>, Vec<f32>), CheckpointError> {
        let mut scale = self.tensor("weight", &[width])?;
        let mut shift = self.tensor("bias", &[width])?;
        let mean = self.tensor("running_mean", &[width])?;
        let variance = self.tensor("running_var", &[width])?;
        if variance.iter().any(|variance| *variance < 0.0) {
            let (name, path) = (self.full_name("running_var"), self.checkpoint.files[0].path.clone());
            return Err(CheckpointError::NotFinite { path, name });
        }
        for (scale, variance) in scale.iter_mut().zip(&variance) {
            *scale /= (variance + BATCH_NORM_EPSILON).sqrt();
        }
        for ((shift, mean), scale) in shift.iter_mut().zip(&mean).zip(&scale) {
            *shift -= mean * scale;
        }
        Ok((scale, shift))
    }

    fn full_name(&self, name: &str) -> String {
        let dot = if self.prefix.is_empty() || name.is_empty() { "" } else { "." };
        format!("{}{dot}{name}", self.prefix)
    }
}

fn panels_shape(n_in: usize, n_out: usize) -> [usize; 4] {
    [n_out.div_ceil(PANEL_COLUMNS), n_in.div_ceil(2), PANEL_COLUMNS, 2]
}
