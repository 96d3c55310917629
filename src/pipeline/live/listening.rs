//! What the segmentation network hears in the last seconds: for each frame, how likely it is that somebody speaks, and
//! who of the window does.
//!
//! Over files, ten windows vote on each frame ([`crate::pipeline::speech`]). Here the newest one decides, for the
//! others are not there yet where it matters.

use std::ops::Range;

use crate::nn::sincnet_lstm::PyanNet;

use super::sound::Sound;

/// Mean square below which a frame is silent, whatever the network makes of it: -80 dB of full scale.
const SILENCE: f32 = 1e-8;

/// What is heard in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Frame {
    /// How likely it is that somebody speaks, 0 to 1.
    pub(super) speech: f32,
    /// Bit `s` is set where speaker `s` of the window seems to speak.
    pub(super) speakers: u8,
    /// Mean square of the samples.
    pub(super) power: f32,
}

/// The frames of the last window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Where the first frame begins, in samples of the recording.
    pub(super) first_edge: usize,
    /// How long a frame is.
    pub(super) frame_samples: usize,
    pub(super) frames: Vec<Frame>,
}

impl Look {
    /// Listens to the window that ends at a place. Where there is less sound, silence follows it to fill the window.
    pub(super) fn at(sound: &Sound, end: usize, segmenter: &PyanNet) -> Self {
        let config = segmenter.config();
        let (window, frame_samples) = (config.window_samples, config.frame_step_samples());
        let start = end.saturating_sub(window).max(sound.first());
        let mut signal = sound.read(start..end).to_vec();
        let n_heard = signal.len();
        signal.resize(window, 0.0);
        // A frame is as long as the step to the next one, and its middle is in the middle of what it depends on.
        let margin = (config.receptive_field_samples() - frame_samples) / 2;
        let classes: Vec<u8> = config.classes().iter().map(|speakers| mask_of(speakers)).collect();
        let log_probabilities = segmenter.forward(&signal, 1, window);
        let frames = log_probabilities.chunks_exact(classes.len()).enumerate().map_while(|(n, scores)| {
            let from = margin + n * frame_samples;
            let samples = signal[..n_heard].get(from..from + frame_samples)?;
            let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / frame_samples as f32;
            if power < SILENCE {
                return Some(Frame { power, ..Frame::default() });
            }
            // The first class is that of nobody.
            Some(Frame { speech: 1.0 - scores[0].exp(), speakers: classes[likeliest(scores)], power })
        });
        Self { first_edge: start + margin, frame_samples, frames: frames.collect() }
    }

    /// The samples of a frame, by their places in the recording.
    pub(super) fn samples_of(&self, frame: usize) -> Range<usize> {
        let start = self.first_edge + frame * self.frame_samples;
        start..start + self.frame_samples
    }

    /// The first frame that begins at a place or after it.
    pub(super) fn frame_at(&self, place: usize) -> usize {
        place.saturating_sub(self.first_edge).div_ceil(self.frame_samples.max(1))
    }

    /// Where the last frame ends.
    pub(super) fn end(&self) -> usize {
        self.first_edge + self.frames.len() * self.frame_samples
    }
}

fn mask_of(speakers: &[usize]) -> u8 {
    speakers.iter().fold(0, |mask, speaker| mask | 1 << speaker)
}

fn likeliest(scores: &[f32]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}
