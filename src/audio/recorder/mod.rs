//! Sound from devices into a file that is a whole recording at any moment, whatever happens to the program.
//!
//! ```text
//! device's thread                 the thread that calls Recording::tick
//! callback ──rtrb ring, 20 s──▶ feed ──▶ track ──▶ recording ──▶ wave file    journal
//!            (copies only)      gaps     time       channels      sizes        which files are unfinished,
//!                                        stays      joined,       follow       markers; repair reads it
//!                                        true       level         the sound
//! ```
//! - Time in the file is true: what is lost becomes silence of the same length. How much was lost is known exactly where
//!   the ring was full, and by the computer's clock, to a few hundredths of a second, where a device skipped or was away.
//! - Every 0.4 s the sound is forced onto the disk, and only then the header states it. So the header never promises
//!   what is not there, and a file that nobody ended is right but for its last moments, which [`repair_unfinished`] adds
//!   at the next start.
//! - Two devices are two channels. The first one's clock is that of the file. The second is resampled, by so little more
//!   or less that it neither falls behind nor runs ahead: clocks of two devices differ by some seconds a day.
//! - Files are 16-bit PCM and never replace others. Beyond 4 GB they become RF64, for which room is in every header.
//!
//! Nothing here makes threads but the sources do. Who holds a [`Recording`] calls [`Recording::tick`] some fifty times a
//! second. It is the reader `audio/decode.rs` that reads such files again.

mod clock;
mod converter;
mod feed;
mod file_source;
mod journal;
mod level;
mod recording;
mod repair;
mod source;
mod tap;
mod track;
mod wave_file;
mod wave_header;

use std::num::NonZero;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use feed::{Feed, Intake, ring};
pub use level::Level;
pub use recording::{Ended, Finished, Happening, Output, Plan, RecordError, Recording};
pub use repair::{Repaired, repair_unfinished};
pub use source::{Input, SourceError};
pub use tap::{Heard, Tap, tap};

/// How the samples of a stream are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundFormat {
    /// Samples a second, of each channel.
    pub rate_hz: NonZero<u32>,
    /// Channels; their samples take turns.
    pub n_channels: NonZero<u16>,
}

impl SoundFormat {
    /// A format with these numbers; `None` if one is zero.
    pub fn new(rate_hz: u32, n_channels: u16) -> Option<Self> {
        Some(Self { rate_hz: NonZero::new(rate_hz)?, n_channels: NonZero::new(n_channels)? })
    }

    /// Seconds that so many frames last.
    pub(super) fn secs(self, n_frames: u64) -> f64 {
        n_frames as f64 / f64::from(self.rate_hz.get())
    }

    /// Channels, as a count.
    pub(super) fn channels(self) -> usize {
        usize::from(self.n_channels.get())
    }
}

/// A place in a recording that the user marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The frame that it stands before.
    pub at_frame: u64,
    /// What the user called it; empty for nothing.
    pub label: String,
}

/// The folder in which journals of unfinished recordings lie, below the one for recordings.
pub fn journal_folder(recordings: &Path) -> PathBuf {
    recordings.join("unfinished")
}
