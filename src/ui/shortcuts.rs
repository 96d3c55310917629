//! The keyboard shortcuts: one table that the window listens by and that the sheet of shortcuts shows. Keys of one part
//! of the window alone are defined there.

use eframe::egui::{
    Color32, Grid, Key, KeyboardShortcut, Label, Modifiers, Popup, RichText, ScrollArea, TextStyle, Ui,
};

use super::action::{Action, OverlayAction};
use super::ask::dialog_of_width_ui;
use super::editor::DOUBT_KEYS;
use super::find_bar::{FIND_KEYS, NEXT_KEYS, REPLACE_KEYS};
use super::library_panel::SEARCH_KEYS;
use super::player_bar::{BACK_KEYS, FORWARD_KEYS, JUMP_LETTERS, TOGGLE_LETTER};
use super::record_button::{MARK_KEY, PAUSE_KEYS, RECORD_KEYS};
use super::row_menu::{DIGITS, EDIT_KEYS, MERGE_KEYS, PLAY_KEYS, SPLIT_KEYS};
use super::texts::text;
use super::theme::{self, UNIT};

/// Opens recordings.
pub(super) const OPEN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::O);
/// Exports as the last time, or opens the menu if there was none.
pub(super) const EXPORT: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::E);
/// Shows the page for exporting.
pub(super) const EXPORT_PAGE: KeyboardShortcut = KeyboardShortcut::new(COMMAND_SHIFT, Key::E);
/// Shows the settings, or leaves them.
pub(super) const SETTINGS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Comma);
/// Takes back the last change of the transcript.
pub(super) const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
/// Makes it again.
pub(super) const REDO: KeyboardShortcut = KeyboardShortcut::new(COMMAND_SHIFT, Key::Z);
/// Makes everything larger,
const LARGER: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Plus);
/// also where the plus is above the equals sign,
const LARGER_UNSHIFTED: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals);
/// or smaller,
const SMALLER: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Minus);
/// or as it is usual.
const USUAL_SIZE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Num0);
/// Closes the window.
const QUIT: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Q);
/// Shows this table,
const HELP: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F1);
/// unless somebody types.
const HELP_BY_QUESTION: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Questionmark);

const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Wide enough for the longest keys with what they do beside them.
const SHEET_WIDTH: f32 = 72.0 * UNIT;

/// What keys do.
struct Entry {
    /// Any of these.
    keys: &'static [KeyboardShortcut],
    /// Id of what that is in words.
    what: &'static str,
}

/// All shortcuts, in groups; each group has the id of its name.
const GROUPS: [(&str, &[Entry]); 6] = [
    (
        "shortcuts-recordings",
        &[
            Entry { keys: &[OPEN], what: "shortcuts-open" },
            Entry { keys: &[EXPORT], what: "shortcuts-export" },
            Entry { keys: &[EXPORT_PAGE], what: "shortcuts-export-page" },
            Entry { keys: &[SEARCH_KEYS], what: "shortcuts-search" },
        ],
    ),
    (
        "shortcuts-recording",
        &[
            Entry { keys: &[RECORD_KEYS], what: "shortcuts-record" },
            Entry { keys: &[PAUSE_KEYS], what: "shortcuts-pause" },
            Entry { keys: &[plain(MARK_KEY)], what: "shortcuts-mark" },
        ],
    ),
    (
        "shortcuts-listening",
        &[
            Entry { keys: &[plain(Key::Space), plain(TOGGLE_LETTER)], what: "shortcuts-play" },
            Entry { keys: &[BACK_KEYS, plain(JUMP_LETTERS[0])], what: "shortcuts-back" },
            Entry { keys: &[FORWARD_KEYS, plain(JUMP_LETTERS[1])], what: "shortcuts-forward" },
            Entry { keys: &[PLAY_KEYS], what: "shortcuts-play-word" },
        ],
    ),
    (
        "shortcuts-transcript",
        &[
            Entry { keys: &[UNDO], what: "shortcuts-undo" },
            Entry { keys: &[REDO], what: "shortcuts-redo" },
            Entry { keys: &[FIND_KEYS], what: "shortcuts-find" },
            Entry { keys: &[REPLACE_KEYS], what: "shortcuts-replace" },
            Entry { keys: &[NEXT_KEYS[1], NEXT_KEYS[0]], what: "shortcuts-next-place" },
            Entry { keys: &[DOUBT_KEYS[1].0, DOUBT_KEYS[0].0], what: "shortcuts-next-doubt" },
            Entry { keys: &[alt(Key::ArrowLeft), alt(Key::ArrowRight)], what: "shortcuts-choose" },
            Entry { keys: &[alt_shift(Key::ArrowLeft), alt_shift(Key::ArrowRight)], what: "shortcuts-choose-more" },
            Entry { keys: &[EDIT_KEYS], what: "shortcuts-edit" },
            Entry { keys: &[SPLIT_KEYS], what: "shortcuts-split" },
            Entry { keys: &[MERGE_KEYS], what: "shortcuts-merge" },
            Entry { keys: &[alt(DIGITS[0])], what: "shortcuts-speaker" },
            Entry { keys: &[plain(Key::PageUp), plain(Key::PageDown)], what: "shortcuts-page" },
            Entry { keys: &[plain(Key::Home), plain(Key::End)], what: "shortcuts-ends" },
        ],
    ),
    (
        "shortcuts-window",
        &[
            Entry { keys: &[SETTINGS], what: "shortcuts-settings" },
            Entry { keys: &[LARGER, SMALLER], what: "shortcuts-scale" },
            Entry { keys: &[USUAL_SIZE], what: "shortcuts-usual-size" },
            Entry { keys: &[QUIT], what: "shortcuts-quit" },
            Entry { keys: &[HELP, HELP_BY_QUESTION], what: "shortcuts-list" },
        ],
    ),
    (
        "shortcuts-everywhere",
        &[
            Entry { keys: &[plain(Key::Tab)], what: "shortcuts-focus" },
            Entry { keys: &[plain(Key::Enter)], what: "shortcuts-press" },
            Entry { keys: &[plain(Key::Escape)], what: "shortcuts-escape" },
        ],
    ),
];

/// Takes the keys that work everywhere in the window.
pub(super) fn take_window_keys(ui: &Ui, actions: &mut Vec<Action>) {
    let mut take = |keys: &KeyboardShortcut, action: OverlayAction| {
        if ui.input_mut(|input| input.consume_shortcut(keys)) {
            actions.push(Action::Overlay(action));
        }
    };
    take(&EXPORT_PAGE, OverlayAction::OpenExport);
    take(&SETTINGS, OverlayAction::ToggleSettings);
    take(&LARGER, OverlayAction::Enlarge);
    take(&LARGER_UNSHIFTED, OverlayAction::Enlarge);
    take(&SMALLER, OverlayAction::Reduce);
    take(&USUAL_SIZE, OverlayAction::ResetSize);
    take(&QUIT, OverlayAction::CloseWindow);
    take(&HELP, OverlayAction::ToggleShortcuts);
    if !ui.ctx().text_edit_focused() && !Popup::is_any_open(ui.ctx()) {
        take(&HELP_BY_QUESTION, OverlayAction::ToggleShortcuts);
    }
    if ui.input_mut(|input| input.consume_shortcut(&OPEN)) {
        actions.push(Action::AskForRecordings);
    }
}

/// Shows the sheet of shortcuts in front of everything.
pub(super) fn shortcuts_ui(ui: &Ui, actions: &mut Vec<Action>) {
    let mut is_closed = false;
    let is_left = dialog_of_width_ui(ui, "shortcuts", SHEET_WIDTH, |ui| {
        ui.heading(text("shortcuts-title"));
        let keys_width = widest_keys(ui);
        let max_height = (ui.ctx().content_rect().height() - 20.0 * UNIT).max(10.0 * UNIT);
        ScrollArea::vertical().id_salt("shortcuts").max_height(max_height).auto_shrink([false, true]).show(ui, |ui| {
            for (group, entries) in &GROUPS {
                ui.add_space(UNIT);
                ui.label(RichText::new(text(group)).strong().color(theme::palette(ui).accent));
                let grid = Grid::new(("shortcuts", *group)).num_columns(2).spacing([3.0 * UNIT, UNIT]);
                // In all groups, what keys do stands below each other. Text needs no room to be hit.
                grid.min_col_width(keys_width).min_row_height(0.0).show(ui, |ui| {
                    for entry in *entries {
                        ui.label(keys_text(ui, entry.keys));
                        ui.add(Label::new(text(entry.what)).wrap());
                        ui.end_row();
                    }
                });
            }
        });
        ui.add_space(UNIT);
        is_closed = ui.button(text("shortcuts-close")).accessible_name(text("shortcuts-close-named")).clicked();
    });
    if is_left || is_closed {
        actions.push(Action::Overlay(OverlayAction::CloseShortcuts));
    }
}

/// Width of the longest keys.
fn widest_keys(ui: &Ui) -> f32 {
    let font = TextStyle::Body.resolve(ui.style());
    let width = |keys: &'static [KeyboardShortcut]| {
        let text = keys_text(ui, keys);
        ui.painter().layout_no_wrap(text, font.clone(), Color32::PLACEHOLDER).size().x
    };
    GROUPS.iter().flat_map(|(_, entries)| entries.iter()).map(|entry| width(entry.keys)).fold(0.0, f32::max)
}

/// `Ctrl+O`, `Page Up or Page Down`.
fn keys_text(ui: &Ui, keys: &[KeyboardShortcut]) -> String {
    let keys: Vec<String> = keys.iter().map(|keys| ui.ctx().format_shortcut(keys)).collect();
    keys.join(&format!(" {} ", text("shortcuts-or")))
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::ALT, key)
}

const fn alt_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::ALT.plus(Modifiers::SHIFT), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keys_do_two_things() {
        let all: Vec<&KeyboardShortcut> =
            GROUPS.iter().flat_map(|(_, entries)| entries.iter()).flat_map(|entry| entry.keys).collect();
        for (idx, keys) in all.iter().enumerate() {
            assert!(!all[..idx].contains(keys), "{keys:?}");
        }
    }
}
