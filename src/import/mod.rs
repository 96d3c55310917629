//! Reads transcripts that other programs wrote, or Hansard itself: the bytes of a file become a [`Transcript`], with
//! what the file knows of speakers and times. One format per file of this folder:
//! - `SubRip` and `WebVTT` subtitles give a segment for each cue, without words. `[Ana]: ` before the text and
//!   `WebVTT`'s voices name the speaker. Tags are taken away. Subtitles that underline word after word say each text
//!   many times, and so does what is read from them.
//! - JSON of `whisperX`, and the same with what Hansard adds to it, gives all that is in a transcript but the voices,
//!   which no file has, and the turns, which are made of the times of what was said.
//!
//! What is in the file decides which format it is, not its name. Files that are slightly wrong are read as they were
//! meant; where that would be a guess, the error names the line.

mod cue_text;
mod json;
mod speakers;
mod subtitles;
mod text;

use std::path::Path;

use crate::transcript::Transcript;

use subtitles::Syntax;

/// A file cannot be read as a transcript.
#[derive(Debug, thiserror::Error)]
#[error("{file_name}: {problem}")]
pub struct ImportError {
    /// The file, as it was named.
    pub file_name: String,
    /// What is wrong with it.
    pub problem: ImportProblem,
}

/// What can be wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum ImportProblem {
    /// No known format.
    #[error("neither SRT nor WebVTT subtitles, nor JSON as WhisperX and Hansard write it; choose another file")]
    UnknownFormat,
    /// A line of subtitles.
    #[error("line {line}: {problem}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// No JSON, cut JSON, or that of something else.
    #[error("no transcript in JSON, with `start`, `end` and `text` in each of its `segments`: {0}")]
    Json(#[source] serde_json::Error),
    /// A segment of JSON is nowhere.
    #[error(
        "segment {number} lasts from {start_secs} to {end_secs} s; correct it: times are seconds from 0 on, and \
         no segment ends before it begins"
    )]
    Times {
        /// The number of the segment, from 1.
        number: usize,
        /// Where it begins.
        start_secs: f64,
        /// Where it ends.
        end_secs: f64,
    },
}

/// What can be wrong with a line of subtitles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// Where times should be, something else is.
    #[error("`{0}` is no line of times such as `00:00:01,000 --> 00:00:02,500`; correct it")]
    Times(String),
    /// Time runs backwards.
    #[error("`{0}` ends before it begins; correct the times")]
    Backwards(String),
    /// Text that belongs to no cue.
    #[error(
        "`{0}` stands before the first line of times; these files begin with a cue such as `00:01.000 --> 00:02.500`"
    )]
    Stray(String),
}

/// Longer than anything that anybody records: such times are mistakes.
const MAX_SECS: f64 = 10_000.0 * 3600.0;

/// Reads the content of a file. Its name is for errors, and tells what an empty file would be.
pub fn read(bytes: &[u8], file_name: &str) -> Result<Transcript, ImportError> {
    let text = text::decoded(bytes);
    let transcript = match kind(&text, file_name) {
        Some(Kind::Subtitles(syntax)) => subtitles::read(&text, syntax),
        Some(Kind::Json) => json::read(&text),
        None => Err(ImportProblem::UnknownFormat),
    };
    transcript.map_err(|problem| ImportError { file_name: file_name.to_owned(), problem })
}

enum Kind {
    Subtitles(Syntax),
    Json,
}

fn kind(text: &str, file_name: &str) -> Option<Kind> {
    let content = text.trim_start();
    if content.starts_with("WEBVTT") {
        return Some(Kind::Subtitles(Syntax::WebVtt));
    }
    if content.starts_with('{') {
        return Some(Kind::Json);
    }
    if content.contains("-->") {
        return Some(Kind::Subtitles(Syntax::SubRip));
    }
    // Subtitles of silence have no content to tell them by; a cut file of any kind may have lost it.
    let extension = Path::new(file_name).extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "srt" => Some(Kind::Subtitles(Syntax::SubRip)),
        "vtt" => Some(Kind::Subtitles(Syntax::WebVtt)),
        "json" => Some(Kind::Json),
        _ => None,
    }
}
