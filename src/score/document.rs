//! What a file says that can be scored: turns of speakers (RTTM), or the words that were said: plain text, subtitles
//! (`SubRip`, `WebVTT`), JSON as whisperX writes it, and STM references. Who said the words is left out.

use serde::Deserialize;

use crate::transcript::rttm::{self, RecordingTurns, RttmError};

/// The content of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// Who speaks when, in one or more recordings.
    Turns(Vec<RecordingTurns>),
    /// What was said.
    Text(String),
}

/// A file cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A line is no turn.
    #[error(transparent)]
    Rttm(#[from] RttmError),
    /// It is no JSON, or not that of a transcript.
    #[error("not a transcript in JSON, with `text` in each of its `segments`: {0}")]
    Json(#[source] serde_json::Error),
    /// A line of an STM file ends too soon.
    #[error("line {line}: an STM line is `recording channel speaker start end [<label>] text`")]
    Stm {
        /// The number of the line, from 1.
        line: usize,
    },
    /// Times and markup stand between the words.
    #[error(
        "a .{extension} file cannot be scored; give the transcript as txt, srt, vtt, json or stm, or turns as rttm"
    )]
    Extension {
        /// The extension, in small letters.
        extension: String,
    },
}

/// Reads the text of a file. The extension (without the dot, in any case, or empty) decides where it is that of a known
/// format; else the content does.
pub fn parse(text: &str, extension: &str) -> Result<Document, DocumentError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension = extension.to_ascii_lowercase();
    let words = match extension.as_str() {
        "rttm" => return Ok(Document::Turns(rttm::parse(text)?)),
        "srt" | "vtt" => of_subtitles(text),
        "json" => of_json(text)?,
        "stm" => of_stm(text)?,
        "md" | "tsv" | "csv" | "docx" | "html" => return Err(DocumentError::Extension { extension }),
        _ if rttm::is_rttm(text) => return Ok(Document::Turns(rttm::parse(text)?)),
        _ if text.starts_with("WEBVTT") => of_subtitles(text),
        _ => text.lines().map(without_speaker).collect::<Vec<_>>().join("\n"),
    };
    Ok(Document::Text(words))
}

/// A line without the speaker in brackets that transcripts begin it with: `[SPEAKER_00]: `.
fn without_speaker(line: &str) -> &str {
    let end = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    end.map_or(line, |(_, said)| said)
}

/// The lines below the times, without tags. Of character references, those that our own subtitles have are resolved.
fn of_subtitles(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut is_in_cue = false;
    for line in text.lines() {
        if line.contains("-->") {
            is_in_cue = true;
        } else if line.trim().is_empty() {
            is_in_cue = false;
        } else if is_in_cue {
            let said = without_tags(without_speaker(line));
            words.push(said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
        }
    }
    words.join("\n")
}

fn without_tags(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let Some((_, after)) = tag.split_once('>') else {
            // `<` that opens no tag was said.
            out.push('<');
            rest = tag;
            continue;
        };
        rest = after;
    }
    out + rest
}

fn of_json(text: &str) -> Result<String, DocumentError> {
    #[derive(Deserialize)]
    struct Transcript {
        segments: Vec<Segment>,
    }
    #[derive(Deserialize)]
    struct Segment {
        text: String,
    }
    let transcript: Transcript = serde_json::from_str(text).map_err(DocumentError::Json)?;
    let texts: Vec<&str> = transcript.segments.iter().map(|segment| segment.text.trim()).collect();
    Ok(texts.join("\n"))
}

/// The text of all lines by start. Comments, gaps, and what NIST's scorer is told to ignore are left out.
fn of_stm(text: &str) -> Result<String, DocumentError> {
    let mut lines: Vec<(f64, String)> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let fields: Vec<&str> = content.split_whitespace().collect();
        if fields.first().is_none_or(|field| field.starts_with(";;")) {
            continue;
        }
        let [_, _, speaker, start, end, said @ ..] = fields.as_slice() else {
            return Err(DocumentError::Stm { line });
        };
        let (Ok(start_secs), Ok(_)) = (start.parse::<f64>(), end.parse::<f64>()) else {
            return Err(DocumentError::Stm { line });
        };
        let has_label = said.first().is_some_and(|field| field.starts_with('<') && field.ends_with('>'));
        let said = said[usize::from(has_label)..].join(" ");
        let is_ignored = speaker.eq_ignore_ascii_case("inter_segment_gap")
            || said.eq_ignore_ascii_case("ignore_time_segment_in_scoring");
        if !is_ignored {
            lines.push((start_secs, said));
        }
    }
    lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    Ok(lines.into_iter().map(|(_, said)| said).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_the_words_that_were_said() {
        let srt = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,000\r\n[Ana]: <i>one</i> < two\r\nthree\r\n\r\n2\r\n\
                   00:00:03,000 --> 00:00:04,000\r\n4\r\n";
        let vtt = "WEBVTT\n\nNOTE made by hand\n\n0:01.000 --> 0:02.000 align:start\n<v Ana>one &lt; two</v>\n";
        let json = r#"{"segments": [{"start": 0, "text": " one"}, {"text": "two", "words": []}], "language": "en"}"#;
        let stm = ";; made by hand\na 1 X 2.0 3.0 <o,f0> two three\na 1 Y 1 2 one\n\
                   a 1 inter_segment_gap 3 4 <o>\na 1 X 4 5 IGNORE_TIME_SEGMENT_IN_SCORING\n";
        for (text, extension, expected) in [
            ("one\n[SPEAKER_00]: two [three]: four\n", "txt", "one\ntwo [three]: four"),
            ("", "", ""),
            (srt, "SRT", "one < two\nthree\n4"),
            (vtt, "vtt", "one < two"),
            (vtt, "txt", "one < two"),
            (json, "json", "one\ntwo"),
            (stm, "stm", "one\ntwo three"),
        ] {
            let found = parse(text, extension).unwrap_or_else(|error| panic!("{extension}: {error}"));
            assert_eq!(found, Document::Text(expected.to_owned()), "{extension}");
        }
        let turn = "SPEAKER a 1 0 1 <NA> <NA> A <NA> <NA>\n";
        for (text, extension, n_recordings) in [(turn, "rttm", 1), (turn, "txt", 1), (turn, "", 1), ("", "rttm", 0)] {
            let found = parse(text, extension).unwrap_or_else(|error| panic!("{extension}: {error}"));
            assert!(matches!(&found, Document::Turns(turns) if turns.len() == n_recordings), "{extension}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_scored_is_told() {
        for (text, extension, expected) in [
            ("SPEAKER a", "rttm", "line 1: a SPEAKER line has at least 8 fields"),
            ("one", "json", "not a transcript in JSON"),
            ("{}", "json", "missing field `segments`"),
            ("a 1 X 0 1 one\na 1 X zero 1 two", "stm", "line 2: an STM line is"),
            ("# Meeting", "MD", "a .md file cannot be scored"),
        ] {
            let error = parse(text, extension).expect_err(extension).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
