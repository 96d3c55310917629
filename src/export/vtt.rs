//! `WebVTT` subtitles: a header, then cues; hours only where there are any. What a player would take for a tag or a
//! character reference is escaped; `whisperX` leaves it, and players swallow it. All else is as `whisperX` writes it.

use crate::transcript::Transcript;

use super::ExportOptions;
use super::subtitles::{self, Clock, Cue};

pub(super) fn render(transcript: &Transcript, options: &ExportOptions) -> String {
    let cues = subtitles::cues(transcript, options, escaped);
    let blocks: Vec<String> = cues.iter().map(block).collect();
    format!("WEBVTT\n\n{}", blocks.concat())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' if begins_reference(&text[at + 1..]) => escaped.push_str("&amp;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Whether the text after an ampersand makes it a character reference, such as `lt;` or `#60;`. That of `R&D` is none.
fn begins_reference(rest: &str) -> bool {
    let name_len = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
    name_len > 0 && rest[name_len..].starts_with(';')
}

fn block(cue: &Cue) -> String {
    format!("{} --> {}\n{}\n\n", timestamp(cue.start_millis), timestamp(cue.end_millis), cue.text)
}

fn timestamp(millis: u64) -> String {
    let Clock { hours, minutes, secs, millis } = Clock::of(millis);
    let hours = if hours > 0 { format!("{hours:02}:") } else { String::new() };
    format!("{hours}{minutes:02}:{secs:02}.{millis:03}")
}
