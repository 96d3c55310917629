//! A Whisper model in Hugging Face layout becomes a folder of the same layout whose weights have 8 bits and lie as the
//! kernels read them: loading it maps the file and computes nothing. The format is told in [`crate::nn::checkpoint`].

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use safetensors::Dtype;

use crate::files::{self, FileError};
use crate::nn::checkpoint::{READY_KEY, READY_VERSION};
use crate::nn::whisper::{Whisper, WhisperError};
use crate::paths::AppPaths;

use super::catalog::{self, CatalogError};
use super::safetensors_file::{Entry, write_header};

/// The files beside the weights; those after the first two may be missing.
const CONFIGURATION: [&str; 4] =
    ["config.json", "tokenizer.json", "generation_config.json", "preprocessor_config.json"];
/// How many of them a model cannot do without.
const N_REQUIRED: usize = 2;

/// A model could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// It is not there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It is no Whisper model, or a broken one.
    #[error(transparent)]
    Whisper(#[from] WhisperError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Writing would replace the model itself.
    #[error("{} is the model that is to be converted; name another folder for the result", path.display())]
    OntoItself {
        /// The folder.
        path: PathBuf,
    },
}

/// Converts the Whisper model `name`, one of the catalog or a folder, into `folder`, which is made if it is missing.
/// Returns the size of the new weights in bytes.
pub fn convert_whisper(name: &str, folder: &Path, paths: &AppPaths) -> Result<u64, ConvertError> {
    convert_folder(&catalog::whisper_folder(name, paths)?, folder)
}

/// The same for the model in the folder `source`.
pub(super) fn convert_folder(source: &Path, folder: &Path) -> Result<u64, ConvertError> {
    fs::create_dir_all(folder).map_err(FileError::of("create folder", folder))?;
    let is_same = |a: &Path, b: &Path| a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b));
    if is_same(source, folder) {
        return Err(ConvertError::OntoItself { path: folder.to_path_buf() });
    }
    let mut tensors = Whisper::ready_tensors(source)?;
    // What is mapped goes first, where it is aligned.
    tensors.sort_by_key(|tensor| tensor.dtype() != Dtype::I8);
    for (n, file_name) in CONFIGURATION.iter().enumerate() {
        let path = source.join(file_name);
        if n < N_REQUIRED || path.exists() {
            let bytes = fs::read(&path).map_err(FileError::of("read", &path))?;
            files::write_atomic(&folder.join(file_name), &bytes)?;
        }
    }
    // Last, so that a folder with weights is a whole model.
    let write = |file: &mut File| {
        let entries =
            tensors.iter().map(|tensor| Entry { name: &tensor.name, dtype: tensor.dtype(), shape: &tensor.shape });
        write_header(file, (READY_KEY, READY_VERSION), entries)?;
        tensors.iter().try_for_each(|tensor| file.write_all(tensor.bytes()))
    };
    let weights = folder.join("model.safetensors");
    files::write_atomic_with(&weights, write)?;
    Ok(fs::metadata(&weights).map_err(FileError::of("read", &weights))?.len())
}
