//! The field in which the text of a row is changed, in the place of the text itself. What is typed stays in here until it
//! is taken.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, FontId, Frame, Galley, Id, Key, Stroke, TextBuffer, TextEdit, TextFormat, Ui, Vec2,
    text::{CCursor, CCursorRange, LayoutJob},
    text_edit::TextEditState,
};

use super::texts::text;
use super::theme;

/// Around the text. Lines of text are high enough in themselves, and above the first one there is the speaker's name.
const FIELD_MARGIN: Vec2 = Vec2::new(3.0, 0.0);

/// A text that is being changed.
#[derive(Debug)]
pub(super) struct RowField {
    /// The row.
    pub(super) row_idx: usize,
    before: String,
    text: String,
    /// Before which character one types at first.
    caret: usize,
    focus: Focus,
}

/// What has become of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is typed in.
    Open,
    /// It was left, and this is what is to be kept; `None` where that is what was there before.
    Left(Option<String>),
}

/// Whether the field has the keyboard focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    /// It is to be given it.
    Wanted,
    /// It was.
    Given,
}

impl RowField {
    /// A field with the text of a row, in which one types at a place given in bytes at first.
    pub(super) fn new(row_idx: usize, text: &str, at: usize) -> Self {
        let caret = text.get(..at).unwrap_or(text).chars().count();
        Self { row_idx, before: text.to_owned(), text: text.to_owned(), caret, focus: Focus::Wanted }
    }

    /// What is to be kept of what was typed so far.
    pub(super) fn into_text(self) -> Option<String> {
        (self.text.trim() != self.before.trim()).then_some(self.text)
    }

    /// How high the field is in lines of this width.
    pub(super) fn height(&self, ui: &Ui, width: f32) -> f32 {
        galley(ui, &self.text, width).size().y
    }

    /// Shows the field: Enter keeps what was typed, Escape leaves what was there.
    pub(super) fn ui(&mut self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui);
        let id = Id::unique("text of a row");
        if self.focus == Focus::Wanted {
            let mut state = TextEditState::default();
            state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(self.caret))));
            state.store(ui.ctx(), id);
        }
        // A line around it says that it can be typed in, without moving anything.
        let around = ui.max_rect().expand2(FIELD_MARGIN);
        ui.painter().rect(around, 4.0, palette.sunken, Stroke::new(1.0, palette.weak), egui::StrokeKind::Outside);
        let mut layouter = |ui: &Ui, text: &dyn TextBuffer, width: f32| galley(ui, text.as_str(), width);
        let field = TextEdit::multiline(&mut self.text)
            .id(id)
            .frame(Frame::NONE)
            .desired_width(ui.available_width())
            .desired_rows(1)
            .return_key(None)
            .layouter(&mut layouter);
        let field = ui.add(field).accessible_name(text("transcript-field"));
        if self.focus == Focus::Wanted {
            field.request_focus();
            self.focus = Focus::Given;
            ui.ctx().request_repaint();
            return Outcome::Open;
        }
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            field.surrender_focus();
            return Outcome::Left(None);
        }
        let is_kept = field.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if is_kept || !field.has_focus() {
            field.surrender_focus();
            let is_other = self.text.trim() != self.before.trim();
            return Outcome::Left(is_other.then(|| self.text.clone()));
        }
        Outcome::Open
    }
}

/// The text as the rows show it.
fn galley(ui: &Ui, text: &str, width: f32) -> Arc<Galley> {
    let (size, line_height) = theme::reading(ui);
    let format = TextFormat::simple(FontId::proportional(size), Color32::PLACEHOLDER);
    let format = TextFormat { line_height: Some(line_height), ..format };
    let mut job = LayoutJob::single_section(text.to_owned(), format);
    job.wrap.max_width = width;
    job.keep_trailing_whitespace = true;
    ui.ctx().fonts_mut(|fonts| fonts.layout_job(job))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_another_text_is_kept() {
        for (typed, expected) in [("Über uns.", None), (" Über uns. ", None), ("Über euch.", Some("Über euch."))] {
            let mut field = RowField::new(0, "Über uns.", 9);
            assert_eq!(field.caret, 8, "in characters, not in bytes");
            typed.clone_into(&mut field.text);
            assert_eq!(field.into_text().as_deref(), expected);
        }
    }
}
