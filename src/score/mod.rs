//! How far a result is from what is known to be right: who spoke when ([`der`], the diarization error rate), and what
//! was said ([`wer`], the word error rate). Files come in as text; it opens none, and prints nothing.
//!
//! Equal to `pyannote.metrics` 4.2.0, `jiwer` 4.0.0 and the text normalisers of openai-whisper 20250625.

pub mod der;
pub mod document;
mod edits;
pub mod normalise;
mod numbers;
pub mod recordings;
pub mod uem;
pub mod wer;
