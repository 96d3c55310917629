//! The transcript: what was said, when and by whom, as plain values. No audio, no files, no models.

use serde::{Deserialize, Serialize};

use crate::units::{Seconds, TimeSpan};

/// All that is known of what was said in one recording, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// ISO 639-1 code of the spoken language, as Whisper names it (`en`, `de`, `haw`).
    pub language: String,
    /// Length of the recording.
    pub duration: Seconds,
    /// What was said. Empty when nobody spoke.
    pub segments: Vec<Segment>,
}

/// A stretch of speech and its text: a chunk as it was transcribed, or a sentence once words are aligned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// When it was said, rounded to milliseconds.
    pub span: TimeSpan,
    /// What was said, as the model wrote it; it may begin with a space.
    pub text: String,
    /// Mean log-probability of the tokens of the chunk that this comes from.
    pub avg_logprob: Option<f64>,
    /// Label of the speaker, where known.
    pub speaker: Option<String>,
    /// The words with their times, where they were aligned.
    pub words: Vec<Word>,
}

/// One aligned word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word as written in the text, with its punctuation.
    pub text: String,
    /// When it was said; `None` where alignment found no place for it.
    pub span: Option<TimeSpan>,
    /// Mean probability of its characters, 0 to 1.
    pub score: Option<f64>,
    /// Label of the speaker, where known.
    pub speaker: Option<String>,
}

impl Transcript {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The text of all segments, trimmed and joined by blanks.
    pub fn plain_text(&self) -> String {
        let texts: Vec<&str> =
            self.segments.iter().map(|segment| segment.text.trim()).filter(|text| !text.is_empty()).collect();
        texts.join(" ")
    }
}
