//! The name of a model in both levels of the cache. Only names that are safe as the name of a folder exist.

use std::fmt;

/// The longest key, in bytes: every file system takes a folder of this name, with room for what is put before it.
const MAX_LEN: usize = 120;

/// `family_variant_device`: `whisperx_large-v3_cpu`, `whisperx_align_en_cpu`, `ecapa_tdnn_cpu`, `pyannote_diarization_cpu`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey(String);

/// A text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no key of a model: a key has 1 to {MAX_LEN} of the characters A-Z, a-z, 0-9, `.`, `_` and `-`, and does not begin \
     with a dot"
)]
pub struct InvalidKey(pub String);

impl ModelKey {
    /// A text as a key: 1 to 120 of `A-Z a-z 0-9 . _ -`, not beginning with a dot.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=MAX_LEN).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey(text.to_owned()))
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_safe_as_a_folder_are_keys() {
        let longest = "k".repeat(MAX_LEN);
        for text in ["whisperx_large-v3_cpu", "whisperx_tiny.en_cuda", "a", "-", "A.b", &longest] {
            assert_eq!(ModelKey::new(text).map(|key| key.to_string()), Ok(text.to_owned()));
        }
        let too_long = "k".repeat(MAX_LEN + 1);
        for text in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", "a\0", "a:b", &too_long] {
            assert_eq!(ModelKey::new(text), Err(InvalidKey(text.to_owned())));
        }
    }
}
