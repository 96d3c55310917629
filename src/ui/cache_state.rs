//! What the window knows of models: those in memory and on disk, those that can be had, downloads, the one for the next
//! recording, and what of it is shown. Events and the user's wishes change it; panels read it. No egui in here.
//!
//! The engine is asked for a listing when the panel opens and after every change, and for one at a time: whatever
//! happens while it is being made gives one more.

use std::collections::BTreeMap;

use crate::engine::models::{
    AvailableModel, CachedModel, CachedState, DownloadState, Level, ModelCommand, ModelKey, ModelListing, ModelPurpose,
    ModelsEvent, Pinning, Presence, WhisperShape,
};
use crate::engine::{DEFAULT_MODEL, JobReport, Stage};
use crate::units::Seconds;

use super::action::CacheAction;
use super::cache_order::{Column, Order};
use super::download::Download;
use super::model_speed::{Speed, SpeedSource, estimated_speed};
use super::texts::{text, text_with};

/// Recordings shorter than this tell little about the speed of a model,
const MIN_MEASURED_SECS: f64 = 20.0;
/// and neither does work that is done at once.
const MIN_WORK_SECS: f64 = 0.2;

/// All that the window shows of models.
#[derive(Debug, Default)]
pub(super) struct CacheState {
    page: Page,
    tab: Tab,
    listing: Option<Box<ModelListing>>,
    request: Request,
    orders: [Order; 2],
    selected: [Option<ModelKey>; 2],
    downloads: Vec<Download>,
    working: Option<Working>,
    asked: Option<Removal>,
    /// The model for the recordings that are opened next; empty for the one that ships with Hansard.
    chosen: String,
    /// Seconds of sound that models transcribed in a second since the window opened, by their names.
    measured: BTreeMap<String, f64>,
}

/// What fills the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    /// Recordings and their transcripts.
    #[default]
    Recordings,
    /// The models.
    Models,
    /// A recording that is made.
    Record,
}

/// Parts of the page of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Tab {
    /// Which there are and what they need.
    #[default]
    Available,
    /// What is kept of them, and where.
    Cache,
    /// What was computed with them.
    Results,
}

/// What the engine does with models beside downloads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Working {
    /// In words.
    pub(super) what: String,
    /// Share of it that is done, where that is known.
    pub(super) fraction: Option<f32>,
}

/// What is removed if the user says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// One model, from disk and memory.
    Of(ModelKey),
    /// Everything but what is pinned or in use.
    OfAll,
}

/// What a removal sets free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Freed {
    /// Models on disk that go.
    pub(super) n_models: usize,
    /// Models on either level that stay, because they are pinned or in use.
    pub(super) n_kept: usize,
    /// Bytes on disk.
    pub(super) disk_bytes: u64,
    /// Bytes in memory.
    pub(super) memory_bytes: u64,
}

/// What has to be done outside of the state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// Tell the engine.
    Tell(ModelCommand),
    /// Keep the choice of the model for the next start.
    RememberChoice,
    /// Ask where these models shall be exported to.
    AskWhereTo(Vec<ModelKey>),
    /// Ask for files with models.
    AskForFiles,
    /// Ask for folders with models.
    AskForFolders,
}

/// Something for the user to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// What was done, for a moment.
    Notice(String),
    /// Something to know about it.
    Warning(String),
    /// Something that was not done.
    Error(String),
}

/// Whether the engine is asked for a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Request {
    /// Nothing has changed since the last one.
    #[default]
    Settled,
    /// It is to be asked.
    Wanted,
    /// It has been asked,
    Asked,
    /// and since then something has changed again.
    AskedAndWanted,
}

/// What is shown.
impl CacheState {
    /// What fills the window.
    pub(super) fn page(&self) -> Page {
        self.page
    }

    /// Which part of the models is shown.
    pub(super) fn tab(&self) -> Tab {
        self.tab
    }

    /// What there is; `None` before the engine has told.
    pub(super) fn listing(&self) -> Option<&ModelListing> {
        self.listing.as_deref()
    }

    /// The models of a level, in the order of its table.
    pub(super) fn rows(&self, level: Level) -> &[CachedModel] {
        let Some(listing) = self.listing() else { return &[] };
        match level {
            Level::Memory => &listing.in_memory,
            Level::Disk => &listing.on_disk,
        }
    }

    /// How the table of a level is sorted.
    pub(super) fn order(&self, level: Level) -> Order {
        self.orders[place(level)]
    }

    /// The chosen row of a table.
    pub(super) fn selected(&self, level: Level) -> Option<&CachedModel> {
        let key = self.selected[place(level)].as_ref()?;
        self.rows(level).iter().find(|row| row.key == *key)
    }

    /// Downloads that are not done, in the order in which they began.
    pub(super) fn downloads(&self) -> &[Download] {
        &self.downloads
    }

    /// The download of a model.
    pub(super) fn download(&self, model: &str) -> Option<&DownloadState> {
        self.downloads.iter().find(|download| download.model == model).map(|download| &download.state)
    }

    /// How many downloads are on their way.
    pub(super) fn n_running_downloads(&self) -> usize {
        let runs = |download: &&Download| match download.state {
            DownloadState::Waiting | DownloadState::Running(..) | DownloadState::Preparing => true,
            DownloadState::Paused(_) | DownloadState::Failed(_) | DownloadState::Done | DownloadState::Cancelled => {
                false
            }
        };
        self.downloads.iter().filter(runs).count()
    }

    /// What the engine does beside downloads.
    pub(super) fn working(&self) -> Option<&Working> {
        self.working.as_ref()
    }

    /// What is to be removed if the user says yes, and what that sets free.
    pub(super) fn asked(&self) -> Option<(&Removal, Freed)> {
        self.asked.as_ref().map(|removal| (removal, self.freed(removal)))
    }

    /// The model for the recordings that are opened next.
    pub(super) fn chosen(&self) -> &str {
        if self.chosen.is_empty() { DEFAULT_MODEL } else { &self.chosen }
    }

    /// Names of the models that can transcribe at once.
    pub(super) fn choices(&self) -> Vec<&str> {
        let Some(listing) = self.listing() else { return vec![self.chosen()] };
        let usable = listing.available.iter().filter(|model| can_transcribe(model));
        usable.map(|model| model.name.as_str()).collect()
    }

    /// How fast a model transcribes here; `None` for models that do something else.
    pub(super) fn speed(&self, model: &AvailableModel) -> Option<Speed> {
        if model.purpose != ModelPurpose::Transcription {
            return None;
        }
        if let Some(times) = self.measured_speed(model) {
            return Some(Speed { times, source: SpeedSource::Measured });
        }
        let (shape, listing) = (model.shape?, self.listing()?);
        let measured: Vec<(WhisperShape, f64)> =
            listing.available.iter().filter_map(|other| Some((other.shape?, self.measured_speed(other)?))).collect();
        Some(estimated_speed(shape, &measured, listing.n_threads))
    }

    fn measured_speed(&self, model: &AvailableModel) -> Option<f64> {
        self.measured.get(&model.name).copied().or(model.measured_speed)
    }

    fn freed(&self, removal: &Removal) -> Freed {
        let goes = |row: &CachedModel| match removal {
            Removal::Of(key) => row.key == *key,
            Removal::OfAll => row.pinning == Pinning::Unpinned && !self.is_in_use(&row.key),
        };
        let mut freed = Freed::default();
        for row in self.rows(Level::Disk) {
            if goes(row) {
                freed.n_models += 1;
                freed.disk_bytes += row.n_bytes;
            } else {
                freed.n_kept += 1;
            }
        }
        for row in self.rows(Level::Memory) {
            if goes(row) {
                freed.memory_bytes += row.n_bytes;
            } else if !self.rows(Level::Disk).iter().any(|other| other.key == row.key) {
                freed.n_kept += 1;
            }
        }
        freed
    }

    /// Whether a job uses a model, or it is being loaded for one.
    pub(super) fn is_in_use(&self, key: &ModelKey) -> bool {
        let is_busy = |row: &&CachedModel| matches!(row.state, CachedState::InUse | CachedState::Loading);
        self.rows(Level::Memory).iter().filter(is_busy).any(|row| row.key == *key)
    }
}

/// What happens.
impl CacheState {
    /// Does what the user wants, and returns what somebody else has to do for it.
    pub(super) fn perform(&mut self, action: CacheAction) -> Option<Wish> {
        match action {
            CacheAction::Open(tab) => self.open(tab),
            CacheAction::Close => self.close(),
            CacheAction::Sort(level, column) => self.sort(level, column),
            CacheAction::Select(level, key) => self.selected[place(level)] = Some(key),
            CacheAction::AskToRemove(removal) => self.asked = Some(removal),
            CacheAction::KeepAll => self.asked = None,
            CacheAction::Remove => {
                return self.asked.take().map(|removal| match removal {
                    Removal::Of(key) => Wish::Tell(ModelCommand::Delete(key)),
                    Removal::OfAll => Wish::Tell(ModelCommand::Clear),
                });
            }
            CacheAction::Choose(model) => {
                self.choose(model);
                return Some(Wish::RememberChoice);
            }
            CacheAction::Export(keys) => return Some(Wish::AskWhereTo(keys)),
            CacheAction::ImportFiles => return Some(Wish::AskForFiles),
            CacheAction::ImportFolders => return Some(Wish::AskForFolders),
            CacheAction::Tell(command) => {
                self.note_command(&command);
                return Some(Wish::Tell(command));
            }
        }
        None
    }

    /// Shows the recordings again.
    pub(super) fn close(&mut self) {
        (self.page, self.asked) = (Page::Recordings, None);
    }

    /// Shows the page for recording.
    pub(super) fn show_record(&mut self) {
        (self.page, self.asked) = (Page::Record, None);
    }

    /// Uses a model for the recordings that are opened next.
    pub(super) fn choose(&mut self, model: String) {
        self.chosen = model;
    }

    /// Notes that something changed which a listing tells.
    pub(super) fn want_listing(&mut self) {
        self.request = match self.request {
            Request::Settled | Request::Wanted => Request::Wanted,
            Request::Asked | Request::AskedAndWanted => Request::AskedAndWanted,
        };
    }

    /// Notes that a job changed what is in memory; that is looked at while the page of models is shown.
    pub(super) fn note_job(&mut self) {
        if self.page == Page::Models {
            self.want_listing();
        }
    }

    /// What the engine is to be asked now.
    pub(super) fn due(&mut self) -> Option<ModelCommand> {
        if self.request != Request::Wanted {
            return None;
        }
        self.request = Request::Asked;
        Some(ModelCommand::List)
    }

    /// Notes how fast a job went; one that knew some of the text already tells nothing.
    pub(super) fn note_speed(&mut self, model: &str, sound: Seconds, report: &JobReport) {
        if report.work.iter().any(|work| work.stage == Stage::Transcribe && work.n_reused > 0) {
            return;
        }
        let of_stage = |(stage, taken): &(Stage, Seconds)| (*stage == Stage::Transcribe).then_some(taken.0);
        let work_secs: f64 = report.stages.iter().filter_map(of_stage).sum();
        if sound.0 >= MIN_MEASURED_SECS && work_secs >= MIN_WORK_SECS {
            self.measured.insert(model.to_owned(), sound.0 / work_secs);
        }
    }

    /// No answer will come any more.
    pub(super) fn give_up(&mut self) {
        (self.request, self.working) = (Request::Settled, None);
        for download in &mut self.downloads {
            download.state = DownloadState::Failed(text("app-engine-stopped"));
        }
    }

    /// Takes in what the engine tells, and returns what the user should read.
    pub(super) fn apply(&mut self, event: ModelsEvent) -> Option<Told> {
        match event {
            ModelsEvent::Listed(listing) => return self.take_listing(listing),
            ModelsEvent::Working { what, fraction } => self.working = Some(Working { what, fraction }),
            ModelsEvent::Done(notice) => {
                self.working = None;
                self.want_listing();
                return Some(Told::Notice(notice));
            }
            ModelsEvent::Failed(reason) => {
                self.working = None;
                self.want_listing();
                return Some(Told::Error(reason));
            }
            ModelsEvent::Warning(line) => return Some(Told::Warning(line)),
            ModelsEvent::Download { model, state } => return self.take_download(model, state),
        }
        None
    }

    fn open(&mut self, tab: Tab) {
        if self.page != Page::Models {
            self.want_listing();
        }
        (self.page, self.tab) = (Page::Models, tab);
    }

    fn sort(&mut self, level: Level, column: Column) {
        let order = &mut self.orders[place(level)];
        *order = if order.column == column { order.reversed() } else { Order::of(column) };
        self.sort_rows();
    }

    /// The window answers before the engine does.
    fn note_command(&mut self, command: &ModelCommand) {
        if let ModelCommand::Download(model) = command {
            self.set_download(model.clone(), DownloadState::Waiting);
        }
    }

    fn take_listing(&mut self, listing: Box<ModelListing>) -> Option<Told> {
        self.request = match self.request {
            Request::Settled | Request::Asked => Request::Settled,
            Request::Wanted | Request::AskedAndWanted => Request::Wanted,
        };
        for model in &listing.available {
            self.take_presence(&model.name, model.presence);
        }
        self.listing = Some(listing);
        self.sort_rows();
        if self.chosen.is_empty() || self.choices().contains(&self.chosen()) {
            return None;
        }
        let gone = std::mem::take(&mut self.chosen);
        let values = [("model", gone.into()), ("other", DEFAULT_MODEL.into())];
        Some(Told::Notice(text_with("cache-told-gone", &values)))
    }

    /// What a download of an earlier day left behind can go on; what was removed meanwhile cannot.
    fn take_presence(&mut self, model: &str, presence: Presence) {
        let known = self.download(model);
        match (presence, known) {
            (Presence::Partial(fetched), None | Some(DownloadState::Paused(_))) => {
                self.set_download(model.to_owned(), DownloadState::Paused(fetched));
            }
            (Presence::Installed | Presence::Absent, Some(DownloadState::Paused(_))) => self.forget_download(model),
            (Presence::BuiltIn | Presence::Installed | Presence::Partial(_) | Presence::Absent, _) => {}
        }
    }

    fn take_download(&mut self, model: String, state: DownloadState) -> Option<Told> {
        let notice = |id: &str| Some(Told::Notice(text_with(id, &[("model", model.as_str().into())])));
        let told = match &state {
            DownloadState::Waiting | DownloadState::Running(..) | DownloadState::Preparing => None,
            DownloadState::Paused(_) => notice("cache-told-paused"),
            DownloadState::Done => notice("cache-told-here"),
            DownloadState::Cancelled => notice("cache-told-cancelled"),
            DownloadState::Failed(reason) => Some(Told::Error(reason.clone())),
        };
        match state {
            DownloadState::Done | DownloadState::Cancelled => self.forget_download(&model),
            DownloadState::Waiting
            | DownloadState::Running(..)
            | DownloadState::Paused(_)
            | DownloadState::Preparing
            | DownloadState::Failed(_) => self.set_download(model, state),
        }
        if told.is_some() {
            self.want_listing();
        }
        told
    }

    fn set_download(&mut self, model: String, state: DownloadState) {
        match self.downloads.iter_mut().find(|download| download.model == model) {
            Some(download) => download.state = state,
            None => self.downloads.push(Download { model, state }),
        }
    }

    fn forget_download(&mut self, model: &str) {
        self.downloads.retain(|download| download.model != model);
    }

    fn sort_rows(&mut self) {
        let [of_memory, of_disk] = self.orders;
        if let Some(listing) = &mut self.listing {
            listing.in_memory.sort_by(|a, b| of_memory.compare(a, b));
            listing.on_disk.sort_by(|a, b| of_disk.compare(a, b));
        }
    }
}

/// Whether a model turns speech into text and is there.
pub(super) fn can_transcribe(model: &AvailableModel) -> bool {
    model.purpose == ModelPurpose::Transcription && matches!(model.presence, Presence::BuiltIn | Presence::Installed)
}

/// Name of the file that models are exported to unless the user gives it another one.
pub(super) fn export_name(keys: &[ModelKey]) -> String {
    let stem = match keys {
        [key] => key.as_str(),
        _ => "models",
    };
    format!("{stem}.hansard-models")
}

fn place(level: Level) -> usize {
    match level {
        Level::Memory => 0,
        Level::Disk => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::models::Fetched;
    use crate::ui::cache_samples::{key, listing};

    #[test]
    fn one_listing_is_asked_for_at_a_time() {
        let mut state = CacheState::default();
        assert_eq!(state.due(), None);
        state.perform(CacheAction::Open(Tab::Cache));
        assert_eq!((state.due(), state.due()), (Some(ModelCommand::List), None));
        state.apply(ModelsEvent::Done("Pinned".to_owned()));
        state.note_job();
        assert_eq!(state.due(), None, "one is on its way");
        state.apply(ModelsEvent::Listed(Box::new(listing())));
        assert_eq!((state.due(), state.due()), (Some(ModelCommand::List), None), "one more for all that changed");
        state.apply(ModelsEvent::Listed(Box::new(listing())));
        state.close();
        state.note_job();
        assert_eq!(state.due(), None, "nobody looks at it");
    }

    #[test]
    fn downloads_follow_their_events() {
        let fetched = Fetched { n_bytes: 45_000_000, total_bytes: 145_000_000 };
        let mut state = listed();
        state.perform(CacheAction::Tell(ModelCommand::Download("small".to_owned())));
        for (event, is_listed) in [
            (DownloadState::Waiting, true),
            (DownloadState::Paused(fetched), true),
            (DownloadState::Failed("no route".to_owned()), true),
            (DownloadState::Preparing, true),
            (DownloadState::Done, false),
            (DownloadState::Waiting, true),
            (DownloadState::Cancelled, false),
        ] {
            state.apply(ModelsEvent::Download { model: "small".to_owned(), state: event.clone() });
            assert_eq!(state.download("small"), is_listed.then_some(&event));
        }
        let mut later = listing();
        later.available[2].presence = Presence::Partial(fetched);
        state.apply(ModelsEvent::Listed(Box::new(later)));
        assert_eq!(state.download("small"), Some(&DownloadState::Paused(fetched)), "from an earlier day");
        state.apply(ModelsEvent::Listed(Box::new(listing())));
        assert_eq!(state.download("small"), None, "somebody else removed it");
    }

    #[test]
    fn a_removal_tells_what_it_frees() {
        for (removal, n_models, n_kept, disk_bytes, memory_bytes) in [
            (Removal::Of(key("whisperx_medium_cpu")), 1, 2, 1_500_000_000, 0),
            (Removal::OfAll, 1, 2, 25_000_000, 20_000_000),
        ] {
            let mut state = listed();
            state.perform(CacheAction::AskToRemove(removal.clone()));
            let freed = Freed { n_models, n_kept, disk_bytes, memory_bytes };
            assert_eq!(state.asked(), Some((&removal, freed)));
        }
    }

    #[test]
    fn a_chosen_model_that_is_gone_gives_way() {
        let mut state = listed();
        state.choose("medium".to_owned());
        assert_eq!(state.apply(ModelsEvent::Listed(Box::new(listing()))), None);
        assert_eq!((state.chosen(), state.choices()), ("medium", vec!["demo", "base", "medium"]));
        let mut without = listing();
        without.available.remove(3);
        assert!(matches!(state.apply(ModelsEvent::Listed(Box::new(without))), Some(Told::Notice(_))));
        assert_eq!(state.chosen(), DEFAULT_MODEL);
    }

    #[test]
    fn what_was_measured_goes_before_what_was_estimated() {
        let mut state = listed();
        let speeds = |state: &CacheState| [1, 2].map(|idx| state.speed(&listing().available[idx]));
        let [_, estimated] = speeds(&state);
        assert_eq!(estimated.map(|speed| speed.source), Some(SpeedSource::Estimated));
        let report = JobReport { stages: vec![(Stage::Transcribe, Seconds(2.0))], ..JobReport::default() };
        state.note_speed("base", Seconds(5.0), &report);
        assert_eq!(speeds(&state)[1], estimated, "five seconds tell nothing");
        state.note_speed("base", Seconds(60.0), &report);
        let times = [SpeedSource::Measured, SpeedSource::Estimated].map(|source| Some(Speed { times: 30.0, source }));
        assert_eq!(speeds(&state), times, "they have the same dimensions");
    }

    fn listed() -> CacheState {
        let mut state = CacheState::default();
        state.apply(ModelsEvent::Listed(Box::new(listing())));
        state
    }
}
