//! Which stage a stored result comes from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The stages whose results are stored, in the order of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// What the sound is like: length, outline, loudness, noise, fingerprint.
    Audio,
    /// Where somebody speaks.
    Speech,
    /// Which language.
    Language,
    /// Who of a few speaks in each window.
    Segmentation,
    /// The text, chunk by chunk.
    Asr,
    /// The times of the words, piece by piece.
    Align,
    /// What the voices in each window sound like.
    Embeddings,
    /// Who speaks when.
    Diarization,
    /// Voices to be compared with those that are known.
    Voices,
    /// Whose they are.
    Speakers,
    /// The whole.
    Transcript,
}

/// A text names no layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of result; there are {known}", known = names())]
pub struct UnknownLayer(pub String);

impl Layer {
    /// All, in the order of a job.
    pub const ALL: [Self; 11] = [
        Self::Audio,
        Self::Speech,
        Self::Language,
        Self::Segmentation,
        Self::Asr,
        Self::Align,
        Self::Embeddings,
        Self::Diarization,
        Self::Voices,
        Self::Speakers,
        Self::Transcript,
    ];

    /// The name on disk and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Speech => "speech",
            Self::Language => "language",
            Self::Segmentation => "segmentation",
            Self::Asr => "asr",
            Self::Align => "align",
            Self::Embeddings => "embeddings",
            Self::Diarization => "diarization",
            Self::Voices => "voices",
            Self::Speakers => "speakers",
            Self::Transcript => "transcript",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(text: &str) -> Result<Self, UnknownLayer> {
        let named = Self::ALL.into_iter().find(|layer| layer.name() == text);
        named.ok_or_else(|| UnknownLayer(text.chars().take(40).collect()))
    }
}

fn names() -> String {
    Layer::ALL.map(Layer::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_found_by_their_names() {
        for layer in Layer::ALL {
            assert_eq!(layer.name().parse::<Layer>(), Ok(layer));
            assert_eq!(serde_json::to_string(&layer).expect("a text"), format!("\"{layer}\""));
        }
        assert!(Layer::ALL.is_sorted(), "results are listed in the order of a job");
        let error = "ASR".parse::<Layer>().expect_err("names are in lower case").to_string();
        assert!(error.contains("`ASR`") && error.contains("asr, align"), "{error}");
    }
}
