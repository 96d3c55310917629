//! The menu with the formats that the selected transcript can be exported to.

use eframe::egui::{Button, Popup, SetOpenCommand, Ui};

use crate::export::Format;
use crate::settings::Settings;

use super::action::{Action, OverlayAction};
use super::export_page::format_text;
use super::recording::Phase;
use super::shortcuts;
use super::state::State;
use super::texts::{text, text_with};
use super::theme;

/// Shows the button and, when it is open, its menu.
pub(super) fn export_menu_ui(ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
    let is_whole = state.selected().is_some_and(|(_, recording)| recording.phase == Phase::Done);
    let last_format = settings.export_format.as_deref().and_then(|name| name.parse::<Format>().ok());
    let keys = ui.ctx().format_shortcut(&shortcuts::EXPORT);
    let hint = match last_format {
        Some(format) => {
            text_with("export-menu-again", &[("keys", keys.into()), ("format", format_text(format).into())])
        }
        None => text_with("export-menu-hint", &[("keys", keys.into())]),
    };
    let button = ui.add_enabled(is_whole, Button::new(text("export-menu")));
    let button = button.on_hover_text(hint).on_disabled_hover_text(text("export-impossible"));
    let mut menu = Popup::menu(&button).style(theme::menu_style).gap(4.0);
    if is_whole && ui.input_mut(|input| input.consume_shortcut(&shortcuts::EXPORT)) {
        if let Some(format) = last_format {
            actions.push(Action::Export(format));
        } else {
            // From here, the arrow keys lead into the menu.
            button.request_focus();
            menu = menu.open_memory(SetOpenCommand::Bool(true));
        }
    }
    menu.show(|ui| {
        for format in Format::ALL {
            if ui.add(Button::new(format_text(format)).frame_when_inactive(false)).clicked() {
                actions.push(Action::Export(format));
                ui.close();
            }
        }
        ui.separator();
        let keys = ui.ctx().format_shortcut(&shortcuts::EXPORT_PAGE);
        let more = ui.add(Button::new(text("export-menu-more")).frame_when_inactive(false));
        if more.on_hover_text(text_with("export-menu-more-hint", &[("keys", keys.into())])).clicked() {
            actions.push(Action::Overlay(OverlayAction::OpenExport));
            ui.close();
        }
    });
}
