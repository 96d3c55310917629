//! Characters with times become sentences of words with times, as whisperX 3.8.6 (`alignment.py`) puts them together;
//! and segments whose words have times already are divided into sentences in the same way.

use std::ops::Range;

use crate::transcript::writing::Writing;
use crate::transcript::{Segment, Word};
use crate::units::{Seconds, TimeSpan};

use super::sentences::Punkt;
use super::text::word_indices;

/// How words without a time of their own get one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// That of the nearest word that has one; of two that are equally near, the one before.
    #[default]
    Nearest,
    /// In even steps between the words before and after; at the ends of a sentence that of the nearest.
    Linear,
}

/// A character of a text and when it was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Character {
    /// The character as written.
    pub character: char,
    /// When it was said; `None` for blanks that are not aligned.
    pub timed: Option<Timed>,
}

/// When something was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// When, rounded to milliseconds.
    pub span: TimeSpan,
    /// Mean probability, 0 to 1, rounded to thousandths.
    pub score: f64,
}

/// A sentence of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// When it was said.
    pub span: TimeSpan,
    /// Its text; that of the first sentence keeps the blanks before it.
    pub text: String,
    /// Its words.
    pub words: Vec<Word>,
    /// Its characters, and the blank after them.
    pub characters: Vec<Character>,
}

impl Sentence {
    /// The sentence as a segment of its own, a part of `whole`.
    pub fn into_segment(self, whole: &Segment) -> Segment {
        let Self { span, text, words, .. } = self;
        Segment { span, text, avg_logprob: whole.avg_logprob, speaker: whole.speaker.clone(), words }
    }
}

/// The sentences of a text, whose places are `spans` in its characters, in order of time. Sentences that were said at
/// the same time are one: those without a time have that of their neighbours.
pub fn sentences(
    characters: &[Character],
    spans: &[Range<usize>],
    writing: Writing,
    interpolation: Interpolation,
) -> Vec<Sentence> {
    let written: Vec<char> = characters.iter().map(|character| character.character).collect();
    let word_of = word_indices(writing, &written);
    let mut parts: Vec<Vec<Character>> = Vec::with_capacity(spans.len());
    let (mut starts, mut ends, mut words_of_parts) = (Vec::new(), Vec::new(), Vec::new());
    for span in spans {
        // The blank after a sentence is counted to it. whisperX does so with any character, which the next sentence
        // then has as well where no blank is between them.
        let n_blanks = usize::from(written.get(span.end).is_some_and(|next| next.is_whitespace()));
        let with_blank = span.start..span.end + n_blanks;
        let part = &characters[with_blank.clone()];
        let timed = part.iter().filter_map(|character| Some(character.timed?.span.start.0));
        starts.push(timed.min_by(f64::total_cmp));
        let timed = said(part).filter_map(|character| Some(character.timed?.span.end.0));
        ends.push(timed.max_by(f64::total_cmp));
        words_of_parts.push(words_in(part, &word_of[with_blank], interpolation));
        parts.push(part.to_vec());
    }
    fill_missing(&mut starts, interpolation);
    fill_missing(&mut ends, interpolation);

    let times = starts.into_iter().zip(ends);
    let mut sentences: Vec<Sentence> = times
        .zip(spans)
        .zip(words_of_parts.into_iter().zip(parts))
        .filter_map(|(((start, end), span), (words, characters))| {
            let text = written[span.clone()].iter().collect();
            Some(Sentence { span: TimeSpan::from_secs(start?, end?), text, words, characters })
        })
        .collect();
    let times_of = |sentence: &Sentence| (sentence.span.start.0, sentence.span.end.0);
    sentences.sort_by(|a, b| {
        let ((a_start, a_end), (b_start, b_end)) = (times_of(a), times_of(b));
        a_start.total_cmp(&b_start).then(a_end.total_cmp(&b_end))
    });
    let mut merged: Vec<Sentence> = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        match merged.last_mut() {
            Some(last) if last.span == sentence.span => {
                last.text.push_str(writing.joint());
                last.text.push_str(&sentence.text);
                last.words.extend(sentence.words);
                last.characters.extend(sentence.characters);
            }
            _ => merged.push(sentence),
        }
    }
    merged
}

/// Divides segments whose words have times into sentences; a segment without words stays as it is. A sentence begins
/// with its first word and ends with its last.
pub fn from_word_times(segments: Vec<Segment>, language: &str) -> Vec<Segment> {
    let punkt = Punkt::of_language(language);
    let writing = Writing::of(language);
    segments.into_iter().flat_map(|segment| split_at_words(segment, &punkt, writing)).collect()
}

/// Rounded to thousandths as Python does it: the decimal fraction nearest to the exact value.
pub fn rounded(value: f64) -> f64 {
    format!("{value:.3}").parse().unwrap_or(value)
}

/// The words of a part of a text, in which `word_of` says which characters belong together.
fn words_in(part: &[Character], word_of: &[usize], interpolation: Interpolation) -> Vec<Word> {
    let mut words = Vec::new();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let mut n_before = 0;
    for same_word in word_of.chunk_by(|a, b| a == b) {
        let characters = &part[n_before..n_before + same_word.len()];
        n_before += same_word.len();
        let text: String = characters.iter().map(|character| character.character).collect();
        if text.trim().is_empty() {
            continue;
        }
        let said: Vec<Timed> = said(characters).filter_map(|character| character.timed).collect();
        let mean = said.iter().map(|timed| timed.score).sum::<f64>() / said.len() as f64;
        let score = (!said.is_empty()).then(|| rounded(mean));
        starts.push(said.iter().map(|timed| timed.span.start.0).min_by(f64::total_cmp));
        ends.push(said.iter().map(|timed| timed.span.end.0).max_by(f64::total_cmp));
        words.push(Word { text: text.trim().to_owned(), score, ..Word::default() });
    }
    fill_missing(&mut starts, interpolation);
    fill_missing(&mut ends, interpolation);
    for (word, (start, end)) in words.iter_mut().zip(starts.into_iter().zip(ends)) {
        word.span = start.zip(end).map(|(start, end)| TimeSpan::from_secs(start, end));
    }
    words
}

/// Those that are no blanks.
fn said(characters: &[Character]) -> impl Iterator<Item = &Character> {
    characters.iter().filter(|character| character.character != ' ')
}

/// Gives a value to those that have none, if there is any; those before the first and after the last get theirs.
fn fill_missing(values: &mut [Option<f64>], interpolation: Interpolation) {
    let known: Vec<(usize, f64)> = values.iter().enumerate().filter_map(|(n, value)| Some((n, (*value)?))).collect();
    for (n, value) in values.iter_mut().enumerate().filter(|(_, value)| value.is_none()) {
        let n_before = known.partition_point(|(at, _)| *at < n);
        let before = n_before.checked_sub(1).map(|last| known[last]);
        *value = match (before, known.get(n_before).copied()) {
            (Some((first_at, first)), Some((last_at, last))) => Some(match interpolation {
                Interpolation::Nearest if n - first_at <= last_at - n => first,
                Interpolation::Nearest => last,
                Interpolation::Linear => (last - first) / (last_at - first_at) as f64 * (n - first_at) as f64 + first,
            }),
            (before, after) => before.or(after).map(|(_, value)| value),
        };
    }
}

/// The sentences of a segment with those words that begin in them. Words are found by counting the characters that are
/// no blanks, for whoever timed the words may have put other blanks between them.
fn split_at_words(segment: Segment, punkt: &Punkt, writing: Writing) -> Vec<Segment> {
    let written: Vec<char> = segment.text.chars().collect();
    let spans = punkt.spans(&written);
    if segment.words.is_empty() || spans.len() < 2 {
        return vec![segment];
    }
    let n_said = |characters: &[char]| characters.iter().filter(|character| !character.is_whitespace()).count();
    let Segment { span: whole, words, avg_logprob, speaker, .. } = segment;
    let mut words = words.into_iter();
    let mut n_before = 0;
    let mut sentences: Vec<Segment> = Vec::with_capacity(spans.len());
    for (n, span) in spans.iter().enumerate() {
        let n_until_end = if n + 1 == spans.len() { usize::MAX } else { n_said(&written[..span.end]) };
        let mut own = Vec::new();
        while n_before < n_until_end
            && let Some(word) = words.next()
        {
            n_before += word.text.chars().filter(|character| !character.is_whitespace()).count();
            own.push(word);
        }
        let text: String = written[span.clone()].iter().collect();
        match sentences.last_mut() {
            // It has no word of its own, and so no time.
            Some(last) if own.is_empty() => {
                last.text.push_str(writing.joint());
                last.text.push_str(&text);
            }
            _ => sentences.push(Segment {
                span: span_of(&own, whole),
                text,
                avg_logprob,
                speaker: speaker.clone(),
                words: own,
            }),
        }
    }
    sentences
}

/// From the first to the last word, within what the segment's own time leaves open.
fn span_of(words: &[Word], whole: TimeSpan) -> TimeSpan {
    let spans = || words.iter().filter_map(|word| word.span);
    let start = spans().map(|span| span.start.0).min_by(f64::total_cmp);
    let end = spans().map(|span| span.end.0).max_by(f64::total_cmp);
    TimeSpan { start: start.map_or(whole.start, Seconds), end: end.map_or(whole.end, Seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_times_are_filled_in() {
        let none: Option<f64> = None;
        for (values, nearest, linear) in [
            (&[none, Some(1.0), none][..], &[Some(1.0); 3][..], &[Some(1.0); 3][..]),
            (
                &[Some(1.0), none, none, none, Some(5.0)],
                &[Some(1.0), Some(1.0), Some(1.0), Some(5.0), Some(5.0)],
                &[Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0)],
            ),
            (&[none, none], &[none, none], &[none, none]),
        ] {
            for (interpolation, expected) in [(Interpolation::Nearest, nearest), (Interpolation::Linear, linear)] {
                let mut filled = values.to_vec();
                fill_missing(&mut filled, interpolation);
                assert_eq!(filled, expected, "{interpolation:?} {values:?}");
            }
        }
    }

    #[test]
    fn numbers_are_rounded_as_python_rounds_them() {
        for (value, expected) in [(0.0625, 0.062), (2.6755, 2.675), (1.0005, 1.0), (0.0005, 0.001), (12.3456, 12.346)] {
            assert_eq!(rounded(value).to_bits(), f64::to_bits(expected), "{value}");
        }
    }

    #[test]
    fn segments_with_words_are_divided_into_sentences() {
        let word = |text: &str, start: f64| Word {
            text: text.to_owned(),
            span: Some(TimeSpan::from_secs(start, start + 0.5)),
            ..Word::default()
        };
        let segment = |text: &str, words: &[&str]| Segment {
            span: TimeSpan::from_secs(10.0, 20.0),
            text: text.to_owned(),
            avg_logprob: Some(-0.25),
            words: words.iter().enumerate().map(|(n, &text)| word(text, 11.0 + n as f64)).collect(),
            ..Segment::default()
        };
        for (language, text, words, expected) in [
            ("en", " Just one.", &["Just", "one."][..], &[(10.0, 20.0, " Just one.", 2)][..]),
            ("en", " Yes. No", &[], &[(10.0, 20.0, " Yes. No", 0)]),
            (
                "en",
                " Dr. Who left. Yes!  Why?",
                &["Dr.", "Who", "left.", "Yes!", "Why?"],
                &[(11.0, 13.5, " Dr. Who left.", 3), (14.0, 14.5, "Yes!", 1), (15.0, 15.5, "Why?", 1)],
            ),
            ("ja", "はい。そう", &["は", "い。", "そ", "う"], &[(11.0, 12.5, "はい。", 2), (13.0, 14.5, "そう", 2)]),
            ("en", " One. Two.", &["One.Two."], &[(11.0, 11.5, " One. Two.", 1)]),
            ("en", " A. Word more. Here.", &["A.", "Word"], &[(11.0, 12.5, " A. Word more. Here.", 2)]),
        ] {
            let found = from_word_times(vec![segment(text, words)], language);
            let found: Vec<_> = found
                .iter()
                .map(|found| (found.span.start.0, found.span.end.0, found.text.as_str(), found.words.len()))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
