//! Which models there are and where their files lie. Nothing is loaded here.

use std::path::{Path, PathBuf};

use crate::paths::AppPaths;

use super::aligners::aligner_of;
use super::device::Placement;

/// The model that is used while no other is chosen: the small one that ships with Hansard.
pub const DEFAULT_MODEL: &str = "demo";

/// The diarization model that is used while no other is chosen: the small one that ships with Hansard.
pub const DEFAULT_DIARIZATION: &str = "demo";

/// The language of the aligner that ships with Hansard.
const BUILT_IN_ALIGNER: (&str, &str) = ("en", "demo/models/wav2vec2-align-demo");

/// A model is not to be found.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Neither a name that we know nor a folder.
    #[error(
        "there is no model `{0}`: give `{DEFAULT_MODEL}` (built in) or a folder that holds a Whisper model in Hugging Face layout \
         (config.json, tokenizer.json, model.safetensors)"
    )]
    Unknown(String),
    /// Neither a name that we know nor a folder of a diarization model.
    #[error(
        "there is no diarization model `{0}`: give `{DEFAULT_DIARIZATION}` (built in) or a folder that holds the config.yaml of a \
         pipeline of pyannote's"
    )]
    UnknownDiarization(String),
    /// Published behind a gate, and not here.
    #[error(
        "the model `{0}` is not on this machine. It is gated: accept its conditions at https://huggingface.co/{0} with your \
         account, download it, and give its folder; or use `{DEFAULT_DIARIZATION}`, which is built in"
    )]
    Gated(String),
    /// A diarization model names a network that is not beside it.
    #[error("{} names the network `{name}`, but {} does not exist; {}", config.display(), looked_for.display(), advice_on(name))]
    MissingPart {
        /// The file that names it.
        config: PathBuf,
        /// Its name there.
        name: String,
        /// Where it should be.
        looked_for: PathBuf,
    },
    /// No aligner for a language.
    #[error("there is no aligner for the language `{language}` on this machine{advice}")]
    NoAligner {
        /// The language's code.
        language: String,
        /// Where to get one, if that is known.
        advice: String,
    },
    /// The installation is incomplete.
    #[error("the built-in model files assets/{asset} are missing; looked in {looked_in}. Install Hansard again", looked_in = list(.roots))]
    NotInstalled {
        /// The folder that should be there.
        asset: &'static str,
        /// Where it was looked for.
        roots: Vec<PathBuf>,
    },
}

/// What to do about a part of a diarization model that is missing.
fn advice_on(name: &str) -> String {
    match name.split_once('/') {
        Some(("pyannote", _)) => format!(
            "it is gated: accept its conditions at https://huggingface.co/{name} with your account and download it into \
             that folder, or use `{DEFAULT_DIARIZATION}`, which is built in"
        ),
        Some((owner, repository)) if !owner.starts_with(['.', '$']) && !repository.contains('/') => {
            format!("download https://huggingface.co/{name} into that folder")
        }
        _ => "install the whole model again".to_owned(),
    }
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

/// The folder of a diarization model, by its name in the catalog or as a folder of the user's.
pub fn diarization_folder(name: &str, paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    if name == DEFAULT_DIARIZATION {
        return built_in("demo/models/diarization-demo", paths);
    }
    let folder = Path::new(name);
    if folder.is_dir() {
        Ok(folder.to_path_buf())
    } else if name.starts_with("pyannote/") {
        Err(CatalogError::Gated(name.to_owned()))
    } else {
        Err(CatalogError::UnknownDiarization(name.to_owned()))
    }
}

/// The folder of a network that the configuration of a diarization model names: relative to the folder of the
/// configuration, `$model/NAME` inside it, or `OWNER/NAME` of the Hugging Face hub as a folder NAME inside it or beside it.
pub fn part_folder(config: &Path, name: &str) -> Result<PathBuf, CatalogError> {
    let folder = config.parent().unwrap_or(Path::new("."));
    let inside = name.strip_prefix("$model/").or_else(|| name.rsplit('/').next()).unwrap_or(name);
    let candidates = [folder.join(name), folder.join(inside), folder.join("..").join(inside)];
    let found = candidates.iter().find(|candidate| candidate.is_dir()).cloned();
    found.ok_or_else(|| {
        let [_, looked_for, _] = candidates;
        CatalogError::MissingPart { config: config.to_path_buf(), name: name.to_owned(), looked_for }
    })
}

/// The folder of the aligner for a language.
pub fn aligner_folder(language: &str, paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    let (built_in_language, asset) = BUILT_IN_ALIGNER;
    if language == built_in_language {
        return built_in(asset, paths);
    }
    let advice = aligner_of(language).map_or_else(String::new, |name| {
        format!("; https://huggingface.co/{name} has one, whose folder --align-model takes")
    });
    Err(CatalogError::NoAligner { language: language.to_owned(), advice })
}

/// The folder of the model that recognises speakers.
pub fn recogniser_folder(paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    built_in("demo/models/ecapa-demo", paths)
}

/// The cache key of the segmentation model on the CPU.
pub const SEGMENTATION_KEY: &str = "pyannote_diarization_cpu";
/// The cache key of the speaker recognition model on the CPU.
pub const ECAPA_KEY: &str = "ecapa_tdnn_cpu";
/// The cache key of WeSpeaker's embedding model on the CPU.
pub const WESPEAKER_KEY: &str = "wespeaker_resnet34_cpu";

/// The cache key of the aligner of a language on the CPU.
pub fn aligner_key(language: &str) -> String {
    format!("whisperx_align_{language}_cpu")
}

fn built_in(asset: &'static str, paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    paths.asset(asset).ok_or_else(|| CatalogError::NotInstalled { asset, roots: paths.asset_roots().to_vec() })
}
