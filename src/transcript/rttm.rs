//! Rich Transcription Time Marked files (RTTM, of NIST): text to turns, and turns to text as pyannote writes it. One
//! line is one turn; one file may hold several recordings:
//! ```text
//! SPEAKER meeting 1 12.500 3.250 <NA> <NA> Ana <NA> <NA>
//!         recording channel start duration    speaker
//! ```
//! Lines that tell of anything but turns (words, fillers, who the speakers are) are skipped, and so is what a turn says
//! beside recording, times and speaker. `<NA>` as the name of a recording or speaker is a name like any other, as it is
//! for pyannote.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::units::TimeSpan;

use super::Turn;

/// The turns of one recording in a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordingTurns {
    /// What the file calls the recording.
    pub recording: String,
    /// Its turns, in the order of the file.
    pub turns: Vec<Turn>,
}

/// A line is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RttmError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: RttmProblem,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RttmProblem {
    /// It begins with something else than the name of a type.
    #[error("an RTTM line begins with its type, such as SPEAKER, not with `{0}`")]
    Type(String),
    /// The line ends too soon.
    #[error("a SPEAKER line has at least {at_least} fields, this one has {0}", at_least = MIN_FIELDS)]
    TooFewFields(usize),
    /// The turn begins nowhere.
    #[error("the start of the turn, `{0}`, is no number of seconds")]
    Start(String),
    /// The turn has no length.
    #[error("the duration of the turn, `{0}`, is no number of seconds from 0 on")]
    Duration(String),
}

/// The recordings of a file, in the order in which they begin.
pub fn parse(text: &str) -> Result<Vec<RecordingTurns>, RttmError> {
    let mut recordings: Vec<RecordingTurns> = Vec::new();
    let mut idx_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (line, fields) in lines(text) {
        let (name, turn) = match turn(&fields) {
            Ok(Some(named_turn)) => named_turn,
            Ok(None) => continue,
            Err(problem) => return Err(RttmError { line, problem }),
        };
        let idx = *idx_of.entry(name).or_insert(recordings.len());
        if idx == recordings.len() {
            recordings.push(RecordingTurns { recording: name.to_owned(), turns: Vec::new() });
        }
        recordings[idx].turns.push(turn);
    }
    Ok(recordings)
}

/// Whether the first line that says anything is one of RTTM.
pub fn is_rttm(text: &str) -> bool {
    lines(text).next().is_some_and(|(_, fields)| {
        let is_time = |field: &&str| *field == NOT_AVAILABLE || field.parse::<f64>().is_ok();
        TYPES.contains(&fields[0]) && fields.len() >= MIN_FIELDS && fields[3..5].iter().all(is_time)
    })
}

/// The lines of a recording's turns, by start. Names must be one word there, so blanks in them become `_`.
pub fn write(recording: &str, turns: &[Turn]) -> String {
    let recording = one_word(recording);
    let mut turns: Vec<&Turn> = turns.iter().collect();
    turns.sort_by(|a, b| {
        let by_start = a.span.start.0.total_cmp(&b.span.start.0);
        by_start.then(a.span.end.0.total_cmp(&b.span.end.0))
    });
    let mut text = String::new();
    for turn in turns {
        let (start, duration) = (turn.span.start.0, turn.span.duration().0);
        let speaker = one_word(&turn.speaker);
        writeln!(text, "SPEAKER {recording} 1 {start:.3} {duration:.3} <NA> <NA> {speaker} <NA> <NA>")
            .expect("a string takes all that is written");
    }
    text
}

/// Type, recording, channel, start, duration, two that turns do not have, speaker; what follows may be missing.
const MIN_FIELDS: usize = 8;
const NOT_AVAILABLE: &str = "<NA>";
/// All types of lines that NIST names; only the first is of turns.
const TYPES: [&str; 14] = [
    "SPEAKER",
    "SEGMENT",
    "NOSCORE",
    "NO_RT_METADATA",
    "LEXEME",
    "NON-LEX",
    "NON-SPEECH",
    "FILLER",
    "EDIT",
    "IP",
    "SU",
    "CB",
    "A/P",
    "SPKR-INFO",
];

/// The fields, at least one, of each line that is not blank and no comment, with the number of the line.
fn lines(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_empty = fields.first().is_none_or(|field| field.starts_with(";;"));
        (!is_empty).then_some((number, fields))
    })
}

/// The recording and the turn of a line; `None` for lines of other types.
fn turn<'a>(fields: &[&'a str]) -> Result<Option<(&'a str, Turn)>, RttmProblem> {
    if !TYPES.contains(&fields[0]) {
        return Err(RttmProblem::Type(fields[0].to_owned()));
    }
    if fields[0] != TYPES[0] {
        return Ok(None);
    }
    let [_, recording, _, start, duration, _, _, speaker, ..] = *fields else {
        return Err(RttmProblem::TooFewFields(fields.len()));
    };
    let start_secs = secs(start).ok_or_else(|| RttmProblem::Start(start.to_owned()))?;
    let duration_secs =
        secs(duration).filter(|secs| *secs >= 0.0).ok_or_else(|| RttmProblem::Duration(duration.to_owned()))?;
    let span = TimeSpan::from_secs(start_secs, start_secs + duration_secs);
    Ok(Some((recording, Turn { span, speaker: speaker.to_owned() })))
}

fn secs(field: &str) -> Option<f64> {
    field.parse().ok().filter(|secs: &f64| secs.is_finite())
}

fn one_word(name: &str) -> String {
    let word = name.split_whitespace().collect::<Vec<_>>().join("_");
    if word.is_empty() { NOT_AVAILABLE.to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn_of(speaker: &str, start_secs: f64, end_secs: f64) -> Turn {
        Turn { span: TimeSpan::from_secs(start_secs, end_secs), speaker: speaker.to_owned() }
    }

    #[test]
    fn what_is_written_is_read() {
        let turns = [turn_of("Ana", 1.0, 2.5), turn_of("B C", 0.25, 4.0)];
        let text = write("my meeting", &turns);
        let expected = "\
SPEAKER my_meeting 1 0.250 3.750 <NA> <NA> B_C <NA> <NA>
SPEAKER my_meeting 1 1.000 1.500 <NA> <NA> Ana <NA> <NA>
";
        assert_eq!(text, expected);
        let read = parse(&text).expect("right lines");
        let turns = vec![turn_of("B_C", 0.25, 4.0), turns[0].clone()];
        assert_eq!(read, [RecordingTurns { recording: "my_meeting".to_owned(), turns }]);
        assert!(is_rttm(&text));
    }

    #[test]
    fn recordings_are_told_apart_and_other_lines_are_skipped() {
        let text = "\u{feff};; a comment\r\n\r\n\
                    SPKR-INFO b 1 <NA> <NA> <NA> unknown Z <NA>\r\n\
                    SPEAKER b 1 1 .5 <NA> <NA> Z <NA>\r\n\
                    SPEAKER\ta\t1\t0\t1e1\t<NA>\t<NA>\tY\r\n\
                    SPEAKER b 2 2 0 <NA> <NA> <NA> <NA> <NA>\r\n";
        let read = parse(text).expect("right lines");
        let expected = [
            RecordingTurns {
                recording: "b".to_owned(),
                turns: vec![turn_of("Z", 1.0, 1.5), turn_of("<NA>", 2.0, 2.0)],
            },
            RecordingTurns { recording: "a".to_owned(), turns: vec![turn_of("Y", 0.0, 10.0)] },
        ];
        assert_eq!(read, expected);
        assert!(is_rttm(text));
        assert_eq!(parse("\n"), Ok(vec![]));
    }

    #[test]
    fn broken_lines_are_named() {
        for (line, expected) in [
            ("SPEAKER a 1 0", "line 2: a SPEAKER line has at least 8 fields, this one has 4"),
            ("SPEAKER a 1 <NA> 1 <NA> <NA> x", "line 2: the start of the turn, `<NA>`, is no number of seconds"),
            (
                "SPEAKER a 1 0 -1 <NA> <NA> x",
                "line 2: the duration of the turn, `-1`, is no number of seconds from 0 on",
            ),
            (
                "SPEAKER a 1 0 inf <NA> <NA> x",
                "line 2: the duration of the turn, `inf`, is no number of seconds from 0 on",
            ),
            ("good morning", "line 2: an RTTM line begins with its type, such as SPEAKER, not with `good`"),
        ] {
            let error = parse(&format!("\n{line}\n")).expect_err(line);
            assert_eq!(error.to_string(), expected);
        }
        assert!(!is_rttm("SPEAKER of the house, will you now please take the chair"));
    }
}
