//! What can be done with the chosen words of a transcript: by the menu of a row, and by keys. Both say the same.

use std::ops::Range;

use eframe::egui::{Button, Key, KeyboardShortcut, Modifiers, Popup, Response, Ui};

use crate::transcript::edit::Change;
use crate::transcript::{Segment, Transcript};
use crate::units::TimeSpan;

use super::action::{Action, PlayAction};
use super::recording::Recording;
use super::review_state::{Direction, time_of_word};
use super::texts::{text, text_with};
use super::theme;
use super::transcript_row::places_of_words;

/// Opens the text of the chosen segment.
pub(super) const EDIT_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::F2);
/// Begins a new segment with the chosen word.
pub(super) const SPLIT_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter);
/// Makes one segment of the chosen one and the next.
pub(super) const MERGE_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::M);
/// Plays from the chosen word on.
pub(super) const PLAY_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::ALT, Key::Enter);
/// With one of these and Alt, a segment is given to a speaker; or the words, where several are chosen.
pub(super) const DIGITS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
/// More of the chosen words are not shown in the menu.
const MAX_CHARS: usize = 24;

/// Words of one segment, counted as changes of a transcript count them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The segment.
    pub(super) segment_idx: usize,
    /// The words; at least one, but where the segment has none.
    pub(super) words: Range<usize>,
}

/// What the transcript itself is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Open the text of the chosen segment.
    Edit,
}

/// Shows the menu of a row when it is asked for.
pub(super) fn row_menu_ui(
    response: &Response,
    recording: &Recording,
    recording_idx: usize,
    chosen: &Chosen,
    actions: &mut Vec<Action>,
) -> Option<Wish> {
    let segment = recording.transcript.segments.get(chosen.segment_idx)?;
    let menu = Popup::context_menu(response).style(theme::menu_style);
    let shown = menu.show(|ui| {
        let at = time_of_word(segment, chosen.words.start);
        if entry_ui(ui, &text("row-play"), None, true) {
            actions.push(Action::Play(PlayAction::PlayFrom(at)));
        }
        if entry_ui(ui, &text("row-repeat"), None, true) {
            let span = TimeSpan { start: segment.span.start, end: segment.span.end };
            actions.push(Action::Play(PlayAction::Loop(Some(span))));
            actions.push(Action::Play(PlayAction::PlayFrom(segment.span.start)));
        }
        let can_edit = recording.can_edit();
        ui.separator();
        let wish = entry_ui(ui, &text("row-edit"), Some(&EDIT_KEYS), can_edit).then_some(Wish::Edit);
        let mut change = |change: Change| actions.push(Action::Edit { recording_idx, change });
        let words = words_text(segment, chosen, &recording.transcript.language);
        let split_before = text_with("row-split", &[("words", words.as_str().into())]);
        if entry_ui(ui, &split_before, Some(&SPLIT_KEYS), can_edit && chosen.words.start > 0) {
            change(split(chosen));
        }
        let has_next = chosen.segment_idx + 1 < recording.transcript.segments.len();
        if entry_ui(ui, &text("row-merge"), Some(&MERGE_KEYS), can_edit && has_next) {
            change(merge(chosen));
        }
        ui.separator();
        let speakers = recording.speakers.entries();
        ui.add_enabled_ui(can_edit && !speakers.is_empty(), |ui| {
            ui.menu_button(text("row-give-segment"), |ui| {
                for speaker in speakers {
                    if entry_ui(ui, speaker.shown_name(), None, segment.speaker.as_ref() != Some(&speaker.label)) {
                        change(Change::GiveSegment { segment_idx: chosen.segment_idx, to: speaker.label.clone() });
                    }
                }
            });
        });
        // Words without times of their own have no speakers of their own either.
        ui.add_enabled_ui(can_edit && !speakers.is_empty() && !segment.words.is_empty(), |ui| {
            ui.menu_button(text_with("row-give-words", &[("words", words.as_str().into())]), |ui| {
                for speaker in speakers {
                    if entry_ui(ui, speaker.shown_name(), None, true) {
                        change(give_words(chosen, &speaker.label));
                    }
                }
            });
        });
        ui.separator();
        if entry_ui(ui, &text("row-delete"), None, can_edit) {
            change(Change::DeleteSegment { segment_idx: chosen.segment_idx });
        }
        wish
    });
    shown.and_then(|shown| shown.inner)
}

/// Takes the keys that are about the chosen words.
pub(super) fn take_row_keys(
    ui: &Ui,
    recording: &Recording,
    recording_idx: usize,
    chosen: &Chosen,
    actions: &mut Vec<Action>,
) -> Option<Wish> {
    if !recording.can_edit() {
        return None;
    }
    let is_pressed = |keys: &KeyboardShortcut| ui.input_mut(|input| input.consume_shortcut(keys));
    let mut change = |change: Change| actions.push(Action::Edit { recording_idx, change });
    if is_pressed(&SPLIT_KEYS) && chosen.words.start > 0 {
        change(split(chosen));
    }
    if is_pressed(&MERGE_KEYS) && chosen.segment_idx + 1 < recording.transcript.segments.len() {
        change(merge(chosen));
    }
    for (speaker, key) in recording.speakers.entries().iter().zip(DIGITS) {
        if is_pressed(&KeyboardShortcut::new(Modifiers::ALT, key)) {
            let give_segment = Change::GiveSegment { segment_idx: chosen.segment_idx, to: speaker.label.clone() };
            change(if chosen.words.len() > 1 { give_words(chosen, &speaker.label) } else { give_segment });
        }
    }
    is_pressed(&EDIT_KEYS).then_some(Wish::Edit)
}

/// Takes the keys that choose other words, and those that play from there; returns what is chosen then.
pub(super) fn take_choice_keys(
    ui: &Ui,
    transcript: &Transcript,
    from: &Chosen,
    actions: &mut Vec<Action>,
) -> Option<Chosen> {
    let is_pressed = |modifiers: Modifiers, key: Key| ui.input_mut(|input| input.consume_key(modifiers, key));
    if ui.input_mut(|input| input.consume_shortcut(&PLAY_KEYS))
        && let Some(segment) = transcript.segments.get(from.segment_idx)
    {
        actions.push(Action::Play(PlayAction::PlayFrom(time_of_word(segment, from.words.start))));
    }
    for (key, direction) in [(Key::ArrowLeft, Direction::Back), (Key::ArrowRight, Direction::Forward)] {
        // The keys for more words are those for another one and one more, so they are looked for first.
        if is_pressed(Modifiers::ALT | Modifiers::SHIFT, key) {
            return Some(stretched(from, transcript, direction));
        }
        if is_pressed(Modifiers::ALT, key) {
            return moved(from, transcript, direction);
        }
    }
    None
}

/// The chosen words as they are written, in quotation marks.
pub(super) fn words_text(segment: &Segment, chosen: &Chosen, language: &str) -> String {
    let places = places_of_words(segment, language);
    let ends = places.get(chosen.words.start).zip(chosen.words.end.checked_sub(1).and_then(|idx| places.get(idx)));
    let text = ends.and_then(|(first, last)| segment.text.trim().get(first.start..last.end)).unwrap_or_default();
    let mut shown: String = text.chars().take(MAX_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    text_with("row-words", &[("words", shown.into())])
}

/// What is chosen after a change, so that one can go on from there: words that are still there.
pub(super) fn still_there(chosen: &Chosen, transcript: &Transcript) -> Option<Chosen> {
    let segment = transcript.segments.get(chosen.segment_idx)?;
    let n_words = places_of_words(segment, &transcript.language).len();
    let start = chosen.words.start.min(n_words.saturating_sub(1));
    Some(Chosen { segment_idx: chosen.segment_idx, words: start..chosen.words.end.clamp(start, n_words.max(start)) })
}

/// One entry of the menu; returns whether it was chosen, and closes the menu then.
fn entry_ui(ui: &mut Ui, text: &str, keys: Option<&KeyboardShortcut>, is_possible: bool) -> bool {
    let mut button = Button::new(text).frame_when_inactive(false);
    if let Some(keys) = keys {
        button = button.shortcut_text(ui.ctx().format_shortcut(keys));
    }
    // The keys are not a part of the name.
    let is_chosen = ui.add_enabled(is_possible, button).accessible_name(text).clicked();
    if is_chosen {
        ui.close();
    }
    is_chosen
}

/// The word after the chosen ones, or before them; beyond the ends of a segment, in the next one or the one before.
fn moved(chosen: &Chosen, transcript: &Transcript, direction: Direction) -> Option<Chosen> {
    let n_words = |segment_idx: usize| {
        transcript.segments.get(segment_idx).map(|segment| places_of_words(segment, &transcript.language).len())
    };
    let segment_idx = chosen.segment_idx;
    let (segment_idx, word_idx) = match direction {
        Direction::Forward if chosen.words.end < n_words(segment_idx)? => (segment_idx, chosen.words.end),
        Direction::Forward => (segment_idx + 1, n_words(segment_idx + 1).map(|_| 0)?),
        Direction::Back if chosen.words.start > 0 => (segment_idx, chosen.words.start - 1),
        Direction::Back => {
            let before = segment_idx.checked_sub(1)?;
            (before, n_words(before)?.saturating_sub(1))
        }
    };
    Some(Chosen { segment_idx, words: word_idx..word_idx + 1 })
}

/// One word more, as long as the segment has one, or one less, as long as one is left.
fn stretched(chosen: &Chosen, transcript: &Transcript, direction: Direction) -> Chosen {
    let words = chosen.words.clone();
    let end = match direction {
        Direction::Forward => words.end + 1,
        Direction::Back => words.end.saturating_sub(1).max(words.start + 1),
    };
    let longer = Chosen { segment_idx: chosen.segment_idx, words: words.start..end };
    still_there(&longer, transcript).unwrap_or(longer)
}

fn split(chosen: &Chosen) -> Change {
    Change::SplitSegment { segment_idx: chosen.segment_idx, at_word: chosen.words.start }
}

fn merge(chosen: &Chosen) -> Change {
    Change::MergeSegments { segment_idx: chosen.segment_idx }
}

fn give_words(chosen: &Chosen, label: &str) -> Change {
    Change::GiveWords { segment_idx: chosen.segment_idx, words: chosen.words.clone(), to: label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_words_are_told_and_stay_where_there_are_any() {
        let segment = |text: &str| Segment { text: text.to_owned(), ..Segment::default() };
        for (text, words, told, kept) in [
            (" Shall we?", 0..1, "“Shall”", Some(0..1)),
            (" Shall we?", 0..2, "“Shall we?”", Some(0..2)),
            (" Shall we?", 1..5, "“”", Some(1..2)),
            ("Es war einmal eine Königin.", 0..5, "“Es war einmal eine König…”", Some(0..5)),
            ("", 0..1, "“”", Some(0..0)),
        ] {
            let transcript = Transcript { segments: vec![segment(text)], ..Transcript::default() };
            let chosen = Chosen { segment_idx: 0, words };
            assert_eq!(words_text(&transcript.segments[0], &chosen, "en"), told);
            assert_eq!(still_there(&chosen, &transcript).map(|chosen| chosen.words), kept, "{text}");
        }
        assert_eq!(still_there(&Chosen { segment_idx: 1, words: 0..1 }, &Transcript::default()), None);
    }

    #[test]
    fn the_choice_goes_from_word_to_word_and_over_the_ends_of_segments() {
        use Direction::{Back, Forward};
        let segments = ["One two.", "Three."].map(|text| Segment { text: text.to_owned(), ..Segment::default() });
        let transcript = Transcript { segments: segments.to_vec(), ..Transcript::default() };
        let chosen = |segment_idx: usize, start: usize, end: usize| Chosen { segment_idx, words: start..end };
        for (from, direction, expected) in [
            (chosen(0, 0, 1), Forward, Some(chosen(0, 1, 2))),
            (chosen(0, 0, 2), Forward, Some(chosen(1, 0, 1))),
            (chosen(1, 0, 1), Forward, None),
            (chosen(1, 0, 1), Back, Some(chosen(0, 1, 2))),
            (chosen(0, 0, 1), Back, None),
        ] {
            assert_eq!(moved(&from, &transcript, direction), expected, "{from:?}");
        }
        for (direction, n_words) in [(Forward, 2), (Forward, 2), (Back, 1), (Back, 1)] {
            let from = if direction == Forward { chosen(0, 0, 1) } else { chosen(0, 0, 2) };
            assert_eq!(stretched(&from, &transcript, direction).words.len(), n_words);
        }
    }
}
