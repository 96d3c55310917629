//! How to transcribe, in either mode: what the user asks for, and what of it the model can do.

use crate::nn::whisper::{DecodeOptions, Encoded, Task, Timestamps, TokenId, Whisper};

use super::StageError;
use super::attempts::Fallback;

/// How to transcribe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TranscribeOptions {
    /// Code of the spoken language; `None` to detect it.
    pub language: Option<String>,
    /// What to do with the speech.
    pub task: Task,
    /// Chunks that are decoded together in the batched mode; 0 counts as 1.
    pub batch_size: usize,
    /// Texts that the first attempt follows at once; 0 or 1 is greedy.
    pub beam_size: usize,
    /// What the recording is about, as if it had been said before each chunk or, in the sequential mode, before the
    /// beginning; names and terms in it are recognised more easily.
    pub prompt: String,
    /// Names and terms that may come up, as if they had been said before each chunk or window.
    pub hotwords: String,
    /// The words that the recording begins with. They are not repeated in the result. Hotwords are not used there.
    pub prefix: String,
    /// How numbers are written.
    pub numerals: Numerals,
    /// What each window of the sequential mode knows of the text before it.
    pub previous_text: PreviousText,
    /// What is not believed, and how it is tried again.
    pub fallback: Fallback,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numerals {
    /// As the model likes: `twelve`, `12 %`.
    #[default]
    AsModelWrites,
    /// Without digits and currency signs, so that they can be aligned with the sound like other words.
    InWords,
}

/// Whether the text of one window is a hint to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreviousText {
    /// It is: names stay the same, but errors may spread.
    #[default]
    Given,
    /// It is not, and the prompt counts in the first window only.
    Withheld,
}

/// What a model without language tokens speaks.
const ENGLISH: &str = "en";
/// ISO 639-2 for a recording in which nobody speaks.
const UNDETERMINED: &str = "und";

/// Whether the model can do what is asked: whether it knows the language, and can translate if it shall.
pub fn check_model(whisper: &Whisper, options: &TranscribeOptions) -> Result<(), StageError> {
    if options.task == Task::Translate && whisper.tokenizer().translate.is_none() {
        return Err(StageError::CannotTranslate);
    }
    let known = whisper.tokenizer().languages();
    let Some(asked) = options.language.as_deref() else { return Ok(()) };
    if known.iter().any(|(code, _)| code == asked) || (known.is_empty() && asked == ENGLISH) {
        return Ok(());
    }
    let codes: Vec<&str> = known.iter().map(|(code, _)| code.as_str()).collect();
    let known = if codes.is_empty() { "English (en) only".to_owned() } else { codes.join(", ") };
    Err(StageError::UnknownLanguage { asked: asked.to_owned(), known })
}

/// The language asked for, or the likeliest over what was `heard` together.
pub(super) fn choose_language<'a>(
    whisper: &Whisper,
    asked: Option<&str>,
    heard: impl Iterator<Item = &'a Encoded>,
) -> Result<String, StageError> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    let known = whisper.tokenizer().languages();
    let mut totals = vec![0.0; known.len()];
    let mut n_heard = 0;
    for encoded in heard {
        n_heard += 1;
        for (total, (_, probability)) in totals.iter_mut().zip(whisper.language_probabilities(encoded.clone())?) {
            *total += probability;
        }
    }
    if n_heard == 0 {
        return Ok(UNDETERMINED.to_owned());
    }
    let mut best = 0;
    for (n, total) in totals.iter().enumerate() {
        if *total > totals[best] {
            best = n;
        }
    }
    Ok(known.get(best).map_or(ENGLISH, |(code, _)| code).to_owned())
}

/// How the first chunk or window is decoded, but for the strategy, which the attempt decides.
pub(super) fn decode_options(
    whisper: &Whisper,
    options: &TranscribeOptions,
    language: &str,
    timestamps: Timestamps,
) -> Result<DecodeOptions, StageError> {
    let tokenizer = whisper.tokenizer();
    let plain = DecodeOptions {
        language: tokenizer.language(language),
        task: options.task,
        timestamps,
        previous_text: spoken(&options.prompt, whisper)?,
        hotwords: spoken(&options.hotwords, whisper)?,
        prefix: spoken(&options.prefix, whisper)?,
        ..DecodeOptions::default()
    };
    Ok(match options.numerals {
        Numerals::AsModelWrites => plain,
        Numerals::InWords => plain.without_numerals(tokenizer),
    })
}

/// The tokens of a text as if somebody said it; none if it is blank.
fn spoken(text: &str, whisper: &Whisper) -> Result<Vec<TokenId>, StageError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = whisper.tokenizer().encode(&format!(" {text}"))?;
    // A tokenizer that was put beside the weights later may know more tokens than they do.
    whisper.config().check_tokens(&tokens)?;
    Ok(tokens)
}
