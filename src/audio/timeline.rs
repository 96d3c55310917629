//! Turns what a container says about times into a place for each packet's frames: what of them is the encoder's run-up
//! and is dropped, and how much silence stands in for what is missing before them.
//!
//! Decoders put out more than was recorded: their first frames are run-up, their last padding. And containers leave
//! things out: damaged packets, pauses in a call. Whoever just joins packets ends up with words at wrong times. Pure
//! arithmetic; it reads no file and knows no codec.

use std::num::NonZero;

/// A longer gap is a jump of the clock rather than missing sound, and is closed up.
const MAX_GAP_SECS: f64 = 600.0;
/// No more silence than this is put into one recording, whatever a damaged file claims.
const MAX_SILENCE_SECS: f64 = 3600.0;

/// What a container says about the times of a track. All are on the track's own clock, but for `lead_secs`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrackTimes {
    /// Where the recording begins.
    pub(super) begin: Begin,
    /// Where it ends; `None` where only the last packet tells.
    pub(super) end_secs: Option<f64>,
    /// Silence before the beginning.
    pub(super) lead_secs: f64,
    /// How far its timestamps can be trusted.
    pub(super) clock: Clock,
}

/// Where on the clock of a track the recording begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Begin {
    /// At this time, as an edit list says.
    At(f64),
    /// This long after the first frame that the decoder puts out.
    AfterFirst(f64),
    /// At zero if there are frames before it, which are run-up; else with the first frame.
    FirstOrZero,
    /// At zero, also when the first frame comes later: this is the sound of a video.
    Zero,
}

/// How precise the timestamps of packets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// They count frames, so every gap is one.
    Exact,
    /// They are rounded, or wander against the clock of the sound: only what nobody would round away is a gap.
    Rounded,
}

impl Clock {
    fn shortest_gap_secs(self) -> f64 {
        match self {
            Self::Exact => 0.005,
            Self::Rounded => 0.25,
        }
    }
}

/// What becomes of the frames of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Frames of silence before them.
    pub(super) n_silent: usize,
    /// How many of the first frames are dropped.
    pub(super) n_skipped: usize,
    /// How many of those that follow are kept.
    pub(super) n_kept: usize,
}

/// The frames of one packet as the decoder puts them out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames {
    /// Time of the first on the clock of the track; `None` where the container has no clock.
    pub(super) at_secs: Option<f64>,
    /// How many there are.
    pub(super) n_frames: usize,
    /// How many of the last are padding.
    pub(super) n_padding: usize,
    /// Their rate.
    pub(super) rate_hz: NonZero<u32>,
}

/// The places given out so far.
#[derive(Debug)]
pub(super) struct Timeline {
    times: TrackTimes,
    /// Where the recording begins on the clock of the track; known from the first packet on.
    origin_secs: Option<f64>,
    /// How far the decoder is, from the origin; negative during the run-up.
    cursor_secs: f64,
    silence_secs: f64,
    /// Gaps inside the recording.
    n_gaps: usize,
}

impl Timeline {
    /// The timeline of a track of which no packet is decoded yet.
    pub(super) fn new(times: TrackTimes) -> Self {
        Self { times, origin_secs: None, cursor_secs: 0.0, silence_secs: 0.0, n_gaps: 0 }
    }

    /// How many gaps were filled with silence.
    pub(super) fn n_gaps(&self) -> usize {
        self.n_gaps
    }

    /// Gives the next frames their place.
    pub(super) fn place(&mut self, frames: Frames) -> Place {
        let rate_hz = f64::from(frames.rate_hz.get());
        // Negative lengths become zero.
        let to_frames = |secs: f64| (secs * rate_hz).round() as usize;
        let at_secs = frames.at_secs.or(self.origin_secs.map(|origin_secs| origin_secs + self.cursor_secs));
        let at_secs = at_secs.unwrap_or(0.0);
        let mut n_silent = 0;
        let origin_secs = if let Some(origin_secs) = self.origin_secs {
            let gap_secs = at_secs - origin_secs - self.cursor_secs;
            if gap_secs < self.times.clock.shortest_gap_secs() {
                origin_secs
            } else if gap_secs <= MAX_GAP_SECS && self.takes_silence(gap_secs) {
                n_silent += to_frames(gap_secs);
                self.cursor_secs += gap_secs;
                self.n_gaps += 1;
                origin_secs
            } else {
                origin_secs + gap_secs
            }
        } else {
            let origin_secs = self.origin(at_secs);
            let lead_secs = self.times.lead_secs + (at_secs - origin_secs).max(0.0);
            if lead_secs <= MAX_GAP_SECS && self.takes_silence(lead_secs) {
                n_silent += to_frames(lead_secs);
            }
            self.cursor_secs = at_secs - origin_secs;
            origin_secs
        };
        self.origin_secs = Some(origin_secs);
        let n_skipped = to_frames(-self.cursor_secs).min(frames.n_frames);
        self.cursor_secs += frames.n_frames as f64 / rate_hz;
        let n_after_end =
            self.times.end_secs.map_or(0, |end_secs| to_frames(self.cursor_secs - (end_secs - origin_secs)));
        let n_dropped = n_after_end.max(frames.n_padding);
        let n_kept = frames.n_frames.saturating_sub(n_skipped).saturating_sub(n_dropped);
        Place { n_silent, n_skipped, n_kept }
    }

    /// Gives frames that could not be decoded their place, where silence is to be; none if there is too much already.
    pub(super) fn place_lost(&mut self, frames: Frames) -> Place {
        if self.takes_silence(frames.n_frames as f64 / f64::from(frames.rate_hz.get())) {
            self.place(frames)
        } else {
            Place { n_silent: 0, n_skipped: 0, n_kept: 0 }
        }
    }

    fn origin(&self, first_secs: f64) -> f64 {
        match self.times.begin {
            Begin::At(secs) => secs,
            Begin::AfterFirst(secs) => first_secs + secs,
            Begin::FirstOrZero => first_secs.max(0.0),
            Begin::Zero if first_secs <= MAX_GAP_SECS => 0.0,
            Begin::Zero => first_secs,
        }
    }

    fn takes_silence(&mut self, secs: f64) -> bool {
        let fits = self.silence_secs + secs <= MAX_SILENCE_SECS;
        if fits {
            self.silence_secs += secs;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: NonZero<u32> = NonZero::new(1000).expect("not zero");

    /// Places packets of 100 frames, given their times in milliseconds, at 1000 frames per second.
    fn place_all(times: TrackTimes, packets_ms: &[i32]) -> Vec<(usize, usize, usize)> {
        let mut timeline = Timeline::new(times);
        let place = |at_ms: &i32| {
            let at_secs = Some(f64::from(*at_ms) / 1000.0);
            let place = timeline.place(Frames { at_secs, n_frames: 100, n_padding: 0, rate_hz: RATE_HZ });
            (place.n_silent, place.n_skipped, place.n_kept)
        };
        packets_ms.iter().map(place).collect()
    }

    fn times(begin: Begin, clock: Clock) -> TrackTimes {
        TrackTimes { begin, end_secs: None, lead_secs: 0.0, clock }
    }

    #[test]
    fn run_up_is_dropped_and_late_sound_of_videos_waits() {
        for (begin, packets_ms, expected) in [
            (Begin::FirstOrZero, [0, 100], [(0, 0, 100), (0, 0, 100)]),
            (Begin::FirstOrZero, [-130, -30], [(0, 100, 0), (0, 30, 70)]),
            (Begin::FirstOrZero, [5000, 5100], [(0, 0, 100), (0, 0, 100)]),
            (Begin::Zero, [5000, 5100], [(5000, 0, 100), (0, 0, 100)]),
            (Begin::Zero, [900_000, 900_100], [(0, 0, 100), (0, 0, 100)]),
            (Begin::AfterFirst(0.02), [0, 100], [(0, 20, 80), (0, 0, 100)]),
            (Begin::AfterFirst(0.13), [-7, 93], [(0, 100, 0), (0, 30, 70)]),
            (Begin::At(0.12), [0, 100], [(0, 100, 0), (0, 20, 80)]),
        ] {
            for clock in [Clock::Exact, Clock::Rounded] {
                assert_eq!(place_all(times(begin, clock), &packets_ms), expected, "{begin:?}, {clock:?}");
            }
        }
    }

    #[test]
    fn gaps_become_silence_and_jumps_do_not() {
        for (clock, packets_ms, expected) in [
            (Clock::Exact, [0, 100, 250], [0, 0, 50]),
            (Clock::Rounded, [0, 100, 250], [0, 0, 0]),
            (Clock::Rounded, [0, 100, 1200], [0, 0, 1000]),
            (Clock::Exact, [0, 3000, 3100], [0, 2900, 0]),
            (Clock::Exact, [0, 3_600_000, 3_600_150], [0, 0, 50]),
            (Clock::Exact, [0, 50, 100], [0, 0, 0]),
        ] {
            let silent: Vec<usize> =
                place_all(times(Begin::FirstOrZero, clock), &packets_ms).iter().map(|place| place.0).collect();
            assert_eq!(silent, expected, "{clock:?}, {packets_ms:?}");
        }
    }

    #[test]
    fn no_file_gets_more_than_an_hour_of_silence() {
        let packets_ms: Vec<i32> = (0..100).map(|n| n * 500_000).collect();
        let n_silent: usize =
            place_all(times(Begin::FirstOrZero, Clock::Exact), &packets_ms).iter().map(|place| place.0).sum();
        assert!((3_000_000..=3_600_000).contains(&n_silent), "{n_silent}");
    }

    #[test]
    fn what_lies_after_the_end_is_dropped() {
        let edited = TrackTimes { begin: Begin::At(0.03), end_secs: Some(0.25), lead_secs: 0.5, clock: Clock::Exact };
        let expected = [(500, 30, 70), (0, 0, 100), (0, 0, 50), (0, 0, 0)];
        assert_eq!(place_all(edited, &[0, 100, 200, 300]), expected);
    }
}
