//! A recording of the library in words, and which words of a passage were looked for. No egui in here.

use std::ops::Range;

use crate::engine::library::{Hit, RecordingEntry, Status};
use crate::units::Seconds;

use super::amounts::{date_text, size_text};
use super::related::{related_line, related_list};
use super::texts::{text, text_with};

/// More speakers than this are only counted in a line.
const MAX_NAMES: usize = 3;
/// How all of them begin that nobody gave a name.
const UNNAMED: &str = "SPEAKER_";
/// So much of a passage is shown before the first word that was found.
const MAX_BYTES_BEFORE: usize = 40;

/// A passage of a transcript to scroll to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sought {
    /// Index of its segment when it was found.
    pub(super) segment_idx: usize,
    /// When it is said.
    pub(super) at: Seconds,
    /// Its text,
    text: String,
    /// and where in it the words found lie, in bytes.
    found: Vec<(usize, usize)>,
}

impl Sought {
    /// Where a hit lies.
    pub(super) fn of(hit: &Hit) -> Self {
        Self { segment_idx: hit.segment_idx, at: hit.at, text: hit.text.clone(), found: hit.found.clone() }
    }

    /// The words found, in the text of a segment: where they were, or where they are if it is not the same any more.
    pub(super) fn places_in(&self, text: &str) -> Vec<Range<usize>> {
        let said = self.text.trim();
        if text == said {
            let blank = self.text.len() - self.text.trim_start().len();
            let found =
                self.found.iter().filter_map(|(start, end)| Some(start.checked_sub(blank)?..end.checked_sub(blank)?));
            return in_order(found, text);
        }
        let mut searched = 0;
        let words = self.found.iter().filter_map(|(start, end)| self.text.get(*start..*end));
        let places = words.filter(|word| !word.is_empty()).filter_map(|word| {
            let start = searched + text[searched..].find(word)?;
            searched = start + word.len();
            Some(start..searched)
        });
        in_order(places, text)
    }
}

/// The part of a hit's passage to show in a few lines, and the words found in it.
pub(super) fn excerpt(hit: &Hit) -> (String, Vec<Range<usize>>) {
    let found = in_order(hit.found.iter().map(|(start, end)| *start..*end), &hit.text);
    let earliest = found.first().map_or(0, |first| first.start).saturating_sub(MAX_BYTES_BEFORE);
    if earliest == 0 {
        return (hit.text.clone(), found);
    }
    // From the beginning of a word.
    let beginnings = hit.text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    let first_found = found.first().map_or(0, |first| first.start);
    let cut = beginnings.take_while(|at| *at <= first_found).find(|at| *at >= earliest).unwrap_or(first_found);
    let text = format!("… {}", &hit.text[cut..]);
    let moved = text.len() - (hit.text.len() - cut);
    (text, found.into_iter().map(|place| place.start + moved - cut..place.end + moved - cut).collect())
}

/// What a recording's second line says: `2025-03-12 · 30:00 · Nora, Brian`.
pub(super) fn facts_line(entry: &RecordingEntry) -> String {
    let mut facts = Vec::new();
    facts.extend(status_text(&entry.status));
    facts.push(date_text(entry.modified_secs));
    facts.extend(entry.duration.map(|duration| duration.to_string()));
    facts.extend(speakers_text(&entry.speakers));
    facts.extend(entry.tags.iter().map(|tag| format!("#{tag}")));
    facts.extend(related_line(entry));
    facts.join(" · ")
}

/// All that is known of a recording, line by line.
pub(super) fn details(entry: &RecordingEntry) -> String {
    let mut lines = vec![entry.path.display().to_string(), size_text(entry.n_bytes)];
    match &entry.status {
        Status::New => {}
        Status::PartlyDone => lines.push(text("library-details-partly-done")),
        Status::Done(model) => lines.extend(detail("library-details-model", model)),
        Status::Failed(line) => lines.extend(detail("library-details-failed", line)),
        Status::Missing => lines.push(text("library-details-missing")),
    }
    if entry.is_edited {
        lines.push(text("library-details-edited"));
    }
    lines.extend(detail("library-details-speakers", &entry.speakers.join(", ")));
    lines.extend(detail("library-details-tags", &entry.tags.join(", ")));
    lines.extend(detail("library-details-note", &entry.note));
    // Their names are those of the file.
    let metadata = entry.metadata.iter().filter(|(_, value)| !value.is_empty());
    lines.extend(metadata.map(|(name, value)| format!("{name}: {value}")));
    lines.extend(related_list(entry));
    lines.join("\n")
}

/// A line with a value in it, if there is one.
fn detail(id: &str, value: &str) -> Option<String> {
    (!value.is_empty()).then(|| text_with(id, &[("value", value.into())]))
}

/// What is to be read of what became of a recording, unless all is well.
fn status_text(status: &Status) -> Option<String> {
    match status {
        Status::New => Some(text("library-status-new")),
        Status::PartlyDone => Some(text("library-status-partly-done")),
        Status::Done(_) => None,
        Status::Failed(_) => Some(text("library-status-failed")),
        Status::Missing => Some(text("library-status-missing")),
    }
}

fn speakers_text(names: &[String]) -> Option<String> {
    match names.len() {
        0 => None,
        n if n <= MAX_NAMES && names.iter().any(|name| !name.starts_with(UNNAMED)) => Some(names.join(", ")),
        n => Some(text_with("library-speakers", &[("n", n.into())])),
    }
}

/// Those of the places that are places in the text, in order and apart.
fn in_order(places: impl Iterator<Item = Range<usize>>, text: &str) -> Vec<Range<usize>> {
    let mut kept: Vec<Range<usize>> = Vec::new();
    for place in places {
        let is_apart = kept.last().is_none_or(|last| last.end <= place.start);
        if is_apart && text.get(place.clone()).is_some_and(|word| !word.is_empty()) {
            kept.push(place);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::library_samples::{entry, hit};

    #[test]
    fn a_recording_is_put_into_one_line() {
        let names = |n: usize| (1..=n).map(|n| format!("S{n}")).collect::<Vec<_>>();
        for (status, duration, speakers, tags, expected) in [
            (Status::Done("small".to_owned()), Some(1800.0), names(2), vec![], "2025-03-12 · 30:00 · S1, S2"),
            (Status::New, None, vec![], vec!["board".to_owned()], "New · 2025-03-12 · #board"),
            (Status::Failed("is empty".to_owned()), Some(3.0), vec![], vec![], "Not transcribed · 2025-03-12 · 0:03"),
            (
                Status::Done("small".to_owned()),
                Some(60.0),
                vec!["SPEAKER_00".to_owned(), "SPEAKER_01".to_owned()],
                vec![],
                "2025-03-12 · 1:00 · 2 speakers",
            ),
            (Status::Missing, Some(7200.0), names(4), vec![], "File missing · 2025-03-12 · 2:00:00 · 4 speakers"),
        ] {
            let entry = RecordingEntry { status, duration: duration.map(Seconds), speakers, tags, ..entry(1) };
            assert_eq!(facts_line(&entry), expected);
        }
        let failed =
            RecordingEntry { status: Status::Failed("is empty".to_owned()), note: "ask Nora".to_owned(), ..entry(1) };
        for line in ["/meetings/meeting 1.wav", "The last job failed: is empty", "Note: ask Nora"] {
            assert!(details(&failed).lines().any(|other| other == line), "{line}");
        }
    }

    #[test]
    fn the_words_found_are_found_again() {
        // (the passage and the places told, the text of the segment now, the words marked in it)
        for (passage, found, now, expected) in [
            ("About the budget.", vec![(10, 16)], "About the budget.", vec!["budget"]),
            (" About the budget.", vec![(1, 6), (11, 17)], "About the budget.", vec!["About", "budget"]),
            ("About the budget.", vec![(10, 16)], "And about the budget, too.", vec!["budget"]),
            ("About the budget.", vec![(10, 16)], "Something else.", vec![]),
            // What no text can be found at.
            ("Übermut", vec![(1, 3), (9, 40), (3, 2)], "Übermut", vec![]),
            ("one two", vec![(0, 3), (1, 2), (4, 7)], "one two", vec!["one", "two"]),
        ] {
            let sought = Sought { segment_idx: 0, at: Seconds(0.0), text: passage.to_owned(), found };
            let places = sought.places_in(now);
            assert_eq!(places.into_iter().map(|place| &now[place]).collect::<Vec<_>>(), expected, "{now}");
        }
    }

    #[test]
    fn an_excerpt_shows_the_first_word_found() {
        let start = "Well, that is what we said the last time, and the time before: ";
        for (text, expected) in [
            ("About the budget.".to_owned(), "About the budget."),
            (
                format!("{start}the budget is too small."),
                "… the last time, and the time before: the budget is too small.",
            ),
            (format!("{}budget", "x".repeat(90)), "… budget"),
        ] {
            let at = text.find("budget").expect("it is in every one");
            let hit = Hit { text, found: vec![(at, at + 6)], ..hit(1) };
            let (shown, found) = excerpt(&hit);
            assert_eq!(shown, expected);
            assert_eq!(found.into_iter().map(|place| &shown[place]).collect::<Vec<_>>(), ["budget"]);
        }
    }
}
