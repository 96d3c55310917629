//! The stages of a job, one file each: a stage is a function of samples, weights and parameters. It loads no model and
//! knows no cache and no file. Those that take long work piece by piece, and go on where another run stopped
//! ([`resume`]).
//!
//! Who speaks when is looked at once, in windows ([`segmentation`]); where speech is and whose it is both come from that.
//!
//! Text is made in one of two modes. In the batched one, speech is found first ([`speech`]) and becomes chunks
//! ([`chunk`]), many of which are decoded together ([`transcribe`]). In the sequential one ([`sequential`]), windows
//! follow one another through the whole recording. Both share [`options`], [`attempts`] and [`guards`]. Then its words get
//! their times ([`align`]), the windows' speakers become those of the recording ([`diarize`]), with voices
//! ([`window_voices`]) and perhaps names ([`recognise`]), and every word gets its speaker ([`assemble`]).

pub mod align;
pub mod assemble;
pub mod attempts;
pub mod chunk;
pub mod diarize;
pub mod guards;
pub mod live;
pub mod options;
pub mod recognise;
pub mod resume;
pub mod segmentation;
pub mod sequential;
pub mod speech;
pub mod transcribe;
pub mod window_voices;

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
    /// The model cannot say when something was said.
    #[error("the model has no timestamps, which the sequential mode needs; use the batched mode")]
    NoTimestamps,
    /// The graphics card gave up.
    #[error(transparent)]
    Device(#[from] crate::nn::whisper::DeviceError),
    /// The model's tokenizer broke down.
    #[error("the model's tokenizer failed: {0}")]
    Tokenizer(#[from] crate::nn::whisper::ConfigError),
}
