//! Sound becomes scores of labels, frame by frame. A segment that is longer than what the network is given at once is
//! computed in passes that overlap, so that memory does not grow with its length more than by the scores themselves.

use std::ops::Range;

use crate::audio::Mono16k;
use crate::nn::wav2vec2::{HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, Wav2Vec2};
use crate::task::{CancelToken, Cancelled};

use super::super::StageError;

/// Frames of 20 ms that are computed at once: 32 s, more than a window of Whisper's.
const MAX_PASS_FRAMES: usize = 1600;
/// Frames at the inner ends of a pass that are dropped, for the network knows less of what is around them.
const MARGIN_FRAMES: usize = 100;

/// Log-probabilities of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Emissions {
    /// Scores, frame by frame.
    ///
    /// # Shapes
    /// `[n_frames, n_columns]`
    pub values: Vec<f32>,
    /// Labels of the network and, where the text needs it, the wildcard, which is the last.
    pub n_columns: usize,
}

impl Emissions {
    /// The scores of the samples in `range`, which the recording has.
    ///
    /// Up to 32 s they are computed at once, as whisperX does however long a segment is. In longer ones attention ends
    /// with the pass, and networks that normalise over time do so in each pass; frames at the joints have two seconds
    /// on both sides all the same.
    pub fn of(
        samples: &Mono16k,
        range: Range<usize>,
        aligner: &Wav2Vec2,
        cancel: &CancelToken,
    ) -> Result<Self, StageError> {
        let n_columns = aligner.n_labels();
        let n_frames = n_frames_of(range.len());
        let mut values = Vec::with_capacity(n_frames * n_columns);
        for pass in passes(n_frames) {
            cancel.check()?;
            let start = range.start + pass.frames.start * HOP_SAMPLES;
            let last_frame = range.start + (pass.frames.end - 1) * HOP_SAMPLES;
            let end = if pass.frames.end == n_frames { range.end } else { last_frame + RECEPTIVE_FIELD_SAMPLES };
            let scores = aligner.log_probabilities(&samples.read(start..end)?, &|| cancel.is_cancelled());
            let scores = scores.ok_or(Cancelled)?;
            let first = pass.kept.start - pass.frames.start;
            values.extend_from_slice(&scores[first * n_columns..(first + pass.kept.len()) * n_columns]);
        }
        Ok(Self { values, n_columns })
    }

    /// One more column for what the network has no label for: in each frame, the highest score of all but the blank.
    pub fn with_wildcard(self, blank: usize) -> Self {
        let n_columns = self.n_columns + 1;
        let mut values = Vec::with_capacity(self.n_frames() * n_columns);
        for row in self.rows() {
            let labels = row.iter().enumerate().filter(|(label, _)| *label != blank);
            values.extend_from_slice(row);
            values.push(labels.fold(f32::NEG_INFINITY, |highest, (_, score)| highest.max(*score)));
        }
        Self { values, n_columns }
    }

    /// How many frames there are.
    pub fn n_frames(&self) -> usize {
        self.values.len() / self.n_columns
    }

    /// The scores of one frame.
    pub fn row(&self, frame: usize) -> &[f32] {
        &self.values[frame * self.n_columns..(frame + 1) * self.n_columns]
    }

    /// The scores of each frame.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.n_columns)
    }
}

/// Frames that the network makes of so many samples; too few for one are filled up to one with zeros.
pub fn n_frames_of(n_samples: usize) -> usize {
    n_samples.saturating_sub(RECEPTIVE_FIELD_SAMPLES) / HOP_SAMPLES + 1
}

/// Frames that are computed at once, and those of them that are kept.
#[derive(Debug, PartialEq)]
struct Pass {
    frames: Range<usize>,
    kept: Range<usize>,
}

/// How so many frames are computed: all passes are of one length, and what is kept of them joins up.
fn passes(n_frames: usize) -> Vec<Pass> {
    let n_pass_frames = n_frames.min(MAX_PASS_FRAMES);
    let mut passes: Vec<Pass> = Vec::new();
    let mut n_kept = 0;
    while n_kept < n_frames {
        let start = n_kept.saturating_sub(MARGIN_FRAMES).min(n_frames - n_pass_frames);
        let end = start + n_pass_frames;
        let kept_end = if end == n_frames { end } else { end - MARGIN_FRAMES };
        passes.push(Pass { frames: start..end, kept: n_kept..kept_end });
        n_kept = kept_end;
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_join_up_and_have_margins() {
        for (n_frames, n_passes) in [(1, 1), (1499, 1), (1600, 1), (1601, 2), (3000, 2), (3001, 3), (180_000, 129)] {
            let passes = passes(n_frames);
            assert_eq!(passes.len(), n_passes, "{n_frames} frames");
            let mut n_kept = 0;
            for pass in &passes {
                assert_eq!((pass.kept.start, pass.frames.len()), (n_kept, n_frames.min(MAX_PASS_FRAMES)), "{pass:?}");
                assert!(pass.frames.start == 0 || pass.kept.start - pass.frames.start >= MARGIN_FRAMES, "{pass:?}");
                assert!(pass.frames.end == n_frames || pass.frames.end - pass.kept.end == MARGIN_FRAMES, "{pass:?}");
                n_kept = pass.kept.end;
            }
            assert_eq!(n_kept, n_frames);
        }
    }

    #[test]
    fn frames_are_counted_as_the_convolutions_do() {
        for (n_samples, expected) in [(0, 1), (160, 1), (400, 1), (719, 1), (720, 2), (4321, 13), (64_000, 199)] {
            assert_eq!(n_frames_of(n_samples), expected, "{n_samples} samples");
        }
    }
}
