//! A text becomes labels of an aligner, and is divided into words. Which of its characters are said, and how, is
//! decided by the aligner's labels alone.

use std::collections::BTreeMap;

use crate::transcript::writing::Writing;

/// The label between words.
const WORD_BOUNDARY: char = '|';

/// For each character the index of its word. A blank is the beginning of the word after it; so is each of several.
/// Signs above and below letters belong to the character before them, which Japanese and Chinese do not have.
pub fn word_indices(writing: Writing, characters: &[char]) -> Vec<usize> {
    let mut word = 0;
    let index = |n: usize| {
        let index = word;
        let ends_word = characters.get(n + 1).is_none_or(|next| match writing {
            Writing::Spaced => *next == ' ',
            Writing::Unspaced => !is_mark(*next),
        });
        word += usize::from(ends_word);
        index
    };
    (0..characters.len()).map(index).collect()
}

/// The labels of an aligner by their characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Dictionary {
    label_of: BTreeMap<char, usize>,
    n_labels: usize,
}

/// The characters of a text that can be heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spelling {
    /// The label of each, or the wildcard.
    pub tokens: Vec<usize>,
    /// Where each stands in the text, counted in characters.
    pub positions: Vec<usize>,
}

impl Dictionary {
    /// The dictionary of a model with these labels, small letters and capitals alike. Labels of several characters are
    /// never found.
    pub fn new(labels: &[String]) -> Self {
        let character_of = |label: &String| {
            let mut characters = label.chars().flat_map(char::to_lowercase);
            let first = characters.next();
            first.filter(|_| characters.next().is_none())
        };
        let characters = labels.iter().enumerate();
        let label_of = characters.filter_map(|(id, label)| Some((character_of(label)?, id))).collect();
        Self { label_of, n_labels: labels.len() }
    }

    /// The token that stands for any character: the column after those of the labels.
    pub fn wildcard(&self) -> usize {
        self.n_labels
    }

    /// How a text is said. Blanks at its ends are not, nor those in it where the model has no label for them; all other
    /// characters without a label are wildcards.
    ///
    /// Each character is one token. (In whisperX, a letter whose small form is two, Turkish İ, is two tokens, and all
    /// that follow are given the times of their neighbours.)
    pub fn spell(&self, characters: &[char], writing: Writing) -> Spelling {
        let is_blank = |character: &&char| character.is_whitespace();
        let n_leading = characters.iter().take_while(is_blank).count();
        let n_trailing = characters.iter().rev().take_while(is_blank).count();
        let mut spelling = Spelling::default();
        for (position, character) in characters.iter().enumerate().skip(n_leading) {
            if position + n_trailing >= characters.len() {
                break;
            }
            let small = character.to_lowercase().next().unwrap_or(*character);
            let symbol = if writing == Writing::Spaced && small == ' ' { WORD_BOUNDARY } else { small };
            let label = self.label_of.get(&symbol).copied();
            if label.is_some() || !matches!(symbol, ' ' | WORD_BOUNDARY) {
                spelling.tokens.push(label.unwrap_or(self.n_labels));
                spelling.positions.push(position);
            }
        }
        spelling
    }
}

/// Signs above and below the letters of Thai, Lao and Burmese.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{e31}'
            | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{eb1}'
            | '\u{eb4}'..='\u{ebc}'
            | '\u{ec8}'..='\u{ece}'
            | '\u{102b}'..='\u{103e}'
            | '\u{1056}'..='\u{1059}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(labels: &[&str]) -> Dictionary {
        Dictionary::new(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn texts_are_spelt_with_labels_and_wildcards() {
        let with_boundary = dictionary(&["<pad>", "|", "A", "b", "ก", "i"]);
        let without = dictionary(&["<pad>", "a", "b"]);
        for (dictionary, language, text, tokens, positions) in [
            (&with_boundary, "en", " aB a ", &[2, 3, 1, 2][..], &[1, 2, 3, 4][..]),
            (&with_boundary, "en", "", &[], &[]),
            (&with_boundary, "en", " \t ", &[], &[]),
            (&with_boundary, "en", "7 %", &[6, 1, 6], &[0, 1, 2]),
            (&with_boundary, "tr", "İb", &[5, 3], &[0, 1]),
            (&with_boundary, "th", " กี ก", &[4, 6, 4], &[1, 2, 4]),
            (&without, "en", "a | b", &[1, 2], &[0, 4]),
        ] {
            let characters: Vec<char> = text.chars().collect();
            let spelling = dictionary.spell(&characters, Writing::of(language));
            assert_eq!((&spelling.tokens[..], &spelling.positions[..]), (tokens, positions), "{text:?}");
        }
    }

    #[test]
    fn words_end_at_blanks_or_at_characters() {
        for (language, text, expected) in [
            ("en", " go on", &[0, 0, 0, 1, 1, 1][..]),
            ("en", "", &[]),
            ("en", "a  b", &[0, 1, 2, 2]),
            ("ja", "です x", &[0, 1, 2, 3]),
            ("th", "ที่นี่", &[0, 0, 0, 1, 1, 1]),
        ] {
            let characters: Vec<char> = text.chars().collect();
            assert_eq!(word_indices(Writing::of(language), &characters), expected, "{text:?}");
        }
    }
}
