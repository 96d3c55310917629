//! Whose utterance it is: voices are put to those they are nearest to, one utterance at a time, and what was decided
//! stays.
//!
//! Over whole recordings, [`crate::pipeline::diarize`] does this better, for it knows what comes later.

use crate::nn::ecapa::Ecapa;
use crate::nn::vectors::dot;
use crate::pipeline::recognise::{MIN_SPEECH_SAMPLES, SAMPLES_PER_SEC, recognise, unit};
use crate::transcript::Verdict;
use crate::units::SampleIdx;

use super::Recogniser;

/// A voice is one of those known from this cosine on. On many voices, the demo model has its equal error rate at 0.45
/// to 0.50.
const MIN_COSINE: f64 = 0.5;
/// What is short says less of a voice:
const SHORT_SECS: f64 = 1.5;
/// it may be this far from one of those known, and never is a new one.
const MIN_COSINE_OF_SHORT: f64 = 0.4;
/// More speakers are not told apart.
const MAX_SPEAKERS: usize = 32;
/// More of an utterance is not listened to: it would say little more, and take its time.
const MAX_SPEECH_SECS: usize = 6;

/// The speakers of a recording so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Speakers {
    known: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    /// Their voice: the mean of their utterances, each by its length.
    sum: Vec<f64>,
    voice: Vec<f32>,
    name: Option<String>,
}

/// A speaker of captions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) label: String,
    pub(super) name: Option<String>,
}

impl Speakers {
    /// The speaker of an utterance; `None` where it says too little of a voice.
    pub(super) fn speaker_of(&mut self, voice: &[f32], recogniser: Recogniser<'_>) -> Option<Named> {
        if voice.len() < MIN_SPEECH_SAMPLES {
            return None;
        }
        let embedding = embedding_of(voice, recogniser.ecapa)?;
        let speaker = self.assign(&embedding, SampleIdx(voice.len()).to_seconds().0)?;
        self.recognise(recogniser);
        Some(Named { label: format!("SPEAKER_{speaker:02}"), name: self.known[speaker].name.clone() })
    }

    /// The number of the speaker with a voice that was heard for so long.
    fn assign(&mut self, embedding: &[f32], secs: f64) -> Option<usize> {
        let cosines = self.known.iter().map(|known| dot(&known.voice, embedding)).enumerate();
        let nearest = cosines.reduce(|best, other| if other.1 > best.1 { other } else { best });
        let min_cosine = if secs < SHORT_SECS { MIN_COSINE_OF_SHORT } else { MIN_COSINE };
        let is_full = self.known.len() >= MAX_SPEAKERS;
        if let Some((speaker, _)) = nearest.filter(|(_, cosine)| is_full || *cosine >= min_cosine) {
            let known = &mut self.known[speaker];
            for (sum, value) in known.sum.iter_mut().zip(embedding) {
                *sum += secs * f64::from(*value);
            }
            if let Some(voice) = unit(&known.sum) {
                known.voice = voice;
            }
            return Some(speaker);
        }
        if secs < SHORT_SECS {
            return None;
        }
        let sum = embedding.iter().map(|value| secs * f64::from(*value)).collect();
        self.known.push(Known { sum, voice: embedding.to_vec(), name: None });
        Some(self.known.len() - 1)
    }

    /// Looks whose voices the speakers have. Nobody has the name of another.
    fn recognise(&mut self, Recogniser { options, voices, .. }: Recogniser<'_>) {
        if voices.is_empty() {
            return;
        }
        let speakers: Vec<&[f32]> = self.known.iter().map(|known| known.voice.as_slice()).collect();
        let recognitions = recognise(&speakers, voices, &[], options);
        for (known, recognition) in self.known.iter_mut().zip(recognitions) {
            known.name = recognition
                .filter(|recognition| recognition.verdict == Verdict::Recognised)
                .map(|recognition| recognition.nearest);
        }
    }
}

/// The voice in some speech, of length 1.
fn embedding_of(voice: &[f32], ecapa: &Ecapa) -> Option<Vec<f32>> {
    let n_samples = voice.len().min(MAX_SPEECH_SECS * SAMPLES_PER_SEC);
    let first = (voice.len() - n_samples) / 2;
    let embedding: Vec<f64> = ecapa.embedding(&voice[first..first + n_samples]).into_iter().map(f64::from).collect();
    unit(&embedding)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vector of length 1 at an angle.
    fn at(degrees: f64) -> Vec<f32> {
        let angle = degrees.to_radians();
        vec![angle.cos() as f32, angle.sin() as f32]
    }

    #[test]
    fn voices_come_to_those_that_are_nearest_and_new_ones_need_their_time() {
        let mut speakers = Speakers::default();
        for (degrees, secs, expected) in [
            // Too short for a new voice.
            (0.0, 1.0, None),
            (0.0, 3.0, Some(0)),
            (50.0, 3.0, Some(0)),
            // The voice is at 25 degrees by now, and 65 more are too far for what is long; not for what is short.
            (90.0, 1.0, Some(0)),
            (125.0, 1.0, None),
            (125.0, 2.0, Some(1)),
            (20.0, 2.0, Some(0)),
            (180.0, 0.6, Some(1)),
            (-120.0, 2.0, Some(2)),
            (-120.0, 0.5, Some(2)),
        ] {
            assert_eq!(speakers.assign(&at(degrees), secs), expected, "{degrees} degrees, {secs} s");
        }
    }

    #[test]
    fn beyond_a_number_nobody_is_new() {
        let mut speakers = Speakers::default();
        let axis = |n: usize| (0..2 * MAX_SPEAKERS).map(|k| f32::from(u8::from(k == n))).collect::<Vec<f32>>();
        for n in 0..2 * MAX_SPEAKERS {
            let speaker = speakers.assign(&axis(n), 2.0);
            assert!(speaker.is_some_and(|speaker| speaker < MAX_SPEAKERS), "{n}: {speaker:?}");
        }
        assert_eq!(speakers.known.len(), MAX_SPEAKERS);
    }
}
