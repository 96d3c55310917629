//! How one chunk's text is looked for: greedily, by beam search, or by sampling, after openai-whisper 20250625
//! (`decoding.py`: `GreedyDecoder`, `BeamSearchDecoder`, `MaximumLikelihoodRanker`).
//!
//! Pure bookkeeping over logits: it runs no network. Each step turns the logits of the live sequences into
//! [`Continuation`]s, which say what sequence each new one goes on from.

use super::super::random::SplitMix64;
use super::generate::Ending;
use super::rules::log_sum_exp;
use super::tokenizer::TokenId;

/// How the text is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Strategy {
    /// The likeliest token at every step.
    #[default]
    Greedy,
    /// The likeliest of several texts that are followed at once.
    Beam {
        /// Texts that are followed.
        size: usize,
        /// The search goes on until `size * patience` texts came to an end.
        patience: f32,
    },
    /// Tokens drawn by their probability.
    Sample {
        /// Above 0; the higher, the bolder.
        temperature: f32,
        /// Texts that are drawn; the likeliest is taken.
        best_of: usize,
        /// The same seed draws the same texts.
        seed: u64,
    },
}

/// A text that is being followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hypothesis {
    /// What was sampled so far.
    pub(super) tokens: Vec<TokenId>,
    /// Sum of the log-probabilities of these tokens, and of the end of text once it was sampled.
    pub(super) sum_logprob: f64,
}

/// One more token for a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Continuation {
    /// Index of the sequence that it goes on from.
    pub(super) parent: usize,
    /// The token, which the decoder has to see next.
    pub(super) token: TokenId,
    logprob: f64,
}

/// The search for one chunk's text.
#[derive(Debug)]
pub(super) struct Search {
    strategy: Strategy,
    length_penalty: Option<f32>,
    end_of_text: TokenId,
    live: Vec<Hypothesis>,
    ended: Vec<Hypothesis>,
    random: SplitMix64,
}

impl Search {
    /// A search that has sampled nothing; the one sequence there is has seen the prompt.
    pub(super) fn new(strategy: Strategy, length_penalty: Option<f32>, end_of_text: TokenId) -> Self {
        let seed = if let Strategy::Sample { seed, .. } = strategy { seed } else { 0 };
        let live = vec![Hypothesis::default()];
        Self { strategy, length_penalty, end_of_text, live, ended: Vec::new(), random: SplitMix64::new(seed) }
    }

    /// The sequences that go on, in the order of their logits.
    pub(super) fn live(&self) -> &[Hypothesis] {
        &self.live
    }

    /// Takes the filtered logits of the live sequences and says how they go on; nothing once the search has ended.
    pub(super) fn advance(&mut self, logits: &[&[f32]]) -> Vec<Continuation> {
        let chosen = match self.strategy {
            Strategy::Greedy => self.choose_likeliest(logits),
            Strategy::Sample { temperature, best_of, .. } => self.draw(logits, temperature, best_of.max(1)),
            Strategy::Beam { size, patience } => self.choose_beams(logits, size.max(1), patience),
        };
        self.live =
            chosen.iter().map(|continuation| self.live[continuation.parent].followed_by(continuation)).collect();
        chosen
    }

    /// The best text, once no sequence goes on or no more tokens are allowed.
    pub(super) fn finish(mut self) -> (Hypothesis, Ending) {
        let n_ended = self.ended.len();
        match self.strategy {
            Strategy::Greedy | Strategy::Sample { .. } => self.ended.append(&mut self.live),
            Strategy::Beam { size, .. } => {
                // Texts that came to no end only count where too few did.
                self.live.sort_by(|a, b| b.sum_logprob.total_cmp(&a.sum_logprob));
                let n_missing = size.max(1).saturating_sub(n_ended);
                self.ended.extend(self.live.drain(..n_missing.min(self.live.len())));
            }
        }
        let mut best = 0;
        for (n, hypothesis) in self.ended.iter().enumerate() {
            if self.score(hypothesis) > self.score(&self.ended[best]) {
                best = n;
            }
        }
        let ending = if best < n_ended { Ending::EndOfText } else { Ending::TokenLimit };
        (self.ended.swap_remove(best), ending)
    }

    /// Log-probability made comparable between texts of different length: its mean, or Google's length penalty
    /// (Wu et al., 2016).
    fn score(&self, hypothesis: &Hypothesis) -> f64 {
        let n_tokens = hypothesis.tokens.len() as f64;
        let penalty = match self.length_penalty {
            None => n_tokens,
            Some(exponent) => ((5.0 + n_tokens) / 6.0).powf(f64::from(exponent)),
        };
        // A text without tokens has no mean; it is as likely as its end.
        if penalty == 0.0 { hypothesis.sum_logprob } else { hypothesis.sum_logprob / penalty }
    }

    fn choose_likeliest(&mut self, logits: &[&[f32]]) -> Vec<Continuation> {
        let mut chosen = Vec::new();
        for (parent, logits) in logits.iter().enumerate() {
            let token = argmax(logits);
            let logprob = f64::from(logits[token] - log_sum_exp(logits));
            self.go_on(Continuation { parent, token: token as TokenId, logprob }, &mut chosen);
        }
        chosen
    }

    fn draw(&mut self, logits: &[&[f32]], temperature: f32, best_of: usize) -> Vec<Continuation> {
        // At first there is one sequence, from which all texts set out.
        let is_first = self.live.len() == 1 && self.live[0].tokens.is_empty() && self.ended.is_empty();
        let n_draws = if is_first { best_of } else { 1 };
        let mut chosen = Vec::new();
        for (parent, logits) in logits.iter().enumerate() {
            let tempered: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
            let (total, total_tempered) = (log_sum_exp(logits), log_sum_exp(&tempered));
            for _ in 0..n_draws {
                let mut left = self.random.next_unit();
                let mut token = argmax(logits);
                for (candidate, logit) in tempered.iter().enumerate() {
                    let probability = f64::from(logit - total_tempered).exp();
                    if probability > 0.0 {
                        token = candidate;
                        left -= probability;
                    }
                    if left < 0.0 {
                        break;
                    }
                }
                let logprob = f64::from(logits[token] - total);
                self.go_on(Continuation { parent, token: token as TokenId, logprob }, &mut chosen);
            }
        }
        chosen
    }

    fn choose_beams(&mut self, logits: &[&[f32]], size: usize, patience: f32) -> Vec<Continuation> {
        let mut candidates: Vec<(f64, Continuation)> = Vec::with_capacity(logits.len() * (size + 1));
        for (parent, logits) in logits.iter().enumerate() {
            let total = log_sum_exp(logits);
            for token in largest(logits, size + 1) {
                let logprob = f64::from(logits[token] - total);
                let sum = self.live[parent].sum_logprob + logprob;
                candidates.push((sum, Continuation { parent, token: token as TokenId, logprob }));
            }
        }
        candidates.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut chosen = Vec::with_capacity(size);
        let max_ended = (size as f32 * patience).round() as usize;
        for (_, continuation) in candidates {
            if continuation.token != self.end_of_text {
                chosen.push(continuation);
            } else if self.ended.len() < max_ended {
                let ended = self.live[continuation.parent].ended_by(&continuation);
                self.ended.push(ended);
            }
            if chosen.len() == size {
                break;
            }
        }
        if self.ended.len() >= max_ended { Vec::new() } else { chosen }
    }

    fn go_on(&mut self, continuation: Continuation, chosen: &mut Vec<Continuation>) {
        if continuation.token == self.end_of_text {
            self.ended.push(self.live[continuation.parent].ended_by(&continuation));
        } else {
            chosen.push(continuation);
        }
    }
}

impl Hypothesis {
    fn followed_by(&self, continuation: &Continuation) -> Self {
        let tokens = [self.tokens.as_slice(), &[continuation.token]].concat();
        Self { tokens, sum_logprob: self.sum_logprob + continuation.logprob }
    }

    fn ended_by(&self, continuation: &Continuation) -> Self {
        Self { tokens: self.tokens.clone(), sum_logprob: self.sum_logprob + continuation.logprob }
    }
}

/// The first of the largest values, as `torch.argmax`.
fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// Indices of the `n` largest finite values, largest first.
fn largest(values: &[f32], n: usize) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::with_capacity(n + 1);
    for (index, value) in values.iter().enumerate() {
        let is_better = best.len() < n || best.last().is_some_and(|worst| *value > values[*worst]);
        if *value > f32::NEG_INFINITY && is_better {
            let place = best.partition_point(|other| values[*other] >= *value);
            best.insert(place, index);
            best.truncate(n);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_ties_keep_their_order() {
        let infinite = f32::NEG_INFINITY;
        for (values, n, expected) in [
            (&[1.0, 3.0, 2.0][..], 2, &[1, 2][..]),
            (&[1.0, 3.0, 3.0, 3.0], 2, &[1, 2]),
            (&[infinite, 0.0, infinite], 3, &[1]),
            (&[], 3, &[]),
        ] {
            assert_eq!(largest(values, n), expected, "{values:?}");
        }
    }

    #[test]
    fn sampling_follows_the_probabilities_and_the_seed() {
        let logits: Vec<f32> = [0.5_f32, 0.0, 0.3, 0.2].iter().map(|probability| probability.ln()).collect();
        let draw_with = |seed| {
            let strategy = Strategy::Sample { temperature: 1.0, best_of: 4000, seed };
            let mut search = Search::new(strategy, None, 99);
            search.advance(&[&logits]).iter().map(|continuation| continuation.token).collect::<Vec<_>>()
        };
        let tokens = draw_with(1);
        for (token, expected) in [(0, 0.5), (1, 0.0), (2, 0.3), (3, 0.2)] {
            let share = tokens.iter().filter(|drawn| **drawn == token).count() as f64 / 4000.0;
            assert!((share - expected).abs() < 0.03, "token {token}: {share}, expected {expected}");
        }
        assert_eq!(tokens, draw_with(1), "the same seed");
        assert_ne!(tokens, draw_with(2), "another seed");
    }
}
