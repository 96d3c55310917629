//! How often an utterance that goes on is transcribed: about once a second, and more rarely where the machine is too
//! slow for that. Utterances that have ended are always first.

use crate::units::Seconds;

/// Shortest and longest time between two transcripts of an utterance.
const MIN_INTERVAL_SECS: f64 = 1.0;
const MAX_INTERVAL_SECS: f64 = 8.0;
/// A transcript may take this share of the time until the next.
const MAX_SHARE: f64 = 0.5;
/// Captions that are later than this thin out,
const BEHIND_SECS: f64 = 2.0;
/// and those that are not later than this do so no more.
const CAUGHT_UP_SECS: f64 = 1.0;
/// It is said again when they are so much later than when it was said last.
const WORSE_SECS: f64 = 5.0;

/// Keeps the pace.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    interval_secs: f64,
    /// What the last transcript of an utterance that goes on cost.
    cost_secs: f64,
    /// What was said last, while captions are behind.
    said_secs: Option<f64>,
}

impl Pace {
    /// As if the machine were fast.
    pub(super) fn new() -> Self {
        Self { interval_secs: MIN_INTERVAL_SECS, cost_secs: 0.0, said_secs: None }
    }

    /// Time between two transcripts of an utterance.
    pub(super) fn interval(&self) -> Seconds {
        Seconds(self.interval_secs.max(self.cost_secs / MAX_SHARE).min(MAX_INTERVAL_SECS))
    }

    /// Whether there is time for more than is due.
    pub(super) fn has_time(&self) -> bool {
        self.said_secs.is_none()
    }

    /// Notes what a transcript of an utterance that goes on cost.
    pub(super) fn drafted(&mut self, cost: Seconds) {
        self.cost_secs = cost.0;
    }

    /// Notes how late captions are, and says it where the user should know: 0 once they have caught up.
    pub(super) fn note(&mut self, late: Seconds) -> Option<Seconds> {
        if late.0 > BEHIND_SECS {
            self.interval_secs = (self.interval_secs * 2.0).min(MAX_INTERVAL_SECS);
            if self.said_secs.is_none_or(|said_secs| late.0 >= said_secs + WORSE_SECS) {
                self.said_secs = Some(late.0);
                return Some(late);
            }
        } else if late.0 <= CAUGHT_UP_SECS {
            self.interval_secs = (self.interval_secs / 2.0).max(MIN_INTERVAL_SECS);
            if self.interval_secs <= MIN_INTERVAL_SECS && self.said_secs.take().is_some() {
                return Some(Seconds(0.0));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_thin_out_while_they_are_late_and_say_so() {
        let mut pace = Pace::new();
        for (late, expected_interval, expected) in [
            (0.1, 1.0, None),
            (2.5, 2.0, Some(2.5)),
            (3.0, 4.0, None),
            (1.5, 4.0, None),
            (8.0, 8.0, Some(8.0)),
            (9.0, 8.0, None),
            (0.9, 4.0, None),
            (0.5, 2.0, None),
            (0.5, 1.0, Some(0.0)),
            (0.5, 1.0, None),
        ] {
            let said = pace.note(Seconds(late));
            assert_eq!((pace.interval(), said), (Seconds(expected_interval), expected.map(Seconds)), "{late} s late");
        }
        pace.drafted(Seconds(1.5));
        assert_eq!(pace.interval(), Seconds(3.0), "half of the time is left to what is due");
    }
}
