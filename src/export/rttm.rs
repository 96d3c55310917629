//! RTTM: one line for each turn of a speaker, for programs that score diarization. No text.

use crate::transcript::{Transcript, Turn, rttm};

use super::Info;

/// Speakers go by their names where they have one.
pub(super) fn render(transcript: &Transcript, info: &Info<'_>) -> String {
    let name = |label: &str| {
        let speaker = transcript.speakers.iter().find(|speaker| speaker.label == label);
        speaker.and_then(|speaker| speaker.name.as_deref()).unwrap_or(label).to_owned()
    };
    let turns = transcript.turns.iter().map(|turn| Turn { span: turn.span, speaker: name(&turn.speaker) });
    rttm::write(info.title, &turns.collect::<Vec<_>>())
}
