//! Adds to a transcript what follows from its segments: their order, the length of the recording as far as it shows,
//! who speaks, and when.

use std::collections::{BTreeMap, BTreeSet};

use crate::transcript::{Segment, Speaker, Transcript, Turn};
use crate::units::{Seconds, TimeSpan};

/// Somebody who goes on after so short a break is still in the same turn.
const MAX_BREAK: Seconds = Seconds(0.5);

/// Puts the segments in order and adds duration, turns, and speakers that only segments and words name so far.
pub(super) fn complete(transcript: &mut Transcript) {
    transcript.segments.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
    let ends = transcript.segments.iter().flat_map(|segment| {
        segment.words.iter().filter_map(|word| word.span).chain([segment.span]).map(|span| span.end.0)
    });
    transcript.duration = Seconds(ends.fold(0.0, f64::max));

    let mut spans_of: BTreeMap<&str, Vec<TimeSpan>> = BTreeMap::new();
    for (label, span) in transcript.segments.iter().flat_map(spoken) {
        spans_of.entry(label).or_default().extend(span);
    }
    let known: BTreeSet<&str> = transcript.speakers.iter().map(|speaker| speaker.label.as_str()).collect();
    let new = spans_of.keys().filter(|label| !known.contains(*label));
    let new: Vec<Speaker> = new.map(|label| Speaker { label: (*label).to_owned(), ..Speaker::default() }).collect();
    let mut turns: Vec<Turn> = spans_of.into_iter().flat_map(|(label, spans)| turns_of(label, spans)).collect();
    turns.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
    transcript.turns = turns;
    transcript.speakers.extend(new);
}

/// Who speaks in a segment, and when: by its words where they know it. Somebody may speak at no known time.
fn spoken(segment: &Segment) -> Vec<(&str, Option<TimeSpan>)> {
    let mut spoken = Vec::new();
    for word in &segment.words {
        let labels = word.speaker.iter().chain(&word.overlapped_by);
        spoken.extend(labels.map(|label| (label.as_str(), word.span)));
    }
    if let Some(label) = &segment.speaker {
        let is_in_words = spoken.iter().any(|(speaker, span)| speaker == label && span.is_some());
        spoken.push((label.as_str(), (!is_in_words).then_some(segment.span)));
    }
    spoken
}

/// The turns of one speaker.
fn turns_of(label: &str, mut spans: Vec<TimeSpan>) -> Vec<Turn> {
    spans.sort_by(|a, b| a.start.0.total_cmp(&b.start.0));
    let mut turns: Vec<Turn> = Vec::new();
    for span in spans {
        match turns.last_mut() {
            Some(turn) if span.start.0 <= turn.span.end.0 + MAX_BREAK.0 => {
                turn.span.end.0 = turn.span.end.0.max(span.end.0);
            }
            _ => turns.push(Turn { span, speaker: label.to_owned() }),
        }
    }
    turns
}
