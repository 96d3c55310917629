//! The text of one chunk or window: a decoding that cannot be believed is tried again by sampling, bolder each time, as
//! openai-whisper 20250625 does (`transcribe.py`, `decode_with_fallback`).
//!
//! When no attempt can be believed, the one that the model believed in most is kept; openai-whisper keeps the last.

use crate::nn::whisper::Strategy;
use crate::nn::whisper::generate::Decoded;
use crate::units::Seconds;

use super::guards::{Thresholds, Verdict};
use super::options::TranscribeOptions;

/// What is not believed, and how it is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallback {
    /// One for each attempt. At 0 the likeliest text is looked for; above, texts are drawn, the bolder the higher.
    pub temperatures: Vec<f32>,
    /// Texts that are drawn in one attempt; the likeliest is taken.
    pub best_of: usize,
    /// What is believed.
    pub thresholds: Thresholds,
}

impl Default for Fallback {
    fn default() -> Self {
        Self { temperatures: vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0], best_of: 5, thresholds: Thresholds::default() }
    }
}

/// What the model made of a chunk or window in one attempt.
pub(super) struct Attempt {
    pub(super) decoded: Decoded,
    pub(super) text: String,
}

/// The attempts at one chunk or window.
#[derive(Default)]
pub(super) struct Attempts {
    made: Vec<Attempt>,
    verdict: Verdict,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Retry,
    Settled,
}

impl Attempts {
    /// How the next attempt looks for the text of what begins at `start`.
    pub(super) fn next_strategy(&self, options: &TranscribeOptions, start: Seconds) -> Strategy {
        let n_made = self.made.len();
        let temperature = temperature_of(n_made, &options.fallback);
        if temperature > 0.0 {
            // The same passage draws the same texts, whatever else is in the batch.
            let seed = start.to_sample().0 as u64 + n_made as u64;
            return Strategy::Sample { temperature, best_of: options.fallback.best_of, seed };
        }
        match options.beam_size {
            0 | 1 => Strategy::Greedy,
            size => Strategy::Beam { size, patience: 1.0 },
        }
    }

    /// Judges an attempt and keeps it.
    pub(super) fn take(&mut self, attempt: Attempt, fallback: &Fallback) -> Next {
        self.verdict = fallback.thresholds.judge(&attempt.decoded, &attempt.text);
        self.made.push(attempt);
        let may_retry = self.made.len() < fallback.temperatures.len();
        if self.verdict == Verdict::Doubtful && may_retry { Next::Retry } else { Next::Settled }
    }

    /// A good last attempt, or the best of the doubtful ones; nothing for silence, which is a verdict on the sound,
    /// whatever some attempt made of it.
    pub(super) fn settled(&self) -> Option<&Attempt> {
        match self.verdict {
            Verdict::Good => self.made.last(),
            Verdict::Doubtful => {
                self.made.iter().max_by(|a, b| a.decoded.avg_logprob.total_cmp(&b.decoded.avg_logprob))
            }
            Verdict::Silence => None,
        }
    }

    /// The temperature of the last attempt, which says how hard it was to come to a text.
    pub(super) fn last_temperature(&self, fallback: &Fallback) -> f32 {
        temperature_of(self.made.len().saturating_sub(1), fallback)
    }
}

fn temperature_of(attempt_idx: usize, fallback: &Fallback) -> f32 {
    fallback.temperatures.get(attempt_idx).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::whisper::generate::Ending;

    #[test]
    fn doubtful_text_is_tried_again_and_the_most_believed_attempt_kept() {
        for (avg_logprobs, no_speech_prob, expected) in [
            (&[-0.5][..], 0.1, Some(0)),
            (&[-1.5, -0.5], 0.1, Some(1)),
            (&[-1.5, -1.9, -1.1, -1.7, -1.6, -1.4], 0.1, Some(2)),
            (&[-1.5], 0.9, None),
        ] {
            let fallback = Fallback::default();
            let mut attempts = Attempts::default();
            for (n, avg_logprob) in avg_logprobs.iter().copied().enumerate() {
                let decoded = Decoded { tokens: Vec::new(), avg_logprob, no_speech_prob, ending: Ending::EndOfText };
                let next = attempts.take(Attempt { decoded, text: format!(" try {n}") }, &fallback);
                let is_last = n + 1 == avg_logprobs.len();
                assert_eq!(next == Next::Settled, is_last, "{avg_logprobs:?}: attempt {n}");
            }
            let kept = attempts.settled().map(|attempt| attempt.text.clone());
            assert_eq!(kept, expected.map(|n: usize| format!(" try {n}")), "{avg_logprobs:?}");
        }
    }

    #[test]
    fn each_attempt_is_bolder_than_the_one_before() {
        let options = TranscribeOptions { beam_size: 3, ..TranscribeOptions::default() };
        let mut attempts = Attempts::default();
        let mut strategies = Vec::new();
        loop {
            strategies.push(attempts.next_strategy(&options, Seconds(2.0)));
            let (tokens, ending) = (Vec::new(), Ending::EndOfText);
            let decoded = Decoded { tokens, avg_logprob: -2.0, no_speech_prob: 0.0, ending };
            if attempts.take(Attempt { decoded, text: String::new() }, &options.fallback) == Next::Settled {
                break;
            }
        }
        let drawn = [(0.2, 1), (0.4, 2), (0.6, 3), (0.8, 4), (1.0, 5)].map(|(temperature, n)| Strategy::Sample {
            temperature,
            best_of: 5,
            seed: 32_000 + n,
        });
        assert_eq!(strategies, [[Strategy::Beam { size: 3, patience: 1.0 }].as_slice(), &drawn].concat());
        assert!((attempts.last_temperature(&options.fallback) - 1.0).abs() < f32::EPSILON);
    }
}
