//! Which tokens may come next: openai-whisper's logit filters (`decoding.py`, 20250625), and the prompt they start from.

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
    /// Text that came before, as tokens; the last ones count if they are too many.
    pub previous_text: Vec<TokenId>,
    /// How the text is looked for.
    pub strategy: Strategy,
    /// Exponent of the length penalty by which texts of different length are compared; `None`: their mean
    /// log-probability.
    pub length_penalty: Option<f32>,
    /// Most tokens to say; `None`: half of what fits the decoder.
    pub max_new_tokens: Option<usize>,
}

impl DecodeOptions {
    /// The tokens that the decoder is started with, and where among them `<|startoftranscript|>` is.
    pub(super) fn prompt(&self, config: &WhisperConfig, tokenizer: &Tokenizer) -> (Vec<TokenId>, usize) {
        let mut prompt = Vec::new();
        if !self.previous_text.is_empty() {
            let n_kept = self.previous_text.len().min((config.max_target_positions / 2).saturating_sub(1));
            prompt.push(tokenizer.start_of_prev);
            prompt.extend_from_slice(&self.previous_text[self.previous_text.len() - n_kept..]);
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
        (prompt, start)
    }
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
}

impl LogitRules {
    pub(super) fn new(options: &DecodeOptions, config: &WhisperConfig, tokenizer: &Tokenizer) -> Self {
        let (never, not_first) = match options.suppression {
            Suppression::AsConfigured => (config.suppressed().collect(), config.suppressed_at_first().collect()),
            Suppression::None => (Vec::new(), Vec::new()),
        };
        let timestamps = (options.timestamps == Timestamps::With).then(|| TimestampRules {
            no_timestamps: tokenizer.no_timestamps,
            first_timestamp: tokenizer.first_timestamp(),
            end_of_text: tokenizer.end_of_text,
            max_initial: config.max_initial_timestamp_index,
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
                let end = (first + max_initial + 1).min(logits.len());
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
