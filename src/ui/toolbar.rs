//! The bar at the top: opening, exporting, copying, who speaks, the library, the models, and the choice of colours.

use std::f32::consts::TAU;

use eframe::egui::{self, Align, Button, Layout, Popup, RichText, Stroke, Ui, Vec2};

use crate::settings::{Settings, SideTab, Theme};

use super::APP_NAME;
use super::action::{Action, CacheAction, OverlayAction, RecordAction};
use super::cache_state::Page;
use super::export_menu::export_menu_ui;
use super::record_button::{RECORD_KEYS, Sign, sign_atom};
use super::shortcuts;
use super::state::{PanelChoice, State, is_narrow};
use super::theme::{self, UNIT};

/// What the button for opening recordings is called, wherever it stands.
pub(super) const OPEN_LABEL: &str = "Open recording…";
/// What the button for typing a path is called, wherever it stands.
pub(super) const OPEN_PATH_LABEL: &str = "Open by path…";

const GEAR_BUTTON_SIZE: f32 = 4.0 * UNIT;
const GEAR_RADIUS: f32 = 5.0;
const TOOTH_LENGTH: f32 = 3.0;
const N_TEETH: usize = 8;

/// Shows the bar. Before anything is opened, the welcome has the buttons, and the bar only the name.
pub(super) fn toolbar_ui(ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
    let is_narrow = is_narrow(theme::window_width(ui));
    if is_narrow {
        // Otherwise the last buttons would lie on each other.
        ui.spacing_mut().button_padding.x = UNIT;
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
            let [open, open_path] = if is_narrow { ["Open…", "Path…"] } else { [OPEN_LABEL, OPEN_PATH_LABEL] };
            let open = ui.button(open).accessible_name(OPEN_LABEL);
            if open.on_hover_text(open_hint(ui)).clicked() {
                actions.push(Action::AskForRecordings);
            }
            if ui.button(open_path).accessible_name(OPEN_PATH_LABEL).clicked() {
                actions.push(Action::AskForPath);
            }
            // These are about the transcript, which the models hide.
            if state.cache.page() == Page::Recordings {
                transcript_buttons_ui(ui, state, settings, actions);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            settings_button_ui(ui, actions);
            if !is_narrow {
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
    let text = if is_narrow(theme::window_width(ui)) { "Copy" } else { "Copy text" };
    let copy = ui.add_enabled(has_text, Button::new(text)).accessible_name("Copy text");
    if copy.on_disabled_hover_text("There is no text yet.").clicked() {
        actions.push(Action::CopyTranscript);
    }
    speakers_button_ui(ui, state, actions);
}

/// Leads to the page for recording and back. In a narrow window only its sign is seen.
fn record_page_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.shows_record();
    let dot = sign_atom(Sign::Dot, Some(theme::alarm(ui).dot));
    let is_narrow = is_narrow(theme::window_width(ui));
    let button = if is_narrow { Button::new(dot) } else { Button::new((dot, "Record")) };
    let button = ui.add(button.selected(is_shown)).accessible_name("Record");
    let keys = ui.ctx().format_shortcut(&RECORD_KEYS);
    if button.on_hover_text(format!("Records a meeting ({keys} begins and ends it at once)")).clicked() {
        actions.push(Action::Record(if is_shown { RecordAction::Close } else { RecordAction::Open }));
    }
}

fn library_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.shows_library(theme::window_width(ui));
    let button = ui.add(Button::new("Library").selected(is_shown));
    if button.on_hover_text("All recordings, and a search through what was said in them").clicked() {
        actions.push(Action::ChooseLibraryPanel(if is_shown { PanelChoice::Hidden } else { PanelChoice::Shown }));
    }
}

fn models_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.cache.page() == Page::Models;
    let button = ui.add(Button::new("Models").selected(is_shown));
    if button.on_hover_text("Which models there are, and what is in memory and on disk").clicked() {
        let action = if is_shown { CacheAction::Close } else { CacheAction::Open(state.cache.tab()) };
        actions.push(Action::Models(action));
    }
}

/// What the tooltip of the button for opening says.
pub(super) fn open_hint(ui: &Ui) -> String {
    format!("Audio or video files ({})", ui.ctx().format_shortcut(&shortcuts::OPEN))
}

fn speakers_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let is_shown = state.shows_side(theme::window_width(ui)) && state.side.tab() == SideTab::Speakers;
    let button = ui.add_enabled(state.selected().is_some(), Button::new("Speakers").selected(is_shown));
    let button = button.on_hover_text("Who speaks, and for how long");
    if button.on_disabled_hover_text("Known when a transcript is done.").clicked() {
        let hide = Action::ChooseSidePanel(PanelChoice::Hidden);
        actions.push(if is_shown { hide } else { Action::ShowTab(SideTab::Speakers) });
    }
}

/// A gear, for the word is too long for a narrow window.
fn settings_button_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let keys = ui.ctx().format_shortcut(&shortcuts::SETTINGS);
    let button = ui.add(Button::new("").min_size(Vec2::splat(GEAR_BUTTON_SIZE))).accessible_name("Settings");
    let (centre, stroke) = (button.rect.center(), Stroke::new(2.0, theme::palette(ui).text));
    ui.painter().circle_stroke(centre, GEAR_RADIUS, stroke);
    for tooth in 0..N_TEETH {
        let direction = Vec2::angled(TAU * tooth as f32 / N_TEETH as f32);
        let ends = [centre + direction * GEAR_RADIUS, centre + direction * (GEAR_RADIUS + TOOTH_LENGTH)];
        ui.painter().line_segment(ends, stroke);
    }
    if button.on_hover_text(format!("Settings ({keys})")).clicked() {
        actions.push(Action::Overlay(OverlayAction::ToggleSettings));
    }
}

fn theme_menu_ui(ui: &mut Ui, chosen: Theme, actions: &mut Vec<Action>) {
    let button = ui.button("Theme");
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui: &mut egui::Ui| {
        for (theme, name) in [(Theme::System, "As the desktop"), (Theme::Light, "Light"), (Theme::Dark, "Dark")] {
            if ui.add(Button::selectable(theme == chosen, name)).clicked() {
                actions.push(Action::SetTheme(theme));
                ui.close();
            }
        }
    });
}
