//! What the user asked for in a panel, as plain values. The app carries them out after the frame is laid out, so that
//! no panel changes what the next one is about to show.

use std::path::PathBuf;

use crate::engine::JobId;
use crate::engine::models::{Level, ModelCommand, ModelKey};
use crate::export::Format;
use crate::settings::Theme;

use super::cache_order::Column;
use super::cache_state::{Removal, Tab};
use super::speakers::PanelChoice;

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
    /// Show or hide the list of speakers.
    ChooseSpeakersPanel(PanelChoice),
    /// Say how many people speak in the recordings that are opened next; `None` to find out.
    SetSpeakerCount(Option<usize>),
    /// Give a speaker a name; an empty one takes it away.
    RenameSpeaker {
        /// Who it is.
        speaker: SpeakerId,
        /// As it was typed.
        name: String,
    },
    /// Make one speaker of two.
    MergeSpeakers {
        /// Who goes.
        from: SpeakerId,
        /// Label of the one who stays.
        into: String,
    },
    /// Take back the last change of the selected transcript.
    Undo,
    /// Make it again.
    Redo,
    /// Learn the voice of a speaker.
    LearnVoice(SpeakerId),
    /// Take back what was learnt from a speaker.
    TakeBackVoice(SpeakerId),
    /// Scroll to where a speaker takes the word next.
    ShowNextTurn(SpeakerId),
    /// Anything about models.
    Models(CacheAction),
}

/// What the user wants to be done about models.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CacheAction {
    /// Show the models.
    Open(Tab),
    /// Show the recordings again.
    Close,
    /// Sort a table by a column, or the other way round if it is sorted by it.
    Sort(Level, Column),
    /// Choose a row of a table.
    Select(Level, ModelKey),
    /// Ask before removing something.
    AskToRemove(Removal),
    /// Do what was asked,
    Remove,
    /// or leave everything as it is.
    KeepAll,
    /// Use this model for the recordings that are opened next.
    Choose(String),
    /// Put models into a file; where it goes is asked next.
    Export(Vec<ModelKey>),
    /// Take models from files; which ones is asked next.
    ImportFiles,
    /// Take models from folders; which ones is asked next.
    ImportFolders,
    /// Anything that the engine can do at once.
    Tell(ModelCommand),
}

/// One speaker of one recording. The recording is named too, because a name that is still being typed is taken when
/// another recording is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SpeakerId {
    /// Place of the recording in the list.
    pub(super) recording_idx: usize,
    /// Label of the speaker.
    pub(super) label: String,
}

/// What a path is being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Models to take in.
    ImportModels,
    /// The file that these models go to.
    ExportModels(Vec<ModelKey>),
}
