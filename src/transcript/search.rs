//! Finds words in the text of a transcript, with capital letters or without regard to them. It replaces nothing; that
//! is what [`edit`](super::edit) does.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Transcript;
use super::split::word_places;
use super::writing::{Writing, is_mark, without_spare_blanks};

/// Whether small letters and capitals differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Case {
    /// They do.
    Exact,
    /// They do not.
    #[default]
    Ignored,
}

/// Whether parts of words are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WholeWords {
    /// They are not.
    Only,
    /// They are.
    #[default]
    AnyPlace,
}

/// A place at which a text was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The segment.
    pub segment_idx: usize,
    /// The words of the segment, as [`word_places`] counts them, of which some or all was found; none where it stands
    /// between two words.
    pub words: Range<usize>,
    /// Where it stands in the segment's text.
    pub bytes: Range<usize>,
}

/// All places at which a text stands, in order; none for a blank one. Blanks at its ends do not count.
pub fn find(transcript: &Transcript, text: &str, case: Case) -> Vec<Found> {
    find_words(transcript, text, case, WholeWords::AnyPlace)
}

/// The same, but where only whole words are wanted, what is part of a longer one is not found.
pub fn find_words(transcript: &Transcript, text: &str, case: Case, words: WholeWords) -> Vec<Found> {
    let writing = Writing::of(&transcript.language);
    let Some(needle) = Needle::new(text, case, words, writing) else { return Vec::new() };
    let mut all = Vec::new();
    for (segment_idx, segment) in transcript.segments.iter().enumerate() {
        let found = needle.places_in(&segment.text);
        if !found.is_empty() {
            let places = word_places(segment, writing);
            let found = found.into_iter();
            all.extend(found.map(|bytes| Found { segment_idx, words: touched(&places, &bytes), bytes }));
        }
    }
    all
}

/// Those of words with these places, in order, that have bytes in a stretch of the text; none between two words, but
/// at the index of the second.
pub(super) fn touched(places: &[Range<usize>], bytes: &Range<usize>) -> Range<usize> {
    let start = places.partition_point(|place| place.end <= bytes.start);
    let n_words = places[start..].iter().take_while(|place| place.start < bytes.end).count();
    start..start + n_words
}

/// What is looked for.
pub(super) struct Needle {
    /// Folded where the case is ignored.
    text: String,
    case: Case,
    words: WholeWords,
    writing: Writing,
}

impl Needle {
    /// `None` where there is nothing to look for.
    pub(super) fn new(text: &str, case: Case, words: WholeWords, writing: Writing) -> Option<Self> {
        let text = without_spare_blanks(text);
        let text = match case {
            Case::Exact => text,
            Case::Ignored => folded(&text),
        };
        (!text.is_empty()).then_some(Self { text, case, words, writing })
    }

    /// Where it stands in a text, in bytes: the places are in order and apart.
    pub(super) fn places_in(&self, text: &str) -> Vec<Range<usize>> {
        let searched = match self.case {
            Case::Exact => Cow::Borrowed(text),
            Case::Ignored => Cow::Owned(folded(text)),
        };
        if !searched.contains(&self.text) {
            return Vec::new();
        }
        // Most texts are as long as what is searched, character by character.
        let is_as_long = self.case == Case::Exact || text.is_ascii();
        let origins = if is_as_long { Vec::new() } else { Self::origins(text) };
        // A character that became several when it was folded is found as a whole or not at all.
        let origin = |at: usize| {
            let known = || origins.binary_search_by_key(&at, |(at, _)| *at).ok().map(|idx| origins[idx].1);
            if is_as_long { Some(at) } else { known() }
        };
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(offset) = searched[from..].find(&self.text) {
            let start = from + offset;
            let end = start + self.text.len();
            match origin(start).zip(origin(end)) {
                Some((start, end)) if self.may_stand_at(text, &(start..end)) => {
                    found.push(start..end);
                    from = start_after(&searched, from + offset, self.text.len());
                }
                Some(_) | None => from = start_after(&searched, start, 1),
            }
        }
        found
    }

    /// For each character of a text, and for its end, where it is in what is searched, without regard to the case, and
    /// where in the text.
    fn origins(text: &str) -> Vec<(usize, usize)> {
        let mut origins = Vec::with_capacity(text.len() + 1);
        let mut searched_len = 0;
        for (at, character) in text.char_indices() {
            origins.push((searched_len, at));
            searched_len += folded(character.encode_utf8(&mut [0; 4])).len();
        }
        origins.push((searched_len, text.len()));
        origins
    }

    fn may_stand_at(&self, text: &str, place: &Range<usize>) -> bool {
        let (before, found, after) = (&text[..place.start], &text[place.clone()], &text[place.end..]);
        let is_divided = |left: Option<char>, right: Option<char>| {
            left.zip(right).is_none_or(|(left, right)| !self.are_of_one_word(left, right))
        };
        match self.words {
            WholeWords::AnyPlace => true,
            WholeWords::Only => {
                is_divided(before.chars().next_back(), found.chars().next())
                    && is_divided(found.chars().next_back(), after.chars().next())
            }
        }
    }

    fn are_of_one_word(&self, left: char, right: char) -> bool {
        let is_of_word = |c: char| c.is_alphanumeric() || is_mark(c);
        match self.writing {
            Writing::Spaced => is_of_word(left) && is_of_word(right),
            // Among characters that are words of their own, only names in other letters are longer.
            Writing::Unspaced => is_mark(right) || (left.is_ascii_alphanumeric() && right.is_ascii_alphanumeric()),
        }
    }
}

/// The first place for another character that is so many bytes after this one, or more.
fn start_after(text: &str, at: usize, n_bytes: usize) -> usize {
    let mut after = at + n_bytes;
    while !text.is_char_boundary(after) {
        after += 1;
    }
    after
}

/// A text without the difference of small letters and capitals: `Straße` is `strasse`, and all three Greek sigmas are
/// one.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            folded.push(character.to_ascii_lowercase());
        } else {
            folded.extend(character.to_uppercase().flat_map(char::to_lowercase));
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Segment, Word};

    /// What is found is shown as `words bytes text`.
    #[test]
    fn words_are_found_where_they_stand() {
        use Case::{Exact, Ignored};
        use WholeWords::{AnyPlace, Only};
        for (language, text, sought, case, words, expected) in [
            ("en", " No, no. Now!", "no", Exact, AnyPlace, &["1..2 5..7 no"][..]),
            ("en", " No, no. Now!", "no", Ignored, AnyPlace, &["0..1 1..3 No", "1..2 5..7 no", "2..3 9..11 No"]),
            ("en", " No, no. Now!", "NO", Ignored, Only, &["0..1 1..3 No", "1..2 5..7 no"]),
            ("en", " No, no. Now!", " ,  NO ", Ignored, Only, &["0..2 3..7 , no"]),
            ("en", "aa a a", "a a", Exact, Only, &["1..3 3..6 a a"]),
            ("en", "aaaa", "aa", Exact, AnyPlace, &["0..1 0..2 aa", "0..1 2..4 aa"]),
            ("en", "one two", "  ", Ignored, AnyPlace, &[]),
            ("en", "", "one", Ignored, AnyPlace, &[]),
            ("en", "it's 5 o'clock", "5  O'Clock", Ignored, Only, &["1..3 5..14 5 o'clock"]),
            ("de", "die STRASSE, Straße", "straße", Ignored, Only, &["1..2 4..11 STRASSE", "2..3 13..20 Straße"]),
            ("de", "Maß", "s", Ignored, AnyPlace, &[]),
            ("el", "ΟΔΟΣ οδός", "οδος", Ignored, Only, &["0..1 0..8 ΟΔΟΣ"]),
            ("tr", "İzmir", "zmir", Ignored, AnyPlace, &["0..1 2..6 zmir"]),
            ("ja", "東京都のAPIとAP", "京", Exact, Only, &["1..2 3..6 京"]),
            ("ja", "東京都のAPIとAP", "ap", Ignored, Only, &["8..10 18..20 AP"]),
        ] {
            let segment = Segment { text: text.to_owned(), ..Segment::default() };
            let transcript =
                Transcript { language: language.to_owned(), segments: vec![segment], ..Default::default() };
            let found = find_words(&transcript, sought, case, words).into_iter();
            let shown =
                found.map(|found| format!("{:?} {:?} {}", found.words, found.bytes, &text[found.bytes.clone()]));
            assert_eq!(shown.collect::<Vec<_>>(), expected, "{sought:?} in {text:?}");
        }
    }

    #[test]
    fn words_that_were_aligned_are_counted_as_they_were() {
        let word = |text: &str| Word { text: text.to_owned(), ..Word::default() };
        let words = ["New York", "is", "big."].map(word).to_vec();
        let segment = Segment { text: " New York — is big.".to_owned(), words, ..Segment::default() };
        let transcript = Transcript { segments: vec![Segment::default(), segment], ..Transcript::default() };
        for (sought, words, bytes) in [("york", 0..1, 5..9), ("—", 1..1, 10..13), ("is BIG", 1..3, 14..20)] {
            assert_eq!(find(&transcript, sought, Case::Ignored), [Found { segment_idx: 1, words, bytes }]);
        }
    }
}
