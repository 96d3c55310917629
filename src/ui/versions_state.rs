//! The earlier versions of a transcript as the window knows them, from the question for them to the one that is
//! restored. No egui in here.

use crate::engine::library::{RecordingId, TranscriptVersion};

/// The versions that the user looks at, if they do.
#[derive(Debug, Default)]
pub(super) struct VersionsView {
    shown: Option<(RecordingId, Versions)>,
}

/// What is known of the versions of one transcript.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// Nothing yet.
    Awaited,
    /// They are these, newest first.
    Known(Vec<TranscriptVersion>),
    /// One of them is about to be the newest.
    Restoring,
}

/// Why a version is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The user chose it.
    Chosen,
    /// The user takes back that they chose another one.
    TakenBack,
}

impl VersionsView {
    /// The recording whose versions are shown, and what is known of them.
    pub(super) fn shown(&self) -> Option<(RecordingId, &Versions)> {
        self.shown.as_ref().map(|(id, versions)| (*id, versions))
    }

    /// Shows the versions of a recording as soon as they are known.
    pub(super) fn open(&mut self, id: RecordingId) {
        self.shown = Some((id, Versions::Awaited));
    }

    /// Shows that one is being restored, where they are shown.
    pub(super) fn restore(&mut self, id: RecordingId) {
        if let Some((_, versions)) = self.shown.as_mut().filter(|(shown, _)| *shown == id) {
            *versions = Versions::Restoring;
        }
    }

    /// Shows none.
    pub(super) fn close(&mut self) {
        self.shown = None;
    }

    /// Takes in what the versions of a recording are.
    pub(super) fn take(&mut self, id: RecordingId, list: Vec<TranscriptVersion>) {
        if let Some((_, versions)) = self.shown.as_mut().filter(|(shown, _)| *shown == id)
            && *versions == Versions::Awaited
        {
            *versions = Versions::Known(list);
        }
    }
}
