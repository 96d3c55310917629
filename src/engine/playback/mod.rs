//! What can be asked of the player, and what is heard of it: plain values. The doing is in `worker`, in a thread of its
//! own around [`crate::audio::player`], whatever else the engine does.
//!
//! One recording is loaded at a time. Its peaks follow when all of it was looked through, which takes a while the first
//! time; it can be listened to meanwhile.

mod survey;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

use crate::units::{Seconds, TimeSpan};

pub use crate::audio::SoundFile;
pub use crate::audio::microphone::Standing;
pub use crate::audio::peaks::{Peak, Peaks};
pub use crate::audio::playback::SystemOutputs;
pub use crate::audio::player::{
    Frame, Inlet, Outlet, Output, OutputDevice, OutputError, Outputs, SPEEDS as PLAYBACK_SPEEDS, ring,
};

pub(super) use worker::PlayerThread;

/// What the player is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayCommand {
    /// Take this recording, at its beginning: [`PlayEvent::Loaded`], then [`PlayEvent::Peaks`].
    Load(PathBuf),
    /// Have no recording any more.
    Unload,
    /// Play from where it stands.
    Play,
    /// Stand still.
    Pause,
    /// Go to a time.
    Seek(Seconds),
    /// Go a while forward, or backward if it is negative.
    Jump(Seconds),
    /// Play so many times as fast; within [`PLAYBACK_SPEEDS`].
    SetSpeed(f64),
    /// Play so loud, 0 to 1.
    SetVolume(f32),
    /// Leave silence out, or no more. Another recording begins without.
    SkipSilence(SilenceSkipping),
    /// Play this part again and again, or no part. Another recording begins without.
    Loop(Option<TimeSpan>),
    /// Play through this device, by its id, its name or a part of its name; `None`: the default one.
    SetDevice(Option<String>),
    /// Tell which devices there are: [`PlayEvent::Devices`].
    ListDevices,
}

/// What is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SilenceSkipping {
    /// Nothing.
    #[default]
    Off,
    /// What lies between these stretches of speech.
    Between(Arc<[TimeSpan]>),
    /// What is much softer than the rest, once the peaks are known.
    ByLevel,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlayState {
    /// Whether it plays,
    pub is_playing: bool,
    /// where,
    pub position: Seconds,
    /// and how many times as fast.
    pub speed: f64,
}

/// What the player tells.
#[derive(Clone, Debug)]
pub enum PlayEvent {
    /// A recording can be listened to.
    Loaded {
        /// The recording.
        path: PathBuf,
        /// Its length, where its container tells; the peaks tell it always.
        duration: Option<Seconds>,
        /// What it is as a file.
        file: Option<SoundFile>,
    },
    /// Its outline.
    Peaks {
        /// The recording.
        path: PathBuf,
        /// The outline, which also tells how long it is.
        peaks: Arc<Peaks>,
    },
    /// Something changed: it plays or not, or stands elsewhere.
    State(PlayState),
    /// Where it is by now; some thirty of these a second while it plays.
    Position(Seconds),
    /// The devices there are; or one line that says why they are not known.
    Devices(Result<Vec<OutputDevice>, String>),
    /// What was asked was not done, or it cannot go on: one line that says why and what to do.
    Failed(String),
    /// Something that the user should know.
    Warning(String),
}
