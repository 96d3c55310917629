//! Which models there are and where their files lie. Nothing is loaded here.

use std::path::{Path, PathBuf};

use crate::paths::AppPaths;

use super::device::Placement;

/// The model that is used while no other is chosen: the small one that ships with Hansard.
pub const DEFAULT_MODEL: &str = "demo";

/// A model is not to be found.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Neither a name that we know nor a folder.
    #[error(
        "there is no model `{0}`: give `{DEFAULT_MODEL}` (built in) or a folder that holds a Whisper model in Hugging Face layout \
         (config.json, tokenizer.json, model.safetensors)"
    )]
    Unknown(String),
    /// The installation is incomplete.
    #[error("the built-in model files assets/{asset} are missing; looked in {looked_in}. Install Hansard again", looked_in = list(.roots))]
    NotInstalled {
        /// The folder that should be there.
        asset: &'static str,
        /// Where it was looked for.
        roots: Vec<PathBuf>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

/// The folder of a Whisper model, by its name in the catalog or as a folder of the user's.
pub fn whisper_folder(name: &str, paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    if name == DEFAULT_MODEL {
        return built_in("demo/models/whisper-demo", paths);
    }
    let folder = Path::new(name);
    if folder.is_dir() { Ok(folder.to_path_buf()) } else { Err(CatalogError::Unknown(name.to_owned())) }
}

/// The folder of the model that finds speech.
pub fn segmentation_folder(paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    built_in("demo/models/segmentation-demo", paths)
}

/// The cache key of a Whisper model where it computes.
pub fn whisper_key(name: &str, placement: &Placement) -> String {
    let short = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    format!("whisperx_{short}{}", placement.key_suffix())
}

/// The cache key of the segmentation model on the CPU.
pub const SEGMENTATION_KEY: &str = "pyannote_segmentation_cpu";

fn built_in(asset: &'static str, paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    paths.asset(asset).ok_or_else(|| CatalogError::NotInstalled { asset, roots: paths.asset_roots().to_vec() })
}
