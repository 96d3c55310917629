//! Warnings and errors, newest first. They stay until dismissed, stand in nobody's way, and can be copied. Those that were
//! dismissed come after them where the user wants to see all.

use eframe::egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, accesskit::Live};

use super::action::Action;
use super::message_list::{Message, Severity};
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// More than this is scrolled.
const MAX_HEIGHT: f32 = 20.0 * UNIT;
/// So much of a message is in the names of its buttons.
const MAX_NAME_CHARS: usize = 80;

/// Shows the messages; to be called only if there are any.
pub(super) fn messages_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ScrollArea::vertical().id_salt("messages").max_height(MAX_HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
        for message in state.messages() {
            ui.push_id(message.id, |ui| message_ui(ui, message, Kind::Open, actions));
        }
        for message in state.messages.dismissed_shown() {
            ui.push_id(message.id, |ui| message_ui(ui, message, Kind::Dismissed, actions));
        }
    });
}

/// Whether a message still waits to be dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Dismissed,
}

fn message_ui(ui: &mut Ui, message: &Message, kind: Kind, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let (word, color) = match message.severity {
        Severity::Warning => (text("messages-warning"), palette.warning),
        Severity::Error => (text("messages-error"), palette.error),
    };
    let beginning: String = message.text.chars().take(MAX_NAME_CHARS).collect();
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        if kind == Kind::Open {
            let name = text_with("messages-dismiss-named", &[("beginning", beginning.as_str().into())]);
            if ui.add(Button::new(text("messages-dismiss"))).accessible_name(name).clicked() {
                actions.push(Action::Dismiss(message.id));
            }
        }
        let name = text_with("messages-copy-named", &[("beginning", beginning.as_str().into())]);
        if ui.add(Button::new(text("messages-copy"))).accessible_name(name).clicked() {
            actions.push(Action::CopyMessage(message.text.clone()));
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            // In line with the text of the buttons.
            ui.add_space(6.0);
            ui.horizontal_top(|ui| {
                ui.add(Label::new(RichText::new(word).color(color)).extend().selectable(false));
                let text = ui.add(Label::new(&message.text).wrap());
                if kind == Kind::Open {
                    ui.ctx().accesskit_node_builder(text.id, |node| node.set_live(Live::Assertive));
                }
            });
        });
    });
}
