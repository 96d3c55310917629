//! Plain text: one line for each segment, after the speaker where one is known. No times.

use crate::transcript::{Segment, Transcript};

pub(super) fn render(transcript: &Transcript) -> String {
    transcript.segments.iter().map(|segment| line(segment, transcript)).collect()
}

fn line(segment: &Segment, transcript: &Transcript) -> String {
    let text = segment.text.trim();
    match &segment.speaker {
        Some(speaker) => format!("[{}]: {text}\n", transcript.name_of(speaker)),
        None => format!("{text}\n"),
    }
}
