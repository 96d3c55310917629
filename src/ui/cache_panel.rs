//! The page of models: downloads and other work on top, then either which models there are, or what is kept of them in
//! memory and on disk with budgets and counters, or what was computed with them. It knows nothing but what the engine
//! told, and asks before it removes anything. The only thing kept in here is what is being typed, and what is asked.

use std::time::{Duration, SystemTime};

use eframe::egui::{
    Align, Button, Color32, Key, Label, Layout, Modifiers, Popup, ProgressBar, Response, RichText, Role, ScrollArea,
    Ui, UiBuilder, vec2,
};

use crate::engine::models::{
    CacheCounters, CachedModel, CachedState, DownloadState, Level, Loads, ModelCommand, ModelListing, Pinning,
};

use super::action::{Action, CacheAction};
use super::amounts::{duration_text, share, size_text};
use super::ask::{Asking, Question, Reply};
use super::cache_state::{CacheState, Freed, Removal, Tab, Working};
use super::cache_table::table_ui;
use super::download::Download;
use super::model_cards::{TokenField, cards_ui};
use super::results_panel::{clearing_ui, results_ui};
use super::results_state::ResultsState;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// Ages in the tables are told in minutes.
const AGES_INTERVAL: Duration = Duration::from_mins(1);
const BAR_HEIGHT: f32 = UNIT;
/// In less room, the tabs and buttons above the page are narrower.
const MIN_WIDTH_FOR_TABS: f32 = 84.0 * UNIT;

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
                    ui.label(text("cache-looking"));
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
        let (asked, consequence, verb) = removal_texts(removal, freed);
        let question = Question { id: "remove models", text: &asked, consequence: &consequence, verb: &verb };
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
        if ui.available_width() < MIN_WIDTH_FOR_TABS {
            // Otherwise the last buttons would lie on each other.
            ui.spacing_mut().button_padding.x = UNIT;
        }
        ui.heading(text("cache-title"));
        for (tab, name) in [
            (Tab::Available, text("cache-tab-available")),
            (Tab::Cache, text("cache-tab-cache")),
            (Tab::Results, text("cache-tab-results")),
        ] {
            if ui.add(Button::selectable(tab == state.tab(), name)).clicked() {
                actions.push(Action::Models(CacheAction::Open(tab)));
            }
        }
        import_ui(ui, actions);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.button(text("cache-close")).on_hover_text(text("cache-close-hint"));
            if close.accessible_name(text("cache-close-name")).clicked() {
                actions.push(Action::Models(CacheAction::Close));
            }
        });
    });
    ui.add_space(UNIT);
}

fn import_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let button = ui.button(text("cache-import")).on_hover_text(text("cache-import-hint"));
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        for (name, action) in [
            (text("cache-import-files"), CacheAction::ImportFiles),
            (text("cache-import-folders"), CacheAction::ImportFolders),
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
            .accessibility_label(text_with("cache-download", &[("model", download.model.as_str().into())]));
        ui.scope_builder(group, |ui| download_ui(ui, download, actions));
    }
    if let Some(Working { what, fraction }) = state.working() {
        ui.label(what.as_str());
        let of_work = |id: &str| text_with(id, &[("work", what.into())]);
        ui.horizontal(|ui| {
            if small_button(ui, text("cache-stop"), of_work("cache-stop-name")).clicked() {
                actions.push(Action::Models(CacheAction::Tell(ModelCommand::Stop)));
            }
            bar_ui(ui, fraction.unwrap_or(0.0), of_work("cache-progress"));
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
    let of_model = |id: &str| text_with(id, &[("model", model.into())]);
    ui.horizontal(|ui| {
        for (word_id, name_id, command) in download_buttons(download) {
            if small_button(ui, text(word_id), of_model(name_id)).clicked() {
                actions.push(Action::Models(CacheAction::Tell(command)));
            }
        }
        if let Some(fraction) = download.fraction() {
            bar_ui(ui, fraction, of_model("cache-download-progress"));
        }
    });
}

/// What can be done about a download, with the ids of the word on the button and of its name.
fn download_buttons(download: &Download) -> Vec<(&'static str, &'static str, ModelCommand)> {
    let model = || download.model.clone();
    let cancel = ("cache-cancel", "cache-cancel-name", ModelCommand::CancelDownload(model()));
    match download.state {
        DownloadState::Waiting | DownloadState::Running(..) => {
            vec![("cache-pause", "cache-pause-name", ModelCommand::PauseDownload(model())), cancel]
        }
        DownloadState::Paused(_) | DownloadState::Failed(_) => {
            vec![("cache-resume", "cache-resume-name", ModelCommand::Download(model())), cancel]
        }
        DownloadState::Preparing | DownloadState::Done | DownloadState::Cancelled => vec![],
    }
}

fn level_ui(ui: &mut Ui, state: &CacheState, listing: &ModelListing, level: Level, actions: &mut Vec<Action>) {
    let rows = state.rows(level);
    let n_bytes: u64 = rows.iter().map(|row| row.n_bytes).sum();
    let (place, budget_bytes) = match level {
        Level::Memory => (text("cache-in-memory"), Some(listing.memory_budget_bytes)),
        Level::Disk => (text("cache-on-disk"), listing.disk_budget_bytes),
    };
    let mut values = vec![("n", rows.len().into()), ("size", size_text(n_bytes).into())];
    let facts = match budget_bytes {
        Some(budget_bytes) => {
            values.push(("budget", size_text(budget_bytes).into()));
            text_with("cache-level-budget", &values)
        }
        None => text_with("cache-level", &values),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(&place).strong());
        let facts = ui.label(RichText::new(&facts).color(theme::palette(ui).weak));
        if level == Level::Disk {
            facts.on_hover_text(listing.folder.display().to_string());
        }
    });
    if let Some(budget_bytes) = budget_bytes {
        bar_ui(ui, share(n_bytes, budget_bytes), format!("{place}: {facts}"));
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
        CachedState::InUse => Some("cache-obstacle-used"),
        CachedState::Loading => Some("cache-obstacle-loaded"),
        CachedState::Idle | CachedState::Damaged | CachedState::Outdated => None,
    });
    let unload = Tool { word_id: "cache-unload", hint_id: "cache-unload-hint", obstacle_id: obstacle };
    unload.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Unload(row.key.clone())));
    pin_ui(ui, row, Level::Memory, actions);
}

fn disk_tools_ui(ui: &mut Ui, state: &CacheState, row: Option<&CachedModel>, actions: &mut Vec<Action>) {
    let is_loaded = |row: &CachedModel| state.rows(Level::Memory).iter().any(|other| other.key == row.key);
    let busy = row.and_then(|row| match row.state {
        CachedState::Loading => Some("cache-obstacle-written"),
        CachedState::InUse | CachedState::Idle | CachedState::Damaged | CachedState::Outdated => None,
    });
    let obstacle = busy.or_else(|| row.filter(|row| is_loaded(row)).map(|_| "cache-obstacle-in-memory"));
    let load = Tool { word_id: "cache-load", hint_id: "cache-load-hint", obstacle_id: obstacle };
    load.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Load(row.key.clone())));
    pin_ui(ui, row, Level::Disk, actions);
    let verify = Tool { word_id: "cache-verify", hint_id: "cache-verify-hint", obstacle_id: busy };
    verify.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Verify(row.key.clone())));
    let export = Tool { word_id: "cache-export", hint_id: "cache-export-hint", obstacle_id: busy };
    export.ui(ui, row, actions, |row| CacheAction::Export(vec![row.key.clone()]));
    let obstacle = busy.or_else(|| row.filter(|row| state.is_in_use(&row.key)).map(|_| "cache-obstacle-used"));
    let delete = Tool { word_id: "cache-delete", hint_id: "cache-delete-hint", obstacle_id: obstacle };
    delete.ui(ui, row, actions, |row| CacheAction::AskToRemove(Removal::Of(row.key.clone())));
    all_tools_ui(ui, state, actions);
}

fn all_tools_ui(ui: &mut Ui, state: &CacheState, actions: &mut Vec<Action>) {
    let keys: Vec<_> = state.rows(Level::Disk).iter().map(|row| row.key.clone()).collect();
    let is_anything_there = !keys.is_empty() || !state.rows(Level::Memory).is_empty();
    let export = ui.add_enabled(!keys.is_empty(), Button::new(RichText::new(text("cache-export-all")).small()));
    if export.accessible_name(text("cache-export-all-name")).clicked() {
        actions.push(Action::Models(CacheAction::Export(keys)));
    }
    let clear = ui.add_enabled(is_anything_there, Button::new(RichText::new(text("cache-clear-all")).small()));
    let clear = clear.accessible_name(text("cache-clear-all-name"));
    if clear.on_hover_text(text("cache-clear-all-hint")).clicked() {
        actions.push(Action::Models(CacheAction::AskToRemove(Removal::OfAll)));
    }
}

fn pin_ui(ui: &mut Ui, row: Option<&CachedModel>, level: Level, actions: &mut Vec<Action>) {
    if row.is_some_and(|row| row.pinning == Pinning::Pinned) {
        let unpin = Tool { word_id: "cache-unpin", hint_id: "cache-unpin-hint", obstacle_id: None };
        unpin.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Unpin(level, row.key.clone())));
    } else {
        let pin = Tool { word_id: "cache-pin", hint_id: "cache-pin-hint", obstacle_id: None };
        pin.ui(ui, row, actions, |row| CacheAction::Tell(ModelCommand::Pin(level, row.key.clone())));
    }
}

/// A button that does something with the chosen row of a table, by the ids of its texts.
struct Tool {
    word_id: &'static str,
    hint_id: &'static str,
    /// Why it cannot be done now.
    obstacle_id: Option<&'static str>,
}

impl Tool {
    fn ui(
        &self,
        ui: &mut Ui,
        row: Option<&CachedModel>,
        actions: &mut Vec<Action>,
        action: impl FnOnce(&CachedModel) -> CacheAction,
    ) {
        let obstacle_id = if row.is_some() { self.obstacle_id } else { Some("cache-obstacle-no-choice") };
        let word = text(self.word_id);
        let name = match row {
            Some(row) => {
                text_with("cache-tool-name", &[("tool", word.as_str().into()), ("model", row.key.as_str().into())])
            }
            None => word.clone(),
        };
        let button = ui.add_enabled(obstacle_id.is_none(), Button::new(RichText::new(word).small()));
        let button = button.accessible_name(name).on_hover_text(text(self.hint_id));
        let button = if let Some(id) = obstacle_id { button.on_disabled_hover_text(text(id)) } else { button };
        if let Some(row) = row.filter(|_| button.clicked()) {
            actions.push(Action::Models(action(row)));
        }
    }
}

fn counters_ui(ui: &mut Ui, listing: &ModelListing) {
    ui.label(RichText::new(text("cache-counters")).strong());
    for (when_id, counters) in
        [("cache-counters-session", &listing.since_start), ("cache-counters-ever", &listing.lifetime)]
    {
        let line = text_with(when_id, &[("counters", counters_text(counters).into())]);
        ui.add(Label::new(RichText::new(line).small()).wrap());
    }
}

/// `hit rate 75 % (3 hits, 1 miss), 2 loads from disk in 1 s, …`.
fn counters_text(counters: &CacheCounters) -> String {
    let n_asked = counters.n_hits + counters.n_misses;
    let count = |id: &str, n: u64| text_with(id, &[("n", n.into())]);
    let mut values = vec![
        ("hits", count("cache-hits", counters.n_hits).into()),
        ("misses", count("cache-misses", counters.n_misses).into()),
    ];
    let rate = if n_asked == 0 {
        text_with("cache-hit-rate-unknown", &values)
    } else {
        values.push(("percent", format!("{:.0}", share(counters.n_hits, n_asked) * 100.0).into()));
        text_with("cache-hit-rate", &values)
    };
    let loads = |none_id: &str, some_id: &str, loads: &Loads| match loads.n_loads {
        0 => text(none_id),
        n => text_with(some_id, &[("n", n.into()), ("taken", duration_text(loads.taken.0).into())]),
    };
    [
        rate,
        count("cache-evictions", counters.n_evictions),
        count("cache-cleanups", counters.n_memory_cleanups),
        loads("cache-loads-memory-none", "cache-loads-memory", &counters.from_memory),
        loads("cache-loads-disk-none", "cache-loads-disk", &counters.from_disk),
        loads("cache-loads-hub-none", "cache-loads-hub", &counters.from_hub),
    ]
    .join(", ")
}

/// What is asked before a removal, what it means, and the word on the button.
fn removal_texts(removal: &Removal, freed: Freed) -> (String, String, String) {
    let mut values = vec![("disk", size_text(freed.disk_bytes).into())];
    let sizes = match freed.memory_bytes {
        0 => text_with("cache-freed-disk", &values),
        n_bytes => {
            values.push(("memory", size_text(n_bytes).into()));
            text_with("cache-freed-both", &values)
        }
    };
    match removal {
        Removal::Of(key) => (
            text_with("cache-ask-delete", &[("model", key.as_str().into())]),
            text_with("cache-ask-delete-consequence", &[("sizes", sizes.into())]),
            text("cache-ask-delete-verb"),
        ),
        Removal::OfAll => {
            let kept = (freed.n_kept > 0).then(|| text_with("cache-ask-clear-kept", &[("n", freed.n_kept.into())]));
            let frees = [("sizes", sizes.into()), ("n", freed.n_models.into())];
            let frees = text_with("cache-ask-clear-frees", &frees);
            let sentences = [Some(frees), kept, Some(text("cache-ask-clear-again"))];
            let consequence = sentences.into_iter().flatten().collect::<Vec<_>>().join(" ");
            (text("cache-ask-clear"), consequence, text("cache-ask-clear-verb"))
        }
    }
}

fn bar_ui(ui: &mut Ui, fraction: f32, name: String) {
    // Nothing would be a dot, which is as long as a bar is high.
    let fill = if fraction > 0.0 { theme::palette(ui).accent } else { Color32::TRANSPARENT };
    let bar = ProgressBar::new(fraction).desired_width(ui.available_width()).desired_height(BAR_HEIGHT).fill(fill);
    ui.add(bar).accessible_name(name);
}

fn small_button(ui: &mut Ui, word: String, name: String) -> Response {
    ui.add(Button::new(RichText::new(word).small()).min_size(vec2(0.0, 3.0 * UNIT))).accessible_name(name)
}
