//! One transcript of an utterance, from its sound to words.

use crate::nn::whisper::generate::{Batch, Decoded};
use crate::nn::whisper::{DecodeOptions, Encoded, TokenId, TokenizedWord, Whisper};
use crate::pipeline::StageError;
use crate::pipeline::guards::{Loops, Thresholds, Verdict, cut_loops};
use crate::task::{CancelToken, Cancelled};
use crate::units::SampleIdx;

use super::LiveOptions;

/// Utterances that vote on the language.
const UTTERANCES_TO_DETECT_LANGUAGE: usize = 3;
/// Tokens that the shortest utterance may have.
const MIN_TOKENS: usize = 16;
/// Text before an utterance that is a hint to it, as a share of what fits the decoder.
const HINT_SHARE: usize = 4;

/// What a transcript begins with and goes on from.
pub(super) struct Before<'a> {
    /// Text of the utterances before.
    pub(super) hint: &'a [TokenId],
    /// How the utterance begins.
    pub(super) opening: Vec<TokenId>,
}

/// Whether an utterance has ended, as far as can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    GoesOn,
    Ended,
}

/// What writes down what is heard.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) whisper: &'a Whisper,
    pub(super) options: &'a LiveOptions,
    pub(super) cancel: &'a CancelToken,
}

impl Writer<'_> {
    /// The words of an utterance after its opening; none for what is no speech.
    pub(super) fn write(
        &self,
        sound: &[f32],
        before: Before<'_>,
        language: &mut Language,
        stand: Stand,
    ) -> Result<Vec<TokenizedWord>, StageError> {
        let whisper = self.whisper;
        let encoded = whisper.encode(&whisper.log_mel(sound), &|| self.cancel.is_cancelled())?.ok_or(Cancelled)?;
        let encoded = whisper.prepare(&encoded)?;
        let language = language.token(whisper, &encoded, self.options.language.as_deref(), stand)?;
        let n_positions = whisper.config().max_target_positions;
        let n_tokens = SampleIdx(sound.len()).to_seconds().0 * self.options.max_tokens_per_sec;
        let n_opening = before.opening.len();
        let options = DecodeOptions {
            language,
            previous_text: before.hint[before.hint.len().saturating_sub(n_positions / HINT_SHARE)..].to_vec(),
            prefix: before.opening,
            max_new_tokens: Some((n_tokens as usize).saturating_sub(n_opening).max(MIN_TOKENS).min(n_positions / 2)),
            ..DecodeOptions::default()
        };
        let decoded = self.decode(encoded, &options)?;
        let text = whisper.tokenizer().decode(&decoded.tokens);
        if Thresholds::default().judge(&decoded, &text) == Verdict::Silence {
            return Ok(Vec::new());
        }
        let end_of_text = whisper.tokenizer().end_of_text;
        let tokens: Vec<TokenId> = decoded.tokens.into_iter().filter(|token| *token < end_of_text).collect();
        let words = whisper.tokenizer().split_words(&tokens, language);
        Ok(without_loops(words, &text))
    }

    fn decode(&self, encoded: Encoded, options: &DecodeOptions) -> Result<Decoded, StageError> {
        let mut batch = Batch::new(self.whisper);
        batch.admit(0, encoded, options);
        loop {
            self.cancel.check()?;
            if let Some((_, decoded)) = batch.step()?.pop() {
                return Ok(decoded);
            }
        }
    }
}

/// The words before the first repetition of a phrase that is said over and over. What follows such a loop is not
/// believed either: while somebody speaks there will be another transcript.
fn without_loops(mut words: Vec<TokenizedWord>, text: &str) -> Vec<TokenizedWord> {
    let (cut, loops) = cut_loops(&[text]);
    if loops == Loops::None {
        return words;
    }
    let cut = cut.concat();
    let n_same = text.bytes().zip(cut.bytes()).take_while(|(a, b)| a == b).count();
    let mut n_bytes = 0;
    words.retain(|word| {
        n_bytes += word.text.len();
        n_bytes <= n_same
    });
    words
}

/// The language, given or found in the first utterances.
#[derive(Clone, Debug, Default)]
pub(super) struct Language {
    /// How likely each is, summed over those that voted.
    totals: Vec<f64>,
    n_voted: usize,
}

impl Language {
    /// The token of the language of an utterance. One that has ended votes.
    fn token(
        &mut self,
        whisper: &Whisper,
        encoded: &Encoded,
        asked: Option<&str>,
        stand: Stand,
    ) -> Result<Option<TokenId>, StageError> {
        let known = whisper.tokenizer().languages();
        if let Some(asked) = asked {
            return Ok(whisper.tokenizer().language(asked));
        }
        let mut totals = self.totals.clone();
        if self.n_voted < UTTERANCES_TO_DETECT_LANGUAGE {
            totals.resize(known.len(), 0.0);
            for (total, (_, probability)) in totals.iter_mut().zip(whisper.language_probabilities(encoded.clone())?) {
                *total += probability;
            }
            if stand == Stand::Ended {
                self.totals.clone_from(&totals);
                self.n_voted += 1;
            }
        }
        let mut best = 0;
        for (n, total) in totals.iter().enumerate() {
            if *total > totals[best] {
                best = n;
            }
        }
        Ok(known.get(best).map(|(_, token)| *token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_ends_the_text() {
        for (text, expected) in [
            (" So we meet.".to_owned(), " So we meet."),
            (format!(" So.{}", " Thank you.".repeat(20)), " So. Thank you."),
            (format!(" So.{} Bye.", " Thank you.".repeat(20)), " So. Thank you."),
        ] {
            let word = |word: &str| TokenizedWord { text: format!(" {word}"), tokens: vec![1] };
            let words: Vec<TokenizedWord> = text.split_whitespace().map(word).collect();
            let left: String = without_loops(words, &text).into_iter().map(|word| word.text).collect();
            assert_eq!(left, expected, "{text}");
        }
    }
}
