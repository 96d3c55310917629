//! A text becomes sentences: the Punkt algorithm (Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary
//! Detection", 2006) as NLTK 3.10 decides (`nltk/tokenize/punkt.py`), with its parameters or with those of
//! `languages.rs`. Nothing is learned here.
//!
//! ```text
//! text ──a full stop, ? or ! before a blank or punctuation──▶ candidates ──their words──▶ ends of sentences
//! ```
//! A full stop may end a sentence, an abbreviation, an initial, an ordinal number, or two of them at once. What decides
//! is whether the word before it is a known abbreviation, and how the word after it is usually written.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::languages;

/// What every number counts as.
const NUMBER: &str = "##number##";
/// What may end a sentence, and what shows that a number, an initial or an abbreviation goes on.
const SENTENCE_ENDS: [char; 3] = ['.', '?', '!'];
const INNER_PUNCTUATION: [&str; 6] = [";", ":", ",", ".", "!", "?"];
/// What is no part of a word, and what no word begins with.
const NO_WORD: &str = ")\";}]*:@'({[\u{2018}\u{2019}\u{201c}\u{201d}«»?!";
const NO_WORD_START: &str = "(\"`{[:;&#*@)}]-,";
/// What belongs to the sentence before it although it follows the full stop.
const CLOSING: &str = "\"')]}\u{2018}\u{2019}\u{201c}\u{201d}«»";
/// What ends a sentence in other scripts, with or without a blank behind it.
const FULL_STOPS: &str = "。｡！？।॥۔؟።။";
/// In Greek the semicolon is a question mark.
const GREEK_FULL_STOPS: &str = ";\u{37e}";
const CLOSING_AFTER_FULL_STOPS: &str = "\"')]}\u{2019}\u{201d}»」』）】》〉";

/// How a word was seen: at the beginning, in the middle or in an unknown place of a sentence, with a capital or
/// without.
const BEGINNING_CAPITAL: u32 = 1 << 1;
const MIDDLE_CAPITAL: u32 = 1 << 2;
const UNKNOWN_CAPITAL: u32 = 1 << 3;
const BEGINNING_SMALL: u32 = 1 << 4;
const MIDDLE_SMALL: u32 = 1 << 5;
const UNKNOWN_SMALL: u32 = 1 << 6;
const CAPITAL: u32 = BEGINNING_CAPITAL | MIDDLE_CAPITAL | UNKNOWN_CAPITAL;
const SMALL: u32 = BEGINNING_SMALL | MIDDLE_SMALL | UNKNOWN_SMALL;

/// Finds the sentences of a language. All words are in small letters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Punkt {
    /// Abbreviations, without the full stop that ends them.
    abbreviations: HashSet<String>,
    /// Pairs of words between which a full stop ends no sentence, a tab between them.
    collocations: HashSet<String>,
    /// Words that often begin a sentence.
    sentence_starters: HashSet<String>,
    /// How words were seen.
    spellings: HashMap<String, u32>,
    /// What ends a sentence besides what Punkt knows.
    full_stops: &'static str,
}

impl Punkt {
    /// Our own parameters for a language; those of English where there are none, as in whisperX. Unlike Punkt they know
    /// the full stops of other scripts.
    pub fn of_language(language: &str) -> Self {
        let known = languages::of(language);
        let words = |text: &str| -> HashSet<String> { text.split_whitespace().map(str::to_owned).collect() };
        let before_numbers = known.before_numbers.split_whitespace().map(|word| format!("{word}\t{NUMBER}"));
        let after_numbers = known.after_ordinals.split_whitespace().map(|word| format!("{NUMBER}\t{word}"));
        let small_words = known.small_words.split_whitespace();
        Self {
            abbreviations: words(known.abbreviations),
            collocations: before_numbers.chain(after_numbers).collect(),
            sentence_starters: HashSet::new(),
            spellings: small_words.map(|word| (word.to_owned(), BEGINNING_CAPITAL | MIDDLE_SMALL)).collect(),
            full_stops: if language == "el" { GREEK_FULL_STOPS } else { FULL_STOPS },
        }
    }

    /// Parameters in the layout of NLTK's `punkt_tab`: the texts of `abbrev_types.txt`, `collocations.tab`,
    /// `sent_starters.txt` and `ortho_context.tab`. Lines that make no sense are left out.
    pub fn from_tables(abbreviations: &str, collocations: &str, sentence_starters: &str, spellings: &str) -> Self {
        let lines = |text: &str| -> HashSet<String> { text.lines().map(str::to_owned).collect() };
        let spelling = |line: &str| {
            let (word, flags) = line.split_once('\t')?;
            Some((word.to_owned(), flags.parse::<u32>().ok()?))
        };
        Self {
            abbreviations: lines(abbreviations),
            collocations: lines(collocations),
            sentence_starters: lines(sentence_starters),
            spellings: spellings.lines().filter_map(spelling).collect(),
            full_stops: "",
        }
    }

    /// Where the sentences of a text are, in characters; blanks between them are in none, those before the first belong
    /// to it.
    pub fn spans(&self, text: &[char]) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let mut start = 0;
        for candidate in candidates(text) {
            if self.holds_end(&text[candidate.context]) {
                spans.push(start..candidate.end);
                start = candidate.next_start.unwrap_or(candidate.end);
            }
        }
        let n_trailing = text.iter().rev().take_while(|character| character.is_whitespace()).count();
        spans.push(start..text.len() - n_trailing);
        let spans = move_closing(text, &spans);
        spans.into_iter().flat_map(|span| self.split_at_full_stops(text, span)).collect()
    }

    /// Whether a sentence ends within a few words, not after the last.
    fn holds_end(&self, text: &[char]) -> bool {
        let words: Vec<Word> = tokens(text).map(|token| Word::new(token, &self.abbreviations)).collect();
        words.windows(2).any(|pair| self.ends_sentence(&pair[0], &pair[1]))
    }

    /// Whether a sentence ends between two words.
    fn ends_sentence(&self, word: &Word, next: &Word) -> bool {
        let is_end = word.ending == Ending::Sentence;
        if !word.text.ends_with('.') {
            return is_end;
        }
        let (kind, next_kind) = (word.kind_without_stop(), next.kind_in_sentence());
        if self.collocations.contains(&format!("{kind}\t{next_kind}")) {
            return false;
        }
        let is_initial = word.is_initial();
        let begins = self.begins_sentence(next);
        if matches!(word.ending, Ending::Abbreviation | Ending::Ellipsis) && !is_initial {
            let is_starter = next.is_capitalised() && self.sentence_starters.contains(next_kind);
            return begins == Some(true) || is_starter;
        }
        if is_initial || kind == NUMBER {
            let is_name = is_initial && next.is_capitalised() && self.seen(next_kind) & SMALL == 0;
            return is_end && begins != Some(false) && !(begins.is_none() && is_name);
        }
        is_end
    }

    /// Whether a word begins a sentence, by how it is written here and how it was seen elsewhere; `None` if that does
    /// not tell.
    fn begins_sentence(&self, word: &Word) -> Option<bool> {
        if INNER_PUNCTUATION.contains(&word.text.as_str()) {
            return Some(false);
        }
        let seen = self.seen(word.kind_in_sentence());
        if word.is_capitalised() && seen & SMALL != 0 && seen & MIDDLE_CAPITAL == 0 {
            Some(true)
        } else if word.is_small() && (seen & CAPITAL != 0 || seen & BEGINNING_SMALL == 0) {
            Some(false)
        } else {
            None
        }
    }

    fn seen(&self, kind: &str) -> u32 {
        self.spellings.get(kind).copied().unwrap_or(0)
    }

    /// Divides a sentence behind full stops of other scripts and what closes with them.
    fn split_at_full_stops(&self, text: &[char], span: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut at) = (span.start, span.start);
        while at < span.end {
            if !self.full_stops.contains(text[at]) {
                at += 1;
                continue;
            }
            let is_end =
                |character: &&char| SENTENCE_ENDS.contains(*character) || self.full_stops.contains(**character);
            at += text[at..span.end].iter().take_while(is_end).count();
            let is_closing = |character: &&char| CLOSING_AFTER_FULL_STOPS.contains(**character);
            let n_closing = text[at..span.end].iter().take_while(is_closing).count();
            let end = at + n_closing;
            let n_blanks = text[end..span.end].iter().take_while(|character| character.is_whitespace()).count();
            at = end + n_blanks;
            // What is quoted without a blank behind it is in the middle of a sentence.
            if at < span.end && (n_closing == 0 || n_blanks > 0) {
                parts.push(start..end);
                start = at;
            }
        }
        parts.push(start..span.end);
        parts
    }
}

/// A place where a sentence may end.
struct Candidate {
    /// After the full stop.
    end: usize,
    /// The word before it, the full stop, and what follows.
    context: Range<usize>,
    /// Where the next word begins; `None` where punctuation follows.
    next_start: Option<usize>,
}

/// All places where a sentence may end, one for each word before them.
fn candidates(text: &[char]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let mut pending: Option<Candidate> = None;
    // The word before the pending candidate.
    let mut word = 0..0;
    for at in (0..text.len()).filter(|at| SENTENCE_ENDS.contains(&text[*at])) {
        let end = at + 1;
        let Some((context_end, next_start)) = following(text, end) else { continue };
        let last_blank = text[word.end..at].iter().rposition(|character| is_ascii_blank(*character));
        let start = match last_blank {
            // A blank right behind the word before counts as none.
            None | Some(0) => word.start,
            Some(blank) => word.end + blank + 1,
        };
        let previous = pending.replace(Candidate { end, context: start..context_end, next_start });
        candidates.extend(previous.filter(|_| word.end <= start));
        word = start..at;
    }
    candidates.extend(pending);
    candidates
}

/// What makes the character before `at` a candidate: the end of what follows it, and where the next word begins.
fn following(text: &[char], at: usize) -> Option<(usize, Option<usize>)> {
    let next = *text.get(at)?;
    if NO_WORD.contains(next) {
        return Some((at + 1, None));
    }
    let n_blanks = text[at..].iter().take_while(|character| character.is_whitespace()).count();
    let start = at + n_blanks;
    let n_characters = text[start..].iter().take_while(|character| !character.is_whitespace()).count();
    (n_blanks > 0 && n_characters > 0).then_some((start + n_characters, Some(start)))
}

/// Gives quotation marks and brackets that close right after a full stop to the sentence before them.
fn move_closing(text: &[char], spans: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut moved = Vec::with_capacity(spans.len());
    let mut n_moved = 0;
    for (n, span) in spans.iter().enumerate() {
        let start = span.start + n_moved;
        let closing = spans.get(n + 1).and_then(|next| Some((next.start, closing(&text[next.clone()])?)));
        if let Some((next_start, (n_closing, n_with_blanks))) = closing {
            moved.push(start..next_start + n_closing);
            n_moved = n_with_blanks;
        } else {
            n_moved = 0;
            if start < span.end {
                moved.push(start..span.end);
            }
        }
    }
    moved
}

/// How many characters at the beginning of a text close what was before it, without and with the blanks after them.
fn closing(text: &[char]) -> Option<(usize, usize)> {
    let n_closing = text.iter().take_while(|character| CLOSING.contains(**character)).count();
    let rest = &text[n_closing..];
    let n_blanks = rest.iter().take_while(|character| character.is_whitespace()).count();
    let ends = n_blanks > 0 || rest.is_empty() || rest.starts_with(&['-', '-']);
    (n_closing > 0 && ends).then_some((n_closing, n_closing + n_blanks))
}

/// Cuts a text into words and punctuation; a full stop stays with its word.
fn tokens(text: &[char]) -> impl Iterator<Item = &[char]> {
    text.split(|character| *character == '\n').flat_map(|line| {
        let mut at = 0;
        std::iter::from_fn(move || {
            at += line[at..].iter().take_while(|character| character.is_whitespace()).count();
            let rest = &line[at..];
            let len = token_len(rest);
            at += len;
            (len > 0).then(|| &rest[..len])
        })
    })
}

/// Length of the token at the beginning of a line, which is no blank: dashes or dots, a word, or one character.
fn token_len(line: &[char]) -> usize {
    let Some(first) = line.first() else { return 0 };
    let n_repeated = repeated_len(line);
    if n_repeated > 0 {
        return n_repeated;
    }
    if NO_WORD_START.contains(*first) {
        return 1;
    }
    let ends = |at: &usize| {
        let rest = &line[*at..];
        ends_word(rest) || (rest.starts_with(&[',']) && ends_word(&rest[1..]))
    };
    (1..line.len()).find(ends).unwrap_or(line.len())
}

/// Whether no word goes on here.
fn ends_word(rest: &[char]) -> bool {
    rest.first().is_none_or(|next| next.is_whitespace() || NO_WORD.contains(*next)) || repeated_len(rest) > 0
}

/// Length of several dashes or dots, or of dots with blanks between them; 0 if there are none.
fn repeated_len(text: &[char]) -> usize {
    let run = |wanted: char| text.iter().take_while(|character| **character == wanted).count();
    let n_solid = run('-').max(run('.'));
    if n_solid >= 2 {
        return n_solid;
    }
    let is_dot_and_blank = |pair: &&[char]| pair[0] == '.' && pair[1].is_whitespace();
    let n_pairs = text.chunks_exact(2).take_while(is_dot_and_blank).count();
    // The last dot needs no blank; two with blanks have to be before it.
    let n_before = if text.get(2 * n_pairs) == Some(&'.') { n_pairs } else { n_pairs.saturating_sub(1) };
    if n_before >= 2 { 2 * n_before + 1 } else { 0 }
}

/// A token and what its form says of it.
struct Word {
    text: String,
    /// In small letters, and all numbers alike.
    kind: String,
    ending: Ending,
}

/// How a token ends, regardless of its neighbours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Plain,
    Sentence,
    Abbreviation,
    Ellipsis,
}

impl Word {
    fn new(token: &[char], abbreviations: &HashSet<String>) -> Self {
        let text: String = token.iter().collect();
        let small = text.to_lowercase();
        let ending = if matches!(token, [only] if SENTENCE_ENDS.contains(only)) {
            Ending::Sentence
        } else if token.iter().all(|character| *character == '.') {
            Ending::Ellipsis
        } else if let Some(stem) = small.strip_suffix('.').filter(|stem| !stem.ends_with('.')) {
            let last_part = stem.rsplit('-').next().unwrap_or(stem);
            let is_abbreviation = abbreviations.contains(stem) || abbreviations.contains(last_part);
            if is_abbreviation { Ending::Abbreviation } else { Ending::Sentence }
        } else {
            Ending::Plain
        };
        let kind = if is_number(token) { NUMBER.to_owned() } else { small };
        Self { text, kind, ending }
    }

    fn kind_without_stop(&self) -> &str {
        self.kind.strip_suffix('.').filter(|kind| !kind.is_empty()).unwrap_or(&self.kind)
    }

    /// Without a full stop that ends the sentence.
    fn kind_in_sentence(&self) -> &str {
        if self.ending == Ending::Sentence { self.kind_without_stop() } else { &self.kind }
    }

    fn is_capitalised(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    fn is_small(&self) -> bool {
        self.text.starts_with(char::is_lowercase)
    }

    /// One letter and a full stop.
    fn is_initial(&self) -> bool {
        let mut characters = self.text.chars();
        let begins = characters.next().is_some_and(|first| first.is_alphabetic() || first == '_');
        begins && characters.as_str() == "."
    }
}

/// `12`, `-1.5`, `.5`, `2,000.`
fn is_number(token: &[char]) -> bool {
    let unsigned = token.strip_prefix(&['-']).unwrap_or(token);
    let digits = match unsigned {
        ['.' | ',', rest @ ..] => rest,
        _ => unsigned,
    };
    let goes_on = |character: &char| character.is_numeric() || matches!(character, ',' | '.' | '-');
    digits.first().is_some_and(|first| first.is_numeric()) && digits.iter().all(goes_on)
}

fn is_ascii_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, text: &str, expected: &[&str]) {
        let characters: Vec<char> = text.chars().collect();
        let spans = Punkt::of_language(language).spans(&characters);
        let found: Vec<String> = spans.into_iter().map(|span| characters[span].iter().collect()).collect();
        assert_eq!(found, expected, "{language}");
    }

    #[test]
    fn sentences_end_where_readers_would_end_them() {
        for (language, text, expected) in [
            (
                "en",
                " Mr. Brown met Dr. Smith at 5 p.m. We left.",
                &[" Mr. Brown met Dr. Smith at 5 p.m.", "We left."][..],
            ),
            ("en", "", &[]),
            ("en", "  ", &[]),
            ("en", "No. Paris. See No. 7 there", &["No.", "Paris.", "See No. 7 there"]),
            ("en", "See No. 5, e.g. Paris. It costs $2.50. OK?", &["See No. 5, e.g. Paris.", "It costs $2.50.", "OK?"]),
            (
                "en",
                "J. R. Smith says: \"Go!\" (He left.) Then... well",
                &["J. R. Smith says: \"Go!\"", "(He left.)", "Then... well"],
            ),
            (
                "de",
                "Am 5. März kommt Dr. Weiß, z.B. um 8. Wir gehen.",
                &["Am 5. März kommt Dr. Weiß, z.B. um 8.", "Wir gehen."],
            ),
            ("fr", "M. Dupont est là. Il attend.", &["M. Dupont est là.", "Il attend."]),
            ("es", "La Sra. Gil llegó. ¿Quién es?", &["La Sra. Gil llegó.", "¿Quién es?"]),
            ("ja", "はい。そう！「本当？」と言った。", &["はい。", "そう！", "「本当？」と言った。"]),
            ("el", "Τι είπε; Ο κ. Νίκου, δηλ. όλοι. Εντάξει", &["Τι είπε;", "Ο κ. Νίκου, δηλ. όλοι.", "Εντάξει"]),
            ("hi", "नमस्ते। ठीक है।", &["नमस्ते।", "ठीक है।"]),
            ("xx", "One. Two", &["One.", "Two"]),
        ] {
            check(language, text, expected);
        }
    }
}
