//! `WebVTT` subtitles: a header, then cues; hours only where there are any. `<` and `&`, which begin tags and character
//! references, are escaped; `whisperX` leaves them, and players swallow what follows.

use crate::transcript::Transcript;

use super::LineOptions;
use super::subtitles::{self, Clock, Cue};

/// The subtitles, with lines as the options ask.
pub fn render_with(transcript: &Transcript, options: &LineOptions) -> String {
    let cues = subtitles::cues(transcript, options, escaped);
    let blocks: Vec<String> = cues.iter().map(block).collect();
    format!("WEBVTT\n\n{}", blocks.concat())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn block(cue: &Cue) -> String {
    format!("{} --> {}\n{}\n\n", timestamp(cue.start_millis), timestamp(cue.end_millis), cue.text)
}

fn timestamp(millis: u64) -> String {
    let Clock { hours, minutes, secs, millis } = Clock::of(millis);
    let hours = if hours > 0 { format!("{hours:02}:") } else { String::new() };
    format!("{hours}{minutes:02}:{secs:02}.{millis:03}")
}
