//! English number words to digits, one rule after another as `EnglishNumberNormalizer` of openai-whisper 20250625 has
//! them, oddities among them (`nineth`, not `ninth`): rates are only comparable where all normalise alike.
//!
//! Text comes in small letters and without symbols but those of currencies, percent and the decimal point. Digits other
//! than 0 to 9 are taken for words.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// `twenty one dollars and seven cents` to `$21.07`.
pub(super) fn standardised(text: &str) -> String {
    let text = prepared(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = Reader::read(&words).join(" ");
    // In "$2 and ¢7", the cents become decimals; "$0.07" becomes cents.
    let text = DOLLARS_AND_CENTS
        .replace_all(&text, |found: &Captures<'_>| format!("{}{}.{:0>2}", &found[1], &found[2], &found[3]));
    let text = CENTS_ALONE.replace_all(&text, |found: &Captures<'_>| {
        let digits = found[1].trim_start_matches('0');
        format!("¢{}", if digits.is_empty() { "0" } else { digits })
    });
    ALONE_ONE.replace_all(&text, "one${1}").into_owned()
}

static AND_A_HALF: LazyLock<Regex> = LazyLock::new(|| pattern(r"\band\s+a\s+half\b"));
static LETTER_DIGIT: LazyLock<Regex> = LazyLock::new(|| pattern("([a-z])([0-9])"));
static DIGIT_LETTER: LazyLock<Regex> = LazyLock::new(|| pattern("([0-9])([a-z])"));
static DIGIT_SUFFIX: LazyLock<Regex> = LazyLock::new(|| pattern(r"([0-9])\s+(st|nd|rd|th|s)\b"));
static DOLLARS_AND_CENTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b"));
static CENTS_ALONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"[€£$]0.([0-9]{1,2})\b"));
static ALONE_ONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b1(s?)\b"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are well-formed")
}

/// Halves are said as decimals, and letters stand apart from digits but for the ends of ordinals and decades.
fn prepared(text: &str) -> String {
    let parts: Vec<&str> = AND_A_HALF.split(text).collect();
    let mut pieces = Vec::new();
    for (idx, part) in parts.iter().enumerate() {
        let Some(last_word) = part.split_whitespace().next_back() else { continue };
        pieces.push(*part);
        if idx + 1 < parts.len() {
            let is_number = matches!(kind(last_word), Kind::Zero | Kind::One(_) | Kind::Ten(_) | Kind::Multiplier(_));
            pieces.push(if is_number { "point five" } else { "and a half" });
        }
    }
    let text = pieces.join(" ");
    let text = LETTER_DIGIT.replace_all(&text, "${1} ${2}");
    let text = DIGIT_LETTER.replace_all(&text, "${1} ${2}");
    DIGIT_SUFFIX.replace_all(&text, "${1}${2}").into_owned()
}

/// What a word means in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No part of a number.
    Other,
    Zero,
    /// One to nineteen.
    One(u128),
    /// An ordinal or plural of these.
    OneSuffixed(u128, &'static str),
    /// Twenty to ninety.
    Ten(u128),
    TenSuffixed(u128, &'static str),
    /// Hundred, thousand, million, …
    Multiplier(u128),
    MultiplierSuffixed(u128, &'static str),
    /// Minus and plus.
    Sign(char),
    /// Dollars, cents, …
    Currency(char),
    Per,
    Percent,
    And,
    /// Double and triple.
    Repeat(usize),
    Point,
}

const ONES: [&str; 19] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// Each a thousand times the one before, from thousand on.
const THOUSANDS: [&str; 11] = [
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];
const SYMBOLS: [char; 6] = ['-', '+', '£', '€', '$', '¢'];
const OTHERS: [(&str, Kind); 30] = [
    ("o", Kind::Zero),
    ("oh", Kind::Zero),
    ("zero", Kind::Zero),
    ("sixes", Kind::OneSuffixed(6, "s")),
    ("zeroth", Kind::OneSuffixed(0, "th")),
    ("first", Kind::OneSuffixed(1, "st")),
    ("second", Kind::OneSuffixed(2, "nd")),
    ("third", Kind::OneSuffixed(3, "rd")),
    ("fifth", Kind::OneSuffixed(5, "th")),
    ("twelfth", Kind::OneSuffixed(12, "th")),
    ("minus", Kind::Sign('-')),
    ("negative", Kind::Sign('-')),
    ("plus", Kind::Sign('+')),
    ("positive", Kind::Sign('+')),
    ("pound", Kind::Currency('£')),
    ("pounds", Kind::Currency('£')),
    ("euro", Kind::Currency('€')),
    ("euros", Kind::Currency('€')),
    ("dollar", Kind::Currency('$')),
    ("dollars", Kind::Currency('$')),
    ("cent", Kind::Currency('¢')),
    ("cents", Kind::Currency('¢')),
    ("per", Kind::Per),
    ("percent", Kind::Percent),
    ("and", Kind::And),
    ("double", Kind::Repeat(2)),
    ("triple", Kind::Repeat(3)),
    ("point", Kind::Point),
    ("hundred", Kind::Multiplier(100)),
    ("hundreds", Kind::MultiplierSuffixed(100, "s")),
];

static KINDS: LazyLock<HashMap<String, Kind>> = LazyLock::new(|| {
    let mut kinds: HashMap<String, Kind> = OTHERS.map(|(word, kind)| (word.to_owned(), kind)).into();
    kinds.insert("hundredth".to_owned(), Kind::MultiplierSuffixed(100, "th"));
    for (word, value) in ONES.into_iter().zip(1..) {
        kinds.insert(word.to_owned(), Kind::One(value));
        if word != "six" {
            kinds.insert(format!("{word}s"), Kind::OneSuffixed(value, "s"));
        }
        if !matches!(value, 1 | 2 | 3 | 5 | 12) {
            let ending = if word.ends_with('t') { "h" } else { "th" };
            kinds.insert(format!("{word}{ending}"), Kind::OneSuffixed(value, "th"));
        }
    }
    for (word, value) in TENS.into_iter().zip((20..).step_by(10)) {
        let stem = word.trim_end_matches('y');
        kinds.insert(word.to_owned(), Kind::Ten(value));
        kinds.insert(format!("{stem}ies"), Kind::TenSuffixed(value, "s"));
        kinds.insert(format!("{stem}ieth"), Kind::TenSuffixed(value, "th"));
    }
    for (word, power) in THOUSANDS.into_iter().zip(1..) {
        let value = 1000_u128.pow(power);
        kinds.insert(word.to_owned(), Kind::Multiplier(value));
        kinds.insert(format!("{word}s"), Kind::MultiplierSuffixed(value, "s"));
        kinds.insert(format!("{word}th"), Kind::MultiplierSuffixed(value, "th"));
    }
    kinds
});

fn kind(word: &str) -> Kind {
    KINDS.get(word).copied().unwrap_or(Kind::Other)
}

/// Digits, with decimals or without.
fn is_digits(word: &str) -> bool {
    let is_all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match word.split_once('.') {
        Some((whole, decimals)) => is_all_digits(whole) && is_all_digits(decimals),
        None => is_all_digits(word),
    }
}

/// A number that is being said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// One that more can be added to.
    Number(u128),
    /// Digits in a row, such as those of a telephone number, or of a number with decimals.
    Digits(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Digits(digits) => f.write_str(digits),
        }
    }
}

impl Value {
    /// With `digits` written behind what was there.
    fn followed_by(&self, digits: u128) -> Self {
        Self::Digits(format!("{self}{digits}"))
    }

    /// Times hundred, thousand and so on. Of a number, only what is below a thousand is multiplied: the rest came
    /// before. `None` where the result would not be whole, or beyond all counting.
    fn times(&self, multiplier: u128) -> Option<Self> {
        let digits = match self {
            Self::Number(number) => {
                let (before, below) = (number / 1000 * 1000, number % 1000);
                return below.checked_mul(multiplier)?.checked_add(before).map(Self::Number);
            }
            Self::Digits(digits) => digits,
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits.as_str(), ""));
        let n_decimals = u32::try_from(decimals.len()).ok()?;
        let scaled = format!("{whole}{decimals}").parse::<u128>().ok()?.checked_mul(multiplier)?;
        let scale = 10_u128.checked_pow(n_decimals)?;
        (scaled % scale == 0).then(|| Self::Number(scaled / scale))
    }
}

/// Reads words from left to right.
#[derive(Default)]
struct Reader {
    /// What was read, numbers as digits.
    out: Vec<String>,
    /// The sign or currency for the next thing that is put out.
    prefix: Option<char>,
    /// The number that is being said.
    value: Option<Value>,
}

/// A word between its neighbours.
#[derive(Clone, Copy)]
struct Place<'a> {
    previous: Kind,
    word: &'a str,
    next: Option<&'a str>,
}

impl Place<'_> {
    fn next_kind(&self) -> Kind {
        self.next.map_or(Kind::Other, kind)
    }

    fn next_is_digits(&self) -> bool {
        self.next.is_some_and(is_digits)
    }

    /// Whether a number may go on with the next word.
    fn next_may_be_number(&self) -> bool {
        self.next_kind() != Kind::Other || self.next_is_digits()
    }
}

/// Whether the next word was read along with this one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Unread,
    Read,
}

impl Reader {
    fn read(words: &[&str]) -> Vec<String> {
        let mut reader = Self::default();
        let mut idx = 0;
        while let Some(&word) = words.get(idx) {
            let previous = idx.checked_sub(1).map_or(Kind::Other, |before| kind(words[before]));
            let place = Place { previous, word, next: words.get(idx + 1).copied() };
            idx += match reader.word(place) {
                Next::Unread => 1,
                Next::Read => 2,
            };
        }
        reader.put_value();
        reader.out
    }

    fn word(&mut self, place: Place<'_>) -> Next {
        let word = place.word;
        match kind(word) {
            Kind::Other => self.digits_or_other(word),
            Kind::Zero => self.value = Some(Value::Digits(format!("{}0", self.so_far()))),
            Kind::One(ones) => self.value = Some(self.with_ones(ones, place.previous)),
            Kind::OneSuffixed(ones, suffix) => self.put(&format!("{}{suffix}", self.with_ones(ones, place.previous))),
            Kind::Ten(tens) => self.value = Some(self.with_tens(tens)),
            Kind::TenSuffixed(tens, suffix) => self.put(&format!("{}{suffix}", self.with_tens(tens))),
            Kind::Multiplier(multiplier) => self.value = Some(self.multiplied(multiplier)),
            Kind::MultiplierSuffixed(multiplier, suffix) => {
                let value = self.multiplied(multiplier);
                self.put(&format!("{value}{suffix}"));
            }
            Kind::Sign(sign) => {
                self.put_value();
                if place.next_may_be_number() {
                    self.prefix = Some(sign);
                } else {
                    self.put(word);
                }
            }
            Kind::Currency(symbol) if self.value.is_some() => {
                self.prefix = Some(symbol);
                self.put_value();
            }
            Kind::Percent | Kind::Per if self.value.is_some() => return self.percent(place),
            Kind::Currency(_) | Kind::Percent | Kind::Per => self.put(word),
            Kind::And | Kind::Repeat(_) | Kind::Point if !place.next_may_be_number() => self.put_value_and(word),
            // In "two hundred and one", it says nothing.
            Kind::And => {
                if !matches!(place.previous, Kind::Multiplier(_)) {
                    self.put_value_and(word);
                }
            }
            Kind::Repeat(n_times) => return self.repeated(n_times, place),
            Kind::Point => {
                let has_decimals = matches!(place.next_kind(), Kind::Zero | Kind::One(_) | Kind::Ten(_));
                if has_decimals || place.next_is_digits() {
                    self.value = Some(Value::Digits(format!("{}.", self.so_far())));
                }
            }
        }
        Next::Unread
    }

    /// Something that is no number word: perhaps digits, with a currency before them or not.
    fn digits_or_other(&mut self, word: &str) {
        let symbol = word.chars().next().filter(|first| SYMBOLS.contains(first));
        let digits = symbol.map_or(word, |symbol| &word[symbol.len_utf8()..]);
        if !is_digits(digits) {
            self.put_value_and(word);
            return;
        }
        if let Some(Value::Digits(before)) = &mut self.value
            && before.ends_with('.')
        {
            before.push_str(word);
            return;
        }
        self.put_value();
        self.prefix = symbol.or(self.prefix);
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let is_whole = decimals.bytes().all(|digit| digit == b'0');
        let number = whole.parse().ok().filter(|_| is_whole);
        self.value = Some(number.map_or_else(|| Value::Digits(digits.to_owned()), Value::Number));
    }

    /// The digits of the number so far, for others to follow. A zero is none.
    fn so_far(&self) -> String {
        self.value.iter().filter(|value| **value != Value::Number(0)).map(Value::to_string).collect()
    }

    fn with_ones(&self, ones: u128, previous: Kind) -> Value {
        let is_digit = ones < 10;
        let step = if is_digit { 10 } else { 100 };
        match &self.value {
            None => Value::Number(ones),
            // "One twenty three" is 123: the three takes the place of the zero.
            Some(Value::Digits(digits)) if matches!(previous, Kind::Ten(_)) && is_digit => {
                Value::Digits(format!("{}{ones}", digits.strip_suffix('0').unwrap_or(digits)))
            }
            Some(Value::Number(number)) if !matches!(previous, Kind::One(_)) && number % step == 0 => {
                Value::Number(number.saturating_add(ones))
            }
            Some(value) => value.followed_by(ones),
        }
    }

    fn with_tens(&self, tens: u128) -> Value {
        match &self.value {
            None => Value::Number(tens),
            Some(Value::Number(number)) if number % 100 == 0 => Value::Number(number.saturating_add(tens)),
            Some(value) => value.followed_by(tens),
        }
    }

    /// The number times `multiplier`; where that is no number, the number is put out and this begins another.
    fn multiplied(&mut self, multiplier: u128) -> Value {
        let product = self.value.as_ref().and_then(|value| value.times(multiplier));
        product.unwrap_or_else(|| {
            self.put_value();
            Value::Number(multiplier)
        })
    }

    fn percent(&mut self, place: Place<'_>) -> Next {
        let is_two_words = place.word == "per";
        if is_two_words && place.next != Some("cent") {
            self.put_value_and(place.word);
            return Next::Unread;
        }
        let value = self.value.take().map(|value| value.to_string()).unwrap_or_default();
        self.put(&format!("{value}%"));
        if is_two_words { Next::Read } else { Next::Unread }
    }

    fn repeated(&mut self, n_times: usize, place: Place<'_>) -> Next {
        let digits = if let Kind::One(ones) = place.next_kind() {
            ones
        } else if place.next_kind() == Kind::Zero {
            0
        } else {
            self.put_value_and(place.word);
            return Next::Unread;
        };
        self.value = Some(Value::Digits(self.so_far() + &digits.to_string().repeat(n_times)));
        Next::Read
    }

    fn put_value_and(&mut self, word: &str) {
        self.put_value();
        self.put(word);
    }

    fn put_value(&mut self) {
        if let Some(value) = self.value.take() {
            self.put(&value.to_string());
        }
    }

    /// Puts out a word or a number, after the sign or currency that waits for it. That ends the number being said.
    fn put(&mut self, text: &str) {
        self.value = None;
        self.out.push(match self.prefix.take() {
            Some(prefix) => format!("{prefix}{text}"),
            None => text.to_owned(),
        });
    }
}
