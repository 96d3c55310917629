//! Segments that are said at the same time get lanes side by side. It looks at segments alone, not at turns.

use crate::units::Seconds;

use super::{Segment, Transcript};

/// People who speak at once for less than this only fall into each other's words.
const MIN_OVERLAP: Seconds = Seconds(0.3);

/// Where a segment is shown beside those that are said at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanePlace {
    /// Its lane, from 0.
    pub lane_idx: usize,
    /// How many lanes there are beside each other here. 1 where nobody else speaks.
    pub n_lanes: usize,
    /// The first segment of those that share these lanes.
    pub first_segment_idx: usize,
}

/// The place of each segment, in the order of the segments. Those that share lanes follow each other. Within them, a
/// speaker keeps a lane, and nobody has one that another is still speaking in.
pub fn lanes(transcript: &Transcript) -> Vec<LanePlace> {
    let mut places: Vec<LanePlace> = Vec::with_capacity(transcript.segments.len());
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for (segment_idx, segment) in transcript.segments.iter().enumerate() {
        if !lanes.iter().any(|lane| lane.is_overlapped_by(segment)) {
            lanes.clear();
        }
        let own = lanes.iter().position(|lane| lane.is_of(segment));
        let free = || lanes.iter().position(|lane| !lane.is_overlapped_by(segment));
        let lane_idx = own.or_else(free).unwrap_or(lanes.len());
        let end = lanes.get(lane_idx).map_or(segment.span.end.0, |lane| lane.end.max(segment.span.end.0));
        let lane = Lane { speaker: segment.speaker.as_deref(), end };
        if lane_idx == lanes.len() {
            lanes.push(lane);
        } else {
            lanes[lane_idx] = lane;
        }

        let first_segment_idx = match places.last() {
            Some(last) if lanes.len() > 1 => last.first_segment_idx,
            _ => segment_idx,
        };
        places.push(LanePlace { lane_idx, n_lanes: lanes.len(), first_segment_idx });
        // All that share lanes are beside as many; mostly they are already.
        if places[first_segment_idx].n_lanes != lanes.len() {
            for place in &mut places[first_segment_idx..] {
                place.n_lanes = lanes.len();
            }
        }
    }
    places
}

/// Who spoke last in a lane, and until when.
struct Lane<'a> {
    speaker: Option<&'a str>,
    end: f64,
}

impl Lane<'_> {
    fn is_of(&self, segment: &Segment) -> bool {
        self.speaker.is_some() && self.speaker == segment.speaker.as_deref()
    }

    /// Whether somebody else begins a segment long enough before this one ends.
    fn is_overlapped_by(&self, segment: &Segment) -> bool {
        let secs = self.end.min(segment.span.end.0) - segment.span.start.0;
        !self.is_of(segment) && secs >= MIN_OVERLAP.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::TimeSpan;

    /// Segments as `speaker start end`, `-` for nobody; places as `lane/lanes` with the first segment that shares them.
    #[test]
    fn who_speaks_at_the_same_time_is_shown_side_by_side() {
        for (segments, expected) in [
            ("", ""),
            ("A 0 2, B 2 4, A 4 6", "0/1@0 0/1@1 0/1@2"),
            // They fall into each other's words; one talks on.
            ("A 0 2, B 1.8 4", "0/1@0 0/1@1"),
            ("A 0 2, A 1 4", "0/1@0 0/1@1"),
            ("A 0 9, B 1 3, B 3 4, C 5 6, A 9 10", "0/2@0 1/2@0 1/2@0 1/2@0 0/1@4"),
            // Three at once; each keeps a lane while others still speak.
            ("A 0 4, B 1 6, C 2 3, A 4 8, B 7 9, C 9 10", "0/3@0 1/3@0 2/3@0 0/3@0 1/3@0 0/1@5"),
            ("- 0 4, - 1 6", "0/2@0 1/2@0"),
        ] {
            let segment = |described: &str| {
                let fields: Vec<&str> = described.split(' ').collect();
                let [speaker, start, end] = fields[..] else { panic!("speaker, start, end: {described}") };
                let secs = |text: &str| text.parse::<f64>().expect("seconds");
                Segment {
                    span: TimeSpan::from_secs(secs(start), secs(end)),
                    speaker: (speaker != "-").then(|| speaker.to_owned()),
                    ..Segment::default()
                }
            };
            let segments = segments.split(", ").filter(|described| !described.is_empty()).map(segment).collect();
            let places = lanes(&Transcript { segments, ..Transcript::default() });
            let shown = |place: &LanePlace| format!("{}/{}@{}", place.lane_idx, place.n_lanes, place.first_segment_idx);
            assert_eq!(places.iter().map(shown).collect::<Vec<_>>().join(" "), expected);
        }
    }
}
