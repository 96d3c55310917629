//! `SubRip` subtitles: numbered cues, a comma before the milliseconds. The format knows no escapes, so `<` and `&` stay
//! as they are; players show them.

use crate::transcript::Transcript;

use super::ExportOptions;
use super::subtitles::{self, Clock, Cue};

pub(super) fn render(transcript: &Transcript, options: &ExportOptions) -> String {
    let cues = subtitles::cues(transcript, options, str::to_owned);
    let blocks: Vec<String> = cues.iter().zip(1..).map(|(cue, number)| block(cue, number)).collect();
    blocks.concat()
}

fn block(cue: &Cue, number: usize) -> String {
    format!("{number}\n{} --> {}\n{}\n\n", timestamp(cue.start_millis), timestamp(cue.end_millis), cue.text)
}

fn timestamp(millis: u64) -> String {
    let Clock { hours, minutes, secs, millis } = Clock::of(millis);
    format!("{hours:02}:{minutes:02}:{secs:02},{millis:03}")
}
