//! `SubRip` and `WebVTT` become segments, one for each cue. The two differ little, and files of either are full of the
//! other's habits, so one reader reads both: hours may be missing, the decimal mark is a comma or a point, numbers and
//! blank lines may be missing or too many, cues may overlap and come in any order.

use crate::transcript::{Segment, Transcript};
use crate::units::TimeSpan;

use super::{ImportProblem, LineProblem, MAX_SECS, cue_text, speakers};

/// What a file says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    SubRip,
    WebVtt,
}

pub(super) fn read(text: &str, syntax: Syntax) -> Result<Transcript, ImportProblem> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader::new(syntax);
    for (number, line) in (1..).zip(text.split('\n')) {
        reader.take(number, line).map_err(|problem| ImportProblem::Line { line: number, problem })?;
    }
    reader.finish()
}

/// A cue as it stands in the file.
struct Cue<'a> {
    span: TimeSpan,
    /// From the line below the times; blank ones, too.
    lines: Vec<&'a str>,
}

/// What follows up to the next blank line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// What belongs to cues.
    Cue,
    /// The lines below `WEBVTT`.
    Header,
    /// Notes, styles and regions, which are not shown.
    Silent,
}

struct Reader<'a> {
    syntax: Syntax,
    language: String,
    cues: Vec<Cue<'a>>,
    /// Lines before the first cue: at most its name, in a file that is right.
    before_cues: Vec<(usize, &'a str)>,
    block: Block,
    /// How many lines there were since the last blank one.
    n_lines_in_block: usize,
}

impl<'a> Reader<'a> {
    fn new(syntax: Syntax) -> Self {
        Self {
            syntax,
            language: String::new(),
            cues: Vec::new(),
            before_cues: Vec::new(),
            block: Block::Cue,
            n_lines_in_block: 0,
        }
    }

    fn take(&mut self, number: usize, line: &'a str) -> Result<(), LineProblem> {
        if line.trim().is_empty() {
            (self.block, self.n_lines_in_block) = (Block::Cue, 0);
            if let Some(cue) = self.cues.last_mut() {
                cue.lines.push("");
            }
            return Ok(());
        }
        if self.n_lines_in_block == 0 {
            self.block = self.block_that_begins(line);
        }
        self.n_lines_in_block += 1;
        match self.block {
            Block::Cue => self.take_of_cue(number, line),
            // Some leave out the blank line below the header.
            Block::Header if line.contains("-->") => {
                self.block = Block::Cue;
                self.take_of_cue(number, line)
            }
            Block::Header => {
                if let Some(language) = line.strip_prefix("Language:") {
                    language.trim().clone_into(&mut self.language);
                }
                Ok(())
            }
            Block::Silent => Ok(()),
        }
    }

    fn block_that_begins(&self, line: &str) -> Block {
        let is_first = self.cues.is_empty() && self.before_cues.is_empty();
        let word = line.split_whitespace().next().unwrap_or_default();
        match self.syntax {
            Syntax::WebVtt if is_first && word == "WEBVTT" => Block::Header,
            Syntax::WebVtt if word == "NOTE" => Block::Silent,
            Syntax::WebVtt if is_first && matches!(line.trim_end(), "STYLE" | "REGION") => Block::Silent,
            Syntax::SubRip | Syntax::WebVtt => Block::Cue,
        }
    }

    fn take_of_cue(&mut self, number: usize, line: &'a str) -> Result<(), LineProblem> {
        if line.contains("-->") {
            match span_of(line) {
                Ok(span) => {
                    self.begin_cue(span);
                    return Ok(());
                }
                Err(problem) if self.expects_times() => return Err(problem),
                // Somebody said or meant an arrow.
                Err(_) => {}
            }
        }
        match self.cues.last_mut() {
            Some(cue) => cue.lines.push(line),
            None => self.before_cues.push((number, line)),
        }
        Ok(())
    }

    /// Whether a line with an arrow should be one of times: below a blank line, or below the name of a cue.
    fn expects_times(&self) -> bool {
        let above = match self.cues.last() {
            Some(cue) => cue.lines.last().copied(),
            None => self.before_cues.last().map(|(_, line)| *line),
        };
        let may_be_name = |line: &str| match self.syntax {
            Syntax::SubRip => is_number(line),
            Syntax::WebVtt => true,
        };
        self.n_lines_in_block == 1 || (self.n_lines_in_block == 2 && above.is_some_and(may_be_name))
    }

    /// Begins a cue, whose name may stand among the lines before it.
    fn begin_cue(&mut self, span: TimeSpan) {
        match self.cues.last_mut() {
            Some(cue) => {
                let n_lines = match self.syntax {
                    Syntax::SubRip => n_lines_without_number(&cue.lines),
                    Syntax::WebVtt => cue.lines.len().saturating_sub(usize::from(self.n_lines_in_block == 2)),
                };
                cue.lines.truncate(n_lines);
            }
            None => {
                let has_name = match (self.syntax, self.before_cues.last()) {
                    (Syntax::SubRip, Some((_, line))) => is_number(line),
                    (Syntax::WebVtt, Some(_)) => self.n_lines_in_block == 2,
                    (Syntax::SubRip | Syntax::WebVtt, None) => false,
                };
                self.before_cues.truncate(self.before_cues.len() - usize::from(has_name));
            }
        }
        // What is left before the first cue is an error, which `finish` tells with the number of its line.
        if self.before_cues.is_empty() {
            self.cues.push(Cue { span, lines: Vec::new() });
        }
    }

    fn finish(mut self) -> Result<Transcript, ImportProblem> {
        if let Some((line, text)) = self.before_cues.first() {
            return Err(ImportProblem::Line { line: *line, problem: LineProblem::Stray(excerpt(text)) });
        }
        if let (Syntax::SubRip, Some(cue)) = (self.syntax, self.cues.last_mut()) {
            // A file that was cut may end with the number of a cue that is gone.
            cue.lines.push("");
            cue.lines.truncate(n_lines_without_number(&cue.lines));
        }
        let mut transcript = Transcript { language: self.language, ..Transcript::default() };
        for cue in self.cues {
            for said in cue_text::said(&cue.lines, self.syntax) {
                let (text, speaker) = (said.text, said.speaker);
                transcript.segments.push(Segment { span: cue.span, text, speaker, ..Segment::default() });
            }
        }
        speakers::complete(&mut transcript);
        Ok(transcript)
    }
}

/// How many lines of a cue are its own where the last may be the number of the next: one that stands right above the
/// times, whether or not the blank line above it is missing, or one between blank lines.
fn n_lines_without_number(lines: &[&str]) -> usize {
    let Some(last) = lines.iter().rposition(|line| !line.is_empty()) else { return 0 };
    let is_above_times = last + 1 == lines.len();
    let is_below_blank = last > 0 && lines[last - 1].is_empty();
    if is_number(lines[last]) && (is_above_times || is_below_blank) { last } else { lines.len() }
}

fn is_number(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// The times of a line such as `00:00:01,000 --> 00:00:02,500 align:start`.
fn span_of(line: &str) -> Result<TimeSpan, LineProblem> {
    let times = line.split_once("-->").and_then(|(start, rest)| {
        let end = rest.split_whitespace().next()?;
        Some((millis_of(start.trim())?, millis_of(end)?))
    });
    match times {
        None => Err(LineProblem::Times(excerpt(line))),
        Some((start, end)) if end < start => Err(LineProblem::Backwards(excerpt(line))),
        Some((start, end)) => Ok(TimeSpan::from_secs(start as f64 / 1000.0, end as f64 / 1000.0)),
    }
}

/// A time such as `01:02:03,456`, `02:03.4` or `02:03`, in milliseconds.
fn millis_of(time: &str) -> Option<u64> {
    let (clock, fraction) = time.split_once([',', '.']).unwrap_or((time, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let secs = parts.into_iter().try_fold(0, |secs, part| Some(secs * 60 + number_of(part)?))?;
    let digits = fraction.bytes().chain(*b"000").take(3);
    let millis = digits.fold(0, |millis, digit| millis * 10 + u64::from(digit - b'0'));
    ((secs as f64) < MAX_SECS).then_some(secs * 1000 + millis)
}

/// At most so many digits that no product of them leaves its type.
fn number_of(digits: &str) -> Option<u64> {
    let is_small = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_small { digits.parse().ok() } else { None }
}

/// The beginning of a line, for errors.
fn excerpt(line: &str) -> String {
    const MAX_CHARS: usize = 60;
    let line = line.trim();
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
