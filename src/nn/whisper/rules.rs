//! Which tokens may come next: openai-whisper's logit filters (`decoding.py`, 20250625), and the prompt they start from.

use std::sync::Arc;

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp, SimdUnaryOp};
use rten_vecmath::Exp;

use super::config::WhisperConfig;
use super::search::Strategy;
use super::tokenizer::{TokenId, Tokenizer};

/// What to do with the speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Write it down in its own language.
    #[default]
    Transcribe,
    /// Write it down in English.
    Translate,
}

/// Whether the model says when each phrase begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// Text only.
    #[default]
    Without,
    /// Timestamp tokens around phrases.
    With,
}

/// Whether the checkpoint's lists of unwanted tokens apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Suppression {
    /// As the checkpoint's configuration lists them.
    #[default]
    AsConfigured,
    /// Every token may come.
    None,
}

/// How one chunk is decoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodeOptions {
    /// Token of the spoken language; `None` for English-only models.
    pub language: Option<TokenId>,
    /// What to do.
    pub task: Task,
    /// Whether to say when.
    pub timestamps: Timestamps,
    /// Whether unwanted tokens are suppressed.
    pub suppression: Suppression,
    /// Tokens that are never said either; see [`Self::without_numerals`].
    pub suppressed: Arc<[TokenId]>,
    /// Text that came before, as tokens; the last ones count if they are too many.
    pub previous_text: Vec<TokenId>,
    /// Words that may come up, as tokens; the first ones count if they are too many. They are as if said before the
    /// previous text. No use is made of them where there is a prefix.
    pub hotwords: Vec<TokenId>,
    /// How the text begins, as tokens; the last ones count if they are too many. The model goes on from there.
    pub prefix: Vec<TokenId>,
    /// How the text is looked for.
    pub strategy: Strategy,
    /// Exponent of the length penalty by which texts of different length are compared; `None`: their mean
    /// log-probability.
    pub length_penalty: Option<f32>,
    /// Most tokens to say; `None`: half of what fits the decoder.
    pub max_new_tokens: Option<usize>,
}

impl DecodeOptions {
    /// The same, but numbers are written in words: no token may come that has a digit or one of `%$£` in it, as in
    /// whisperX 3.8. To be done once and copied, for it reads the whole vocabulary.
    pub fn without_numerals(mut self, tokenizer: &Tokenizer) -> Self {
        let mut suppressed = self.suppressed.to_vec();
        for token in 0..tokenizer.end_of_text {
            if tokenizer.decode(&[token]).contains(|c: char| c.is_ascii_digit() || "%$£".contains(c)) {
                suppressed.push(token);
            }
        }
        self.suppressed = suppressed.into();
        self
    }

    /// The tokens that the decoder is started with, and where among them `<|startoftranscript|>` is. The prefix is
    /// where openai-whisper puts it, the hotwords where faster-whisper 1.2 does.
    ///
    /// No part of it takes more than half of what fits the decoder. Where all of it together would leave less than a
    /// quarter of that to the text, the previous text is shortened; faster-whisper lets it overflow.
    pub fn prompt(&self, config: &WhisperConfig, tokenizer: &Tokenizer) -> (Vec<TokenId>, usize) {
        let n_positions = config.max_target_positions;
        let max_part = (n_positions / 2).saturating_sub(1);
        let prefix = last(&self.prefix, max_part);
        let hotwords = if prefix.is_empty() { &self.hotwords[..self.hotwords.len().min(max_part)] } else { &[] };
        let n_left = (n_positions * 3 / 4).saturating_sub(1 + hotwords.len() + prefix.len());
        let previous_text = last(&self.previous_text, n_left.min(max_part));
        let mut prompt = Vec::new();
        if !hotwords.is_empty() || !previous_text.is_empty() {
            prompt.push(tokenizer.start_of_prev);
            prompt.extend_from_slice(hotwords);
            prompt.extend_from_slice(previous_text);
        }
        let start = prompt.len();
        prompt.push(tokenizer.start_of_transcript);
        if let Some(language) = self.language {
            prompt.push(language);
            prompt.extend(match self.task {
                Task::Transcribe => tokenizer.transcribe,
                Task::Translate => tokenizer.translate,
            });
        }
        if self.timestamps == Timestamps::Without {
            prompt.push(tokenizer.no_timestamps);
        }
        prompt.extend_from_slice(prefix);
        (prompt, start)
    }
}

/// The last `n` tokens, or all if there are fewer.
fn last(tokens: &[TokenId], n: usize) -> &[TokenId] {
    &tokens[tokens.len().saturating_sub(n)..]
}

/// The filters for one sequence. Applied in the order of openai-whisper: what may not come first, what may never come,
/// then the grammar of timestamps.
pub(super) struct LogitRules {
    never: Vec<TokenId>,
    not_first: Vec<TokenId>,
    timestamps: Option<TimestampRules>,
}

struct TimestampRules {
    no_timestamps: TokenId,
    first_timestamp: TokenId,
    end_of_text: TokenId,
    max_initial: Option<usize>,
    /// The last timestamp that lies in the model's window, which may be shorter than the vocabulary allows for.
    max_timestamp: usize,
}

impl LogitRules {
    pub(super) fn new(options: &DecodeOptions, config: &WhisperConfig, tokenizer: &Tokenizer) -> Self {
        let (mut never, not_first): (Vec<TokenId>, Vec<TokenId>) = match options.suppression {
            Suppression::AsConfigured => (config.suppressed().collect(), config.suppressed_at_first().collect()),
            Suppression::None => (Vec::new(), Vec::new()),
        };
        never.extend_from_slice(&options.suppressed);
        let timestamps = (options.timestamps == Timestamps::With).then(|| TimestampRules {
            no_timestamps: tokenizer.no_timestamps,
            first_timestamp: tokenizer.first_timestamp(),
            end_of_text: tokenizer.end_of_text,
            max_initial: config.max_initial_timestamp_index,
            max_timestamp: tokenizer.first_timestamp() as usize + config.max_source_positions,
        });
        Self { never, not_first, timestamps }
    }

    /// Sets the logits of what may not follow `sampled` to minus infinity.
    ///
    /// # Shapes
    /// `logits` `[vocabulary]`
    pub(super) fn apply(&self, sampled: &[TokenId], logits: &mut [f32]) {
        let at_first = if sampled.is_empty() { self.not_first.as_slice() } else { &[] };
        for token in at_first.iter().chain(&self.never) {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
        if let Some(timestamps) = &self.timestamps {
            timestamps.apply(sampled, logits);
        }
    }
}

impl TimestampRules {
    fn apply(&self, sampled: &[TokenId], logits: &mut [f32]) {
        let first = self.first_timestamp as usize;
        let is_timestamp = |token: &TokenId| *token >= self.first_timestamp;
        let forbid = |logits: &mut [f32]| logits.fill(f32::NEG_INFINITY);
        forbid(&mut logits[self.no_timestamps as usize..=self.no_timestamps as usize]);
        let beyond_window = (self.max_timestamp + 1).min(logits.len());
        forbid(&mut logits[beyond_window..]);
        let last_was = sampled.last().is_some_and(is_timestamp);
        let penultimate_was = sampled.len() < 2 || is_timestamp(&sampled[sampled.len() - 2]);
        if last_was && penultimate_was {
            // A closed pair: text comes next.
            forbid(&mut logits[first..]);
        } else if last_was {
            // A phrase just ended: the next one begins, or the text ends.
            forbid(&mut logits[..self.end_of_text as usize]);
        }
        if let Some(last) = sampled.iter().rfind(|token| is_timestamp(token)) {
            // Time does not run backwards, and a phrase that is open must not end where it began.
            let lowest = if last_was && !penultimate_was { *last } else { last + 1 } as usize;
            let end = lowest.min(logits.len());
            forbid(&mut logits[first..end]);
        }
        if sampled.is_empty() {
            forbid(&mut logits[..first]);
            if let Some(max_initial) = self.max_initial {
                let end = first.saturating_add(max_initial).saturating_add(1).min(logits.len());
                forbid(&mut logits[end..]);
            }
        }
        // A timestamp comes when all of them together are likelier than the likeliest text. Normalising both sides would
        // subtract the same number.
        let (text, timestamps) = logits.split_at(first);
        let likeliest_text = text.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if log_sum_exp(timestamps) > likeliest_text {
            forbid(&mut logits[..first]);
        }
    }
}

/// `ln Σ exp(x)`, minus infinity where everything is forbidden.
pub(super) fn log_sum_exp(values: &[f32]) -> f32 {
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        return max;
    }
    max + SumExp { values, max }.dispatch().ln()
}

/// `Σ exp(value - max)`.
struct SumExp<'a> {
    values: &'a [f32],
    max: f32,
}

impl SimdOp for SumExp<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> f32 {
        let ops = isa.f32();
        let max = ops.splat(self.max);
        let n_lanes = ops.len();
        let blocks = self.values.chunks_exact(n_lanes);
        let rest: f32 = blocks.remainder().iter().map(|value| (value - self.max).exp()).sum();
        let mut sums = ops.zero();
        for block in blocks {
            sums = ops.add(sums, Exp {}.eval(isa, ops.sub(ops.load(block), max)));
        }
        ops.sum(sums) + rest
    }
}
