//! Which models there are ([`entries`]), where the files of those lie that ship with Hansard or that the user names as
//! a folder, and what they are called in the cache. Nothing is loaded or fetched here.

mod entries;
mod near;

use std::path::{Path, PathBuf};

use crate::nn::ComputeType;
use crate::paths::AppPaths;

use super::aligners::aligner_of;
use super::device::{ComputeDevice, Placement};
use super::key::ModelKey;

pub use entries::{Access, Entry, Family, Languages, Source, Wanted, entries};

use near::did_you_mean;

/// The model that is used while no other is chosen: the small one that ships with Hansard.
pub const DEFAULT_MODEL: &str = "demo";

/// The diarization model that is used while no other is chosen: the small one that ships with Hansard.
pub const DEFAULT_DIARIZATION: &str = "demo";

/// The folder of the Whisper model that ships with Hansard, among the assets.
const DEMO_WHISPER: &str = "demo/models/whisper-demo";

/// The end of the keys of models that compute in one way only.
const ON_THE_PROCESSOR: &str = "_cpu";

/// The ends of the keys of Whisper models, as [`Placement::key_suffix`] writes them, and what to ask for to get there.
const WHISPER_PLACES: [(&str, ComputeDevice, ComputeType); 6] = [
    (ON_THE_PROCESSOR, ComputeDevice::Cpu, ComputeType::Int8),
    ("-f32_cpu", ComputeDevice::Cpu, ComputeType::F32),
    ("_cuda", ComputeDevice::Cuda, ComputeType::Int8),
    ("-f32_cuda", ComputeDevice::Cuda, ComputeType::F32),
    ("_metal", ComputeDevice::Metal, ComputeType::Int8),
    ("-f32_metal", ComputeDevice::Metal, ComputeType::F32),
];
const OTHER_PLACES: [(&str, ComputeDevice, ComputeType); 1] =
    [(ON_THE_PROCESSOR, ComputeDevice::Cpu, ComputeType::F32)];

/// The language of the aligner that ships with Hansard.
const BUILT_IN_ALIGNER: (&str, &str) = ("en", "demo/models/wav2vec2-align-demo");

/// A model is not to be found.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Neither a name that we know nor a folder.
    #[error(
        "there is no model `{asked}`: give `{DEFAULT_MODEL}` (built in), a size that `hansard models list` shows, or \
         a folder that holds a Whisper model in Hugging Face layout (config.json, tokenizer.json, model.safetensors)\
         {near}"
    )]
    Unknown {
        /// The name.
        asked: String,
        /// Names that are nearly the same, as a clause of the sentence, or nothing.
        near: String,
    },
    /// Nothing of this name can be fetched.
    #[error("the catalog has no model `{asked}`; `hansard models list --all` shows all{near}")]
    NotListed {
        /// The name.
        asked: String,
        /// Names that are nearly the same, as a clause of the sentence, or nothing.
        near: String,
    },
    /// Known, but its files are not here.
    #[error(
        "the model `{name}` is not on this machine; `hansard models pull {name}` fetches it ({megabytes} MB), or give \
         a folder that holds it",
        megabytes = .download_bytes.div_ceil(1_000_000)
    )]
    NotHere {
        /// Its name.
        name: String,
        /// Its size on the hub.
        download_bytes: u64,
    },
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

/// The entry of a model, by its name or by its repository on the hub.
pub fn entry_of(name: &str) -> Result<&'static Entry, CatalogError> {
    let is_meant = |entry: &&Entry| entry.name == name || entry.repository() == Some(name);
    entries().iter().find(is_meant).ok_or_else(|| {
        let near = did_you_mean(name, entries().iter().map(|entry| entry.name.as_str()));
        CatalogError::NotListed { asked: name.to_owned(), near }
    })
}

/// The key of a model where it computes. All but Whisper compute on the processor.
pub fn key_of(entry: &Entry, placement: &Placement) -> ModelKey {
    let key = match entry.family {
        Family::Whisper => whisper_key(&entry.name, placement),
        Family::Aligner | Family::Segmentation | Family::Embedding | Family::Diarization => {
            format!("{}{ON_THE_PROCESSOR}", entry.key_stem)
        }
    };
    ModelKey::new(&key).expect("names in the catalog are made of letters, digits, `.`, `_` and `-`")
}

/// The model that a key stands for, and what to ask for to have it under this key; `None` for keys of the user's own
/// folders.
pub fn entry_of_key(key: &str) -> Option<(&'static Entry, ComputeDevice, ComputeType)> {
    entries().iter().find_map(|entry| {
        let suffix = key.strip_prefix(entry.key_stem.as_str())?;
        let places: &[(&str, ComputeDevice, ComputeType)] = match entry.family {
            Family::Whisper => &WHISPER_PLACES,
            Family::Aligner | Family::Segmentation | Family::Embedding | Family::Diarization => &OTHER_PLACES,
        };
        let (_, device, compute_type) = places.iter().find(|(of_place, ..)| *of_place == suffix)?;
        Some((entry, *device, *compute_type))
    })
}

/// The folder of a Whisper model, by its name in the catalog or as a folder of the user's.
pub fn whisper_folder(name: &str, paths: &AppPaths) -> Result<PathBuf, CatalogError> {
    if name == DEFAULT_MODEL {
        return built_in(DEMO_WHISPER, paths);
    }
    let folder = Path::new(name);
    if folder.is_dir() {
        return Ok(folder.to_path_buf());
    }
    match entries().iter().find(|entry| entry.family == Family::Whisper && entry.name == name) {
        Some(entry) => {
            Err(CatalogError::NotHere { name: entry.name.clone(), download_bytes: entry.download_bytes.unwrap_or(0) })
        }
        None => Err(unknown_whisper(name)),
    }
}

fn unknown_whisper(name: &str) -> CatalogError {
    let sizes = entries().iter().filter(|entry| entry.family == Family::Whisper).map(|entry| entry.name.as_str());
    CatalogError::Unknown { asked: name.to_owned(), near: did_you_mean(name, sizes) }
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
        format!("; `hansard models pull align-{language}` fetches one ({name}), or --align-model takes a folder")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_name_its_repository_and_its_keys() {
        let mut keys = Vec::new();
        for entry in entries() {
            assert_eq!(entry_of(&entry.name).ok(), Some(entry));
            if let Some(repository) = entry.repository() {
                assert_eq!(entry_of(repository).ok(), Some(entry));
            }
            let key = key_of(entry, &Placement::Cpu(ComputeType::Int8));
            let (of_key, device, compute_type) = entry_of_key(key.as_str()).expect("a key of the catalog");
            assert_eq!((of_key, device), (entry, ComputeDevice::Cpu), "{key}");
            assert_eq!(compute_type == ComputeType::Int8, entry.family == Family::Whisper, "{key}");
            for part in entry.parts {
                assert!(entry_of(part).is_ok(), "{}: {part}", entry.name);
            }
            keys.push(key);
        }
        let n_keys = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), n_keys, "two entries share a key");
        for (key, expected) in [
            ("whisperx_large-v3_cuda", Some(("large-v3", ComputeDevice::Cuda, ComputeType::Int8))),
            ("whisperx_large-v3-f32_cpu", Some(("large-v3", ComputeDevice::Cpu, ComputeType::F32))),
            ("whisperx_large-v3-turbo_cpu", Some(("large-v3-turbo", ComputeDevice::Cpu, ComputeType::Int8))),
            ("whisperx_align_vi_cpu", Some(("align-vi", ComputeDevice::Cpu, ComputeType::F32))),
            ("whisperx_align_vi_cuda", None),
            ("whisperx_my-model_cpu", None),
            ("", None),
        ] {
            let found = entry_of_key(key).map(|(entry, device, how)| (entry.name.as_str(), device, how));
            assert_eq!(found, expected, "{key}");
        }
    }

    #[test]
    fn whoever_mistypes_a_name_is_told_those_near_it() {
        for (asked, expected) in [
            ("smal", "shows all; did you mean `small` or `small.en`?"),
            ("turbo", "shows all; did you mean `large-v3-turbo`?"),
            ("Large-V3", "shows all; did you mean `large-v3` or `large-v2` or `large-v3-turbo`?"),
            ("llama", "no model `llama`; `hansard models list --all` shows all"),
        ] {
            let error = entry_of(asked).expect_err(asked).to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(folder.path());
        for (asked, expected) in [
            ("small", "`small` is not on this machine; `hansard models pull small` fetches it (970 MB), or give"),
            ("smal", "model.safetensors); did you mean `small` or `small.en`?"),
        ] {
            let error = whisper_folder(asked, &paths).expect_err(asked).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
