//! Markdown to read or to paste into minutes: the title, length and language, then a paragraph for each turn of a
//! speaker, or for each segment where speakers are not known. What was said is never read as markup.

use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

use super::Info;

/// A speaker who goes on for longer gets a new paragraph, so that a time is never far from the words it belongs to.
const MAX_PARAGRAPH: Seconds = Seconds(60.0);

pub(super) fn render(transcript: &Transcript, info: &Info<'_>) -> String {
    let mut blocks = vec![format!("# {}", escaped(info.title)), facts(transcript)];
    let paragraphs = paragraphs(transcript);
    if paragraphs.is_empty() {
        blocks.push("No speech was found in this recording.".to_owned());
    }
    blocks.extend(paragraphs.iter().map(|paragraph| paragraph.to_markdown(transcript)));
    blocks.join("\n\n") + "\n"
}

fn facts(transcript: &Transcript) -> String {
    let duration = format!("Duration: {}", transcript.duration);
    if transcript.language.is_empty() {
        duration
    } else {
        format!("{duration} · Language: {}", escaped(&transcript.language))
    }
}

struct Paragraph<'a> {
    speaker: Option<&'a str>,
    start: Seconds,
    texts: Vec<&'a str>,
}

impl Paragraph<'_> {
    /// Whether this segment goes on with what the speaker of this paragraph says.
    fn goes_on_in(&self, segment: &Segment) -> bool {
        self.speaker.is_some()
            && self.speaker == segment.speaker.as_deref()
            && segment.span.start.0 - self.start.0 < MAX_PARAGRAPH.0
    }

    fn to_markdown(&self, transcript: &Transcript) -> String {
        let (start, text) = (self.start, escaped(&self.texts.join(" ")));
        match self.speaker {
            Some(speaker) => format!("**{}** [{start}] {text}", escaped(transcript.name_of(speaker))),
            None => format!("[{start}] {text}"),
        }
    }
}

fn paragraphs(transcript: &Transcript) -> Vec<Paragraph<'_>> {
    let mut paragraphs: Vec<Paragraph<'_>> = Vec::new();
    for segment in transcript.segments.iter().filter(|segment| !segment.text.trim().is_empty()) {
        match paragraphs.last_mut() {
            Some(paragraph) if paragraph.goes_on_in(segment) => paragraph.texts.push(&segment.text),
            _ => paragraphs.push(Paragraph {
                speaker: segment.speaker.as_deref(),
                start: segment.span.start,
                texts: vec![segment.text.as_str()],
            }),
        }
    }
    paragraphs
}

/// The text on one line, with a backslash before each character that Markdown (with the tables, strike-through and
/// formulas of GitHub) may read as markup. What counts only at the start of a line (`-`, `+`, `1.`) needs none: no line
/// starts with what was said.
fn escaped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        if r"\`*_[]<>#|~&$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
