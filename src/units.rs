//! Positions and lengths in time: seconds and 16 kHz samples, and the only conversions between them.
//!
//! Everything after decoding runs at [`SAMPLE_RATE_HZ`], so a [`SampleIdx`] needs no rate beside it.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The rate of all audio inside Hansard, in hertz: what Whisper, wav2vec2, pyannote and ECAPA-TDNN were made for.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

/// A time or a duration in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    /// The sample that this time falls into, rounded down as `int(t * rate)` does in the reference implementations.
    pub fn to_sample(self) -> SampleIdx {
        SampleIdx((self.0.max(0.0) * f64::from(SAMPLE_RATE_HZ)) as usize)
    }

    /// Whole milliseconds, rounded to the nearest.
    pub fn to_millis(self) -> u64 {
        (self.0.max(0.0) * 1000.0).round() as u64
    }

    /// The time rounded to milliseconds, as transcripts state it.
    pub fn rounded_to_millis(self) -> Self {
        Self((self.0 * 1000.0).round() / 1000.0)
    }
}

/// `1:02:03` from one hour on, `2:03` below; whole seconds, rounded down.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole_secs = self.0.max(0.0) as u64;
        let (hours, minutes, secs) = (whole_secs / 3600, whole_secs / 60 % 60, whole_secs % 60);
        if hours > 0 { write!(f, "{hours}:{minutes:02}:{secs:02}") } else { write!(f, "{minutes}:{secs:02}") }
    }
}

/// A position, or a number of samples, in 16 kHz mono audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SampleIdx(pub usize);

impl SampleIdx {
    /// The time at which this sample begins.
    pub fn to_seconds(self) -> Seconds {
        Seconds(self.0 as f64 / f64::from(SAMPLE_RATE_HZ))
    }
}

/// A stretch of time, `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeSpan {
    /// Where it begins.
    pub start: Seconds,
    /// Where it ends.
    pub end: Seconds,
}

impl TimeSpan {
    /// The span from `start_secs` to `end_secs`.
    pub fn from_secs(start_secs: f64, end_secs: f64) -> Self {
        Self { start: Seconds(start_secs), end: Seconds(end_secs) }
    }

    /// Its length.
    pub fn duration(self) -> Seconds {
        Seconds(self.end.0 - self.start.0)
    }

    /// The samples it covers, in a recording of `n_samples`.
    pub fn to_samples(self, n_samples: usize) -> Range<usize> {
        let end = self.end.to_sample().0.min(n_samples);
        self.start.to_sample().0.min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_print_as_a_clock() {
        for (secs, expected) in
            [(0.0, "0:00"), (59.99, "0:59"), (61.0, "1:01"), (3600.0, "1:00:00"), (36_061.5, "10:01:01")]
        {
            assert_eq!(Seconds(secs).to_string(), expected);
        }
    }

    #[test]
    fn spans_stay_inside_the_recording() {
        for (start, end, n_samples, expected) in [
            (0.5, 1.0, 100_000, 8_000..16_000),
            (0.5, 9.0, 16_000, 8_000..16_000),
            (5.0, 9.0, 16_000, 16_000..16_000),
            (-1.0, 0.1, 16_000, 0..1_600),
        ] {
            assert_eq!(TimeSpan::from_secs(start, end).to_samples(n_samples), expected);
        }
    }
}
