//! What is worked out once for every version of a transcript, so that a frame only looks it up: words that may be
//! others, speech without text, and who is shown beside whom. No egui in here.

use std::ops::Range;

use crate::transcript::overlap::{LanePlace, lanes};
use crate::transcript::review::{Doubt, Gap, doubt_after, doubt_before, doubts, gaps};
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::recording::Recording;

/// Words of which the aligner was less sure are doubted.
const DOUBT_THRESHOLD: f64 = 0.4;
/// More people at once than this are shown one below the other.
const MAX_LANES: usize = 3;
/// Longer conversations of people who talk over each other are, too: all of one is laid out at once.
const MAX_SEGMENTS_SIDE_BY_SIDE: usize = 24;

/// Tells one version of a transcript from all others of this window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    recording_idx: usize,
    revision: u64,
    /// More may come at the end without another revision.
    n_segments: usize,
}

/// Whether doubted words are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Marking {
    /// They are.
    #[default]
    Shown,
    /// They look like all others.
    Hidden,
}

/// Where to go from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the next one; from the last one to the first.
    Forward,
    /// To the one before; from the first one to the last.
    Back,
}

/// What there is to review in the transcript that is shown.
#[derive(Debug, Default)]
pub(super) struct Review {
    version: Option<Version>,
    marking: Marking,
    doubts: Vec<Doubt>,
    doubt_times: Vec<Seconds>,
    gaps: Vec<Gap>,
    lanes: Vec<LanePlace>,
}

impl Version {
    /// The present version of a recording's transcript.
    pub(super) fn of(recording_idx: usize, recording: &Recording) -> Self {
        let n_segments = recording.transcript.segments.len();
        Self { recording_idx, revision: recording.revision, n_segments }
    }
}

impl Review {
    /// Looks through a transcript, unless it has done so.
    pub(super) fn refresh(&mut self, version: Version, transcript: &Transcript) {
        if self.version == Some(version) {
            return;
        }
        self.version = Some(version);
        self.doubts = doubts(transcript, DOUBT_THRESHOLD);
        let time_of = |doubt: &Doubt| time_of_word(&transcript.segments[doubt.segment_idx], doubt.word_idx);
        self.doubt_times = self.doubts.iter().map(time_of).collect();
        self.gaps = gaps(transcript, transcript.turns.iter().map(|turn| turn.span));
        self.lanes = lanes(transcript);
    }

    /// Whether doubted words are marked.
    pub(super) fn marking(&self) -> Marking {
        self.marking
    }

    /// Marks doubted words, or no longer.
    pub(super) fn set_marking(&mut self, marking: Marking) {
        self.marking = marking;
    }

    /// How many words are doubted.
    pub(super) fn n_doubts(&self) -> usize {
        self.doubts.len()
    }

    /// When the doubted words are said, in the order of the transcript, as far as they are marked.
    pub(super) fn doubt_times(&self) -> &[Seconds] {
        match self.marking {
            Marking::Shown => &self.doubt_times,
            Marking::Hidden => &[],
        }
    }

    /// The doubted words of a segment, as far as they are marked.
    pub(super) fn doubts_in(&self, segment_idx: usize) -> &[Doubt] {
        if self.marking == Marking::Hidden {
            return &[];
        }
        let start = self.doubts.partition_point(|doubt| doubt.segment_idx < segment_idx);
        let end = self.doubts.partition_point(|doubt| doubt.segment_idx <= segment_idx);
        &self.doubts[start..end]
    }

    /// The doubt that one comes to from a word of a segment.
    pub(super) fn doubt_from(&self, place: (usize, usize), direction: Direction) -> Option<Doubt> {
        match direction {
            Direction::Forward => doubt_after(&self.doubts, place),
            Direction::Back => doubt_before(&self.doubts, place),
        }
    }

    /// Where somebody speaks and no text says what.
    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// How long somebody speaks without text before a segment begins.
    pub(super) fn gap_before(&self, segment_idx: usize) -> Option<Seconds> {
        let start = self.gaps.partition_point(|gap| gap.before_segment_idx < segment_idx);
        let before = self.gaps[start..].iter().take_while(|gap| gap.before_segment_idx == segment_idx);
        before.map(|gap| gap.span.duration()).reduce(|a, b| Seconds(a.0 + b.0))
    }

    /// The segments that are shown side by side with this one; `None` where it is shown alone.
    pub(super) fn side_by_side(&self, segment_idx: usize) -> Option<Range<usize>> {
        let place = self.lanes.get(segment_idx)?;
        if place.n_lanes < 2 || place.n_lanes > MAX_LANES {
            return None;
        }
        let first = place.first_segment_idx;
        let after = self.lanes[first..].iter().take(MAX_SEGMENTS_SIDE_BY_SIDE + 1);
        let n_segments = after.take_while(|other| other.first_segment_idx == first && other.n_lanes > 1).count();
        (n_segments <= MAX_SEGMENTS_SIDE_BY_SIDE).then_some(first..first + n_segments)
    }

    /// The lane of a segment, and how many there are beside each other.
    pub(super) fn lane(&self, segment_idx: usize) -> (usize, usize) {
        self.lanes.get(segment_idx).map_or((0, 1), |place| (place.lane_idx, place.n_lanes))
    }
}

/// When a word is said: by its own time, or by that of the last one before it that has any, or of the segment.
pub(super) fn time_of_word(segment: &Segment, word_idx: usize) -> Seconds {
    let end = (word_idx + 1).min(segment.words.len());
    let own = segment.words[..end].iter().rev().find_map(|word| word.span);
    own.map_or(segment.span.start, |span| span.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Turn, Word};
    use crate::units::TimeSpan;

    fn segment(start_secs: f64, end_secs: f64, speaker: &str, scores: &[f64]) -> Segment {
        let word = |score: &f64| Word { text: "word".to_owned(), score: Some(*score), ..Word::default() };
        Segment {
            span: TimeSpan::from_secs(start_secs, end_secs),
            text: vec!["word"; scores.len()].join(" "),
            speaker: Some(speaker.to_owned()),
            words: scores.iter().map(word).collect(),
            ..Segment::default()
        }
    }

    fn reviewed(segments: Vec<Segment>, turns: Vec<Turn>) -> Review {
        let transcript = Transcript { segments, turns, ..Transcript::default() };
        let mut review = Review::default();
        let version = Version { recording_idx: 0, revision: 1, n_segments: transcript.segments.len() };
        review.refresh(version, &transcript);
        review
    }

    #[test]
    fn doubts_are_found_by_segment_and_in_turn() {
        let mut review =
            reviewed(vec![segment(0.0, 2.0, "A", &[0.9, 0.1]), segment(3.0, 5.0, "A", &[0.2, 0.8])], vec![]);
        assert_eq!((review.n_doubts(), review.doubts_in(0).len(), review.doubts_in(7).len()), (2, 1, 0));
        for (from, direction, expected) in [
            ((0, 0), Direction::Forward, (0, 1)),
            ((0, 1), Direction::Forward, (1, 0)),
            ((1, 0), Direction::Forward, (0, 1)),
            ((0, 1), Direction::Back, (1, 0)),
        ] {
            assert_eq!(review.doubt_from(from, direction).map(|doubt| doubt.place()), Some(expected));
        }
        review.set_marking(Marking::Hidden);
        assert_eq!((review.n_doubts(), review.doubts_in(0).len(), review.doubt_times().len()), (2, 0, 0));
    }

    #[test]
    fn speech_without_text_is_told_before_the_segment_that_follows_it() {
        let turn = Turn { span: TimeSpan::from_secs(0.0, 9.0), speaker: "A".to_owned() };
        let review = reviewed(vec![segment(0.0, 2.0, "A", &[0.9]), segment(5.0, 9.0, "A", &[0.9])], vec![turn]);
        assert_eq!([0, 1, 2].map(|idx| review.gap_before(idx)), [None, Some(Seconds(3.0)), None]);
    }

    #[test]
    fn those_who_talk_over_each_other_are_side_by_side_while_they_are_few() {
        let pair = |n: usize| {
            let start_secs = n as f64 * 10.0;
            [segment(start_secs, start_secs + 4.0, "A", &[]), segment(start_secs + 1.0, start_secs + 5.0, "B", &[])]
        };
        let review = reviewed((0..2).flat_map(pair).chain([segment(30.0, 31.0, "A", &[])]).collect(), vec![]);
        let side_by_side: Vec<_> = (0..6).map(|idx| review.side_by_side(idx)).collect();
        assert_eq!(side_by_side, [Some(0..2), Some(0..2), Some(2..4), Some(2..4), None, None]);
        assert_eq!([1, 4].map(|idx| review.lane(idx)), [(1, 2), (0, 1)]);
        let long = |n: usize| segment(n as f64, n as f64 + 1.5, if n.is_multiple_of(2) { "A" } else { "B" }, &[]);
        let review = reviewed((0..60).map(long).collect(), vec![]);
        assert_eq!(review.side_by_side(30), None, "too many to be laid out at once");
    }
}
