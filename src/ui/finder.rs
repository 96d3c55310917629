//! Looking for words in the transcript that is shown: what was typed, where it was found, and at which of these places
//! one is. No egui in here.

use std::ops::Range;

use crate::transcript::Transcript;
use crate::transcript::edit::Change;
use crate::transcript::search::{Case, Found, WholeWords, find_words};
use crate::units::Seconds;

use super::review_state::{Direction, Version, time_of_word};
use super::texts::{text, text_with};

/// What of the bar is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FindBar {
    /// Nothing; nothing is looked for.
    #[default]
    Hidden,
    /// The field for what is looked for,
    Find,
    /// and the one for what takes its place.
    Replace,
}

/// Whether the field for what is looked for has the keyboard focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    /// It goes where the user moves it.
    #[default]
    Left,
    /// The field is to be given it.
    Wanted,
}

/// What is looked for, and where it was found.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// What of the bar is shown.
    pub(super) bar: FindBar,
    /// Whether one is to type in it.
    pub(super) focus: Focus,
    /// What was typed to be found,
    pub(super) typed: String,
    /// and to take its place.
    pub(super) replacement: String,
    /// Whether small letters and capitals differ.
    pub(super) case: Case,
    /// Whether parts of words are found.
    pub(super) words: WholeWords,
    asked: Option<Asked>,
    hits: Vec<Found>,
    times: Vec<Seconds>,
    /// From where on the next one is, as a segment and a byte of its text.
    at: (usize, usize),
    current_idx: Option<usize>,
    /// Rises whenever other places were found.
    n_searches: u64,
}

/// What was looked for last.
#[derive(Debug, PartialEq)]
struct Asked {
    version: Version,
    typed: String,
    case: Case,
    words: WholeWords,
}

impl Finder {
    /// Looks for what was typed, unless it has done so in this version of the transcript.
    pub(super) fn refresh(&mut self, version: Version, transcript: &Transcript) {
        let is_asked = self.asked.as_ref().is_some_and(|asked| {
            asked.version == version
                && asked.typed == self.sought()
                && (asked.case, asked.words) == (self.case, self.words)
        });
        if is_asked {
            return;
        }
        self.hits = find_words(transcript, self.sought(), self.case, self.words);
        let time_of = |found: &Found| time_of_word(&transcript.segments[found.segment_idx], found.words.start);
        self.times = self.hits.iter().map(time_of).collect();
        let after = self.hits.partition_point(|found| place_of(found) < self.at);
        self.current_idx = if after < self.hits.len() { Some(after) } else { (!self.hits.is_empty()).then_some(0) };
        self.n_searches += 1;
        let typed = self.sought().to_owned();
        self.asked = Some(Asked { version, typed, case: self.case, words: self.words });
    }

    /// When what was found is said, in the order of the transcript.
    pub(super) fn times(&self) -> &[Seconds] {
        &self.times
    }

    /// A number that is another one whenever other places were found.
    pub(super) fn n_searches(&self) -> u64 {
        self.n_searches
    }

    /// The places in a segment at which something was found.
    pub(super) fn hits_in(&self, segment_idx: usize) -> &[Found] {
        let start = self.hits.partition_point(|found| found.segment_idx < segment_idx);
        let end = self.hits.partition_point(|found| found.segment_idx <= segment_idx);
        &self.hits[start..end]
    }

    /// The place at which one is.
    pub(super) fn current(&self) -> Option<&Found> {
        self.current_idx.and_then(|idx| self.hits.get(idx))
    }

    /// Goes to the next place or the one before, and returns it.
    pub(super) fn step(&mut self, direction: Direction) -> Option<&Found> {
        let n_hits = self.hits.len();
        let current_idx = self.current_idx.filter(|_| n_hits > 0)?;
        let idx = match direction {
            Direction::Forward => (current_idx + 1) % n_hits,
            Direction::Back => (current_idx + n_hits - 1) % n_hits,
        };
        self.current_idx = Some(idx);
        self.at = place_of(&self.hits[idx]);
        self.hits.get(idx)
    }

    /// From now on, the first place is the one that follows this segment's beginning.
    pub(super) fn begin_at(&mut self, segment_idx: usize) {
        self.at = (segment_idx, 0);
        self.asked = None;
    }

    /// How much was found, and at which of these places one is.
    pub(super) fn summary(&self) -> String {
        match self.current_idx {
            _ if self.sought().is_empty() => String::new(),
            Some(idx) => text_with("find-place", &[("n", (idx + 1).into()), ("total", self.hits.len().into())]),
            None => text("find-nothing"),
        }
    }

    /// The same in whole words, for what is read out.
    pub(super) fn summary_in_words(&self) -> String {
        match self.current_idx {
            _ if self.sought().is_empty() => String::new(),
            Some(idx) => text_with("find-place-spoken", &[("n", (idx + 1).into()), ("total", self.hits.len().into())]),
            None => text("find-nothing"),
        }
    }

    /// To have the replacement at the place at which one is; the next one is current afterwards.
    pub(super) fn replace_one(&mut self, transcript: &Transcript) -> Option<Change> {
        let found = self.current()?;
        let change = Change::replacing(transcript, found, &self.replacement)?;
        // What was put there is not looked through again.
        self.at = (found.segment_idx, found.bytes.start + self.replacement.len());
        Some(change)
    }

    /// To have the replacement wherever something was found.
    pub(super) fn replace_all(&self) -> Option<Change> {
        (!self.hits.is_empty()).then(|| Change::ReplaceAll {
            find: self.sought().to_owned(),
            replace: self.replacement.clone(),
            case: self.case,
            words: self.words,
        })
    }

    /// What is looked for while the bar is shown.
    fn sought(&self) -> &str {
        match self.bar {
            FindBar::Hidden => "",
            FindBar::Find | FindBar::Replace => self.typed.trim(),
        }
    }
}

/// Where places stand in the text of a segment without the blanks around it.
pub(super) fn places_in(found: &[Found], text: &str) -> Vec<Range<usize>> {
    let blank = text.len() - text.trim_start().len();
    let len = text.trim().len();
    let place =
        |bytes: &Range<usize>| bytes.start.saturating_sub(blank).min(len)..bytes.end.saturating_sub(blank).min(len);
    found.iter().map(|found| place(&found.bytes)).filter(|place| !place.is_empty()).collect()
}

fn place_of(found: &Found) -> (usize, usize) {
    (found.segment_idx, found.bytes.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Segment;
    use crate::transcript::edit::History;
    use crate::ui::recording::Recording;

    fn transcript(texts: &[&str]) -> Transcript {
        let segment = |text: &&str| Segment { text: format!(" {text}"), ..Segment::default() };
        Transcript { segments: texts.iter().map(segment).collect(), ..Transcript::default() }
    }

    fn version(transcript: &Transcript) -> Version {
        let recording = Recording::transcribed("a.wav".into(), std::sync::Arc::new(transcript.clone()));
        Version::of(transcript.segments.iter().map(|segment| segment.text.len()).sum(), &recording)
    }

    #[test]
    fn places_are_gone_through_in_both_directions() {
        let transcript = transcript(&["One, two.", "Two of one.", "Three."]);
        let mut finder = Finder { bar: FindBar::Find, typed: " two ".to_owned(), ..Finder::default() };
        finder.refresh(version(&transcript), &transcript);
        assert_eq!((finder.summary().as_str(), finder.times().len()), ("1 of 2", 2));
        for (direction, expected) in
            [(Direction::Forward, "2 of 2"), (Direction::Forward, "1 of 2"), (Direction::Back, "2 of 2")]
        {
            finder.step(direction);
            assert_eq!(finder.summary(), expected);
        }
        let places = places_in(finder.hits_in(1), &transcript.segments[1].text);
        assert_eq!((places.len(), &places[0]), (1, &(0..3)));
        for (typed, expected) in [("four", "Nothing found"), ("", "")] {
            typed.clone_into(&mut finder.typed);
            finder.refresh(version(&transcript), &transcript);
            assert_eq!((finder.summary().as_str(), finder.step(Direction::Forward)), (expected, None));
        }
    }

    #[test]
    fn one_place_is_replaced_after_the_other_and_none_twice() {
        let mut text = transcript(&["a b a", "a c"]);
        let mut history = History::default();
        let mut finder = Finder { bar: FindBar::Replace, typed: "a".to_owned(), ..Finder::default() };
        finder.replacement = "aa".to_owned();
        finder.refresh(version(&text), &text);
        for expected in ["aa b a", "aa b aa", "aa c"] {
            let change = finder.replace_one(&text).expect("there is a place");
            history.apply(&mut text, change).expect("the place is there");
            finder.refresh(version(&text), &text);
            assert!(text.segments.iter().any(|segment| segment.text.trim() == expected), "{expected}: {text:?}");
        }
    }
}
