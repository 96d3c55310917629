//! Who speaks when, as far as ten seconds show it: a segmentation network slides over the recording and decides, for
//! every frame of every window, which of the window's speakers talk. Speech and turns both come from this.
//!
//! After pyannote.audio 4.0 (`Inference`, `Powerset`). Which speakers of different windows are the same person is decided
//! in [`super::diarize`], where speech begins and ends in [`super::speech`].

use std::ops::Range;

use crate::audio::Mono16k;
use crate::nn::sincnet_lstm::{PyanNet, SegmentationConfig};
use crate::task::Progress;
use crate::units::{SAMPLE_RATE_HZ, SampleIdx, Seconds};

use super::StageError;
use super::resume::{Blocks, Resume};

/// A window begins every tenth of a window.
const STEPS_PER_WINDOW: usize = 10;
/// Windows that one thread works on together: enough to share the recurrent weights, few enough to fit the cache.
const WINDOWS_PER_GROUP: usize = 16;
/// Groups that are known or not: a minute of windows, a second apart.
const GROUPS_PER_BLOCK: usize = 4;
/// Groups that are worked on at once, of some 30 MB each, however many threads there are.
const MAX_GROUPS_AT_ONCE: usize = 16;

/// Where the windows of a sliding network lie, and the frames in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// How many there are, at least one.
    pub n_windows: usize,
    /// Length of each; the last one may reach beyond the end of the recording.
    pub window_samples: usize,
    /// From the start of one to the start of the next.
    pub step_samples: usize,
    /// Frames of each.
    pub n_frames: usize,
    /// Time from one frame to the next.
    pub frame_step: Seconds,
    /// Time that one frame depends on; frame `n` of a window has its middle at `frame_duration / 2 + n * frame_step`.
    pub frame_duration: Seconds,
    /// Length of the recording.
    pub n_samples: usize,
}

impl Windows {
    /// Where the windows of a network lie in a recording of so many samples.
    pub fn of(config: &SegmentationConfig, n_samples: usize) -> Self {
        let (window_samples, step_samples) = (config.window_samples, config.window_samples / STEPS_PER_WINDOW);
        let seconds = |n_samples: usize| Seconds(n_samples as f64 / f64::from(SAMPLE_RATE_HZ));
        Self {
            n_windows: n_windows(n_samples, window_samples, step_samples),
            window_samples,
            step_samples,
            n_frames: config.n_frames(),
            frame_step: seconds(config.frame_step_samples()),
            frame_duration: seconds(config.receptive_field_samples()),
            n_samples,
        }
    }

    /// Blocks in which the masks of an [`Activity`] become known.
    pub fn n_blocks(&self) -> usize {
        self.blocks().n_blocks()
    }

    /// Masks of a block.
    pub fn n_masks(&self, block: usize) -> usize {
        self.blocks().windows_of(block).len() * self.n_frames
    }

    fn blocks(&self) -> Blocks {
        Blocks { n_windows: self.n_windows, windows_per_group: WINDOWS_PER_GROUP, groups_per_block: GROUPS_PER_BLOCK }
    }

    /// The frame of the whole recording that the first frame of window `window` falls on: the nearest one.
    pub fn first_frame(&self, window: usize) -> usize {
        (SampleIdx(window * self.step_samples).to_seconds().0 / self.frame_step.0).round_ties_even() as usize
    }

    /// Frames of the whole recording that the windows reach.
    pub fn n_frames_reached(&self) -> usize {
        let end = SampleIdx((self.n_windows - 1) * self.step_samples + self.window_samples).to_seconds();
        (end.0 / self.frame_step.0).round_ties_even() as usize + 1
    }

    /// Frames of the whole recording that begin before its end.
    pub fn n_frames_in_recording(&self) -> usize {
        (SampleIdx(self.n_samples).to_seconds().0 / self.frame_step.0).floor() as usize + 1
    }

    /// The middle of a frame of the whole recording.
    pub fn frame_middle(&self, frame: usize) -> Seconds {
        Seconds(self.frame_duration.0 / 2.0 + frame as f64 * self.frame_step.0)
    }
}

/// Who speaks in every frame of every window. Speakers are numbered anew in each window.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Where the windows lie.
    pub windows: Windows,
    /// Speakers that a window can tell apart, at most 8.
    pub n_speakers: usize,
    /// `[windows, frames]`; bit `s` is set where speaker `s` of the window talks.
    pub masks: Vec<u8>,
}

impl Activity {
    /// The masks of one window, `[frames]`.
    pub fn window(&self, window: usize) -> &[u8] {
        &self.masks[window * self.windows.n_frames..][..self.windows.n_frames]
    }
}

/// Slides the network over a recording. In each frame the likeliest set of speakers counts, no matter by how much.
/// Pieces are the masks of blocks, see [`Windows::n_blocks`].
pub fn segmentation(
    samples: &Mono16k,
    model: &PyanNet,
    resume: Resume<'_, Vec<u8>>,
    progress: &Progress<'_>,
) -> Result<Activity, StageError> {
    let config = model.config();
    let windows = Windows::of(config, samples.len());
    let mask_of = |speakers: &Vec<usize>| speakers.iter().fold(0_u8, |mask, speaker| mask | 1 << speaker);
    let masks_of_classes: Vec<u8> = config.classes().iter().map(mask_of).collect();
    let (window, step) = (windows.window_samples, windows.step_samples);
    let groups_at_once = rayon::current_num_threads().min(MAX_GROUPS_AT_ONCE);
    let masks_of = |group: Range<usize>| -> Result<Vec<u8>, StageError> {
        let n_samples = (group.len() - 1) * step + window;
        let mut signal = samples.read(group.start * step..group.start * step + n_samples)?;
        signal.resize(n_samples, 0.0);
        let log_probabilities = model.forward(&signal, group.len(), step);
        let frames = log_probabilities.chunks_exact(masks_of_classes.len());
        Ok(frames.map(|classes| masks_of_classes[likeliest(classes)]).collect())
    };
    let masks = windows.blocks().compute(groups_at_once, resume, progress, masks_of)?;
    Ok(Activity { windows, n_speakers: config.max_speakers_per_chunk, masks })
}

/// Windows that cover `n_samples`: all that fit, and one more for what is left over.
fn n_windows(n_samples: usize, window: usize, step: usize) -> usize {
    if n_samples <= window { 1 } else { (n_samples - window).div_ceil(step) + 1 }
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
