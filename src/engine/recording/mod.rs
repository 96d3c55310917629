//! What can be asked about recording, and what is heard of it: plain values. The doing is in `worker`, in a thread of
//! its own: [`crate::audio::recorder`] writes, whatever else the engine does. Captions are made in yet another thread
//! (`engine::captions`), which listens in.
//!
//! One recording goes on at a time. Between [`RecordEvent::Started`] and [`RecordEvent::Finished`] or
//! [`RecordEvent::Failed`] the file is there, and whole at any moment.

mod worker;

use std::path::{Path, PathBuf};

use crate::paths::AppPaths;
use crate::units::Seconds;

pub use crate::audio::microphone::{DeviceKind, InputDevice, Standing};
pub use crate::audio::recorder::Level;
pub use crate::pipeline::live::CaptionUpdate;

pub(super) use worker::RecorderThread;

/// What the recorder is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordCommand {
    /// Tell which devices there are: [`RecordEvent::Devices`].
    ListDevices,
    /// Make recordings whole that a crash left unfinished: a [`RecordEvent::Repaired`] for each, then
    /// [`RecordEvent::RepairDone`].
    Repair,
    /// Load the models for captions, for somebody may record soon: [`RecordEvent::CaptionsReady`] or
    /// [`RecordEvent::CaptionsFailed`].
    Prepare(CaptionRequest),
    /// Record.
    Start(RecordRequest),
    /// Leave out what comes.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Mark the place.
    Mark {
        /// What the user calls it; empty for nothing.
        label: String,
    },
    /// End the recording.
    Stop,
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRequest {
    /// What is listened to.
    pub source: RecordSource,
    /// The file, which must not be there; `None`: one named after the time, in the folder for recordings.
    pub output: Option<PathBuf>,
    /// How long; `None`: until [`RecordCommand::Stop`].
    pub limit: Option<Seconds>,
    /// How captions are made meanwhile; `None`: none are.
    pub captions: Option<CaptionRequest>,
}

/// How captions are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionRequest {
    /// Name of the Whisper model, as the catalog lists it, or its folder.
    pub model: String,
    /// Code of the spoken language; `None` to detect it.
    pub language: Option<String>,
}

/// What is listened to. A device is told by its id, its name or a part of its name; `None` is the system's default.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordSource {
    /// A microphone, or any other device.
    Device(Option<String>),
    /// What this machine plays.
    System,
    /// A microphone in the first channel, what this machine plays in the second.
    Both(Option<String>),
    /// A recording in the place of a device, for tests and for trying out.
    File {
        /// The recording.
        path: PathBuf,
        /// How many times faster than it was it is played.
        speed: f64,
    },
}

/// How a recording goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordProgress {
    /// How long it is by now.
    pub duration: Seconds,
    /// How much longer it can become before the disk is full, where that is known.
    pub space_left: Option<Seconds>,
    /// How loud each channel was since the last event.
    pub levels: Vec<Level>,
}

/// A recording that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedFile {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub duration: Seconds,
    /// How much of it is silence because this machine was too busy.
    pub overrun: Seconds,
    /// Why it ended before it should: one line that says what to do. The file is whole.
    pub problem: Option<String>,
}

/// What the recorder tells.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordEvent {
    /// The devices there are; or one line that says why they are not known.
    Devices(Result<Vec<InputDevice>, String>),
    /// A recording goes on.
    Started {
        /// Its file.
        path: PathBuf,
        /// What is listened to: one name for each channel, or one for all.
        sources: Vec<String>,
    },
    /// How it goes on; some ten of these a second.
    Level(RecordProgress),
    /// Sound is left out from here,
    Paused,
    /// and not any more.
    Resumed,
    /// The place is marked.
    Marked(Seconds),
    /// A device is gone; one line that says what is done.
    Lost(String),
    /// It is there again, or another one is.
    Recovered(String),
    /// Something else that the user should know.
    Warning(String),
    /// The recording has ended.
    Finished(RecordedFile),
    /// There is no recording: one line that says why and what to do.
    Failed(String),
    /// A recording that a crash left unfinished is whole and so long; or one line that says why it is not.
    Repaired {
        /// The file.
        path: PathBuf,
        /// Its length.
        outcome: Result<Seconds, String>,
    },
    /// Nothing more is to be repaired.
    RepairDone,
    /// The models for captions are in memory.
    CaptionsReady,
    /// An utterance is further. The recording may be over by then.
    Caption(CaptionUpdate),
    /// This machine is too slow for captions at the moment, and they are so late that they thin out; 0: not any more.
    /// The recording is not touched by it.
    CaptionsBehind(Seconds),
    /// There are no captions, or no more: one line that says why and what to do. The recording goes on.
    CaptionsFailed(String),
    /// All captions of the recording that has ended are told.
    CaptionsDone,
}

/// The folder of recordings that were given no name.
pub fn recordings_dir(paths: &AppPaths) -> PathBuf {
    paths.data_dir.join("recordings")
}

/// Whether a file may become a recording: its name must say what it will be.
pub fn is_recording_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
}
