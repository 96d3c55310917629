//! Greedy decoding of many chunks at once, with continuous batching: a chunk that is finished leaves the batch, and the
//! next one takes its place while the others go on.

use super::Whisper;
use super::decoder::{DecoderState, Encoded};
use super::rules::{DecodeOptions, LogitRules, log_sum_exp};
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
    rows: Vec<Row>,
}

struct Row {
    id: usize,
    state: DecoderState,
    rules: LogitRules,
    /// What the decoder has yet to see: the prompt at first, then the last sampled token.
    unseen: Vec<TokenId>,
    /// Where in the prompt `<|startoftranscript|>` is, until its logits were read.
    start: Option<usize>,
    tokens: Vec<TokenId>,
    max_new_tokens: usize,
    sum_logprob: f64,
    no_speech_prob: f64,
}

impl<'a> Batch<'a> {
    /// An empty batch.
    pub fn new(whisper: &'a Whisper) -> Self {
        Self { whisper, rows: Vec::new() }
    }

    /// Chunks in it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no chunk is in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a chunk; `id` comes back with its result.
    pub fn admit(&mut self, id: usize, encoded: Encoded, options: &DecodeOptions) {
        let (config, tokenizer) = (self.whisper.config(), self.whisper.tokenizer());
        let (prompt, start) = options.prompt(config, tokenizer);
        let room = config.max_target_positions.saturating_sub(prompt.len());
        self.rows.push(Row {
            id,
            state: DecoderState::new(encoded),
            rules: LogitRules::new(options, config, tokenizer),
            unseen: prompt,
            start: Some(start),
            tokens: Vec::new(),
            max_new_tokens: options.max_new_tokens.unwrap_or(config.max_target_positions / 2).min(room),
            sum_logprob: 0.0,
            no_speech_prob: 0.0,
        });
    }

    /// Samples one token for every chunk, and returns those that are finished, with their `id`.
    pub fn step(&mut self) -> Vec<(usize, Decoded)> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let mut positions = Vec::new();
        for (sequence, row) in self.rows.iter().enumerate() {
            positions.push((sequence, row.unseen.len() - 1));
            positions.extend(row.start.map(|start| (sequence, start)));
        }
        let mut inputs: Vec<_> = self.rows.iter_mut().map(|row| (&mut row.state, row.unseen.as_slice())).collect();
        let mut logits = self.whisper.decode(&mut inputs, &positions);
        let tokenizer = self.whisper.tokenizer();
        let mut logits = logits.chunks_exact_mut(self.whisper.config().vocab_size);
        let mut next_logits = || logits.next().expect("one row of logits for each position asked for");
        let mut finished = Vec::new();
        for (n, row) in self.rows.iter_mut().enumerate() {
            let last = next_logits();
            if row.start.take().is_some() {
                let at_start = next_logits();
                row.no_speech_prob = tokenizer.no_speech.map_or(0.0, |token| probability(at_start, token));
            }
            if let Some(ending) = row.sample(last, tokenizer.end_of_text) {
                finished.push((n, ending));
            }
        }
        let mut results: Vec<_> = finished
            .into_iter()
            .rev()
            .map(|(n, ending)| {
                let row = self.rows.remove(n);
                let avg_logprob = row.sum_logprob / (row.tokens.len() + 1) as f64;
                (row.id, Decoded { tokens: row.tokens, avg_logprob, no_speech_prob: row.no_speech_prob, ending })
            })
            .collect();
        results.reverse();
        results
    }
}

impl Row {
    fn sample(&mut self, logits: &mut [f32], end_of_text: TokenId) -> Option<Ending> {
        if self.max_new_tokens == 0 {
            return Some(Ending::TokenLimit);
        }
        self.rules.apply(&self.tokens, logits);
        let token = argmax(logits);
        self.sum_logprob += f64::from(logits[token] - log_sum_exp(logits));
        let token = token as TokenId;
        if token == end_of_text {
            return Some(Ending::EndOfText);
        }
        self.tokens.push(token);
        self.unseen = vec![token];
        (self.tokens.len() == self.max_new_tokens).then_some(Ending::TokenLimit)
    }
}

impl Whisper {
    /// The probability of each language, in the order of the vocabulary: one decoding step, compared among the language
    /// tokens only. Empty for English-only models.
    pub fn language_probabilities(&self, encoded: Encoded) -> Vec<(String, f64)> {
        let languages = self.tokenizer().languages();
        if languages.is_empty() {
            return Vec::new();
        }
        let mut state = DecoderState::new(encoded);
        let start = [self.tokenizer().start_of_transcript];
        let logits = self.decode(&mut [(&mut state, start.as_slice())], &[(0, 0)]);
        let of_languages: Vec<f32> = languages.iter().map(|(_, token)| logits[*token as usize]).collect();
        let total = log_sum_exp(&of_languages);
        let probabilities = of_languages.iter().map(|logit| f64::from(logit - total).exp());
        languages.iter().map(|(code, _)| code.clone()).zip(probabilities).collect()
    }
}

/// Softmax of `logits` at `token`.
fn probability(logits: &[f32], token: TokenId) -> f64 {
    logits.get(token as usize).map_or(0.0, |logit| f64::from(logit - log_sum_exp(logits)).exp())
}

/// The first of the largest values, as PyTorch.
fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
