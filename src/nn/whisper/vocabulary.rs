//! What each token of a byte-level BPE vocabulary says, in bytes, out of a `tokenizer.json`.
//!
//! Reading texts off tokens needs no more than this, and this takes milliseconds to read; the merges, by which texts
//! become tokens, take hundreds, and are read when somebody wants to prompt the model.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::config::ConfigError;
use super::tokenizer::TokenId;

/// The tokens' bytes, one after the other, and where those of each end.
pub(super) struct Vocabulary {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

#[derive(Deserialize)]
struct TokenizerFile {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(Deserialize)]
struct Model {
    vocab: BTreeMap<String, TokenId>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: TokenId,
    content: String,
}

impl Vocabulary {
    /// Reads a `tokenizer.json`.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let not_a_tokenizer = |error: serde_json::Error| ConfigError::Tokenizer(error.to_string());
        let TokenizerFile { model, added_tokens } = serde_json::from_str(text).map_err(not_a_tokenizer)?;
        let ids = model.vocab.values().chain(added_tokens.iter().map(|token| &token.id));
        let last = ids.max().copied().unwrap_or_default();
        if last > MAX_TOKEN {
            return Err(ConfigError::Tokenizer(format!("it numbers its tokens up to {last}")));
        }
        let n_tokens = last as usize + 1;
        let mut tokens: Vec<Vec<u8>> = vec![Vec::new(); n_tokens];
        let byte_of: BTreeMap<char, u8> = byte_symbols().into_iter().collect();
        for (name, id) in model.vocab {
            let bytes: Option<Vec<u8>> = name.chars().map(|character| byte_of.get(&character).copied()).collect();
            tokens[id as usize] = bytes.unwrap_or_else(|| name.as_bytes().to_vec());
        }
        for AddedToken { id, content } in added_tokens {
            tokens[id as usize] = content.into_bytes();
        }
        let ends = tokens.iter().scan(0, |end, token| {
            *end += token.len() as u32;
            Some(*end)
        });
        Ok(Self { ends: ends.collect(), bytes: tokens.concat() })
    }

    /// The bytes and their ends, if they make a vocabulary.
    pub(super) fn from_parts(bytes: Vec<u8>, ends: Vec<u32>) -> Option<Self> {
        let is_whole = ends.is_sorted() && ends.last().is_some_and(|end| *end as usize == bytes.len());
        is_whole.then_some(Self { bytes, ends })
    }

    pub(super) fn parts(&self) -> (&[u8], &[u32]) {
        (&self.bytes, &self.ends)
    }

    /// What a token says; nothing for one that is not in the vocabulary.
    pub(super) fn bytes_of(&self, token: TokenId) -> &[u8] {
        let token = token as usize;
        let start = if token == 0 { 0 } else { self.ends.get(token - 1).copied().unwrap_or_default() };
        let end = self.ends.get(token).copied().unwrap_or(start);
        &self.bytes[start as usize..end as usize]
    }

    /// The number of a token that reads like this. Special tokens, which are asked for, are the last ones.
    pub(super) fn find(&self, name: &str) -> Option<TokenId> {
        (0..self.ends.len() as TokenId).rev().find(|token| self.bytes_of(*token) == name.as_bytes())
    }
}

/// No vocabulary is near this size; one that claims to be would only take memory.
const MAX_TOKEN: TokenId = 1 << 22;

/// The bytes and the characters by which a byte-level vocabulary writes them, in the order of GPT-2's: those that print as
/// something stand for themselves and come first; the others are written with the letters behind Latin-1.
pub fn byte_symbols() -> Vec<(char, u8)> {
    let prints = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let as_they_are = (0..=u8::MAX).filter(prints).map(|byte| (char::from(byte), byte));
    let others = (0..=u8::MAX).filter(|byte| !prints(byte));
    as_they_are.chain(('\u{100}'..).zip(others)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_as_bytes_and_special_ones_as_written() {
        let text = r#"{
            "model": {"type": "BPE", "vocab": {"!": 0, "Ġthe": 1, "Ã": 2, "\"": 3, "Ċ": 5}, "merges": []},
            "added_tokens": [{"id": 6, "content": "<|endoftext|>", "special": true}]
        }"#;
        let vocabulary = Vocabulary::parse(text).expect("a tokenizer");
        let tokens: [&[u8]; 8] = [b"!", b" the", b"\xC3", b"\"", b"", b"\n", b"<|endoftext|>", b""];
        for (token, expected) in tokens.into_iter().enumerate() {
            assert_eq!(vocabulary.bytes_of(token as TokenId), expected, "{token}");
        }
        assert_eq!((vocabulary.find("<|endoftext|>"), vocabulary.find("<|nospeech|>")), (Some(6), None));
        let (bytes, ends) = vocabulary.parts();
        assert!(Vocabulary::from_parts(bytes.to_vec(), ends.to_vec()).is_some());
        for (bytes, ends) in [(bytes, &ends[1..ends.len() - 1]), (bytes, &[]), (&bytes[1..], ends)] {
            assert!(Vocabulary::from_parts(bytes.to_vec(), ends.to_vec()).is_none());
        }
        assert!(Vocabulary::parse(r#"{"model": {"vocab": {"a": 4294967295}}}"#).is_err());
    }
}
