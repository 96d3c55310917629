//! The transcript of one recording: times in a column of their own, the text beside them, the speaker above where
//! another one spoke before, and a bar in the speaker's colour. Only the rows in view are laid out, so 20,000 segments
//! cost no more than a screenful.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{
    self, Align, Button, Color32, FontId, Galley, Id, Key, Label, Layout, Margin, Popup, Pos2, Rect, RichText,
    ScrollArea, Stroke, TextFormat, Ui, UiBuilder,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use crate::transcript::{Segment, Transcript, Word};
use crate::units::Seconds;

use super::action::{Action, LibraryAction};
use super::library_words::Sought;
use super::recording::{Phase, Recording};
use super::row_heights::RowHeights;
use super::theme::{self, READING_SIZE, UNIT};

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
/// Height of the line that says who speaks at the same time.
const OVERLAP_HEIGHT: f32 = 2.5 * UNIT;
/// Of the bar in the speaker's colour.
const BAR_WIDTH: f32 = 3.0;

/// Where one recording's transcript is scrolled to, and what is known of the heights of its rows.
#[derive(Debug, Default)]
pub(super) struct TranscriptView {
    rows: RowHeights,
    text_width: f32,
    /// Size of the text when the rows were measured.
    text_size: f32,
    offset: f32,
    /// Which of the recording's transcripts the rows belong to.
    revision: u64,
    /// The row at the upper edge, and when it begins.
    top: Option<(usize, Seconds)>,
    /// The row to scroll to in the next frame.
    wanted_idx: Option<usize>,
    found: Option<Found>,
    /// Words that were looked for, in one row.
    marked: Option<Marked>,
}

/// The row that was scrolled to last, and where that left the view. It counts until somebody scrolls on.
#[derive(Clone, Copy, Debug)]
struct Found {
    row_idx: usize,
    offset: f32,
}

/// Words of a row that were looked for, as places in its trimmed text.
#[derive(Clone, Debug)]
struct Marked {
    row_idx: usize,
    places: Vec<Range<usize>>,
}

/// What all rows have in common in the present window.
#[derive(Clone, Copy)]
struct Sheet {
    time_width: f32,
    text_width: f32,
    /// Size of the text,
    text_size: f32,
    /// and the distance from one line of it to the next.
    line_height: f32,
    /// Colour of the line under words that somebody else speaks over,
    mark: Color32,
    /// and the one behind words that were looked for.
    highlight: Color32,
}

/// Shows the recording's name, the facts about it, and its text or why there is none and what can be done about it.
pub(super) fn transcript_ui(
    ui: &mut Ui,
    recording: &Recording,
    recording_idx: usize,
    view: &mut TranscriptView,
    actions: &mut Vec<Action>,
) {
    header_ui(ui, recording);
    if recording.transcript.is_empty() {
        let color = match recording.phase {
            Phase::Failed(_) => theme::palette(ui).error,
            Phase::Waiting
            | Phase::Running(_)
            | Phase::Stopping
            | Phase::Done
            | Phase::Cancelled
            | Phase::Listed(_) => theme::palette(ui).weak,
        };
        ui.add_space(UNIT);
        ui.add(Label::new(RichText::new(recording.placeholder()).size(theme::reading(ui).0).color(color)).wrap());
        begin_ui(ui, recording, recording_idx, actions);
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

/// The button for a recording that has no transcript and no job that would make one.
fn begin_ui(ui: &mut Ui, recording: &Recording, recording_idx: usize, actions: &mut Vec<Action>) {
    let is_listed = !recording.is_of_session() && recording.phase != Phase::Done;
    let (text, action) = if recording.can_retry() {
        ("Try again", Action::Retry(recording_idx))
    } else if is_listed {
        ("Transcribe", Action::Library(LibraryAction::Transcribe(recording.path.clone())))
    } else {
        return;
    };
    ui.add_space(UNIT);
    let palette = theme::palette(ui);
    let button = Button::new(RichText::new(text).color(palette.on_accent)).fill(palette.accent);
    if ui.add(button.min_size(vec2(16.0 * UNIT, 5.0 * UNIT))).clicked() {
        actions.push(action);
    }
}

impl TranscriptView {
    /// Scrolls to a passage that was looked for, and marks the words found: by its place, or where the transcript has
    /// changed since, by its time.
    pub(super) fn show_passage(&mut self, transcript: &Transcript, sought: &Sought) {
        let segments = &transcript.segments;
        let is_there = |segment: &Segment| segment.span.start <= sought.at && sought.at <= segment.span.end;
        let row_idx = match segments.get(sought.segment_idx) {
            Some(segment) if is_there(segment) => sought.segment_idx,
            Some(_) | None => segments.partition_point(|segment| segment.span.start <= sought.at).saturating_sub(1),
        };
        let Some(segment) = segments.get(row_idx) else { return };
        self.wanted_idx = Some(row_idx);
        self.marked = Some(Marked { row_idx, places: sought.places_in(segment.text.trim()) });
    }

    /// Scrolls to where this speaker takes the word next, after the row that was scrolled to before, or after the one
    /// at the upper edge; from the last turn back to the first. Returns when that is.
    pub(super) fn show_next_turn(&mut self, transcript: &Transcript, label: &str) -> Option<Seconds> {
        let segments = &transcript.segments;
        let from = self.found_idx().or(self.top.map(|(row_idx, _)| row_idx)).unwrap_or(0);
        let mut others = (from + 1..segments.len()).chain(0..segments.len().min(from + 1));
        let next = others.find(|&row_idx| speaker_shown(segments, row_idx) == Some(label))?;
        (self.wanted_idx, self.marked) = (Some(next), None);
        Some(segments[next].span.start)
    }

    /// When that is said which stands at the upper edge.
    pub(super) fn read_at(&self) -> Option<Seconds> {
        self.top.map(|(_, start)| start)
    }

    /// Shows first what is said then, before anything of the transcript has been shown.
    pub(super) fn begin_at(&mut self, start: Seconds) {
        // As if another transcript had been scrolled to there: see `follow`.
        (self.top, self.offset, self.revision) = (Some((0, start)), 1.0, u64::MAX);
    }

    fn segments_ui(&mut self, ui: &mut Ui, recording: &Recording, recording_idx: usize) {
        let segments = &recording.transcript.segments;
        let sheet = sheet(ui, recording.duration);
        let shown_offset = self.offset;
        let estimate = |row_idx: usize| estimated_height(segments, row_idx, sheet);
        self.follow(recording, estimate);
        let is_wider = (sheet.text_width - self.text_width).abs() > 0.5;
        if is_wider || (sheet.text_size - self.text_size).abs() > 0.1 {
            (self.text_width, self.text_size) = (sheet.text_width, sheet.text_size);
            self.offset = self.rows.remake(self.offset, estimate);
        }
        self.rows.resize(segments.len(), estimate);
        let wanted_idx = self.wanted_idx.take().filter(|&row_idx| row_idx < segments.len());
        if let Some(row_idx) = wanted_idx {
            self.offset = self.rows.top(row_idx);
        }
        let view_height = ui.available_height();
        let ctx = ui.ctx().clone();
        let measure = |row_idx: usize| measured_height(&ctx, segments, row_idx, sheet);
        let page = (view_height - sheet.line_height).max(sheet.line_height);
        let settled = self.settle(paging(ui), page, view_height, measure);
        let mut area = ScrollArea::vertical()
            .id_salt(("transcript", recording_idx))
            .auto_shrink([false, false])
            .content_margin(Margin::ZERO);
        if (settled - shown_offset).abs() > 0.1 {
            area = area.vertical_scroll_offset(settled);
        }
        let found_idx = wanted_idx.or(self.found_idx());
        let (rows, marked) = (&self.rows, self.marked.as_ref());
        let mut corrections = Vec::new();
        let output = area.show_viewport(ui, |ui, viewport| {
            ui.set_height(rows.total());
            let origin = ui.max_rect().min;
            for row_idx in rows.between(viewport.top(), viewport.bottom()) {
                let top_left = origin + vec2(0.0, rows.top(row_idx));
                let marks = marked.map_or::<&[Range<usize>], _>(&[], |marked| marked.places_in_row(segments, row_idx));
                let place = Place { top_left, recording_idx, row_idx, is_found: found_idx == Some(row_idx), marks };
                let height = row_ui(ui, place, recording, sheet);
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
        if let Some(row_idx) = wanted_idx {
            self.found = Some(Found { row_idx, offset: self.offset });
        }
        let top_idx = self.rows.between(self.offset, self.offset + 1.0).start;
        self.top = segments.get(top_idx).map(|segment| (top_idx, segment.span.start));
    }

    /// Where the transcript became another one, finds what was read in it: the same row, or where it has been replaced,
    /// the one that is said at the same time.
    fn follow(&mut self, recording: &Recording, estimate: impl Fn(usize) -> f32) {
        if self.revision == recording.revision {
            return;
        }
        self.revision = recording.revision;
        self.found = None;
        // A passage that was just asked for belongs to the new transcript.
        if self.wanted_idx.is_none() {
            self.marked = None;
        }
        let segments = &recording.transcript.segments;
        let inside = self.top.map_or(0.0, |(row_idx, _)| self.offset - self.rows.top(row_idx));
        self.rows = RowHeights::default();
        self.rows.resize(segments.len(), estimate);
        // At the very start nothing has been read yet.
        let Some((row_idx, start)) = self.top.filter(|_| self.offset > 0.0) else { return };
        let row_idx = match segments.get(row_idx) {
            Some(segment) if segment.span.start == start => row_idx,
            Some(_) | None => segments.partition_point(|segment| segment.span.start <= start).saturating_sub(1),
        };
        let height = self.rows.top(row_idx + 1) - self.rows.top(row_idx);
        self.offset = self.rows.top(row_idx) + inside.min((height - 1.0).max(0.0));
    }

    /// The row that was scrolled to, as long as nobody has scrolled on.
    fn found_idx(&self) -> Option<usize> {
        self.found.filter(|found| (found.offset - self.offset).abs() < 0.5).map(|found| found.row_idx)
    }

    /// Follows the keys and returns where to scroll, with all rows measured that are in view there.
    fn settle(&mut self, paging: Option<Paging>, page: f32, view_height: f32, measure: impl Fn(usize) -> f32) -> f32 {
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
struct Place<'a> {
    top_left: Pos2,
    recording_idx: usize,
    row_idx: usize,
    /// Whether it is the one that was scrolled to.
    is_found: bool,
    /// Words in it that were looked for.
    marks: &'a [Range<usize>],
}

impl Marked {
    /// What is marked in a row, as long as it has the text in which it was found.
    fn places_in_row(&self, segments: &[Segment], row_idx: usize) -> &[Range<usize>] {
        let text = segments[row_idx].text.trim();
        let is_there = row_idx == self.row_idx && self.places.iter().all(|place| text.get(place.clone()).is_some());
        if is_there { &self.places } else { &[] }
    }
}

/// Draws one row and returns its height.
fn row_ui(ui: &mut Ui, place: Place<'_>, recording: &Recording, sheet: Sheet) -> f32 {
    let segments = &recording.transcript.segments;
    let segment = &segments[place.row_idx];
    let galley = text_galley(ui.ctx(), segment, place.marks, sheet);
    let speaker = speaker_shown(segments, place.row_idx);
    let overlap = overlap_line(&recording.transcript, segment);
    let height = row_height(segments, place.row_idx, galley.size().y);
    let size = vec2(sheet.time_width + sheet.text_width, height);
    // The id depends on the row alone, so that selected text stays selected while rows above scroll out of view.
    let id = Id::unique(("transcript row", place.recording_idx, place.row_idx));
    let rect = Rect::from_min_size(place.top_left, size);
    let mut row = ui.new_child(UiBuilder::new().scope_id(id).max_rect(rect).layout(Layout::top_down(Align::Min)));
    let palette = theme::palette(&row);
    let painted = rect.with_max_y(rect.bottom() - ROW_GAP);
    if place.is_found {
        row.painter().rect_filled(painted, 4.0, palette.panel);
    }
    if let Some(label) = &segment.speaker {
        let color = palette.speaker(recording.speakers.color_idx(label));
        row.painter().rect_filled(painted.with_max_x(rect.left() + BAR_WIDTH), 1.0, color);
    }
    let text_left = rect.left() + sheet.time_width;
    let mut y = rect.top();
    if let Some(label) = speaker {
        let color = palette.speaker(recording.speakers.color_idx(label));
        let text = RichText::new(recording.transcript.name_of(label)).size(sheet.text_size).color(color);
        let line = Rect::from_min_size(Pos2::new(text_left, y), vec2(sheet.text_width, SPEAKER_HEIGHT));
        line_ui(&mut row, line, text);
        y += SPEAKER_HEIGHT;
    }
    let time = Rect::from_min_size(Pos2::new(rect.left(), y), vec2(sheet.time_width - 2.0 * UNIT, sheet.line_height));
    let text = RichText::new(segment.span.start.to_string())
        .size(sheet.text_size)
        .line_height(Some(sheet.line_height))
        .color(palette.weak);
    let mut time_ui = row.new_child(UiBuilder::new().max_rect(time).layout(Layout::right_to_left(Align::Min)));
    // Not selectable, so that copied text is what was said and nothing else.
    time_ui.add(Label::new(text).extend().selectable(false));
    let said = Rect::from_min_size(Pos2::new(text_left, y), galley.size());
    y += galley.size().y.ceil();
    let mut said_ui = row.new_child(UiBuilder::new().max_rect(said).layout(Layout::top_down(Align::Min)));
    said_ui.add(Label::new(galley).selectable(true));
    if let Some(text) = overlap {
        let line = Rect::from_min_size(Pos2::new(text_left, y), vec2(sheet.text_width, OVERLAP_HEIGHT));
        line_ui(&mut row, line, RichText::new(text).small().color(palette.weak));
    }
    height
}

/// One line of text that is not a part of what was said.
fn line_ui(row: &mut Ui, rect: Rect, text: RichText) {
    let mut place = row.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    place.add(Label::new(text).truncate().selectable(false));
}

fn sheet(ui: &Ui, duration: Option<Seconds>) -> Sheet {
    // Room for 00:00 below an hour and for 00:00:00 above.
    let is_short = duration.is_some_and(|duration| duration.0 < 3600.0);
    let (text_size, line_height) = theme::reading(ui);
    let time_width = (if is_short { 8.0 * UNIT } else { 11.0 * UNIT }) * (text_size / READING_SIZE).max(1.0);
    let text_width = (ui.available_width() - time_width - RIGHT_MARGIN).clamp(MIN_TEXT_WIDTH, MAX_TEXT_WIDTH);
    let palette = theme::palette(ui);
    let text_width = text_width.floor();
    Sheet { time_width, text_width, text_size, line_height, mark: palette.weak, highlight: palette.selection }
}

/// The label of the speaker, where another one spoke before.
fn speaker_shown(segments: &[Segment], row_idx: usize) -> Option<&str> {
    let speaker = segments[row_idx].speaker.as_deref()?;
    let before = row_idx.checked_sub(1).and_then(|before| segments[before].speaker.as_deref());
    (before != Some(speaker)).then_some(speaker)
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
    (!names.is_empty()).then(|| format!("Underlined: at the same time as {names}"))
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

fn text_galley(ctx: &egui::Context, segment: &Segment, marks: &[Range<usize>], sheet: Sheet) -> Arc<Galley> {
    let text = segment.text.trim();
    let wrap = TextWrapping { max_width: sheet.text_width, ..TextWrapping::default() };
    let mut job = LayoutJob { wrap, ..LayoutJob::default() };
    let overlapped = overlapped_parts(text, &segment.words);
    let is_in = |parts: &[Range<usize>], at: usize| parts.iter().any(|part| part.contains(&at));
    for part in stretches(text.len(), &overlapped, marks) {
        // The placeholder becomes the text colour when it is painted.
        let format = TextFormat::simple(FontId::proportional(sheet.text_size), Color32::PLACEHOLDER);
        let underline = if is_in(&overlapped, part.start) { Stroke::new(1.0, sheet.mark) } else { Stroke::NONE };
        let background = if is_in(marks, part.start) { sheet.highlight } else { Color32::TRANSPARENT };
        let format = TextFormat { line_height: Some(sheet.line_height), underline, background, ..format };
        job.append(&text[part], 0.0, format);
    }
    ctx.fonts_mut(|fonts| fonts.layout_job(job))
}

/// The stretches of a text within which nothing begins or ends; one that is empty for an empty text.
fn stretches(len: usize, overlapped: &[Range<usize>], marks: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut edges: Vec<usize> = overlapped.iter().chain(marks).flat_map(|part| [part.start, part.end]).collect();
    edges.extend([0, len]);
    edges.sort_unstable();
    edges.dedup();
    let mut parts: Vec<Range<usize>> = edges.windows(2).map(|edge| edge[0]..edge[1]).collect();
    if parts.is_empty() {
        parts.push(0..len);
    }
    parts
}

fn measured_height(ctx: &egui::Context, segments: &[Segment], row_idx: usize, sheet: Sheet) -> f32 {
    row_height(segments, row_idx, text_galley(ctx, &segments[row_idx], &[], sheet).size().y)
}

fn row_height(segments: &[Segment], row_idx: usize, text_height: f32) -> f32 {
    let speaker = speaker_shown(segments, row_idx).map_or(0.0, |_| SPEAKER_HEIGHT);
    let overlap = if has_overlap(&segments[row_idx]) { OVERLAP_HEIGHT } else { 0.0 };
    speaker + text_height.ceil() + overlap + ROW_GAP
}

/// A guess from the length of the text: half an em for each byte is near enough for a scroll bar.
fn estimated_height(segments: &[Segment], row_idx: usize, sheet: Sheet) -> f32 {
    let width = segments[row_idx].text.len() as f32 * sheet.text_size * 0.5;
    let n_lines = (width / sheet.text_width).ceil().max(1.0);
    row_height(segments, row_idx, n_lines * sheet.line_height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::library::Hit;
    use crate::ui::library_samples::hit;
    use crate::units::TimeSpan;

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
        for (len, overlapped, marks, expected) in [
            (0, vec![], vec![], vec![part(0, 0)]),
            (9, vec![], vec![], vec![part(0, 9)]),
            (9, vec![part(0, 3)], vec![part(2, 5)], vec![part(0, 2), part(2, 3), part(3, 5), part(5, 9)]),
            (9, vec![part(4, 9)], vec![part(4, 9)], vec![part(0, 4), part(4, 9)]),
        ] {
            assert_eq!(stretches(len, &overlapped, &marks), expected);
        }
    }

    #[test]
    fn a_passage_is_found_by_its_place_or_by_its_time() {
        let segments = [(0.0, 4.0), (5.0, 9.0), (10.0, 14.0)].map(|(start_secs, end_secs)| Segment {
            span: TimeSpan::from_secs(start_secs, end_secs),
            text: " About the budget.".to_owned(),
            ..Segment::default()
        });
        let transcript = Transcript { segments: segments.to_vec(), ..Transcript::default() };
        for (segment_idx, at_secs, expected) in [(1, 6.0, 1), (0, 6.0, 1), (9, 11.0, 2), (2, 0.5, 0), (7, 99.0, 2)] {
            let sought = Sought::of(&Hit { segment_idx, at: Seconds(at_secs), ..hit(1) });
            let mut view = TranscriptView::default();
            view.show_passage(&transcript, &sought);
            assert_eq!(view.wanted_idx, Some(expected), "{segment_idx} at {at_secs}");
            let places = view.marked.map(|marked| marked.places).unwrap_or_default();
            assert_eq!(places.first(), Some(&(10..16)));
        }
        let mut view = TranscriptView::default();
        view.show_passage(&Transcript::default(), &Sought::of(&hit(1)));
        assert_eq!(view.wanted_idx, None, "there is nothing to see");
    }

    #[test]
    fn the_next_turn_follows_the_one_found_before() {
        let labels = ["A", "A", "B", "A", "B", "B"];
        let segments = labels.map(|label| Segment { speaker: Some(label.to_owned()), ..Segment::default() });
        let transcript = Transcript { segments: segments.to_vec(), ..Transcript::default() };
        let mut view = TranscriptView::default();
        for (label, expected) in [("A", Some(3)), ("A", Some(0)), ("B", Some(2)), ("B", Some(4)), ("C", None)] {
            view.show_next_turn(&transcript, label);
            let wanted_idx = view.wanted_idx.take();
            assert_eq!(wanted_idx, expected, "{label}");
            view.found = wanted_idx.map(|row_idx| Found { row_idx, offset: view.offset });
        }
    }
}
