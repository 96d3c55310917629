//! Changes of who speaks: a name for a speaker, one speaker made of two, or somebody else for what was said. None
//! touches the text or the times of words.

use std::ops::Range;

use crate::transcript::split::{span_of_words, split_at_speakers};
use crate::transcript::talk::talk_times;
use crate::transcript::{Segment, Speaker, Transcript, Turn, Word};
use crate::units::TimeSpan;

use super::EditError;
use super::splice::{Edit, Splice, in_order};
use super::text::segment;

pub(super) fn rename_speaker(transcript: &Transcript, label: &str, name: &str) -> Result<Edit, EditError> {
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

pub(super) fn merge_speakers(transcript: &Transcript, from: &str, into: &str) -> Result<Edit, EditError> {
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
    let segments = Splice::each(&transcript.segments, |segment| {
        if !names(segment, from) {
            return None;
        }
        let mut merged = segment.clone();
        if merged.speaker.as_deref() == Some(from) {
            merged.speaker = Some(into.to_owned());
        }
        for word in &mut merged.words {
            relabel(word, from, into);
        }
        Some(vec![merged])
    });
    let turns = Splice { at: 0, n_replaced: turns.len(), new: joined(turns, into) };
    Ok(Edit { speakers: Some(speakers), turns: vec![turns], segments, ..Edit::default() })
}

pub(super) fn give_segment(transcript: &Transcript, segment_idx: usize, to: &str) -> Result<Edit, EditError> {
    let segment = segment(transcript, segment_idx)?;
    speaker_idx(transcript, to)?;
    let mut given = segment.clone();
    given.speaker = Some(to.to_owned());
    for word in &mut given.words {
        give_word(word, to);
    }
    let turns = handed_over(&transcript.turns, segment.speaker.as_deref(), to, segment.span);
    Ok(Edit { turns: vec![turns], segments: vec![Splice::one(segment_idx, vec![given])], ..Edit::default() })
}

pub(super) fn give_turn(transcript: &Transcript, turn_idx: usize, to: &str) -> Result<Edit, EditError> {
    let count = transcript.turns.len();
    let turn = transcript.turns.get(turn_idx).ok_or(EditError::NoSuchTurn { idx: turn_idx, count })?;
    speaker_idx(transcript, to)?;
    let near = touching(&transcript.turns, turn.span);
    let near = near.start.min(turn_idx)..near.end.max(turn_idx + 1);
    let mut turns = transcript.turns[near.clone()].to_vec();
    to.clone_into(&mut turns[turn_idx - near.start].speaker);
    let turns = Splice { at: near.start, n_replaced: near.len(), new: joined(turns, to) };
    let segments = Splice::each(&transcript.segments, |segment| given_with_turn(segment, turn, to));
    let segments = in_order(segments, &transcript.segments);
    Ok(Edit { turns: vec![turns], segments, ..Edit::default() })
}

pub(super) fn give_words(
    transcript: &Transcript,
    segment_idx: usize,
    words: Range<usize>,
    to: &str,
) -> Result<Edit, EditError> {
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
    let splice = Splice::one(segment_idx, split_at_speakers(given));
    let segments = in_order(vec![splice], &transcript.segments);
    Ok(Edit { turns: turns.into_iter().collect(), segments, ..Edit::default() })
}

fn speaker_idx(transcript: &Transcript, label: &str) -> Result<usize, EditError> {
    let idx = transcript.speakers.iter().position(|speaker| speaker.label == label);
    idx.ok_or_else(|| {
        let labels: Vec<&str> = transcript.speakers.iter().map(|speaker| speaker.label.as_str()).collect();
        let known = if labels.is_empty() { "no speakers".to_owned() } else { labels.join(", ") };
        EditError::UnknownSpeaker { label: label.to_owned(), known }
    })
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

/// Has a speaker say a word.
pub(super) fn give_word(word: &mut Word, to: &str) {
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

/// What becomes of turns when one speaker gives a stretch of time to another: as far as they talk in it; or all of it,
/// where nobody is known to.
pub(super) fn handed_over(turns: &[Turn], from: Option<&str>, to: &str, span: TimeSpan) -> Splice<Turn> {
    let near = touching(turns, span);
    let mut after = Vec::with_capacity(near.len() + 2);
    for turn in &turns[near.clone()] {
        let start = turn.span.start.0.max(span.start.0);
        let end = turn.span.end.0.min(span.end.0);
        let Some(from) = from.filter(|from| turn.speaker == *from && start < end) else {
            after.push(turn.clone());
            continue;
        };
        let pieces = [(turn.span.start.0, start, from), (start, end, to), (end, turn.span.end.0, from)];
        for (start, end, speaker) in pieces.into_iter().filter(|(start, end, _)| start < end) {
            after.push(Turn { span: TimeSpan::from_secs(start, end), speaker: speaker.to_owned() });
        }
    }
    if from.is_none() {
        after.push(Turn { span, speaker: to.to_owned() });
    }
    Splice { at: near.start, n_replaced: near.len(), new: joined(after, to) }
}

/// From the first to the last of the turns, by start, that have a moment with a stretch of time in common; where none
/// has, the place at which one would stand.
fn touching(turns: &[Turn], span: TimeSpan) -> Range<usize> {
    let end = turns.partition_point(|turn| turn.span.start.0 <= span.end.0);
    let start = turns[..end].iter().position(|turn| turn.span.end.0 >= span.start.0).unwrap_or(end);
    start..end
}

/// Whether a speaker says something of a segment, or talks over it.
fn names(segment: &Segment, label: &str) -> bool {
    let says = |word: &Word| word.speaker.as_deref() == Some(label) || word.overlapped_by.iter().any(|by| by == label);
    segment.speaker.as_deref() == Some(label) || segment.words.iter().any(says)
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
