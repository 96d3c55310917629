//! Where the words of a text begin and end, which depends on how its language is written. It knows no times.

use std::ops::Range;

/// What divides words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Blanks do.
    Spaced,
    /// Nothing does, and each character counts as a word.
    Unspaced,
}

impl Writing {
    /// How a language is written that Whisper knows by this code. An unknown one has blanks. `whisperX` 3.8.6 has Japanese
    /// and Chinese in this list, for which it has models; here are all that Whisper writes without blanks.
    pub fn of(language: &str) -> Self {
        match language {
            "ja" | "zh" | "yue" | "th" | "lo" | "my" => Self::Unspaced,
            _ => Self::Spaced,
        }
    }

    /// What stands between two words, or two sentences that become one.
    pub fn joint(self) -> &'static str {
        match self {
            Self::Spaced => " ",
            Self::Unspaced => "",
        }
    }

    /// Where each word stands in a text, in bytes. A blank at which no line may break is part of a word, as French
    /// writes it before a question mark; signs above and below a character belong to it.
    pub fn words_in(self, text: &str) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut was_blank = true;
        for (start, character) in text.char_indices() {
            let end = start + character.len_utf8();
            let is_blank = is_blank(character);
            let goes_on = !was_blank && (self == Self::Spaced || is_mark(character));
            match places.last_mut() {
                Some(place) if goes_on && !is_blank => place.end = end,
                _ if is_blank => {}
                _ => places.push(start..end),
            }
            was_blank = is_blank;
        }
        places.retain(|place| !text[place.clone()].trim().is_empty());
        places
    }
}

/// A text with single blanks between its words, and none at its ends.
pub(super) fn without_spare_blanks(text: &str) -> String {
    text.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether words end here.
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Signs above and below letters: accents that stand alone, and those of Thai, Lao, Burmese and kana.
pub(super) fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{e31}'
            | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{eb1}'
            | '\u{eb4}'..='\u{ebc}'
            | '\u{ec8}'..='\u{ece}'
            | '\u{102b}'..='\u{103e}'
            | '\u{1056}'..='\u{1059}'
            | '\u{3099}'..='\u{309a}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_each_writing() {
        for (language, text, expected) in [
            ("en", "  One  two,\nthree ", &["One", "two,", "three"][..]),
            ("en", "", &[]),
            ("en", " \n ", &[]),
            ("fr", "Ça va\u{a0}? \u{a0} Oui", &["Ça", "va\u{a0}?", "Oui"]),
            ("ja", " はい。 か\u{3099} A", &["は", "い", "。", "か\u{3099}", "A"]),
            ("th", "กี ก", &["กี", "ก"]),
            ("", "いい え", &["いい", "え"]),
        ] {
            let places = Writing::of(language).words_in(text);
            assert_eq!(places.into_iter().map(|place| &text[place]).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}
