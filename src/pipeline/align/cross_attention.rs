//! When each word is said, from Whisper itself: for languages without an aligner, and for translations. What the
//! decoder looked at while it reads the text again tells the times ([`crate::nn::whisper::word_times`]), less exactly
//! than alignment does.

use std::ops::Range;

use rayon::prelude::*;

use crate::audio::Mono16k;
use crate::nn::mel;
use crate::nn::whisper::word_times::{SegmentWords, WordTime, WordTimesError, assign_words};
use crate::nn::whisper::{Task, TokenId, Whisper};
use crate::task::{CancelToken, Cancelled, Progress};
use crate::transcript::writing::Writing;
use crate::transcript::{Segment, Word};
use crate::units::{SAMPLE_RATE_HZ, Seconds, TimeSpan};

use super::super::StageError;
use super::super::resume::Resume;
use super::{Aligned, Unaligned, from_word_times};

/// Windows that are encoded at once, however many threads there are.
const MAX_WINDOWS_AT_ONCE: usize = 4;
/// Tokens that a prompt and the end of the text take at most.
const N_PROMPT_TOKENS: usize = 5;

/// Gives times to the words of segments, which are in order of time, and divides them into sentences. `language` and
/// `task` are those with which the text was made. A segment with more text than the decoder can read stays as it is.
/// Pieces are the words of windows.
pub fn align(
    samples: &Mono16k,
    mut segments: Vec<Segment>,
    language: &str,
    task: Task,
    whisper: &Whisper,
    mut resume: Resume<'_, Vec<WordTime>>,
    progress: &Progress<'_>,
) -> Result<Aligned, StageError> {
    // A translation is in English whatever is spoken.
    let written = if task == Task::Translate { "en" } else { language };
    let joins_pieces = Writing::of(language) != Writing::of(written);
    let work = Work { samples, whisper, language: whisper.tokenizer().language(language), task };
    let tokens = segments.iter().map(|segment| work.tokens_of(&segment.text, Writing::of(written)));
    let tokens = tokens.collect::<Result<Vec<_>, StageError>>()?;
    let n_at_once = rayon::current_num_threads().min(MAX_WINDOWS_AT_ONCE);
    let windows = work.windows(&segments, &tokens);
    let mut words = resume.take_all(windows.len());
    let missing: Vec<usize> = (0..windows.len()).filter(|n| words[*n].is_none()).collect();
    for missing_at_once in missing.chunks(n_at_once) {
        progress.at(missing_at_once[0], windows.len())?;
        let found: Vec<Vec<WordTime>> = missing_at_once
            .par_iter()
            .map(|n| work.words(&segments[windows[*n].clone()], &tokens[windows[*n].clone()], progress.cancel()))
            .collect::<Result<_, StageError>>()?;
        for (n, found) in missing_at_once.iter().zip(found) {
            resume.finished(*n, &found);
            words[*n] = Some(found);
        }
    }
    let mut last_speech_secs = 0.0;
    for (window, words) in windows.iter().zip(words.into_iter().flatten()) {
        let segments = &mut segments[window.clone()];
        let words = if joins_pieces { join_pieces(words) } else { words };
        last_speech_secs = assign(words, segments, &tokens[window.clone()], last_speech_secs);
    }
    progress.at(windows.len(), windows.len())?;
    let mut unaligned = Unaligned::default();
    for segment in segments.iter().filter(|segment| segment.words.is_empty()) {
        unaligned.add(segment);
    }
    let warnings = unaligned.warning(segments.len()).into_iter().collect();
    Ok(Aligned { segments: from_word_times(segments, written), warnings })
}

/// What the times of words are found with.
struct Work<'a> {
    samples: &'a Mono16k,
    whisper: &'a Whisper,
    language: Option<TokenId>,
    task: Task,
}

impl Work<'_> {
    /// The tokens of a text. Words begin with a blank, or they would be joined to those of the segment before.
    fn tokens_of(&self, text: &str, writing: Writing) -> Result<Vec<TokenId>, StageError> {
        let blank = if writing == Writing::Spaced { " " } else { "" };
        let tokenizer = self.whisper.tokenizer();
        let mut tokens = tokenizer.encode(&format!("{blank}{}", text.trim()))?;
        tokens.retain(|token| *token < tokenizer.end_of_text);
        // A tokenizer that was put beside the weights later may know more tokens than they do.
        self.whisper.config().check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// Neighbouring segments that fit a window, and with their text the decoder, together; a single one always does.
    fn windows(&self, segments: &[Segment], tokens: &[Vec<TokenId>]) -> Vec<Range<usize>> {
        let config = self.whisper.config();
        let max_secs = config.window_samples() as f64 / f64::from(SAMPLE_RATE_HZ);
        let max_tokens = config.max_target_positions.saturating_sub(N_PROMPT_TOKENS);
        let mut windows: Vec<Range<usize>> = Vec::new();
        let mut n_tokens = 0;
        for (n, (segment, tokens)) in segments.iter().zip(tokens).enumerate() {
            n_tokens += tokens.len();
            let end = n + 1;
            match windows.last_mut() {
                Some(window)
                    if n_tokens <= max_tokens
                        && segment.span.end.0 - segments[window.start].span.start.0 <= max_secs =>
                {
                    window.end = end;
                }
                _ => {
                    windows.push(n..end);
                    n_tokens = tokens.len();
                }
            }
        }
        windows
    }

    /// The words of neighbouring segments, in seconds from the start of the first; none if they are too long.
    fn words(
        &self,
        segments: &[Segment],
        tokens: &[Vec<TokenId>],
        cancel: &CancelToken,
    ) -> Result<Vec<WordTime>, StageError> {
        let span = TimeSpan { start: segments[0].span.start, end: segments[segments.len() - 1].span.end };
        let range = span.to_samples(self.samples.len());
        let end = range.end.min(range.start + self.whisper.config().window_samples());
        let clip = self.samples.read(range.start..end)?;
        let mel = self.whisper.log_mel(&clip);
        let encoded = self.whisper.encode(&mel, &|| cancel.is_cancelled())?.ok_or(Cancelled)?;
        let encoded = self.whisper.prepare(&encoded)?;
        let n_mel_frames = clip.len() / mel::HOP;
        match self.whisper.word_times(&encoded, self.language, self.task, &tokens.concat(), n_mel_frames) {
            Ok(words) => Ok(words),
            Err(WordTimesError::Text(_)) => Ok(Vec::new()),
            Err(WordTimesError::Device(error)) => Err(error.into()),
        }
    }
}

/// Gives the words of neighbouring segments to them, and says where the speech in them ends.
fn assign(words: Vec<WordTime>, segments: &mut [Segment], tokens: &[Vec<TokenId>], last_speech_secs: f64) -> f64 {
    let mut timed: Vec<SegmentWords> = segments
        .iter()
        .zip(tokens)
        .map(|(segment, tokens)| SegmentWords {
            start_secs: segment.span.start.0,
            end_secs: segment.span.end.0,
            n_text_tokens: tokens.len(),
            words: Vec::new(),
        })
        .collect();
    assign_words(words, &mut timed, segments[0].span.start.0, last_speech_secs);
    let mut last_speech_secs = last_speech_secs;
    for (segment, timed) in segments.iter_mut().zip(timed) {
        segment.words = timed.words.iter().filter_map(to_word).collect();
        if !segment.words.is_empty() {
            last_speech_secs = timed.end_secs;
        }
    }
    last_speech_secs
}

/// Joins pieces of words to whole ones, which begin with a blank: Whisper divides a text as its speaker's language is
/// written, and cuts the translation of Japanese into characters.
fn join_pieces(pieces: Vec<WordTime>) -> Vec<WordTime> {
    let mut words: Vec<WordTime> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match words.last_mut() {
            Some(word) if !piece.text.starts_with(' ') => {
                let (n_word, n_piece) = (word.tokens.len() as f64, piece.tokens.len() as f64);
                let sum = word.probability * n_word + piece.probability * n_piece;
                word.probability = sum / (n_word + n_piece);
                word.end_secs = piece.end_secs;
                word.text.push_str(&piece.text);
                word.tokens.extend(piece.tokens);
            }
            _ => words.push(piece),
        }
    }
    words
}

/// A word without the blank before it; none if it is nothing else.
fn to_word(word: &WordTime) -> Option<Word> {
    let text = word.text.trim();
    let rounded = |secs: f64| Seconds(secs).rounded_to_millis();
    let span = TimeSpan { start: rounded(word.start_secs), end: rounded(word.end_secs) };
    let score = (word.probability * 1000.0).round() / 1000.0;
    (!text.is_empty()).then(|| Word { text: text.to_owned(), span: Some(span), score: Some(score), ..Word::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_words() {
        let word = |text: &str, tokens: &[TokenId], start_secs: f64, probability: f64| WordTime {
            text: text.to_owned(),
            tokens: tokens.to_vec(),
            start_secs,
            end_secs: start_secs + 1.0,
            probability,
        };
        let pieces = vec![
            word(" go", &[1, 2], 1.0, 0.5),
            word("ing", &[3], 2.0, 0.8),
            word(".", &[4], 3.0, 1.0),
            word(" on", &[5], 4.0, 0.25),
        ];
        let joined = join_pieces(pieces);
        assert_eq!(joined.len(), 2);
        assert_eq!((joined[0].text.as_str(), &joined[0].tokens[..]), (" going.", &[1, 2, 3, 4][..]));
        assert_eq!(joined[1], word(" on", &[5], 4.0, 0.25));
        assert!((joined[0].end_secs - 4.0).abs() < 1e-9 && (joined[0].probability - 0.7).abs() < 1e-9, "{joined:?}");
    }

    #[test]
    fn words_are_given_without_blanks() {
        let word = WordTime {
            text: " so,".to_owned(),
            tokens: vec![1],
            start_secs: 1.23,
            end_secs: 1.5,
            probability: 0.123_456,
        };
        let found = to_word(&word).expect("a word");
        assert_eq!((found.text.as_str(), found.span), ("so,", Some(TimeSpan::from_secs(1.23, 1.5))));
        assert!((found.score.expect("a score") - 0.123).abs() < 1e-9);
        assert_eq!(to_word(&WordTime { text: " ".to_owned(), ..word }), None);
    }
}
