//! The question before something is removed. Nothing is done before the answer, and Enter at once does nothing.

use std::mem;

use eframe::egui::{Frame, Id, Label, Margin, Modal, Ui};

use super::texts::text;
use super::theme::{self, UNIT};

const DIALOG_WIDTH: f32 = 50.0 * UNIT;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Tells questions of different places apart.
    pub(super) id: &'static str,
    /// The question in a few words,
    pub(super) text: &'a str,
    /// what follows from a yes,
    pub(super) consequence: &'a str,
    /// and the word for it on the button.
    pub(super) verb: &'a str,
}

/// What the user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Do it.
    Do,
    /// Leave everything as it is.
    Keep,
}

/// Whether the question was on the screen in the frame before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asking {
    /// It was not.
    #[default]
    Hidden,
    /// It was.
    Shown,
}

impl Asking {
    /// Shows the question, and returns the answer when there is one.
    pub(super) fn ui(&mut self, ui: &Ui, question: Question<'_>) -> Option<Reply> {
        let is_new = mem::replace(self, Self::Shown) == Self::Hidden;
        let mut reply = None;
        let is_left = dialog_ui(ui, question.id, |ui| {
            ui.heading(question.text);
            ui.add(Label::new(question.consequence).wrap());
            ui.add_space(UNIT);
            ui.horizontal(|ui| {
                if ui.button(question.verb).clicked() {
                    reply = Some(Reply::Do);
                }
                let keep = ui.button(text("ask-keep"));
                if is_new {
                    // Enter at once must not remove anything.
                    keep.request_focus();
                }
                if keep.clicked() {
                    reply = Some(Reply::Keep);
                }
            });
        });
        reply.or_else(|| is_left.then_some(Reply::Keep))
    }
}

/// Shows a dialog in front of everything, and says whether the user wants to leave it.
pub(super) fn dialog_ui(ui: &Ui, id: &'static str, content: impl FnOnce(&mut Ui)) -> bool {
    dialog_of_width_ui(ui, id, DIALOG_WIDTH, content)
}

/// The same with another width, as far as the window has room for it.
pub(super) fn dialog_of_width_ui(ui: &Ui, id: &'static str, width: f32, content: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::popup(ui.style()).inner_margin(Margin::same(16));
    let width = width.min(theme::window_width(ui) - 8.0 * UNIT);
    let dialog = Modal::new(Id::unique(id)).frame(frame).show(ui.ctx(), |ui| {
        ui.set_max_width(width);
        content(ui);
    });
    dialog.should_close()
}
