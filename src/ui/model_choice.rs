//! Which model transcribes the recordings that are opened next: one of those that are here, or a way to the others.

use eframe::egui::{Button, Popup, ScrollArea, Ui};

use crate::engine::DEFAULT_MODEL;

use super::action::{Action, CacheAction};
use super::cache_state::{CacheState, Tab};
use super::theme::{self, UNIT};

/// The rest of the menu is scrolled.
const MAX_MENU_HEIGHT: f32 = 30.0 * UNIT;
/// Wide enough for every entry.
const MENU_WIDTH: f32 = 26.0 * UNIT;

/// Shows the choice and, when it is open, its menu.
pub(super) fn model_choice_ui(ui: &mut Ui, cache: &CacheState, actions: &mut Vec<Action>) {
    let chosen = cache.chosen();
    let button = ui.add(Button::new(format!("Model: {chosen}")).truncate());
    let button = button.on_hover_text("Transcribes the recordings that you open next");
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
        if ui.add(Button::new("More models…").frame_when_inactive(false)).clicked() {
            actions.push(Action::Models(CacheAction::Open(Tab::Available)));
            ui.close();
        }
    });
}

fn entry_text(name: &str) -> String {
    if name == DEFAULT_MODEL { format!("{name} (built in, for trying out)") } else { name.to_owned() }
}
