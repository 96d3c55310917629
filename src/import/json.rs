//! JSON of `whisperX`, with or without what Hansard adds to it, becomes a transcript. What neither writes is passed
//! over; what `whisperX` sometimes leaves out may be missing.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::transcript::{Recognition, Segment, Speaker, Transcript, Verdict, Word};
use crate::units::TimeSpan;

use super::{ImportProblem, MAX_SECS, speakers};

pub(super) fn read(text: &str) -> Result<Transcript, ImportProblem> {
    let document: Document = serde_json::from_str(text).map_err(ImportProblem::Json)?;
    let segments = (1..).zip(document.segments).map(|(number, segment)| segment.into_segment(number));
    let mut known = BTreeSet::new();
    let speakers = document.speakers.into_iter().map(SpeakerEntry::into_speaker);
    let mut transcript = Transcript {
        language: document.language.unwrap_or_default(),
        segments: segments.collect::<Result<_, _>>()?,
        speakers: speakers.filter(|speaker| known.insert(speaker.label.clone())).collect(),
        ..Transcript::default()
    };
    speakers::complete(&mut transcript);
    Ok(transcript)
}

#[derive(Deserialize)]
struct Document {
    segments: Vec<SegmentEntry>,
    language: Option<String>,
    #[serde(default)]
    speakers: Vec<SpeakerEntry>,
}

#[derive(Deserialize)]
struct SegmentEntry {
    start: f64,
    end: f64,
    text: String,
    words: Option<Vec<WordEntry>>,
    avg_logprob: Option<f64>,
    speaker: Option<String>,
}

impl SegmentEntry {
    fn into_segment(self, number: usize) -> Result<Segment, ImportProblem> {
        let (start_secs, end_secs) = (self.start, self.end);
        let span = span_of(start_secs, end_secs).ok_or(ImportProblem::Times { number, start_secs, end_secs })?;
        let words = self.words.unwrap_or_default().into_iter().map(WordEntry::into_word).collect();
        Ok(Segment { span, text: self.text, avg_logprob: self.avg_logprob, speaker: self.speaker, words })
    }
}

#[derive(Deserialize)]
struct WordEntry {
    word: String,
    start: Option<f64>,
    end: Option<f64>,
    /// As `whisperX` calls it, and Whisper itself.
    #[serde(alias = "probability")]
    score: Option<f64>,
    speaker: Option<String>,
    #[serde(default)]
    overlapped_by: Vec<String>,
}

impl WordEntry {
    /// A word whose times cannot be is kept without them.
    fn into_word(self) -> Word {
        Word {
            text: self.word.trim().to_owned(),
            span: self.start.zip(self.end).and_then(|(start_secs, end_secs)| span_of(start_secs, end_secs)),
            score: self.score,
            speaker: self.speaker,
            overlapped_by: self.overlapped_by,
        }
    }
}

#[derive(Deserialize)]
struct SpeakerEntry {
    label: String,
    name: Option<String>,
    recognition: Option<RecognitionEntry>,
}

impl SpeakerEntry {
    fn into_speaker(self) -> Speaker {
        Speaker {
            label: self.label,
            name: self.name,
            recognition: self.recognition.map(RecognitionEntry::into_recognition),
            voiceprint: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct RecognitionEntry {
    nearest: String,
    score: f64,
    margin: Option<f64>,
    verdict: VerdictEntry,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum VerdictEntry {
    Recognised,
    Unknown,
}

impl RecognitionEntry {
    fn into_recognition(self) -> Recognition {
        let verdict = match self.verdict {
            VerdictEntry::Recognised => Verdict::Recognised,
            VerdictEntry::Unknown => Verdict::Unknown,
        };
        Recognition { nearest: self.nearest, score: self.score, margin: self.margin, verdict }
    }
}

fn span_of(start_secs: f64, end_secs: f64) -> Option<TimeSpan> {
    let is_right = 0.0 <= start_secs && start_secs <= end_secs && end_secs <= MAX_SECS;
    is_right.then(|| TimeSpan::from_secs(start_secs, end_secs))
}
