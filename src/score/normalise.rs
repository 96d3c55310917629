//! Takes away from a text what shall not count when it is compared: case, punctuation, hesitations, spelling.
//!
//! `BasicTextNormalizer` and `EnglishTextNormalizer` of openai-whisper 20250625, rule by rule, so that rates compare
//! with those that others measure. Where words are made of combining marks or digits are not 0 to 9, it may find other
//! boundaries of words than Python.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use regex::Regex;

use super::numbers;

/// How much is taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalisation {
    /// Nothing.
    None,
    /// Case, punctuation, symbols, and what stands in brackets; for any language.
    #[default]
    Basic,
    /// Also hesitations, contractions, titles, accents, British spelling, and whether numbers are written as words.
    English,
}

/// The text as it is compared. Blanks may be left at its ends.
pub fn normalise(text: &str, normalisation: Normalisation) -> String {
    match normalisation {
        Normalisation::None => text.to_owned(),
        Normalisation::Basic => basic(text),
        Normalisation::English => english(text),
    }
}

fn basic(text: &str) -> String {
    let text = applied(&BRACKETS, text.to_lowercase());
    let text = ComposingNormalizerBorrowed::new_nfkc().normalize(&text);
    applied(&BASIC_SYMBOLS, text.into_owned().to_lowercase())
}

fn english(text: &str) -> String {
    let text = applied(&BRACKETS, text.to_lowercase());
    let text = applied(&ENGLISH_WORDS, text);
    let text = DecomposingNormalizerBorrowed::new_nfkd().normalize(&text);
    let text = applied(&ENGLISH_SYMBOLS, text.chars().map(plain).collect());
    let text = numbers::standardised(&text);
    let words: Vec<&str> = text.split_whitespace().map(|word| SPELLINGS.get(word).copied().unwrap_or(word)).collect();
    applied(&STRAY_SYMBOLS, words.join(" "))
}

/// A pattern, and what is put in its place.
struct Rule {
    pattern: Regex,
    replacement: &'static str,
}

type Rules = LazyLock<Vec<Rule>>;

fn rules(list: &[(&str, &'static str)]) -> Vec<Rule> {
    let rule = |&(pattern, replacement): &(&str, &'static str)| Rule {
        pattern: Regex::new(pattern).expect("the patterns of this file are well-formed"),
        replacement,
    };
    list.iter().map(rule).collect()
}

/// One rule after the other.
fn applied(rules: &[Rule], text: String) -> String {
    rules.iter().fold(text, |text, rule| rule.pattern.replace_all(&text, rule.replacement).into_owned())
}

/// What stands in brackets was not said.
static BRACKETS: Rules = LazyLock::new(|| rules(&[(r"[<\[][^>\]]*[>\]]", ""), (r"\(([^)]+?)\)", "")]));

static BASIC_SYMBOLS: Rules = LazyLock::new(|| rules(&[(r"[\p{M}\p{S}\p{P}]", " "), (r"\s+", " ")]));

static ENGLISH_WORDS: Rules = LazyLock::new(|| {
    rules(&[
        (r"\b(hmm|mm|mhm|mmm|uh|um)\b", ""),
        (r"\s+'", "'"),
        (r"\bwon't\b", "will not"),
        (r"\bcan't\b", "can not"),
        (r"\blet's\b", "let us"),
        (r"\bain't\b", "aint"),
        (r"\by'all\b", "you all"),
        (r"\bwanna\b", "want to"),
        (r"\bgotta\b", "got to"),
        (r"\bgonna\b", "going to"),
        (r"\bi'ma\b", "i am going to"),
        (r"\bimma\b", "i am going to"),
        (r"\bwoulda\b", "would have"),
        (r"\bcoulda\b", "could have"),
        (r"\bshoulda\b", "should have"),
        (r"\bma'am\b", "madam"),
        (r"\bmr\b", "mister "),
        (r"\bmrs\b", "missus "),
        (r"\bst\b", "saint "),
        (r"\bdr\b", "doctor "),
        (r"\bprof\b", "professor "),
        (r"\bcapt\b", "captain "),
        (r"\bgov\b", "governor "),
        (r"\bald\b", "alderman "),
        (r"\bgen\b", "general "),
        (r"\bsen\b", "senator "),
        (r"\brep\b", "representative "),
        (r"\bpres\b", "president "),
        (r"\brev\b", "reverend "),
        (r"\bhon\b", "honorable "),
        (r"\basst\b", "assistant "),
        (r"\bassoc\b", "associate "),
        (r"\blt\b", "lieutenant "),
        (r"\bcol\b", "colonel "),
        (r"\bjr\b", "junior "),
        (r"\bsr\b", "senior "),
        (r"\besq\b", "esquire "),
        (r"'d been\b", " had been"),
        (r"'s been\b", " has been"),
        (r"'d gone\b", " had gone"),
        (r"'s gone\b", " has gone"),
        (r"'d done\b", " had done"),
        (r"'s got\b", " has got"),
        (r"n't\b", " not"),
        (r"'re\b", " are"),
        (r"'s\b", " is"),
        (r"'d\b", " would"),
        (r"'ll\b", " will"),
        (r"'t\b", " not"),
        (r"'ve\b", " have"),
        (r"'m\b", " am"),
        // Commas between digits, and full stops that are no decimal points.
        (r"(\d),(\d)", "${1}${2}"),
        (r"\.([^0-9]|$)", " ${1}"),
    ])
});

/// Symbols of numbers are kept for now.
static ENGLISH_SYMBOLS: Rules = LazyLock::new(|| rules(&[(r"\p{Mn}", ""), (r"[\p{M}\p{S}\p{P}--[.%$¢€£]]", " ")]));

/// Symbols of numbers that do not stand beside a number.
static STRAY_SYMBOLS: Rules =
    LazyLock::new(|| rules(&[(r"[.$¢€£]([^0-9])", " ${1}"), (r"([^0-9])%", "${1} "), (r"\s+", " ")]));

/// Letters that are not made of a plain one and an accent.
const PLAIN_LETTERS: [(char, &str); 16] = [
    ('œ', "oe"),
    ('Œ', "OE"),
    ('ø', "o"),
    ('Ø', "O"),
    ('æ', "ae"),
    ('Æ', "AE"),
    ('ß', "ss"),
    ('ẞ', "SS"),
    ('đ', "d"),
    ('Đ', "D"),
    ('ð', "d"),
    ('Ð', "D"),
    ('þ', "th"),
    ('Þ', "th"),
    ('ł', "l"),
    ('Ł', "L"),
];

fn plain(letter: char) -> String {
    let known = PLAIN_LETTERS.iter().find(|(special, _)| *special == letter);
    known.map_or_else(|| letter.to_string(), |(_, letters)| (*letters).to_owned())
}

/// British to American, as <https://www.tysto.com/uk-us-spelling-list.html> lists them and Whisper has them.
static SPELLINGS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| include_str!("spellings.tsv").lines().filter_map(|line| line.split_once('\t')).collect());

#[cfg(test)]
mod tests {
    use super::*;

    /// What Whisper's normalisers make of these.
    #[test]
    fn texts_become_what_whisper_makes_of_them() {
        for (text, expected_basic, expected_english) in [
            ("", "", ""),
            (
                "Um, [laughs] they'd been (quietly) Waiting... can't we?",
                "um they d been waiting can t we ",
                "they had been waiting can not we",
            ),
            (
                "Mr. O'Neil's colour programme: 1,234.5 km, ﬁne naïve Straße",
                "mr o neil s colour programme 1 234 5 km fine naïve straße",
                "mister 0 neil is color program 1234.5 km fine naive strasse",
            ),
            (
                "twenty one dollars and seven cents, thirty percent, five per cent",
                "twenty one dollars and seven cents thirty percent five per cent",
                "$21.07 30% 5%",
            ),
            (
                "two and a half million people; one oh one; double seven three",
                "two and a half million people one oh one double seven three",
                "2500000 people 101773",
            ),
            (
                "the twenty first, ninth, eighties and sixes; nineteen eighty four",
                "the twenty first ninth eighties and sixes nineteen eighty four",
                "the 21st ninth 80s and 6s 1984",
            ),
            (
                "minus one point five, minus that; three hundred and two thousands",
                "minus one point five minus that three hundred and two thousands",
                "-one.5 minus that 302000s",
            ),
            (
                "$5 and 7 cents £0.07 3rd 1960s a1b2 1 one 1s ones",
                " 5 and 7 cents 0 07 3rd 1960s a1b2 1 one 1s ones",
                "$5.07 ¢7 3rd 1960s a one b 2 11 ones ones",
            ),
            (
                "point taken, per se, and one point zero five thousand",
                "point taken per se and one point zero five thousand",
                "point taken per se and 1050",
            ),
            (
                "0.5 million 1.2.3 zero hundred million one two hundred",
                "0 5 million 1 2 3 zero hundred million one two hundred",
                "500000 one.2.3 1200",
            ),
            (
                "one hundred twenty three thousand four hundred fifty six",
                "one hundred twenty three thousand four hundred fifty six",
                "123456",
            ),
            (
                "twenty twenty twenty one, eleven eleven, thirty one hundred",
                "twenty twenty twenty one eleven eleven thirty one hundred",
                "20202111113100",
            ),
            ("$3.50 % . € -- 10 % 99.9% 007 5.0", " 3 50 10 99 9 007 5 0", "$3.50 10 99.9% 7 5"),
        ] {
            assert_eq!(normalise(text, Normalisation::None), text);
            assert_eq!(normalise(text, Normalisation::Basic), expected_basic, "{text}");
            assert_eq!(normalise(text, Normalisation::English), expected_english, "{text}");
        }
    }
}
