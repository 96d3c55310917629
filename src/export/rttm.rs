//! RTTM: one line for each turn of a speaker, for programs that score diarization. No text.

use crate::transcript::{Transcript, Turn, rttm};

use super::Info;

/// Speakers go by their names where they have one.
pub(super) fn render(transcript: &Transcript, info: &Info<'_>) -> String {
    let named = |turn: &Turn| Turn { span: turn.span, speaker: transcript.name_of(&turn.speaker).to_owned() };
    let turns: Vec<Turn> = transcript.turns.iter().map(named).collect();
    rttm::write(info.title, &turns)
}
