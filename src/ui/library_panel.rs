//! The library on the left: a search box, the recordings of this session, and below them all recordings there are, or
//! what was found in them. Only the rows in view are drawn, and only their pages are asked for. The only things kept in
//! here are the dialogs.

use std::ops::Range;

use eframe::egui::{
    Align, Align2, Button, Key, KeyboardShortcut, Label, Layout, Margin, Modifiers, Popup, PopupCloseBehavior, Rect,
    RichText, ScrollArea, TextEdit, Ui, vec2,
};

use crate::engine::library::{ListOrder, NewFiles, RecordingEntry};

use super::action::{Action, LibraryAction};
use super::jobs::{jobs_ui, outlook_ui};
use super::library_dialogs::{Dialog, LibraryDialogs};
use super::library_pages::Answering;
use super::library_row::{ENTRY_HEIGHT, EntryRow, HIT_HEIGHT, hit_ui, pending_ui};
use super::library_search::Period;
use super::model_choice::model_choice_ui;
use super::recording::Recording;
use super::speaker_count::speaker_count_ui;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// Puts the keyboard into the search box.
pub(super) const SEARCH_KEYS: KeyboardShortcut =
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::F);

const FIELD_HEIGHT: f32 = 4.0 * UNIT;
/// Between one row and the next.
const ROW_GAP: f32 = 4.0;
/// The recordings of this session have at most this share of the room; the rest is scrolled.
const SESSION_SHARE: f32 = 0.4;
const MENU_WIDTH: f32 = 28.0 * UNIT;
const MAX_MENU_HEIGHT: f32 = 48.0 * UNIT;

/// What the library keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct LibraryPanel {
    dialogs: LibraryDialogs,
}

impl LibraryPanel {
    /// Shows the library.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        ui.add_space(UNIT);
        // Where nothing is shown yet, the welcome has these.
        if state.selected().is_some() {
            model_choice_ui(ui, &state.cache, actions);
            speaker_count_ui(ui, state.n_speakers(), actions);
        }
        search_ui(ui, state, actions);
        if state.recordings().iter().any(Recording::is_of_session) {
            ui.label(RichText::new(text("library-session")).small().color(theme::palette(ui).weak));
            outlook_ui(ui, state);
            let max_height = (ui.available_height() * SESSION_SHARE).floor();
            let area = ScrollArea::vertical().id_salt("session").max_height(max_height).auto_shrink([false, true]);
            area.show(ui, |ui| jobs_ui(ui, state, actions));
        }
        head_ui(ui, state, actions);
        let dialog =
            if state.library.search.is_on() { found_ui(ui, state, actions) } else { list_ui(ui, state, actions) };
        if let Some(dialog) = dialog {
            self.dialogs.open(dialog);
        }
        self.dialogs.ui(ui, actions);
    }

    /// Closes what was open when the library went away.
    pub(super) fn hide(&mut self) {
        self.dialogs.close();
    }
}

fn search_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let mut typed = state.library.search.typed().to_owned();
    let keys = ui.ctx().format_shortcut(&SEARCH_KEYS);
    ui.horizontal(|ui| {
        let width = (ui.available_width() - FIELD_HEIGHT - ui.spacing().item_spacing.x).max(0.0);
        let field = TextEdit::singleline(&mut typed)
            .id_salt("search")
            .hint_text(text("library-search-field"))
            .desired_width(width)
            .min_size(vec2(0.0, FIELD_HEIGHT))
            .align(Align2::LEFT_CENTER);
        let field = ui.add(field).accessible_name(text("library-search-field"));
        let field = field.on_hover_text(text_with("library-search-hint", &[("keys", keys.into())]));
        if ui.input_mut(|input| input.consume_shortcut(&SEARCH_KEYS)) {
            field.request_focus();
        }
        // Taken, so that it leaves nothing else.
        let is_escaped = field.lost_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
        let clear = ui.add_enabled(!typed.is_empty(), Button::new("×").min_size(vec2(FIELD_HEIGHT, FIELD_HEIGHT)));
        let is_cleared = clear.accessible_name(text("library-search-clear")).clicked();
        if is_escaped || is_cleared {
            actions.push(Action::Library(LibraryAction::Type(String::new())));
        } else if field.changed() {
            actions.push(Action::Library(LibraryAction::Type(typed.clone())));
        }
    });
}

fn head_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let library = &state.library;
    let head = match library.pages.n_rows() {
        _ if library.search.is_on() && !library.search.is_settled() => text("library-searching"),
        _ if library.search.is_on() => text_with("library-passages", &[("n", library.search.hits().len().into())]),
        Some(n_rows) if n_rows > 0 => text_with("library-title-count", &[("recordings", n_recordings(n_rows).into())]),
        Some(_) | None => text("library-title"),
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().button_padding.x = UNIT;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            folders_ui(ui, state, actions);
            view_ui(ui, state, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let head = RichText::new(head).small().color(theme::palette(ui).weak);
                ui.add(Label::new(head).truncate().selectable(false));
            });
        });
    });
}

/// The menu for what is shown, and in which order.
fn view_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let (pages, search) = (&state.library.pages, &state.library.search);
    let button = ui.button(RichText::new(text("library-view")).small());
    let button = button.accessible_name(text("library-view-name"));
    let button = button.on_hover_text(text("library-view-hint"));
    let menu = Popup::menu(&button).style(theme::menu_style).gap(4.0);
    menu.close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(MENU_WIDTH);
        ScrollArea::vertical().max_height(MAX_MENU_HEIGHT).show(ui, |ui| {
            for (order, id) in [
                (ListOrder::Date, "library-order-date"),
                (ListOrder::Folder, "library-order-folder"),
                (ListOrder::Name, "library-order-name"),
                (ListOrder::Duration, "library-order-duration"),
            ] {
                choice_ui(ui, pages.order() == order, &text(id), LibraryAction::Arrange(order), actions);
            }
            ui.separator();
            let everywhere = text("library-all-folders");
            choice_ui(ui, pages.folder().is_none(), &everywhere, LibraryAction::LimitToFolder(None), actions);
            for folder in state.library.folders() {
                let path = folder.path.display().to_string();
                let inside = text_with("library-in-folder", &[("folder", path.into())]);
                let is_chosen = pages.folder() == Some(folder.path.as_path());
                choice_ui(ui, is_chosen, &inside, LibraryAction::LimitToFolder(Some(folder.path.clone())), actions);
            }
            ui.separator();
            weak_ui(ui, &text("library-only-searching"));
            for period in Period::ALL {
                let action = LibraryAction::LimitToPeriod(period);
                choice_ui(ui, search.period() == period, &period.label(), action, actions);
            }
            let mut speaker = search.speaker().to_owned();
            let field = TextEdit::singleline(&mut speaker)
                .id_salt("said by")
                .hint_text(text("library-speaker-hint"))
                .desired_width(f32::INFINITY)
                .min_size(vec2(0.0, FIELD_HEIGHT))
                .align(Align2::LEFT_CENTER);
            if ui.add(field).accessible_name(text("library-speaker-field")).changed() {
                actions.push(Action::Library(LibraryAction::LimitToSpeaker(speaker)));
            }
        });
    });
}

/// The menu for the folders that are looked after.
fn folders_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let button = ui.button(RichText::new(text("library-folders")).small());
    let button = button.accessible_name(text("library-folders-name"));
    let button = button.on_hover_text(text("library-folders-hint"));
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        ui.set_width(MENU_WIDTH);
        ScrollArea::vertical().max_height(MAX_MENU_HEIGHT).show(ui, |ui| {
            if state.library.folders().is_empty() {
                weak_ui(ui, &text("library-folders-none"));
            }
            for folder in state.library.folders() {
                let recordings = n_recordings(folder.n_recordings);
                let facts = match folder.new_files {
                    NewFiles::List => recordings,
                    NewFiles::Transcribe => {
                        text_with("library-folder-transcribed", &[("recordings", recordings.into())])
                    }
                };
                let path = folder.path.display().to_string();
                ui.add(Label::new(path.as_str()).truncate().selectable(false));
                weak_ui(ui, &facts);
                let stop = RichText::new(text("library-unwatch")).small();
                let stop = ui.add(Button::new(stop).frame_when_inactive(false));
                let stop = stop.accessible_name(text_with("library-unwatch-name", &[("folder", path.into())]));
                if stop.clicked() {
                    actions.push(Action::Library(LibraryAction::Unwatch(folder.path.clone())));
                    ui.close();
                }
                ui.separator();
            }
            for (id, new_files) in
                [("library-watch", NewFiles::List), ("library-watch-transcribe", NewFiles::Transcribe)]
            {
                if ui.add(Button::new(text(id)).frame_when_inactive(false)).clicked() {
                    actions.push(Action::Library(LibraryAction::AskForFolders(new_files)));
                    ui.close();
                }
            }
        });
    });
}

/// All recordings there are.
fn list_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) -> Option<Dialog> {
    let pages = &state.library.pages;
    match (pages.n_rows(), pages.answering()) {
        (None, Answering::Yes) => {
            weak_ui(ui, &text("library-looking"));
            None
        }
        (None, Answering::No) => {
            weak_ui(ui, &text("library-unreadable"));
            if ui.button(text("library-try-again")).clicked() {
                actions.push(Action::Library(LibraryAction::TryAgain));
            }
            None
        }
        (Some(0), _) => {
            weak_ui(ui, &text("library-empty"));
            None
        }
        (Some(n_rows), _) => rows_ui(ui, state, n_rows, actions),
    }
}

fn rows_ui(ui: &mut Ui, state: &State, n_rows: usize, actions: &mut Vec<Action>) -> Option<Dialog> {
    let pages = &state.library.pages;
    let mut dialog = None;
    let area = ScrollArea::vertical().id_salt(("library", format!("{:?}", pages.order()), pages.folder()));
    let area = area.auto_shrink([false, false]).content_margin(Margin::ZERO);
    let output = area.show_viewport(ui, |ui, viewport| {
        ui.set_height(n_rows as f32 * (ENTRY_HEIGHT + ROW_GAP));
        let rows = rows_in(viewport, ENTRY_HEIGHT, n_rows);
        for row_idx in rows.clone() {
            let place = place_of(ui, row_idx, 0.0, ENTRY_HEIGHT);
            match pages.entry(row_idx) {
                Some(entry) => dialog = entry_ui(ui, state, entry, place, actions).or(dialog.take()),
                None => pending_ui(ui, row_idx, place),
            }
        }
        rows
    });
    if !pages.is_in_view(&output.inner) {
        actions.push(Action::Library(LibraryAction::LookAt(output.inner)));
    }
    dialog
}

/// What was found: recordings by that name first, then passages.
fn found_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) -> Option<Dialog> {
    let search = &state.library.search;
    let (named, hits) = (search.named(), search.hits());
    if named.is_empty() && hits.is_empty() {
        weak_ui(ui, &text(if search.is_settled() { "library-nothing-found" } else { "library-searching" }));
        return None;
    }
    let mut dialog = None;
    let area = ScrollArea::vertical().id_salt("found").auto_shrink([false, false]).content_margin(Margin::ZERO);
    area.show_viewport(ui, |ui, viewport| {
        let hits_top = named.len() as f32 * (ENTRY_HEIGHT + ROW_GAP);
        ui.set_height(hits_top + hits.len() as f32 * (HIT_HEIGHT + ROW_GAP));
        for row_idx in rows_in(viewport, ENTRY_HEIGHT, named.len()) {
            let place = place_of(ui, row_idx, 0.0, ENTRY_HEIGHT);
            dialog = entry_ui(ui, state, &named[row_idx], place, actions).or(dialog.take());
        }
        for hit_idx in rows_in(viewport.translate(vec2(0.0, -hits_top)), HIT_HEIGHT, hits.len()) {
            let place = place_of(ui, hit_idx, hits_top, HIT_HEIGHT);
            if hit_ui(ui, &hits[hit_idx], hit_idx, place) {
                actions.push(Action::Library(LibraryAction::ShowHit(hit_idx)));
            }
        }
    });
    dialog
}

fn entry_ui(
    ui: &mut Ui,
    state: &State,
    entry: &RecordingEntry,
    place: Rect,
    actions: &mut Vec<Action>,
) -> Option<Dialog> {
    let row = EntryRow { entry, is_selected: state.is_shown(entry), job_status: state.job_status(entry) };
    row.ui(ui, place, actions)
}

/// `1 recording`, `3 recordings`.
fn n_recordings(n: usize) -> String {
    text_with("library-recordings", &[("n", n.into())])
}

/// The rows in view, and one more at each end, for the keyboard to go to.
fn rows_in(viewport: Rect, height: f32, n_rows: usize) -> Range<usize> {
    let step = height + ROW_GAP;
    let first = ((viewport.top() / step).floor() as usize).saturating_sub(1).min(n_rows);
    let end = ((viewport.bottom() / step).ceil().max(0.0) as usize + 1).min(n_rows);
    first..end.max(first)
}

/// Where a row is drawn in a list that begins `top` below the upper edge of the scrolled area.
fn place_of(ui: &Ui, row_idx: usize, top: f32, height: f32) -> Rect {
    let origin = ui.max_rect().min + vec2(0.0, top + row_idx as f32 * (height + ROW_GAP));
    Rect::from_min_size(origin, vec2(ui.max_rect().width(), height))
}

fn choice_ui(ui: &mut Ui, is_chosen: bool, text: &str, action: LibraryAction, actions: &mut Vec<Action>) {
    let button = ui.add(Button::selectable(is_chosen, text).truncate());
    if button.on_hover_text(text).clicked() {
        actions.push(Action::Library(action));
        ui.close();
    }
}

fn weak_ui(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).small().color(theme::palette(ui).weak)).wrap().selectable(false));
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;

    #[test]
    fn the_rows_in_view_have_a_neighbour_at_each_end() {
        let step = ENTRY_HEIGHT + ROW_GAP;
        for (top, bottom, n_rows, expected) in [
            (0.0, 3.0 * step, 100, 0..4),
            (10.5 * step, 12.5 * step, 100, 9..14),
            (97.0 * step, 100.0 * step, 100, 96..100),
            (0.0, 3.0 * step, 2, 0..2),
            (-5.0 * step, -2.0 * step, 9, 0..1),
            (5.0 * step, 9.0 * step, 0, 0..0),
        ] {
            let viewport = Rect::from_min_max(pos2(0.0, top), pos2(200.0, bottom));
            assert_eq!(rows_in(viewport, ENTRY_HEIGHT, n_rows), expected, "{top} to {bottom} of {n_rows}");
        }
    }
}
