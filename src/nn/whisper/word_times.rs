//! When each word of a text was said: from where in the audio the decoder looks while it reads that text. After
//! openai-whisper 20250625 (`timing.py`).
//!
//! ```text
//! text ──decoder──▶ attention of some heads ──normalised, smoothed, averaged──▶ cost ──shortest path──▶ times of words
//! ```
//! It needs no model but Whisper and knows all its languages; models that were made for alignment are more exact.
//! [`Whisper::word_times`] gives times as they are found. [`assign_words`] then hands the words to the segments of a
//! text and shortens those that cannot have taken so long.

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_tensor::NdTensorView;
use rten_vecmath::Softmax;
use serde::{Deserialize, Serialize};

use super::super::linear::{multiply_packed, pack_transposed};
use super::Whisper;
use super::config::ConfigError;
use super::network::{DecoderState, Encoded};
use super::on_device::DeviceError;
use super::rules::{DecodeOptions, Task, log_sum_exp};
use super::tokenizer::{TokenId, TokenizedWord};

/// Frames of the encoder's output in a second, and frames of the spectrogram for each of them.
const FRAMES_PER_SEC: f64 = 50.0;
const MEL_FRAMES_PER_FRAME: usize = 2;
/// Tokens that are fed at once: the logits of a whole text would take 46 MB.
const TOKENS_PER_PASS: usize = 32;
/// Frames under the median filter, and how far it reaches to each side.
const SMOOTHING_WIDTH: usize = 7;
const SMOOTHING_REACH: usize = SMOOTHING_WIDTH / 2;
/// Punctuation that belongs to the word after it, and that which belongs to the word before.
const OPENING: &str = "\"'“¿([{-";
const CLOSING: &str = "\"'.。,，!！?？:：”)]}、";
const SENTENCE_ENDS: &str = ".。!！?？";
/// However slowly somebody speaks, words are not expected to take longer than this.
const MAX_MEDIAN_SECS: f64 = 0.7;
/// What a word says of the edge of its segment counts unless the segment's own time differs by more than this.
const EDGE_TOLERANCE_SECS: f64 = 0.5;

/// The times of words could not be found.
#[derive(Debug, thiserror::Error)]
pub enum WordTimesError {
    /// The text is longer than the decoder can read.
    #[error(transparent)]
    Text(#[from] ConfigError),
    /// The device gave up.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A word and when it was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WordTime {
    /// The word as written, with the blank before it.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<TokenId>,
    /// Where it begins,
    pub start_secs: f64,
    /// and where it ends: not before it begins.
    pub end_secs: f64,
    /// Mean probability of its tokens, 0 to 1.
    pub probability: f64,
}

/// A segment of a text, and its words once they are assigned.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentWords {
    /// Where it begins: as the model's timestamps or the cutting of chunks say, then as its words do.
    pub start_secs: f64,
    /// Where it ends, likewise.
    pub end_secs: f64,
    /// How many text tokens it has.
    pub n_text_tokens: usize,
    /// Its words, in order.
    pub words: Vec<WordTime>,
}

/// How the decoder looked at the audio while it read a text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextAttention {
    /// What it costs to say that a frame belongs to a token: the less attention, the more. Row `n` is about the `n`th
    /// token, which is looked for while the one before it is read; the last row is about the end of the text.
    ///
    /// # Shapes
    /// `[text tokens + 1, n_frames]`
    pub cost: Vec<f32>,
    /// Frames of 20 ms.
    pub n_frames: usize,
    /// Probability of each token among all text, given those before it.
    pub probabilities: Vec<f64>,
}

impl Whisper {
    /// The words of a text and when they were said, in seconds from the start of the window. `tokens` is what was
    /// decoded with `language` and `task`; those that are no text are left out. The first `n_mel_frames` frames of the
    /// window, 10 ms each, are audio, and the rest is padding.
    ///
    /// # Errors
    /// The text is longer than the decoder can read.
    pub fn word_times(
        &self,
        encoded: &Encoded,
        language: Option<TokenId>,
        task: Task,
        tokens: &[TokenId],
        n_mel_frames: usize,
    ) -> Result<Vec<WordTime>, WordTimesError> {
        let end_of_text = self.tokenizer().end_of_text;
        let text: Vec<TokenId> = tokens.iter().copied().filter(|token| *token < end_of_text).collect();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let words = self.tokenizer().split_words(&text, language);
        let attention = self.text_attention(encoded, language, task, &text, n_mel_frames)?;
        let first_frames = first_frames(&shortest_path(&attention.cost, attention.n_frames));
        let mut n_before = 0;
        let timed = words.into_iter().map(|TokenizedWord { text, tokens }| {
            let (first, end) = (n_before, n_before + tokens.len());
            n_before = end;
            let secs = |token: usize| first_frames[token] as f64 / FRAMES_PER_SEC;
            let probability = attention.probabilities[first..end].iter().sum::<f64>() / tokens.len() as f64;
            WordTime { text, tokens, start_secs: secs(first), end_secs: secs(end), probability }
        });
        Ok(timed.collect())
    }

    /// What the times of words are read from; `text` has text tokens only. For the rest see [`Whisper::word_times`].
    pub fn text_attention(
        &self,
        encoded: &Encoded,
        language: Option<TokenId>,
        task: Task,
        text: &[TokenId],
        n_mel_frames: usize,
    ) -> Result<TextAttention, WordTimesError> {
        let (config, tokenizer) = (self.config(), self.tokenizer());
        let options = DecodeOptions { language, task, ..DecodeOptions::default() };
        let (prompt, _) = options.prompt(config, tokenizer);
        let all = [prompt.as_slice(), text, &[tokenizer.end_of_text]].concat();
        if all.len() > config.max_target_positions {
            let needed = format!("the text to find word times for takes {}", all.len());
            let found = config.max_target_positions.to_string();
            return Err(ConfigError::Value { entry: "max_target_positions", found, needed }.into());
        }
        let heads = config.alignment_heads();
        let head_width = config.d_model / config.decoder_attention_heads;
        let mut queries: Vec<Vec<f32>> = vec![Vec::new(); heads.len()];
        let mut keep_queries = |layer: usize, rows: &[f32]| {
            for (head, kept) in heads.iter().zip(&mut queries).filter(|(head, _)| head.layer == layer) {
                let first = head.head * head_width;
                kept.extend(rows.chunks_exact(config.d_model).flat_map(|row| &row[first..first + head_width]));
            }
        };
        let mut state = DecoderState::new(encoded.clone());
        // For each token but the first.
        let mut probabilities = Vec::with_capacity(all.len());
        for block in all.chunks(TOKENS_PER_PASS) {
            let positions: Vec<_> = (0..block.len()).map(|n| (0, n)).collect();
            let logits = self.network.decode(&mut [(&mut state, block)], &positions, Some(&mut keep_queries))?;
            let next_tokens = &all[probabilities.len() + 1..];
            for (row, next) in logits.chunks_exact(config.vocab_size).zip(next_tokens) {
                let of_text = log_sum_exp(&row[..tokenizer.end_of_text as usize]);
                probabilities.push(f64::from(row[*next as usize] - of_text).exp());
            }
        }

        let n_frames = (n_mel_frames / MEL_FRAMES_PER_FRAME).clamp(1, encoded.n_frames());
        let mut cost = vec![0.0_f32; all.len() * n_frames];
        // One head at a time: models that name no heads for this have hundreds.
        let mut weights = vec![0.0; cost.len()];
        for (head, queries) in heads.iter().zip(&queries) {
            let keys = encoded.keys(head.layer, head.head, head_width)?;
            let keys = NdTensorView::from_data([n_frames, head_width], &keys[..n_frames * head_width]);
            let queries = NdTensorView::from_data([all.len(), head_width], queries.as_slice());
            let scale = (head_width as f32).powf(-0.5);
            multiply_packed(queries, &pack_transposed(keys), scale, &mut weights);
            weights.par_chunks_exact_mut(n_frames).for_each(|row| {
                Softmax::new_mut(row).dispatch();
            });
            normalise_over_tokens(&mut weights, n_frames);
            let rows = cost.par_chunks_exact_mut(n_frames).zip(weights.par_chunks_exact(n_frames));
            rows.for_each(|(sums, row)| add_smoothed(row, sums));
        }
        for cost in &mut cost {
            *cost /= -(heads.len() as f32);
        }
        // The last token of the prompt is read when the first of the text is looked for.
        let n_prompt = prompt.len() - 1;
        let cost = cost[n_prompt * n_frames..(all.len() - 1) * n_frames].to_vec();
        Ok(TextAttention { cost, n_frames, probabilities: probabilities[n_prompt..][..text.len()].to_vec() })
    }
}

/// The cheapest way through a matrix from its first cell to its last, on which each step goes on by one row, one column
/// or both (dynamic time warping): pairs of (row, column). At a tie, the way that came from the left wins, so that
/// tokens begin early. Costs are summed in `f64`, as the compiled function of openai-whisper does, though it asks for
/// `float32`.
///
/// # Shapes
/// `cost` `[rows, n_columns]`
pub fn shortest_path(cost: &[f32], n_columns: usize) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy)]
    enum Step {
        Both,
        Row,
        Column,
    }
    if cost.is_empty() {
        return Vec::new();
    }
    let mut steps = Vec::with_capacity(cost.len());
    // What it costs to reach each cell of the row above, with the one left of the first cell before them.
    let mut above = vec![f64::INFINITY; n_columns + 1];
    above[0] = 0.0;
    for row in cost.chunks_exact(n_columns) {
        let mut here = Vec::with_capacity(n_columns + 1);
        here.push(f64::INFINITY);
        for (column, cost) in row.iter().enumerate() {
            let (by_both, by_row, by_column) = (above[column], above[column + 1], here[column]);
            let (total, step) = if by_both < by_row && by_both < by_column {
                (by_both, Step::Both)
            } else if by_row < by_both && by_row < by_column {
                (by_row, Step::Row)
            } else {
                (by_column, Step::Column)
            };
            here.push(f64::from(*cost) + total);
            steps.push(step);
        }
        above = here;
    }
    let (mut row, mut column) = (cost.len() / n_columns - 1, n_columns - 1);
    let mut path = vec![(row, column)];
    while (row, column) != (0, 0) {
        let step = match (row, column) {
            (0, _) => Step::Column,
            (_, 0) => Step::Row,
            (_, _) => steps[row * n_columns + column],
        };
        (row, column) = match step {
            Step::Both => (row - 1, column - 1),
            Step::Row => (row - 1, column),
            Step::Column => (row, column - 1),
        };
        path.push((row, column));
    }
    path.reverse();
    path
}

/// Joins punctuation that stands alone to the word that it belongs to. Words keep their times.
pub fn merge_punctuation(words: Vec<WordTime>) -> Vec<WordTime> {
    let mut from_end: Vec<WordTime> = Vec::with_capacity(words.len());
    for mut word in words.into_iter().rev() {
        let opens = word.text.starts_with(' ') && OPENING.contains(word.text.trim());
        if let Some(following) = from_end.last_mut().filter(|_| opens) {
            following.text.insert_str(0, &word.text);
            word.tokens.append(&mut following.tokens);
            following.tokens = word.tokens;
        } else {
            from_end.push(word);
        }
    }
    let mut merged: Vec<WordTime> = Vec::with_capacity(from_end.len());
    for word in from_end.into_iter().rev() {
        let closes = CLOSING.contains(word.text.as_str());
        if let Some(previous) = merged.last_mut().filter(|previous| closes && !previous.text.ends_with(' ')) {
            previous.text.push_str(&word.text);
            previous.tokens.extend(word.tokens);
        } else {
            merged.push(word);
        }
    }
    merged
}

/// Gives the words of a window to its segments, which together have the same tokens, with punctuation joined to its
/// words and times counted from the start of the recording, where the window begins at `window_start_secs`.
///
/// Attention rests on a word through the pause beside it. So words that take more than twice as long as the median word
/// are shortened at the ends of sentences and after a pause, that is after `last_speech_secs`, where the speech before
/// this window ended. A segment takes its times over from its first and last word, or sets theirs right if they lie far
/// outside of it.
pub fn assign_words(
    mut words: Vec<WordTime>,
    segments: &mut [SegmentWords],
    window_start_secs: f64,
    mut last_speech_secs: f64,
) {
    let typical = TypicalDuration::of(&words);
    typical.shorten_at_sentence_ends(&mut words);
    let mut words = merge_punctuation(words).into_iter().map(|word| word.later_by(window_start_secs));
    for segment in segments {
        segment.words.clear();
        let mut n_tokens = 0;
        while n_tokens < segment.n_text_tokens
            && let Some(word) = words.next()
        {
            n_tokens += word.tokens.len();
            segment.words.push(word);
        }
        if !segment.words.is_empty() {
            typical.shorten_after_pause(&mut segment.words, last_speech_secs);
            typical.agree_on_edges(segment);
            last_speech_secs = segment.end_secs;
        }
    }
}

impl WordTime {
    /// How long it takes.
    pub fn duration_secs(&self) -> f64 {
        self.end_secs - self.start_secs
    }

    /// Rounded to hundredths, as openai-whisper does; frames are 20 ms.
    fn later_by(self, secs: f64) -> Self {
        let rounded = |secs: f64| (secs * 100.0).round() / 100.0;
        Self { start_secs: rounded(self.start_secs + secs), end_secs: rounded(self.end_secs + secs), ..self }
    }

    fn ends_sentence(&self) -> bool {
        SENTENCE_ENDS.contains(self.text.as_str())
    }
}

/// How long the words of a text take.
struct TypicalDuration {
    median_secs: f64,
    /// Words that take longer are suspect.
    max_secs: f64,
}

impl TypicalDuration {
    fn of(words: &[WordTime]) -> Self {
        let mut durations: Vec<f64> = words.iter().map(WordTime::duration_secs).filter(|secs| *secs > 0.0).collect();
        durations.sort_by(f64::total_cmp);
        let n = durations.len();
        let median = if n == 0 { 0.0 } else { f64::midpoint(durations[(n - 1) / 2], durations[n / 2]) };
        let median_secs = median.min(MAX_MEDIAN_SECS);
        Self { median_secs, max_secs: 2.0 * median_secs }
    }

    fn shorten_at_sentence_ends(&self, words: &mut [WordTime]) {
        let mut is_after_end = words.first().is_some_and(WordTime::ends_sentence);
        for word in words.iter_mut().skip(1) {
            let is_end = word.ends_sentence();
            if word.duration_secs() > self.max_secs {
                if is_end {
                    word.end_secs = word.start_secs + self.max_secs;
                } else if is_after_end {
                    word.start_secs = word.end_secs - self.max_secs;
                }
            }
            is_after_end = is_end;
        }
    }

    fn shorten_after_pause(&self, words: &mut [WordTime], last_speech_secs: f64) {
        let [first, rest @ ..] = words else { return };
        let second = rest.first_mut();
        let takes_two = second.as_ref().is_some_and(|second| second.end_secs - first.start_secs > 2.0 * self.max_secs);
        let is_long = first.duration_secs() > self.max_secs || takes_two;
        if !is_long || first.end_secs - last_speech_secs <= 4.0 * self.median_secs {
            return;
        }
        if let Some(second) = second.filter(|second| second.duration_secs() > self.max_secs) {
            let boundary = (second.end_secs / 2.0).max(second.end_secs - self.max_secs);
            (first.end_secs, second.start_secs) = (boundary, boundary);
        }
        first.start_secs = (first.end_secs - self.max_secs).max(0.0);
    }

    fn agree_on_edges(&self, segment: &mut SegmentWords) {
        if let Some(first) = segment.words.first_mut() {
            let begins_early = first.start_secs < segment.start_secs - EDGE_TOLERANCE_SECS;
            if begins_early && first.end_secs > segment.start_secs {
                first.start_secs = segment.start_secs.min(first.end_secs - self.median_secs).max(0.0);
            } else {
                segment.start_secs = first.start_secs;
            }
        }
        if let Some(last) = segment.words.last_mut() {
            let ends_late = last.end_secs > segment.end_secs + EDGE_TOLERANCE_SECS;
            if ends_late && last.start_secs < segment.end_secs {
                last.end_secs = segment.end_secs.max(last.start_secs + self.median_secs);
            } else {
                segment.end_secs = last.end_secs;
            }
        }
    }
}

/// `(weight - mean) / standard deviation` of each frame over all tokens, so that frames which every token looks at
/// count no more than others. A frame that all tokens look at alike tells nothing: 0.
///
/// # Shapes
/// `weights` `[tokens, n_frames]`
fn normalise_over_tokens(weights: &mut [f32], n_frames: usize) {
    let n_tokens = (weights.len() / n_frames) as f64;
    let mut means = vec![0.0_f64; n_frames];
    for row in weights.chunks_exact(n_frames) {
        for (sum, weight) in means.iter_mut().zip(row) {
            *sum += f64::from(*weight);
        }
    }
    for mean in &mut means {
        *mean /= n_tokens;
    }
    let mut squares = vec![0.0_f64; n_frames];
    for row in weights.chunks_exact(n_frames) {
        for ((sum, weight), mean) in squares.iter_mut().zip(row).zip(&means) {
            *sum += (f64::from(*weight) - mean).powi(2);
        }
    }
    let to_scale = |sum: &f64| if *sum > 0.0 { (sum / n_tokens).sqrt().recip() } else { 0.0 };
    let scales: Vec<f64> = squares.iter().map(to_scale).collect();
    for row in weights.chunks_exact_mut(n_frames) {
        for ((weight, mean), scale) in row.iter_mut().zip(&means).zip(&scales) {
            *weight = ((f64::from(*weight) - mean) * scale) as f32;
        }
    }
}

/// Adds the median of each frame and its neighbours to `sums`; the row is mirrored at its ends. A row too short to be
/// mirrored is added as it is.
fn add_smoothed(row: &[f32], sums: &mut [f32]) {
    if row.len() <= SMOOTHING_REACH {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
        return;
    }
    let last = row.len() - 1;
    let (before, after) = (&row[1..=SMOOTHING_REACH], &row[last - SMOOTHING_REACH..last]);
    let mirrored: Vec<f32> = before.iter().rev().chain(row).chain(after.iter().rev()).copied().collect();
    for (sum, window) in sums.iter_mut().zip(mirrored.windows(SMOOTHING_WIDTH)) {
        let mut window: [f32; SMOOTHING_WIDTH] = window.try_into().expect("windows are that wide");
        window.sort_unstable_by(f32::total_cmp);
        *sum += window[SMOOTHING_REACH];
    }
}

/// The column at which a path enters each row.
fn first_frames(path: &[(usize, usize)]) -> Vec<usize> {
    let mut first_frames = Vec::new();
    for (row, column) in path {
        if *row == first_frames.len() {
            first_frames.push(*column);
        }
    }
    first_frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected paths are those of openai-whisper's `dtw_cpu`; with sums in `f32` the fourth would be another.
    #[test]
    fn ties_go_to_the_left_and_sums_are_exact() {
        for (cost, n_columns, expected) in [
            (&[0.0; 9][..], 3, &[(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)][..]),
            (&[0.0; 8], 4, &[(0, 0), (1, 0), (1, 1), (1, 2), (1, 3)]),
            (&[0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0], 4, &[(0, 0), (1, 1), (1, 2), (2, 3)]),
            (&[0.2, 0.2, 0.1, 0.1, 0.1, 0.0, 0.3, 0.1], 4, &[(0, 0), (0, 1), (0, 2), (1, 3)]),
            (&[f32::NAN; 4], 2, &[(0, 0), (1, 0), (1, 1)]),
            (&[1.0], 1, &[(0, 0)]),
            (&[], 1, &[]),
        ] {
            assert_eq!(shortest_path(cost, n_columns), expected, "{cost:?}");
        }
    }

    #[test]
    fn smoothing_is_the_median_of_the_mirrored_row() {
        for n in 1..=12_i32 {
            let row: Vec<f32> = (0..n).map(|at| (at as f32 * 12.9898).sin()).collect();
            let expected: Vec<f32> = (0..n)
                .map(|at| {
                    let last = n - 1;
                    let mirrored = |at: i32| row[(last - (last - at.abs()).abs()) as usize];
                    let mut window: Vec<f32> =
                        if n > 3 { (at - 3..=at + 3).map(mirrored).collect() } else { vec![row[at as usize]] };
                    window.sort_by(f32::total_cmp);
                    1.0 + window[window.len() / 2]
                })
                .collect();
            let mut sums = vec![1.0; row.len()];
            add_smoothed(&row, &mut sums);
            assert_eq!(sums, expected, "{n} frames");
        }
    }

    #[test]
    fn each_frame_is_normalised_over_the_tokens() {
        let mut weights = vec![1.0, 0.1, 3.0, 0.1];
        normalise_over_tokens(&mut weights, 2);
        assert_eq!(weights, [-1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn punctuation_joins_its_word() {
        for (words, expected) in [
            (&[" \"", "Hi", "\"", " he", " said", ".", ".", "."][..], &[" \"Hi\"", " he", " said..."][..]),
            (&[" (", " [", "x", "]", ")"], &[" ( [x])"]),
            (&[" ", "(1", ")", "?"], &[" (1)?"]),
            (&[" a", ".)", " b", " -", " c"], &[" a", ".)", " b", " - c"]),
            (&["你", "。", "好"], &["你。", "好"]),
            (&[" -"], &[" -"]),
        ] {
            let to_word = |(n, text): (usize, &&str)| WordTime {
                text: (*text).to_owned(),
                tokens: vec![n as TokenId],
                start_secs: n as f64,
                end_secs: n as f64,
                probability: 1.0,
            };
            let merged = merge_punctuation(words.iter().enumerate().map(to_word).collect());
            assert_eq!(merged.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), expected);
            let tokens: Vec<TokenId> = merged.into_iter().flat_map(|word| word.tokens).collect();
            assert_eq!(tokens, (0..words.len() as TokenId).collect::<Vec<_>>());
        }
    }
}
