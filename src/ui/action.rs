//! What the user asked for in a panel, as plain values. The app carries them out after the frame is laid out, so that
//! no panel changes what the next one is about to show.

use std::path::PathBuf;

use crate::engine::JobId;
use crate::export::Format;
use crate::settings::Theme;

/// A wish of the user.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Transcribe the bundled meeting.
    TryDemo,
    /// Show the dialog for opening recordings.
    AskForRecordings,
    /// Show the field for typing the path of a recording.
    AskForPath,
    /// Queue these recordings.
    Open(Vec<PathBuf>),
    /// Take what was typed into the path field.
    AcceptPath(PathBuf),
    /// Hide the path field.
    ClosePathBar,
    /// Show the recording at this place of the list.
    Select(usize),
    /// Stop a job.
    Cancel(JobId),
    /// Export the selected transcript; where to is asked next.
    Export(Format),
    /// Put the selected transcript on the clipboard.
    CopyTranscript,
    /// Put a message on the clipboard.
    CopyMessage(String),
    /// Remove the message with this number.
    Dismiss(u64),
    /// Change the colours.
    SetTheme(Theme),
}

/// What a path is being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Recordings to transcribe.
    Open,
    /// The file that a transcript goes to.
    Export {
        /// Place of the recording in the list.
        recording_idx: usize,
        /// How it is written.
        format: Format,
    },
}
