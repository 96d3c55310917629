//! Markdown to read or to paste into minutes: the title, length and language, then a paragraph for each turn of a
//! speaker, or for each segment where speakers are not known; or a chapter for each speaker. What was said is never
//! read as markup.

use crate::transcript::Transcript;
use crate::units::Seconds;

use super::document::{self, Chapter, Paragraph};
use super::link::url_of;
use super::{ExportOptions, Info, Order, SpeakerNames, Times};

pub(super) fn render(transcript: &Transcript, info: &Info<'_>, options: &ExportOptions) -> String {
    let page = Page { transcript, options, url: info.audio.map(url_of) };
    let mut blocks = vec![format!("# {}", escaped(info.title)), escaped(&document::facts(transcript))];
    let n_blocks_before = blocks.len();
    match (options.order, options.speaker_names) {
        (Order::Time, _) | (Order::Speaker, SpeakerNames::Hidden) => {
            let paragraphs = document::paragraphs(transcript);
            blocks.extend(paragraphs.iter().map(|paragraph| page.paragraph(paragraph, options.speaker_names)));
        }
        (Order::Speaker, SpeakerNames::Shown) => {
            blocks.extend(document::chapters(transcript).iter().flat_map(|chapter| page.chapter(chapter)));
        }
    }
    if blocks.len() == n_blocks_before {
        blocks.push(document::NO_SPEECH.to_owned());
    }
    blocks.join("\n\n") + "\n"
}

struct Page<'a> {
    transcript: &'a Transcript,
    options: &'a ExportOptions,
    /// Of the recording, where it is known.
    url: Option<String>,
}

impl Page<'_> {
    fn chapter(&self, chapter: &Chapter<'_>) -> Vec<String> {
        let talk = chapter.talk.as_ref().map(|talk| format!("Talk time: {talk}"));
        let heading = format!("## {}", escaped(chapter.heading));
        let paragraphs = chapter.paragraphs.iter().map(|paragraph| self.paragraph(paragraph, SpeakerNames::Hidden));
        [heading].into_iter().chain(talk).chain(paragraphs).collect()
    }

    fn paragraph(&self, paragraph: &Paragraph<'_>, speaker_names: SpeakerNames) -> String {
        let name = match speaker_names {
            SpeakerNames::Shown => paragraph.speaker,
            SpeakerNames::Hidden => None,
        };
        let name = name.map(|label| format!("**{}**", escaped(self.transcript.name_of(label))));
        let time = self.time(paragraph.start);
        let text = escaped(&paragraph.text());
        let begins_line = name.is_none() && time.is_none();
        let text = if begins_line { without_mark_at_start(text) } else { text };
        name.into_iter().chain(time).chain([text]).collect::<Vec<_>>().join(" ")
    }

    fn time(&self, start: Seconds) -> Option<String> {
        match (self.options.times, &self.url) {
            (Times::Hidden, _) => None,
            (Times::Linked, Some(url)) => Some(format!("[{start}]({url}#t={})", start.rounded_to_millis().0.max(0.0))),
            (Times::Usual | Times::Shown | Times::Linked, _) => Some(format!("[{start}]")),
        }
    }
}

/// The text on one line, with a backslash before each character that Markdown (with the tables, strike-through and
/// formulas of GitHub) may read as markup. What counts only at the start of a line (`-`, `+`, `1.`) is left to
/// [`without_mark_at_start`].
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

/// The same text where it is the first of its line: no entry of a list, numbered or not, and no heading's underline.
fn without_mark_at_start(mut text: String) -> String {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_number = n_digits > 0 && text[n_digits..].starts_with(['.', ')']);
    if is_number || text.starts_with(['-', '+', '=']) {
        text.insert(n_digits, '\\');
    }
    text
}
