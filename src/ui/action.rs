//! What the user asked for in a panel, as plain values. The app carries them out after the frame is laid out, so that
//! no panel changes what the next one is about to show.

use std::ops::Range;
use std::path::PathBuf;

use crate::engine::JobId;
use crate::engine::library::{ListOrder, NewFiles, RecordingId};
use crate::engine::models::{Level, ModelCommand, ModelKey};
use crate::engine::recording::{DeviceKind, InputDevice};
use crate::engine::results::Layer;
use crate::export::Format;
use crate::settings::{SideTab, Theme};
use crate::transcript::edit::Change;
use crate::units::{Seconds, TimeSpan};

use super::cache_order::Column;
use super::cache_state::{Removal, Tab};
use super::library_search::Period;
use super::record_captions::CaptionChoice;
use super::record_sources::Hearing;
use super::record_state::Shape;
use super::results_state::Clearing;
use super::setting_fields::SettingChange;
use super::state::PanelChoice;

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
    /// Do a job that waits before all others that do.
    DoNext(JobId),
    /// Transcribe the recording at this place of the list once more, in its place.
    Retry(usize),
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
    /// Show or hide the library.
    ChooseLibraryPanel(PanelChoice),
    /// Show or hide the panel at the right.
    ChooseSidePanel(PanelChoice),
    /// Show a tab of it.
    ShowTab(SideTab),
    /// Put the details of the selected recording on the clipboard.
    CopyDetails(String),
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
    /// Change a transcript.
    Edit {
        /// Place of the recording in the list.
        recording_idx: usize,
        /// What becomes of its transcript.
        change: Change,
    },
    /// Let the user read the outcome of something small.
    Tell(String),
    /// Anything about listening.
    Play(PlayAction),
    /// Anything about the library.
    Library(LibraryAction),
    /// Anything about models.
    Models(CacheAction),
    /// Anything about stored results.
    Results(ResultsAction),
    /// Anything about recording.
    Record(RecordAction),
    /// Anything about pages over the recordings, settings and the window itself.
    Overlay(OverlayAction),
}

/// What the user wants of pages over the recordings, of settings and of the window itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OverlayAction {
    /// Show how the selected transcript is exported.
    OpenExport,
    /// Show the settings, or leave them.
    ToggleSettings,
    /// Leave the page.
    Close,
    /// Show the sheet of shortcuts, or put it away.
    ToggleShortcuts,
    /// Put it away.
    CloseShortcuts,
    /// Show all messages, or only those that nobody has dismissed.
    ToggleMessages,
    /// Change a setting.
    Change(SettingChange),
    /// Make everything larger,
    Enlarge,
    /// or smaller,
    Reduce,
    /// or as it is usual.
    ResetSize,
    /// Ask for the folder of models and results.
    AskForCacheFolder,
    /// Export the selected transcript in the chosen format; where to is asked next.
    ExportAsChosen,
    /// Close the window; where something is being done, that is asked about first.
    CloseWindow,
    /// Close the window although something is being done,
    Quit,
    /// or leave it open.
    KeepRunning,
}

/// What the user wants of the library.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LibraryAction {
    /// These rows of the list came into view.
    LookAt(Range<usize>),
    /// Change the order of the list.
    Arrange(ListOrder),
    /// Limit list and search to a folder, or to none.
    LimitToFolder(Option<PathBuf>),
    /// Ask for the list again.
    TryAgain,
    /// Look for these words.
    Type(String),
    /// Limit the search to what somebody said; empty for everybody.
    LimitToSpeaker(String),
    /// Limit the search to recordings that are not older.
    LimitToPeriod(Period),
    /// Show a recording.
    Open {
        /// Its number.
        id: RecordingId,
        /// Its file.
        path: PathBuf,
    },
    /// Show the passage at this place of those found.
    ShowHit(usize),
    /// Queue a recording.
    Transcribe(PathBuf),
    /// Take a recording out of the library.
    Remove(RecordingId),
    /// Replace the tags and the note of a recording.
    Describe {
        /// The recording.
        id: RecordingId,
        /// Its tags.
        tags: Vec<String>,
        /// Anything to remember.
        note: String,
    },
    /// Show the earlier versions of the transcript of a recording,
    ShowVersions(RecordingId),
    /// or put them away.
    CloseVersions,
    /// Make a version of the transcript of a recording the newest one.
    Restore {
        /// The recording.
        id: RecordingId,
        /// The number of the version.
        version: usize,
    },
    /// Put the path of a recording on the clipboard.
    CopyPath(PathBuf),
    /// Look after a folder; which one is asked next.
    AskForFolders(NewFiles),
    /// Leave a folder alone.
    Unwatch(PathBuf),
}

/// What the user wants of recording.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RecordAction {
    /// Show the page for it,
    Open,
    /// or the recordings again.
    Close,
    /// Record.
    Start,
    /// End the recording.
    Stop,
    /// Leave out what comes.
    Pause,
    /// Go on after that.
    Resume,
    /// Mark the place.
    Mark,
    /// See which devices there are by now.
    LookForDevices,
    /// Choose what is listened to.
    Hear(Hearing),
    /// Choose a device of a kind; `None` for the default one.
    ChooseDevice(DeviceKind, Option<InputDevice>),
    /// Choose whether captions are made.
    ChooseCaptions(CaptionChoice),
    /// Make the window small, or as it was.
    SetShape(Shape),
    /// End the recording, and close the window then.
    Quit,
    /// Neither.
    Stay,
}

/// What the user wants to hear.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlayAction {
    /// Play, or pause if it plays.
    Toggle,
    /// Go to a time.
    Seek(Seconds),
    /// Go to a time and play.
    PlayFrom(Seconds),
    /// Go a while forward, or backward if it is negative.
    Jump(Seconds),
    /// Play so many times as fast.
    SetSpeed(f64),
    /// Play so loud, 0 to 1.
    SetVolume(f32),
    /// Play silence, or leave it out.
    SetSilence(Silence),
    /// Play a part again and again, or none.
    Loop(Option<TimeSpan>),
    /// Find out which devices there are.
    ListDevices,
    /// Play through another device; `None`: the default one.
    ChooseDevice(Option<String>),
}

/// What becomes of parts in which nobody speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Silence {
    /// They are played like all others.
    #[default]
    Played,
    /// They are passed over.
    LeftOut,
}

/// What the user wants to be done about stored results.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ResultsAction {
    /// Choose a row of the table.
    Select(Layer),
    /// Ask before removing something.
    AskToClear(Clearing),
    /// Do what was asked,
    Clear,
    /// or leave everything as it is.
    KeepAll,
    /// Look at every result.
    Verify,
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
    /// Folders to look after.
    Watch(NewFiles),
    /// The folder of models and results.
    CacheFolder,
    /// Models to take in.
    ImportModels,
    /// The file that these models go to.
    ExportModels(Vec<ModelKey>),
}
