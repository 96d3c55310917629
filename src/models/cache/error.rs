//! Why a model cannot be had or loaded, in words that say what to do.

use std::path::PathBuf;
use std::sync::Arc;

use crate::files::FileError;
use crate::models::catalog::CatalogError;
use crate::models::convert::ConvertError;
use crate::models::download::DownloadError;
use crate::models::key::{InvalidKey, ModelKey};
use crate::models::memory::{DoesNotFit, GetError};
use crate::models::store::StoreError;
use crate::models::token::TokenError;
use crate::nn::checkpoint::CheckpointError;
use crate::nn::ecapa::EcapaError;
use crate::nn::resnet::ResNet34Error;
use crate::nn::sincnet_lstm::SegmentationConfigError;
use crate::nn::wav2vec2::Wav2Vec2Error;
use crate::nn::whisper::WhisperError;
use crate::task::Cancelled;

/// A model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It is no Whisper model, or a broken one.
    #[error(transparent)]
    Whisper(#[from] WhisperError),
    /// It is no aligner, or a broken one.
    #[error(transparent)]
    Wav2Vec2(#[from] Wav2Vec2Error),
    /// It is no ECAPA-TDNN, or a broken one.
    #[error(transparent)]
    Ecapa(#[from] EcapaError),
    /// It is no ResNet34 of WeSpeaker's, or a broken one.
    #[error(transparent)]
    ResNet34(#[from] ResNet34Error),
    /// The weights of the segmentation model are not right.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// Its configuration cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// Its configuration makes no sense.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: SegmentationConfigError,
    },
    /// The models on disk could not be looked at.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is on disk, but not as it can be used, and Hansard does not know where it came from.
    #[error("{reason}; import it again")]
    Unusable {
        /// What is wrong with it.
        reason: String,
    },
    /// It is on disk, but not as it can be used, and could not be had again.
    #[error("{reason}, and it cannot be had again: {source}")]
    Lost {
        /// What is wrong with it.
        reason: String,
        /// Why it cannot be had.
        #[source]
        source: Box<ObtainError>,
    },
    /// It could not be made ready to load.
    #[error(transparent)]
    Obtain(Box<ObtainError>),
    /// It is not one model but a set of several.
    #[error("`{0}` is a set of several models, which a job loads one by one when it needs them")]
    Several(String),
    /// Nobody knows what this key stands for.
    #[error("the key `{0}` stands for no model that can be loaded by itself")]
    UnknownKey(ModelKey),
    /// There is no room for it in memory.
    #[error(transparent)]
    DoesNotFit(Arc<DoesNotFit>),
    /// Whoever loaded it panicked.
    #[error("Hansard made a mistake while loading the model `{0}`. Try again, and please report it")]
    Panicked(ModelKey),
    /// A mistake of ours: two kinds of models go by one key.
    #[error("the key `{0}` stands for a model of another kind. Please report it")]
    OtherKind(ModelKey),
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// What befell somebody else who loaded it at the same time.
    #[error(transparent)]
    Shared(Arc<LoadError>),
}

impl LoadError {
    /// What is wrong with the device, if the model is sound and only cannot be where it was wanted.
    pub(super) fn about_the_device(&self) -> Option<&WhisperError> {
        if let Self::Shared(error) = self {
            return error.about_the_device();
        }
        let Self::Whisper(reason) = self else { return None };
        reason.is_about_the_device().then_some(reason)
    }
}

impl From<GetError<LoadError>> for LoadError {
    fn from(error: GetError<LoadError>) -> Self {
        match error {
            GetError::Load(error) => Arc::try_unwrap(error).unwrap_or_else(Self::Shared),
            GetError::DoesNotFit(refusal) => Self::DoesNotFit(refusal),
            GetError::Panicked(key) => Self::Panicked(key),
            GetError::OtherKind(key) => Self::OtherKind(key),
            GetError::Cancelled => Self::Cancelled(Cancelled),
        }
    }
}

impl From<ObtainError> for LoadError {
    fn from(error: ObtainError) -> Self {
        Self::Obtain(Box::new(error))
    }
}

/// A model could not be brought onto this disk.
#[derive(Debug, thiserror::Error)]
pub enum ObtainError {
    /// It could not be fetched.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// It could not be made ready to load.
    #[error(transparent)]
    Convert(ConvertError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token for the hub cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It cannot be kept under this name.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// A cache of the hub's own tools has it, but damaged, and nothing may be fetched.
    #[error("{} has other bytes than its hash says, and {source}", path.display())]
    DamagedSnapshot {
        /// The file.
        path: PathBuf,
        /// That it cannot be fetched.
        #[source]
        source: Box<DownloadError>,
    },
    /// It is more than models may take of the disk.
    #[error(
        "the model {name} needs {} MB, and the disk budget is {} MB: raise disk_budget_gb in the settings, or choose a \
         smaller model",
        megabytes(*n_bytes),
        megabytes(*budget_bytes)
    )]
    OverBudget {
        /// The model.
        name: String,
        /// Bytes that it takes.
        n_bytes: u64,
        /// Bytes that all models may take.
        budget_bytes: u64,
    },
    /// It ships with Hansard.
    #[error("the model `{0}` is built in; there is nothing to fetch")]
    BuiltIn(String),
    /// A folder that was to be imported.
    #[error(
        "{} holds no model that Hansard knows: a folder of Whisper or of an aligner has a config.json, one of pyannote a \
         config.yaml, one of SpeechBrain a hyperparams.yaml",
        folder.display()
    )]
    NoModel {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder that was to be imported holds a model for something else.
    #[error("{} holds a model of the type {found:?}; Hansard uses `whisper` and `wav2vec2`", folder.display())]
    OtherType {
        /// The folder.
        folder: PathBuf,
        /// What its configuration says.
        found: String,
    },
}

impl From<FileError> for ObtainError {
    /// A full disk, or one that cannot be written, has advice of its own there.
    fn from(error: FileError) -> Self {
        Self::Store(error.into())
    }
}

impl From<ConvertError> for ObtainError {
    fn from(error: ConvertError) -> Self {
        match error {
            ConvertError::File(error) => error.into(),
            ConvertError::Catalog(_) | ConvertError::Whisper(_) | ConvertError::OntoItself { .. } => {
                Self::Convert(error)
            }
        }
    }
}

impl ObtainError {
    /// Whether the files that it was to be made from cannot be used, so that others may help.
    pub(super) fn is_about_the_files(&self) -> bool {
        matches!(self, Self::Convert(ConvertError::Whisper(_)))
            || matches!(self, Self::Store(StoreError::File(error)) if error.action == "read")
    }

    /// Whether somebody asked to stop, and nothing is wrong.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Download(DownloadError::Cancelled) | Self::Store(StoreError::Cancelled(_)))
    }
}

/// A size for the user.
pub(super) fn megabytes(n_bytes: u64) -> u64 {
    n_bytes.div_ceil(1_000_000)
}
