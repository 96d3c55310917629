//! Plain text: one line for each segment, after the speaker where one is known. Times only where they are asked for.

use crate::transcript::{Segment, Transcript};

use super::{ExportOptions, SpeakerNames, Times};

pub(super) fn render(transcript: &Transcript, options: &ExportOptions) -> String {
    transcript.segments.iter().map(|segment| line(segment, transcript, options)).collect()
}

fn line(segment: &Segment, transcript: &Transcript, options: &ExportOptions) -> String {
    let time = match options.times {
        Times::Shown | Times::Linked => format!("[{}] ", segment.span.start),
        Times::Usual | Times::Hidden => String::new(),
    };
    let speaker = match (options.speaker_names, &segment.speaker) {
        (SpeakerNames::Shown, Some(speaker)) => format!("[{}]: ", transcript.name_of(speaker)),
        (SpeakerNames::Shown, None) | (SpeakerNames::Hidden, _) => String::new(),
    };
    format!("{time}{speaker}{}\n", segment.text.trim())
}
