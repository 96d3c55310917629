//! Changes of a transcript: what was said, where its segments begin, and who speaks. Each change keeps what it
//! replaced, so that it can be taken back to the last bit.
//!
//! A change names segments, words and turns by their indices in the transcript before it. Words are counted as
//! [`word_places`](super::split::word_places) does: where none were aligned, those that are written count.

mod respread;
mod speakers;
mod splice;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Transcript;
use super::search::{Case, Found, Needle, WholeWords};
use super::split::word_places;
use super::writing::Writing;

use splice::Edit;

/// How many changes can be taken back.
const MAX_STEPS: usize = 200;

/// Something to be changed. Speakers are named by their labels. The library keeps these: a variant keeps its form.
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
    /// Has other words in the place of some of a segment. Those that stay at the ends keep their times, new ones share
    /// the time between. Where no words are left, the segment goes.
    ReplaceText {
        /// Index of the segment.
        segment_idx: usize,
        /// Indices of the words; where there are none, the new ones are put before the word that the range begins with.
        words: Range<usize>,
        /// What was said; blank to take the words away.
        text: String,
    },
    /// Makes two segments of one. They stay in order of time, so the second may come after others.
    SplitSegment {
        /// Index of the segment.
        segment_idx: usize,
        /// Index of the word that the second begins with.
        at_word: usize,
    },
    /// Makes one of a segment and the next; its speaker is that of the first, and has said it all.
    MergeSegments {
        /// Index of the first.
        segment_idx: usize,
    },
    /// Has another text wherever one is found.
    ReplaceAll {
        /// What is looked for.
        find: String,
        /// What takes its place; blank to take it away.
        replace: String,
        /// Whether small letters and capitals differ.
        case: Case,
        /// Whether it is found as a part of words.
        words: WholeWords,
    },
    /// Takes a segment away. Turns stay: somebody did speak.
    DeleteSegment {
        /// Index of the segment.
        segment_idx: usize,
    },
}

impl Change {
    /// To have another text at one of the places that were found; `None` where the transcript has changed since.
    pub fn replacing(transcript: &Transcript, found: &Found, replace: &str) -> Option<Self> {
        let segment = transcript.segments.get(found.segment_idx)?;
        let places = word_places(segment, Writing::of(&transcript.language));
        let words = places.get(found.words.clone())?;
        let start = words.first().map_or(found.bytes.start, |place| place.start.min(found.bytes.start));
        let end = words.last().map_or(found.bytes.end, |place| place.end.max(found.bytes.end));
        let before = segment.text.get(start..found.bytes.start)?;
        let after = segment.text.get(found.bytes.end..end)?;
        let text = [before, replace, after].concat();
        Some(Self::ReplaceText { segment_idx: found.segment_idx, words: found.words.clone(), text })
    }
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
    /// One of the parts would have no word.
    #[error(
        "segment {segment_idx} cannot be split before word {at_word}, both counted from 0; it has {count}, and each \
             part needs one"
    )]
    NothingToSplit {
        /// The segment.
        segment_idx: usize,
        /// The word asked for.
        at_word: usize,
        /// How many there are.
        count: usize,
    },
    /// Their words would not be in order of time.
    #[error("segment {segment_idx}, counted from 0, and the next are said at the same time and cannot be merged")]
    SaidAtOnce {
        /// The first of the two.
        segment_idx: usize,
    },
    /// Blanks are everywhere.
    #[error("there is nothing to look for; type what is to be replaced")]
    NothingToFind,
}

/// The changes that were made to one transcript. Between its calls, nobody else may change the transcript.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Those that cannot be taken back any more.
    earlier: Vec<Change>,
    done: Vec<Step>,
    undone: Vec<Step>,
}

/// A change and how it is taken back or made again.
#[derive(Clone, Debug)]
struct Step {
    change: Change,
    edit: Edit,
}

impl History {
    /// The history of a transcript in which there are changes of an earlier day. They cannot be taken back.
    pub fn after(changes: Vec<Change>) -> Self {
        Self { earlier: changes, ..Self::default() }
    }

    /// Makes a change and returns in how many places: one, but for those that look for places. A change that is not
    /// possible leaves everything as it was; one that makes no difference is no step, and in no place.
    pub fn apply(&mut self, transcript: &mut Transcript, change: Change) -> Result<usize, EditError> {
        let mut edit = edit_for(transcript, &change)?.without_what_is_there(transcript);
        if edit.is_empty() {
            return Ok(0);
        }
        edit.swap(transcript);
        let n_places = edit.n_found.unwrap_or(1);
        self.undone.clear();
        self.done.push(Step { change, edit });
        if self.done.len() > MAX_STEPS {
            self.earlier.push(self.done.remove(0).change);
        }
        Ok(n_places)
    }

    /// All changes that are in the transcript, oldest first; those that were taken back are not.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.earlier.iter().chain(self.done.iter().map(|step| &step.change))
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
    let Some(mut step) = from.pop() else { return false };
    step.edit.swap(transcript);
    to.push(step);
    true
}

fn edit_for(transcript: &Transcript, change: &Change) -> Result<Edit, EditError> {
    match change {
        Change::RenameSpeaker { label, name } => speakers::rename_speaker(transcript, label, name),
        Change::MergeSpeakers { from, into } => speakers::merge_speakers(transcript, from, into),
        Change::GiveSegment { segment_idx, to } => speakers::give_segment(transcript, *segment_idx, to),
        Change::GiveTurn { turn_idx, to } => speakers::give_turn(transcript, *turn_idx, to),
        Change::GiveWords { segment_idx, words, to } => {
            speakers::give_words(transcript, *segment_idx, words.clone(), to)
        }
        Change::ReplaceText { segment_idx, words, text } => {
            text::replace_text(transcript, *segment_idx, words.clone(), text)
        }
        Change::SplitSegment { segment_idx, at_word } => text::split_segment(transcript, *segment_idx, *at_word),
        Change::MergeSegments { segment_idx } => text::merge_segments(transcript, *segment_idx),
        Change::ReplaceAll { find, replace, case, words } => {
            let needle = Needle::new(find, *case, *words, Writing::of(&transcript.language));
            text::replace_all(transcript, needle, replace)
        }
        Change::DeleteSegment { segment_idx } => text::delete_segment(transcript, *segment_idx),
    }
}
