//! The window's one owner of state: takes in events and answers, lays out the panels, carries out what they ask for.
//! What is shown is decided in the panels; what is known, in `state`. What is done for each wish of the user is in
//! `perform.rs`, what lies around the recordings, from settings to the end of the window, in `desk.rs`, and how transcripts
//! become files in `exporting.rs`.

mod desk;
mod exporting;
mod perform;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use eframe::egui::{self, CentralPanel, Frame, Margin, Panel, UiBuilder, ViewportCommand};

use crate::engine::library::NewFiles;
use crate::engine::models::ModelCommand;
use crate::engine::one_window::OneWindow;
use crate::engine::{Command, Engine, JobRequest, Rank, Wake};
use crate::settings::{Settings, WindowState};

use super::action::{Action, Purpose};
use super::cache_panel::CachePanel;
use super::cache_state::{Page, export_name};
use super::dialogs::{Answer, Dialogs, Question};
use super::drops::{drop_hint_ui, take_drops};
use super::editor::Editor;
use super::library_panel::LibraryPanel;
use super::message_list::Severity;
use super::path_bar::PathBar;
use super::record_panel::RecordPanel;
use super::recording::NO_FILE;
use super::setting_fields::{ask_as_chosen, device_of};
use super::shortcuts::take_window_keys;
use super::side_panel::SidePanel;
use super::speakers_panel::take_edit_keys;
use super::state::State;
use super::texts::{self, text, text_with};
use super::window_place::Meeting;
use super::{APP_NAME, Open, messages, record_button, record_strip, status_bar, theme, toolbar, welcome};

use desk::Desk;

/// Starts the engine with the given wake-up call.
pub type StartEngine = Box<dyn FnOnce(Wake) -> io::Result<Engine>>;

/// Events taken in before a frame. More wait for the next one, so that a burst cannot hold the window up.
const MAX_EVENTS_PER_FRAME: usize = 256;

/// Id of what is said beside the field that a path is typed into instead.
const NO_DIALOG: &str = "path-no-dialog";
/// The same for a path that is written to.
const NO_DIALOG_TO_SAVE: &str = "path-no-dialog-to-save";

/// What a window is made from.
pub struct Setup {
    /// Called once, before the first frame.
    pub start_engine: StartEngine,
    /// The user's choices.
    pub settings: Settings,
    /// What was wrong with them, if anything.
    pub settings_warning: Option<String>,
    /// How the window was left the last time.
    pub window: WindowState,
    /// What hears of other starts, where this is the one window of its library.
    pub one_window: Option<OneWindow>,
    /// How paths are asked for.
    pub dialogs: Box<dyn Dialogs>,
    /// The bundled meeting, if this installation has it.
    pub demo: Option<JobRequest>,
    /// What to show first.
    pub open: Open,
}

/// The window.
pub struct App {
    start: Option<(StartEngine, Open)>,
    engine: Option<Engine>,
    n_threads: usize,
    state: State,
    editor: Editor,
    library_panel: LibraryPanel,
    side_panel: SidePanel,
    cache_panel: CachePanel,
    record_panel: RecordPanel,
    settings: Settings,
    dialogs: Box<dyn Dialogs>,
    asked: Option<Purpose>,
    path_bar: Option<PathBar>,
    demo: Option<JobRequest>,
    desk: Desk,
}

impl App {
    /// A window that has not been shown yet.
    pub fn new(setup: Setup) -> Self {
        let Setup { start_engine, settings, settings_warning, window, one_window, dialogs, demo, open } = setup;
        texts::choose(settings.window_language.as_deref());
        let mut state = State::default();
        if let Some(warning) = settings_warning {
            state.add_message(Severity::Warning, warning);
        }
        if let Some(model) = &settings.models.chosen {
            state.cache.choose(model.clone());
        }
        Self {
            start: Some((start_engine, open)),
            engine: None,
            n_threads: status_bar::n_threads(),
            state,
            editor: Editor::default(),
            library_panel: LibraryPanel::default(),
            side_panel: SidePanel::default(),
            cache_panel: CachePanel::default(),
            record_panel: RecordPanel::default(),
            settings,
            dialogs,
            asked: None,
            path_bar: None,
            demo,
            desk: Desk::new(window, one_window),
        }
    }

    /// Takes in what happened since the last call. Works without a visible window too.
    pub fn work(&mut self, ctx: &egui::Context) {
        if let Some((start_engine, open)) = self.start.take() {
            ctx.set_theme(theme::preference(self.settings.theme));
            theme::set_look(ctx, self.settings.look);
            self.start(start_engine, open, ctx);
        }
        self.take_events(ctx);
        self.take_answers();
        self.take_imports();
        self.take_handed(ctx);
        self.open_arrived();
        self.ask_engine();
        self.show_sought();
        self.show_title(ctx);
        self.record_panel.follow(ctx, &mut self.state.record, self.desk.overlays.quit);
        self.look_after_window(ctx);
    }

    /// Lays out one frame and carries out what the user asks for in it.
    pub fn show(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        let mut actions = Vec::new();
        if !self.state.is_compact() {
            take_window_keys(ui, &mut actions);
        }
        if self.state.cache.page() == Page::Recordings && self.desk.overlays.page().is_none() {
            take_edit_keys(ui, &mut actions);
        }
        record_button::take_record_keys(ui, &self.state.record, &mut actions);
        take_drops(ui, &mut actions);
        if self.state.is_compact() {
            // Panels that are gone keep nothing open.
            self.library_panel.hide();
            self.side_panel.hide(&self.settings, &mut actions);
            RecordPanel::compact_ui(ui, &self.state, &mut actions);
        } else {
            self.panels_ui(ui, &mut actions);
        }
        self.record_panel.quit_ui(ui, &self.state.record, &mut actions);
        drop_hint_ui(&ctx);
        self.desk.overlays.front_ui(ui, &self.state, &self.settings, &mut actions);
        if !actions.is_empty() {
            // Their outcome is seen in the next frame.
            ctx.request_repaint();
        }
        for action in actions {
            self.desk.overlays.make_way(&action);
            self.perform(action, &ctx);
        }
        // At once: there may be no other frame, and what was changed must be kept.
        self.ask_engine();
    }

    fn start(&mut self, start_engine: StartEngine, open: Open, ctx: &egui::Context) {
        let Open { recording, transcript, record_source, .. } = open;
        match start_engine(wake(ctx)) {
            Ok(engine) => {
                self.engine = Some(engine);
                self.state.cache.want_listing();
                self.state.library.start();
                self.state.record.start(record_source);
            }
            Err(error) => {
                let line = text_with("app-no-engine", &[("problem", error.to_string().into())]);
                self.state.add_message(Severity::Error, line);
            }
        }
        self.desk.start(&wake(ctx));
        let meeting = if recording.is_none() && transcript.is_none() { Meeting::AsBefore } else { Meeting::Another };
        if self.engine.is_some() {
            self.desk.place.restore(&mut self.state, meeting);
        }
        match (recording, transcript) {
            (Some(path), None) => self.open(vec![path]),
            (path, Some(transcript)) => {
                let path = path.unwrap_or_else(|| PathBuf::from(NO_FILE));
                let recording_idx = self.state.add_transcript(path, transcript);
                self.state.select(recording_idx);
            }
            (None, None) => {}
        }
    }

    fn take_events(&mut self, ctx: &egui::Context) {
        let Some(engine) = &self.engine else { return };
        for _ in 0..MAX_EVENTS_PER_FRAME {
            match engine.try_recv() {
                Some(event) => {
                    self.desk.notifier.note(&event, &self.state, Instant::now());
                    self.state.apply(event);
                }
                None if engine.is_running() => return,
                None => {
                    self.engine = None;
                    return self.state.engine_lost();
                }
            }
        }
        ctx.request_repaint();
    }

    /// Queues what came into a watched folder, where what is shown stays, and what was recorded.
    fn open_arrived(&mut self) {
        for path in self.state.library.take_arrived() {
            self.queue(path, Rank::Spare);
        }
        let recorded = self.state.record.take_recorded();
        self.open(recorded);
    }

    /// Asks the engine what the window wants to know by now.
    fn ask_engine(&mut self) {
        let Some(engine) = &self.engine else { return };
        if let Some(command) = self.state.cache.due() {
            engine.send(Command::Models(command));
        }
        while let Some(command) = self.state.library_due() {
            engine.send(Command::Library(command));
        }
        while let Some(command) = self.state.record_due() {
            engine.send(Command::Record(command));
        }
        while let Some(command) = self.state.results.due() {
            engine.send(Command::Results(command));
        }
        while let Some(command) = self.state.play_due() {
            engine.send(Command::Play(command));
        }
    }

    /// Scrolls to the passage that was looked for.
    fn show_sought(&mut self) {
        let Some((recording_idx, sought)) = self.state.take_sought() else { return };
        let Some(recording) = self.state.recordings().get(recording_idx) else { return };
        self.editor.show_passage(recording_idx, &recording.transcript, &sought);
    }

    fn take_answers(&mut self) {
        let Some(answer) = self.dialogs.answer() else { return };
        let Some(purpose) = self.asked.take() else { return };
        match (answer, purpose) {
            (Answer::Open(paths), Purpose::Open) => self.open(paths),
            (Answer::Open(paths), Purpose::Watch(new_files)) => self.watch(paths, new_files),
            (Answer::Open(paths), Purpose::ImportModels) => self.import(paths),
            (Answer::Open(paths), Purpose::CacheFolder) => self.take_cache_folder(paths),
            (Answer::Save(path), Purpose::Export { recording_idx, format }) => self.write(recording_idx, format, path),
            (Answer::Save(path), Purpose::ExportModels(keys)) => self.tell(ModelCommand::Export { keys, path }),
            (Answer::Unavailable, purpose) => {
                let (path, why) = match &purpose {
                    Purpose::Open | Purpose::Watch(_) | Purpose::ImportModels | Purpose::CacheFolder => {
                        (String::new(), NO_DIALOG)
                    }
                    Purpose::Export { recording_idx, format } => {
                        (self.suggested_path(*recording_idx, *format), NO_DIALOG_TO_SAVE)
                    }
                    Purpose::ExportModels(keys) => (export_name(keys), NO_DIALOG_TO_SAVE),
                };
                self.path_bar = Some(PathBar::new(purpose, path, Some(why)));
            }
            (Answer::Cancelled, _) => {}
            (Answer::Open(_), Purpose::Export { .. } | Purpose::ExportModels(_))
            | (Answer::Save(_), Purpose::Open | Purpose::Watch(_) | Purpose::ImportModels | Purpose::CacheFolder) => {
                tracing::error!("a dialog answered another question than the one asked");
            }
        }
    }

    fn show_title(&mut self, ctx: &egui::Context) {
        let title = match self.state.selected() {
            _ if self.state.record.is_active() => format!("{} – {APP_NAME}", text("app-recording")),
            Some((_, recording)) => format!("{} – {APP_NAME}", recording.name()),
            None => APP_NAME.to_owned(),
        };
        if title != self.desk.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.desk.title = title;
        }
    }

    fn panels_ui(&mut self, ui: &mut egui::Ui, actions: &mut Vec<Action>) {
        let window_width = theme::window_width(ui);
        let bar = theme::panel_frame(ui, Margin::symmetric(16, 8));
        let tinted = record_strip::tinted(ui, bar, &self.state.record);
        Panel::top("toolbar")
            .frame(tinted)
            .show(ui, |ui| toolbar::toolbar_ui(ui, &self.state, &self.settings, actions));
        let covering = self.desk.overlays.page();
        if covering.is_some() || !self.state.shows_record() {
            record_strip::strip_panel_ui(ui, &self.state.record, bar, actions);
        }
        if let Some(path_bar) = &mut self.path_bar {
            Panel::top("path").frame(bar).show(ui, |ui| path_bar.ui(ui, actions));
        }
        let status = theme::panel_frame(ui, Margin::symmetric(16, 4));
        Panel::bottom("status").frame(status).show(ui, |ui| {
            status_bar::status_bar_ui(ui, &self.state, self.n_threads, actions);
        });
        if self.state.messages().next().is_some() || self.state.messages.dismissed_shown().next().is_some() {
            Panel::bottom("messages").frame(bar).show(ui, |ui| messages::messages_ui(ui, &self.state, actions));
        }
        if self.state.shows_library(window_width) {
            let width = ui.available_width();
            Panel::left("library")
                .frame(theme::panel_frame(ui, Margin::symmetric(8, 0)))
                .default_size((width * 0.3).clamp(200.0, 280.0))
                .size_range(160.0..=(width * 0.5).max(160.0))
                .show(ui, |ui| {
                    // Whatever in it is too wide by a fraction would widen it frame after frame.
                    let room = ui.available_rect_before_wrap();
                    let mut inside = ui.new_child(UiBuilder::new().max_rect(room));
                    self.library_panel.ui(&mut inside, &self.state, actions);
                    ui.advance_cursor_after_rect(room);
                });
        } else {
            self.library_panel.hide();
        }
        if self.state.shows_side(window_width) {
            self.side_panel.panel_ui(ui, &self.state, &self.settings, actions);
        } else {
            self.side_panel.hide(&self.settings, actions);
        }
        let page =
            Frame::new().fill(theme::palette(ui).page).inner_margin(Margin { left: 24, right: 8, top: 16, bottom: 0 });
        if covering.is_some() {
            self.editor.leave(&self.state, actions);
            CentralPanel::default().frame(page).show(ui, |ui| {
                self.desk.overlays.page_ui(ui, &self.state, &self.settings, actions);
            });
            return;
        }
        CentralPanel::default().frame(page).show(ui, |ui| match (self.state.cache.page(), self.state.selected()) {
            (Page::Models, _) => {
                self.editor.leave(&self.state, actions);
                self.cache_panel.ui(ui, &self.state.cache, &self.state.results, actions);
            }
            (Page::Record, _) => {
                self.editor.leave(&self.state, actions);
                self.record_panel.ui(ui, &self.state, actions);
            }
            (Page::Recordings, Some(_)) => self.editor.ui(ui, &self.state, actions),
            (Page::Recordings, None) => {
                self.editor.leave(&self.state, actions);
                let demo = self.demo.as_ref().map(|demo| demo.path.as_path());
                welcome::welcome_ui(ui, demo, &self.state, actions);
            }
        });
    }

    fn watch(&mut self, folders: Vec<PathBuf>, new_files: NewFiles) {
        for folder in folders {
            self.state.library.watch(folder, new_files);
        }
    }

    fn import(&self, paths: Vec<PathBuf>) {
        for path in paths {
            self.tell(ModelCommand::Import(path));
        }
    }

    fn tell(&self, command: ModelCommand) {
        self.send(Command::Models(command));
    }

    /// Queues recordings and shows the first of them. Transcripts among them are read.
    fn open(&mut self, paths: Vec<PathBuf>) {
        let recordings = self.import_transcripts(paths);
        let queued: Vec<usize> = recordings.into_iter().map_while(|path| self.queue(path, Rank::Wanted)).collect();
        if let Some(recording_idx) = queued.first() {
            self.state.select(*recording_idx);
        }
    }

    /// Queues a recording, and returns its place in the list; `None` where there is nobody to do it.
    fn queue(&mut self, path: PathBuf, rank: Rank) -> Option<usize> {
        let request = self.request(&path);
        let job = self.engine_or_error()?.transcribe_ranked(request, rank);
        Some(self.state.add_job(job, path))
    }

    /// What is asked of a job: what is chosen now.
    fn request(&self, path: &Path) -> JobRequest {
        let demo = self.demo.as_ref().filter(|demo| demo.path == path);
        let new = || {
            let mut request = JobRequest::new(path.to_path_buf(), self.state.cache.chosen());
            ask_as_chosen(&mut request, &self.settings.jobs);
            request
        };
        let mut request = demo.map_or_else(new, JobRequest::clone);
        request.device = device_of(self.settings.jobs.device);
        request.speakers.count.exact = self.state.n_speakers();
        request
    }

    /// The engine, or a message that there is none.
    fn engine_or_error(&mut self) -> Option<&mut Engine> {
        if self.engine.is_none() {
            self.state.add_message(Severity::Error, text("app-engine-missing"));
        }
        self.engine.as_mut()
    }

    /// Shows a dialog, unless one is open already.
    fn ask(&mut self, purpose: Purpose, question: Question, ctx: &egui::Context) {
        if self.asked.is_some() {
            self.state.set_notice(text("app-dialog-open"));
            return;
        }
        self.asked = Some(purpose);
        self.dialogs.ask(question, wake(ctx));
    }

    fn send(&self, command: Command) {
        if let Some(engine) = &self.engine {
            engine.send(command);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.work(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.keep_typed();
        self.keep_place();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

impl Drop for App {
    /// The engine, which goes after this, keeps what it was told first.
    fn drop(&mut self) {
        self.keep_typed();
        self.keep_place();
    }
}

fn wake(ctx: &egui::Context) -> Wake {
    let ctx = ctx.clone();
    Arc::new(move || ctx.request_repaint())
}
