//! Vocabularies of Whisper's form and true size: byte-level BPE with made-up merges, then Whisper's own special tokens
//! in their order, so that every number of a token is that of the published models.

use serde_json::{Map, Value, json};

use crate::nn::whisper::byte_symbols;

use super::sizes::Dimensions;

/// The languages that a vocabulary has tokens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Languages {
    /// Tokens for 99 languages, of a model that was trained on English only.
    EnglishOnly,
    /// The 99 languages of the models before large-v3.
    BeforeV3,
    /// These and Cantonese.
    SinceV3,
}

impl Languages {
    pub(super) fn codes(self) -> &'static [&'static str] {
        match self {
            Self::EnglishOnly | Self::BeforeV3 => &LANGUAGE_CODES[..99],
            Self::SinceV3 => &LANGUAGE_CODES,
        }
    }
}

/// In the order of Whisper's vocabulary.
static LANGUAGE_CODES: [&str; 100] = [
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi", "fi",
    "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "la", "mi", "ml",
    "cy", "sk", "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy", "ne", "mn", "bs",
    "kk", "sq", "sw", "gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu", "am",
    "yi", "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln",
    "ha", "ba", "jw", "su", "yue",
];

impl Dimensions {
    /// A byte-level BPE: the symbols of the bytes, then made-up tokens, each merged from two symbols.
    pub(super) fn tokenizer(&self) -> Value {
        let symbols: Vec<char> = byte_symbols().into_iter().map(|(symbol, _)| symbol).collect();
        let n_merges = self.n_text_tokens.saturating_sub(symbols.len());
        let pairs =
            symbols.iter().flat_map(|left| symbols.iter().map(move |right| (left.to_string(), right.to_string())));
        let merges: Vec<(String, String)> = pairs.take(n_merges).collect();
        let symbols = symbols.iter().map(char::to_string);
        let merged = merges.iter().map(|(left, right)| format!("{left}{right}"));
        let vocab: Map<String, Value> =
            symbols.chain(merged).enumerate().map(|(id, token)| (token, Value::from(id))).collect();
        let added_token = |(n, content): (usize, String)| {
            json!({
                "id": self.n_text_tokens + n, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            })
        };
        let added_tokens: Vec<Value> = self.special_tokens().into_iter().enumerate().map(added_token).collect();
        let byte_level =
            json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added_tokens,
            "normalizer": null,
            "pre_tokenizer": byte_level,
            "post_processor": null,
            "decoder": byte_level,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": vocab, "merges": merges,
            },
        })
    }

    /// What follows the text tokens, in order.
    pub(super) fn special_tokens(&self) -> Vec<String> {
        let before = ["endoftext", "startoftranscript"];
        let after = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"];
        let names = before.iter().chain(self.languages.codes()).chain(&after).map(|name| format!("<|{name}|>"));
        // 0.00 to 30.00 in steps of 0.02, whatever the window.
        let timestamps = (0..1501).map(|step| format!("<|{}.{:02}|>", step / 50, step % 50 * 2));
        names.chain(timestamps).collect()
    }
}

/// The token of a blank: the place of its byte among the symbols.
pub(super) const SPACE: usize = 220;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_symbol_of_its_own() {
        let mut symbols = byte_symbols();
        assert_eq!((symbols[0], symbols[SPACE]), (('!', b'!'), ('Ġ', b' ')));
        for part in [|symbol: &(char, u8)| u32::from(symbol.0), |symbol: &(char, u8)| u32::from(symbol.1)] {
            symbols.sort_unstable_by_key(part);
            symbols.dedup_by_key(|symbol| part(symbol));
            assert_eq!(symbols.len(), 256);
        }
    }
}
