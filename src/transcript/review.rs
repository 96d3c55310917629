//! What somebody who corrects a transcript wants to look at: words the models were not sure of, and speech without
//! text. It changes nothing.

use crate::units::{Seconds, TimeSpan};

use super::Transcript;

/// Speech without text that is shorter than this is the edge of a word, or a breath.
const MIN_GAP: Seconds = Seconds(1.0);

/// A word that may be another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// The segment.
    pub segment_idx: usize,
    /// The word of the segment.
    pub word_idx: usize,
    /// How sure the aligner was of it, 0 to 1.
    pub score: f64,
}

/// Speech that no segment covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// When.
    pub span: TimeSpan,
    /// The segment that begins next, or the number of segments.
    pub before_segment_idx: usize,
}

impl Doubt {
    /// The segment and the word in it.
    pub fn place(&self) -> (usize, usize) {
        (self.segment_idx, self.word_idx)
    }
}

/// The words with a score below the threshold, in order. Words that somebody typed have none and are not doubted.
pub fn doubts(transcript: &Transcript, threshold: f64) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (segment_idx, segment) in transcript.segments.iter().enumerate() {
        for (word_idx, word) in segment.words.iter().enumerate() {
            if let Some(score) = word.score.filter(|score| *score < threshold) {
                doubts.push(Doubt { segment_idx, word_idx, score });
            }
        }
    }
    doubts
}

/// The first doubt after a word of a segment, named by the indices of both; after the last one, the first of all.
pub fn doubt_after(doubts: &[Doubt], place: (usize, usize)) -> Option<Doubt> {
    let after = doubts.partition_point(|doubt| doubt.place() <= place);
    doubts.get(after).or(doubts.first()).copied()
}

/// The last doubt before a word of a segment; before the first one, the last of all.
pub fn doubt_before(doubts: &[Doubt], place: (usize, usize)) -> Option<Doubt> {
    let n_before = doubts.partition_point(|doubt| doubt.place() < place);
    doubts[..n_before].last().or(doubts.last()).copied()
}

/// Where somebody speaks, by the regions of speech or by turns, for a second or more, and no segment has the text.
/// In order of time.
pub fn gaps(transcript: &Transcript, speech: impl IntoIterator<Item = TimeSpan>) -> Vec<Gap> {
    let segments = transcript.segments.iter().filter(|segment| !segment.text.trim().is_empty());
    let covered = joined(segments.map(|segment| segment.span).collect());
    let mut gaps = Vec::new();
    let mut next = 0;
    for region in joined(speech.into_iter().collect()) {
        while covered.get(next).is_some_and(|span| span.end <= region.start) {
            next += 1;
        }
        let mut start = region.start;
        for span in covered[next..].iter().take_while(|span| span.start < region.end) {
            push_gap(&mut gaps, transcript, TimeSpan { start, end: span.start });
            start = span.end;
        }
        push_gap(&mut gaps, transcript, TimeSpan { start, end: region.end });
    }
    gaps
}

fn push_gap(gaps: &mut Vec<Gap>, transcript: &Transcript, span: TimeSpan) {
    if span.duration() >= MIN_GAP {
        let before_segment_idx = transcript.segments.partition_point(|segment| segment.span.start <= span.start);
        gaps.push(Gap { span, before_segment_idx });
    }
}

/// The spans by start, those joined that touch or overlap.
fn joined(mut spans: Vec<TimeSpan>) -> Vec<TimeSpan> {
    spans.sort_by(|a, b| a.start.0.total_cmp(&b.start.0));
    let mut joined: Vec<TimeSpan> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end.0 = last.end.0.max(span.end.0),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Segment, Word};

    #[test]
    fn doubts_are_found_in_both_directions_and_around_the_end() {
        let word = |score: Option<f64>| Word { score, ..Word::default() };
        let segment = |scores: &[Option<f64>]| Segment {
            words: scores.iter().map(|score| word(*score)).collect(),
            ..Segment::default()
        };
        let segments =
            vec![segment(&[Some(0.9), Some(0.2)]), segment(&[]), segment(&[None, Some(0.5), Some(0.49), Some(0.0)])];
        let transcript = Transcript { segments, ..Transcript::default() };
        let doubts = doubts(&transcript, 0.5);
        assert_eq!(doubts.iter().map(Doubt::place).collect::<Vec<_>>(), [(0, 1), (2, 2), (2, 3)]);
        assert_eq!(doubts[1].score.to_bits(), 0.49_f64.to_bits());
        for (place, before, after) in
            [((0, 0), (2, 3), (0, 1)), ((0, 1), (2, 3), (2, 2)), ((2, 2), (0, 1), (2, 3)), ((9, 9), (2, 3), (0, 1))]
        {
            assert_eq!(doubt_before(&doubts, place).map(|doubt| doubt.place()), Some(before), "before {place:?}");
            assert_eq!(doubt_after(&doubts, place).map(|doubt| doubt.place()), Some(after), "after {place:?}");
        }
        assert_eq!((doubt_before(&[], (0, 0)), doubt_after(&[], (0, 0))), (None, None));
    }

    #[test]
    fn speech_without_text_is_a_gap() {
        for (segments, speech, expected) in [
            (&[(1.0, 2.0)][..], &[(1.0, 5.0)][..], &[(2.0, 5.0, 1)][..]),
            (&[], &[(1.0, 3.0), (2.0, 4.0)], &[(1.0, 4.0, 0)]),
            (&[], &[], &[]),
            (&[(1.0, 4.0)], &[(1.0, 4.0)], &[]),
            (&[(1.0, 4.0)], &[(0.5, 4.9)], &[]),
            (&[(1.0, 2.0), (5.0, 6.0)], &[(0.0, 7.0)], &[(0.0, 1.0, 0), (2.0, 5.0, 1), (6.0, 7.0, 2)]),
            (&[(1.0, 9.0), (2.0, 3.0), (11.0, 12.0)], &[(0.0, 1.0), (8.0, 11.5)], &[(0.0, 1.0, 0), (9.0, 11.0, 2)]),
            (&[(0.0, 1.0)], &[(8.0, 9.5), (2.0, 4.0)], &[(2.0, 4.0, 1), (8.0, 9.5, 1)]),
        ] {
            let span = |(start, end): &(f64, f64)| TimeSpan::from_secs(*start, *end);
            let segment = |place| Segment { span: span(place), text: "said".to_owned(), ..Segment::default() };
            let segments = segments.iter().map(segment).collect();
            let transcript = Transcript { segments, ..Transcript::default() };
            let gaps = gaps(&transcript, speech.iter().map(span));
            let shown = gaps.iter().map(|gap| (gap.span.start.0, gap.span.end.0, gap.before_segment_idx));
            assert_eq!(shown.collect::<Vec<_>>(), expected);
        }
    }
}
