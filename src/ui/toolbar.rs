//! The bar at the top: opening, exporting, copying, who speaks, the library, the models, and the choice of colours.

use std::f32::consts::TAU;

use eframe::egui::{self, Align, Button, Layout, Popup, RichText, Stroke, Ui, Vec2, vec2};

use crate::settings::{Settings, SideTab, Theme};

use super::APP_NAME;
use super::action::{Action, CacheAction, OverlayAction, RecordAction};
use super::cache_state::Page;
use super::export_menu::export_menu_ui;
use super::record_button::{RECORD_KEYS, Sign, sign_atom};
use super::settings_page::theme_choices;
use super::shortcuts;
use super::state::{PanelChoice, State, is_narrow};
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// In a narrower window the bar has short words; in every language all of the long ones fit into one of this width.
const MIN_WIDTH_FOR_WORDS: f32 = 1120.0;

/// The button for recording is easy to hit also where it is nothing but a dot.
const SHORT_RECORD_WIDTH: f32 = 3.5 * UNIT;
const GEAR_BUTTON_SIZE: f32 = 4.0 * UNIT;
const GEAR_RADIUS: f32 = 5.0;
const TOOTH_LENGTH: f32 = 3.0;
const N_TEETH: usize = 8;

/// Shows the bar. Before anything is opened, the welcome has the buttons, and the bar only the name.
pub(super) fn toolbar_ui(ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
    let is_short = is_short(ui, state);
    if is_short {
        // Otherwise the last buttons would lie on each other.
        let is_narrow = is_narrow(theme::window_width(ui));
        ui.spacing_mut().button_padding.x = if is_narrow { UNIT / 2.0 } else { UNIT };
        ui.spacing_mut().item_spacing.x = UNIT / 2.0;
    }
    ui.horizontal(|ui| {
        if state.recordings().is_empty() {
            let is_red = state.record.is_active();
            let color = if is_red { theme::alarm(ui).on_fill } else { theme::palette(ui).weak };
            ui.label(RichText::new(APP_NAME).color(color));
            record_page_button_ui(ui, state, actions);
        } else {
            record_page_button_ui(ui, state, actions);
            let open = ui.button(if is_short { text("toolbar-open-short") } else { text("toolbar-open") });
            let open = open.accessible_name(text("toolbar-open"));
            if open.on_hover_text(open_hint(ui)).clicked() {
                actions.push(Action::AskForRecordings);
            }
            let open_path = ui.button(if is_short { text("toolbar-path-short") } else { text("toolbar-path") });
            if open_path.accessible_name(text("toolbar-path")).clicked() {
                actions.push(Action::AskForPath);
            }
            // These are about the transcript, which the models hide.
            if state.cache.page() == Page::Recordings {
                transcript_buttons_ui(ui, state, settings, actions);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            settings_button_ui(ui, actions);
            if !is_short {
                theme_menu_ui(ui, settings.theme, actions);
            }
            models_button_ui(ui, state, actions);
            library_button_ui(ui, state, actions);
        });
    });
}

fn transcript_buttons_ui(ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
    export_menu_ui(ui, state, settings, actions);
    let has_text = state.selected().is_some_and(|(_, recording)| !recording.transcript.is_empty());
    let shown = if is_short(ui, state) { text("toolbar-copy-short") } else { text("toolbar-copy") };
    let copy = ui.add_enabled(has_text, Button::new(shown)).accessible_name(text("toolbar-copy"));
    if copy.on_disabled_hover_text(text("toolbar-copy-nothing")).clicked() {
        actions.push(Action::CopyTranscript);
    }
    speakers_button_ui(ui, state, actions);
}

/// Leads to the page for recording and back. In a narrow window only its sign is seen.
fn record_page_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.shows_record();
    let dot = sign_atom(Sign::Dot, Some(theme::alarm(ui).dot));
    let button = if is_short(ui, state) {
        Button::new(dot).min_size(vec2(SHORT_RECORD_WIDTH, 0.0))
    } else {
        Button::new((dot, text("toolbar-record")))
    };
    let button = ui.add(button.selected(is_shown)).accessible_name(text("toolbar-record"));
    let keys = ui.ctx().format_shortcut(&RECORD_KEYS);
    if button.on_hover_text(text_with("toolbar-record-hint", &[("keys", keys.into())])).clicked() {
        actions.push(Action::Record(if is_shown { RecordAction::Close } else { RecordAction::Open }));
    }
}

fn library_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.shows_library(theme::window_width(ui));
    let button = ui.add(Button::new(text("toolbar-library")).selected(is_shown));
    if button.on_hover_text(text("toolbar-library-hint")).clicked() {
        actions.push(Action::ChooseLibraryPanel(if is_shown { PanelChoice::Hidden } else { PanelChoice::Shown }));
    }
}

fn models_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.cache.page() == Page::Models;
    let button = ui.add(Button::new(text("toolbar-models")).selected(is_shown));
    if button.on_hover_text(text("toolbar-models-hint")).clicked() {
        let action = if is_shown { CacheAction::Close } else { CacheAction::Open(state.cache.tab()) };
        actions.push(Action::Models(action));
    }
}

/// What the tooltip of the button for opening says.
pub(super) fn open_hint(ui: &Ui) -> String {
    let keys = ui.ctx().format_shortcut(&shortcuts::OPEN);
    text_with("toolbar-open-hint", &[("keys", keys.into())])
}

fn speakers_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.shows_side(theme::window_width(ui)) && state.side.tab() == SideTab::Speakers;
    let button = ui.add_enabled(state.selected().is_some(), Button::new(text("toolbar-speakers")).selected(is_shown));
    let button = button.on_hover_text(text("toolbar-speakers-hint"));
    if button.on_disabled_hover_text(text("toolbar-speakers-unknown")).clicked() {
        let hide = Action::ChooseSidePanel(PanelChoice::Hidden);
        actions.push(if is_shown { hide } else { Action::ShowTab(SideTab::Speakers) });
    }
}

/// A gear, for the word is too long for a narrow window.
fn settings_button_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let keys = ui.ctx().format_shortcut(&shortcuts::SETTINGS);
    let button = ui.add(Button::new("").min_size(Vec2::splat(GEAR_BUTTON_SIZE)));
    let button = button.accessible_name(text("toolbar-settings"));
    let (centre, stroke) = (button.rect.center(), Stroke::new(2.0, theme::palette(ui).text));
    ui.painter().circle_stroke(centre, GEAR_RADIUS, stroke);
    for tooth in 0..N_TEETH {
        let direction = Vec2::angled(TAU * tooth as f32 / N_TEETH as f32);
        let ends = [centre + direction * GEAR_RADIUS, centre + direction * (GEAR_RADIUS + TOOTH_LENGTH)];
        ui.painter().line_segment(ends, stroke);
    }
    if button.on_hover_text(text_with("toolbar-settings-hint", &[("keys", keys.into())])).clicked() {
        actions.push(Action::Overlay(OverlayAction::ToggleSettings));
    }
}

/// Whether there is no room for long words. The bar of the first page is nearly empty.
fn is_short(ui: &Ui, state: &State) -> bool {
    let window_width = theme::window_width(ui);
    is_narrow(window_width) || (window_width < MIN_WIDTH_FOR_WORDS && !state.recordings().is_empty())
}

fn theme_menu_ui(ui: &mut Ui, chosen: Theme, actions: &mut Vec<Action>) {
    let button = ui.button(text("toolbar-theme"));
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui: &mut egui::Ui| {
        for (theme, name) in theme_choices() {
            if ui.add(Button::selectable(theme == chosen, name)).clicked() {
                actions.push(Action::SetTheme(theme));
                ui.close();
            }
        }
    });
}
