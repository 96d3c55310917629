//! What keeps invented text out of a transcript: signs that a decoding went wrong, after openai-whisper 20250625
//! (`transcribe.py`), and loops, which are cut.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::nn::whisper::generate::Decoded;

/// Text that can be compressed more than this repeats itself.
const MAX_COMPRESSION_RATIO: f64 = 2.4;
/// Text that the model believes in less than this is a guess.
const MIN_AVG_LOGPROB: f64 = -1.0;
/// If there is probably no speech at all, a guess is dropped, not tried again.
const MAX_NO_SPEECH_PROB: f64 = 0.6;
/// Longest phrase, in words (or characters, where a language puts no blanks), whose repetition is looked for.
const MAX_LOOP_UNITS: usize = 16;
/// A phrase is a loop when it comes at least so often in a row,
const MIN_LOOP_TURNS: usize = 4;
/// and when its turns make up at least so many units together: people do say "no no no no".
const MIN_LOOP_LENGTH: usize = 12;
/// What a transcript shows in place of the turns that were cut.
const CUT_MARK: &str = " […]";

/// Whether a decoding can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can.
    Good,
    /// It repeats itself or is a guess; another attempt may do better.
    Doubtful,
    /// There is no speech here; what was decoded is noise.
    Silence,
}

/// Judges one decoding of a chunk by its text and probabilities.
pub(super) fn judge(decoded: &Decoded, text: &str) -> Verdict {
    let is_guess = decoded.avg_logprob < MIN_AVG_LOGPROB;
    if is_guess && decoded.no_speech_prob > MAX_NO_SPEECH_PROB {
        Verdict::Silence
    } else if is_guess || compression_ratio(text) > MAX_COMPRESSION_RATIO {
        Verdict::Doubtful
    } else {
        Verdict::Good
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

/// Cuts every phrase that repeats itself over and over to its first turn, and puts a mark where the others were.
pub(super) fn cut_loops(text: &str) -> (String, Loops) {
    let units = split_units(text);
    let mut out = String::with_capacity(text.len());
    let mut loops = Loops::None;
    let mut at = 0;
    while at < units.len() {
        if let Some((n_units, n_turns)) = loop_at(&units, at) {
            out.extend(units[at..at + n_units].iter().copied());
            out.push_str(CUT_MARK);
            at += n_units * n_turns;
            loops = Loops::Cut;
        } else {
            out.push_str(units[at]);
            at += 1;
        }
    }
    (out, loops)
}

/// Words with the blanks before them; characters where there are hardly any blanks.
fn split_units(text: &str) -> Vec<&str> {
    let n_blanks = text.matches(' ').count();
    let is_unspaced = n_blanks * MAX_LOOP_UNITS < text.chars().count();
    let mut units = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices().skip(1) {
        if is_unspaced || character == ' ' {
            units.push(&text[start..at]);
            start = at;
        }
    }
    if start < text.len() {
        units.push(&text[start..]);
    }
    units
}

/// The shortest loop that begins at `at`: units of a turn, and turns.
fn loop_at(units: &[&str], at: usize) -> Option<(usize, usize)> {
    let same = |a: &str, b: &str| a.trim_matches([' ', ',', '.']).eq_ignore_ascii_case(b.trim_matches([' ', ',', '.']));
    (1..=MAX_LOOP_UNITS).find_map(|n_units| {
        let turn = units.get(at..at + n_units)?;
        let rest = units[at + n_units..].chunks_exact(n_units);
        let n_more = rest.take_while(|other| turn.iter().zip(*other).all(|(a, b)| same(a, b))).count();
        let n_turns = n_more + 1;
        (n_turns >= MIN_LOOP_TURNS && n_turns * n_units >= MIN_LOOP_LENGTH).then_some((n_units, n_turns))
    })
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
            let (cut, loops) = cut_loops(text);
            assert_eq!(cut, expected, "{text}");
            assert_eq!(loops == Loops::Cut, text != expected, "{text}");
        }
    }

    #[test]
    fn a_decoding_is_judged_by_its_probabilities_and_its_text() {
        let sound = " The budget for next year is twelve percent higher.";
        let loopy = " and then".repeat(30);
        for (avg_logprob, no_speech_prob, text, expected) in [
            (-0.3, 0.1, sound, Verdict::Good),
            (-0.3, 0.9, sound, Verdict::Good),
            (-1.2, 0.1, sound, Verdict::Doubtful),
            (-1.2, 0.9, sound, Verdict::Silence),
            (-0.3, 0.1, loopy.as_str(), Verdict::Doubtful),
            (-0.3, 0.1, "", Verdict::Good),
        ] {
            let ending = crate::nn::whisper::generate::Ending::EndOfText;
            let decoded = Decoded { tokens: Vec::new(), avg_logprob, no_speech_prob, ending };
            assert_eq!(judge(&decoded, text), expected, "{avg_logprob} {no_speech_prob} {text}");
        }
    }
}
