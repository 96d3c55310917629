//! Makes sound faster or slower without making it higher or lower: WSOLA (Verhelst and Roelands, "An overlap-add
//! technique based on waveform similarity", ICASSP 1993).
//!
//! The output is made of overlapping pieces of the input. Where a piece is taken from, the speed says; but a piece may
//! lie a little before or after that, where it goes on most like the piece before it. So voices keep their periods, and
//! no piece begins further from its place than [`TOLERANCE_SECS`]. It knows nothing of files and devices.

use std::f64::consts::PI;
use std::num::NonZero;

use super::ring::Frame;

/// Half the length of a piece: some periods of the deepest voice, less than a syllable.
const HOP_SECS: f64 = 0.02;
/// How far a piece may be moved: one period of the deepest voice.
const TOLERANCE_SECS: f64 = 0.01;
/// The first look at all places takes only every so many samples.
const COARSE_STEP: usize = 4;

/// Changes the speed of one stream.
pub(super) struct Stretcher {
    speed: f64,
    n_hop: usize,
    n_tolerance: usize,
    /// The rising half of the window; the falling half is one minus this.
    rising: Vec<f32>,
    /// Input that is still needed,
    input: Vec<Frame>,
    /// its mean over both channels,
    mono: Vec<f32>,
    /// and how much came before it.
    n_dropped: u64,
    /// Where the next piece should begin so that nothing is heard of the joint.
    continuation: u64,
    n_blocks: u64,
}

impl Stretcher {
    /// Plays `speed` times as fast.
    pub(super) fn new(rate_hz: NonZero<u32>, speed: f64) -> Self {
        let to_frames = |secs: f64| ((secs * f64::from(rate_hz.get())).round() as usize).max(COARSE_STEP);
        let n_hop = to_frames(HOP_SECS);
        let rising = |n: usize| (0.5 - 0.5 * (PI * (n as f64 + 0.5) / n_hop as f64).cos()) as f32;
        Self {
            speed,
            n_hop,
            n_tolerance: to_frames(TOLERANCE_SECS),
            rising: (0..n_hop).map(rising).collect(),
            input: Vec::new(),
            mono: Vec::new(),
            n_dropped: 0,
            continuation: 0,
            n_blocks: 0,
        }
    }

    /// Takes the next input and appends to `output` what is ready by now. Frame `n` of all output is the sound around
    /// frame `n * speed` of all input.
    pub(super) fn push(&mut self, frames: &[Frame], output: &mut Vec<Frame>) {
        self.input.extend_from_slice(frames);
        self.mono.extend(frames.iter().map(|[left, right]| f32::midpoint(*left, *right)));
        while self.n_in() >= self.n_needed() {
            self.make_block(output);
        }
    }

    /// Ends the stream and appends the rest of its output.
    pub(super) fn finish(mut self, output: &mut Vec<Frame>) {
        let n_out = (self.n_in() as f64 / self.speed).round() as u64;
        let n_before = output.len() as u64;
        let n_made = self.n_blocks * self.n_hop as u64;
        while self.n_blocks * (self.n_hop as u64) < n_out {
            let n_missing = self.n_needed().saturating_sub(self.n_in()) as usize;
            self.input.resize(self.input.len() + n_missing, [0.0; 2]);
            self.mono.resize(self.mono.len() + n_missing, 0.0);
            self.make_block(output);
        }
        output.truncate((n_before + n_out.saturating_sub(n_made)) as usize);
    }

    fn n_in(&self) -> u64 {
        self.n_dropped + self.input.len() as u64
    }

    /// Where the next piece would begin if it did not matter how it fits.
    fn nominal(&self) -> u64 {
        self.place_of(self.n_blocks)
    }

    fn place_of(&self, block: u64) -> u64 {
        (block as f64 * self.n_hop as f64 * self.speed).round() as u64
    }

    /// Input that the next block takes: up to the end of the piece, wherever it is moved to, and of what it is to be
    /// like. And as much as it stands for, so that the output is never longer than all input gives.
    fn n_needed(&self) -> u64 {
        let furthest = self.nominal() + self.n_tolerance as u64;
        (furthest.max(self.continuation) + self.n_hop as u64).max(self.place_of(self.n_blocks + 1) + 1)
    }

    /// The end of the last piece fades into the beginning of the next.
    fn make_block(&mut self, output: &mut Vec<Frame>) {
        let place = if self.n_blocks == 0 { 0 } else { self.best_place() };
        let (old, new) = (self.idx(self.continuation), self.idx(place));
        let blend = |n: usize| {
            let (rising, [old_left, old_right], [new_left, new_right]) =
                (self.rising[n], self.input[old + n], self.input[new + n]);
            [old_left + rising * (new_left - old_left), old_right + rising * (new_right - old_right)]
        };
        output.extend((0..self.n_hop).map(blend));
        self.continuation = place + self.n_hop as u64;
        self.n_blocks += 1;
        let earliest = self.continuation.min(self.nominal().saturating_sub(self.n_tolerance as u64));
        let n_done = self.idx(earliest).min(self.input.len());
        self.input.drain(..n_done);
        self.mono.drain(..n_done);
        self.n_dropped += n_done as u64;
    }

    /// Where in the input that is still there a frame is.
    fn idx(&self, frame: u64) -> usize {
        frame.saturating_sub(self.n_dropped) as usize
    }

    /// The place around the nominal one from which on the sound is most like that which would go on.
    fn best_place(&self) -> u64 {
        let nominal = self.nominal();
        let first = nominal.saturating_sub(self.n_tolerance as u64).max(self.n_dropped);
        let last = nominal + self.n_tolerance as u64;
        let wanted = &self.mono[self.idx(self.continuation)..][..self.n_hop];
        let likeness_at = |place: u64, step| likeness(wanted, &self.mono[self.idx(place)..][..self.n_hop], step);
        // In a silence, where all places are alike, the nominal one is taken.
        let best_of = |seed: u64, places: &mut dyn Iterator<Item = u64>, step: usize| {
            let mut best = (seed, likeness_at(seed, step));
            for place in places {
                let found = likeness_at(place, step);
                if found > best.1 {
                    best = (place, found);
                }
            }
            best.0
        };
        let about = best_of(nominal, &mut (first..=last).step_by(COARSE_STEP), COARSE_STEP);
        let around = COARSE_STEP as u64 - 1;
        best_of(about, &mut (about.saturating_sub(around).max(first)..=(about + around).min(last)), 1)
    }
}

/// How like each other two stretches of sound are, whatever their loudness, by every `step`th sample.
fn likeness(wanted: &[f32], found: &[f32], step: usize) -> f32 {
    let (mut product, mut energy) = (0.0, 1e-9_f32);
    for (a, b) in wanted.iter().step_by(step).zip(found.iter().step_by(step)) {
        product += a * b;
        energy += b * b;
    }
    product / energy.sqrt()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    const RATE_HZ: NonZero<u32> = NonZero::new(16_000).expect("not zero");

    fn stretched(input: &[Frame], speed: f64, n_part: usize) -> Vec<Frame> {
        let (mut stretcher, mut output) = (Stretcher::new(RATE_HZ, speed), Vec::new());
        for part in input.chunks(n_part) {
            stretcher.push(part, &mut output);
        }
        stretcher.finish(&mut output);
        output
    }

    fn tone(hz: f64, n_frames: usize) -> Vec<Frame> {
        let at = |n: usize| (TAU * hz * n as f64 / f64::from(RATE_HZ.get())).sin() as f32 / 2.0;
        (0..n_frames).map(|n| [at(n), at(n) / 2.0]).collect()
    }

    #[test]
    fn a_tone_lasts_longer_or_shorter_and_keeps_its_height() {
        for hz in [110.0, 440.0, 1234.0] {
            let input = tone(hz, 48_000);
            for speed in [0.5, 0.75, 1.25, 2.0, 3.0] {
                let output = stretched(&input, speed, 777);
                assert_eq!(output.len(), (48_000.0 / speed).round() as usize, "{speed} times");
                // At the end, silence fades in.
                let inside = &output[..output.len() - 1600];
                let n_crossings = inside.windows(2).filter(|pair| (pair[0][0] < 0.0) != (pair[1][0] < 0.0)).count();
                let found_hz = n_crossings as f64 / 2.0 * 16_000.0 / inside.len() as f64;
                assert!((found_hz / hz - 1.0).abs() < 0.02, "{hz} Hz, {speed} times: {found_hz} Hz");
                let loudest = inside.iter().map(|frame| frame[0].abs()).fold(0.0, f32::max);
                assert!(loudest > 0.45 && loudest < 0.51, "{hz} Hz, {speed} times: {loudest}");
                assert!(inside.iter().all(|[left, right]| (left / 2.0 - right).abs() < 1e-6), "channels stay together");
            }
        }
    }

    #[test]
    fn everything_stays_near_its_place() {
        // A short beep in every second.
        let mut input = vec![[0.0; 2]; 80_000];
        for second in 0..5 {
            input[second * 16_000 + 8_000..][..800].copy_from_slice(&tone(1000.0, 800));
        }
        for speed in [0.5, 1.5, 3.0] {
            let output = stretched(&input, speed, 4096);
            for second in 0..5 {
                let expected = (f64::from(second) + 0.525) / speed;
                let from = ((expected - 0.2 / speed) * 16_000.0) as usize;
                let nearby = &output[from..((expected + 0.2 / speed) * 16_000.0) as usize];
                let energy: f64 = nearby.iter().map(|frame| f64::from(frame[0]).powi(2)).sum();
                let centre: f64 =
                    nearby.iter().enumerate().map(|(n, frame)| n as f64 * f64::from(frame[0]).powi(2)).sum();
                let found = (from as f64 + centre / energy) / 16_000.0;
                assert!((found - expected).abs() < 0.04, "{speed} times: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn it_does_not_matter_how_the_input_is_cut() {
        let input = tone(300.0, 20_000);
        let whole = stretched(&input, 1.7, 20_000);
        for n_part in [1, 13, 320, 5000] {
            assert!(stretched(&input, 1.7, n_part) == whole, "parts of {n_part}");
        }
        assert!(stretched(&[], 2.0, 1).is_empty());
        assert_eq!(stretched(&tone(300.0, 5), 0.5, 1).len(), 10);
    }
}
