//! What a change puts in the place of what: the smallest parts of a transcript, exchanged with what was there, so that
//! exchanging them again takes the change back to the last bit. It does not know why.

use std::mem;
use std::ops::Range;

use crate::transcript::{Segment, Speaker, Transcript, Turn};

/// What is to take the place of parts of a transcript; once it has, what was there before.
#[derive(Clone, Debug, Default)]
pub(super) struct Edit {
    pub(super) speakers: Option<Vec<Speaker>>,
    /// In order, and apart from each other; so are the segments.
    pub(super) turns: Vec<Splice<Turn>>,
    pub(super) segments: Vec<Splice<Segment>>,
    /// In how many places something was found that is replaced, where it was looked for.
    pub(super) n_found: Option<usize>,
}

/// Values that take the place of others.
#[derive(Clone, Debug)]
pub(super) struct Splice<T> {
    pub(super) at: usize,
    pub(super) n_replaced: usize,
    pub(super) new: Vec<T>,
}

impl Edit {
    pub(super) fn is_empty(&self) -> bool {
        self.speakers.is_none() && self.turns.is_empty() && self.segments.is_empty()
    }

    /// Only those parts that make a difference.
    pub(super) fn without_what_is_there(mut self, transcript: &Transcript) -> Self {
        self.speakers = self.speakers.filter(|speakers| *speakers != transcript.speakers);
        self.turns.retain(|splice| transcript.turns[splice.replaced()] != splice.new);
        self.segments.retain(|splice| transcript.segments[splice.replaced()] != splice.new);
        self
    }

    /// Puts the parts in their place and keeps what was there. Doing so twice changes nothing.
    pub(super) fn swap(&mut self, transcript: &mut Transcript) {
        if let Some(speakers) = &mut self.speakers {
            mem::swap(speakers, &mut transcript.speakers);
        }
        swap_all(&mut self.turns, &mut transcript.turns);
        swap_all(&mut self.segments, &mut transcript.segments);
    }
}

impl<T> Splice<T> {
    /// One value becomes others, or none.
    pub(super) fn one(at: usize, new: Vec<T>) -> Self {
        Self { at, n_replaced: 1, new }
    }

    /// One for each value of which `change` makes others.
    pub(super) fn each(values: &[T], mut change: impl FnMut(&T) -> Option<Vec<T>>) -> Vec<Self> {
        let changed = values.iter().enumerate().filter_map(|(at, value)| Some(Self::one(at, change(value)?)));
        changed.collect()
    }

    pub(super) fn replaced(&self) -> Range<usize> {
        self.at..self.at + self.n_replaced
    }
}

/// The splices such that segments stay in order of time: where a part begins after a segment that follows, all from the
/// first to the last that are concerned become one splice.
pub(super) fn in_order(splices: Vec<Splice<Segment>>, segments: &[Segment]) -> Vec<Splice<Segment>> {
    let latest_start = |parts: &[Segment]| parts.iter().map(|part| part.span.start.0).fold(f64::NEG_INFINITY, f64::max);
    let is_in_order = |splice: &Splice<Segment>| {
        let next = segments.get(splice.replaced().end);
        splice.new.is_sorted_by(|a, b| a.span.start <= b.span.start)
            && next.is_none_or(|next| latest_start(&splice.new) <= next.span.start.0)
    };
    let Some(first) = splices.first().filter(|_| !splices.iter().all(is_in_order)) else { return splices };
    let from = first.at;
    let (mut end, mut new) = (from, Vec::new());
    for splice in splices {
        new.extend_from_slice(&segments[end..splice.at]);
        end = splice.replaced().end;
        new.extend(splice.new);
    }
    let latest = latest_start(&new);
    let n_before = segments[end..].iter().take_while(|segment| segment.span.start.0 < latest).count();
    new.extend_from_slice(&segments[end..end + n_before]);
    new.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
    vec![Splice { at: from, n_replaced: end + n_before - from, new }]
}

/// Exchanges values with those of splices in order, which then say how it was.
fn swap_all<T>(splices: &mut [Splice<T>], values: &mut Vec<T>) {
    match splices {
        [] => {}
        [splice] => {
            let (replaced, n_new) = (splice.replaced(), splice.new.len());
            splice.new = values.splice(replaced, mem::take(&mut splice.new)).collect();
            splice.n_replaced = n_new;
        }
        // All in one pass, for each that makes the list longer or shorter moves everything after it.
        _ => {
            let mut old = mem::take(values).into_iter();
            let mut n_taken = 0;
            for splice in splices {
                values.extend(old.by_ref().take(splice.at - n_taken));
                n_taken = splice.replaced().end;
                let at = values.len();
                let replaced = old.by_ref().take(splice.n_replaced).collect();
                values.append(&mut splice.new);
                *splice = Splice { at, n_replaced: values.len() - at, new: replaced };
            }
            values.extend(old);
        }
    }
}
