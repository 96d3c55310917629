//! One page for browsers, complete in itself: style and script are in it, nothing is fetched but the recording, where
//! the page is told where that lies. A click on a word plays it from there; the word being said is marked; a box
//! searches the text. Speakers have colours as in the window, and words that others talk over are marked.
//!
//! All that was said, all names and the title are text and nothing else, whatever they contain.

use std::collections::BTreeMap;

use crate::transcript::split::places;
use crate::transcript::{Segment, Transcript, Word};
use crate::units::Seconds;

use super::document::{self, Paragraph};
use super::link::url_of;
use super::markup::{escaped, escaped_line};
use super::{ExportOptions, Info, SpeakerNames, Times};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The style has so many colours for speakers. Where more people speak, they are used again.
const N_COLOURS: usize = 10;

pub(super) fn render(transcript: &Transcript, info: &Info<'_>, options: &ExportOptions) -> String {
    let page = Page { transcript, info, options, colour_idx_of: colours(transcript) };
    let language = escaped_line(&transcript.language);
    let language = if language.is_empty() { String::new() } else { format!(" lang=\"{language}\"") };
    [
        "<!DOCTYPE html>\n",
        &format!("<html{language}>\n<head>\n<meta charset=\"utf-8\">\n"),
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        &format!("<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n", escaped_line(info.title)),
        &format!("<body>\n{}{}", page.header(), page.main()),
        &format!("<script>\n{SCRIPT}</script>\n</body>\n</html>\n"),
    ]
    .concat()
}

struct Page<'a> {
    transcript: &'a Transcript,
    info: &'a Info<'a>,
    options: &'a ExportOptions,
    /// By label.
    colour_idx_of: BTreeMap<&'a str, usize>,
}

impl Page<'_> {
    fn header(&self) -> String {
        let title = format!("<h1 dir=\"auto\">{}</h1>\n", escaped_line(self.info.title));
        let facts = format!("<p class=\"facts\">{}</p>\n", escaped(&document::facts(self.transcript)));
        let audio = self.info.audio.map_or_else(String::new, |path| {
            let url = escaped(&url_of(path));
            format!("<audio id=\"recording\" controls preload=\"metadata\" src=\"{url}\"></audio>\n")
        });
        let search = "<p class=\"search\"><label>Search <input type=\"search\" id=\"search\"></label> \
                      <output id=\"found\"></output></p>\n";
        ["<header>\n", &title, &facts, &audio, search, "</header>\n"].concat()
    }

    fn main(&self) -> String {
        let paragraphs = document::paragraphs(self.transcript);
        let turns: String = if paragraphs.is_empty() {
            format!("<p>{}</p>\n", document::NO_SPEECH)
        } else {
            paragraphs.iter().map(|paragraph| self.turn(paragraph)).collect()
        };
        format!("<main>\n{turns}</main>\n")
    }

    fn turn(&self, paragraph: &Paragraph<'_>) -> String {
        let label = match self.options.speaker_names {
            SpeakerNames::Shown => paragraph.speaker,
            SpeakerNames::Hidden => None,
        };
        let colour = label.and_then(|label| self.colour_idx_of.get(label));
        let colour = colour.map_or_else(String::new, |idx| format!(" s{}", idx % N_COLOURS));
        let name = label.map(|label| {
            let name = escaped_line(self.transcript.name_of(label));
            format!("<bdi class=\"name\">{name}</bdi>")
        });
        let who: Vec<String> = name.into_iter().chain(self.time(paragraph.start)).collect();
        let who = if who.is_empty() { String::new() } else { format!("<p>{}</p>\n", who.join(" ")) };
        let said: Vec<String> = paragraph.segments.iter().map(|segment| self.said(segment)).collect();
        let said = said.join(" ");
        format!("<section class=\"turn{colour}\">\n{who}<p dir=\"auto\">{said}</p>\n</section>\n")
    }

    fn time(&self, start: Seconds) -> Option<String> {
        match (self.options.times, self.info.audio) {
            (Times::Hidden, _) => None,
            (Times::Usual | Times::Shown | Times::Linked, None) => Some(format!("<span class=\"time\">{start}</span>")),
            (Times::Usual | Times::Shown | Times::Linked, Some(_)) => {
                let at = attribute(start);
                Some(format!("<button type=\"button\" class=\"time\"{at}>{start}</button>"))
            }
        }
    }

    /// The text of a segment, with its words as elements where there is something to say of them.
    fn said(&self, segment: &Segment) -> String {
        if segment.words.is_empty() {
            return self.element("", Some(segment.span.start), segment.text.trim());
        }
        let text = segment.text.trim();
        let mut said = String::with_capacity(text.len());
        let mut end = 0;
        for (word, place) in segment.words.iter().zip(places(text, &segment.words)) {
            said.push_str(&escaped(&text[end..place.start]));
            said.push_str(&self.word(word, &text[place.clone()]));
            end = place.end;
        }
        said + &escaped(&text[end..])
    }

    fn word(&self, word: &Word, written: &str) -> String {
        let others: Vec<&str> = word.overlapped_by.iter().map(|label| self.transcript.name_of(label)).collect();
        let is_overlapped = !others.is_empty();
        let mark = match self.options.speaker_names {
            SpeakerNames::Shown if is_overlapped => {
                let others = escaped_line(&others.join(", "));
                format!(" class=\"both\" title=\"At the same time: {others}\"")
            }
            SpeakerNames::Hidden if is_overlapped => " class=\"both\"".to_owned(),
            SpeakerNames::Shown | SpeakerNames::Hidden => String::new(),
        };
        self.element(&mark, word.span.map(|span| span.start), written)
    }

    /// The text as an element with these attributes, and with its time where it can be played; as it is without any.
    fn element(&self, attributes: &str, start: Option<Seconds>, text: &str) -> String {
        let time = self.info.audio.and(start).map_or_else(String::new, attribute);
        let text = escaped(text);
        if text.is_empty() || (attributes.is_empty() && time.is_empty()) {
            text
        } else {
            format!("<span{attributes}{time}>{text}</span>")
        }
    }
}

/// When something was said, for the script.
fn attribute(start: Seconds) -> String {
    format!(" data-t=\"{}\"", start.rounded_to_millis().0.max(0.0))
}

/// An index for the speakers, in their order, and for those whom only segments name.
fn colours(transcript: &Transcript) -> BTreeMap<&str, usize> {
    let speakers = transcript.speakers.iter().map(|speaker| speaker.label.as_str());
    let named = transcript.segments.iter().filter_map(|segment| segment.speaker.as_deref());
    let mut colour_idx_of = BTreeMap::new();
    for label in speakers.chain(named) {
        let n_before = colour_idx_of.len();
        colour_idx_of.entry(label).or_insert(n_before);
    }
    colour_idx_of
}
