//! What plays sound, seen from the player: devices that can be chosen, and the one that is open. The real ones are in
//! `audio/playback.rs`; tests bring their own, which pull.

use crate::audio::microphone::{MicrophoneError, Standing};

use super::ring::Inlet;

/// A device that plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputDevice {
    /// Its name among all devices of this system; does not change.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is taken when none is named.
    pub standing: Standing,
}

/// Why nothing can be heard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// There is no device.
    #[error(
        "there is no device that plays sound; plug one in, or see in the system's sound settings why there is none"
    )]
    NoDevice,
    /// None has this name, or more than one has it as a part of its name.
    #[error("{how_many} device that plays is called {name:?}; choose one of these: {}", known.join(", "))]
    NotFound {
        /// The name that was asked for.
        name: String,
        /// `no` or `more than one`.
        how_many: &'static str,
        /// The names there are.
        known: Vec<String>,
    },
    /// The system refuses it.
    #[error("{device} cannot play: {reason}; see whether another program has it, or choose another device")]
    Refused {
        /// The device, or what was asked of the system.
        device: String,
        /// What the system said.
        reason: String,
    },
    /// It does not answer.
    #[error("{device} does not answer; unplug it and plug it in again, or restart the system's sound service")]
    Unanswered {
        /// The device, or what was asked of the system.
        device: String,
    },
}

/// Devices are looked for in the same way for both directions, and not found for the same reasons.
impl From<MicrophoneError> for OutputError {
    fn from(error: MicrophoneError) -> Self {
        match error {
            MicrophoneError::NoDevice | MicrophoneError::NoSystemAudio => Self::NoDevice,
            MicrophoneError::NotFound { name, how_many, known } => Self::NotFound { name, how_many, known },
            MicrophoneError::Refused { device, reason } => Self::Refused { device, reason },
            MicrophoneError::Unanswered { device } => Self::Unanswered { device },
        }
    }
}

/// The devices of a system.
pub trait Outputs: Send {
    /// All that play, the default one first, then by name.
    fn devices(&self) -> Result<Vec<OutputDevice>, OutputError>;

    /// Opens one by its id, its name or a part of its name; `None`: the default one.
    fn open(&self, device: Option<&str>) -> Result<Box<dyn Output>, OutputError>;
}

/// A device that is open. Dropping this closes it.
pub trait Output: Send {
    /// What people call it.
    fn name(&self) -> &str;

    /// Where its sound goes in.
    fn inlet(&mut self) -> &mut Inlet;

    /// Why it plays nothing any more, once it does not.
    fn loss(&mut self) -> Option<String>;

    /// Need not play for a while. Devices that cannot rest play silence.
    fn rest(&mut self);

    /// Plays again after a rest.
    fn wake(&mut self) -> Result<(), OutputError>;
}
