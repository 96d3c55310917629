//! Where somebody speaks: a segmentation network slides over the recording, its windows are joined to one curve of
//! speech scores, and a threshold with hysteresis makes regions of it.
//!
//! After pyannote.audio 4.0 (`Inference`) and whisperX 3.8 (`VoiceActivitySegmentation`, `Binarize`). Who speaks is not
//! decided here.

use rayon::prelude::*;

use crate::audio::Mono16k;
use crate::nn::sincnet_lstm::PyanNet;
use crate::task::Progress;
use crate::units::{SAMPLE_RATE_HZ, Seconds, TimeSpan};

use super::StageError;

/// A window begins every tenth of a window.
const STEPS_PER_WINDOW: usize = 10;
/// Windows that one thread works on together: enough to share the recurrent weights, few enough to fit the cache.
const WINDOWS_PER_GROUP: usize = 16;
/// Groups that are worked on at once, of some 30 MB each, however many threads there are.
const MAX_GROUPS_AT_ONCE: usize = 16;
/// pyannote divides by at least this much where no window votes.
const MIN_WEIGHT: f32 = 1e-12;

/// How likely it is that somebody speaks, frame by frame.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechScores {
    /// One score per frame, 0 to 1.
    pub values: Vec<f32>,
    /// Time from one frame to the next.
    pub frame_step: Seconds,
    /// Time that one frame depends on; frame `n` has its middle at `frame_duration / 2 + n * frame_step`.
    pub frame_duration: Seconds,
}

/// When speech begins and ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeechThresholds {
    /// Speech begins when the score rises above this,
    pub onset: f32,
    /// and ends when it falls below this.
    pub offset: f32,
    /// Longer regions are cut where the score is lowest in their second half.
    pub max_region: Option<Seconds>,
}

impl SpeechThresholds {
    /// whisperX's thresholds, for chunks of at most `max_region`.
    pub fn for_chunks_of(max_region: Seconds) -> Self {
        Self { onset: 0.5, offset: 0.363, max_region: Some(max_region) }
    }
}

/// Slides the network over a recording: the share of speakers who may be talking that do talk, as hard decisions of each
/// window, averaged over the windows with a Hamming weight.
pub fn speech_scores(samples: &Mono16k, model: &PyanNet, progress: &Progress<'_>) -> Result<SpeechScores, StageError> {
    let config = model.config();
    let window = config.window_samples;
    let step = window / STEPS_PER_WINDOW;
    let n_windows = n_windows(samples.len(), window, step);
    let seconds = |n_samples: usize| n_samples as f64 / f64::from(SAMPLE_RATE_HZ);
    let frame_step = seconds(config.frame_step_samples());
    // Where a window's first frame goes: the frame nearest to the middle of its first receptive field.
    let first_frame = |window: usize| (seconds(window * step) / frame_step).round_ties_even() as usize;
    let n_frames_total = (seconds((n_windows - 1) * step + window) / frame_step).round_ties_even() as usize + 1;
    let n_frames = config.n_frames();
    let hamming = hamming(n_frames);
    let speaks: Vec<bool> = config.classes().iter().map(|speakers| !speakers.is_empty()).collect();

    let mut sums = vec![0.0_f32; n_frames_total];
    let mut weights = vec![0.0_f32; n_frames_total];
    let groups_at_once = rayon::current_num_threads().min(MAX_GROUPS_AT_ONCE);
    for first in (0..n_windows).step_by(WINDOWS_PER_GROUP * groups_at_once) {
        progress.at(first, n_windows)?;
        let firsts: Vec<usize> = (0..groups_at_once)
            .map(|group| first + group * WINDOWS_PER_GROUP)
            .filter(|first| *first < n_windows)
            .collect();
        let voiced: Vec<Vec<bool>> = firsts
            .par_iter()
            .map(|first| {
                progress.cancel().check()?;
                let n_group = WINDOWS_PER_GROUP.min(n_windows - first);
                let n_samples = (n_group - 1) * step + window;
                let mut signal = samples.read(first * step..first * step + n_samples)?;
                signal.resize(n_samples, 0.0);
                let log_probabilities = model.forward(&signal, n_group, step);
                Ok(log_probabilities.chunks_exact(speaks.len()).map(|classes| speaks[likeliest(classes)]).collect())
            })
            .collect::<Result<_, StageError>>()?;
        for (first, voiced) in firsts.iter().zip(&voiced) {
            for (n, voiced) in voiced.chunks_exact(n_frames).enumerate() {
                let at = first_frame(first + n);
                for (frame, (voiced, weight)) in voiced.iter().zip(&hamming).enumerate() {
                    sums[at + frame] += if *voiced { *weight } else { 0.0 };
                    weights[at + frame] += weight;
                }
            }
        }
    }
    progress.at(n_windows, n_windows)?;
    let mut values: Vec<f32> = sums.iter().zip(&weights).map(|(sum, weight)| sum / weight.max(MIN_WEIGHT)).collect();
    // The last window reaches beyond the end of the recording; frames that begin after it are not part of it.
    values.truncate((seconds(samples.len()) / frame_step).floor() as usize + 1);
    let frame_duration = Seconds(seconds(config.receptive_field_samples()));
    Ok(SpeechScores { values, frame_step: Seconds(frame_step), frame_duration })
}

/// Turns scores into regions of speech with hysteresis. A region that outgrows `max_region` is cut at the lowest score
/// of its second half. Times are the middles of frames.
pub fn speech_regions(scores: &SpeechScores, thresholds: &SpeechThresholds) -> Vec<TimeSpan> {
    let time = |frame: usize| scores.frame_duration.0 / 2.0 + frame as f64 * scores.frame_step.0;
    let max_secs = thresholds.max_region.map_or(f64::INFINITY, |max| max.0);
    let mut regions = Vec::new();
    let mut emit = |start: usize, end: usize| {
        if end > start {
            regions.push(TimeSpan::from_secs(time(start), time(end)));
        }
    };
    let Some(first) = scores.values.first() else { return regions };
    let mut start = 0;
    let mut is_active = *first > thresholds.onset;
    // Frames that a cut may fall on. As in whisperX the list begins with the frame that closed the last region, and lacks
    // the frame that opened this one.
    let mut candidates = vec![0];
    for (frame, score) in scores.values.iter().enumerate().skip(1) {
        if is_active {
            if time(frame) - time(start) > max_secs {
                let middle = candidates.len() / 2;
                let lowest = first_lowest(&candidates[middle..], &scores.values) + middle;
                let cut = candidates[lowest];
                emit(start, cut);
                start = cut;
                candidates.drain(..=lowest);
            } else if *score < thresholds.offset {
                emit(start, frame);
                start = frame;
                is_active = false;
                candidates.clear();
            }
            candidates.push(frame);
        } else if *score > thresholds.onset {
            start = frame;
            is_active = true;
        }
    }
    if is_active {
        emit(start, scores.values.len() - 1);
    }
    regions
}

/// Windows that cover `n_samples`: all that fit, and one more for what is left over.
fn n_windows(n_samples: usize, window: usize, step: usize) -> usize {
    if n_samples <= window { 1 } else { (n_samples - window).div_ceil(step) + 1 }
}

/// numpy's `hamming`, which is symmetric.
fn hamming(n: usize) -> Vec<f32> {
    let phase = |k: usize| std::f64::consts::TAU * k as f64 / (n.max(2) - 1) as f64;
    (0..n).map(|k| (0.54 - 0.46 * phase(k).cos()) as f32).collect()
}

fn likeliest(classes: &[f32]) -> usize {
    let mut best = 0;
    for (class, value) in classes.iter().enumerate() {
        if *value > classes[best] {
            best = class;
        }
    }
    best
}

fn first_lowest(frames: &[usize], scores: &[f32]) -> usize {
    let mut best = 0;
    for (n, frame) in frames.iter().enumerate() {
        if scores[*frame] < scores[frames[best]] {
            best = n;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_everything() {
        for (n_samples, expected) in [(0, 1), (50, 1), (100, 1), (101, 2), (110, 2), (111, 3), (200, 11)] {
            assert_eq!(n_windows(n_samples, 100, 10), expected, "{n_samples}");
        }
    }
}
