//! How loud a recording is, for the eye: the highest sample, the mean power, and whether it was too loud.

/// From here on samples are as high as 16 bits can tell: the sound is cut off.
const CLIPPED: f32 = 32_766.5 / 32_768.0;

/// How loud a channel was for a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The highest sample, 0 to 1 and more.
    pub peak: f32,
    /// Root of the mean square, 0 to 1.
    pub rms: f32,
    /// Samples that were cut off.
    pub n_clipped: u64,
}

/// Measures a channel.
#[derive(Clone, Debug, Default)]
pub(super) struct LevelMeter {
    peak: f32,
    square_sum: f64,
    n_samples: u64,
    n_clipped: u64,
}

impl LevelMeter {
    /// Takes in samples.
    pub(super) fn measure(&mut self, samples: impl Iterator<Item = f32>) {
        for sample in samples {
            let height = sample.abs();
            self.peak = self.peak.max(height);
            self.square_sum += f64::from(height).powi(2);
            self.n_samples += 1;
            self.n_clipped += u64::from(height >= CLIPPED);
        }
    }

    /// The level since this was last asked.
    pub(super) fn take(&mut self) -> Level {
        let Self { peak, square_sum, n_samples, n_clipped } = std::mem::take(self);
        Level { peak, rms: (square_sum / n_samples.max(1) as f64).sqrt() as f32, n_clipped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_formula() {
        let mut meter = LevelMeter::default();
        for (samples, peak, rms, n_clipped) in [
            (&[][..], 0.0, 0.0, 0),
            (&[0.5, -0.5], 0.5, 0.5, 0),
            (&[0.0, 0.0, -0.8, 0.0], 0.8, 0.4, 0),
            (&[1.0, -1.0, 32_767.0 / 32_768.0, 0.99], 1.0, 0.997, 3),
        ] {
            meter.measure(samples.iter().copied());
            let level = meter.take();
            assert!((level.peak - peak).abs() < 1e-6 && (level.rms - rms).abs() < 1e-3, "{samples:?}: {level:?}");
            assert_eq!(level.n_clipped, n_clipped, "{samples:?}");
        }
    }
}
