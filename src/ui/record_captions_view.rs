//! Captions as large as the reader wants them: what is sure as strong as any text, what is not yet sure weaker. They
//! follow what is said until somebody scrolls up to read, and again when that is over.

use std::mem;

use eframe::egui::{
    Align, Button, Color32, FontId, Frame, Label, Layout, Margin, RichText, ScrollArea, TextFormat, Ui, text::LayoutJob,
};

use super::record_captions::{CaptionRow, Captions};
use super::texts::text;
use super::theme::{self, UNIT};

/// Sizes of the text, in points.
const SIZES: [f32; 7] = [14.0, 17.0, 20.0, 24.0, 30.0, 38.0, 48.0];
/// The one at first.
const FIRST_SIZE_IDX: usize = 3;
/// From one line to the next, in sizes of the text.
const LINE: f32 = 1.4;
/// So many utterances are laid out; a frame with more of them would take too long.
const MAX_ROWS: usize = 300;
/// They go in groups, so that not every new one moves the others.
const ROWS_IN_GROUP: usize = 50;
/// In the small window.
const COMPACT_SIZE: f32 = 16.0;
/// Utterances that fit into it.
const MAX_COMPACT_ROWS: usize = 4;
/// Of the bar in the speaker's colour.
const BAR_WIDTH: i8 = 3;

/// Where the captions are scrolled to, and how large they are.
#[derive(Debug)]
pub(super) struct CaptionsView {
    size_idx: usize,
    /// The first utterance that is laid out.
    first_idx: usize,
    /// Whether the newest one is in view.
    is_at_end: bool,
    /// Where that is.
    end_offset: f32,
    /// Whether the reader wants to get there.
    is_end_wanted: bool,
}

impl Default for CaptionsView {
    fn default() -> Self {
        Self { size_idx: FIRST_SIZE_IDX, first_idx: 0, is_at_end: true, end_offset: 0.0, is_end_wanted: false }
    }
}

impl CaptionsView {
    /// Shows the buttons for the size, and the one that leads back to the newest caption.
    pub(super) fn buttons_ui(&mut self, ui: &mut Ui) {
        let smaller = Button::new(RichText::new("A").size(12.0)).min_size([4.0 * UNIT; 2].into());
        let smaller = ui.add_enabled(self.size_idx > 0, smaller).accessible_name(text("record-captions-smaller"));
        if smaller.on_hover_text(text("record-captions-smaller")).clicked() {
            self.size_idx -= 1;
        }
        let larger = Button::new(RichText::new("A").size(20.0)).min_size([4.0 * UNIT; 2].into());
        let larger =
            ui.add_enabled(self.size_idx + 1 < SIZES.len(), larger).accessible_name(text("record-captions-larger"));
        if larger.on_hover_text(text("record-captions-larger")).clicked() {
            self.size_idx += 1;
        }
        if !self.is_at_end && ui.button(text("record-captions-now")).clicked() {
            self.is_end_wanted = true;
        }
    }

    /// Shows the captions, or `placeholder` as long as there are none.
    pub(super) fn ui(&mut self, ui: &mut Ui, captions: &Captions, placeholder: &str) {
        let n_rows = captions.rows().len();
        self.choose_rows(n_rows);
        let size = SIZES[self.size_idx];
        let mut area = ScrollArea::vertical().id_salt("captions").auto_shrink([false, false]).stick_to_bottom(true);
        if self.is_end_wanted {
            area = area.vertical_scroll_offset(self.end_offset);
        }
        let output = area.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = UNIT;
            if n_rows == 0 {
                let nothing = RichText::new(placeholder).color(theme::palette(ui).weak);
                ui.add(Label::new(nothing).wrap());
            }
            if self.first_idx > 0 && ui.button(text("record-captions-earlier")).clicked() {
                self.first_idx = self.first_idx.saturating_sub(MAX_ROWS);
            }
            for row_idx in self.first_idx..n_rows {
                row_ui(ui, captions, row_idx, size);
            }
            ui.add_space(UNIT);
        });
        self.end_offset = (output.content_size.y - output.inner_rect.height()).max(0.0);
        self.is_at_end = output.state.clamped_offset().y >= self.end_offset - 1.0;
        // What was said meanwhile moves the end on.
        if mem::take(&mut self.is_end_wanted) && !self.is_at_end {
            self.is_end_wanted = true;
            ui.ctx().request_repaint();
        }
    }

    /// While nobody reads further up, old utterances are left out; and all are new when there are fewer than before.
    fn choose_rows(&mut self, n_rows: usize) {
        if n_rows < self.first_idx {
            self.first_idx = 0;
        }
        if self.is_at_end && n_rows - self.first_idx > MAX_ROWS + ROWS_IN_GROUP {
            self.first_idx = n_rows - MAX_ROWS;
        }
    }
}

/// Shows the newest captions in little room.
pub(super) fn compact_captions_ui(ui: &mut Ui, captions: &Captions, placeholder: &str) {
    let n_rows = captions.rows().len();
    ScrollArea::vertical().id_salt("last captions").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        if n_rows == 0 {
            ui.add(Label::new(RichText::new(placeholder).color(theme::palette(ui).weak)).wrap());
        }
        for row_idx in n_rows.saturating_sub(MAX_COMPACT_ROWS)..n_rows {
            row_ui(ui, captions, row_idx, COMPACT_SIZE);
        }
    });
}

/// One utterance: who speaks, where that is another one than before, and what is said.
fn row_ui(ui: &mut Ui, captions: &Captions, row_idx: usize, size: f32) {
    let row = &captions.rows()[row_idx];
    let palette = theme::palette(ui);
    let color = row.speaker.as_deref().map_or(palette.line, |label| palette.speaker(captions.color_idx(label)));
    let frame = Frame::new().inner_margin(Margin { left: BAR_WIDTH + 9, right: 16, top: 0, bottom: 0 });
    let output = frame.show(ui, |ui| {
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            if let Some(label) = captions.speaker_shown(row_idx) {
                let name = RichText::new(captions.name_of(label)).size((size * 0.75).max(13.0)).strong().color(color);
                ui.add(Label::new(name).truncate()).on_hover_text(row.start.to_string());
            }
            ui.add(Label::new(text_of(row, size, palette.text, palette.weak)).wrap());
        });
    });
    let bar = output.response.rect;
    ui.painter().rect_filled(bar.with_max_x(bar.left() + f32::from(BAR_WIDTH)), 1.0, color);
}

/// What is sure, and what is not.
fn text_of(row: &CaptionRow, size: f32, sure: Color32, unsure: Color32) -> LayoutJob {
    let format = |color: Color32| {
        let format = TextFormat::simple(FontId::proportional(size), color);
        TextFormat { line_height: Some((size * LINE).round()), ..format }
    };
    let mut job = LayoutJob::default();
    let (committed, provisional) = (row.committed.trim(), row.provisional.trim());
    if !committed.is_empty() {
        job.append(committed, 0.0, format(sure));
    }
    if !provisional.is_empty() {
        let space = if committed.is_empty() { "" } else { " " };
        job.append(&format!("{space}{provisional}"), 0.0, format(unsure));
    }
    job
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::ui::record_captions::CaptionChoice;
    use crate::ui::record_captions::samples::caption;

    #[test]
    fn what_is_sure_is_stronger_than_what_is_not() {
        for (committed, provisional, text, n_sections) in [
            (" Good", "morning", "Good morning", 2),
            ("Good morning.", "", "Good morning.", 1),
            ("", "Good", "Good", 1),
        ] {
            let mut captions = begun();
            captions.take(caption(0, committed, provisional));
            let job = text_of(&captions.rows()[0], 20.0, Color32::BLACK, Color32::GRAY);
            assert_eq!((job.text.as_str(), job.sections.len()), (text, n_sections));
            let is_weak = job.sections.last().is_some_and(|section| section.format.color == Color32::GRAY);
            assert_eq!(is_weak, !provisional.is_empty());
        }
    }

    #[test]
    fn captions_follow_what_is_said_unless_somebody_reads_further_up() {
        let mut captions = begun();
        for utterance in 0..60 {
            captions.take(caption(utterance, "This was said.", ""));
        }
        let frame = |ui: &mut Ui, (view, captions): &mut (CaptionsView, Captions)| {
            view.buttons_ui(ui);
            view.ui(ui, captions, "");
        };
        let mut harness = Harness::builder()
            .with_size(vec2(600.0, 300.0))
            .with_context_setup(theme::install_theme)
            .with_max_steps(64)
            .build_ui_state(frame, (CaptionsView::default(), captions));
        let leads_to_now = |harness: &Harness<'_, (CaptionsView, Captions)>| {
            let button = harness.query_by_label("Jump to now");
            (button.is_some(), harness.state().0.is_at_end)
        };
        harness.run_ok();
        assert_eq!(leads_to_now(&harness), (false, true), "the newest is shown");
        harness.hover_at(pos2(300.0, 200.0));
        harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, 400.0),
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        harness.run_ok();
        harness.state_mut().1.take(caption(60, "Something new.", ""));
        harness.run_ok();
        assert_eq!(leads_to_now(&harness), (true, false), "whoever reads is left alone");
        harness.get_by_label("Jump to now").click();
        harness.run_ok();
        harness.state_mut().1.take(caption(61, "Something else.", ""));
        harness.run_ok();
        assert_eq!(leads_to_now(&harness), (false, true), "it follows again");
    }

    #[test]
    fn old_captions_are_left_out_only_while_nobody_reads_them() {
        for (is_at_end, n_rows, first_idx, expected) in
            [(true, 350, 0, 0), (true, 351, 0, 51), (false, 900, 0, 0), (true, 2, 51, 0), (true, 400, 51, 51)]
        {
            let mut view = CaptionsView { first_idx, is_at_end, ..CaptionsView::default() };
            view.choose_rows(n_rows);
            assert_eq!(view.first_idx, expected, "{n_rows} rows from {first_idx}");
        }
    }

    fn begun() -> Captions {
        let mut captions = Captions::default();
        captions.begin(CaptionChoice::On);
        captions
    }
}
