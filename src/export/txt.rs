//! Plain text: one line for each segment, after the speaker where one is known. No times.

use crate::transcript::{Segment, Transcript};

pub(super) fn render(transcript: &Transcript) -> String {
    transcript.segments.iter().map(line).collect()
}

fn line(segment: &Segment) -> String {
    let text = segment.text.trim();
    match &segment.speaker {
        Some(speaker) => format!("[{speaker}]: {text}\n"),
        None => format!("{text}\n"),
    }
}
