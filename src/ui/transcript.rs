//! The transcript of one recording: times in a column of their own, the text beside them, the speaker above where one
//! is known. Only the rows in view are laid out, so 20,000 segments cost no more than a screenful.

use std::sync::Arc;

use eframe::egui::{
    self, Align, Color32, FontId, Galley, Id, Key, Label, Layout, Margin, Popup, Pos2, Rect, RichText, ScrollArea, Ui,
    UiBuilder, text::LayoutJob, vec2,
};

use crate::transcript::Segment;
use crate::units::Seconds;

use super::row_heights::RowHeights;
use super::state::{Phase, Recording};
use super::theme::{self, READING_LINE, READING_SIZE, UNIT};

/// Lines longer than this are hard to read.
const MAX_TEXT_WIDTH: f32 = 720.0;
/// Narrower than this, the text goes on below the edge of the window rather than one word to a line.
const MIN_TEXT_WIDTH: f32 = 160.0;
/// Between the text and the scroll bar.
const RIGHT_MARGIN: f32 = 3.0 * UNIT;
/// Between one row and the next.
const ROW_GAP: f32 = UNIT;
/// Height of the line with the speaker.
const SPEAKER_HEIGHT: f32 = 3.0 * UNIT;

/// Where one recording's transcript is scrolled to, and what is known of the heights of its rows.
#[derive(Debug, Default)]
pub(super) struct TranscriptView {
    rows: RowHeights,
    text_width: f32,
    offset: f32,
}

/// Sizes of the columns in the present window.
#[derive(Clone, Copy)]
struct Columns {
    time_width: f32,
    text_width: f32,
}

/// Shows the recording's name, the facts about it, and its text or why there is none.
pub(super) fn transcript_ui(ui: &mut Ui, recording: &Recording, recording_idx: usize, view: &mut TranscriptView) {
    header_ui(ui, recording);
    if recording.transcript.is_empty() {
        let color = match recording.phase {
            Phase::Failed(_) => theme::palette(ui).error,
            Phase::Waiting | Phase::Running(_) | Phase::Stopping | Phase::Done | Phase::Cancelled => {
                theme::palette(ui).weak
            }
        };
        ui.add_space(UNIT);
        ui.add(Label::new(RichText::new(recording.placeholder()).size(READING_SIZE).color(color)).wrap());
    } else {
        view.segments_ui(ui, recording, recording_idx);
    }
}

fn header_ui(ui: &mut Ui, recording: &Recording) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.add(Label::new(RichText::new(recording.name()).heading()).truncate().show_tooltip_when_elided(false))
            .on_hover_text(recording.path.display().to_string());
        ui.add(Label::new(RichText::new(recording.facts()).small().color(theme::palette(ui).weak)).truncate());
    });
}

impl TranscriptView {
    fn segments_ui(&mut self, ui: &mut Ui, recording: &Recording, recording_idx: usize) {
        let segments = &recording.transcript.segments;
        let columns = columns(ui, recording.duration);
        let shown_offset = self.offset;
        let estimate = |row_idx: usize| estimated_height(segments, row_idx, columns);
        if (columns.text_width - self.text_width).abs() > 0.5 {
            self.text_width = columns.text_width;
            self.offset = self.rows.remake(self.offset, estimate);
        }
        self.rows.resize(segments.len(), estimate);
        let view_height = ui.available_height();
        let ctx = ui.ctx().clone();
        let measure = |row_idx: usize| measured_height(&ctx, segments, row_idx, columns);
        let settled = self.settle(paging(ui), view_height, measure);
        let mut area = ScrollArea::vertical()
            .id_salt(("transcript", recording_idx))
            .auto_shrink([false, false])
            .content_margin(Margin::ZERO);
        if (settled - shown_offset).abs() > 0.1 {
            area = area.vertical_scroll_offset(settled);
        }
        let rows = &self.rows;
        let mut corrections = Vec::new();
        let output = area.show_viewport(ui, |ui, viewport| {
            ui.set_height(rows.total());
            let origin = ui.max_rect().min;
            for row_idx in rows.between(viewport.top(), viewport.bottom()) {
                let place = Place { top_left: origin + vec2(0.0, rows.top(row_idx)), recording_idx, row_idx };
                let height = row_ui(ui, place, segments, columns);
                if (height - rows.height(row_idx)).abs() > 0.5 {
                    corrections.push((row_idx, height));
                }
            }
        });
        self.offset = output.state.clamped_offset().y;
        // Rows that the scroll area moved into view by itself were not measured before; the next frame is right.
        if !corrections.is_empty() {
            ui.ctx().request_repaint();
        }
        for (row_idx, height) in corrections {
            self.rows.correct(row_idx, height);
        }
    }

    /// Follows the keys and returns where to scroll, with all rows measured that are in view there.
    fn settle(&mut self, paging: Option<Paging>, view_height: f32, measure: impl Fn(usize) -> f32) -> f32 {
        let page = (view_height - READING_LINE).max(READING_LINE);
        let wanted = match paging {
            // The rows that come into view are measured first, so that no line is skipped.
            Some(Paging::Up) => self.rows.settle_above(self.offset, page, &measure) - page,
            Some(Paging::Down) => self.offset + page,
            Some(Paging::Start) => 0.0,
            Some(Paging::End) => return self.settle_at_end(view_height, measure),
            None => self.offset,
        };
        self.rows.settle(wanted.clamp(0.0, self.end(view_height)), view_height, measure)
    }

    /// The end moves while its rows are measured; after a screenful of them it no longer does.
    fn settle_at_end(&mut self, view_height: f32, measure: impl Fn(usize) -> f32) -> f32 {
        loop {
            let end = self.end(view_height);
            let settled = self.rows.settle(end, view_height, &measure);
            if (settled - self.end(view_height)).abs() < 0.5 {
                return settled;
            }
        }
    }

    fn end(&self, view_height: f32) -> f32 {
        (self.rows.total() - view_height).max(0.0)
    }
}

/// A key that scrolls the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paging {
    Up,
    Down,
    Start,
    End,
}

/// What was pressed. The keys work wherever the focus is, unless somebody types or a menu is open.
fn paging(ui: &Ui) -> Option<Paging> {
    if ui.ctx().text_edit_focused() || Popup::is_any_open(ui.ctx()) {
        return None;
    }
    let keys =
        [(Key::PageUp, Paging::Up), (Key::PageDown, Paging::Down), (Key::Home, Paging::Start), (Key::End, Paging::End)];
    ui.input(|input| keys.into_iter().find(|(key, _)| input.key_pressed(*key)).map(|(_, paging)| paging))
}

/// Where a row is drawn, and which one it is.
#[derive(Clone, Copy)]
struct Place {
    top_left: Pos2,
    recording_idx: usize,
    row_idx: usize,
}

/// Draws one row and returns its height.
fn row_ui(ui: &mut Ui, place: Place, segments: &[Segment], columns: Columns) -> f32 {
    let segment = &segments[place.row_idx];
    let galley = text_galley(ui.ctx(), segment, columns.text_width);
    let speaker = speaker_shown(segments, place.row_idx);
    let height = row_height(speaker, &galley);
    let size = vec2(columns.time_width + columns.text_width, height);
    // The id depends on the row alone, so that selected text stays selected while rows above scroll out of view.
    let id = Id::unique(("transcript row", place.recording_idx, place.row_idx));
    let rect = Rect::from_min_size(place.top_left, size);
    let mut row = ui.new_child(UiBuilder::new().scope_id(id).max_rect(rect).layout(Layout::top_down(Align::Min)));
    let palette = theme::palette(&row);
    let mut y = rect.top();
    if let Some(speaker) = speaker {
        let line = Rect::from_min_size(
            Pos2::new(rect.left() + columns.time_width, y),
            vec2(columns.text_width, SPEAKER_HEIGHT),
        );
        let text = RichText::new(speaker).size(READING_SIZE).color(palette.accent);
        let mut line_ui = row.new_child(UiBuilder::new().max_rect(line).layout(Layout::left_to_right(Align::Center)));
        line_ui.add(Label::new(text).truncate().selectable(false));
        y += SPEAKER_HEIGHT;
    }
    let time = Rect::from_min_size(Pos2::new(rect.left(), y), vec2(columns.time_width - 2.0 * UNIT, READING_LINE));
    let text = RichText::new(segment.span.start.to_string())
        .size(READING_SIZE)
        .line_height(Some(READING_LINE))
        .color(palette.weak);
    let mut time_ui = row.new_child(UiBuilder::new().max_rect(time).layout(Layout::right_to_left(Align::Min)));
    // Not selectable, so that copied text is what was said and nothing else.
    time_ui.add(Label::new(text).extend().selectable(false));
    let said = Rect::from_min_size(Pos2::new(rect.left() + columns.time_width, y), galley.size());
    let mut said_ui = row.new_child(UiBuilder::new().max_rect(said).layout(Layout::top_down(Align::Min)));
    said_ui.add(Label::new(galley).selectable(true));
    height
}

fn columns(ui: &Ui, duration: Option<Seconds>) -> Columns {
    // Room for 00:00 below an hour and for 00:00:00 above.
    let is_short = duration.is_some_and(|duration| duration.0 < 3600.0);
    let time_width = if is_short { 8.0 * UNIT } else { 11.0 * UNIT };
    let text_width = (ui.available_width() - time_width - RIGHT_MARGIN).clamp(MIN_TEXT_WIDTH, MAX_TEXT_WIDTH);
    Columns { time_width, text_width: text_width.floor() }
}

/// The speaker, where another one spoke before.
fn speaker_shown(segments: &[Segment], row_idx: usize) -> Option<&str> {
    let speaker = segments[row_idx].speaker.as_deref()?;
    let before = row_idx.checked_sub(1).and_then(|before| segments[before].speaker.as_deref());
    (before != Some(speaker)).then_some(speaker)
}

fn text_galley(ctx: &egui::Context, segment: &Segment, width: f32) -> Arc<Galley> {
    let font = FontId::proportional(READING_SIZE);
    // The placeholder becomes the text colour when it is painted, so both themes share one layout.
    let mut job = LayoutJob::simple(segment.text.trim().to_owned(), font, Color32::PLACEHOLDER, width);
    for section in &mut job.sections {
        section.format.line_height = Some(READING_LINE);
    }
    ctx.fonts_mut(|fonts| fonts.layout_job(job))
}

fn measured_height(ctx: &egui::Context, segments: &[Segment], row_idx: usize, columns: Columns) -> f32 {
    row_height(speaker_shown(segments, row_idx), &text_galley(ctx, &segments[row_idx], columns.text_width))
}

fn row_height(speaker: Option<&str>, galley: &Galley) -> f32 {
    speaker.map_or(0.0, |_| SPEAKER_HEIGHT) + galley.size().y.ceil() + ROW_GAP
}

/// A guess from the length of the text: half an em for each byte is near enough for a scroll bar.
fn estimated_height(segments: &[Segment], row_idx: usize, columns: Columns) -> f32 {
    let width = segments[row_idx].text.len() as f32 * READING_SIZE * 0.5;
    let n_lines = (width / columns.text_width).ceil().max(1.0);
    speaker_shown(segments, row_idx).map_or(0.0, |_| SPEAKER_HEIGHT) + n_lines * READING_LINE + ROW_GAP
}
