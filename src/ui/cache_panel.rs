//! The page of models: downloads and other work on top, then either which models there are, or what is kept of them in
//! memory and on disk with budgets and counters, or what was computed with them. It knows nothing but what the engine
//! told, and asks before it removes anything. The only thing kept in here is what is being typed, and what is asked.

use std::time::{Duration, SystemTime};

use eframe::egui::{
    Align, Button, Key, Label, Layout, Modifiers, Popup, ProgressBar, Response, RichText, Role, ScrollArea, Ui,
    UiBuilder, vec2,
};

use crate::engine::models::{
    CacheCounters, CachedModel, CachedState, DownloadState, Level, Loads, ModelCommand, ModelListing, Pinning,
};

use super::action::{Action, CacheAction};
use super::amounts::{count_text, duration_text, share, size_text};
use super::ask::{Asking, Question, Reply};
use super::cache_state::{CacheState, Freed, Removal, Tab, Working};
use super::cache_table::table_ui;
use super::download::Download;
use super::model_cards::{TokenField, cards_ui};
use super::results_panel::{clearing_ui, results_ui};
use super::results_state::ResultsState;
use super::state::is_narrow;
use super::theme::{self, UNIT};

/// Ages in the tables are told in minutes.
const AGES_INTERVAL: Duration = Duration::from_mins(1);
const BAR_HEIGHT: f32 = UNIT;

/// What the page keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct CachePanel {
    token: TokenField,
    removal: Asking,
    clearing: Asking,
}

impl CachePanel {
    /// Shows the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &CacheState, results: &ResultsState, actions: &mut Vec<Action>) {
        let is_asked = state.asked().is_some() || results.asked_to_clear().is_some();
        if !is_asked {
            take_escape(ui, actions);
        }
        head_ui(ui, state, actions);
        work_ui(ui, state, actions);
        ScrollArea::vertical().id_salt(("models", state.tab())).auto_shrink([false, false]).show(ui, |ui| {
            match (state.tab(), state.listing()) {
                (Tab::Results, _) => results_ui(ui, results, actions),
                (Tab::Available, Some(listing)) => cards_ui(ui, state, listing, &mut self.token, actions),
                (Tab::Cache, Some(listing)) => {
                    level_ui(ui, state, listing, Level::Memory, actions);
                    ui.add_space(2.0 * UNIT);
                    level_ui(ui, state, listing, Level::Disk, actions);
                    ui.add_space(2.0 * UNIT);
                    counters_ui(ui, listing);
                    ui.ctx().request_repaint_after(AGES_INTERVAL);
                }
                (Tab::Available | Tab::Cache, None) => {
                    ui.label("Looking for models…");
                }
            }
            ui.add_space(2.0 * UNIT);
        });
        self.removal_ui(ui, state, actions);
        clearing_ui(ui, results, &mut self.clearing, actions);
    }

    fn removal_ui(&mut self, ui: &Ui, state: &CacheState, actions: &mut Vec<Action>) {
        let Some((removal, freed)) = state.asked() else {
            self.removal = Asking::Hidden;
            return;
        };
        let (text, consequence, verb) = removal_texts(removal, freed);
        let question = Question { id: "remove models", text: &text, consequence: &consequence, verb };
        match self.removal.ui(ui, question) {
            Some(Reply::Do) => actions.push(Action::Models(CacheAction::Remove)),
            Some(Reply::Keep) => actions.push(Action::Models(CacheAction::KeepAll)),
            None => {}
        }
    }
}

/// Escape leaves the page, unless it has something nearer to leave.
fn take_escape(ui: &Ui, actions: &mut Vec<Action>) {
    let is_busy = Popup::is_any_open(ui.ctx()) || ui.ctx().text_edit_focused();
    if !is_busy && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        actions.push(Action::Models(CacheAction::Close));
    }
}

fn head_ui(ui: &mut Ui, state: &CacheState, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        if is_narrow(theme::window_width(ui)) {
            // Otherwise the last buttons would lie on each other.
            ui.spacing_mut().button_padding.x = UNIT;
        }
        ui.heading("Models");
        for (tab, name) in
            [(Tab::Available, "All models"), (Tab::Cache, "In memory and on disk"), (Tab::Results, "Results")]
        {
            if ui.add(Button::selectable(tab == state.tab(), name)).clicked() {
                actions.push(Action::Models(CacheAction::Open(tab)));
            }
        }
        import_ui(ui, actions);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.button("Close").on_hover_text("Back to the recordings (Esc)");
            if close.accessible_name("Close the models").clicked() {
                actions.push(Action::Models(CacheAction::Close));
            }
        });
    });
    ui.add_space(UNIT);
}

fn import_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let button = ui.button("Import…").on_hover_text("Takes in models from another machine; no network is needed");
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        for (name, action) in [
            ("Files of Hansard (.hansard-models)", CacheAction::ImportFiles),
            ("Folders in Hugging Face layout", CacheAction::ImportFolders),
        ] {
            if ui.add(Button::new(name).frame_when_inactive(false)).clicked() {
                actions.push(Action::Models(action));
                ui.close();
            }
        }
    });
}

/// What goes on: downloads, and whatever else the engine does with models.
fn work_ui(ui: &mut Ui, state: &CacheState, actions: &mut Vec<Action>) {
    for download in state.downloads() {
        let group = UiBuilder::new()
            .id_salt(("download", &download.model))
            .accessibility_role(Role::Group)
            .accessibility_label(format!("Download of {}", download.model));
        ui.scope_builder(group, |ui| download_ui(ui, download, actions));
    }
    if let Some(Working { what, fraction }) = state.working() {
        ui.label(what.as_str());
        ui.horizontal(|ui| {
            if small_button(ui, "Stop", format!("Stop: {what}")).clicked() {
                actions.push(Action::Models(CacheAction::Tell(ModelCommand::Stop)));
            }
            bar_ui(ui, fraction.unwrap_or(0.0), &format!("Progress: {what}"));
        });
    }
    if !state.downloads().is_empty() || state.working().is_some() {
        ui.separator();
    }
}

fn download_ui(ui: &mut Ui, download: &Download, actions: &mut Vec<Action>) {
    let model = &download.model;
    let color = match download.state {
        DownloadState::Failed(_) => theme::palette(ui).error,
        DownloadState::Waiting
        | DownloadState::Running(..)
        | DownloadState::Paused(_)
        | DownloadState::Preparing
        | DownloadState::Done
        | DownloadState::Cancelled => theme::palette(ui).text,
    };
    ui.add(Label::new(RichText::new(format!("{model}: {}", download.status())).color(color)).wrap());
    ui.horizontal(|ui| {
        for (text, command) in download_buttons(download) {
            if small_button(ui, text, format!("{text} the download of {model}")).clicked() {
                actions.push(Action::Models(CacheAction::Tell(command)));
            }
        }
        if let Some(fraction) = download.fraction() {
            bar_ui(ui, fraction, &format!("Progress of the download of {model}"));
        }
    });
}

/// What can be done about a download.
fn download_buttons(download: &Download) -> Vec<(&'static str, ModelCommand)> {
    let cancel = ("Cancel", ModelCommand::CancelDownload(download.model.clone()));
    match download.state {
        DownloadState::Waiting | DownloadState::Running(..) => {
            vec![("Pause", ModelCommand::PauseDownload(download.model.clone())), cancel]
        }
        DownloadState::Paused(_) | DownloadState::Failed(_) => {
            vec![("Resume", ModelCommand::Download(download.model.clone())), cancel]
        }
        DownloadState::Preparing | DownloadState::Done | DownloadState::Cancelled => vec![],
    }
}

fn level_ui(ui: &mut Ui, state: &CacheState, listing: &ModelListing, level: Level, actions: &mut Vec<Action>) {
    let rows = state.rows(level);
    let n_bytes: u64 = rows.iter().map(|row| row.n_bytes).sum();
    let (place, budget_bytes) = match level {
        Level::Memory => ("In memory", Some(listing.memory_budget_bytes)),
        Level::Disk => ("On disk", listing.disk_budget_bytes),
    };
    let n_models = count_text(rows.len(), "model", "models");
    let facts = match budget_bytes {
        Some(budget_bytes) => format!("{n_models}, {} of {}", size_text(n_bytes), size_text(budget_bytes)),
        None => format!("{n_models}, {}", size_text(n_bytes)),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(place).strong());
        let facts = ui.label(RichText::new(&facts).color(theme::palette(ui).weak));
        if level == Level::Disk {
            facts.on_hover_text(listing.folder.display().to_string());
        }
    });
    if let Some(budget_bytes) = budget_bytes {
        bar_ui(ui, share(n_bytes, budget_bytes), &format!("{place}: {facts}"));
    }
    let selected = state.selected(level);
    ui.horizontal_wrapped(|ui| match level {
        Level::Memory => memory_tools_ui(ui, selected, actions),
        Level::Disk => disk_tools_ui(ui, state, selected, actions),
    });
    table_ui(ui, state, level, SystemTime::now(), actions);
}

fn memory_tools_ui(ui: &mut Ui, row: Option<&CachedModel>, actions: &mut Vec<Action>) {
    let obstacle = row.and_then(|row| match row.state {
        CachedState::InUse => Some("A job uses it."),
        CachedState::Loading => Some("It is being loaded."),
        CachedState::Idle | CachedState::Damaged | CachedState::Outdated => None,
    });
    let unload = Tool { text: "Unload", hint: "Sets its memory free; it stays on disk", obstacle };
    unload.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Unload(row.key.clone())));
    pin_ui(ui, row, Level::Memory, actions);
}

fn disk_tools_ui(ui: &mut Ui, state: &CacheState, row: Option<&CachedModel>, actions: &mut Vec<Action>) {
    let is_loaded = |row: &CachedModel| state.rows(Level::Memory).iter().any(|other| other.key == row.key);
    let busy = row.and_then(|row| match row.state {
        CachedState::Loading => Some("It is being written."),
        CachedState::InUse | CachedState::Idle | CachedState::Damaged | CachedState::Outdated => None,
    });
    let obstacle = busy.or_else(|| row.filter(|row| is_loaded(row)).map(|_| "It is in memory already."));
    let load =
        Tool { text: "Load", hint: "Brings it into memory, so that the next job need not wait for it", obstacle };
    load.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Load(row.key.clone())));
    pin_ui(ui, row, Level::Disk, actions);
    let verify =
        Tool { text: "Verify", hint: "Reads all its files and compares them with their hashes", obstacle: busy };
    verify.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Verify(row.key.clone())));
    let export =
        Tool { text: "Export…", hint: "Writes it to a file for a machine without a network", obstacle: busy };
    export.ui(ui, row, actions, |row| CacheAction::Export(vec![row.key.clone()]));
    let obstacle = busy.or_else(|| row.filter(|row| state.is_in_use(&row.key)).map(|_| "A job uses it."));
    let delete = Tool { text: "Delete…", hint: "Removes it from the disk; asks first", obstacle };
    delete.ui(ui, row, actions, |row| CacheAction::AskToRemove(Removal::Of(row.key.clone())));
    all_tools_ui(ui, state, actions);
}

fn all_tools_ui(ui: &mut Ui, state: &CacheState, actions: &mut Vec<Action>) {
    let keys: Vec<_> = state.rows(Level::Disk).iter().map(|row| row.key.clone()).collect();
    let is_anything_there = !keys.is_empty() || !state.rows(Level::Memory).is_empty();
    let export = ui.add_enabled(!keys.is_empty(), Button::new(RichText::new("Export all…").small()));
    if export.accessible_name("Export all models").clicked() {
        actions.push(Action::Models(CacheAction::Export(keys)));
    }
    let clear = ui.add_enabled(is_anything_there, Button::new(RichText::new("Clear all…").small()));
    let clear = clear.accessible_name("Clear all models");
    if clear.on_hover_text("Removes everything but what is pinned or in use; asks first").clicked() {
        actions.push(Action::Models(CacheAction::AskToRemove(Removal::OfAll)));
    }
}

fn pin_ui(ui: &mut Ui, row: Option<&CachedModel>, level: Level, actions: &mut Vec<Action>) {
    if row.is_some_and(|row| row.pinning == Pinning::Pinned) {
        let unpin = Tool { text: "Unpin", hint: "Lets it go when room is needed", obstacle: None };
        unpin.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Unpin(level, row.key.clone())));
    } else {
        let pin = Tool { text: "Pin", hint: "Keeps it here, whatever the budget says", obstacle: None };
        pin.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Pin(level, row.key.clone())));
    }
}

/// A button that does something with the chosen row of a table.
struct Tool {
    text: &'static str,
    hint: &'static str,
    /// Why it cannot be done now.
    obstacle: Option<&'static str>,
}

impl Tool {
    fn ui(
        &self,
        ui: &mut Ui,
        row: Option<&CachedModel>,
        actions: &mut Vec<Action>,
        action: impl FnOnce(&CachedModel) -> CacheAction,
    ) {
        let obstacle = if row.is_some() { self.obstacle } else { Some("Choose a model in the table first.") };
        let name = row.map_or_else(|| self.text.to_owned(), |row| format!("{} {}", self.text, row.key));
        let button = ui.add_enabled(obstacle.is_none(), Button::new(RichText::new(self.text).small()));
        let button = button.accessible_name(name).on_hover_text(self.hint);
        let button = if let Some(why) = obstacle { button.on_disabled_hover_text(why) } else { button };
        if let Some(row) = row.filter(|_| button.clicked()) {
            actions.push(Action::Models(action(row)));
        }
    }
}

fn counters_ui(ui: &mut Ui, listing: &ModelListing) {
    ui.label(RichText::new("Counters").strong());
    for (when, counters) in [("Since the start", &listing.since_start), ("Ever", &listing.lifetime)] {
        ui.add(Label::new(RichText::new(format!("{when}: {}", counters_text(counters))).small()).wrap());
    }
}

/// `hit rate 75 % (3 hits, 1 miss), 2 loads from disk in 1 s, …`.
fn counters_text(counters: &CacheCounters) -> String {
    let n_asked = counters.n_hits + counters.n_misses;
    let rate = match n_asked {
        0 => "hit rate not known yet".to_owned(),
        _ => format!("hit rate {:.0} %", share(counters.n_hits, n_asked) * 100.0),
    };
    let count = |n: u64, one: &str, many: &str| count_text(n as usize, one, many);
    let loads = |loads: &Loads, from: &str| match loads.n_loads {
        0 => format!("no load from {from}"),
        n => format!("{} from {from} in {}", count(n, "load", "loads"), duration_text(loads.taken.0)),
    };
    [
        format!("{rate} ({}, {})", count(counters.n_hits, "hit", "hits"), count(counters.n_misses, "miss", "misses")),
        count(counters.n_evictions, "eviction", "evictions"),
        count(counters.n_memory_cleanups, "memory cleanup", "memory cleanups"),
        loads(&counters.from_memory, "memory"),
        loads(&counters.from_disk, "disk"),
        loads(&counters.from_hub, "the hub"),
    ]
    .join(", ")
}

/// What is asked before a removal, what it means, and the word on the button.
fn removal_texts(removal: &Removal, freed: Freed) -> (String, String, &'static str) {
    let on_disk = size_text(freed.disk_bytes);
    let sizes = match freed.memory_bytes {
        0 => format!("{on_disk} on disk"),
        n_bytes => format!("{on_disk} on disk and {} in memory", size_text(n_bytes)),
    };
    match removal {
        Removal::Of(key) => {
            let consequence = format!("This frees {sizes}. To be used again, it has to be fetched or imported again.");
            (format!("Delete {key}?"), consequence, "Delete")
        }
        Removal::OfAll => {
            let n_models = count_text(freed.n_models, "model", "models");
            let kept = match freed.n_kept {
                0 => String::new(),
                n => format!(" Pinned or in use, {} will stay.", count_text(n, "model", "models")),
            };
            let consequence = format!(
                "This frees {sizes} ({n_models}).{kept} To be used again, models have to be fetched or imported again."
            );
            ("Clear all models?".to_owned(), consequence, "Clear")
        }
    }
}

fn bar_ui(ui: &mut Ui, fraction: f32, name: &str) {
    let accent = theme::palette(ui).accent;
    let bar = ProgressBar::new(fraction).desired_width(ui.available_width()).desired_height(BAR_HEIGHT).fill(accent);
    ui.add(bar).accessible_name(name);
}

fn small_button(ui: &mut Ui, text: &str, name: String) -> Response {
    ui.add(Button::new(RichText::new(text).small()).min_size(vec2(0.0, 3.0 * UNIT))).accessible_name(name)
}
