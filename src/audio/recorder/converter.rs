//! From the rate of a device to that of the file, and a little more or less than these rates say, so that two clocks can
//! be kept together. What recordings are decoded to is not made here but in `audio/resample.rs`.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable as _, Async, FixedAsync, Resampler as _, SincInterpolationParameters, WindowFunction};

use super::SoundFormat;

/// Frames converted at once: a few milliseconds.
const BLOCK_FRAMES: usize = 256;
/// Length of the filter, in frames: flat up to about 20 kHz at 48 kHz.
const FILTER_FRAMES: usize = 128;
/// Clocks that differ by more than this are no clocks. Less than this cannot be heard.
pub(super) const MAX_CORRECTION: f64 = 0.005;

/// A converter of one stream.
pub(super) struct Converter {
    inner: Async<f32>,
    n_channels: usize,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Frames of the filter's delay that are still to come out before the sound.
    n_delay_left: usize,
}

impl Converter {
    /// A converter from one rate to another; the channels are those of `to`.
    pub(super) fn new(from_rate_hz: u32, to: SoundFormat) -> Self {
        let n_channels = to.channels();
        let ratio = f64::from(to.rate_hz.get()) / f64::from(from_rate_hz);
        let filter = SincInterpolationParameters::new(FILTER_FRAMES, WindowFunction::BlackmanHarris2);
        let most = 1.0 + 2.0 * MAX_CORRECTION;
        let inner = Async::<f32>::new_sinc(ratio, most, &filter, BLOCK_FRAMES, n_channels, FixedAsync::Input)
            .expect("rates are not zero and a block is not empty");
        let output = vec![0.0; inner.output_frames_max() * n_channels];
        Self { n_delay_left: inner.output_delay(), inner, n_channels, input: Vec::new(), output }
    }

    /// Makes so much more of the sound that comes than the rates say: 0.001 makes 1001 frames of 1000.
    pub(super) fn correct(&mut self, share: f64) {
        let share = share.clamp(-MAX_CORRECTION, MAX_CORRECTION);
        self.inner.set_resample_ratio_relative(1.0 + share, true).expect("twice as much would be allowed");
    }

    /// Takes the next input and appends what is ready by now.
    pub(super) fn push(&mut self, mut input: &[f32], output: &mut Vec<f32>) {
        let n_block_samples = BLOCK_FRAMES * self.n_channels;
        while !input.is_empty() {
            let (now, later) = input.split_at(input.len().min(n_block_samples - self.input.len()));
            self.input.extend_from_slice(now);
            input = later;
            if self.input.len() == n_block_samples {
                self.process(output);
            }
        }
    }

    fn process(&mut self, output: &mut Vec<f32>) {
        let n_most = self.output.len() / self.n_channels;
        let block_in = InterleavedSlice::new(self.input.as_slice(), self.n_channels, BLOCK_FRAMES)
            .expect("the input holds one block");
        let mut block_out = InterleavedSlice::new_mut(self.output.as_mut_slice(), self.n_channels, n_most)
            .expect("the output has room for the longest block");
        let (_, n_frames) = self
            .inner
            .process_into_buffer(&block_in, &mut block_out, None)
            .expect("both buffers have the sizes that were asked for");
        let n_skipped = self.n_delay_left.min(n_frames);
        self.n_delay_left -= n_skipped;
        output.extend_from_slice(&self.output[n_skipped * self.n_channels..n_frames * self.n_channels]);
        self.input.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn a_tone_keeps_its_height_and_place_at_another_rate() {
        let tone = |hz: f64, rate_hz: u32, n: usize| (TAU * hz * n as f64 / f64::from(rate_hz)).sin() as f32 / 2.0;
        for (from_hz, to_hz) in [(44_100, 48_000), (48_000, 44_100), (48_000, 48_000), (16_000, 48_000)] {
            let to = SoundFormat::new(to_hz, 2).expect("not zero");
            let input: Vec<f32> =
                (0..from_hz as usize).flat_map(|n| [tone(440.0, from_hz, n), tone(1000.0, from_hz, n)]).collect();
            let mut output = Vec::new();
            let mut converter = Converter::new(from_hz, to);
            for part in input.chunks(314) {
                converter.push(part, &mut output);
            }
            let n_frames = output.len() / 2;
            assert!(n_frames.abs_diff(to_hz as usize) < 1500, "{from_hz} to {to_hz}: {n_frames}");
            for n in 2000..n_frames - 2000 {
                let error = (output[2 * n] - tone(440.0, to_hz, n)).abs();
                // The delay is a fraction of a frame off where the rates differ.
                assert!(error < 0.05, "{from_hz} to {to_hz}, frame {n}: {error}");
            }
        }
    }

    #[test]
    fn a_correction_makes_more_or_less_of_it() {
        for share in [-0.004, 0.0, 0.004] {
            let mut converter = Converter::new(48_000, SoundFormat::new(48_000, 1).expect("not zero"));
            converter.correct(share);
            let mut output = Vec::new();
            converter.push(&vec![0.1; 480_000], &mut output);
            let expected = 480_000.0 * (1.0 + share);
            assert!((output.len() as f64 - expected).abs() < 600.0, "{share}: {}", output.len());
        }
    }
}
