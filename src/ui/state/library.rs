//! What events and wishes about the library do to the recordings of the window: which one is shown and where, which
//! changes are kept, and what has to be done elsewhere.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::library::{LibraryCommand, NewFiles, RecordingEntry, RecordingId};
use crate::ui::action::LibraryAction;
use crate::ui::cache_state::Told;
use crate::ui::library_state::{KeptText, News, OpenedRecording, RestoredTranscript};
use crate::ui::library_words::Sought;
use crate::ui::recording::{Phase, Recording};
use crate::ui::texts::{text, text_with};
use crate::ui::versions_state::Cause;

use super::State;

/// What has to be done outside of the state for the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ui) enum LibraryWish {
    /// Queue a recording.
    Transcribe(PathBuf),
    /// Put a text on the clipboard.
    Copy(String),
    /// Ask for folders to look after.
    AskForFolders(NewFiles),
}

impl State {
    /// Whether the recording of an entry of the library is the one that is shown.
    pub(in crate::ui) fn is_shown(&self, entry: &RecordingEntry) -> bool {
        match self.library.opening() {
            Some(opening) => opening == entry.id,
            None => self.selected().is_some_and(|(_, recording)| is_of(recording, entry.id, &entry.path)),
        }
    }

    /// How far the job of an entry of the library is, while there is one.
    pub(in crate::ui) fn job_status(&self, entry: &RecordingEntry) -> Option<String> {
        let is_at_work = |recording: &&Recording| {
            is_of(recording, entry.id, &entry.path) && (recording.is_unfinished() || recording.phase == Phase::Stopping)
        };
        self.recordings.iter().rev().find(is_at_work).map(Recording::status)
    }

    /// Where to scroll to, once.
    pub(in crate::ui) fn take_sought(&mut self) -> Option<(usize, Sought)> {
        self.sought.take()
    }

    /// Does what the user wants of the library, and returns what somebody else has to do for it.
    pub(in crate::ui) fn perform_library(&mut self, action: LibraryAction) -> Option<LibraryWish> {
        let library = &mut self.library;
        match action {
            LibraryAction::LookAt(rows) => library.pages.look_at(&rows),
            LibraryAction::Arrange(order) => library.pages.arrange(order),
            LibraryAction::LimitToFolder(folder) => library.pages.limit_to(folder),
            LibraryAction::TryAgain => library.pages.refresh(),
            LibraryAction::Type(typed) => library.search.type_words(typed),
            LibraryAction::LimitToSpeaker(speaker) => library.search.limit_to_speaker(speaker),
            LibraryAction::LimitToPeriod(period) => library.search.limit_to_period(period, now_secs()),
            LibraryAction::Open { id, path } => self.open_kept(id, &path, None),
            LibraryAction::ShowHit(hit_idx) => {
                if let Some(hit) = library.search.hits().get(hit_idx) {
                    let (id, path, sought) = (hit.recording, hit.path.clone(), Sought::of(hit));
                    self.open_kept(id, &path, Some(sought));
                }
            }
            LibraryAction::Remove(id) => self.remove_kept(id),
            LibraryAction::Describe { id, tags, note } => {
                library.tell(LibraryCommand::Describe { recording: id, tags, note });
            }
            LibraryAction::ShowVersions(id) => library.show_versions(id),
            LibraryAction::CloseVersions => library.versions.close(),
            LibraryAction::Restore { id, version } => self.restore(id, version, Cause::Chosen),
            LibraryAction::Unwatch(folder) => library.unwatch(folder),
            LibraryAction::Transcribe(path) => return Some(LibraryWish::Transcribe(path)),
            LibraryAction::CopyPath(path) => return Some(LibraryWish::Copy(path.display().to_string())),
            LibraryAction::AskForFolders(new_files) => return Some(LibraryWish::AskForFolders(new_files)),
        }
        None
    }

    /// Has a version of the transcript of a recording made the newest one, after all that was changed is kept.
    pub(super) fn restore(&mut self, id: RecordingId, version: usize, cause: Cause) {
        for save in self.recordings.iter_mut().filter_map(Recording::take_save) {
            self.library.tell(save);
        }
        self.library.restore(id, version, cause);
    }

    /// What the engine is to be asked of the library now.
    pub(in crate::ui) fn library_due(&mut self) -> Option<LibraryCommand> {
        for save in self.recordings.iter_mut().filter_map(Recording::take_save) {
            self.library.tell(save);
        }
        let shown = self.selected().and_then(|(_, recording)| recording.library);
        if let Some(id) = self.side.due(shown) {
            self.library.ask_last_job(id);
        }
        self.library.due()
    }

    /// Takes in what came of a question to the library.
    pub(super) fn take_news(&mut self, news: News) {
        match news {
            News::Told(told) => self.tell(told),
            News::Opened(opened) => self.take_opened(*opened),
            News::Restored(restored) => self.take_restored(&restored),
            News::Estimated(estimates) => self.take_estimates(estimates),
            News::JobListed { job, path } => {
                if let Some(recording) = self.recording_of(job) {
                    recording.path = path;
                }
            }
            News::Located { recording_idx, id, kept } => {
                let Some(recording) = self.recordings.get_mut(recording_idx) else { return };
                recording.library = Some(id);
                if kept == KeptText::Edited {
                    recording.await_kept();
                    self.library.fetch(id);
                }
            }
            News::LastJob(job) => self.side.take(job),
            News::NotLocated { recording_idx } => {
                if let Some(recording) = self.recordings.get(recording_idx) {
                    let warning = text_with("library-not-kept", &[("name", recording.name().into())]);
                    self.tell(Told::Warning(warning));
                }
            }
        }
    }

    fn take_opened(&mut self, opened: OpenedRecording) {
        let OpenedRecording { entry, transcript, changes, wanted } = opened;
        if let Some(transcript) = &transcript {
            for recording in self.recordings.iter_mut().filter(|recording| recording.library == Some(entry.id)) {
                recording.take_kept(transcript, &changes);
            }
        }
        let Some(opening) = wanted else { return };
        let is_it = |recording: &Recording| recording.library == Some(opening.id) && !recording.is_of_session();
        let recording_idx = match self.recordings.iter().position(is_it) {
            // Its changes may be newer than what was told.
            Some(recording_idx) if self.recordings[recording_idx].phase == Phase::Done => recording_idx,
            Some(recording_idx) => {
                let known = &mut self.recordings[recording_idx];
                let revision = known.revision;
                *known = Recording::kept(entry, transcript, changes);
                known.revision += revision;
                recording_idx
            }
            None => self.add(Recording::kept(entry, transcript, changes)),
        };
        self.select(recording_idx);
        self.sought = opening.sought.map(|sought| (recording_idx, sought));
    }

    fn take_restored(&mut self, restored: &RestoredTranscript) {
        let RestoredTranscript { id, transcript, changes, replaced, cause } = restored;
        // Who takes back once more wants the change before that one.
        let (replaced, notice) = match cause {
            Cause::Chosen => (*replaced, text("versions-restored")),
            Cause::TakenBack => (None, text("versions-taken-back")),
        };
        let is_it = |recording: &&mut Recording| recording.library == Some(*id) && recording.can_edit();
        for recording in self.recordings.iter_mut().filter(is_it) {
            recording.take_restored(transcript, changes, replaced);
        }
        self.set_notice(notice);
    }

    /// Shows a recording of the library: as it is in this window, or as the library has it.
    fn open_kept(&mut self, id: RecordingId, path: &Path, sought: Option<Sought>) {
        let is_here = |recording: &Recording| {
            let is_at_work = recording.is_unfinished() || recording.phase == Phase::Stopping;
            // A passage can be shown only where the text is.
            is_of(recording, id, path) && (recording.phase == Phase::Done || (is_at_work && sought.is_none()))
        };
        match self.recordings.iter().rposition(is_here) {
            Some(recording_idx) => {
                self.select(recording_idx);
                self.sought = sought.map(|sought| (recording_idx, sought));
            }
            None => self.library.open(id, sought),
        }
    }

    /// Takes a recording out of the library. What is known of it in this window stays, but is no longer kept.
    fn remove_kept(&mut self, id: RecordingId) {
        self.library.tell(LibraryCommand::Remove(vec![id]));
        if self.selected().is_some_and(|(_, recording)| recording.library == Some(id) && !recording.is_of_session()) {
            self.selected_idx = None;
        }
        let of_session = self.recordings.iter_mut().filter(|recording| recording.is_of_session());
        for recording in of_session.filter(|recording| recording.library == Some(id)) {
            recording.library = None;
        }
    }
}

/// Whether a recording of this window is one of the library.
fn is_of(recording: &Recording, id: RecordingId, path: &Path) -> bool {
    recording.library.map_or(recording.job.is_some() && recording.path == path, |library| library == id)
}

/// Seconds since 1970.
fn now_secs() -> i64 {
    // A clock before 1970 is wrong in any case.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
