//! The whole recording becomes segments of text, one window after another: the model says when each phrase begins and
//! ends, and the next window begins where the last whole phrase ended. What was said before is a hint to it.
//!
//! After openai-whisper 20250625 (`transcribe.py`), with which every window ([`LongForm`]) agrees unless sampling comes
//! in. Speech is not looked for; a window that sounds like silence is passed over. [`transcribe`] then cuts loops, as
//! in the batched mode, and keeps times within the recording.

use std::io;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::audio::Mono16k;
use crate::nn::mel::{CONTEXT, HOP, LogMel};
use crate::nn::whisper::generate::{Batch, Decoded, Ending};
use crate::nn::whisper::{DecodeOptions, Encoded, Timestamps, TokenId, Whisper};
use crate::task::{CancelToken, Cancelled, Progress};
use crate::transcript::Segment;
use crate::units::{SampleIdx, Seconds, TimeSpan};

use super::StageError;
use super::attempts::{Attempt, Attempts, Next};
use super::guards;
use super::options::{PreviousText, TranscribeOptions, check_model, choose_language, decode_options};
use super::resume::Resume;
use super::transcribe::{ChunkText, Transcribed};

/// Frames of the spectrogram from one timestamp to the next.
const FRAMES_PER_TIMESTAMP: usize = 2;
/// Text that took a bolder attempt than this is no hint to the next window: errors would spread.
const MAX_HINT_TEMPERATURE: f32 = 0.5;
/// Frames that are listened to at once while the loudest one is looked for: 30 s.
const FRAMES_PER_READ: usize = 3000;

/// What was said in a window, and all that the next one needs to know of it and of those before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowText {
    /// What was said.
    pub text: ChunkText,
    /// Where the next window begins, in frames of 10 ms.
    n_frames_done: usize,
    /// The end of what was said before the next window.
    previous_text: Vec<TokenId>,
}

impl WindowText {
    /// Whether a recording of so many samples has no window after this one.
    pub fn is_last(&self, n_samples: usize) -> bool {
        self.n_frames_done >= n_samples / HOP
    }

    /// Where the next window begins.
    pub fn end(&self) -> Seconds {
        SampleIdx(self.n_frames_done * HOP).to_seconds()
    }
}

/// Transcribes what is not known of a recording, from beginning to end. `on_segments` gets the segments as they become
/// known, in order. Pieces are windows, one after the other.
pub fn transcribe(
    mut long_form: LongForm<'_>,
    mut resume: Resume<'_, WindowText>,
    progress: &Progress<'_>,
    on_segments: &mut dyn FnMut(&[Segment]),
) -> Result<Transcribed, StageError> {
    let (samples, n_frames) = (long_form.spectrogram.samples, long_form.spectrogram.n_frames);
    let duration = SampleIdx(samples.len()).to_seconds();
    progress.at(0, n_frames)?;
    let mut texts = Vec::new();
    loop {
        let n_windows = texts.len();
        let text = if let Some(known) = resume.take(n_windows) {
            long_form.go_on_after(&known);
            known.text
        } else {
            let Some(window) = long_form.next_window(progress.cancel())? else { break };
            let (segments, warning) = window.finish(duration);
            let new = WindowText {
                text: ChunkText { segments, warnings: warning.into_iter().collect() },
                n_frames_done: long_form.n_frames_done,
                previous_text: long_form.previous_text.clone(),
            };
            resume.finished(n_windows, &new);
            new.text
        };
        if !text.segments.is_empty() {
            on_segments(&text.segments);
        }
        texts.push(text);
        progress.at(long_form.n_frames_done.min(n_frames), n_frames)?;
    }
    Ok(Transcribed::of(long_form.language(), texts))
}

/// A recording that is being decoded, window by window.
pub struct LongForm<'a> {
    whisper: &'a Whisper,
    options: &'a TranscribeOptions,
    spectrogram: Spectrogram<'a>,
    language: String,
    /// How the first window is decoded, but for what was said before.
    opening: DecodeOptions,
    /// The end of what was said before the next window, with its timestamps.
    previous_text: Vec<TokenId>,
    /// The first window, where it is encoded already.
    first_window: Option<Encoded>,
    /// Where the next window begins.
    n_frames_done: usize,
}

/// What was said in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Where it begins, in frames of 10 ms.
    pub first_frame: usize,
    /// What was said, in order of time; nothing if nobody spoke.
    pub passages: Vec<Passage>,
    /// [`Ending::TokenLimit`] if there may be more in it that the next window does not say again.
    pub ending: Ending,
}

/// A phrase with the times that the model gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// When it was said. The end may lie behind the end of the recording.
    pub span: TimeSpan,
    /// The tokens, timestamps included; none where there is no text, or no time for it.
    pub tokens: Vec<TokenId>,
    /// Their text.
    pub text: String,
    /// Mean log-probability of the tokens of the window.
    pub avg_logprob: f64,
    /// Probability that nobody speaks in the window.
    pub no_speech_prob: f64,
}

impl<'a> LongForm<'a> {
    /// Makes ready to decode: listens to the whole recording for its loudest moment, and to the first window for the
    /// language if it is not given.
    pub fn begin(
        samples: &'a Mono16k,
        whisper: &'a Whisper,
        options: &'a TranscribeOptions,
        cancel: &CancelToken,
    ) -> Result<Self, StageError> {
        check_model(whisper, options)?;
        if whisper.tokenizer().first_timestamp() as usize >= whisper.config().vocab_size {
            return Err(StageError::NoTimestamps);
        }
        let n_window_frames = whisper.config().window_samples() / HOP;
        let mel = LogMel::new(whisper.config().num_mel_bins);
        let spectrogram = Spectrogram::listen(samples, mel, n_window_frames, cancel)?;
        let heard = if options.language.is_none() && spectrogram.n_frames > 0 {
            Some(encode(whisper, &spectrogram.frames(0, n_window_frames)?, cancel)?)
        } else {
            None
        };
        let language = choose_language(whisper, options.language.as_deref(), heard.iter())?;
        let mut opening = decode_options(whisper, options, &language, Timestamps::With)?;
        let previous_text = std::mem::take(&mut opening.previous_text);
        // For its language a short recording is followed by silence, for its text by zeros, which are none.
        let first_window = heard.filter(|_| spectrogram.n_frames >= n_window_frames);
        Ok(Self { whisper, options, spectrogram, language, opening, previous_text, first_window, n_frames_done: 0 })
    }

    /// The language, given or detected.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Goes on after a window that is known.
    fn go_on_after(&mut self, known: &WindowText) {
        self.first_window = None;
        self.n_frames_done = known.n_frames_done;
        self.previous_text.clone_from(&known.previous_text);
    }

    /// Decodes the next window; `None` after the last. What is left at the end, if less than a frame, is not decoded.
    pub fn next_window(&mut self, cancel: &CancelToken) -> Result<Option<Window>, StageError> {
        let first_frame = self.n_frames_done;
        let n_frames = self.spectrogram.n_frames.saturating_sub(first_frame).min(self.spectrogram.n_window_frames);
        if n_frames == 0 {
            return Ok(None);
        }
        let encoded = if let Some(encoded) = self.first_window.take() {
            encoded
        } else {
            encode(self.whisper, &self.spectrogram.frames_then_zeros(first_frame, n_frames)?, cancel)?
        };
        let attempts = self.decode(&encoded, cancel)?;
        let Some(Attempt { decoded, .. }) = attempts.settled() else {
            self.n_frames_done += n_frames;
            return Ok(Some(Window { first_frame, passages: Vec::new(), ending: Ending::EndOfText }));
        };
        let (phrases, n_frames_settled) =
            cut_into_phrases(&decoded.tokens, self.whisper.tokenizer().first_timestamp(), n_frames);
        let passages: Vec<Passage> = phrases.iter().map(|phrase| self.passage(phrase, decoded)).collect();
        self.previous_text.extend(passages.iter().flat_map(|passage| &passage.tokens));
        if self.options.previous_text == PreviousText::Withheld
            || attempts.last_temperature(&self.options.fallback) > MAX_HINT_TEMPERATURE
        {
            self.previous_text.clear();
        }
        // More than this never fits a prompt.
        let n_old = self.previous_text.len().saturating_sub(self.whisper.config().max_target_positions);
        self.previous_text.drain(..n_old);
        self.n_frames_done += n_frames_settled;
        let ending = if n_frames_settled < n_frames { Ending::EndOfText } else { decoded.ending };
        Ok(Some(Window { first_frame, passages, ending }))
    }

    fn decode(&self, encoded: &Encoded, cancel: &CancelToken) -> Result<Attempts, StageError> {
        let start = SampleIdx(self.n_frames_done * HOP).to_seconds();
        let prefix = if self.n_frames_done == 0 { self.opening.prefix.clone() } else { Vec::new() };
        let previous_text = self.previous_text.clone();
        let mut options = DecodeOptions { previous_text, prefix, ..self.opening.clone() };
        let mut attempts = Attempts::default();
        loop {
            options.strategy = attempts.next_strategy(self.options, start);
            let mut batch = Batch::new(self.whisper);
            batch.admit(0, encoded.clone(), &options);
            let decoded = loop {
                cancel.check()?;
                if let Some((_, decoded)) = batch.step()?.pop() {
                    break decoded;
                }
            };
            let text = self.whisper.tokenizer().decode(&decoded.tokens);
            if attempts.take(Attempt { decoded, text }, &self.options.fallback) == Next::Settled {
                return Ok(attempts);
            }
        }
    }

    fn passage(&self, phrase: &Phrase<'_>, decoded: &Decoded) -> Passage {
        let time = |frame: usize| SampleIdx((self.n_frames_done + frame) * HOP).to_seconds();
        let mut text = self.whisper.tokenizer().decode(phrase.tokens);
        let mut tokens = phrase.tokens.to_vec();
        if phrase.frames.is_empty() || text.trim().is_empty() {
            text.clear();
            tokens.clear();
        }
        let span = TimeSpan { start: time(phrase.frames.start), end: time(phrase.frames.end) };
        let Decoded { avg_logprob, no_speech_prob, .. } = *decoded;
        Passage { span, tokens, text, avg_logprob, no_speech_prob }
    }
}

impl Window {
    /// What goes into the transcript of a recording of this length, and what the user must know of it.
    fn finish(&self, duration: Seconds) -> (Vec<Segment>, Option<String>) {
        let texts: Vec<&str> = self.passages.iter().map(|passage| passage.text.as_str()).collect();
        let (texts, loops) = guards::cut_loops(&texts);
        let within = |time: Seconds| Seconds(time.0.min(duration.0)).rounded_to_millis();
        let with_text = self.passages.iter().zip(texts).filter(|(_, text)| !text.trim().is_empty());
        let segments = with_text.map(|(passage, text)| Segment {
            span: TimeSpan { start: within(passage.span.start), end: within(passage.span.end) },
            text,
            avg_logprob: Some(passage.avg_logprob),
            speaker: None,
            words: Vec::new(),
        });
        let start = SampleIdx(self.first_frame * HOP).to_seconds();
        (segments.collect(), guards::warning(start, loops, self.ending))
    }
}

/// What was said between two timestamps.
#[derive(Debug, PartialEq)]
struct Phrase<'a> {
    /// When, in frames of 10 ms from the beginning of the window.
    frames: Range<usize>,
    /// With the timestamps.
    tokens: &'a [TokenId],
}

/// Cuts what was said in a window of `n_frames` frames into phrases, and says after how many frames the next begins.
///
/// A phrase ends where one timestamp follows another. What comes after the last such pair is not finished, so the next
/// window begins there and says it again; unless there is one timestamp more at the end, after which nobody speaks.
/// Without a pair, all is one phrase.
fn cut_into_phrases(tokens: &[TokenId], first_timestamp: TokenId, n_frames: usize) -> (Vec<Phrase<'_>>, usize) {
    let is_timestamp = |token: TokenId| token >= first_timestamp;
    let frame = |token: TokenId| FRAMES_PER_TIMESTAMP * token.saturating_sub(first_timestamp) as usize;
    let mut ends: Vec<usize> =
        (1..tokens.len()).filter(|n| is_timestamp(tokens[n - 1]) && is_timestamp(tokens[*n])).collect();
    if ends.is_empty() {
        let last = tokens.iter().rfind(|token| is_timestamp(**token)).map_or(0, |token| frame(*token));
        let end = if last > 0 { last } else { n_frames };
        return (vec![Phrase { frames: 0..end, tokens }], n_frames);
    }
    let is_finished = matches!(tokens, [.., text, last] if !is_timestamp(*text) && is_timestamp(*last));
    if is_finished {
        ends.push(tokens.len());
    }
    let mut phrases = Vec::with_capacity(ends.len());
    let mut start = 0;
    for end in ends {
        let tokens = &tokens[start..end];
        phrases.push(Phrase { frames: frame(tokens[0])..frame(tokens[tokens.len() - 1]), tokens });
        start = end;
    }
    let last = frame(tokens[start - 1]);
    // The rules for timestamps allow no pair at 0.00; if there were one, the same window would come again for ever.
    let n_frames_settled = if is_finished || last == 0 { n_frames } else { last };
    (phrases, n_frames_settled)
}

/// The log-mel spectrogram of a whole recording and of the silence behind it, a window long. Only what is asked for is
/// in memory, but each part is exactly that of the whole.
struct Spectrogram<'a> {
    samples: &'a Mono16k,
    mel: LogMel,
    /// Frames of the recording itself.
    n_frames: usize,
    n_window_frames: usize,
    loudest: f32,
}

impl<'a> Spectrogram<'a> {
    /// Listens to the whole recording for its loudest cell.
    fn listen(
        samples: &'a Mono16k,
        mel: LogMel,
        n_window_frames: usize,
        cancel: &CancelToken,
    ) -> Result<Self, StageError> {
        let n_frames = samples.len() / HOP;
        let n_frames_padded = n_frames + n_window_frames;
        let mut loudest = f32::NEG_INFINITY;
        for first in (0..n_frames_padded).step_by(FRAMES_PER_READ) {
            cancel.check()?;
            let signal = signal_under(samples, first, FRAMES_PER_READ.min(n_frames_padded - first))?;
            loudest = loudest.max(mel.loudest(&signal));
        }
        Ok(Self { samples, mel, n_frames, n_window_frames, loudest })
    }

    /// # Shapes
    /// Returns `[n_frames, n_mels]`.
    fn frames(&self, first_frame: usize, n_frames: usize) -> io::Result<Vec<f32>> {
        Ok(self.mel.frames(&signal_under(self.samples, first_frame, n_frames)?, self.loudest))
    }

    /// A window that begins with these frames. Zeros follow them, as in openai-whisper; silence would be below zero.
    ///
    /// # Shapes
    /// Returns `[n_window_frames, n_mels]`.
    fn frames_then_zeros(&self, first_frame: usize, n_frames: usize) -> io::Result<Vec<f32>> {
        let mut mel = self.frames(first_frame, n_frames)?;
        mel.resize(self.n_window_frames * self.mel.n_mels(), 0.0);
        Ok(mel)
    }
}

/// The samples that some frames, one at least, depend on. Before its beginning the recording is mirrored, after its end
/// there is silence.
fn signal_under(samples: &Mono16k, first_frame: usize, n_frames: usize) -> io::Result<Vec<f32>> {
    let first_centre = first_frame * HOP;
    let last_centre = first_centre + (n_frames - 1) * HOP;
    // Sample -n is sample n.
    let n_mirrored = CONTEXT.saturating_sub(first_centre);
    let end_of_mirrored = n_mirrored + 1;
    let mut signal = samples.read(1..end_of_mirrored)?;
    signal.resize(n_mirrored, 0.0);
    signal.reverse();
    samples.read_into(first_centre.saturating_sub(CONTEXT)..last_centre + CONTEXT, &mut signal)?;
    signal.resize(last_centre - first_centre + 2 * CONTEXT, 0.0);
    Ok(signal)
}

fn encode(whisper: &Whisper, mel: &[f32], cancel: &CancelToken) -> Result<Encoded, StageError> {
    let encoded = whisper.encode(mel, &|| cancel.is_cancelled())?.ok_or(Cancelled)?;
    Ok(whisper.prepare(&encoded)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 is <|0.00|>, tokens below it are text; timestamps are two frames apart.
    #[test]
    fn phrases_end_at_pairs_of_timestamps() {
        for (tokens, expected, n_frames_settled) in [
            (&[1000, 1, 1050][..], &[(0..100, 0..3)][..], 3000),
            (&[1000, 1, 1050, 1060, 2, 1100], &[(0..100, 0..3), (120..200, 3..6)], 3000),
            (&[1000, 1, 1050, 1060, 2], &[(0..100, 0..3)], 100),
            (&[1000, 1, 1050, 1060], &[(0..100, 0..3)], 100),
            (&[1010, 1, 1050, 1050, 2, 1070, 1070, 3], &[(20..100, 0..3), (100..140, 3..6)], 140),
            (&[1000, 1], &[(0..3000, 0..2)], 3000),
            (&[1010, 1], &[(0..20, 0..2)], 3000),
            (&[1000, 1000, 1], &[(0..0, 0..1)], 3000),
            (&[], &[(0..3000, 0..0)], 3000),
        ] {
            let phrase = |(frames, at): &(Range<usize>, Range<usize>)| Phrase {
                frames: frames.clone(),
                tokens: &tokens[at.clone()],
            };
            let expected: Vec<Phrase<'_>> = expected.iter().map(phrase).collect();
            assert_eq!(cut_into_phrases(tokens, 1000, 3000), (expected, n_frames_settled), "{tokens:?}");
        }
    }

    #[test]
    fn parts_of_a_spectrogram_are_those_of_the_whole() {
        const N_WINDOW_FRAMES: usize = 25;
        for n_samples in [0, 1, 150, 160, 12_345] {
            let samples: Vec<f32> = (0..n_samples).map(|n| (n as f32 * n as f32 / 5000.0).sin() / 3.0).collect();
            let n_frames = n_samples / HOP + N_WINDOW_FRAMES;
            let whole = LogMel::new(80).compute(&samples, n_frames);
            let samples = Mono16k::from_samples(samples);
            let cancel = CancelToken::default();
            let spectrogram =
                Spectrogram::listen(&samples, LogMel::new(80), N_WINDOW_FRAMES, &cancel).expect("samples in memory");
            for (first, n) in [(0, n_frames), (0, 1), (1, 1), (2, 20), (n_frames - 25, 25), (n_frames - 23, 1)] {
                let part = spectrogram.frames(first, n).expect("samples in memory");
                assert!(part == whole[first * 80..(first + n) * 80], "{n_samples} samples, {n} frames from {first}");
            }
        }
    }

    #[test]
    fn a_window_says_what_the_user_must_know() {
        let passage = |start: f64, end: f64, text: &str| Passage {
            span: TimeSpan::from_secs(start, end),
            tokens: Vec::new(),
            text: text.to_owned(),
            avg_logprob: -0.5,
            no_speech_prob: 0.1,
        };
        let loud = |text: &str| (0..12).map(|n| passage(f64::from(n), f64::from(n + 1), text)).collect::<Vec<_>>();
        for (passages, ending, expected, warning) in [
            (
                vec![passage(1.0, 2.0, " Yes."), passage(2.0, 2.0, "")],
                Ending::EndOfText,
                &[(1.0, 2.0, " Yes.")][..],
                "",
            ),
            (vec![passage(4.0, 9.0, " No.")], Ending::TokenLimit, &[(4.0, 5.0, " No.")], "incomplete"),
            (loud(" la"), Ending::EndOfText, &[(0.0, 1.0, " la […]")], "repeated"),
            (Vec::new(), Ending::EndOfText, &[], ""),
        ] {
            let (segments, found) = Window { first_frame: 0, passages, ending }.finish(Seconds(5.0));
            let segments: Vec<_> =
                segments.iter().map(|found| (found.span.start.0, found.span.end.0, found.text.as_str())).collect();
            assert_eq!(segments, expected);
            assert_eq!(found.is_some(), !warning.is_empty(), "{expected:?}");
            assert!(found.unwrap_or_default().contains(warning), "{expected:?}");
        }
    }
}
