//! The transcript of one recording: times in a column of their own, the text beside them, the speaker above where
//! another one spoke before, and a bar in the speaker's colour. Only the rows in view are laid out, so 20,000 segments
//! cost no more than a screenful. What can be done with a word is in `row_menu`, how a row looks in `transcript_row`.

use std::ops::Range;

use eframe::egui::{Button, Key, Label, Margin, Popup, Pos2, RichText, ScrollArea, Ui, vec2};

use crate::transcript::edit::Change;
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::action::{Action, LibraryAction, PlayAction};
use super::finder::{Finder, places_in};
use super::library_words::Sought;
use super::recording::{Phase, Recording};
use super::review_state::{Review, time_of_word};
use super::row_field::{Outcome, RowField};
use super::row_heights::RowHeights;
use super::row_menu::{Chosen, Wish, row_menu_ui};
use super::texts::text;
use super::theme::{self, UNIT};
use super::transcript_row::{
    Body, Drawn, Marks, Place, Said, Sheet, estimated_height, measured_height, places_of_words, row_ui, speaker_shown,
};

/// Where one recording's transcript is scrolled to, and what is known of the heights of its rows.
#[derive(Debug, Default)]
pub(super) struct TranscriptView {
    rows: RowHeights,
    text_width: f32,
    /// Size of the text when the rows were measured.
    text_size: f32,
    offset: f32,
    view_height: f32,
    /// Which of the recording's transcripts the rows belong to.
    revision: u64,
    /// The row at the upper edge, and when it begins.
    top: Option<(usize, Seconds)>,
    /// The row to scroll to in the next frame.
    wanted_idx: Option<usize>,
    found: Option<Found>,
    /// Words that were looked for in the library, in one row.
    marked: Option<Marked>,
    /// The words that keys and menus are about.
    chosen: Option<Chosen>,
    /// The row that is being changed.
    field: Option<RowField>,
    /// The row that was heard last.
    heard_idx: Option<usize>,
    /// The row to scroll to because it is heard.
    follow_idx: Option<usize>,
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

/// What is shown, and what is known about it.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The recording,
    pub(super) recording: &'a Recording,
    /// its place in the list,
    pub(super) recording_idx: usize,
    /// what is looked for in it,
    pub(super) finder: &'a Finder,
    /// what there is to review,
    pub(super) review: &'a Review,
    /// the word that is heard,
    pub(super) heard: Option<(usize, usize)>,
    /// and whether it plays on.
    pub(super) is_playing: bool,
}

impl Reading<'_> {
    fn segments(&self) -> &[Segment] {
        &self.recording.transcript.segments
    }

    /// Where the words of a row stand in its trimmed text.
    fn places(&self, row_idx: usize) -> Vec<Range<usize>> {
        places_of_words(&self.segments()[row_idx], &self.recording.transcript.language)
    }
}

/// Shows the text of a recording, or why there is none and what can be done about it.
pub(super) fn transcript_ui(ui: &mut Ui, reading: &Reading<'_>, view: &mut TranscriptView, actions: &mut Vec<Action>) {
    let Reading { recording, recording_idx, .. } = *reading;
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
        view.segments_ui(ui, reading, actions);
    }
}

/// The button for a recording that has no transcript and no job that would make one.
fn begin_ui(ui: &mut Ui, recording: &Recording, recording_idx: usize, actions: &mut Vec<Action>) {
    let is_listed = !recording.is_of_session() && recording.phase != Phase::Done;
    let (name, action) = if recording.can_retry() {
        (text("transcript-try-again"), Action::Retry(recording_idx))
    } else if is_listed {
        (text("transcript-transcribe"), Action::Library(LibraryAction::Transcribe(recording.path.clone())))
    } else {
        return;
    };
    ui.add_space(UNIT);
    let palette = theme::palette(ui);
    let button = Button::new(RichText::new(name).color(palette.on_accent)).fill(palette.accent);
    let button = button.min_size(vec2(16.0 * UNIT, 5.0 * UNIT));
    // In a line, the text is in the middle of the button.
    if ui.horizontal(|ui| ui.add(button)).inner.clicked() {
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

    /// The words that keys and menus are about, as long as they are there.
    pub(super) fn chosen(&self, transcript: &Transcript) -> Option<&Chosen> {
        self.chosen.as_ref().filter(|chosen| chosen.segment_idx < transcript.segments.len())
    }

    /// Where one is in the transcript: at the chosen word, or at the upper edge.
    pub(super) fn place(&self, transcript: &Transcript) -> (usize, usize) {
        let chosen = self.chosen(transcript).map(|chosen| (chosen.segment_idx, chosen.words.start));
        chosen.unwrap_or((self.top.map_or(0, |(row_idx, _)| row_idx), 0))
    }

    /// Chooses words and scrolls to them, unless they are in view.
    pub(super) fn choose(&mut self, chosen: Chosen) {
        let row_idx = chosen.segment_idx;
        self.chosen = Some(chosen);
        self.marked = None;
        if self.is_in_view(row_idx) {
            self.found = Some(Found { row_idx, offset: self.offset });
        } else {
            self.wanted_idx = Some(row_idx);
        }
    }

    /// Opens the field for the text of the chosen segment.
    pub(super) fn edit_chosen(&mut self, recording: &Recording) {
        let transcript = &recording.transcript;
        let Some(chosen) = self.chosen(transcript).cloned().filter(|_| recording.can_edit()) else { return };
        let segment = &transcript.segments[chosen.segment_idx];
        let places = places_of_words(segment, &transcript.language);
        let last = chosen.words.end.checked_sub(1).and_then(|idx| places.get(idx));
        let text = segment.text.trim();
        self.field = Some(RowField::new(chosen.segment_idx, text, last.map_or(text.len(), |place| place.end)));
        if !self.is_in_view(chosen.segment_idx) {
            self.wanted_idx = Some(chosen.segment_idx);
        }
    }

    /// Takes what was being typed when the transcript went away.
    pub(super) fn leave_field(&mut self, recording: &Recording, recording_idx: usize, actions: &mut Vec<Action>) {
        if let Some(field) = self.field.take() {
            let row_idx = field.row_idx;
            actions.extend(rewrite(recording, recording_idx, row_idx, field.into_text()));
        }
    }

    fn segments_ui(&mut self, ui: &mut Ui, reading: &Reading<'_>, actions: &mut Vec<Action>) {
        let Reading { recording, recording_idx, review, .. } = *reading;
        let segments = reading.segments();
        let sheet = Sheet::new(ui, recording.duration);
        let shown_offset = self.offset;
        let estimate = |row_idx: usize| {
            height_of(review, sheet, row_idx, |row_idx, sheet| estimated_height(segments, row_idx, sheet))
        };
        self.follow(recording, estimate);
        let is_wider = (sheet.text_width() - self.text_width).abs() > 0.5;
        if is_wider || (sheet.text_size() - self.text_size).abs() > 0.1 {
            (self.text_width, self.text_size) = (sheet.text_width(), sheet.text_size());
            self.offset = self.rows.remake(self.offset, estimate);
        }
        self.rows.resize(segments.len(), estimate);
        self.view_height = ui.available_height();
        self.follow_heard(reading);
        let wanted_idx = self.wanted_idx.take().filter(|&row_idx| row_idx < segments.len());
        if let Some(row_idx) = wanted_idx.or(self.follow_idx.take()) {
            self.offset = self.rows.top(shown_with(review, sheet, row_idx));
        }
        let ctx = ui.ctx().clone();
        let measure = |row_idx: usize| {
            height_of(review, sheet, row_idx, |row_idx, sheet| measured_height(&ctx, segments, row_idx, review, sheet))
        };
        let page = (self.view_height - sheet.line_height()).max(sheet.line_height());
        let settled = self.settle(paging(ui), page, self.view_height, measure);
        let mut area = ScrollArea::vertical()
            .id_salt(("transcript", recording_idx))
            .auto_shrink([false, false])
            .content_margin(Margin::ZERO);
        if (settled - shown_offset).abs() > 0.1 {
            area = area.vertical_scroll_offset(settled);
        }
        let found_idx = wanted_idx.or(self.found_idx());
        let mut painter = Painter {
            reading,
            sheet,
            found_idx,
            marked: self.marked.as_ref(),
            chosen: self.chosen.clone(),
            field: self.field.take(),
            is_field_shown: false,
            wants_field: false,
        };
        let rows = &self.rows;
        let mut corrections = Vec::new();
        let output = area.show_viewport(ui, |ui, viewport| {
            ui.set_height(rows.total());
            let origin = ui.max_rect().min;
            for row_idx in rows.between(viewport.top(), viewport.bottom()) {
                let height = painter.rows_ui(ui, origin + vec2(0.0, rows.top(row_idx)), row_idx, actions);
                if (height - rows.height(row_idx)).abs() > 0.5 {
                    corrections.push((row_idx, height));
                }
            }
        });
        let Painter { chosen, field, is_field_shown, wants_field, .. } = painter;
        (self.chosen, self.field) = (chosen, field);
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
        if !is_field_shown && wanted_idx.is_none() {
            // Nobody types any more in a row that was scrolled away.
            self.leave_field(recording, recording_idx, actions);
        }
        if wants_field {
            self.edit_chosen(recording);
            ui.ctx().request_repaint();
        }
        let top_idx = self.rows.between(self.offset, self.offset + 1.0).start;
        self.top = segments.get(top_idx).map(|segment| (top_idx, segment.span.start));
    }

    /// Scrolls on where what is heard leaves the view, unless somebody has scrolled elsewhere, or types.
    fn follow_heard(&mut self, reading: &Reading<'_>) {
        let Some((row_idx, _)) = reading.heard else { return };
        if self.heard_idx == Some(row_idx) {
            return;
        }
        let was_in_view = self.heard_idx.is_none_or(|before| self.is_in_view(before));
        if reading.is_playing && was_in_view && self.field.is_none() && !self.is_in_view(row_idx) {
            self.follow_idx = Some(row_idx);
        }
        self.heard_idx = Some(row_idx);
    }

    fn is_in_view(&self, row_idx: usize) -> bool {
        let (top, bottom) = (self.rows.top(row_idx), self.rows.top(row_idx + 1));
        let is_below_edge = self.offset - 0.5 <= top && top < self.offset + self.view_height;
        is_below_edge && (bottom <= self.offset + self.view_height + 0.5 || top <= self.offset + 0.5)
    }

    /// Where the transcript became another one, finds what was read in it: the same row, or where it has been replaced,
    /// the one that is said at the same time.
    fn follow(&mut self, recording: &Recording, estimate: impl Fn(usize) -> f32) {
        if self.revision == recording.revision {
            return;
        }
        self.revision = recording.revision;
        // What was typed into the old one is not in the new one.
        (self.found, self.field) = (None, None);
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

/// Draws rows and takes in what is done with them.
struct Painter<'a> {
    reading: &'a Reading<'a>,
    sheet: Sheet,
    found_idx: Option<usize>,
    marked: Option<&'a Marked>,
    chosen: Option<Chosen>,
    field: Option<RowField>,
    is_field_shown: bool,
    /// Whether the chosen segment is to be changed.
    wants_field: bool,
}

impl Painter<'_> {
    /// Draws a row, or all those that are shown side by side with it, and returns how high that is.
    fn rows_ui(&mut self, ui: &mut Ui, top_left: Pos2, row_idx: usize, actions: &mut Vec<Action>) -> f32 {
        let Some(group) = side_by_side(self.reading.review, self.sheet, row_idx) else {
            return self.row_ui(ui, top_left, row_idx, self.sheet, actions);
        };
        if row_idx != group.start {
            return 0.0;
        }
        let mut heights = Vec::new();
        for row_idx in group {
            let (lane_idx, n_lanes) = self.reading.review.lane(row_idx);
            heights.resize(n_lanes, 0.0);
            let Some((sheet, left)) = self.sheet.lane(lane_idx, n_lanes) else { continue };
            let top_left = top_left + vec2(left, heights[lane_idx]);
            heights[lane_idx] += self.row_ui(ui, top_left, row_idx, sheet, actions);
        }
        heights.into_iter().fold(0.0, f32::max)
    }

    fn row_ui(&mut self, ui: &mut Ui, top_left: Pos2, row_idx: usize, sheet: Sheet, actions: &mut Vec<Action>) -> f32 {
        let Reading { recording, recording_idx, review, .. } = *self.reading;
        let marks = self.marks(row_idx);
        let (is_found, gap) = (self.found_idx == Some(row_idx), review.gap_before(row_idx));
        let place = Place { top_left, recording_idx, row_idx, is_found, marks: &marks, gap };
        let field = self.field.as_mut().filter(|field| field.row_idx == row_idx);
        self.is_field_shown |= field.is_some();
        let Drawn { height, body } = row_ui(ui, place, recording, sheet, field);
        match body {
            Body::Said(said) => self.take_clicks(ui, &said, row_idx, actions),
            Body::Typed(Outcome::Open) => {}
            Body::Typed(Outcome::Left(text)) => {
                self.field = None;
                actions.extend(rewrite(recording, recording_idx, row_idx, text));
                ui.ctx().request_repaint();
            }
        }
        height
    }

    fn marks(&self, row_idx: usize) -> Marks {
        let Reading { finder, review, heard, .. } = *self.reading;
        let segments = self.reading.segments();
        let mut found = places_in(finder.hits_in(row_idx), &segments[row_idx].text);
        found.extend(self.marked.into_iter().flat_map(|marked| marked.places_in_row(segments, row_idx)).cloned());
        let mut marks = Marks { found, ..Marks::default() };
        let doubts = review.doubts_in(row_idx);
        let heard = heard.filter(|(segment_idx, _)| *segment_idx == row_idx);
        let chosen = self.chosen.as_ref().filter(|chosen| chosen.segment_idx == row_idx);
        if doubts.is_empty() && heard.is_none() && chosen.is_none() {
            return marks;
        }
        let places = self.reading.places(row_idx);
        let place = |word_idx: usize| places.get(word_idx).cloned();
        marks.doubted.extend(doubts.iter().filter_map(|doubt| place(doubt.word_idx)));
        marks.heard.extend(heard.and_then(|(_, word_idx)| place(word_idx)));
        let ends =
            chosen.and_then(|chosen| Some((place(chosen.words.start)?, place(chosen.words.end.checked_sub(1)?)?)));
        marks.chosen.extend(ends.map(|(first, last)| first.start..last.end.max(first.start)));
        marks
    }

    /// A click chooses a word and goes to where it is said; with Shift, the choice reaches to it; a double click opens
    /// the text.
    fn take_clicks(&mut self, ui: &Ui, said: &Said, row_idx: usize, actions: &mut Vec<Action>) {
        let response = &said.response;
        let is_clicked = response.clicked() && !response.double_clicked();
        if is_clicked || response.double_clicked() || response.secondary_clicked() {
            let word_idx = said.word_idx(&self.reading.places(row_idx)).unwrap_or(0);
            let is_extended = is_clicked && ui.input(|input| input.modifiers.shift);
            let before = self.chosen.take().filter(|chosen| chosen.segment_idx == row_idx);
            let is_in = |chosen: &Chosen| chosen.words.contains(&word_idx);
            let words = match before {
                Some(chosen) if is_extended => chosen.words.start.min(word_idx)..chosen.words.end.max(word_idx + 1),
                Some(chosen) if response.secondary_clicked() && is_in(&chosen) => chosen.words,
                Some(_) | None => word_idx..word_idx + 1,
            };
            self.chosen = Some(Chosen { segment_idx: row_idx, words });
            if is_clicked && !is_extended {
                let at = time_of_word(&self.reading.segments()[row_idx], word_idx);
                actions.push(Action::Play(PlayAction::Seek(at)));
            }
            self.wants_field |= response.double_clicked();
            // Its mark is seen in the next frame.
            ui.ctx().request_repaint();
        }
        let Some(chosen) = self.chosen.as_ref().filter(|chosen| chosen.segment_idx == row_idx) else { return };
        let Reading { recording, recording_idx, .. } = *self.reading;
        if row_menu_ui(response, recording, recording_idx, chosen, actions) == Some(Wish::Edit) {
            self.wants_field = true;
        }
    }
}

impl Marked {
    /// What is marked in a row, as long as it has the text in which it was found.
    fn places_in_row(&self, segments: &[Segment], row_idx: usize) -> &[Range<usize>] {
        let text = segments[row_idx].text.trim();
        let is_there = row_idx == self.row_idx && self.places.iter().all(|place| text.get(place.clone()).is_some());
        if is_there { &self.places } else { &[] }
    }
}

/// The change by which a segment gets the text that was typed.
fn rewrite(recording: &Recording, recording_idx: usize, row_idx: usize, text: Option<String>) -> Option<Action> {
    let transcript = &recording.transcript;
    let n_words = places_of_words(transcript.segments.get(row_idx)?, &transcript.language).len();
    let change = Change::ReplaceText { segment_idx: row_idx, words: 0..n_words, text: text? };
    Some(Action::Edit { recording_idx, change })
}

/// The rows that are shown side by side with this one; `None` where it is alone, or there is no room for lanes.
fn side_by_side(review: &Review, sheet: Sheet, row_idx: usize) -> Option<Range<usize>> {
    let (lane_idx, n_lanes) = review.lane(row_idx);
    sheet.lane(lane_idx, n_lanes).and_then(|_| review.side_by_side(row_idx))
}

/// The row in whose place a row is shown.
fn shown_with(review: &Review, sheet: Sheet, row_idx: usize) -> usize {
    side_by_side(review, sheet, row_idx).map_or(row_idx, |group| group.start)
}

/// The height that a row takes: those that are side by side are all in the place of the first.
fn height_of(review: &Review, sheet: Sheet, row_idx: usize, height: impl Fn(usize, Sheet) -> f32) -> f32 {
    let Some(group) = side_by_side(review, sheet, row_idx) else { return height(row_idx, sheet) };
    if row_idx != group.start {
        return 0.0;
    }
    let mut heights = Vec::new();
    for row_idx in group {
        let (lane_idx, n_lanes) = review.lane(row_idx);
        heights.resize(n_lanes, 0.0);
        if let Some((sheet, _)) = sheet.lane(lane_idx, n_lanes) {
            heights[lane_idx] += height(row_idx, sheet).ceil();
        }
    }
    heights.into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::library::Hit;
    use crate::ui::library_samples::hit;
    use crate::units::TimeSpan;

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
