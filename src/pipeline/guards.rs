//! What keeps invented text out of a transcript: signs that a decoding went wrong, after openai-whisper 20250625
//! (`transcribe.py`), and loops, which are cut.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::nn::whisper::generate::{Decoded, Ending};
use crate::units::Seconds;

/// Longest phrase, in words (or characters, where a language puts no blanks), whose repetition is looked for.
const MAX_LOOP_UNITS: usize = 16;
/// A phrase is a loop when it comes at least so often in a row,
const MIN_LOOP_TURNS: usize = 4;
/// and when its turns make up at least so many units together: people do say "no no no no".
const MIN_LOOP_LENGTH: usize = 12;
/// What a transcript shows in place of the turns that were cut.
const CUT_MARK: &str = " […]";

/// When a decoding is believed. `None` asks nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Text that can be compressed more than this repeats itself.
    pub max_compression_ratio: Option<f64>,
    /// Text that the model believes in less than this is a guess.
    pub min_avg_logprob: Option<f64>,
    /// If silence is likelier than this, a guess is dropped, not tried again.
    pub max_no_speech_prob: Option<f64>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { max_compression_ratio: Some(2.4), min_avg_logprob: Some(-1.0), max_no_speech_prob: Some(0.6) }
    }
}

/// Whether a decoding can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can.
    #[default]
    Good,
    /// It repeats itself or is a guess; another attempt may do better.
    Doubtful,
    /// There is no speech here; what was decoded is noise.
    Silence,
}

impl Thresholds {
    /// Judges one decoding by its text and probabilities.
    pub(super) fn judge(&self, decoded: &Decoded, text: &str) -> Verdict {
        let is_sure = self.min_avg_logprob.is_some_and(|min| decoded.avg_logprob > min);
        let is_guess = self.min_avg_logprob.is_some_and(|min| decoded.avg_logprob < min);
        if !is_sure && self.max_no_speech_prob.is_some_and(|max| decoded.no_speech_prob > max) {
            Verdict::Silence
        } else if is_guess || self.max_compression_ratio.is_some_and(|max| compression_ratio(text) > max) {
            Verdict::Doubtful
        } else {
            Verdict::Good
        }
    }
}

/// Bytes of the trimmed text for each byte that zlib makes of it; 0 for no text.
pub fn compression_ratio(text: &str) -> f64 {
    let bytes = text.trim().as_bytes();
    if bytes.is_empty() {
        return 0.0;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    bytes.len() as f64 / compressed.expect("writing to memory does not fail").len() as f64
}

/// Whether loops were found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loops {
    /// The text is as it was.
    None,
    /// Repetitions were cut, and marked.
    Cut,
}

/// Cuts every phrase that repeats itself over and over to its first turn, and puts a mark where the others were. The
/// texts follow one another, and a loop may run through several of them; those of which nothing is left are empty.
pub(super) fn cut_loops(texts: &[&str]) -> (Vec<String>, Loops) {
    let units = split_units(texts);
    let mut out = vec![String::new(); texts.len()];
    let mut loops = Loops::None;
    let mut at = 0;
    while at < units.len() {
        let found = loop_at(&units, at);
        let (n_units, n_turns) = found.unwrap_or((1, 1));
        for (text_idx, unit) in &units[at..at + n_units] {
            out[*text_idx].push_str(unit);
        }
        if found.is_some() {
            let (text_idx, _) = units[at + n_units - 1];
            out[text_idx].push_str(CUT_MARK);
            loops = Loops::Cut;
        }
        at += n_units * n_turns;
    }
    (out, loops)
}

/// Words with the blanks before them, or characters where there are hardly any blanks; each with the index of its text.
fn split_units<'a>(texts: &[&'a str]) -> Vec<(usize, &'a str)> {
    let n_blanks: usize = texts.iter().map(|text| text.matches(' ').count()).sum();
    let n_characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let is_unspaced = n_blanks * MAX_LOOP_UNITS < n_characters;
    let mut units = Vec::new();
    for (text_idx, text) in texts.iter().enumerate() {
        let mut start = 0;
        for (at, character) in text.char_indices().skip(1) {
            if is_unspaced || character == ' ' {
                units.push((text_idx, &text[start..at]));
                start = at;
            }
        }
        if start < text.len() {
            units.push((text_idx, &text[start..]));
        }
    }
    units
}

/// The shortest loop that begins at `at`: units of a turn, and turns.
fn loop_at(units: &[(usize, &str)], at: usize) -> Option<(usize, usize)> {
    let same = |a: &str, b: &str| a.trim_matches([' ', ',', '.']).eq_ignore_ascii_case(b.trim_matches([' ', ',', '.']));
    (1..=MAX_LOOP_UNITS).find_map(|n_units| {
        let turn = units.get(at..at + n_units)?;
        let rest = units[at + n_units..].chunks_exact(n_units);
        let n_more = rest.take_while(|other| turn.iter().zip(*other).all(|((_, a), (_, b))| same(a, b))).count();
        let n_turns = n_more + 1;
        (n_turns >= MIN_LOOP_TURNS && n_turns * n_units >= MIN_LOOP_LENGTH).then_some((n_units, n_turns))
    })
}

/// What the user must know of the text of a passage, if anything.
pub(super) fn warning(start: Seconds, loops: Loops, ending: Ending) -> Option<String> {
    match (loops, ending) {
        (Loops::Cut, _) => Some(format!(
            "The model repeated itself in the passage at {start}; the repetitions were cut and marked […]."
        )),
        (Loops::None, Ending::TokenLimit) => {
            Some(format!("The text of the passage at {start} may be incomplete: the model did not come to an end."))
        }
        (Loops::None, Ending::EndOfText) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_cut_and_speech_is_not() {
        let thanks = " Thank you.".repeat(20);
        let characters = "谢谢".repeat(10);
        for (text, expected) in [
            ("", ""),
            (" Good morning.", " Good morning."),
            (" No, no, no, no, I said no.", " No, no, no, no, I said no."),
            (thanks.as_str(), " Thank you. […]"),
            (&format!(" So.{thanks} Bye."), " So. Thank you. […] Bye."),
            (&" la".repeat(12), " la […]"),
            (&" la".repeat(11), &" la".repeat(11)),
            (&" we go, We go".repeat(3), " we go, […]"),
            (characters.as_str(), "谢 […]"),
        ] {
            let (cut, loops) = cut_loops(&[text]);
            assert_eq!(cut, [expected], "{text}");
            assert_eq!(loops == Loops::Cut, text != expected, "{text}");
        }
    }

    #[test]
    fn a_loop_may_run_through_several_texts() {
        let thanks = [" Thank you."; 6];
        for (texts, expected) in [
            (&[" So.", " Bye."][..], &[" So.", " Bye."][..]),
            (&thanks, &[" Thank you. […]", "", "", "", "", ""]),
            (
                &[&[" So. Thank"][..], &[" you. Thank"; 5], &[" you. Bye."]].concat(),
                &[" So. Thank", " you. […]", "", "", "", "", " Bye."],
            ),
            (&[], &[]),
        ] {
            assert_eq!(cut_loops(texts).0, expected, "{texts:?}");
        }
    }

    #[test]
    fn a_decoding_is_judged_by_its_probabilities_and_its_text() {
        let sound = " The budget for next year is twelve percent higher.";
        let loopy = " and then".repeat(30);
        let usual = Thresholds::default();
        let none = Thresholds { max_compression_ratio: None, min_avg_logprob: None, max_no_speech_prob: None };
        let speech_only = Thresholds { max_no_speech_prob: Some(0.6), ..none };
        for (thresholds, avg_logprob, no_speech_prob, text, expected) in [
            (usual, -0.3, 0.1, sound, Verdict::Good),
            (usual, -0.3, 0.9, sound, Verdict::Good),
            (usual, -1.2, 0.1, sound, Verdict::Doubtful),
            (usual, -1.2, 0.9, sound, Verdict::Silence),
            (usual, -0.3, 0.1, loopy.as_str(), Verdict::Doubtful),
            (usual, -0.3, 0.1, "", Verdict::Good),
            (none, -9.0, 0.9, loopy.as_str(), Verdict::Good),
            (speech_only, -0.3, 0.9, sound, Verdict::Silence),
        ] {
            let ending = Ending::EndOfText;
            let decoded = Decoded { tokens: Vec::new(), avg_logprob, no_speech_prob, ending };
            assert_eq!(thresholds.judge(&decoded, text), expected, "{avg_logprob} {no_speech_prob} {text}");
        }
    }
}
