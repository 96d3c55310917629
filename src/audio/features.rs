//! What a recording sounds like, in numbers: how loud it is, how loud what is there beside speech, and how much of it is
//! speech. Where somebody speaks, whoever asks has to know; nothing is looked for here.
//!
//! The whole recording is gone through once, block by block: filters and sums alone, and no more memory for eight hours
//! than for one minute.

use std::io;

use ebur128::{EbuR128, Mode};
use serde::{Deserialize, Serialize};

use super::Mono16k;
use crate::task::CancelToken;
use crate::units::{SAMPLE_RATE_HZ, TimeSpan};

/// A frame whose level counts: 50 ms, longer than a period of the lowest voice.
const FRAME_SAMPLES: usize = SAMPLE_RATE_HZ as usize / 20;
/// Samples that are read at once: a minute, which is a whole number of frames.
const SAMPLES_AT_ONCE: usize = 60 * SAMPLE_RATE_HZ as usize;
/// So small a share of the frames outside of speech is softer than what is called the noise. What is softest there is
/// always there; doors, coughs and speech that was not found are louder.
const NOISE_SHARE: f64 = 0.1;
/// Fewer frames, half a second, say nothing of a level.
const MIN_FRAMES: u64 = 10;
/// What is softer counts as so loud: half a step of 16 bits has -96 dB.
const LOWEST_DBFS: f64 = -100.0;
/// Levels are told apart by a tenth of a decibel,
const LEVELS_PER_DB: f64 = 10.0;
/// up to 10 dB above full scale.
const N_LEVELS: usize = 1101;
/// Speech is told to be softer than noise by 30 dB at most: there is hardly any.
const LEAST_POWER_RATIO: f64 = 1e-3;

/// What a recording sounds like, in numbers. Levels in dB are those of the mean square of samples against full scale, 1,
/// so that a sine as high as it goes has -3 dB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Integrated loudness after EBU R 128 (ITU-R BS.1770), in LUFS; `None` where all is silence.
    pub loudness_lufs: Option<f64>,
    /// Level of what is always there, in dB below full scale, at least -100: the 10th percentile of the levels of the
    /// 50 ms outside of speech. `None` where there is less than half a second outside of speech.
    pub noise_dbfs: Option<f64>,
    /// By how much speech is louder than that, in dB, both as power and the noise taken off the speech. `None` where
    /// either is missing, and where there is digital silence between speech, which says nothing of the noise in it.
    pub snr_db: Option<f64>,
    /// Share of the time in which somebody speaks, 0 to 1.
    pub speech_share: f64,
}

impl Features {
    /// What a recording sounds like in which somebody speaks at these times, which are in order and apart.
    ///
    /// # Errors
    /// When a long recording cannot be read back, and when somebody asks to stop.
    pub fn of(samples: &Mono16k, speech: &[TimeSpan], cancel: &CancelToken) -> io::Result<Self> {
        let mut meter = EbuR128::new(1, SAMPLE_RATE_HZ, Mode::I | Mode::HISTOGRAM)
            .expect("the standard has one channel and this rate");
        let (mut said, mut levels) = (Said::default(), vec![0_u64; N_LEVELS]);
        let (mut block, mut regions) = (Vec::new(), speech.iter().peekable());
        for start in (0..samples.len()).step_by(SAMPLES_AT_ONCE) {
            cancel.check().map_err(io::Error::other)?;
            block.clear();
            samples.read_into(start..start + SAMPLES_AT_ONCE, &mut block)?;
            for sample in &mut block {
                // What is not a number has no loudness, and would take it from all that follows.
                if !sample.is_finite() {
                    *sample = 0.0;
                }
            }
            meter.add_frames_f32(&block).map_err(io::Error::other)?;
            for (n, frame) in block.as_chunks::<FRAME_SAMPLES>().0.iter().enumerate() {
                let power = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / FRAME_SAMPLES as f64;
                let middle = start + n * FRAME_SAMPLES + FRAME_SAMPLES / 2;
                let middle_secs = middle as f64 / f64::from(SAMPLE_RATE_HZ);
                while regions.next_if(|region| region.end.0 <= middle_secs).is_some() {}
                if regions.peek().is_some_and(|region| region.start.0 <= middle_secs) {
                    said.n_frames += 1;
                    said.power_sum += power;
                } else {
                    levels[level_of(power)] += 1;
                }
            }
        }
        let loudness_lufs = meter.loudness_global().map_err(io::Error::other)?;
        let noise_dbfs = percentile(&levels, NOISE_SHARE);
        let n_frames = said.n_frames + levels.iter().sum::<u64>();
        Ok(Self {
            loudness_lufs: loudness_lufs.is_finite().then(|| rounded(loudness_lufs)),
            noise_dbfs,
            snr_db: said.above(noise_dbfs),
            speech_share: rounded(said.n_frames as f64 / n_frames.max(1) as f64),
        })
    }
}

/// The frames of speech.
#[derive(Default)]
struct Said {
    n_frames: u64,
    power_sum: f64,
}

impl Said {
    /// By how many dB it is louder than noise of this level.
    fn above(&self, noise_dbfs: Option<f64>) -> Option<f64> {
        let noise_dbfs = noise_dbfs.filter(|noise_dbfs| *noise_dbfs > LOWEST_DBFS && self.n_frames >= MIN_FRAMES)?;
        let noise = 10_f64.powf(noise_dbfs / 10.0);
        let ratio = self.power_sum / self.n_frames as f64 / noise - 1.0;
        Some(rounded(10.0 * ratio.max(LEAST_POWER_RATIO).log10()))
    }
}

/// The place of a power among the levels.
fn level_of(power: f64) -> usize {
    let above_lowest_db = 10.0 * power.log10() - LOWEST_DBFS;
    // A power of nothing is negative without end, and becomes the lowest.
    ((above_lowest_db * LEVELS_PER_DB).round() as usize).min(N_LEVELS - 1)
}

/// The level in dB below which a share of all that were counted lies.
fn percentile(levels: &[u64], share: f64) -> Option<f64> {
    let n_frames: u64 = levels.iter().sum();
    if n_frames < MIN_FRAMES {
        return None;
    }
    let (n_wanted, mut n_passed) = (((n_frames as f64 * share) as u64).max(1), 0);
    let level = levels.iter().position(|n| {
        n_passed += n;
        n_passed >= n_wanted
    })?;
    Some(rounded(LOWEST_DBFS + level as f64 / LEVELS_PER_DB))
}

/// To hundredths: nobody hears less.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of this height in every second ten seconds of forty, from the beginning, and noise of this level in all.
    fn recording(height: f64, noise_dbfs: Option<f64>) -> Vec<f32> {
        // Evenly distributed up to `a`, noise has a power of a²/3.
        let noise_height = noise_dbfs.map_or(0.0, |dbfs| (3.0 * 10_f64.powf(dbfs / 10.0)).sqrt());
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise_height * (f64::from(state >> 8) / f64::from(1 << 23) - 1.0)
        };
        let sample = |n: usize| {
            let secs = n as f64 / 16_000.0;
            let is_said = ((secs / 10.0) as usize).is_multiple_of(2);
            let tone = if is_said { height * (std::f64::consts::TAU * 997.0 * secs).sin() } else { 0.0 };
            (tone + noise()) as f32
        };
        (0..40 * 16_000).map(sample).collect()
    }

    fn is_near(found: Option<f64>, expected: Option<f64>, most_db: f64) -> bool {
        match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= most_db,
            (found, expected) => found == expected,
        }
    }

    #[test]
    fn loudness_and_noise_are_those_that_were_put_in() {
        let regions = [TimeSpan::from_secs(0.0, 10.0), TimeSpan::from_secs(20.0, 30.0)];
        let all = [TimeSpan::from_secs(0.0, 40.0)];
        // Whose height is 1 has -3.01 LUFS: the weights of the standard are made so that a tone of 997 Hz has no others.
        let loudness = |height: f64| Some(20.0 * height.log10() - 3.01);
        let level = |height: f64| 20.0 * height.log10() - 3.01;
        // height of the tone, level of the noise, speech; loudness, noise, ratio, share
        for (height, noise_dbfs, speech, expected) in [
            (0.1, Some(-50.0), &regions[..], (loudness(0.1), Some(-50.0), Some(level(0.1) + 50.0), 0.5)),
            (0.5, Some(-70.0), &regions[..], (loudness(0.5), Some(-70.0), Some(level(0.5) + 70.0), 0.5)),
            (0.02, Some(-60.0), &regions[..], (loudness(0.02), Some(-60.0), Some(level(0.02) + 60.0), 0.5)),
            // Nothing is known of the noise.
            (0.1, None, &regions[..], (loudness(0.1), Some(-100.0), None, 0.5)),
            (0.1, Some(-50.0), &all[..], (loudness(0.1), None, None, 1.0)),
            // Nobody speaks, or nothing is there.
            (0.1, Some(-50.0), &[][..], (loudness(0.1), Some(-50.0), None, 0.0)),
            (0.0, None, &[][..], (None, Some(-100.0), None, 0.0)),
            (0.0, None, &regions[..], (None, Some(-100.0), None, 0.5)),
        ] {
            let samples = Mono16k::from_samples(recording(height, noise_dbfs));
            let found = Features::of(&samples, speech, &CancelToken::default()).expect("samples in memory");
            let is_right = is_near(found.loudness_lufs, expected.0, 0.7)
                && is_near(found.noise_dbfs, expected.1, 0.5)
                && is_near(found.snr_db, expected.2, 0.6)
                && (found.speech_share - expected.3).abs() < 0.01;
            assert!(is_right, "{height} {noise_dbfs:?} {speech:?}: {found:?} instead of {expected:?}");
        }
    }

    #[test]
    fn what_is_no_number_or_hardly_there_does_no_harm() {
        let speech = [TimeSpan::from_secs(0.0, 1.0)];
        for samples in [vec![], vec![0.5; 17], vec![f32::NAN; 40_000], vec![f32::INFINITY; 40_000], vec![1e30; 40_000]]
        {
            let what = format!("{} of {:?}", samples.len(), samples.first());
            let samples = Mono16k::from_samples(samples);
            let found = Features::of(&samples, &speech, &CancelToken::default()).expect("samples in memory");
            let numbers = [found.loudness_lufs, found.noise_dbfs, found.snr_db, Some(found.speech_share)];
            assert!(numbers.iter().flatten().all(|number| number.is_finite()), "{what}: {found:?}");
        }
        let cancel = CancelToken::default();
        cancel.cancel();
        assert!(Features::of(&Mono16k::from_samples(vec![0.0; 16_000]), &speech, &cancel).is_err());
    }
}
