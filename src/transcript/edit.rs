//! Changes of who speaks: a name for a speaker, one speaker made of two, or somebody else for what was said. Each change
//! keeps what it replaced, so that it can be taken back. No change touches the text or the times of words.

use std::mem;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::units::TimeSpan;

use super::split::{span_of_words, split_at_speakers};
use super::talk::talk_times;
use super::{Segment, Speaker, Transcript, Turn, Word};

/// How many changes can be taken back.
const MAX_STEPS: usize = 200;

/// Something to be changed. Speakers are named by their labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Gives a speaker a name, or takes it away where it is blank.
    RenameSpeaker {
        /// The speaker.
        label: String,
        /// The name, which nobody else in the transcript may have.
        name: String,
    },
    /// Makes one speaker of two, who keeps the name and the label of the second.
    MergeSpeakers {
        /// The speaker who is no more afterwards.
        from: String,
        /// The speaker who has said it all.
        into: String,
    },
    /// Gives a segment, its words and its time to a speaker.
    GiveSegment {
        /// Index of the segment.
        segment_idx: usize,
        /// The speaker.
        to: String,
    },
    /// Gives a turn to a speaker, and with it the words that its speaker said in it.
    GiveTurn {
        /// Index of the turn.
        turn_idx: usize,
        /// The speaker.
        to: String,
    },
    /// Gives words of a segment and their time to a speaker; the segment is split around them.
    GiveWords {
        /// Index of the segment.
        segment_idx: usize,
        /// Indices of the words.
        words: Range<usize>,
        /// The speaker.
        to: String,
    },
}

/// A change is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No speaker has this label.
    #[error("nobody here goes by the label `{label}`; there are {known}")]
    UnknownSpeaker {
        /// The label asked for.
        label: String,
        /// The labels there are.
        known: String,
    },
    /// One cannot be two.
    #[error("{label} cannot be merged with itself; choose another speaker")]
    SameSpeaker {
        /// The speaker.
        label: String,
    },
    /// Two speakers of one name could not be told apart.
    #[error("{label} is called {name} already; merge the two if they are one person, or choose another name")]
    NameTaken {
        /// The name asked for.
        name: String,
        /// Who has it.
        label: String,
    },
    /// There are fewer segments.
    #[error("there is no segment {idx}, counted from 0; the transcript has {count}")]
    NoSuchSegment {
        /// The index asked for.
        idx: usize,
        /// How many there are.
        count: usize,
    },
    /// There are fewer turns.
    #[error("there is no turn {idx}, counted from 0; the transcript has {count}")]
    NoSuchTurn {
        /// The index asked for.
        idx: usize,
        /// How many there are.
        count: usize,
    },
    /// There are fewer words, or none were asked for.
    #[error("there are no words {words:?}, counted from 0, in segment {segment_idx}; it has {count}")]
    NoSuchWords {
        /// The segment.
        segment_idx: usize,
        /// The indices asked for.
        words: Range<usize>,
        /// How many there are.
        count: usize,
    },
}

/// The changes that were made to one transcript. Between its calls, nobody else may change the transcript.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Changes that cannot be taken back: those of an earlier day, and those before the last [`MAX_STEPS`].
    settled: Vec<Change>,
    done: Vec<Step>,
    undone: Vec<Step>,
}

/// A change, and what takes it back or makes it again.
#[derive(Clone, Debug)]
struct Step {
    change: Change,
    edit: Edit,
}

impl History {
    /// The history of a transcript that has these changes in it already.
    pub fn after(changes: Vec<Change>) -> Self {
        Self { settled: changes, ..Self::default() }
    }

    /// The changes that are in the transcript, oldest first; those that were taken back are not.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.settled.iter().chain(self.done.iter().map(|step| &step.change))
    }

    /// Makes a change. One that is not possible leaves everything as it was; one that makes no difference is no step.
    pub fn apply(&mut self, transcript: &mut Transcript, change: Change) -> Result<(), EditError> {
        let edit = match &change {
            Change::RenameSpeaker { label, name } => rename_speaker(transcript, label, name),
            Change::MergeSpeakers { from, into } => merge_speakers(transcript, from, into),
            Change::GiveSegment { segment_idx, to } => give_segment(transcript, *segment_idx, to),
            Change::GiveTurn { turn_idx, to } => give_turn(transcript, *turn_idx, to),
            Change::GiveWords { segment_idx, words, to } => give_words(transcript, *segment_idx, words.clone(), to),
        };
        let mut edit = edit?.without_what_is_there(transcript);
        if !edit.is_empty() {
            edit.swap(transcript);
            self.undone.clear();
            self.done.push(Step { change, edit });
            if self.done.len() > MAX_STEPS {
                self.settled.push(self.done.remove(0).change);
            }
        }
        Ok(())
    }

    /// Whether there is a change to take back.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether there is a change to make again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Takes the last change back; `false` where there is none.
    pub fn undo(&mut self, transcript: &mut Transcript) -> bool {
        step(&mut self.done, &mut self.undone, transcript)
    }

    /// Makes the change again that was taken back last; `false` where there is none.
    pub fn redo(&mut self, transcript: &mut Transcript) -> bool {
        step(&mut self.undone, &mut self.done, transcript)
    }
}

fn step(from: &mut Vec<Step>, to: &mut Vec<Step>, transcript: &mut Transcript) -> bool {
    let Some(mut taken) = from.pop() else { return false };
    taken.edit.swap(transcript);
    to.push(taken);
    true
}

/// What is to take the place of parts of a transcript; once it has, what was there before.
#[derive(Clone, Debug, Default)]
struct Edit {
    speakers: Option<Vec<Speaker>>,
    turns: Option<Vec<Turn>>,
    segments: Option<Splice>,
}

/// Segments that take the place of others.
#[derive(Clone, Debug)]
struct Splice {
    at: usize,
    n_replaced: usize,
    segments: Vec<Segment>,
}

impl Edit {
    fn is_empty(&self) -> bool {
        self.speakers.is_none() && self.turns.is_none() && self.segments.is_none()
    }

    /// Only those parts that make a difference.
    fn without_what_is_there(self, transcript: &Transcript) -> Self {
        let is_new = |splice: &Splice| transcript.segments[splice.replaced()] != splice.segments;
        Self {
            speakers: self.speakers.filter(|speakers| *speakers != transcript.speakers),
            turns: self.turns.filter(|turns| *turns != transcript.turns),
            segments: self.segments.filter(is_new),
        }
    }

    /// Puts the parts in their place and keeps what was there. Doing so twice changes nothing.
    fn swap(&mut self, transcript: &mut Transcript) {
        if let Some(speakers) = &mut self.speakers {
            mem::swap(speakers, &mut transcript.speakers);
        }
        if let Some(turns) = &mut self.turns {
            mem::swap(turns, &mut transcript.turns);
        }
        if let Some(splice) = &mut self.segments {
            let (replaced, n_new) = (splice.replaced(), splice.segments.len());
            let new = mem::take(&mut splice.segments);
            splice.segments = transcript.segments.splice(replaced, new).collect();
            splice.n_replaced = n_new;
        }
    }
}

impl Splice {
    /// The first to the last of those segments of which `change` makes others.
    fn of(segments: &[Segment], change: impl Fn(&Segment) -> Option<Vec<Segment>>) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (idx, segment) in segments.iter().enumerate() {
            if let Some(parts) = change(segment) {
                let splice = found.get_or_insert(Self { at: idx, n_replaced: 0, segments: Vec::new() });
                splice.segments.extend_from_slice(&segments[splice.at + splice.n_replaced..idx]);
                splice.segments.extend(parts);
                splice.n_replaced = idx + 1 - splice.at;
            }
        }
        found
    }

    fn replaced(&self) -> Range<usize> {
        self.at..self.at + self.n_replaced
    }
}

fn rename_speaker(transcript: &Transcript, label: &str, name: &str) -> Result<Edit, EditError> {
    let idx = speaker_idx(transcript, label)?;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let has_name = |other: &&Speaker| other.label == name || other.name.as_ref() == Some(&name);
    if let Some(other) = transcript.speakers.iter().filter(|other| other.label != label).find(has_name) {
        return Err(EditError::NameTaken { name, label: other.label.clone() });
    }
    let mut speakers = transcript.speakers.clone();
    speakers[idx].name = Some(name).filter(|name| !name.is_empty() && name != label);
    Ok(Edit { speakers: Some(speakers), ..Edit::default() })
}

fn merge_speakers(transcript: &Transcript, from: &str, into: &str) -> Result<Edit, EditError> {
    let (from_idx, into_idx) = (speaker_idx(transcript, from)?, speaker_idx(transcript, into)?);
    if from_idx == into_idx {
        return Err(EditError::SameSpeaker { label: into.to_owned() });
    }
    let secs: Vec<f64> = talk_times(transcript).iter().map(|talk| talk.seconds.0).collect();
    let mut speakers = transcript.speakers.clone();
    let (gone, kept) = (&transcript.speakers[from_idx], &mut speakers[into_idx]);
    if kept.name.is_none() && gone.name.is_some() {
        kept.name.clone_from(&gone.name);
        kept.recognition.clone_from(&gone.recognition);
    }
    kept.voiceprint = mean_voice((&kept.voiceprint, secs[into_idx]), (&gone.voiceprint, secs[from_idx]));
    speakers.remove(from_idx);

    let mut turns = transcript.turns.clone();
    for turn in turns.iter_mut().filter(|turn| turn.speaker == from) {
        into.clone_into(&mut turn.speaker);
    }
    let segments = Splice::of(&transcript.segments, |segment| {
        let mut merged = segment.clone();
        if merged.speaker.as_deref() == Some(from) {
            merged.speaker = Some(into.to_owned());
        }
        for word in &mut merged.words {
            relabel(word, from, into);
        }
        (merged != *segment).then(|| vec![merged])
    });
    Ok(Edit { speakers: Some(speakers), turns: Some(joined(turns, into)), segments })
}

fn give_segment(transcript: &Transcript, segment_idx: usize, to: &str) -> Result<Edit, EditError> {
    let segment = segment(transcript, segment_idx)?;
    speaker_idx(transcript, to)?;
    let mut given = segment.clone();
    given.speaker = Some(to.to_owned());
    for word in &mut given.words {
        give_word(word, to);
    }
    let turns = handed_over(&transcript.turns, segment.speaker.as_deref(), to, segment.span);
    let splice = Splice { at: segment_idx, n_replaced: 1, segments: vec![given] };
    Ok(Edit { turns: Some(turns), segments: Some(splice), speakers: None })
}

fn give_turn(transcript: &Transcript, turn_idx: usize, to: &str) -> Result<Edit, EditError> {
    let count = transcript.turns.len();
    let turn = transcript.turns.get(turn_idx).ok_or(EditError::NoSuchTurn { idx: turn_idx, count })?;
    speaker_idx(transcript, to)?;
    let mut turns = transcript.turns.clone();
    to.clone_into(&mut turns[turn_idx].speaker);
    let segments = Splice::of(&transcript.segments, |segment| given_with_turn(segment, turn, to));
    Ok(Edit { turns: Some(joined(turns, to)), segments, speakers: None })
}

fn give_words(transcript: &Transcript, segment_idx: usize, words: Range<usize>, to: &str) -> Result<Edit, EditError> {
    let segment = segment(transcript, segment_idx)?;
    speaker_idx(transcript, to)?;
    let no_such_words = EditError::NoSuchWords { segment_idx, words: words.clone(), count: segment.words.len() };
    let mut given = segment.clone();
    let words = given.words.get_mut(words).filter(|words| !words.is_empty()).ok_or(no_such_words)?;
    let from = words[0].speaker.as_deref().or(segment.speaker.as_deref());
    let turns = span_of_words(words).map(|span| handed_over(&transcript.turns, from, to, span));
    for word in words {
        give_word(word, to);
    }
    let splice = Splice { at: segment_idx, n_replaced: 1, segments: split_at_speakers(given) };
    Ok(Edit { turns, segments: Some(splice), speakers: None })
}

fn speaker_idx(transcript: &Transcript, label: &str) -> Result<usize, EditError> {
    let idx = transcript.speakers.iter().position(|speaker| speaker.label == label);
    idx.ok_or_else(|| {
        let labels: Vec<&str> = transcript.speakers.iter().map(|speaker| speaker.label.as_str()).collect();
        let known = if labels.is_empty() { "no speakers".to_owned() } else { labels.join(", ") };
        EditError::UnknownSpeaker { label: label.to_owned(), known }
    })
}

fn segment(transcript: &Transcript, idx: usize) -> Result<&Segment, EditError> {
    let count = transcript.segments.len();
    transcript.segments.get(idx).ok_or(EditError::NoSuchSegment { idx, count })
}

/// The mean direction of two voices, each with the seconds for which it was heard; the first where there is none.
fn mean_voice((a, a_secs): (&[f32], f64), (b, b_secs): (&[f32], f64)) -> Vec<f32> {
    if a.len() != b.len() {
        return if a.is_empty() { b.to_vec() } else { a.to_vec() };
    }
    let sum: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(*a) * a_secs + f64::from(*b) * b_secs).collect();
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 { sum.iter().map(|value| (value / length) as f32).collect() } else { a.to_vec() }
}

/// What becomes of a segment when a turn goes to somebody else; `None` where that is nothing.
fn given_with_turn(segment: &Segment, turn: &Turn, to: &str) -> Option<Vec<Segment>> {
    if segment.span.end.0 < turn.span.start.0 || turn.span.end.0 < segment.span.start.0 {
        return None;
    }
    let is_in_turn = |span: TimeSpan| {
        let middle = f64::midpoint(span.start.0, span.end.0);
        turn.span.start.0 <= middle && middle <= turn.span.end.0
    };
    let mut given = segment.clone();
    // A word without a time goes with the word before it.
    let mut goes = false;
    for word in &mut given.words {
        goes = word.span.map_or(goes, is_in_turn);
        if goes {
            relabel(word, &turn.speaker, to);
        }
    }
    if given.words.is_empty() && given.speaker.as_ref() == Some(&turn.speaker) && is_in_turn(given.span) {
        given.speaker = Some(to.to_owned());
    }
    (given != *segment).then(|| split_at_speakers(given))
}

fn give_word(word: &mut Word, to: &str) {
    word.speaker = Some(to.to_owned());
    word.overlapped_by.retain(|label| label != to);
}

/// Puts one speaker in the place of another in all that a word knows of them.
fn relabel(word: &mut Word, from: &str, to: &str) {
    if word.speaker.as_deref() == Some(from) {
        give_word(word, to);
    }
    if let Some(at) = word.overlapped_by.iter().position(|label| label == from) {
        word.overlapped_by.remove(at);
        let is_there = word.speaker.as_deref() == Some(to) || word.overlapped_by.iter().any(|label| label == to);
        if !is_there {
            word.overlapped_by.push(to.to_owned());
            word.overlapped_by.sort();
        }
    }
}

/// The turns after one speaker has given a stretch of time to another: as far as they talk in it; or all of it, where
/// nobody is known to.
fn handed_over(turns: &[Turn], from: Option<&str>, to: &str, span: TimeSpan) -> Vec<Turn> {
    let Some(from) = from else {
        let all_of_it = Turn { span, speaker: to.to_owned() };
        return joined(turns.iter().cloned().chain([all_of_it]).collect(), to);
    };
    let mut after = Vec::with_capacity(turns.len() + 2);
    for turn in turns {
        let start = turn.span.start.0.max(span.start.0);
        let end = turn.span.end.0.min(span.end.0);
        if turn.speaker != from || end <= start {
            after.push(turn.clone());
            continue;
        }
        let pieces = [(turn.span.start.0, start, from), (start, end, to), (end, turn.span.end.0, from)];
        for (start, end, speaker) in pieces.into_iter().filter(|(start, end, _)| start < end) {
            after.push(Turn { span: TimeSpan::from_secs(start, end), speaker: speaker.to_owned() });
        }
    }
    joined(after, to)
}

/// The turns by start, those of one speaker joined where they touch or overlap.
fn joined(mut turns: Vec<Turn>, speaker: &str) -> Vec<Turn> {
    turns.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
    let mut joined: Vec<Turn> = Vec::with_capacity(turns.len());
    let mut last_idx: Option<usize> = None;
    for turn in turns {
        let is_theirs = turn.speaker == speaker;
        match last_idx {
            Some(last) if is_theirs && turn.span.start.0 <= joined[last].span.end.0 => {
                joined[last].span.end.0 = joined[last].span.end.0.max(turn.span.end.0);
            }
            _ => {
                if is_theirs {
                    last_idx = Some(joined.len());
                }
                joined.push(turn);
            }
        }
    }
    joined
}
