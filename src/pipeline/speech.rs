//! Where somebody speaks: the windows of the segmentation network are joined to one curve of speech scores, and a
//! threshold with hysteresis makes regions of it.
//!
//! After pyannote.audio 4.0 (`Inference`) and whisperX 3.8 (`VoiceActivitySegmentation`, `Binarize`). Who speaks is not
//! decided here.

use crate::units::{Seconds, TimeSpan};

use super::segmentation::Activity;

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

/// Joins the windows: where any of a window's speakers talks, that is speech; the windows that see a frame vote with a
/// Hamming weight.
pub fn speech_scores(activity: &Activity) -> SpeechScores {
    let windows = &activity.windows;
    let hamming = hamming(windows.n_frames);
    let mut sums = vec![0.0_f32; windows.n_frames_reached()];
    let mut weights = vec![0.0_f32; sums.len()];
    for window in 0..windows.n_windows {
        let at = windows.first_frame(window);
        for (frame, (mask, weight)) in activity.window(window).iter().zip(&hamming).enumerate() {
            sums[at + frame] += if *mask == 0 { 0.0 } else { *weight };
            weights[at + frame] += weight;
        }
    }
    let mut values: Vec<f32> = sums.iter().zip(&weights).map(|(sum, weight)| sum / weight.max(MIN_WEIGHT)).collect();
    // The last window reaches beyond the end of the recording; frames that begin after it are not part of it.
    values.truncate(windows.n_frames_in_recording());
    SpeechScores { values, frame_step: windows.frame_step, frame_duration: windows.frame_duration }
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

/// numpy's `hamming`, which is symmetric.
fn hamming(n: usize) -> Vec<f32> {
    let phase = |k: usize| std::f64::consts::TAU * k as f64 / (n.max(2) - 1) as f64;
    (0..n).map(|k| (0.54 - 0.46 * phase(k).cos()) as f32).collect()
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
