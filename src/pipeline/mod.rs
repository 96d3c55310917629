//! The stages of a job, one file each, in the order in which data passes them. A stage is a function of samples, weights
//! and parameters: it loads no model, knows no cache and no file.

pub mod chunk;
pub mod guards;
pub mod speech;
pub mod transcribe;

use std::io;

use crate::task::Cancelled;

/// A stage could not finish.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The temporary file with the samples of a long recording cannot be read.
    #[error("cannot read back the decoded audio from the temporary folder: {0}")]
    Samples(#[from] io::Error),
    /// The model does not know the language asked for.
    #[error("the model does not know the language `{asked}`; it knows {known}")]
    UnknownLanguage {
        /// The code asked for.
        asked: String,
        /// The codes it knows.
        known: String,
    },
    /// The model was not trained to translate.
    #[error("the model cannot translate: it knows English only")]
    CannotTranslate,
    /// The model's tokenizer broke down.
    #[error("the model's tokenizer failed: {0}")]
    Tokenizer(#[from] crate::nn::whisper::ConfigError),
}
