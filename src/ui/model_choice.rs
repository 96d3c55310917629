//! Which model transcribes the recordings that are opened next: one of those that are here, or a way to the others.

use eframe::egui::{Button, Popup, ScrollArea, Ui};

use crate::engine::DEFAULT_MODEL;

use super::action::{Action, CacheAction};
use super::cache_state::{CacheState, Tab};
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// The rest of the menu is scrolled.
const MAX_MENU_HEIGHT: f32 = 30.0 * UNIT;
/// Wide enough for every entry.
const MENU_WIDTH: f32 = 26.0 * UNIT;

/// Shows the choice and, when it is open, its menu.
pub(super) fn model_choice_ui(ui: &mut Ui, cache: &CacheState, actions: &mut Vec<Action>) {
    let chosen = cache.chosen();
    let button = ui.add(Button::new(text_with("cache-choice", &[("model", chosen.into())])).truncate());
    let button = button.on_hover_text(text("cache-choice-hint"));
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        ui.set_min_width(MENU_WIDTH);
        ScrollArea::vertical().max_height(MAX_MENU_HEIGHT).show(ui, |ui| {
            for name in cache.choices() {
                if ui.add(Button::selectable(name == chosen, entry_text(name))).clicked() {
                    actions.push(Action::Models(CacheAction::Choose(name.to_owned())));
                    ui.close();
                }
            }
        });
        ui.separator();
        if ui.add(Button::new(text("cache-choice-more")).frame_when_inactive(false)).clicked() {
            actions.push(Action::Models(CacheAction::Open(Tab::Available)));
            ui.close();
        }
    });
}

fn entry_text(name: &str) -> String {
    if name == DEFAULT_MODEL { text_with("cache-choice-demo", &[("model", name.into())]) } else { name.to_owned() }
}
