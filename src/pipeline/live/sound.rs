//! The last sound that came, by its place in the recording, and when it came.

use std::collections::VecDeque;
use std::ops::Range;

use crate::units::{SAMPLE_RATE_HZ, Seconds};

/// Whatever is asked for, no more than this is kept: two minutes, 8 MB.
const MAX_SAMPLES: usize = 120 * SAMPLE_RATE_HZ as usize;
/// What is not needed any more goes when it is so much: to move the rest costs time.
const SLACK_SAMPLES: usize = 5 * SAMPLE_RATE_HZ as usize;

/// Sound, from some place on.
#[derive(Debug, Default)]
pub(super) struct Sound {
    samples: Vec<f32>,
    /// The place of the first of them.
    first: usize,
    /// Where each piece ended that came, and when it came.
    arrivals: VecDeque<(usize, Seconds)>,
}

impl Sound {
    /// Takes sound that has come by `now`.
    pub(super) fn push(&mut self, samples: &[f32], now: Seconds) {
        self.samples.extend_from_slice(samples);
        let end = self.end();
        match self.arrivals.back_mut() {
            Some(last) if last.1 == now => last.0 = end,
            Some(_) | None => self.arrivals.push_back((end, now)),
        }
        if self.samples.len() > MAX_SAMPLES + SLACK_SAMPLES {
            self.forget_before(end - MAX_SAMPLES);
        }
    }

    /// The place after the last sample.
    pub(super) fn end(&self) -> usize {
        self.first + self.samples.len()
    }

    /// The place of the first sample that is kept.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// The samples of a range, as far as they are kept.
    pub(super) fn read(&self, range: Range<usize>) -> &[f32] {
        let end = range.end.clamp(self.first, self.end());
        let start = range.start.clamp(self.first, end);
        &self.samples[start - self.first..end - self.first]
    }

    /// When all before a place had come. What is forgotten came with the first that is not.
    pub(super) fn arrival(&self, place: usize) -> Seconds {
        let piece = self.arrivals.partition_point(|(end, _)| *end < place);
        let piece = self.arrivals.get(piece).or_else(|| self.arrivals.back());
        piece.map_or(Seconds(0.0), |(_, now)| *now)
    }

    /// Nobody will ask for what lies before a place.
    pub(super) fn forget_before(&mut self, place: usize) {
        let n_samples = place.saturating_sub(self.first).min(self.samples.len());
        if n_samples < SLACK_SAMPLES {
            return;
        }
        self.samples.drain(..n_samples);
        self.first += n_samples;
        while self.arrivals.front().is_some_and(|(end, _)| *end < self.first) {
            self.arrivals.pop_front();
        }
    }

    /// Samples that are kept.
    pub(super) fn n_kept(&self) -> usize {
        self.samples.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_found_by_its_place_and_does_not_pile_up() {
        let mut sound = Sound::default();
        let rate = SAMPLE_RATE_HZ as usize;
        for second in 0..600 {
            sound.push(&vec![second as f32; rate], Seconds(second as f64 + 1.5));
            if second < 300 {
                sound.forget_before((second * rate).saturating_sub(10 * rate));
                assert!(sound.n_kept() <= 16 * rate);
            }
            assert!(sound.n_kept() <= 126 * rate && sound.arrivals.len() <= 127);
        }
        let end = 600 * rate;
        assert_eq!(sound.end(), end);
        assert!(sound.read(end - rate - 1..end - rate + 1).iter().copied().eq([598.0, 599.0]));
        assert_eq!((sound.read(0..5).len(), sound.read(end..end + 9).len()), (0, 0));
        for (place, expected) in [(end - rate, 599.5), (end - rate + 1, 600.5), (end, 600.5), (end + 9, 600.5)] {
            assert_eq!(sound.arrival(place), Seconds(expected), "{place}");
        }
    }
}
