//! Whisper's vocabulary: byte-level BPE text tokens first, then the special tokens, then 1,501 timestamps.

use std::collections::BTreeMap;

use super::config::ConfigError;

/// Number of a token in the vocabulary.
pub type TokenId = u32;

/// The vocabulary of one checkpoint and the numbers of its special tokens.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
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
    /// Reads a `tokenizer.json`.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let inner: tokenizers::Tokenizer =
            text.parse().map_err(|error: tokenizers::Error| ConfigError::Tokenizer(error.to_string()))?;
        let find = |token: &str| inner.token_to_id(token);
        let need = |token: &str| find(token).ok_or_else(|| ConfigError::MissingToken(token.to_owned()));
        let start_of_transcript = need("<|startoftranscript|>")?;
        let no_timestamps = need("<|notimestamps|>")?;
        let translate = find("<|translate|>");
        // Languages stand between the start token and the first task token.
        let end_of_languages = translate.unwrap_or(no_timestamps);
        let by_id: BTreeMap<TokenId, String> = inner
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(id, _)| (start_of_transcript + 1..end_of_languages).contains(id))
            .map(|(id, token)| (id, token.content))
            .collect();
        let languages = by_id
            .into_iter()
            .filter_map(|(id, token)| Some((token.strip_prefix("<|")?.strip_suffix("|>")?.to_owned(), id)))
            .collect();
        Ok(Self {
            end_of_text: need("<|endoftext|>")?,
            start_of_prev: need("<|startofprev|>")?,
            transcribe: find("<|transcribe|>"),
            no_speech: find("<|nospeech|>").or_else(|| find("<|nocaptions|>")),
            start_of_transcript,
            translate,
            no_timestamps,
            languages,
            inner,
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
    /// The vocabulary does not cover the text; byte-level vocabularies cover every text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ConfigError> {
        let encoding = self.inner.encode(text, false).map_err(|error| ConfigError::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens; special tokens and timestamps give none. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// The tokenizer's own decoder is broken.
    pub fn decode(&self, tokens: &[TokenId]) -> Result<String, ConfigError> {
        let text: Vec<TokenId> = tokens.iter().copied().filter(|id| *id < self.end_of_text).collect();
        self.inner.decode(&text, true).map_err(|error| ConfigError::Tokenizer(error.to_string()))
    }

    /// Language codes and their tokens, in the order of the vocabulary; empty for English-only models.
    pub fn languages(&self) -> &[(String, TokenId)] {
        &self.languages
    }

    /// The token of a language code.
    pub fn language(&self, code: &str) -> Option<TokenId> {
        self.languages.iter().find(|(language, _)| language == code).map(|(_, id)| *id)
    }

    /// The token of time 0.00; later times follow in steps of 20 ms.
    pub fn first_timestamp(&self) -> TokenId {
        self.no_timestamps + 1
    }
}
