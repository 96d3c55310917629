//! JSON in the schema of `whisperX`: segments with their words, all words once more, the language. Numbers and blanks
//! are those of Python's `json.dump`, so that a file differs from one of `whisperX` only where the values do.
//!
//! Where it is known who speaks, words that others talk over say so (`overlapped_by`), and a list at the end has the
//! names of the speakers, how long they talk, and how they compare with enrolled voices. Everywhere else speakers go by
//! their labels, which no two share. Where it is known what the transcript was made of, the last entry says so, sealed:
//! see [`crate::transcript::manifest`].

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::transcript::manifest::{Origin, seal_of};
use crate::transcript::talk::{TalkTime, talk_times};
use crate::transcript::{Recognition, Segment, Speaker, Transcript, Verdict, Word};

use super::Info;

pub(super) fn render(transcript: &Transcript, info: &Info<'_>) -> Vec<u8> {
    let words = transcript.segments.iter().flat_map(|segment| &segment.words);
    let mut document = Document {
        segments: transcript.segments.iter().map(SegmentEntry::of).collect(),
        word_segments: words.map(WordEntry::of).collect(),
        language: &transcript.language,
        speakers: transcript.speakers.iter().zip(talk_times(transcript)).map(SpeakerEntry::of).collect(),
        hansard: info.manifest.map(|manifest| Origin::of(manifest, transcript)),
    };
    // What is read back is the same, for numbers are written to the last digit.
    let seal =
        document.hansard.as_ref().and_then(|_| serde_json::to_value(&document).ok()).map(|value| seal_of(&value));
    if let Some(origin) = &mut document.hansard {
        origin.seal = seal;
    }
    document.to_bytes()
}

#[derive(Serialize)]
struct Document<'a> {
    segments: Vec<SegmentEntry<'a>>,
    word_segments: Vec<WordEntry<'a>>,
    language: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    speakers: Vec<SpeakerEntry<'a>>,
    /// Named as [`crate::transcript::manifest::KEY`] says.
    #[serde(skip_serializing_if = "Option::is_none")]
    hansard: Option<Origin>,
}

impl Document<'_> {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut bytes, PythonFormatter))
            .expect("writing to memory does not fail, and every key is a string");
        bytes
    }
}

#[derive(Serialize)]
struct SegmentEntry<'a> {
    start: f64,
    end: f64,
    text: &'a str,
    words: Vec<WordEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_logprob: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
}

impl<'a> SegmentEntry<'a> {
    fn of(segment: &'a Segment) -> Self {
        Self {
            start: segment.span.start.0,
            end: segment.span.end.0,
            text: &segment.text,
            words: segment.words.iter().map(WordEntry::of).collect(),
            avg_logprob: segment.avg_logprob,
            speaker: segment.speaker.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct WordEntry<'a> {
    word: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overlapped_by: &'a Vec<String>,
}

impl<'a> WordEntry<'a> {
    fn of(word: &'a Word) -> Self {
        Self {
            word: &word.text,
            start: word.span.map(|span| span.start.0),
            end: word.span.map(|span| span.end.0),
            score: word.score,
            speaker: word.speaker.as_deref(),
            overlapped_by: &word.overlapped_by,
        }
    }
}

#[derive(Serialize)]
struct SpeakerEntry<'a> {
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Seconds, as all times.
    talk_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recognition: Option<RecognitionEntry<'a>>,
}

impl<'a> SpeakerEntry<'a> {
    fn of((speaker, talk): (&'a Speaker, TalkTime)) -> Self {
        Self {
            label: &speaker.label,
            name: speaker.name.as_deref(),
            talk_time: talk.seconds.rounded_to_millis().0,
            recognition: speaker.recognition.as_ref().map(RecognitionEntry::of),
        }
    }
}

#[derive(Serialize)]
struct RecognitionEntry<'a> {
    nearest: &'a str,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<f64>,
    verdict: &'static str,
}

impl<'a> RecognitionEntry<'a> {
    fn of(recognition: &'a Recognition) -> Self {
        let verdict = match recognition.verdict {
            Verdict::Recognised => "recognised",
            Verdict::Unknown => "unknown",
        };
        let Recognition { nearest, score, margin, .. } = recognition;
        Self { nearest, score: *score, margin: *margin, verdict }
    }
}

/// Writes a blank after each comma and colon, and floats as Python's `repr` does.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        // Rust's `Debug` gives the same shortest digits and turns to exponents at the same sizes as Python (below 1e-4
        // and from 1e16), but Python always signs the exponent and gives it two digits.
        let text = format!("{value:?}");
        match text.split_once('e') {
            None => writer.write_all(text.as_bytes()),
            Some((digits, exponent)) => match exponent.strip_prefix('-') {
                Some(size) => write!(writer, "{digits}e-{size:0>2}"),
                None => write!(writer, "{digits}e+{exponent:0>2}"),
            },
        }
    }
}
