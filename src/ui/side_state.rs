//! The panel at the right: whether it is shown, which of its tabs, and what the library tells of the job behind the
//! transcript that is shown. No egui in here.

use crate::engine::library::{JobRecord, RecordingId};
use crate::settings::SideTab;

use super::state::PanelChoice;

/// What the window knows of that panel.
#[derive(Debug, Default)]
pub(super) struct SideState {
    /// Whether the user wants to see it.
    pub(super) choice: PanelChoice,
    tab: SideTab,
    /// The recording whose job was asked for last.
    asked: Option<RecordingId>,
    job: Option<KnownJob>,
}

/// What the library tells of the job that a transcript comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KnownJob {
    /// The recording.
    pub(super) recording: RecordingId,
    /// Its newest job that gave a transcript, where it is known.
    pub(super) record: Option<Box<JobRecord>>,
    /// The hash of the recording's file as it is now, where it is known.
    pub(super) file_hash: Option<String>,
}

impl SideState {
    /// The tab that is chosen.
    pub(super) fn tab(&self) -> SideTab {
        self.tab
    }

    /// Chooses a tab.
    pub(super) fn choose_tab(&mut self, tab: SideTab) {
        self.tab = tab;
        self.refresh();
    }

    /// Notes that what was told may not be so any more.
    pub(super) fn refresh(&mut self) {
        self.asked = None;
    }

    /// The recording whose job the library is to be asked for, once. `shown` is the one that is shown.
    pub(super) fn due(&mut self, shown: Option<RecordingId>) -> Option<RecordingId> {
        if self.tab != SideTab::Details || self.choice == PanelChoice::Hidden {
            return None;
        }
        let due = shown.filter(|id| self.asked != Some(*id))?;
        self.asked = Some(due);
        Some(due)
    }

    /// Takes in what the library tells.
    pub(super) fn take(&mut self, job: KnownJob) {
        self.job = Some(job);
    }

    /// What the library told of a recording.
    pub(super) fn job(&self, recording: Option<RecordingId>) -> Option<&KnownJob> {
        self.job.as_ref().filter(|job| recording == Some(job.recording))
    }
}
