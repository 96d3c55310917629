//! The form in which passages are in the search index: text that its tokenizer splits well in all languages, marks for
//! what was found, speakers as single words, and where the words of a passage lie in its text.

use std::fmt::Write as _;

use crate::transcript::Word;
use crate::units::Seconds;

/// Stands before and after a character that is a word of its own.
const GAP: char = '\u{1f}';
/// Stand around what was found.
pub(super) const FOUND_FROM: char = '\u{2}';
pub(super) const FOUND_UNTIL: char = '\u{3}';
/// Begins the words for speakers, so that nobody finds them by typing. The tokenizer takes it for a letter.
const SPEAKER_MARK: char = '\u{e000}';
/// A number that there is none of.
const NONE: u32 = u32::MAX;
/// Bytes for a word: where it lies in the text, and when it is said, in milliseconds.
const WORD_BYTES: usize = 8;

/// A text as it is indexed: in writing without blanks between words, every character is a word. Signs that have a
/// meaning here are blanks; they are no text.
pub(super) fn spread(text: &str) -> String {
    let mut spread = String::with_capacity(text.len());
    let mut was_word = false;
    for c in text.chars() {
        let is_word = is_word_by_itself(c);
        if (is_word || was_word) && !spread.is_empty() {
            spread.push(GAP);
        }
        spread.push(if matches!(c, GAP | FOUND_FROM | FOUND_UNTIL | '\0') { ' ' } else { c });
        was_word = is_word;
    }
    spread
}

/// The text of a spread and marked one, and where the marks were in it, as ranges of bytes.
pub(super) fn read_marked(marked: &str) -> (String, Vec<(usize, usize)>) {
    let mut text = String::with_capacity(marked.len());
    let (mut found, mut from) = (Vec::new(), 0);
    for c in marked.chars() {
        match c {
            GAP => {}
            FOUND_FROM => from = text.len(),
            FOUND_UNTIL => found.push((from, text.len())),
            _ => text.push(c),
        }
    }
    (text, found)
}

/// A word that stands for a speaker of this name.
pub(super) fn speaker_word(name: &str) -> String {
    let mut word = String::from(SPEAKER_MARK);
    for byte in name.trim().to_lowercase().bytes() {
        write!(word, "{byte:02x}").expect("a string takes all that is written");
    }
    word
}

/// Whether the tokenizer may take a character for part of a word.
pub(super) fn is_word_char(c: char) -> bool {
    c.is_alphanumeric()
}

/// Where the words of a passage lie in its text, and when they are said.
pub(super) fn pack_words(text: &str, words: &[Word]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(words.len() * WORD_BYTES);
    let mut after = 0;
    for word in words {
        let wanted = word.text.trim();
        let at = text[after..].find(wanted).filter(|_| !wanted.is_empty()).map(|at| after + at);
        if let Some(at) = at {
            after = at + wanted.len();
        }
        let ms = word.span.map_or(NONE, |span| span.start.to_millis().min(u64::from(NONE - 1)) as u32);
        packed.extend_from_slice(&at.map_or(NONE, |at| at as u32).to_le_bytes());
        packed.extend_from_slice(&ms.to_le_bytes());
    }
    packed
}

/// The word that lies at a byte of the text: its index, and when it is said, where that is known.
pub(super) fn word_at(packed: &[u8], at_byte: usize) -> Option<(usize, Option<Seconds>)> {
    let number = |bytes: &[u8]| bytes.try_into().map_or(NONE, u32::from_le_bytes);
    let words = packed.chunks_exact(WORD_BYTES).map(|word| (number(&word[..4]), number(&word[4..])));
    let begun = words.enumerate().rfind(|(_, (at, _))| *at != NONE && *at as usize <= at_byte);
    begun.map(|(idx, (_, ms))| (idx, (ms != NONE).then_some(Seconds(f64::from(ms) / 1000.0))))
}

/// Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without blanks between words.
fn is_word_by_itself(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::TimeSpan;

    #[test]
    fn a_text_comes_back_from_its_spread_and_marked_form() {
        for text in ["", "plain text", "会議の plan は", "a会", "会a", "ไทย"] {
            assert_eq!(read_marked(&spread(text)), (text.to_owned(), vec![]));
        }
        assert_eq!(spread("a会議b"), "a\u{1f}会\u{1f}議\u{1f}b");
        assert_eq!(spread("a\u{2}b\u{1f}c"), "a b c");
        assert_eq!(
            read_marked("a \u{2}会\u{1f}議\u{3}\u{1f}室 \u{2}b\u{3}"),
            ("a 会議室 b".to_owned(), vec![(2, 8), (12, 13)])
        );
    }

    #[test]
    fn words_are_found_by_their_place_in_the_text() {
        let word = |text: &str, secs: Option<f64>| Word {
            text: text.to_owned(),
            span: secs.map(|secs| TimeSpan { start: Seconds(secs), end: Seconds(secs + 0.1) }),
            ..Word::default()
        };
        let words = [word("Ja,", Some(1.5)), word("nein", None), word("twenty", Some(2.0)), word(" ja.", Some(3.25))];
        let packed = pack_words("Ja, nein 20 ja.", &words);
        for (at, expected) in [
            (0, Some((0, Some(Seconds(1.5))))),
            (4, Some((1, None))),
            // What is written in another way than it was aligned belongs to the word before.
            (9, Some((1, None))),
            (12, Some((3, Some(Seconds(3.25))))),
        ] {
            assert_eq!(word_at(&packed, at), expected, "byte {at}");
        }
        assert_eq!([word_at(&[], 0), word_at(&[1, 2, 3], 9)], [None, None]);
    }
}
