//! The menu with the formats that the selected transcript can be exported to.

use eframe::egui::{Button, Popup, SetOpenCommand, Ui};

use crate::export::Format;
use crate::settings::Settings;

use super::action::{Action, OverlayAction};
use super::recording::Phase;
use super::shortcuts;
use super::state::State;
use super::theme;

/// Shows the button and, when it is open, its menu.
pub(super) fn export_menu_ui(ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
    let is_whole = state.selected().is_some_and(|(_, recording)| recording.phase == Phase::Done);
    let last_format = settings.export_format.as_deref().and_then(|name| name.parse::<Format>().ok());
    let keys = ui.ctx().format_shortcut(&shortcuts::EXPORT);
    let hint = match last_format {
        Some(format) => format!("{keys} exports as the last time: {}", format.label()),
        None => format!("Save the transcript as a file ({keys})"),
    };
    let button = ui.add_enabled(is_whole, Button::new("Export…"));
    let button = button.on_hover_text(hint).on_disabled_hover_text("Possible when a transcript is done.");
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
            if ui.add(Button::new(format.label()).frame_when_inactive(false)).clicked() {
                actions.push(Action::Export(format));
                ui.close();
            }
        }
        ui.separator();
        let keys = ui.ctx().format_shortcut(&shortcuts::EXPORT_PAGE);
        let more = ui.add(Button::new("Options and preview…").frame_when_inactive(false));
        if more.on_hover_text(format!("How the file is laid out, and how it begins ({keys})")).clicked() {
            actions.push(Action::Overlay(OverlayAction::OpenExport));
            ui.close();
        }
    });
}
