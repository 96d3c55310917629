//! How many people speak in the recordings that are opened next: where the user knows it, nobody has to guess.

use std::iter;

use eframe::egui::{Button, Popup, ScrollArea, Ui};

use super::action::Action;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// More are hardly ever counted; they are found automatically.
const MAX_OFFERED: usize = 20;
/// The rest of the menu is scrolled.
const MAX_MENU_HEIGHT: f32 = 36.0 * UNIT;
/// Wide enough for every entry.
const MENU_WIDTH: f32 = 18.0 * UNIT;

/// Shows the choice and, when it is open, its menu.
pub(super) fn speaker_count_ui(ui: &mut Ui, chosen: Option<usize>, actions: &mut Vec<Action>) {
    let name =
        chosen.map_or_else(|| text("speakers-asked-automatic"), |n| text_with("speakers-asked", &[("n", n.into())]));
    let button = ui.button(name).on_hover_text(text("speakers-asked-hint"));
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        ScrollArea::vertical().max_height(MAX_MENU_HEIGHT).show(ui, |ui| {
            ui.set_min_width(MENU_WIDTH);
            for n_speakers in iter::once(None).chain((1..=MAX_OFFERED).map(Some)) {
                if ui.add(Button::selectable(n_speakers == chosen, entry_text(n_speakers))).clicked() {
                    actions.push(Action::SetSpeakerCount(n_speakers));
                    ui.close();
                }
            }
        });
    });
}

fn entry_text(n_speakers: Option<usize>) -> String {
    match n_speakers {
        None => text("speakers-automatic"),
        Some(n) => text_with("speakers-number", &[("n", n.into())]),
    }
}
