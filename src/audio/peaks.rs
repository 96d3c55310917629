//! The outline of a recording, for the eye: the lowest and the highest sample of every hundredth of a second, and of
//! ever longer stretches, so that any part of it can be drawn at any size without looking at much of it.
//!
//! It is computed while the whole recording is decoded once, which takes as long as that.
//! What is found on the way is exact, also where the container only guesses: how long the recording is.

use std::path::Path;

use super::Mono16k;
use super::decode::{self, DecodeError};
use super::player::{Given, Source};
use crate::task::Progress;
use crate::units::{SAMPLE_RATE_HZ, Seconds, TimeSpan};

/// Peaks a second on the finest level.
const PEAKS_PER_SEC: u32 = 100;
/// So many peaks of one level are one of the next.
const STEP: usize = 4;
/// Levels with fewer peaks are of no use.
const MIN_PEAKS: usize = 256;
/// The first bytes of the stored form.
const MAGIC: [u8; 4] = *b"HPK1";
const N_HEADER_BYTES: usize = 12;
/// Frames that are read at once.
const FRAMES_AT_ONCE: usize = 8192;
/// Samples of a decoded recording that are read at once.
const SAMPLES_AT_ONCE: usize = 1 << 16;
/// What is softer than this share of the loudest speech is silence,
const SILENT_SHARE: f64 = 0.08;
/// but nothing above it: about -36 dB.
const MIN_HEIGHT: u8 = 2;
/// The height that only so small a share of the peaks exceeds stands for loud speech.
const LOUD_SHARE: f64 = 0.05;

/// The lowest and the highest sample of a stretch: 127 is full scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// The lowest,
    pub min: i8,
    /// and the highest.
    pub max: i8,
}

impl Peak {
    /// The peak of two stretches.
    fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    fn height(self) -> u8 {
        self.min.unsigned_abs().max(self.max.unsigned_abs())
    }
}

/// The peaks of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peaks {
    n_millis: u64,
    /// The first has [`PEAKS_PER_SEC`] peaks a second, each of the others a [`STEP`]th of the one before.
    levels: Vec<Vec<Peak>>,
}

/// What came of going through a recording.
#[derive(Debug)]
pub struct Surveyed {
    /// Its peaks.
    pub peaks: Peaks,
    /// The recording itself, decoded, if its container cannot seek.
    pub kept: Option<Mono16k>,
}

impl Peaks {
    /// Goes through a whole recording. What a long one that cannot seek needs beyond memory goes to `spool_dir`.
    pub fn survey(path: &Path, spool_dir: &Path, progress: &Progress<'_>) -> Result<Surveyed, DecodeError> {
        let mut source = Source::open(path)?;
        if !source.is_seekable() {
            let samples = decode::decode(path, spool_dir, progress)?.samples;
            let peaks = Self::of_samples(&samples).map_err(|error| DecodeError::unreadable(path, error))?;
            return Ok(Surveyed { peaks, kept: Some(samples) });
        }
        let mut builder = PeakBuilder::new(source.rate_hz().get());
        let all_millis = source.duration().map_or(0, Seconds::to_millis);
        let (mut frames, mut mono) = (Vec::new(), Vec::new());
        loop {
            frames.clear();
            if source.read(FRAMES_AT_ONCE, &mut frames)? == Given::End {
                break;
            }
            mono.clear();
            mono.extend(frames.iter().map(|[left, right]| f32::midpoint(*left, *right)));
            builder.push(&mono);
            let done_millis = builder.duration().to_millis();
            progress.at(done_millis as usize, all_millis.max(done_millis) as usize)?;
        }
        Ok(Surveyed { peaks: builder.finish(), kept: None })
    }

    /// The peaks of a recording that is decoded already.
    pub fn of_samples(samples: &Mono16k) -> std::io::Result<Self> {
        let mut builder = PeakBuilder::new(SAMPLE_RATE_HZ);
        for start in (0..samples.len()).step_by(SAMPLES_AT_ONCE) {
            builder.push(&samples.read(start..start + SAMPLES_AT_ONCE)?);
        }
        Ok(builder.finish())
    }

    /// How long the recording is.
    pub fn duration(&self) -> Seconds {
        Seconds(self.n_millis as f64 / 1000.0)
    }

    /// The peaks of a part of the recording, cut into so many columns of equal width. Beyond the ends there is silence.
    pub fn columns(&self, part: TimeSpan, n_columns: usize) -> Vec<Peak> {
        let column_secs = part.duration().0 / n_columns.max(1) as f64;
        if column_secs.is_nan() || column_secs <= 0.0 {
            return vec![Peak::default(); n_columns];
        }
        // The coarsest level on which a column still has a peak of its own.
        let mut peaks_per_sec = f64::from(PEAKS_PER_SEC);
        let mut peaks: &[Peak] = &[];
        for level in &self.levels {
            if !peaks.is_empty() {
                let coarser = peaks_per_sec / STEP as f64;
                if column_secs * coarser < 1.0 {
                    break;
                }
                peaks_per_sec = coarser;
            }
            peaks = level;
        }
        let bound = |column: usize| (part.start.0 + column as f64 * column_secs) * peaks_per_sec;
        let peak_of = |column: usize| {
            let (from, to) = (bound(column), bound(column + 1));
            let first = (from.max(0.0) as usize).min(peaks.len());
            // Every column shows something, also where there are more columns than peaks.
            let end = if to > 0.0 { (to.ceil() as usize).clamp(first, peaks.len()) } else { first };
            peaks[first..end].iter().copied().reduce(Peak::or).unwrap_or_default()
        };
        (0..n_columns).map(peak_of).collect()
    }

    /// Where it is not silent, in order: where the sound is louder than a small share of what is loud in this
    /// recording.
    pub fn loud_parts(&self) -> Vec<TimeSpan> {
        let peaks = self.levels.first().map_or(&[][..], Vec::as_slice);
        let mut heights: Vec<u8> = peaks.iter().map(|peak| peak.height()).collect();
        heights.sort_unstable();
        let n_louder = (heights.len() as f64 * LOUD_SHARE) as usize;
        let loud = heights.len().checked_sub(n_louder + 1).map_or(0, |idx| heights[idx]);
        let least = ((f64::from(loud) * SILENT_SHARE).ceil() as u8).max(MIN_HEIGHT);
        let mut parts: Vec<TimeSpan> = Vec::new();
        let secs = |idx: usize| idx as f64 / f64::from(PEAKS_PER_SEC);
        for (idx, _) in peaks.iter().enumerate().filter(|(_, peak)| peak.height() >= least) {
            match parts.last_mut() {
                Some(last) if secs(idx) - last.end.0 < 1e-6 => last.end = Seconds(secs(idx + 1)),
                _ => parts.push(TimeSpan::from_secs(secs(idx), secs(idx + 1))),
            }
        }
        parts
    }

    /// The form in which they are stored: two bytes for each peak of the finest level.
    pub fn to_bytes(&self) -> Vec<u8> {
        let peaks = self.levels.first().map_or(&[][..], Vec::as_slice);
        let mut bytes = Vec::with_capacity(N_HEADER_BYTES + 2 * peaks.len());
        bytes.extend(MAGIC);
        bytes.extend(self.n_millis.to_le_bytes());
        bytes.extend(peaks.iter().flat_map(|peak| [peak.min.cast_unsigned(), peak.max.cast_unsigned()]));
        bytes
    }

    /// Reads that form; `None` if it is another.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (header, body) = bytes.split_at_checked(N_HEADER_BYTES)?;
        let n_millis = u64::from_le_bytes(*header.strip_prefix(&MAGIC)?.first_chunk()?);
        let (pairs, []) = body.as_chunks::<2>() else { return None };
        let peak = |[min, max]: &[u8; 2]| Peak { min: min.cast_signed(), max: max.cast_signed() };
        Some(Self::with_levels(n_millis, pairs.iter().map(peak).collect()))
    }

    fn with_levels(n_millis: u64, finest: Vec<Peak>) -> Self {
        let mut levels = vec![finest];
        while let Some(last) = levels.last().filter(|last| last.len() > MIN_PEAKS) {
            let joined = |peaks: &[Peak]| peaks.iter().copied().reduce(Peak::or).unwrap_or_default();
            let next = last.chunks(STEP).map(joined).collect();
            levels.push(next);
        }
        Self { n_millis, levels }
    }
}

/// Finds the peaks of samples as they come.
#[derive(Debug)]
pub struct PeakBuilder {
    rate_hz: u32,
    n_samples: u64,
    peaks: Vec<Peak>,
    /// The lowest and the highest sample of the stretch that is not at its end yet.
    open: Option<(f32, f32)>,
}

impl PeakBuilder {
    /// For samples of this rate.
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz, n_samples: 0, peaks: Vec::new(), open: None }
    }

    /// Takes the next samples.
    pub fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.n_left() as usize));
            let (mut min, mut max) = self.open.unwrap_or((f32::MAX, f32::MIN));
            for sample in now {
                min = min.min(*sample);
                max = max.max(*sample);
            }
            self.open = Some((min, max));
            self.n_samples += now.len() as u64;
            if self.n_samples == self.end() {
                self.close();
            }
            samples = later;
        }
    }

    /// How much it took.
    pub fn duration(&self) -> Seconds {
        Seconds(self.n_samples as f64 / f64::from(self.rate_hz.max(1)))
    }

    /// The peaks.
    pub fn finish(mut self) -> Peaks {
        self.close();
        Peaks::with_levels(self.duration().to_millis(), self.peaks)
    }

    /// Where the stretch of the next peak ends. Rates that are no multiple of 100 have stretches of unequal length.
    fn end(&self) -> u64 {
        let n_peaks = self.peaks.len() as u64 + 1;
        (n_peaks * u64::from(self.rate_hz)).div_ceil(u64::from(PEAKS_PER_SEC))
    }

    /// Samples until then; not zero, for a stretch that is at its end is closed.
    fn n_left(&self) -> u64 {
        (self.end() - self.n_samples).max(1)
    }

    fn close(&mut self) {
        if let Some((min, max)) = self.open.take() {
            let scaled = |height: f32| (height * 127.0).round().clamp(-127.0, 127.0) as i8;
            self.peaks.push(Peak { min: scaled(min), max: scaled(max) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of silence, a second that grows from 0 to 1 on one side, two seconds of a loud square wave.
    fn known(rate_hz: u32) -> Vec<f32> {
        let rate = rate_hz as usize;
        let square = |n: usize| if n.is_multiple_of(2) { -1.0 } else { 0.5 };
        let ramp = (0..rate).map(|n| n as f32 / rate as f32);
        std::iter::repeat_n(0.0, rate).chain(ramp).chain((0..2 * rate).map(square)).collect()
    }

    fn peaks_of(samples: &[f32], rate_hz: u32, n_part: usize) -> Peaks {
        let mut builder = PeakBuilder::new(rate_hz);
        for part in samples.chunks(n_part) {
            builder.push(part);
        }
        builder.finish()
    }

    #[test]
    fn peaks_are_those_of_the_sound() {
        for rate_hz in [8000, 16_000, 11_025, 44_100] {
            let peaks = peaks_of(&known(rate_hz), rate_hz, 1000);
            assert_eq!(peaks.duration().to_millis(), 4000);
            let columns = peaks.columns(TimeSpan::from_secs(0.0, 4.0), 400);
            assert_eq!(columns[..99], [Peak::default(); 99], "{rate_hz} Hz");
            for (n, column) in columns[101..199].iter().enumerate() {
                let expected = (n + 2) as f32 / 100.0 * 127.0;
                assert!((f32::from(column.max) - expected).abs() < 2.0, "{rate_hz} Hz: {column:?}");
            }
            assert_eq!(columns[201..], [Peak { min: -127, max: 64 }; 199], "{rate_hz} Hz");
        }
    }

    #[test]
    fn it_does_not_matter_how_the_sound_is_cut() {
        let samples = known(11_025);
        let whole = peaks_of(&samples, 11_025, samples.len());
        for n_part in [1, 110, 111, 4096] {
            assert_eq!(peaks_of(&samples, 11_025, n_part), whole, "parts of {n_part}");
        }
        let samples = Mono16k::from_samples(known(16_000));
        assert_eq!(Peaks::of_samples(&samples).expect("in memory"), peaks_of(&known(16_000), 16_000, 100));
    }

    #[test]
    fn coarse_views_lose_no_peak() {
        let mut samples = vec![0.0; 16_000 * 600];
        samples[16_000 * 333] = 1.0;
        let peaks = peaks_of(&samples, 16_000, 16_000);
        for n_columns in [1, 7, 100, 1000, 60_000, 200_000] {
            let columns = peaks.columns(TimeSpan::from_secs(0.0, 600.0), n_columns);
            let at = columns.iter().position(|column| column.max == 127).expect("it is there");
            let expected = 333.0 / 600.0 * n_columns as f64;
            assert!((at as f64 - expected).abs() < 1.0 + n_columns as f64 / 15_000.0, "{at} of {n_columns}");
        }
        let beyond = peaks.columns(TimeSpan::from_secs(-10.0, 0.0), 5);
        assert_eq!(beyond, [Peak::default(); 5]);
        assert_eq!(peaks.columns(TimeSpan::from_secs(700.0, 800.0), 5), [Peak::default(); 5]);
        assert_eq!(peaks.columns(TimeSpan::from_secs(5.0, 5.0), 2), [Peak::default(); 2]);
    }

    #[test]
    fn the_stored_form_is_read_again_and_others_are_refused() {
        let peaks = peaks_of(&known(16_000), 16_000, 999);
        let bytes = peaks.to_bytes();
        assert_eq!(bytes.len(), 12 + 800);
        assert_eq!(Peaks::from_bytes(&bytes), Some(peaks));
        for other in [&bytes[..bytes.len() - 1], &bytes[..11], b"", b"RIFF00000000"] {
            assert_eq!(Peaks::from_bytes(other), None);
        }
        assert_eq!(Peaks::from_bytes(&bytes[..12]).map(|peaks| peaks.levels), Some(vec![Vec::new()]));
    }

    #[test]
    fn loud_parts_are_told_from_silence() {
        let mut samples: Vec<f32> = (0..16_000 * 10).map(|n| (n * 7919 % 13) as f32 / 13.0 * 0.004).collect();
        for (from, to) in [(2.0, 3.5), (6.0, 6.5)] {
            let part = &mut samples[(from * 16_000.0) as usize..(to * 16_000.0) as usize];
            for (n, sample) in part.iter_mut().enumerate() {
                *sample = if n.is_multiple_of(40) { 0.3 } else { -0.2 };
            }
        }
        let parts = peaks_of(&samples, 16_000, 5000).loud_parts();
        assert_eq!(parts, [TimeSpan::from_secs(2.0, 3.5), TimeSpan::from_secs(6.0, 6.5)]);
        assert!(peaks_of(&[], 16_000, 1).loud_parts().is_empty());
    }
}
