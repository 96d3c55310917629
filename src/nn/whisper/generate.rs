//! Decoding of many chunks at once, with continuous batching: a chunk that is finished leaves the batch, and the next one
//! takes its place while the others go on.

use super::Whisper;
use super::network::{DecoderState, Encoded};
use super::on_device::DeviceError;
use super::rules::{DecodeOptions, LogitRules, log_sum_exp};
use super::search::{Continuation, Search};
use super::tokenizer::TokenId;

/// What the model said about one chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The sampled tokens, without prompt and end of text.
    pub tokens: Vec<TokenId>,
    /// Sum of the log-probabilities of all sampled tokens and of the end of text, divided by the number of tokens plus 1,
    /// after openai-whisper.
    pub avg_logprob: f64,
    /// Probability of `<|nospeech|>` at the start, among all tokens; 0 for vocabularies that lack it.
    pub no_speech_prob: f64,
    /// Why it stopped.
    pub ending: Ending,
}

/// Why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The model said that it is done.
    EndOfText,
    /// It had said as much as it may; the text may be cut.
    TokenLimit,
}

/// Chunks that are being decoded together.
pub struct Batch<'a> {
    whisper: &'a Whisper,
    items: Vec<Item>,
}

/// One chunk: a search, and the sequences that it follows.
struct Item {
    id: usize,
    search: Search,
    /// One for each hypothesis that the search follows.
    sequences: Vec<Sequence>,
    rules: LogitRules,
    /// Where in the prompt `<|startoftranscript|>` is, until its logits were read.
    start: Option<usize>,
    n_tokens_left: usize,
    no_speech_prob: f64,
}

struct Sequence {
    state: DecoderState,
    /// What the decoder has yet to see: the prompt at first, then the last sampled token.
    unseen: Vec<TokenId>,
}

impl<'a> Batch<'a> {
    /// An empty batch.
    pub fn new(whisper: &'a Whisper) -> Self {
        Self { whisper, items: Vec::new() }
    }

    /// The model that decodes it.
    pub fn whisper(&self) -> &'a Whisper {
        self.whisper
    }

    /// Chunks in it.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether no chunk is in it.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds a chunk; `id` comes back with its result.
    pub fn admit(&mut self, id: usize, encoded: Encoded, options: &DecodeOptions) {
        let (config, tokenizer) = (self.whisper.config(), self.whisper.tokenizer());
        let (prompt, start) = options.prompt(config, tokenizer);
        // The last token that is sampled is not fed to the decoder any more, so it needs no place there.
        let room = (config.max_target_positions + 1).saturating_sub(prompt.len());
        self.items.push(Item {
            id,
            search: Search::new(options.strategy, options.length_penalty, tokenizer.end_of_text),
            sequences: vec![Sequence { state: DecoderState::new(encoded), unseen: prompt }],
            rules: LogitRules::new(options, config, tokenizer),
            start: Some(start),
            n_tokens_left: options.max_new_tokens.unwrap_or(config.max_target_positions / 2).min(room),
            no_speech_prob: 0.0,
        });
    }

    /// Samples one token for every sequence, and returns the chunks that are finished, with their `id`.
    pub fn step(&mut self) -> Result<Vec<(usize, Decoded)>, DeviceError> {
        if self.items.is_empty() {
            return Ok(Vec::new());
        }
        let vocab_size = self.whisper.config().vocab_size;
        let mut logits = self.next_logits()?;
        let mut rows = logits.chunks_exact_mut(vocab_size);
        let no_speech = self.whisper.tokenizer().no_speech;
        let mut finished = Vec::new();
        for (n, item) in self.items.iter_mut().enumerate() {
            if item.start.take().is_some() {
                let at_start = rows.next().expect("logits at the start were asked for");
                item.no_speech_prob = no_speech.map_or(0.0, |token| probability(at_start, token));
            }
            let rows: Vec<&mut [f32]> = rows.by_ref().take(item.sequences.len()).collect();
            if item.advance(rows) == Progress::Finished {
                finished.push(n);
            }
        }
        let mut results: Vec<_> = finished.into_iter().rev().map(|n| self.items.remove(n).finish()).collect();
        results.reverse();
        Ok(results)
    }

    /// Feeds every sequence what it has not seen. The result has, for each chunk, the logits at the start token if they
    /// were not read yet, then those of each sequence's next token.
    fn next_logits(&mut self) -> Result<Vec<f32>, DeviceError> {
        let mut positions = Vec::new();
        let mut sequence_idx = 0;
        for item in &self.items {
            positions.extend(item.start.map(|start| (sequence_idx, start)));
            for sequence in &item.sequences {
                positions.push((sequence_idx, sequence.unseen.len() - 1));
                sequence_idx += 1;
            }
        }
        let sequences = self.items.iter_mut().flat_map(|item| &mut item.sequences);
        let mut inputs: Vec<_> = sequences.map(|sequence| (&mut sequence.state, sequence.unseen.as_slice())).collect();
        self.whisper.decode(&mut inputs, &positions)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    GoesOn,
    Finished,
}

impl Item {
    fn advance(&mut self, mut rows: Vec<&mut [f32]>) -> Progress {
        if self.n_tokens_left == 0 {
            return Progress::Finished;
        }
        self.n_tokens_left -= 1;
        for (row, hypothesis) in rows.iter_mut().zip(self.search.live()) {
            self.rules.apply(&hypothesis.tokens, row);
        }
        let rows: Vec<&[f32]> = rows.iter().map(|row| &**row).collect();
        let continuations = self.search.advance(&rows);
        self.sequences = follow(std::mem::take(&mut self.sequences), &continuations);
        if self.sequences.is_empty() || self.n_tokens_left == 0 { Progress::Finished } else { Progress::GoesOn }
    }

    fn finish(self) -> (usize, Decoded) {
        let (best, ending) = self.search.finish();
        let avg_logprob = best.sum_logprob / (best.tokens.len() + 1) as f64;
        (self.id, Decoded { tokens: best.tokens, avg_logprob, no_speech_prob: self.no_speech_prob, ending })
    }
}

/// The sequences after one more token each. A parent's memory is copied only where several go on from it.
fn follow(parents: Vec<Sequence>, continuations: &[Continuation]) -> Vec<Sequence> {
    let mut parents: Vec<Option<DecoderState>> = parents.into_iter().map(|parent| Some(parent.state)).collect();
    let state_for = |n: usize, parent: usize, parents: &mut Vec<Option<DecoderState>>| {
        let is_needed_again = continuations[n + 1..].iter().any(|later| later.parent == parent);
        let state = if is_needed_again { parents[parent].clone() } else { parents[parent].take() };
        state.expect("taken by its last continuation only")
    };
    continuations
        .iter()
        .enumerate()
        .map(|(n, continuation)| Sequence {
            state: state_for(n, continuation.parent, &mut parents),
            unseen: vec![continuation.token],
        })
        .collect()
}

impl Whisper {
    /// The probability of each language, in the order of the vocabulary: one decoding step, compared among the language
    /// tokens only. Empty for English-only models.
    pub fn language_probabilities(&self, encoded: Encoded) -> Result<Vec<(String, f64)>, DeviceError> {
        let languages = self.tokenizer().languages();
        if languages.is_empty() {
            return Ok(Vec::new());
        }
        let mut state = DecoderState::new(encoded);
        let start = [self.tokenizer().start_of_transcript];
        let logits = self.decode(&mut [(&mut state, start.as_slice())], &[(0, 0)])?;
        let of_languages: Vec<f32> = languages.iter().map(|(_, token)| logits[*token as usize]).collect();
        let total = log_sum_exp(&of_languages);
        let probabilities = of_languages.iter().map(|logit| f64::from(logit - total).exp());
        Ok(languages.iter().map(|(code, _)| code.clone()).zip(probabilities).collect())
    }
}

/// Softmax of `logits` at `token`.
fn probability(logits: &[f32], token: TokenId) -> f64 {
    logits.get(token as usize).map_or(0.0, |logit| f64::from(logit - log_sum_exp(logits)).exp())
}
