//! Whisper's vocabulary: byte-level BPE text tokens first, then the special tokens, then 1,501 timestamps.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::config::ConfigError;
use super::vocabulary::Vocabulary;

/// Number of a token in the vocabulary.
pub type TokenId = u32;

/// Languages that put no blanks between words.
const UNSPACED_LANGUAGES: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];
/// ASCII's punctuation, as Python's `string.punctuation` lists it.
const PUNCTUATION: &str = r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##;

/// A word and the tokens it is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizedWord {
    /// The word, with the blank before it.
    pub text: String,
    /// Its tokens, one at least.
    pub tokens: Vec<TokenId>,
}

/// The vocabulary of one checkpoint and the numbers of its special tokens.
pub struct Tokenizer {
    vocabulary: Vocabulary,
    /// What turns texts into tokens, once it was needed, and the file that it is read from.
    encoder: OnceLock<tokenizers::Tokenizer>,
    path: PathBuf,
    /// `<|endoftext|>`; every number below it is text.
    pub end_of_text: TokenId,
    /// `<|startoftranscript|>`
    pub start_of_transcript: TokenId,
    /// `<|translate|>`; absent from English-only models of old.
    pub translate: Option<TokenId>,
    /// `<|transcribe|>`
    pub transcribe: Option<TokenId>,
    /// `<|startofprev|>`
    pub start_of_prev: TokenId,
    /// `<|nospeech|>`, `<|nocaptions|>` in older checkpoints.
    pub no_speech: Option<TokenId>,
    /// `<|notimestamps|>`; the timestamps follow it.
    pub no_timestamps: TokenId,
    /// Language code to token, in the order of the vocabulary.
    languages: Vec<(String, TokenId)>,
}

impl Tokenizer {
    /// A tokenizer of a vocabulary. `path` is its `tokenizer.json`, which is read when a text is to be encoded.
    pub(super) fn new(vocabulary: Vocabulary, path: PathBuf) -> Result<Self, ConfigError> {
        let find = |token: &str| vocabulary.find(token);
        let need = |token: &str| find(token).ok_or_else(|| ConfigError::MissingToken(token.to_owned()));
        let start_of_transcript = need("<|startoftranscript|>")?;
        let no_timestamps = need("<|notimestamps|>")?;
        let translate = find("<|translate|>");
        // Languages stand between the start token and the first task token.
        let end_of_languages = translate.unwrap_or(no_timestamps);
        let code_of = |token: TokenId| {
            let name = str::from_utf8(vocabulary.bytes_of(token)).ok()?;
            Some(name.strip_prefix("<|")?.strip_suffix("|>")?.to_owned())
        };
        let languages =
            (start_of_transcript + 1..end_of_languages).filter_map(|token| Some((code_of(token)?, token))).collect();
        Ok(Self {
            end_of_text: need("<|endoftext|>")?,
            start_of_prev: need("<|startofprev|>")?,
            transcribe: find("<|transcribe|>"),
            no_speech: find("<|nospeech|>").or_else(|| find("<|nocaptions|>")),
            start_of_transcript,
            translate,
            no_timestamps,
            languages,
            vocabulary,
            path,
            encoder: OnceLock::new(),
        })
    }

    /// Forgets the tokens of languages and tasks, which an English-only model has but was not trained on.
    pub(super) fn restrict_to_english(&mut self) {
        self.languages = Vec::new();
        (self.translate, self.transcribe) = (None, None);
    }

    /// The tokens of a text, without any special token.
    ///
    /// # Errors
    /// The `tokenizer.json` cannot be read, or does not cover the text; byte-level vocabularies cover every text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ConfigError> {
        let not_a_tokenizer = |error: tokenizers::Error| {
            let path = self.path.display();
            ConfigError::Tokenizer(format!("{path}: {error}"))
        };
        if self.encoder.get().is_none() {
            let encoder = tokenizers::Tokenizer::from_file(&self.path).map_err(not_a_tokenizer)?;
            // Another thread that was faster has read the same file.
            self.encoder.set(encoder).ok();
        }
        let encoder = self.encoder.get().expect("set above");
        Ok(encoder.encode(text, false).map_err(not_a_tokenizer)?.get_ids().to_vec())
    }

    /// The text of tokens; special tokens and timestamps give none. Bytes that are no UTF-8 become U+FFFD.
    pub fn decode(&self, tokens: &[TokenId]) -> String {
        let text = tokens.iter().filter(|id| **id < self.end_of_text);
        let bytes: Vec<u8> = text.flat_map(|token| self.vocabulary.bytes_of(*token)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Divides text tokens into words as openai-whisper 20250625 does (`tokenizer.py`, `split_to_word_tokens`): at
    /// blanks and ASCII punctuation or, in languages that put no blanks, at characters. Every token is in exactly one
    /// word.
    pub fn split_words(&self, tokens: &[TokenId], language: Option<TokenId>) -> Vec<TokenizedWord> {
        let pieces = self.split_characters(tokens);
        let code = language.and_then(|token| self.language_code(token));
        if code.is_some_and(|code| UNSPACED_LANGUAGES.contains(&code)) {
            return pieces;
        }
        let mut words: Vec<TokenizedWord> = Vec::new();
        for piece in pieces {
            // A blank alone counts as punctuation.
            let begins_word = piece.text.starts_with(' ') || PUNCTUATION.contains(piece.text.trim());
            if let Some(word) = words.last_mut().filter(|_| !begins_word) {
                word.text.push_str(&piece.text);
                word.tokens.extend(piece.tokens);
            } else {
                words.push(piece);
            }
        }
        words
    }

    /// The shortest runs of tokens that are whole characters, or broken ones where the text has them.
    fn split_characters(&self, tokens: &[TokenId]) -> Vec<TokenizedWord> {
        let whole = self.decode(tokens);
        let mut pieces: Vec<TokenizedWord> = Vec::new();
        let (mut n_bytes, mut n_tokens) = (0, 0);
        for end in 1..=tokens.len() {
            // In the middle of a character this ends in U+FFFD, and the whole text has the character there instead.
            // Decoding from the start each time is quadratic, but keeps count through bytes that are no UTF-8.
            let until_here = self.decode(&tokens[..end]);
            if until_here.len() > n_bytes && whole.starts_with(&until_here) {
                let text = until_here[n_bytes..].to_owned();
                pieces.push(TokenizedWord { text, tokens: tokens[n_tokens..end].to_vec() });
                (n_bytes, n_tokens) = (until_here.len(), end);
            }
        }
        if let Some(last) = pieces.last_mut() {
            last.tokens.extend_from_slice(&tokens[n_tokens..]);
        }
        pieces
    }

    /// Language codes and their tokens, in the order of the vocabulary; empty for English-only models.
    pub fn languages(&self) -> &[(String, TokenId)] {
        &self.languages
    }

    /// The token of a language code.
    pub fn language(&self, code: &str) -> Option<TokenId> {
        self.languages.iter().find(|(language, _)| language == code).map(|(_, id)| *id)
    }

    /// The code of a language's token.
    pub fn language_code(&self, token: TokenId) -> Option<&str> {
        self.languages.iter().find(|(_, id)| *id == token).map(|(code, _)| code.as_str())
    }

    /// The highest number of a token that decoding cannot do without.
    pub(super) fn last_special(&self) -> TokenId {
        let always = [self.end_of_text, self.start_of_transcript, self.start_of_prev, self.no_timestamps];
        let sometimes = [self.translate, self.transcribe, self.no_speech].into_iter().flatten();
        let languages = self.languages.iter().map(|(_, token)| *token);
        always.into_iter().chain(sometimes).chain(languages).max().expect("some are always there")
    }

    /// The token of time 0.00; later times follow in steps of 20 ms.
    pub fn first_timestamp(&self) -> TokenId {
        self.no_timestamps + 1
    }
}
