//! Who talks how much, and what: times and shares of speakers, their turns with the words said in them, and what to call
//! them. It changes nothing.

use crate::units::{Seconds, TimeSpan};

use super::{Transcript, Word};

/// How much somebody talks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TalkTime {
    /// All of their turns together.
    pub seconds: Seconds,
    /// Their share of the talk of everybody, 0 to 1. Where two talk at once, the time counts for both.
    pub share: f64,
    /// In how many turns.
    pub n_turns: usize,
}

/// What one speaker says, beside the lanes of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane<'a> {
    /// Label of the speaker.
    pub label: &'a str,
    /// Their turns, by start.
    pub turns: Vec<TurnWords<'a>>,
}

/// A turn and the words that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnWords<'a> {
    /// When.
    pub span: TimeSpan,
    /// What the speaker says then. Empty where their words were not caught, as it happens when several talk at once.
    pub words: Vec<&'a Word>,
}

impl Transcript {
    /// What to call the speaker of this label: by name, or by the label where they have none.
    pub fn name_of<'a>(&'a self, label: &'a str) -> &'a str {
        let speaker = self.speakers.iter().find(|speaker| speaker.label == label);
        speaker.and_then(|speaker| speaker.name.as_deref()).unwrap_or(label)
    }
}

/// How much each speaker talks, in the order of the speakers.
pub fn talk_times(transcript: &Transcript) -> Vec<TalkTime> {
    let mut talk_times: Vec<TalkTime> =
        transcript.speakers.iter().map(|speaker| talk_time(transcript, &speaker.label)).collect();
    let total_secs: f64 = talk_times.iter().map(|talk| talk.seconds.0).sum();
    if total_secs > 0.0 {
        for talk in &mut talk_times {
            talk.share = talk.seconds.0 / total_secs;
        }
    }
    talk_times
}

/// What each speaker says when, in the order of the speakers. A word is in the turn of its speaker that is nearest to
/// its middle; words without a time are in none.
pub fn lanes(transcript: &Transcript) -> Vec<Lane<'_>> {
    let turns_of = |label: &str| {
        let turns = transcript.turns.iter().filter(|turn| turn.speaker == label);
        turns.map(|turn| TurnWords { span: turn.span, words: Vec::new() }).collect()
    };
    let speakers = transcript.speakers.iter();
    let mut lanes: Vec<Lane<'_>> =
        speakers.map(|speaker| Lane { label: &speaker.label, turns: turns_of(&speaker.label) }).collect();
    for word in transcript.segments.iter().flat_map(|segment| &segment.words) {
        let lane = lanes.iter_mut().find(|lane| word.speaker.as_deref() == Some(lane.label));
        if let Some(lane) = lane
            && let Some(span) = word.span
            && let Some(turn) = turn_near(&mut lane.turns, f64::midpoint(span.start.0, span.end.0))
        {
            turn.words.push(word);
        }
    }
    lanes
}

/// How much one speaker talks; the share is left open.
fn talk_time(transcript: &Transcript, label: &str) -> TalkTime {
    let spans = || transcript.turns.iter().filter(|turn| turn.speaker == label).map(|turn| turn.span);
    let secs = spans().fold(0.0, |secs, span| secs + span.duration().0);
    TalkTime { seconds: Seconds(secs), share: 0.0, n_turns: spans().count() }
}

/// The turn that a time is in, or that is nearest to it. The turns are those of one speaker, by start.
fn turn_near<'t, 'a>(turns: &'t mut [TurnWords<'a>], secs: f64) -> Option<&'t mut TurnWords<'a>> {
    let after = turns.partition_point(|turn| turn.span.start.0 <= secs);
    let is_nearer_before = match (after.checked_sub(1).map(|before| turns[before].span.end.0), turns.get(after)) {
        (Some(before), Some(after)) => secs - before <= after.span.start.0 - secs,
        (before, _) => before.is_some(),
    };
    turns.get_mut(if is_nearer_before { after - 1 } else { after })
}
