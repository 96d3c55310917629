//! What the window shows before anything is opened: what Hansard does, and the ways to begin.

use std::path::Path;

use eframe::egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, vec2};

use crate::engine::DEFAULT_MODEL;

use super::action::{Action, RecordAction};
use super::model_choice::model_choice_ui;
use super::record_button::record_button_ui;
use super::speaker_count::speaker_count_ui;
use super::state::State;
use super::texts::text;
use super::theme::{self, UNIT};
use super::{APP_NAME, toolbar};

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
    ui.add(Label::new(RichText::new(text("welcome-promise")).size(18.0)).wrap());
    ui.add_space(2.0 * UNIT);
    ui.with_layout(Layout::top_down_justified(Align::Center), |ui| {
        let try_demo = RichText::new(text("welcome-demo")).color(palette.on_accent);
        let button = Button::new(try_demo).fill(palette.accent).min_size(vec2(0.0, 5.0 * UNIT));
        let try_demo = ui.add_enabled(demo.is_some(), button);
        if try_demo.on_disabled_hover_text(text("welcome-no-demo")).clicked() {
            actions.push(Action::TryDemo);
        }
        if record_button_ui(ui, &text("welcome-record")).clicked() {
            actions.push(Action::Record(RecordAction::Open));
        }
        let button = Button::new(text("toolbar-open")).min_size(vec2(0.0, 5.0 * UNIT));
        if ui.add(button).on_hover_text(toolbar::open_hint(ui)).clicked() {
            actions.push(Action::AskForRecordings);
        }
        if ui.add(Button::new(text("toolbar-path")).min_size(vec2(0.0, 5.0 * UNIT))).clicked() {
            actions.push(Action::AskForPath);
        }
    });
    ui.add_space(UNIT);
    ui.horizontal(|ui| {
        speaker_count_ui(ui, state.n_speakers(), actions);
        model_choice_ui(ui, &state.cache, actions);
    });
    ui.add_space(UNIT);
    hint_ui(ui, text("welcome-drop"));
    if state.cache.chosen() == DEFAULT_MODEL {
        hint_ui(ui, text("welcome-demo-model"));
    }
}

fn hint_ui(ui: &mut Ui, text: String) {
    ui.add(Label::new(RichText::new(text).color(theme::palette(ui).weak)).wrap());
}
