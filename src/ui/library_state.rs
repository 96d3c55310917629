//! What the window knows of the library: its list, what is looked for in it, watched folders, and what the engine was
//! asked. The engine answers in the order in which it was asked, which is how a failure is told to belong to a question;
//! only what becomes of watching a folder is told when that has been looked through. No egui in here.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::JobId;
use crate::engine::library::{
    Estimate, LibraryCommand, LibraryEvent, ListRequest, NewFiles, RecordingEntry, RecordingId, WatchedFolder,
};
use crate::transcript::Transcript;
use crate::transcript::edit::Change;

use super::cache_state::Told;
use super::library_pages::Pages;
use super::library_search::Search;
use super::library_words::Sought;
use super::related::related_notice;
use super::side_state::KnownJob;
use super::versions_state::{Cause, VersionsView};

/// Recordings of one name that are told apart by their folders when one of them is looked up.
const MAX_NAMESAKES: usize = 100;

/// All that the window shows of the library, but for transcripts.
#[derive(Debug, Default)]
pub(super) struct LibraryState {
    /// The list.
    pub(super) pages: Pages,
    /// What is looked for.
    pub(super) search: Search,
    /// Earlier versions of a transcript.
    pub(super) versions: VersionsView,
    folders: Vec<WatchedFolder>,
    /// To be sent, in order.
    wishes: VecDeque<(Option<Asked>, LibraryCommand)>,
    /// Sent and not answered yet, in order.
    asked: VecDeque<Asked>,
    /// What is shown as soon as it is there.
    opening: Option<Opening>,
    arrived: Vec<PathBuf>,
}

/// What has to be done outside of here after an event.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// Something for the user to read.
    Told(Told),
    /// A recording is to be shown.
    Opened(Box<OpenedRecording>),
    /// Another version of a transcript is the newest.
    Restored(Box<RestoredTranscript>),
    /// Jobs that wait will take so long.
    Estimated(Vec<(JobId, Estimate)>),
    /// The recording of a job really is somewhere else.
    JobListed {
        /// The job.
        job: JobId,
        /// Where.
        path: PathBuf,
    },
    /// A recording of this window is this one in the library.
    Located {
        /// Place of the recording in the window's list.
        recording_idx: usize,
        /// Its number in the library.
        id: RecordingId,
        /// Whose transcript the library has.
        kept: KeptText,
    },
    /// What the library tells of the job behind a transcript.
    LastJob(KnownJob),
    /// A recording of this window is not in the library.
    NotLocated {
        /// Place of the recording in the window's list.
        recording_idx: usize,
    },
}

/// Which transcript of a recording the library has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeptText {
    /// The one that the last job gave.
    OfJob,
    /// That one, as the user has changed it.
    Edited,
}

/// A recording as the library keeps it.
#[derive(Clone, Debug)]
pub(super) struct OpenedRecording {
    /// What is known of it.
    pub(super) entry: RecordingEntry,
    /// Its transcript, as the user left it.
    pub(super) transcript: Option<Arc<Transcript>>,
    /// The changes that are in it.
    pub(super) changes: Vec<Change>,
    /// Whether the user still waits for it, and for which passage.
    pub(super) wanted: Option<Opening>,
}

/// A version of a transcript that was restored.
#[derive(Clone, Debug)]
pub(super) struct RestoredTranscript {
    /// The recording.
    pub(super) id: RecordingId,
    /// Its transcript from now on.
    pub(super) transcript: Arc<Transcript>,
    /// The changes that are in it.
    pub(super) changes: Vec<Change>,
    /// The version that it took the place of.
    pub(super) replaced: Option<usize>,
    /// Why.
    pub(super) cause: Cause,
}

/// A recording that the user wants to see.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opening {
    /// Its number,
    pub(super) id: RecordingId,
    /// and the passage that it was opened for.
    pub(super) sought: Option<Sought>,
}

/// What the engine was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Page,
    Named,
    LookUp(LookUp),
    Hits,
    Open(RecordingId),
    LastJob(RecordingId),
    Versions(RecordingId),
    Restore(RecordingId, Cause),
    Folders,
    /// Anything that is answered in one line.
    Small,
}

/// A recording whose number in the library is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LookUp {
    recording_idx: usize,
    path: PathBuf,
    by: Key,
}

/// What a recording is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// Its path.
    Path,
    /// The name of its file, where the library knows the folder by another name.
    FileName,
}

/// What is shown.
impl LibraryState {
    /// Whether there is anything to show.
    pub(super) fn is_empty(&self) -> bool {
        self.pages.n_rows().is_none_or(|n_rows| n_rows == 0) && self.pages.folder().is_none() && self.folders.is_empty()
    }

    /// The folders that are looked after.
    pub(super) fn folders(&self) -> &[WatchedFolder] {
        &self.folders
    }

    /// The recording that is about to be shown.
    pub(super) fn opening(&self) -> Option<RecordingId> {
        self.opening.as_ref().map(|opening| opening.id)
    }
}

/// What happens.
impl LibraryState {
    /// Notes that the engine runs and can be asked.
    pub(super) fn start(&mut self) {
        self.pages.refresh();
        self.want_folders();
    }

    /// Asks for a recording, to be shown when it is there.
    pub(super) fn open(&mut self, id: RecordingId, sought: Option<Sought>) {
        let is_asked = self.opening() == Some(id);
        self.opening = Some(Opening { id, sought });
        if !is_asked {
            self.fetch(id);
        }
    }

    /// Asks for a recording that nobody waits for.
    pub(super) fn fetch(&mut self, id: RecordingId) {
        self.wish(Asked::Open(id), LibraryCommand::Open(id));
    }

    /// Asks for the job that a recording's transcript comes from.
    pub(super) fn ask_last_job(&mut self, id: RecordingId) {
        self.wish(Asked::LastJob(id), LibraryCommand::LastJob(id));
    }

    /// Notes that the user looks at something else by now.
    pub(super) fn stop_opening(&mut self) {
        self.opening = None;
    }

    /// Finds out which recording of the library one of this window is.
    pub(super) fn look_up(&mut self, recording_idx: usize, path: &Path) {
        self.look_up_by(LookUp { recording_idx, path: path.to_path_buf(), by: Key::Path });
    }

    /// Shows the versions of a transcript when they are known.
    pub(super) fn show_versions(&mut self, id: RecordingId) {
        self.versions.open(id);
        self.wish(Asked::Versions(id), LibraryCommand::Versions(id));
    }

    /// Makes a version of a transcript the newest one.
    pub(super) fn restore(&mut self, id: RecordingId, version: usize, cause: Cause) {
        self.versions.restore(id);
        self.wish(Asked::Restore(id, cause), LibraryCommand::Restore { recording: id, version });
    }

    /// Asks for something that is answered in one line.
    pub(super) fn tell(&mut self, command: LibraryCommand) {
        self.wish(Asked::Small, command);
    }

    /// Looks after a folder.
    pub(super) fn watch(&mut self, folder: PathBuf, new_files: NewFiles) {
        self.wishes.push_back((None, LibraryCommand::Watch(folder, new_files)));
        self.want_folders();
    }

    /// Leaves a folder alone.
    pub(super) fn unwatch(&mut self, folder: PathBuf) {
        if self.pages.folder() == Some(folder.as_path()) {
            self.pages.limit_to(None);
        }
        self.wishes.push_back((None, LibraryCommand::Unwatch(folder)));
        self.want_folders();
    }

    /// New recordings that are to be transcribed, once.
    pub(super) fn take_arrived(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.arrived)
    }

    /// What the engine is to be asked now.
    pub(super) fn due(&mut self) -> Option<LibraryCommand> {
        let (asked, command) = self.wishes.pop_front().or_else(|| self.due_list())?;
        self.asked.extend(asked);
        Some(command)
    }

    /// No answer will come any more.
    pub(super) fn give_up(&mut self) {
        self.wishes.clear();
        self.asked.clear();
        self.opening = None;
        self.versions.close();
        self.pages.fail();
        self.search.give_up();
    }

    /// Takes in what the engine tells, and returns what has to be done for it.
    pub(super) fn apply(&mut self, event: LibraryEvent) -> Option<News> {
        match event {
            LibraryEvent::Listed { request, entries, n_in_all } => return self.take_list(&request, entries, n_in_all),
            LibraryEvent::Opened { entry, transcript, changes } => {
                let id = entry.id;
                self.answered(|asked| *asked == Asked::Open(id));
                let wanted = self.opening.take_if(|opening| opening.id == id);
                let opened = OpenedRecording { entry: *entry, transcript, changes, wanted };
                return Some(News::Opened(Box::new(opened)));
            }
            LibraryEvent::LastJob { recording, job, file_hash } => {
                self.answered(|asked| *asked == Asked::LastJob(recording));
                return Some(News::LastJob(KnownJob { recording, record: job, file_hash }));
            }
            LibraryEvent::Found { hits, .. } => {
                self.answered(|asked| *asked == Asked::Hits);
                self.search.take_hits(hits);
            }
            LibraryEvent::Versions { recording, versions } => {
                self.answered(|asked| *asked == Asked::Versions(recording));
                self.versions.take(recording, versions);
            }
            LibraryEvent::Restored { recording: id, transcript, changes, replaced } => {
                let is_it = |asked: &Asked| matches!(asked, Asked::Restore(restored, _) if *restored == id);
                let Some(Asked::Restore(_, cause)) = self.answered(is_it) else { return None };
                self.versions.close();
                let restored = RestoredTranscript { id, transcript, changes, replaced, cause };
                return Some(News::Restored(Box::new(restored)));
            }
            LibraryEvent::Estimated(estimates) => return Some(News::Estimated(estimates)),
            LibraryEvent::JobListed { job, path } => return Some(News::JobListed { job, path }),
            LibraryEvent::Folders(folders) => {
                self.answered(|asked| *asked == Asked::Folders);
                self.folders = folders;
            }
            LibraryEvent::Done(notice) => {
                self.answered(|asked| *asked == Asked::Small);
                return (!notice.is_empty()).then_some(News::Told(Told::Notice(notice)));
            }
            LibraryEvent::Failed(reason) => {
                self.note_failure();
                return Some(News::Told(Told::Error(reason)));
            }
            LibraryEvent::Arrived(paths) => self.arrived.extend(paths),
            LibraryEvent::Changed => {
                self.pages.refresh();
                self.want_folders();
            }
            LibraryEvent::Related(entry) => {
                return related_notice(&entry).map(|notice| News::Told(Told::Notice(notice)));
            }
            LibraryEvent::Warning(text) => return Some(News::Told(Told::Warning(text))),
            // The window does not ask for them.
            LibraryEvent::Jobs(_) => {}
        }
        None
    }

    fn due_list(&mut self) -> Option<(Option<Asked>, LibraryCommand)> {
        let folder = self.pages.folder().map(Path::to_path_buf);
        if let Some(request) = self.search.due(folder.as_deref()) {
            return Some((Some(Asked::Hits), LibraryCommand::Search(request)));
        }
        if let Some(request) = self.search.due_named(folder.as_deref()) {
            return Some((Some(Asked::Named), LibraryCommand::List(request)));
        }
        self.pages.due().map(|request| (Some(Asked::Page), LibraryCommand::List(request)))
    }

    fn wish(&mut self, asked: Asked, command: LibraryCommand) {
        self.wishes.push_back((Some(asked), command));
    }

    fn want_folders(&mut self) {
        // After all that may change them.
        self.wishes.retain(|(asked, _)| *asked != Some(Asked::Folders));
        self.wish(Asked::Folders, LibraryCommand::Folders);
    }

    fn look_up_by(&mut self, look_up: LookUp) {
        let text = match look_up.by {
            Key::Path => look_up.path.display().to_string(),
            Key::FileName => look_up.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let request = ListRequest { limit: MAX_NAMESAKES, text, ..ListRequest::default() };
        self.wish(Asked::LookUp(look_up), LibraryCommand::List(request));
    }

    /// The first of those questions that this may be the answer to.
    fn answered(&mut self, is_it: impl Fn(&Asked) -> bool) -> Option<Asked> {
        let idx = self.asked.iter().position(is_it)?;
        self.asked.remove(idx)
    }

    fn take_list(&mut self, request: &ListRequest, entries: Vec<RecordingEntry>, n_in_all: usize) -> Option<News> {
        let is_list = |asked: &Asked| matches!(asked, Asked::Page | Asked::Named | Asked::LookUp(_));
        match self.answered(is_list) {
            Some(Asked::Page) => self.pages.take(entries, n_in_all),
            Some(Asked::Named) => self.search.take_named(entries),
            Some(Asked::LookUp(look_up)) => return self.take_look_up(look_up, &entries),
            Some(
                Asked::Hits
                | Asked::Open(_)
                | Asked::LastJob(_)
                | Asked::Versions(_)
                | Asked::Restore(..)
                | Asked::Folders
                | Asked::Small,
            )
            | None => {
                tracing::debug!(?request, "a list that nobody waits for any more");
                self.pages.refresh();
            }
        }
        None
    }

    fn take_look_up(&mut self, look_up: LookUp, entries: &[RecordingEntry]) -> Option<News> {
        let LookUp { recording_idx, path, by } = look_up;
        let found = match by {
            // A path as it was typed may be relative.
            Key::Path => entries
                .iter()
                .find(|entry| entry.path == path)
                .or_else(|| only(entries, |entry| entry.path.ends_with(&path))),
            Key::FileName => only(entries, |entry| entry.path.file_name() == path.file_name()),
        };
        match (found, by) {
            (Some(entry), _) => {
                let kept = if entry.is_edited { KeptText::Edited } else { KeptText::OfJob };
                Some(News::Located { recording_idx, id: entry.id, kept })
            }
            (None, Key::Path) => {
                self.look_up_by(LookUp { recording_idx, path, by: Key::FileName });
                None
            }
            (None, Key::FileName) => Some(News::NotLocated { recording_idx }),
        }
    }

    fn note_failure(&mut self) {
        match self.asked.pop_front() {
            Some(Asked::Page) => self.pages.fail(),
            Some(Asked::Named) => self.search.fail_named(),
            Some(Asked::Hits) => self.search.fail(),
            Some(Asked::Open(id)) => {
                self.opening.take_if(|opening| opening.id == id);
            }
            Some(Asked::Versions(_) | Asked::Restore(..)) => self.versions.close(),
            Some(Asked::LookUp(_) | Asked::LastJob(_) | Asked::Folders | Asked::Small) | None => {}
        }
    }
}

/// The one entry of which this is true, if it is only one.
fn only(entries: &[RecordingEntry], is_it: impl Fn(&RecordingEntry) -> bool) -> Option<&RecordingEntry> {
    let mut found = entries.iter().filter(|entry| is_it(entry));
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::library::SearchRequest;
    use crate::ui::library_samples::{entry, hit};

    #[test]
    fn answers_are_given_to_those_who_asked() {
        let mut library = LibraryState::default();
        library.start();
        library.search.type_words("budget".to_owned());
        assert_eq!(asked(&mut library), ["Folders", "Search", "List", "List"]);
        assert!(library.is_empty());
        let watched = WatchedFolder { path: "/meetings".into(), new_files: NewFiles::List, n_recordings: 2 };
        library.apply(LibraryEvent::Folders(vec![watched]));
        library.apply(LibraryEvent::Found { request: SearchRequest::default(), hits: vec![hit(1)] });
        library.apply(listed(vec![entry(1)]));
        library.apply(listed(vec![entry(1), entry(2)]));
        let n_told = (library.folders().len(), library.search.hits().len(), library.search.named().len());
        assert_eq!((n_told, library.pages.n_rows()), ((1, 1, 1), Some(2)));
        assert_eq!(asked(&mut library), [""; 0]);
        library.apply(LibraryEvent::Changed);
        assert_eq!(asked(&mut library), ["Folders", "List"]);
    }

    #[test]
    fn a_failure_belongs_to_the_first_question() {
        let mut library = LibraryState::default();
        library.start();
        library.search.type_words("budget".to_owned());
        assert_eq!(asked(&mut library).len(), 4);
        for _ in 0..4 {
            let news = library.apply(LibraryEvent::Failed("the disk is gone".to_owned()));
            assert!(matches!(news, Some(News::Told(Told::Error(_)))), "{news:?}");
        }
        assert_eq!(asked(&mut library), [""; 0], "it would fail again");
        library.pages.refresh();
        assert_eq!(asked(&mut library), ["List"], "somebody wants to try");
    }

    #[test]
    fn only_the_recording_wanted_last_is_shown() {
        let mut library = LibraryState::default();
        library.open(RecordingId(1), None);
        library.open(RecordingId(2), Some(Sought::of(&hit(2))));
        library.open(RecordingId(2), Some(Sought::of(&hit(2))));
        assert_eq!(asked(&mut library)[..2], ["Open", "Open"], "twice at once is once");
        for (id, is_wanted) in [(1, false), (2, true)] {
            let news = library.apply(opened(id));
            let Some(News::Opened(opened)) = news else { panic!("{news:?}") };
            assert_eq!(opened.wanted.is_some_and(|wanted| wanted.sought.is_some()), is_wanted, "{id}");
        }
        library.open(RecordingId(3), None);
        library.stop_opening();
        let Some(News::Opened(opened)) = library.apply(opened(3)) else { panic!("it was opened") };
        assert_eq!(opened.wanted, None);
    }

    #[test]
    fn a_recording_is_looked_up_by_its_path_and_then_by_its_name() {
        let at = |id: i64, path: &str| RecordingEntry { path: path.into(), ..entry(id) };
        // (the path in the window, what is listed for the path, what is listed for the name, the number)
        for (path, by_path, by_name, expected) in [
            ("/m/a.wav", vec![at(1, "/m/a.wav.wav"), at(2, "/m/a.wav")], vec![], Some(2)),
            ("m/a.wav", vec![at(1, "/home/m/a.wav")], vec![], Some(1)),
            ("/m/a.wav", vec![], vec![at(3, "/mnt/m/a.wav"), at(4, "/m/ba.wav")], Some(3)),
            ("/m/a.wav", vec![], vec![at(3, "/mnt/m/a.wav"), at(4, "/n/a.wav")], None),
            ("/m/a.wav", vec![], vec![], None),
        ] {
            let mut library = LibraryState::default();
            library.look_up(7, Path::new(path));
            asked(&mut library);
            let mut news = library.apply(listed(by_path));
            if news.is_none() {
                // The first page of the list was asked for meanwhile.
                asked(&mut library);
                library.apply(listed(vec![]));
                news = library.apply(listed(by_name));
            }
            match (news, expected) {
                (Some(News::Located { recording_idx: 7, id, kept: KeptText::OfJob }), Some(expected)) => {
                    assert_eq!(id, RecordingId(expected));
                }
                (Some(News::NotLocated { recording_idx: 7 }), None) => {}
                (news, _) => panic!("{path}: {news:?}"),
            }
        }
    }

    #[test]
    fn the_folders_are_told_while_they_are_looked_through() {
        let mut library = LibraryState::default();
        library.watch("/meetings".into(), NewFiles::Transcribe);
        library.unwatch("/old".into());
        assert_eq!(asked(&mut library), ["Watch", "Unwatch", "Folders", "List"]);
        library.apply(LibraryEvent::Folders(Vec::new()));
        library.apply(listed(vec![entry(1)]));
        let news = library.apply(LibraryEvent::Done("2 recordings".to_owned()));
        assert!(matches!(news, Some(News::Told(Told::Notice(_)))), "{news:?}");
        assert_eq!(library.pages.n_rows(), Some(1), "what comes late hinders nobody");
        library.apply(LibraryEvent::Arrived(vec!["/meetings/a.wav".into()]));
        assert_eq!((library.take_arrived().len(), library.take_arrived().len()), (1, 0));
    }

    fn listed(entries: Vec<RecordingEntry>) -> LibraryEvent {
        LibraryEvent::Listed { request: ListRequest::default(), n_in_all: entries.len(), entries }
    }

    fn opened(id: i64) -> LibraryEvent {
        LibraryEvent::Opened { entry: Box::new(entry(id)), transcript: None, changes: Vec::new() }
    }

    /// The names of the commands that the engine gets now.
    fn asked(library: &mut LibraryState) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(command) = library.due() {
            let name: String = format!("{command:?}").chars().take_while(|c| c.is_alphanumeric()).collect();
            names.push(name);
        }
        names
    }
}
