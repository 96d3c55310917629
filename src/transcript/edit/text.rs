//! Changes of what was said and of where one segment ends and the next begins.

use std::ops::Range;

use crate::transcript::search::{Needle, touched};
use crate::transcript::split::{cut_before, span_of_words, word_places};
use crate::transcript::writing::{Writing, is_blank, without_spare_blanks};
use crate::transcript::{Segment, Transcript, Word};
use crate::units::{Seconds, TimeSpan};

use super::EditError;
use super::respread::{Run, rewritten, spelt_out};
use super::speakers::{give_word, handed_over};
use super::splice::{Edit, Splice, in_order};

pub(super) fn replace_text(
    transcript: &Transcript,
    segment_idx: usize,
    words: Range<usize>,
    text: &str,
) -> Result<Edit, EditError> {
    let writing = Writing::of(&transcript.language);
    let segment = spelt_out(segment(transcript, segment_idx)?.clone(), writing);
    let places = word_places(&segment, writing);
    if words.start > words.end || words.end > places.len() {
        return Err(EditError::NoSuchWords { segment_idx, words, count: places.len() });
    }
    let run = Run::of(words, &segment.text, &places);
    let written = without_spare_blanks(text);
    if written == without_spare_blanks(&segment.text[run.bytes.clone()]) {
        return Ok(Edit::default());
    }
    let new = rewritten(&segment, &run, &written, writing).map(|new| spelt_out(new, writing));
    Ok(Edit { segments: vec![Splice::one(segment_idx, new.into_iter().collect())], ..Edit::default() })
}

pub(super) fn replace_all(
    transcript: &Transcript,
    needle: Option<Needle>,
    replacement: &str,
) -> Result<Edit, EditError> {
    let needle = needle.ok_or(EditError::NothingToFind)?;
    let writing = Writing::of(&transcript.language);
    let replacement = without_spare_blanks(replacement);
    let mut n_found = 0;
    let segments = Splice::each(&transcript.segments, |segment| {
        if needle.places_in(&segment.text).is_empty() {
            return None;
        }
        let segment = spelt_out(segment.clone(), writing);
        let found = needle.places_in(&segment.text);
        let new = with_replacements(&segment, &found, &replacement, writing);
        if new.as_ref() == Some(&segment) {
            return None;
        }
        n_found += found.len();
        Some(new.into_iter().collect())
    });
    Ok(Edit { segments, n_found: Some(n_found), ..Edit::default() })
}

pub(super) fn split_segment(transcript: &Transcript, segment_idx: usize, at_word: usize) -> Result<Edit, EditError> {
    let writing = Writing::of(&transcript.language);
    let mut first = spelt_out(segment(transcript, segment_idx)?.clone(), writing);
    let places = word_places(&first, writing);
    if at_word == 0 || at_word >= places.len() {
        return Err(EditError::NothingToSplit { segment_idx, at_word, count: places.len() });
    }
    let cut = cut_before(at_word, &first.text, &places);
    let (start, end) = (first.span.start.0, first.span.end.0);
    let words = first.words.split_off(at_word.min(first.words.len()));
    let (first_end, second_start) = match (span_of_words(&first.words), span_of_words(&words)) {
        (Some(first), Some(second)) => (first.end.0, second.start.0),
        (Some(first), None) => (first.end.0, first.end.0),
        (None, Some(second)) => (second.start.0, second.start.0),
        (None, None) => {
            let share = first.text[..cut].chars().count() as f64 / first.text.chars().count() as f64;
            let middle = Seconds(start + (end - start) * share).rounded_to_millis().0.max(start).min(end);
            (middle, middle)
        }
    };
    let second = Segment {
        span: TimeSpan::from_secs(second_start.min(end), end),
        text: first.text.split_off(cut),
        avg_logprob: first.avg_logprob,
        speaker: first.speaker.clone(),
        words,
    };
    first.span = TimeSpan::from_secs(start, first_end.max(start));
    let splice = Splice::one(segment_idx, vec![first, second]);
    Ok(Edit { segments: in_order(vec![splice], &transcript.segments), ..Edit::default() })
}

pub(super) fn merge_segments(transcript: &Transcript, segment_idx: usize) -> Result<Edit, EditError> {
    let first = segment(transcript, segment_idx)?;
    let second = segment(transcript, segment_idx + 1)?;
    let writing = Writing::of(&transcript.language);
    let mut words = words_beside(first, second, writing);
    let second_words = words_beside(second, first, writing);
    let last_start = words.iter().filter_map(|word| word.span).map(|span| span.start.0).reduce(f64::max);
    let next_start = second_words.iter().find_map(|word| word.span).map(|span| span.start.0);
    if last_start.zip(next_start).is_some_and(|(last, next)| next < last) {
        return Err(EditError::SaidAtOnce { segment_idx });
    }
    words.extend(second_words);

    let to = first.speaker.as_ref().or(second.speaker.as_ref());
    let mut turns = Vec::new();
    if let Some(to) = to {
        for word in &mut words {
            give_word(word, to);
        }
        // One of the two has this speaker.
        let given = [first, second].into_iter().find(|part| part.speaker.as_ref() != Some(to));
        turns.extend(given.map(|given| handed_over(&transcript.turns, given.speaker.as_deref(), to, given.span)));
    }
    let (a, b) = (first.text.as_str(), second.text.as_str());
    let is_joined = a.is_empty() || b.is_empty() || a.ends_with(is_blank) || b.starts_with(is_blank);
    let avg_logprob = match (first.avg_logprob, second.avg_logprob) {
        (Some(first), Some(second)) => Some(first.min(second)),
        (first, second) => first.or(second),
    };
    let start = first.span.start.0.min(second.span.start.0);
    let end = first.span.end.0.max(second.span.end.0);
    let merged = Segment {
        span: TimeSpan::from_secs(start, end),
        text: [a, if is_joined { "" } else { writing.joint() }, b].concat(),
        avg_logprob,
        speaker: to.cloned(),
        words,
    };
    let splice = Splice { at: segment_idx, n_replaced: 2, new: vec![merged] };
    Ok(Edit { turns, segments: vec![splice], ..Edit::default() })
}

pub(super) fn delete_segment(transcript: &Transcript, segment_idx: usize) -> Result<Edit, EditError> {
    segment(transcript, segment_idx)?;
    Ok(Edit { segments: vec![Splice::one(segment_idx, Vec::new())], ..Edit::default() })
}

pub(super) fn segment(transcript: &Transcript, idx: usize) -> Result<&Segment, EditError> {
    let count = transcript.segments.len();
    transcript.segments.get(idx).ok_or(EditError::NoSuchSegment { idx, count })
}

/// A segment whose words are spelt out with another text wherever one was found, in order; `None` where nothing is
/// left.
fn with_replacements(
    segment: &Segment,
    found: &[Range<usize>],
    replacement: &str,
    writing: Writing,
) -> Option<Segment> {
    let places = word_places(segment, writing);
    // Words in which something is replaced, and what is.
    let mut runs: Vec<(Run, Vec<Range<usize>>)> = Vec::new();
    for bytes in found {
        let words = touched(&places, bytes);
        let end = places[words.clone()].last().map_or(bytes.end, |place| place.end.max(bytes.end));
        match runs.last_mut() {
            Some((run, found)) if words.start < run.words.end => {
                run.words.end = run.words.end.max(words.end);
                run.bytes.end = run.bytes.end.max(end);
                found.push(bytes.clone());
            }
            _ => {
                let start = places[words.clone()].first().map_or(bytes.start, |place| place.start.min(bytes.start));
                runs.push((Run { words, bytes: start..end }, vec![bytes.clone()]));
            }
        }
    }
    let mut new = segment.clone();
    // From the last to the first, so that what is before stays where it is.
    for (run, found) in runs.iter().rev() {
        let mut written = String::new();
        let mut from = run.bytes.start;
        for bytes in found {
            written.push_str(&segment.text[from..bytes.start]);
            written.push_str(replacement);
            from = bytes.end;
        }
        written.push_str(&segment.text[from..run.bytes.end]);
        new = rewritten(&new, run, &without_spare_blanks(&written), writing)?;
    }
    Some(spelt_out(new, writing))
}

/// The words of a segment that is merged with another: those that are written, without times, where only the other's
/// were aligned.
fn words_beside(segment: &Segment, other: &Segment, writing: Writing) -> Vec<Word> {
    if !segment.words.is_empty() || other.words.is_empty() {
        return segment.words.clone();
    }
    let places = writing.words_in(&segment.text).into_iter();
    places.map(|place| Word { text: segment.text[place].to_owned(), ..Word::default() }).collect()
}
