//! What a recording listens to: a device, or a file in its place, opened to the same two ends.

use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::{Receiver, bounded, never};

use crate::audio::decode::DecodeError;
use crate::audio::microphone::{self, DeviceChoice, DeviceKind, Microphone, MicrophoneError, Notice};

use super::feed::Intake;
use super::file_source::FileSource;

/// What to listen to.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A device.
    Device(DeviceChoice),
    /// A recording in the place of a device.
    File {
        /// The recording.
        path: PathBuf,
        /// How many times faster than it was it is played.
        speed: f64,
    },
}

/// Why something cannot be listened to.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A device cannot.
    #[error(transparent)]
    Device(#[from] MicrophoneError),
    /// A file cannot.
    #[error(transparent)]
    File(#[from] DecodeError),
}

/// How the time of a source is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// By the clock: what does not come in time is missing.
    Clock,
    /// By the clock, but it may say nothing for long, as some systems do while nothing is played.
    ClockWithPauses,
    /// By what comes: it is a file.
    Sound,
}

/// Something that is listened to. It ends when this is dropped.
pub(super) struct Source {
    /// What the user knows it by.
    pub(super) name: String,
    pub(super) pace: Pace,
    pub(super) intake: Intake,
    /// What the device says.
    pub(super) notices: Receiver<Notice>,
    pub(super) player: Player,
}

/// What makes the sound; held for as long as it shall.
pub(super) enum Player {
    Device { _device: Box<Microphone> },
    File { _file: FileSource },
}

impl Source {
    /// Starts to listen.
    pub(super) fn open(input: &Input, spool_dir: &Path) -> Result<Self, SourceError> {
        match input {
            Input::Device(choice) => Ok(Self::of_device(microphone::open(choice)?)),
            Input::File { path, speed } => {
                let (file, intake) = FileSource::start(path, *speed, spool_dir)?;
                let name = path.display().to_string();
                let player = Player::File { _file: file };
                Ok(Self { name, pace: Pace::Sound, intake, notices: never(), player })
            }
        }
    }

    /// Starts to listen to the first of these that can be, which may take seconds. The channel closes without a source
    /// where none can be; what nobody waits for any more is dropped.
    pub(super) fn open_soon(inputs: Vec<Input>, spool_dir: PathBuf) -> Receiver<Self> {
        let (sender, receiver) = bounded(1);
        let failed = |error: &SourceError| tracing::debug!("a device cannot be opened again: {error}");
        let open = move || {
            let mut inputs = inputs.iter();
            if let Some(source) = inputs.find_map(|input| Self::open(input, &spool_dir).inspect_err(failed).ok()) {
                sender.send(source).ok();
            }
        };
        if let Err(error) = thread::Builder::new().name("hansard-reopen".into()).spawn(open) {
            tracing::warn!("no device can be looked for: {error}");
        }
        receiver
    }

    fn of_device((device, intake): (Microphone, Intake)) -> Self {
        let pace = match device.kind() {
            DeviceKind::Microphone => Pace::Clock,
            DeviceKind::SystemAudio => Pace::ClockWithPauses,
        };
        let (name, notices) = (device.name().to_owned(), device.notices().clone());
        Self { name, pace, intake, notices, player: Player::Device { _device: Box::new(device) } }
    }
}
