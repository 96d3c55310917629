//! What of a recording is played, and in which order: all of it, or only where somebody speaks, or one part again and
//! again. Pure arithmetic on frames.

use std::ops::Range;

use crate::units::TimeSpan;

/// Around speech, this much is played too, so that no word is cut;
const BEFORE_SPEECH_SECS: f64 = 0.1;
const AFTER_SPEECH_SECS: f64 = 0.2;
/// and shorter pauses are played: skipping them would save nothing and make people breathless.
const SHORTEST_SKIPPED_SECS: f64 = 0.5;
/// A shorter part cannot be listened to.
const SHORTEST_LOOP_SECS: f64 = 0.05;

/// The way through a recording. In frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// Where there is something to hear, in order and apart from each other; `None` for everywhere.
    audible: Option<Vec<Range<u64>>>,
    /// What is played again and again.
    looped: Option<Range<u64>>,
}

/// Frames that are played in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// The first.
    pub(super) start: u64,
    /// The first that is not played; `None`: they go on to the end of the recording.
    pub(super) end: Option<u64>,
}

impl Route {
    /// Only what lies around speech is played; `None`: everything.
    pub(super) fn set_speech(&mut self, speech: Option<&[TimeSpan]>, rate: f64) {
        self.audible = speech.map(|spans| around(spans, rate));
    }

    /// This part is played again and again. One that is too short is taken for none.
    pub(super) fn set_loop(&mut self, part: Option<TimeSpan>, rate: f64) {
        let part = part.filter(|part| part.duration().0 >= SHORTEST_LOOP_SECS);
        self.looped = part.map(|part| to_frame(part.start.0, rate)..to_frame(part.end.0, rate));
    }

    /// Whether it has no end.
    pub(super) fn is_looped(&self) -> bool {
        self.looped.is_some()
    }

    /// Where playing goes on that has come to this frame; `None`: nowhere.
    pub(super) fn next(&self, at: u64) -> Option<Leg> {
        let Some(looped) = &self.looped else {
            return match &self.audible {
                None => Some(Leg { start: at, end: None }),
                Some(audible) => first_leg(audible, at, u64::MAX),
            };
        };
        let start = if at < looped.end { at } else { looped.start };
        let whole = Leg { start, end: Some(looped.end) };
        let Some(audible) = &self.audible else { return Some(whole) };
        let leg = first_leg(audible, start, looped.end).or_else(|| first_leg(audible, looped.start, looped.end));
        // Whoever loops a silence wants to hear it.
        Some(leg.unwrap_or(whole))
    }
}

/// The first audible frames from `at` on that begin before `end`, cut there.
fn first_leg(audible: &[Range<u64>], at: u64, end: u64) -> Option<Leg> {
    let span = audible.get(audible.partition_point(|span| span.end <= at))?;
    let start = span.start.max(at);
    (start < end).then(|| Leg { start, end: Some(span.end.min(end)) })
}

/// Speech with something around it, in order, joined where little lies between.
fn around(spans: &[TimeSpan], rate: f64) -> Vec<Range<u64>> {
    let mut spans: Vec<TimeSpan> = spans.iter().filter(|span| span.end.0 > span.start.0).copied().collect();
    spans.sort_by(|a, b| a.start.0.total_cmp(&b.start.0));
    let mut joined: Vec<TimeSpan> = Vec::new();
    for span in spans {
        let span = TimeSpan::from_secs(span.start.0 - BEFORE_SPEECH_SECS, span.end.0 + AFTER_SPEECH_SECS);
        match joined.last_mut() {
            Some(last) if span.start.0 - last.end.0 < SHORTEST_SKIPPED_SECS => last.end.0 = last.end.0.max(span.end.0),
            _ => joined.push(span),
        }
    }
    joined.iter().map(|span| to_frame(span.start.0, rate)..to_frame(span.end.0, rate)).collect()
}

/// The frame at this time; times before the beginning are the beginning.
pub(super) fn to_frame(secs: f64, rate: f64) -> u64 {
    (secs * rate).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The legs that are played from a frame on, the first four of them, at 100 frames a second.
    fn legs(speech: Option<&[(f64, f64)]>, looped: Option<(f64, f64)>, from: u64) -> Vec<(u64, Option<u64>)> {
        let mut route = Route::default();
        let spans: Option<Vec<TimeSpan>> =
            speech.map(|spans| spans.iter().map(|(start, end)| TimeSpan::from_secs(*start, *end)).collect());
        route.set_speech(spans.as_deref(), 100.0);
        route.set_loop(looped.map(|(start, end)| TimeSpan::from_secs(start, end)), 100.0);
        let (mut at, mut found) = (from, Vec::new());
        while let (true, Some(leg)) = (found.len() < 4, route.next(at)) {
            found.push((leg.start, leg.end));
            let Some(end) = leg.end else { break };
            at = end;
        }
        found
    }

    #[test]
    fn silence_is_left_out_and_loops_begin_again() {
        let speech: &[(f64, f64)] = &[(9.0, 9.5), (1.0, 2.0), (2.4, 3.0), (5.0, 6.0), (5.5, 5.7)];
        assert_eq!(legs(None, None, 70), [(70, None)]);
        assert_eq!(legs(Some(speech), None, 0), [(90, Some(320)), (490, Some(620)), (890, Some(970))]);
        assert_eq!(legs(Some(speech), None, 500), [(500, Some(620)), (890, Some(970))]);
        assert!(legs(Some(speech), None, 970).is_empty());
        assert!(legs(Some(&[]), None, 0).is_empty());
        let again = [(100, Some(300)); 3];
        assert_eq!(legs(None, Some((1.0, 3.0)), 50), [&[(50, Some(300))][..], &again[..]].concat());
        assert_eq!(legs(None, Some((1.0, 3.0)), 900)[..3], again);
        assert_eq!(legs(None, Some((1.0, 1.01)), 900), [(900, None)], "too short");
        let both = [(300, Some(320)), (490, Some(550)), (300, Some(320)), (490, Some(550))];
        assert_eq!(legs(Some(speech), Some((3.0, 5.5)), 300), both);
        assert_eq!(legs(Some(speech), Some((7.0, 8.0)), 700)[..2], [(700, Some(800)); 2], "a silence");
    }
}
