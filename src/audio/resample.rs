//! Turns samples of any rate into samples at 16 kHz, piece by piece, without shifting them in time.
//!
//! Sample `n` of the output is the sound at `n / 16000` seconds, and there are `ceil(n_in * 16000 / rate)` of them: as
//! many as lie before the end of the input. Input that has 16 kHz already comes out bit by bit as it went in. It knows
//! nothing of channels: mixing down comes before it.

use std::num::NonZero;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::units::SAMPLE_RATE_HZ;

/// The shortest block of the Fourier transform, in samples on the side with fewer of them.
///
/// The low-pass is as long as a block: with 1024 samples and a Blackman-Harris window it is flat within 0.01 dB up to
/// 98 % of the highest frequency that both rates can hold (7.87 of 8 kHz) and lets less than -100 dB through beyond it.
const TO_HZ: NonZero<u32> = NonZero::new(SAMPLE_RATE_HZ).expect("not zero");
const MIN_BLOCK_SAMPLES: usize = 1024;

/// A resampler for one stream.
#[derive(Debug)]
pub struct Resampler {
    rate_hz: NonZero<u32>,
    n_in: u64,
    /// `None` where there is nothing to do, at 16 kHz.
    blocks: Option<Blocks>,
}

impl Resampler {
    /// A resampler from `rate_hz` to 16 kHz.
    pub fn new(rate_hz: NonZero<u32>) -> Self {
        Self { rate_hz, n_in: 0, blocks: (rate_hz.get() != SAMPLE_RATE_HZ).then(|| Blocks::new(rate_hz, TO_HZ)) }
    }

    /// The rate of its input.
    pub fn rate_hz(&self) -> NonZero<u32> {
        self.rate_hz
    }

    /// Takes the next input and appends to `output` what is ready by now.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.n_in += input.len() as u64;
        match &mut self.blocks {
            None => output.extend_from_slice(input),
            Some(blocks) => blocks.push(input, output),
        }
    }

    /// Ends the stream and appends the rest of its output.
    pub fn finish(self, output: &mut Vec<f32>) {
        if let Some(blocks) = self.blocks {
            let n_out = (self.n_in * u64::from(SAMPLE_RATE_HZ)).div_ceil(u64::from(self.rate_hz.get()));
            blocks.finish(n_out, output);
        }
    }
}

/// The stream cut into blocks that the Fourier transform takes, and its delay taken out again.
#[derive(Debug)]
pub(super) struct Blocks {
    fft: Fft<f32>,
    n_block_in: usize,
    /// Input that does not fill a block yet.
    input: Vec<f32>,
    /// The output of one block.
    output: Vec<f32>,
    /// How much of the filter's delay is still to come out before the first sample.
    n_delay_left: usize,
    n_out: u64,
}

impl Blocks {
    /// Blocks of a stream that goes from one rate to another.
    pub(super) fn new(from_hz: NonZero<u32>, to_hz: NonZero<u32>) -> Self {
        let (rate_in, rate_out) = (from_hz.get() as usize, to_hz.get() as usize);
        let divisor = greatest_common_divisor(rate_in, rate_out);
        let (unit_in, unit_out) = (rate_in / divisor, rate_out / divisor);
        // The delay is half a block. An even number of units makes that a whole number of samples on both sides, and
        // the output falls on the grid of the input exactly.
        let n_units = MIN_BLOCK_SAMPLES.div_ceil(unit_in.min(unit_out)).next_multiple_of(2);
        let (n_block_in, n_block_out) = (n_units * unit_in, n_units * unit_out);
        let window = WindowFunction::BlackmanHarris;
        let fft = Fft::<f32>::new_custom(rate_in, rate_out, n_block_in, 1, 1, window, FixedSync::Both)
            .expect("neither rate is zero and a block is not empty");
        debug_assert_eq!((fft.fft_size_in(), fft.fft_size_out()), (n_block_in, n_block_out));
        Self {
            n_delay_left: fft.output_delay(),
            fft,
            n_block_in,
            input: Vec::with_capacity(n_block_in),
            output: vec![0.0; n_block_out],
            n_out: 0,
        }
    }

    pub(super) fn push(&mut self, mut input: &[f32], output: &mut Vec<f32>) {
        while !input.is_empty() {
            let (now, later) = input.split_at(input.len().min(self.n_block_in - self.input.len()));
            self.input.extend_from_slice(now);
            input = later;
            if self.input.len() == self.n_block_in {
                self.process(output);
            }
        }
    }

    /// Feeds silence until all `n_out` samples are out. Only this can bring out more than that, because before it the
    /// output lags behind the input by the delay.
    pub(super) fn finish(mut self, n_out: u64, output: &mut Vec<f32>) {
        while self.n_out < n_out {
            self.input.resize(self.n_block_in, 0.0);
            self.process(output);
        }
        output.truncate(output.len() - (self.n_out - n_out) as usize);
    }

    fn process(&mut self, output: &mut Vec<f32>) {
        let n_block_out = self.output.len();
        let block_in = InterleavedSlice::new(self.input.as_slice(), 1, self.n_block_in)
            .expect("the input holds one block of one channel");
        let mut block_out = InterleavedSlice::new_mut(self.output.as_mut_slice(), 1, n_block_out)
            .expect("the output holds one block of one channel");
        self.fft
            .process_into_buffer(&block_in, &mut block_out, None)
            .expect("both buffers have the size that the transform was made for");
        let n_skipped = self.n_delay_left.min(n_block_out);
        self.n_delay_left -= n_skipped;
        self.n_out += (n_block_out - n_skipped) as u64;
        output.extend_from_slice(&self.output[n_skipped..]);
        self.input.clear();
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{PI, TAU};

    use proptest::prelude::*;

    use super::*;

    const RATES_HZ: [u32; 9] = [8000, 11_025, 12_345, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000];

    fn resample_in_parts<'a>(rate_hz: u32, parts: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
        let mut resampler = Resampler::new(NonZero::new(rate_hz).expect("not zero"));
        let mut output = Vec::new();
        for part in parts {
            resampler.push(part, &mut output);
        }
        resampler.finish(&mut output);
        output
    }

    fn resample(rate_hz: u32, input: &[f32]) -> Vec<f32> {
        resample_in_parts(rate_hz, [input])
    }

    /// The slow formula (Shannon): the sound at time `t` is `sum over m of x[m] * sinc(t * rate - m)`. The sum is cut
    /// off by a Blackman-Harris window of 128 samples, which is exact enough for sound below 85 % of the highest
    /// frequency that the rate can hold.
    fn interpolate(input: &[f32], rate_hz: u32) -> Vec<f64> {
        const HALF_WIDTH: i64 = 64;
        let n_out = (input.len() as u64 * 16_000).div_ceil(u64::from(rate_hz));
        let kernel = |x: f64| {
            let phase = PI * (x / HALF_WIDTH as f64 + 1.0);
            let window =
                0.358_75 - 0.488_29 * phase.cos() + 0.141_28 * (2.0 * phase).cos() - 0.011_68 * (3.0 * phase).cos();
            if x.abs() < 1e-12 { 1.0 } else { window * (PI * x).sin() / (PI * x) }
        };
        let at = |n: u64| {
            let position = n as f64 * f64::from(rate_hz) / 16_000.0;
            let nearest = position.round() as i64;
            let first = (nearest - HALF_WIDTH + 1).max(0);
            let end = (nearest + HALF_WIDTH).min(input.len() as i64);
            (first..end).map(|m| f64::from(input[m as usize]) * kernel(position - m as f64)).sum()
        };
        (0..n_out).map(at).collect()
    }

    /// Four tones below 85 % of what both rates can hold, which swell and fade, so that nothing is cut off at the ends.
    fn tones(rate_hz: u32, n_samples: usize, heights: &[f64; 4], phases: &[f64; 4]) -> Vec<f32> {
        let highest_hz = 0.85 * f64::from(rate_hz.min(16_000)) / 2.0 - 20.0;
        let at = |n: usize| {
            let swell = (PI * (n as f64 + 0.5) / n_samples as f64).sin().powi(2);
            let tone = |(height, phase): (&f64, &f64)| {
                (TAU * height * highest_hz * n as f64 / f64::from(rate_hz) + phase).sin() / 4.0
            };
            (swell * heights.iter().zip(phases).map(tone).sum::<f64>()) as f32
        };
        (0..n_samples).map(at).collect()
    }

    fn decibels(samples: &[f32]) -> f64 {
        let mean = samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len() as f64;
        10.0 * mean.max(1e-30).log10()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_equals_the_slow_formula(
            rate_hz in prop::sample::select(RATES_HZ.to_vec()),
            secs in 0.1..0.4_f64,
            heights in prop::array::uniform4(0.01..1.0_f64),
            phases in prop::array::uniform4(0.0..TAU),
        ) {
            let input = tones(rate_hz, (secs * f64::from(rate_hz)) as usize, &heights, &phases);
            let expected = interpolate(&input, rate_hz);
            let output = resample(rate_hz, &input);
            prop_assert_eq!(output.len(), expected.len());
            for (n, (sample, expected)) in output.iter().zip(&expected).enumerate() {
                prop_assert!((f64::from(*sample) - expected).abs() < 3e-4, "{rate_hz} Hz, {n}: {sample}, {expected}");
            }
        }

        #[test]
        fn it_does_not_matter_how_the_input_is_cut(
            rate_hz in prop::sample::select(RATES_HZ.to_vec()),
            input in prop::collection::vec(-1.0..1.0_f32, 0..9000),
            part_len in 1..5000_usize,
        ) {
            prop_assert_eq!(resample_in_parts(rate_hz, input.chunks(part_len)), resample(rate_hz, &input));
        }
    }

    #[test]
    fn the_output_ends_where_the_input_ends() {
        for rate_hz in RATES_HZ.into_iter().chain([1000, 1001, 44_099, 768_000]) {
            for n_in in [0, 1, 2, 160, 1023, 1024, 30_000] {
                let n_out = resample(rate_hz, &vec![0.5; n_in]).len();
                assert_eq!(n_out, (n_in * 16_000).div_ceil(rate_hz as usize), "{n_in} samples at {rate_hz} Hz");
            }
        }
    }

    #[test]
    fn samples_at_16_khz_pass_unchanged() {
        let input: Vec<f32> = (0..40_000_i32).map(|n| (n * 7919 % 65_536 - 32_768) as f32 / 32_768.0).collect();
        assert_eq!(resample_in_parts(16_000, input.chunks(777)), input);
    }

    #[test]
    fn what_16_khz_cannot_hold_is_gone_and_the_rest_is_untouched() {
        let kept_hz = [100.0, 3000.0, 7200.0, 7800.0].map(|hz| (hz, true));
        let gone_hz = [8050.0, 9000.0, 15_900.0].map(|hz| (hz, false));
        for (tone_hz, is_kept) in kept_hz.into_iter().chain(gone_hz) {
            let input: Vec<f32> = (0..96_000).map(|n| (TAU * tone_hz * f64::from(n) / 48_000.0).sin() as f32).collect();
            let output = resample(48_000, &input);
            // Away from the ends, where a tone that starts at once is not one frequency only.
            let gain_db = decibels(&output[4000..28_000]) - decibels(&input);
            let is_right = if is_kept { gain_db.abs() < 0.02 } else { gain_db < -90.0 };
            assert!(is_right, "{tone_hz} Hz: {gain_db} dB");
        }
    }
}
