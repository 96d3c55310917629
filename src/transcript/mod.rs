//! The transcript: what was said, when and by whom, as plain values. No audio, no files, no models.

pub mod edit;
pub mod manifest;
pub mod overlap;
pub mod playing;
pub mod review;
pub mod rttm;
pub mod search;
pub mod split;
pub mod talk;
pub mod writing;

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
    /// Who speaks, in the order of their labels. Empty where nobody was asked who speaks.
    pub speakers: Vec<Speaker>,
    /// When each of them speaks, by start; where two speak at once, their turns overlap.
    pub turns: Vec<Turn>,
}

/// Somebody who speaks in a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speaker {
    /// What segments, words and turns call them: `SPEAKER_00`, `SPEAKER_01`, …
    pub label: String,
    /// Their name, where a voice was recognised or the user gave one.
    pub name: Option<String>,
    /// What the comparison with the enrolled voices said, where it was made.
    pub recognition: Option<Recognition>,
    /// The voice itself: a unit vector of the speaker recognition model, empty where none could be taken.
    pub voiceprint: Vec<f32>,
}

/// How a speaker compares with the enrolled voice that is nearest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recognition {
    /// Name of the nearest voice, accepted or not.
    pub nearest: String,
    /// How near it is: a cosine, or a normalised score where there are enough voices to compare with.
    pub score: f64,
    /// How much nearer it is than the second; `None` where only one voice is enrolled.
    pub margin: Option<f64>,
    /// Whether that was enough to take the name.
    pub verdict: Verdict,
}

/// What a comparison led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The speaker got the voice's name.
    Recognised,
    /// Too far from every voice, too near to two of them, or another speaker of the recording is nearer to it.
    Unknown,
}

/// A stretch of time in which one person speaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    pub span: TimeSpan,
    /// Label of the speaker.
    pub speaker: String,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word as written in the text, with its punctuation.
    pub text: String,
    /// When it was said; `None` where alignment found no place for it.
    pub span: Option<TimeSpan>,
    /// Mean probability of its characters, 0 to 1.
    pub score: Option<f64>,
    /// Label of the speaker, where known.
    pub speaker: Option<String>,
    /// Labels of others who speak at the same time.
    pub overlapped_by: Vec<String>,
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

    /// How many words it has: as they are timed or, where they are not, as blanks part them.
    pub fn n_words(&self) -> usize {
        let of_segment = self.segments.iter().map(|segment| match segment.words.len() {
            0 => segment.text.split_whitespace().count(),
            n_timed => n_timed,
        });
        of_segment.sum()
    }

    /// The mean confidence of the words that have one, 0 to 1.
    pub fn mean_confidence(&self) -> Option<f64> {
        let words = self.segments.iter().flat_map(|segment| &segment.words);
        let scores: Vec<f64> = words.filter_map(|word| word.score).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}
