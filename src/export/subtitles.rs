//! Turns a transcript into the cues that SRT and `WebVTT` have in common: which words are on the screen together, from
//! when to when, on which lines. How a cue is written is the matter of [`super::srt`] and [`super::vtt`].
//!
//! The rules are those of `SubtitlesWriter` in `whisperX` 3.8.6 (`whisperx/utils.py`), but for one: as soon as some
//! segment has aligned words, `whisperX` leaves out all segments without any. Here nothing that was said is lost: such a
//! segment is a cue by its own times, and where lines are limited, its text is laid out with the time spread over it.

use std::borrow::Cow;

use crate::transcript::{Segment, Transcript, Word};
use crate::units::{Seconds, TimeSpan};

use super::{ExportOptions, Highlight, SpeakerNames};

/// A text, and when it is on the screen.
pub(super) struct Cue {
    pub(super) start_millis: u64,
    pub(super) end_millis: u64,
    /// One or more lines, none of them blank, none with an arrow: either would end the cue or begin another.
    pub(super) text: String,
}

impl Cue {
    fn new((start_millis, end_millis): (u64, u64), text: &str) -> Self {
        Self { start_millis, end_millis, text: as_cue_text(text) }
    }
}

/// A time as it is written in subtitles.
pub(super) struct Clock {
    pub(super) hours: u64,
    pub(super) minutes: u64,
    pub(super) secs: u64,
    pub(super) millis: u64,
}

impl Clock {
    pub(super) fn of(millis: u64) -> Self {
        Self {
            hours: millis / 3_600_000,
            minutes: millis / 60_000 % 60,
            secs: millis / 1000 % 60,
            millis: millis % 1000,
        }
    }
}

/// The cues of a transcript. `escape` makes plain text safe for the format; markup is added after it.
pub(super) fn cues(transcript: &Transcript, options: &ExportOptions, escape: fn(&str) -> String) -> Vec<Cue> {
    let joint = joint(&transcript.language);
    let layout = Layout { transcript, speaker_names: options.speaker_names, joint, escape };
    let spoken: Vec<Spoken<'_>> =
        transcript.segments.iter().map(|segment| Spoken::new(segment, options, joint)).collect();
    let groups = groups(&spoken, options);
    match options.highlight_words {
        Highlight::Off => groups.iter().map(|group| group.cue(&layout)).collect(),
        Highlight::SpokenWord => groups.iter().flat_map(|group| group.highlighted_cues(&layout)).collect(),
    }
}

/// The line width where none is asked for: a segment is hardly ever longer.
const DEFAULT_LINE_WIDTH: usize = 1000;

/// Where cues run on from segment to segment, this much time from the start of a word to that of the next ends one.
const LONG_PAUSE: Seconds = Seconds(3.0);

/// What stands between two words.
fn joint(language: &str) -> &'static str {
    if matches!(language, "ja" | "zh") { "" } else { " " }
}

/// A segment with the words that its cues are made of.
struct Spoken<'a> {
    segment: &'a Segment,
    words: Cow<'a, [Word]>,
    timing: Timing,
}

/// Where the times of words come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    /// The words were aligned.
    Aligned,
    /// When a word is said is only guessed: good enough for a cue to change, not to point at it.
    Guessed,
}

impl<'a> Spoken<'a> {
    /// Where the segment has no words, its text is one without a time, or where lines are limited, as many as it is.
    fn new(segment: &'a Segment, options: &ExportOptions, joint: &str) -> Self {
        if segment.words.iter().any(is_written) {
            return Self { segment, words: Cow::Borrowed(&segment.words), timing: Timing::Aligned };
        }
        let is_limited = options.max_line_width.is_some() || options.max_line_count.is_some();
        let words = if is_limited { spread_words(segment, joint) } else { vec![word(segment.text.trim(), None)] };
        Self { segment, words: Cow::Owned(words), timing: Timing::Guessed }
    }
}

/// The words of a segment's text, whose times are spread over it by their length.
fn spread_words(segment: &Segment, joint: &str) -> Vec<Word> {
    // Without blanks between words, a line can be broken after any character.
    let texts: Vec<&str> =
        if joint.is_empty() { chars(&segment.text).collect() } else { segment.text.split_whitespace().collect() };
    let n_chars_in_all: usize = texts.iter().map(|text| text.chars().count()).sum();
    let mut n_chars_before = 0;
    let mut time_after = |n_chars: usize| {
        n_chars_before += n_chars;
        let share = n_chars_before as f64 / n_chars_in_all.max(1) as f64;
        Seconds(segment.span.start.0 + segment.span.duration().0 * share)
    };
    let mut words = Vec::with_capacity(texts.len());
    for text in texts {
        let span = TimeSpan { start: time_after(0), end: time_after(text.chars().count()) };
        words.push(word(text, Some(span)));
    }
    words
}

fn word(text: &str, span: Option<TimeSpan>) -> Word {
    Word { text: text.to_owned(), span, ..Word::default() }
}

fn is_written(word: &Word) -> bool {
    !word.text.trim().is_empty()
}

/// Every character that is not blank, as a text of its own.
fn chars(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().filter(|(_, c)| !c.is_whitespace()).map(|(at, c)| &text[at..at + c.len_utf8()])
}

/// How words become text.
struct Layout<'a> {
    /// It knows the names of speakers.
    transcript: &'a Transcript,
    speaker_names: SpeakerNames,
    joint: &'static str,
    escape: fn(&str) -> String,
}

impl Layout<'_> {
    fn speaker_prefix(&self, segment: &Segment) -> String {
        match (self.speaker_names, &segment.speaker) {
            (SpeakerNames::Shown, Some(label)) => format!("[{}]: ", (self.escape)(self.transcript.name_of(label))),
            (SpeakerNames::Shown, None) | (SpeakerNames::Hidden, _) => String::new(),
        }
    }
}

/// The words that are on the screen together.
struct Group<'a> {
    /// The segment of the first word. It names the speaker.
    segment: &'a Segment,
    /// At least one line, each of at least one word.
    lines: Vec<Vec<Shown<'a>>>,
}

/// A word on the screen.
#[derive(Clone, Copy)]
struct Shown<'a> {
    word: &'a Word,
    timing: Timing,
}

impl Shown<'_> {
    fn span_millis(self) -> Option<(u64, u64)> {
        self.word.span.map(millis)
    }
}

impl<'a> Group<'a> {
    fn has_room_on_last_line(&self, word: &Word, max_line_width: usize) -> bool {
        let width: usize = self.lines.last().into_iter().flatten().map(|shown| n_chars(shown.word)).sum();
        width + n_chars(word) <= max_line_width
    }

    fn add_to_last_line(&mut self, shown: Shown<'a>) {
        self.lines.last_mut().expect("a group begins with a line").push(shown);
    }

    /// From the start of the first word to the end of the last; that of the segment where no word has a time.
    fn span_millis(&self) -> (u64, u64) {
        let spans = || self.lines.iter().flatten().filter_map(|shown| shown.span_millis());
        let start = spans().map(|(start, _)| start).min();
        let end = spans().map(|(_, end)| end).max();
        start.zip(end).unwrap_or_else(|| millis(self.segment.span))
    }

    fn cue(&self, layout: &Layout<'_>) -> Cue {
        Cue::new(self.span_millis(), &self.text(layout, None))
    }

    fn highlighted_cues(&self, layout: &Layout<'_>) -> Vec<Cue> {
        let mut cues = Vec::new();
        let (mut shown_until, group_end) = self.span_millis();
        let mut ends_guessed = false;
        for shown in self.lines.iter().flatten() {
            ends_guessed = shown.timing == Timing::Guessed;
            let Some((start, end)) = shown.span_millis().filter(|_| !ends_guessed) else { continue };
            if shown_until < start {
                cues.push(Cue::new((shown_until, start), &self.text(layout, None)));
            }
            cues.push(Cue::new((start, end), &self.text(layout, Some(shown.word))));
            shown_until = end;
        }
        if cues.is_empty() {
            return vec![self.cue(layout)];
        }
        if ends_guessed && shown_until < group_end {
            cues.push(Cue::new((shown_until, group_end), &self.text(layout, None)));
        }
        cues
    }

    fn text(&self, layout: &Layout<'_>, underlined: Option<&Word>) -> String {
        let written = |word: &Word| {
            let text = (layout.escape)(word.text.trim());
            if underlined.is_some_and(|underlined| std::ptr::eq(underlined, word)) {
                format!("<u>{text}</u>")
            } else {
                text
            }
        };
        let line = |words: &Vec<Shown<'_>>| {
            words.iter().map(|shown| written(shown.word)).collect::<Vec<_>>().join(layout.joint)
        };
        let lines: Vec<String> = self.lines.iter().map(line).collect();
        // whisperX makes the line break part of the word after it, so the joint stays at the end of the line.
        layout.speaker_prefix(self.segment) + &lines.join(&format!("{}\n", layout.joint))
    }
}

/// Distributes all words over cues and lines.
fn groups<'a>(spoken: &'a [Spoken<'a>], options: &ExportOptions) -> Vec<Group<'a>> {
    let max_line_width = options.max_line_width.unwrap_or(DEFAULT_LINE_WIDTH);
    let max_line_count = options.max_line_count.unwrap_or(usize::MAX);
    let runs_on = options.max_line_width.is_some() && options.max_line_count.is_some();

    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut last_start = spoken.first().map_or(Seconds(0.0), |spoken| spoken.segment.span.start);
    for &Spoken { segment, ref words, timing } in spoken {
        for (word_idx, word) in words.iter().filter(|word| is_written(word)).enumerate() {
            let shown = Shown { word, timing };
            let start = word.span.map_or(last_start, |span| span.start);
            let stands_apart = if runs_on { start.0 - last_start.0 > LONG_PAUSE.0 } else { word_idx == 0 };
            last_start = start;
            match groups.last_mut() {
                Some(group) if !stands_apart && group.has_room_on_last_line(word, max_line_width) => {
                    group.add_to_last_line(shown);
                }
                Some(group) if !stands_apart && group.lines.len() < max_line_count => group.lines.push(vec![shown]),
                _ => groups.push(Group { segment, lines: vec![vec![shown]] }),
            }
        }
    }
    groups
}

fn n_chars(word: &Word) -> usize {
    word.text.trim().chars().count()
}

fn millis(span: TimeSpan) -> (u64, u64) {
    (span.start.to_millis(), span.end.to_millis())
}

/// The text without what has a meaning between cues: blank lines and arrows. An arrow may come of shortening a longer
/// one (`--->`), so it is done until there is none.
fn as_cue_text(text: &str) -> String {
    let lines: Vec<&str> = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).collect();
    let mut text = lines.join("\n");
    while text.contains("-->") {
        text = text.replace("-->", "->");
    }
    text
}
