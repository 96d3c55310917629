//! Which word is said at a time, for whoever follows a recording in its text.

use crate::units::Seconds;

use super::{Segment, Transcript};

/// So many segments may begin while an earlier one goes on; what is said in that one after more of them is not found.
const MAX_LATER_STARTS: usize = 64;

/// The indices of the segment and of the word in it that is said at a time: where several are, in the segment that
/// began last. Between two words of a segment it is the first of them; between segments there is none.
pub fn word_at(transcript: &Transcript, at: Seconds) -> Option<(usize, usize)> {
    let segments = &transcript.segments;
    let n_begun = segments.partition_point(|segment| segment.span.start <= at);
    let begun = segments[..n_begun].iter().enumerate().rev().take(MAX_LATER_STARTS);
    let mut before = None;
    for (segment_idx, segment) in begun.filter(|(_, segment)| at < segment.span.end) {
        if let Some(word_idx) = last_begun(segment, at) {
            if segment.words[word_idx].span.is_some_and(|span| at < span.end) {
                return Some((segment_idx, word_idx));
            }
            before = before.or(Some((segment_idx, word_idx)));
        }
    }
    before
}

/// The last word of a segment that begins at or before a time.
fn last_begun(segment: &Segment, at: Seconds) -> Option<usize> {
    segment.words.iter().rposition(|word| word.span.is_some_and(|span| span.start <= at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Word;
    use crate::units::TimeSpan;

    #[test]
    fn the_word_that_is_said_is_found() {
        let segment = |start, end, words: &[Option<(f64, f64)>]| {
            let span = |(start, end)| TimeSpan::from_secs(start, end);
            let word = |place: &Option<(f64, f64)>| Word { span: place.map(span), ..Word::default() };
            Segment { span: span((start, end)), words: words.iter().map(word).collect(), ..Segment::default() }
        };
        let segments = vec![
            segment(1.0, 3.0, &[Some((1.0, 1.5)), None, Some((2.0, 3.0))]),
            segment(4.0, 9.0, &[Some((4.5, 5.0)), Some((5.0, 6.0)), Some((8.0, 9.0))]),
            segment(5.5, 7.0, &[Some((5.5, 5.8)), Some((6.5, 7.0))]),
            segment(9.0, 10.0, &[]),
        ];
        let transcript = Transcript { segments, ..Transcript::default() };
        for (at, expected) in [
            (0.0, None),
            (1.0, Some((0, 0))),
            (1.7, Some((0, 0))),
            (2.5, Some((0, 2))),
            (3.5, None),
            (4.2, None),
            (5.0, Some((1, 1))),
            // Two speak: the one who began last, or whoever says a word.
            (5.6, Some((2, 0))),
            (5.9, Some((1, 1))),
            (6.2, Some((2, 0))),
            (7.5, Some((1, 1))),
            (8.5, Some((1, 2))),
            (9.5, None),
            (f64::NAN, None),
        ] {
            assert_eq!(word_at(&transcript, Seconds(at)), expected, "{at}");
        }
    }
}
