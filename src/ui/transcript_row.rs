//! One row of the transcript: its time, its speaker, its text with what is marked in it, and what is to be known about
//! it. It is drawn where it is told; which rows there are, and where, `transcript` knows.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{
    self, Align, Color32, FontId, Galley, Id, Label, Layout, Pos2, Rect, Response, RichText, Stroke, TextFormat, Ui,
    UiBuilder,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use crate::transcript::split::word_places;
use crate::transcript::writing::Writing;
use crate::transcript::{Segment, Transcript, Word};
use crate::units::Seconds;

use super::recording::Recording;
use super::review_state::Review;
use super::row_field::{Outcome, RowField};
use super::texts::text_with;
use super::theme::{self, Palette, READING_SIZE, UNIT};

/// Lines longer than this are hard to read.
const MAX_TEXT_WIDTH: f32 = 720.0;
/// Narrower than this, the text goes on below the edge of the window rather than one word to a line.
const MIN_TEXT_WIDTH: f32 = 160.0;
/// Between the text and the scroll bar.
const RIGHT_MARGIN: f32 = 3.0 * UNIT;
/// Between one row and the next.
const ROW_GAP: f32 = UNIT;
/// Between one lane and the next.
const LANE_GAP: f32 = 2.0 * UNIT;
/// Height of the line with the speaker.
const SPEAKER_HEIGHT: f32 = 3.0 * UNIT;
/// Height of a line that says who speaks at the same time, or that there is speech without text.
const NOTE_HEIGHT: f32 = 2.5 * UNIT;
/// Between the text and who speaks at the same time: the line under the words lies below their line of text.
const OVERLAP_GAP: f32 = 4.0;
/// Of the bar in the speaker's colour.
const BAR_WIDTH: f32 = 3.0;

/// What all rows have in common in the present window.
#[derive(Clone, Copy)]
pub(super) struct Sheet {
    time_width: f32,
    text_width: f32,
    /// Size of the text,
    text_size: f32,
    /// and the distance from one line of it to the next.
    line_height: f32,
    palette: &'static Palette,
}

/// What is marked in the text of a row, as places in its trimmed text.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// What was looked for,
    pub(super) found: Vec<Range<usize>>,
    /// what is heard now,
    pub(super) heard: Vec<Range<usize>>,
    /// what was chosen,
    pub(super) chosen: Vec<Range<usize>>,
    /// and what may be something else.
    pub(super) doubted: Vec<Range<usize>>,
}

/// Where a row is drawn, and which one it is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) top_left: Pos2,
    pub(super) recording_idx: usize,
    pub(super) row_idx: usize,
    /// Whether it is the one that was scrolled to.
    pub(super) is_found: bool,
    pub(super) marks: &'a Marks,
    /// How long somebody spoke before it without text.
    pub(super) gap: Option<Seconds>,
}

/// A row that was drawn.
pub(super) struct Drawn {
    pub(super) height: f32,
    pub(super) body: Body,
}

/// The text of a row as it was drawn.
pub(super) enum Body {
    /// To be read.
    Said(Said),
    /// To be changed.
    Typed(Outcome),
}

/// A text that can be clicked on.
pub(super) struct Said {
    /// What was done with it.
    pub(super) response: Response,
    galley: Arc<Galley>,
}

impl Said {
    /// The word under the pointer, by its place among those of the text; `None` where the pointer had no part in it, or
    /// there are no words.
    pub(super) fn word_idx(&self, places: &[Range<usize>]) -> Option<usize> {
        let pointer = self.response.interact_pointer_pos().or(self.response.hover_pos())?;
        let cursor = self.galley.cursor_from_pos(pointer - self.response.rect.min);
        let text = self.galley.text();
        let byte = text.char_indices().nth(cursor.index.0).map_or(text.len(), |(at, _)| at);
        word_at_byte(places, byte)
    }
}

impl Sheet {
    /// What fits into the width of this part of the window.
    pub(super) fn new(ui: &Ui, duration: Option<Seconds>) -> Self {
        // Room for 00:00 below an hour and for 00:00:00 above.
        let is_short = duration.is_some_and(|duration| duration.0 < 3600.0);
        let (text_size, line_height) = theme::reading(ui);
        let time_width = (if is_short { 8.0 * UNIT } else { 11.0 * UNIT }) * (text_size / READING_SIZE).max(1.0);
        let text_width = (ui.available_width() - time_width - RIGHT_MARGIN).clamp(MIN_TEXT_WIDTH, MAX_TEXT_WIDTH);
        Self { time_width, text_width: text_width.floor(), text_size, line_height, palette: theme::palette(ui) }
    }

    /// Width of a line of text.
    pub(super) fn text_width(self) -> f32 {
        self.text_width
    }

    /// Size of the text.
    pub(super) fn text_size(self) -> f32 {
        self.text_size
    }

    /// The distance from one line of the text to the next.
    pub(super) fn line_height(self) -> f32 {
        self.line_height
    }

    /// One of several lanes of this sheet, and how far to the right it is; `None` where they would be too narrow.
    pub(super) fn lane(self, lane_idx: usize, n_lanes: usize) -> Option<(Self, f32)> {
        let all_width = self.time_width + self.text_width;
        let lane_width = ((all_width + LANE_GAP) / n_lanes.max(1) as f32).floor();
        let text_width = lane_width - LANE_GAP - self.time_width;
        (text_width >= MIN_TEXT_WIDTH).then_some((Self { text_width, ..self }, lane_idx as f32 * lane_width))
    }
}

/// Draws one row. Where a field is given, the text is typed into that.
pub(super) fn row_ui(
    ui: &mut Ui,
    place: Place<'_>,
    recording: &Recording,
    sheet: Sheet,
    field: Option<&mut RowField>,
) -> Drawn {
    let segments = &recording.transcript.segments;
    let segment = &segments[place.row_idx];
    let galley = text_galley(ui.ctx(), segment, place.marks, sheet);
    let body_height = field.as_ref().map_or(galley.size().y, |field| field.height(ui, sheet.text_width));
    let height = row_height(segments, place.row_idx, place.gap, body_height);
    let size = vec2(sheet.time_width + sheet.text_width, height);
    // The id depends on the row alone, so that selected text stays selected while rows above scroll out of view.
    let id = Id::unique(("transcript row", place.recording_idx, place.row_idx));
    let rect = Rect::from_min_size(place.top_left, size);
    let mut row = ui.new_child(UiBuilder::new().scope_id(id).max_rect(rect).layout(Layout::top_down(Align::Min)));
    let palette = sheet.palette;
    let text_left = rect.left() + sheet.time_width;
    let mut y = rect.top();
    if let Some(gap) = place.gap {
        let text = text_with("transcript-gap", &[("length", gap.to_string().into())]);
        let text = RichText::new(text).small().color(palette.warning);
        line_ui(&mut row, Rect::from_min_size(Pos2::new(text_left, y), vec2(sheet.text_width, NOTE_HEIGHT)), text);
        y += NOTE_HEIGHT;
    }
    let painted = rect.with_min_y(y).with_max_y(rect.bottom() - ROW_GAP);
    if place.is_found {
        row.painter().rect_filled(painted, 4.0, palette.panel);
    }
    if let Some(label) = &segment.speaker {
        let color = palette.speaker(recording.speakers.color_idx(label));
        row.painter().rect_filled(painted.with_max_x(rect.left() + BAR_WIDTH), 1.0, color);
    }
    if let Some(label) = speaker_shown(segments, place.row_idx) {
        let color = palette.speaker(recording.speakers.color_idx(label));
        let text = RichText::new(recording.transcript.name_of(label)).size(sheet.text_size).color(color);
        let line = Rect::from_min_size(Pos2::new(text_left, y), vec2(sheet.text_width, SPEAKER_HEIGHT));
        line_ui(&mut row, line, text);
        y += SPEAKER_HEIGHT;
    }
    time_ui(&mut row, Pos2::new(rect.left(), y), segment.span.start, sheet);
    let said = Rect::from_min_size(Pos2::new(text_left, y), vec2(galley.size().x, body_height));
    y += body_height.ceil();
    let body = if let Some(field) = field {
        let line = said.with_max_x(text_left + sheet.text_width);
        let mut field_ui = row.new_child(UiBuilder::new().max_rect(line).layout(Layout::top_down(Align::Min)));
        Body::Typed(field.ui(&mut field_ui))
    } else {
        let mut said_ui = row.new_child(UiBuilder::new().max_rect(said).layout(Layout::top_down(Align::Min)));
        let response = said_ui.add(Label::new(galley.clone()).selectable(true));
        Body::Said(Said { response, galley })
    };
    if let Some(text) = overlap_line(&recording.transcript, segment) {
        let line = Rect::from_min_size(Pos2::new(text_left, y + OVERLAP_GAP), vec2(sheet.text_width, NOTE_HEIGHT));
        line_ui(&mut row, line, RichText::new(text).small().color(palette.weak));
    }
    Drawn { height, body }
}

/// The label of the speaker, where another one spoke before.
pub(super) fn speaker_shown(segments: &[Segment], row_idx: usize) -> Option<&str> {
    let speaker = segments[row_idx].speaker.as_deref()?;
    let before = row_idx.checked_sub(1).and_then(|before| segments[before].speaker.as_deref());
    (before != Some(speaker)).then_some(speaker)
}

/// Where the words of a segment stand in its trimmed text, as changes of a transcript count them.
pub(super) fn places_of_words(segment: &Segment, language: &str) -> Vec<Range<usize>> {
    let blank = segment.text.len() - segment.text.trim_start().len();
    let len = segment.text.trim().len();
    let trimmed = |at: usize| at.saturating_sub(blank).min(len);
    let places = word_places(segment, Writing::of(language)).into_iter();
    places.map(|place| trimmed(place.start)..trimmed(place.end)).collect()
}

/// The exact height of a row, by laying out its text.
pub(super) fn measured_height(
    ctx: &egui::Context,
    segments: &[Segment],
    row_idx: usize,
    review: &Review,
    sheet: Sheet,
) -> f32 {
    let galley = text_galley(ctx, &segments[row_idx], &Marks::default(), sheet);
    row_height(segments, row_idx, review.gap_before(row_idx), galley.size().y)
}

/// A guess from the length of the text: half an em for each byte is near enough for a scroll bar.
pub(super) fn estimated_height(segments: &[Segment], row_idx: usize, sheet: Sheet) -> f32 {
    let width = segments[row_idx].text.len() as f32 * sheet.text_size * 0.5;
    let n_lines = (width / sheet.text_width).ceil().max(1.0);
    row_height(segments, row_idx, None, n_lines * sheet.line_height)
}

fn row_height(segments: &[Segment], row_idx: usize, gap: Option<Seconds>, text_height: f32) -> f32 {
    let gap = gap.map_or(0.0, |_| NOTE_HEIGHT);
    let speaker = speaker_shown(segments, row_idx).map_or(0.0, |_| SPEAKER_HEIGHT);
    let overlap = if has_overlap(&segments[row_idx]) { OVERLAP_GAP + NOTE_HEIGHT } else { 0.0 };
    gap + speaker + text_height.ceil() + overlap + ROW_GAP
}

fn time_ui(row: &mut Ui, top_left: Pos2, start: Seconds, sheet: Sheet) {
    let time = Rect::from_min_size(top_left, vec2(sheet.time_width - 2.0 * UNIT, sheet.line_height));
    let text = RichText::new(start.to_string()).size(sheet.text_size);
    let text = text.line_height(Some(sheet.line_height)).color(sheet.palette.weak);
    let mut time_ui = row.new_child(UiBuilder::new().max_rect(time).layout(Layout::right_to_left(Align::Min)));
    // Not selectable, so that copied text is what was said and nothing else.
    time_ui.add(Label::new(text).extend().selectable(false));
}

/// One line of text that is not a part of what was said.
fn line_ui(row: &mut Ui, rect: Rect, text: RichText) {
    let mut place = row.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    place.add(Label::new(text).truncate().selectable(false));
}

/// Who speaks at the same time as some of the words.
fn overlap_line(transcript: &Transcript, segment: &Segment) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for label in segment.words.iter().flat_map(|word| &word.overlapped_by) {
        let name = transcript.name_of(label);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let names = names.join(", ");
    (!names.is_empty()).then(|| text_with("transcript-overlap", &[("names", names.into())]))
}

fn has_overlap(segment: &Segment) -> bool {
    segment.words.iter().any(|word| !word.overlapped_by.is_empty())
}

/// The parts of the text that others speak over. Neighbouring words are one part, with the blank between them.
fn overlapped_parts(text: &str, words: &[Word]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut searched = 0;
    for word in words {
        let written = word.text.trim();
        // A word that is not in the text, as after an edit, is passed over.
        let Some(at) = text[searched..].find(written) else { continue };
        let place = searched + at..searched + at + written.len();
        searched = place.end;
        if word.overlapped_by.is_empty() || place.is_empty() {
            continue;
        }
        match parts.last_mut() {
            Some(part) if text[part.end..place.start].trim().is_empty() => part.end = place.end,
            Some(_) | None => parts.push(place),
        }
    }
    parts
}

fn text_galley(ctx: &egui::Context, segment: &Segment, marks: &Marks, sheet: Sheet) -> Arc<Galley> {
    let text = segment.text.trim();
    let palette = sheet.palette;
    let wrap = TextWrapping { max_width: sheet.text_width, ..TextWrapping::default() };
    let mut job = LayoutJob { wrap, ..LayoutJob::default() };
    let overlapped = overlapped_parts(text, &segment.words);
    let is_in = |parts: &[Range<usize>], at: usize| parts.iter().any(|part| part.contains(&at));
    for part in stretches(text, [&overlapped, &marks.found, &marks.heard, &marks.chosen, &marks.doubted]) {
        // The placeholder becomes the text colour when it is painted.
        let format = TextFormat::simple(FontId::proportional(sheet.text_size), Color32::PLACEHOLDER);
        // None of these changes how wide the text is, so nothing moves when they come and go.
        let underline = if is_in(&marks.chosen, part.start) {
            Stroke::new(2.0, palette.accent)
        } else if is_in(&marks.doubted, part.start) {
            Stroke::new(2.0, palette.warning)
        } else if is_in(&overlapped, part.start) {
            Stroke::new(1.0, palette.weak)
        } else {
            Stroke::NONE
        };
        let background = if is_in(&marks.heard, part.start) {
            palette.pressed
        } else if is_in(&marks.found, part.start) {
            palette.selection
        } else {
            Color32::TRANSPARENT
        };
        let format = TextFormat { line_height: Some(sheet.line_height), underline, background, ..format };
        job.append(&text[part], 0.0, format);
    }
    ctx.fonts_mut(|fonts| fonts.layout_job(job))
}

/// The stretches of a text within which nothing begins or ends; one that is empty for an empty text.
fn stretches(text: &str, marks: [&Vec<Range<usize>>; 5]) -> Vec<Range<usize>> {
    let len = text.len();
    let places = marks.into_iter().flatten();
    let mut edges: Vec<usize> = places.flat_map(|part| [part.start, part.end]).collect();
    // A place of another text must not cut a character.
    edges.retain(|edge| text.is_char_boundary(*edge));
    edges.extend([0, len]);
    edges.sort_unstable();
    edges.dedup();
    let mut parts: Vec<Range<usize>> = edges.windows(2).map(|edge| edge[0]..edge[1]).collect();
    if parts.is_empty() {
        parts.push(0..len);
    }
    parts
}

/// The word that a byte of the text is in, or that ends there; beyond the last, the last.
fn word_at_byte(places: &[Range<usize>], byte: usize) -> Option<usize> {
    let word_idx = places.partition_point(|place| place.end < byte);
    (!places.is_empty()).then_some(word_idx.min(places.len().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_others_speak_over_are_found_in_the_text() {
        // (the text, its words with a star where somebody else speaks, the parts that are underlined)
        for (text, words, expected) in [
            ("Yes, we can.", "Yes, we can.", vec![]),
            ("Yes, we can.", "*Yes, we can.", vec!["Yes,"]),
            ("Yes, we can.", "*Yes, *we *can.", vec!["Yes, we can."]),
            ("no no no", "no *no no", vec!["no"]),
            ("one two three", "*one two *three", vec!["one", "three"]),
            ("one three", "one *two *three", vec!["three"]),
            ("", "*one", vec![]),
        ] {
            let word = |word: &str| Word {
                text: word.trim_start_matches('*').to_owned(),
                overlapped_by: word.starts_with('*').then(|| "SPEAKER_01".to_owned()).into_iter().collect(),
                ..Word::default()
            };
            let words: Vec<Word> = words.split(' ').map(word).collect();
            let parts = overlapped_parts(text, &words);
            assert_eq!(parts.into_iter().map(|part| &text[part]).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_where_anything_begins_or_ends() {
        let part = |start: usize, end: usize| start..end;
        for (text, overlapped, marks, expected) in [
            ("", vec![], vec![], vec![part(0, 0)]),
            ("Yes, we c", vec![], vec![], vec![part(0, 9)]),
            ("Yes, we c", vec![part(0, 3)], vec![part(2, 5)], vec![part(0, 2), part(2, 3), part(3, 5), part(5, 9)]),
            ("Yes, we c", vec![part(4, 9)], vec![part(4, 9)], vec![part(0, 4), part(4, 9)]),
            ("Ü", vec![], vec![part(1, 7)], vec![part(0, 2)]),
        ] {
            let none = Vec::new();
            assert_eq!(stretches(text, [&overlapped, &marks, &none, &none, &none]), expected);
        }
    }

    #[test]
    fn a_click_finds_the_word_that_is_written_there() {
        let segment = Segment { text: " Yes, we can. ".to_owned(), ..Segment::default() };
        let places = places_of_words(&segment, "en");
        assert_eq!(places, [0..4, 5..7, 8..12]);
        for (byte, expected) in [(0, 0), (4, 0), (5, 1), (7, 1), (8, 2), (12, 2), (99, 2)] {
            assert_eq!(word_at_byte(&places, byte), Some(expected), "{byte}");
        }
        assert_eq!(word_at_byte(&[], 3), None);
    }
}
