//! Splits a segment where the speaker of its words changes, so that each part is what one person said, and finds words
//! in its text. No character is lost: the texts of the parts, one after the other, are the text of the whole. It does
//! not decide who said a word.

use std::ops::Range;

use crate::units::TimeSpan;

use super::writing::Writing;
use super::{Segment, Word};

/// The parts of a segment, in the order of its words. The speaker of a part is that of its words, or that of the
/// segment where they have none. A segment of one speaker, or without words, keeps its text and its times; each part of
/// another lasts from its first word to its last, or as long as the words beside it leave open where its own have no
/// times.
pub fn split_at_speakers(mut segment: Segment) -> Vec<Segment> {
    let words = &segment.words;
    let changes: Vec<usize> = (1..words.len()).filter(|&at| words[at].speaker != words[at - 1].speaker).collect();
    if changes.is_empty() {
        let of_words = words.first().and_then(|word| word.speaker.clone());
        segment.speaker = of_words.or(segment.speaker);
        return vec![segment];
    }
    let places = places(&segment.text, words);
    let mut text_cuts: Vec<usize> = changes.iter().map(|&at| cut_before(at, &segment.text, &places)).collect();
    let mut word_cuts = changes;
    text_cuts.push(segment.text.len());
    word_cuts.push(words.len());

    let (mut text_start, mut first_word) = (0, 0);
    let mut parts = Vec::with_capacity(word_cuts.len());
    for (text_end, after_last_word) in text_cuts.into_iter().zip(word_cuts) {
        let left_open = time_between(&segment, &(first_word..after_last_word));
        let words = words[first_word..after_last_word].to_vec();
        parts.push(Segment {
            span: span_of_words(&words).or(left_open).unwrap_or(segment.span),
            text: segment.text[text_start..text_end].to_owned(),
            avg_logprob: segment.avg_logprob,
            speaker: words[0].speaker.clone().or_else(|| segment.speaker.clone()),
            words,
        });
        (text_start, first_word) = (text_end, after_last_word);
    }
    parts
}

/// From the start of the first word to the end of the last; `None` where no word has a time.
pub fn span_of_words(words: &[Word]) -> Option<TimeSpan> {
    let spans = || words.iter().filter_map(|word| word.span);
    let start = spans().map(|span| span.start.0).reduce(f64::min)?;
    let end = spans().map(|span| span.end.0).reduce(f64::max)?;
    Some(TimeSpan::from_secs(start, end))
}

/// From the last word with a time before these words of a segment to the first after them, or to the segment's ends;
/// `None` where neither has a time. Where words overlap, that is one moment.
pub(super) fn time_between(segment: &Segment, words: &Range<usize>) -> Option<TimeSpan> {
    let before = segment.words[..words.start].iter().rev().find_map(|word| word.span);
    let after = segment.words[words.end..].iter().find_map(|word| word.span);
    if before.is_none() && after.is_none() {
        return None;
    }
    let end = after.map_or(segment.span.end.0, |after| after.start.0);
    let start = before.map_or(segment.span.start.0, |before| before.end.0).min(end);
    Some(TimeSpan::from_secs(start, end))
}

/// Where the words of a segment stand in its text, in bytes: those that were aligned, or where none were, those that
/// are written in it.
pub fn word_places(segment: &Segment, writing: Writing) -> Vec<Range<usize>> {
    if segment.words.is_empty() { writing.words_in(&segment.text) } else { places(&segment.text, &segment.words) }
}

/// Where each word stands in the text, in bytes. A word that is not found takes no room after the one before it.
pub fn places(text: &str, words: &[Word]) -> Vec<Range<usize>> {
    let mut end = 0;
    let mut places = Vec::with_capacity(words.len());
    for word in words {
        let written = word.text.trim();
        let place = match text[end..].find(written) {
            Some(offset) => end + offset..end + offset + written.len(),
            None => end..end,
        };
        end = place.end;
        places.push(place);
    }
    places
}

/// Where the text is cut before the word `at`, which is not the first; the one after the last is the end. What stands
/// between two words belongs to the first, such as a full stop that is no word of its own; but blanks go with the
/// second, as Whisper writes them.
pub(super) fn cut_before(at: usize, text: &str, places: &[Range<usize>]) -> usize {
    let end = places[at - 1].end;
    let next = places.get(at).map_or(text.len(), |place| place.start);
    end + text[end..next].trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as `text/speaker`, the n-th from n to n + 0.5 s; `-` stands for no speaker. Parts as `speaker|text`.
    #[test]
    fn no_character_is_lost_where_segments_are_split() {
        for (text, words, expected) in [
            (" Yes.", "", &["Z| Yes."][..]),
            (" Shall we? Yes.", "Shall/A we?/A Yes./A", &["A| Shall we? Yes."]),
            (" Shall we?  Yes, go.", "Shall/A we?/A Yes,/B go./B", &["A| Shall we?", "B|  Yes, go."]),
            ("no no no", "no/A no/B no/A", &["A|no", "B| no", "A| no"]),
            ("はい。いいえ。", "は/A い/A い/B い/B え/B", &["A|はい。", "B|いいえ。"]),
            ("“Ça va ?” — Oui\n", "Ça/A va/A Oui/B", &["A|“Ça va ?” —", "B| Oui\n"]),
            ("one two", "one/- two/B", &["Z|one", "B| two"]),
            ("one 2 three", "one/A two/B three/B", &["A|one", "B| 2 three"]),
            ("", "one/A two/B", &["A|", "B|"]),
        ] {
            let word = |(n, word): (u32, &str)| {
                let (text, speaker) = word.split_once('/').expect("a word and its speaker");
                Word {
                    text: text.to_owned(),
                    span: Some(TimeSpan::from_secs(f64::from(n), f64::from(n) + 0.5)),
                    speaker: (speaker != "-").then(|| speaker.to_owned()),
                    ..Word::default()
                }
            };
            let segment = Segment {
                span: TimeSpan::from_secs(0.0, 100.0),
                text: text.to_owned(),
                avg_logprob: Some(-0.5),
                speaker: Some("Z".to_owned()),
                words: (0..).zip(words.split_whitespace()).map(word).collect(),
            };
            let parts = split_at_speakers(segment.clone());
            let shown = |part: &Segment| format!("{}|{}", part.speaker.as_deref().unwrap_or("nobody"), part.text);
            assert_eq!(parts.iter().map(shown).collect::<Vec<_>>(), expected);
            assert_eq!(parts.iter().flat_map(|part| part.words.clone()).collect::<Vec<_>>(), segment.words);
            for part in &parts {
                let of_words = if parts.len() > 1 { span_of_words(&part.words) } else { Some(segment.span) };
                assert_eq!((Some(part.span), part.avg_logprob), (of_words, segment.avg_logprob), "{text}");
            }
        }
    }
}
