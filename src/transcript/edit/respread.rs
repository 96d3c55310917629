//! A stretch of a segment's text becomes another. Words that stay at its ends keep their times; those between share the
//! time that is left by their number of characters. The sound is not asked.

use std::ops::Range;

use crate::transcript::split::{cut_before, places, span_of_words, time_between};
use crate::transcript::writing::{Writing, is_blank};
use crate::transcript::{Segment, Word};
use crate::units::{Seconds, TimeSpan};

/// Words of a segment and where they stand in its text.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) words: Range<usize>,
    /// Holds these words, and nothing of others.
    pub(super) bytes: Range<usize>,
}

impl Run {
    /// These words, of all that have these places; where there are none, the place before the word they begin with.
    pub(super) fn of(words: Range<usize>, text: &str, places: &[Range<usize>]) -> Self {
        let bytes = if words.is_empty() {
            let at = match words.start {
                0 => places.first().map_or(text.len(), |place| place.start),
                start => cut_before(start, text, places),
            };
            at..at
        } else {
            places[words.start].start..places[words.end - 1].end
        };
        Self { words, bytes }
    }
}

/// The segment with another text in the place of a run, written with single blanks. `None` where nothing is left of
/// the segment. Its words have their own places in the text before, but may have to be [`spelt_out`] afterwards.
pub(super) fn rewritten(segment: &Segment, run: &Run, written: &str, writing: Writing) -> Option<Segment> {
    let mut new = Segment { text: spliced(&segment.text, &run.bytes, written, writing.joint()), ..segment.clone() };
    if segment.words.is_empty() {
        return Some(new).filter(|new| !new.text.trim().is_empty());
    }
    let words = respread(segment, &run.words, written, writing);
    drop(new.words.splice(run.words.clone(), words));
    Some(new).filter(|new| !new.words.is_empty())
}

/// The segment with a text in which all of its words are found: its own, or where one is missing, that of the words.
pub(super) fn spelt_out(mut segment: Segment, writing: Writing) -> Segment {
    let is_found = |(word, place): (&Word, Range<usize>)| word.text.trim().len() == place.len();
    if !segment.words.iter().zip(places(&segment.text, &segment.words)).all(is_found) {
        let n_leading = segment.text.len() - segment.text.trim_start().len();
        let words: Vec<&str> = segment.words.iter().map(|word| word.text.trim()).collect();
        segment.text.truncate(n_leading);
        segment.text.push_str(&words.join(writing.joint()));
    }
    segment
}

/// A text with another in the place of some of it, and the right blanks around that.
fn spliced(text: &str, bytes: &Range<usize>, written: &str, joint: &str) -> String {
    let (before, after) = (&text[..bytes.start], &text[bytes.end..]);
    if written.is_empty() {
        return if bytes.is_empty() {
            text.to_owned()
        } else if before.trim().is_empty() {
            before.to_owned() + after.trim_start()
        } else if after.is_empty() || after.starts_with(is_blank) {
            before.trim_end().to_owned() + after
        } else {
            before.to_owned() + after
        };
    }
    // What takes the place of words stands between the same neighbours as they did; what is put in does not.
    let is_put_in = bytes.is_empty();
    let needs_before = is_put_in && !before.is_empty() && !before.ends_with(is_blank);
    let needs_after = is_put_in && !after.is_empty() && !after.starts_with(is_blank);
    let joint_if = |is_needed: bool| if is_needed { joint } else { "" };
    [before, joint_if(needs_before), written, joint_if(needs_after), after].concat()
}

/// What becomes of words of a segment that has words.
fn respread(segment: &Segment, words: &Range<usize>, written: &str, writing: Writing) -> Vec<Word> {
    let old = &segment.words[words.clone()];
    let mut units: &[&str] = &divided(written, writing);
    let (mut n_first, mut n_last) = (0, 0);
    while let Some(word) = old.get(n_first)
        && let Some(rest) = units.strip_prefix(&divided(&word.text, writing)[..])
    {
        (n_first, units) = (n_first + 1, rest);
    }
    while n_first + n_last < old.len()
        && let Some(rest) = units.strip_suffix(&divided(&old[old.len() - 1 - n_last].text, writing)[..])
    {
        (n_last, units) = (n_last + 1, rest);
    }
    let (first, last) = (&old[..n_first], &old[old.len() - n_last..]);
    let replaced = &old[n_first..old.len() - n_last];

    let at = words.start + n_first;
    let (span, overlapped_by) = match replaced.first() {
        Some(word) => (span_of_words(replaced), word.overlapped_by.clone()),
        None => (time_between(segment, &(at..at)), Vec::new()),
    };
    let neighbour = at.checked_sub(1).and_then(|before| segment.words.get(before)).or(segment.words.get(at));
    let speaker = replaced.first().or(neighbour).and_then(|word| word.speaker.as_ref()).or(segment.speaker.as_ref());
    let spans = span.map(|span| shares(span, units));
    let new = units.iter().enumerate().map(|(n, unit)| Word {
        text: (*unit).to_owned(),
        span: spans.as_ref().map(|spans| spans[n]),
        score: None,
        speaker: speaker.cloned(),
        overlapped_by: overlapped_by.clone(),
    });
    first.iter().cloned().chain(new).chain(last.iter().cloned()).collect()
}

fn divided(text: &str, writing: Writing) -> Vec<&str> {
    writing.words_in(text).into_iter().map(|place| &text[place]).collect()
}

/// The time divided among texts by their number of characters, at whole milliseconds.
fn shares(span: TimeSpan, texts: &[&str]) -> Vec<TimeSpan> {
    let lengths = texts.iter().map(|text| text.chars().count());
    let n_chars_in_all: usize = lengths.clone().sum();
    let mut n_chars_before = 0;
    let mut start = span.start;
    let mut spans = Vec::with_capacity(texts.len());
    for n_chars in lengths {
        n_chars_before += n_chars;
        let end = if n_chars_before == n_chars_in_all {
            span.end
        } else {
            let share = n_chars_before as f64 / n_chars_in_all as f64;
            let end = Seconds(span.start.0 + span.duration().0 * share).rounded_to_millis();
            Seconds(end.0.max(start.0).min(span.end.0))
        };
        spans.push(TimeSpan { start, end });
        start = end;
    }
    spans
}
