//! What the documents to read (Markdown, DOCX, HTML) have in common: the line of facts below the title, and the
//! paragraphs, each of which is what one speaker says without a break. How that is marked up is theirs.

use std::collections::BTreeMap;

use crate::transcript::talk::{TalkTime, talk_times};
use crate::transcript::{Segment, Transcript};
use crate::units::Seconds;

/// What a document says where there are no paragraphs.
pub(super) const NO_SPEECH: &str = "No speech was found in this recording.";
/// What a chapter is called whose speaker is not known.
pub(super) const NOBODY: &str = "Speaker not known";

/// A speaker who goes on for longer gets a new paragraph, so that a time is never far from the words it belongs to.
const MAX_PARAGRAPH: Seconds = Seconds(60.0);

/// Length and language of the recording.
pub(super) fn facts(transcript: &Transcript) -> String {
    let duration = format!("Duration: {}", transcript.duration);
    if transcript.language.is_empty() { duration } else { format!("{duration} · Language: {}", transcript.language) }
}

/// What one speaker says without a break.
pub(super) struct Paragraph<'a> {
    /// Label of the speaker.
    pub(super) speaker: Option<&'a str>,
    pub(super) start: Seconds,
    /// At least one, none without text.
    pub(super) segments: Vec<&'a Segment>,
}

impl Paragraph<'_> {
    /// What is said, on one line.
    pub(super) fn text(&self) -> String {
        let words = self.segments.iter().flat_map(|segment| segment.text.split_whitespace());
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether this segment goes on with what the speaker of this paragraph says.
    fn goes_on_in(&self, segment: &Segment) -> bool {
        self.speaker.is_some()
            && self.speaker == segment.speaker.as_deref()
            && segment.span.start.0 - self.start.0 < MAX_PARAGRAPH.0
    }
}

/// The paragraphs, in the order of the transcript.
pub(super) fn paragraphs(transcript: &Transcript) -> Vec<Paragraph<'_>> {
    let mut paragraphs: Vec<Paragraph<'_>> = Vec::new();
    for segment in transcript.segments.iter().filter(|segment| !segment.text.trim().is_empty()) {
        match paragraphs.last_mut() {
            Some(paragraph) if paragraph.goes_on_in(segment) => paragraph.segments.push(segment),
            _ => paragraphs.push(Paragraph {
                speaker: segment.speaker.as_deref(),
                start: segment.span.start,
                segments: vec![segment],
            }),
        }
    }
    paragraphs
}

/// All that one speaker says.
pub(super) struct Chapter<'a> {
    /// Name of the speaker.
    pub(super) heading: &'a str,
    /// How long they talk, where that is known.
    pub(super) talk: Option<String>,
    pub(super) paragraphs: Vec<Paragraph<'a>>,
}

/// A chapter for each speaker, in the order in which they first speak.
pub(super) fn chapters(transcript: &Transcript) -> Vec<Chapter<'_>> {
    let talk_of: BTreeMap<&str, String> = talk_lines(transcript).into_iter().collect();
    let mut idx_of: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    for paragraph in paragraphs(transcript) {
        let speaker = paragraph.speaker;
        let idx = *idx_of.entry(speaker).or_insert(chapters.len());
        if idx == chapters.len() {
            let heading = speaker.map_or(NOBODY, |label| transcript.name_of(label));
            let talk = speaker.and_then(|label| talk_of.get(label).cloned());
            chapters.push(Chapter { heading, talk, paragraphs: Vec::new() });
        }
        chapters[idx].paragraphs.push(paragraph);
    }
    chapters
}

/// The label of each speaker and how long they talk, in the order of the speakers.
pub(super) fn talk_lines(transcript: &Transcript) -> Vec<(&str, String)> {
    let line = |talk: TalkTime| format!("{} ({:.0} %)", talk.seconds, talk.share * 100.0);
    let labels = transcript.speakers.iter().map(|speaker| speaker.label.as_str());
    labels.zip(talk_times(transcript).into_iter().map(line)).collect()
}
