//! What the window shows before anything is opened: what Hansard does, and the ways to begin.

use std::path::Path;

use eframe::egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, vec2};

use crate::engine::DEFAULT_MODEL;

use super::action::{Action, RecordAction};
use super::model_choice::model_choice_ui;
use super::record_button::record_button_ui;
use super::speaker_count::speaker_count_ui;
use super::state::State;
use super::theme::{self, UNIT};
use super::{APP_NAME, toolbar};

const PROMISE: &str = "Turns recordings of meetings into text, and nothing ever leaves this computer.";

const COLUMN_WIDTH: f32 = 440.0;
/// Height of the column below, for placing it a little above the middle of the window.
const COLUMN_HEIGHT: f32 = 428.0;

/// Shows the welcome; `demo` is the bundled meeting, if this installation has it.
pub(super) fn welcome_ui(ui: &mut Ui, demo: Option<&Path>, state: &State, actions: &mut Vec<Action>) {
    ScrollArea::vertical().id_salt("welcome").auto_shrink([false, false]).show(ui, |ui| {
        ui.add_space(((ui.available_height() - COLUMN_HEIGHT) * 0.4).max(2.0 * UNIT).floor());
        let margin = ((ui.available_width() - COLUMN_WIDTH) / 2.0).max(2.0 * UNIT).floor();
        ui.horizontal_top(|ui| {
            ui.add_space(margin);
            ui.vertical(|ui| {
                ui.set_width(COLUMN_WIDTH.min(ui.available_width() - margin));
                column_ui(ui, demo, state, actions);
            });
        });
    });
}

fn column_ui(ui: &mut Ui, demo: Option<&Path>, state: &State, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(APP_NAME).size(36.0).color(palette.accent));
    ui.add(Label::new(RichText::new(PROMISE).size(18.0)).wrap());
    ui.add_space(2.0 * UNIT);
    ui.with_layout(Layout::top_down_justified(Align::Center), |ui| {
        let text = RichText::new("Try the demo meeting").color(palette.on_accent);
        let button = Button::new(text).fill(palette.accent).min_size(vec2(0.0, 5.0 * UNIT));
        let try_demo = ui.add_enabled(demo.is_some(), button).on_disabled_hover_text(
            "The demo meeting is missing from this installation. Install Hansard again to get it back.",
        );
        if try_demo.clicked() {
            actions.push(Action::TryDemo);
        }
        if record_button_ui(ui, "Record a meeting").clicked() {
            actions.push(Action::Record(RecordAction::Open));
        }
        let button = Button::new(toolbar::OPEN_LABEL).min_size(vec2(0.0, 5.0 * UNIT));
        if ui.add(button).on_hover_text(toolbar::open_hint(ui)).clicked() {
            actions.push(Action::AskForRecordings);
        }
        if ui.add(Button::new(toolbar::OPEN_PATH_LABEL).min_size(vec2(0.0, 5.0 * UNIT))).clicked() {
            actions.push(Action::AskForPath);
        }
    });
    ui.add_space(UNIT);
    ui.horizontal(|ui| {
        speaker_count_ui(ui, state.n_speakers(), actions);
        model_choice_ui(ui, &state.cache, actions);
    });
    ui.add_space(UNIT);
    hint_ui(ui, "You can also drop audio and video files anywhere on this window.");
    if state.cache.chosen() == DEFAULT_MODEL {
        hint_ui(
            ui,
            "The model that is chosen now is small and built in. It is for trying Hansard out: expect many mistakes in \
             recordings of your own, and choose a bigger one for them.",
        );
    }
}

fn hint_ui(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).color(theme::palette(ui).weak)).wrap());
}
