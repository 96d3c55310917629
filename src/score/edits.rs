//! The least number of substitutions, deletions and insertions that turn one sequence into another, each counted.
//!
//! Of several alignments that are equally good it counts the one that rapidfuzz 3.14.6, and so `jiwer`, finds for
//! sentences. (rapidfuzz cuts long texts in two first and may find another, with the same sum.)

/// How the words or characters of a hypothesis came from those of a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) hits: usize,
    pub(super) substitutions: usize,
    pub(super) deletions: usize,
    pub(super) insertions: usize,
}

/// Counts the edits from `reference` to `hypothesis`.
///
/// Two errors in a hundred are usual and a hundred are not, so this tries how far it gets with few errors, then with
/// twice as many, and so on. Memory grows with the length of the reference, time with length times errors.
pub(super) fn count<T: Eq>(reference: &[T], hypothesis: &[T]) -> Edits {
    let n_first = reference.iter().zip(hypothesis).take_while(are_equal).count();
    let (reference, hypothesis) = (&reference[n_first..], &hypothesis[n_first..]);
    let n_last = reference.iter().rev().zip(hypothesis.iter().rev()).take_while(are_equal).count();
    let (n_reference, n_hypothesis) = (reference.len() - n_last, hypothesis.len() - n_last);
    let (reference, hypothesis) = (&reference[..n_reference], &hypothesis[..n_hypothesis]);

    let mut max_errors = n_reference.abs_diff(n_hypothesis).max(MIN_ERRORS);
    let best = loop {
        match within(reference, hypothesis, max_errors) {
            Some(best) => break best,
            None => max_errors *= 2,
        }
    };
    // Deletions and insertions follow: together they are the other errors, and their difference is that of the lengths.
    let (n_errors, substitutions) = (errors(best), (best % ERROR) as usize);
    let deletions = (n_errors - substitutions + n_reference - n_hypothesis) / 2;
    let insertions = n_errors - substitutions - deletions;
    let hits = n_first + n_last + n_reference - substitutions - deletions;
    Edits { hits, substitutions, deletions, insertions }
}

/// What is tried first.
const MIN_ERRORS: usize = 64;

/// The cost of getting to a cell: errors in the upper half, how many of them are substitutions in the lower.
type Cost = u64;

const ERROR: Cost = 1 << 32;
const SUBSTITUTION: Cost = ERROR + 1;
/// More than any number of errors, with room to count on.
const UNREACHED: Cost = ERROR << 31;

fn errors(cost: Cost) -> usize {
    (cost / ERROR) as usize
}

fn are_equal<T: Eq>((reference, hypothesis): &(&T, &T)) -> bool {
    reference == hypothesis
}

/// The cost of the best alignment, if it has no more than `max_errors`.
///
/// Wagner and Fischer's table, by rows: cell (`h`, `r`) is the cost of turning the first `r` of the reference into the
/// first `h` of the hypothesis. As Ukkonen saw, a cell from which even the shortest way to the end has too many errors
/// can be left out: of each row, only the cells from `first` to `last` are looked at, all others are [`UNREACHED`].
fn within<T: Eq>(reference: &[T], hypothesis: &[T], max_errors: usize) -> Option<Cost> {
    let (n_reference, n_hypothesis) = (reference.len(), hypothesis.len());
    let is_hopeless =
        |cost: Cost, r: usize, h: usize| errors(cost) + (n_reference - r).abs_diff(n_hypothesis - h) > max_errors;
    let mut row: Vec<Cost> = (0..).map(|n_deletions: Cost| n_deletions * ERROR).take(n_reference + 1).collect();
    let (mut first, mut last) = (0, n_reference);
    for h in 0..=n_hypothesis {
        if h > 0 {
            last = (last + 1).min(n_reference);
            next_row(&mut row[first..=last], &reference[first..last], &hypothesis[h - 1]);
        }
        while first <= last && is_hopeless(row[first], first, h) {
            row[first] = UNREACHED;
            first += 1;
        }
        if first > last {
            return None;
        }
        while is_hopeless(row[last], last, h) {
            row[last] = UNREACHED;
            last -= 1;
        }
    }
    (last == n_reference).then(|| row[last])
}

/// Turns the cells of a row into those of the next, in which one more was heard. What is left of the first cell is
/// [`UNREACHED`], so only an insertion leads there. `reference` is that of the cells after the first.
///
/// Where several edits are equally good, a deletion is taken before the others, and an insertion before a pair only
/// where the cell above is better than the one beside that: so does rapidfuzz, which goes back from the end by the
/// differences of neighbours.
fn next_row<T: Eq>(row: &mut [Cost], reference: &[T], heard: &T) {
    let [cell, rest @ ..] = row else { return };
    let mut diagonal = *cell;
    *cell += ERROR;
    let mut left = *cell;
    for (cell, said) in rest.iter_mut().zip(reference) {
        let above = *cell;
        let paired = if said == heard { diagonal } else { diagonal + SUBSTITUTION };
        let not_deleted = if errors(above) < errors(diagonal) { above + ERROR } else { paired };
        let deleted = left + ERROR;
        *cell = if errors(deleted) <= errors(not_deleted) { deleted } else { not_deleted };
        (diagonal, left) = (above, *cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rapidfuzz counts, ties among them.
    #[test]
    fn each_kind_of_edit_is_counted() {
        for (reference, hypothesis, expected) in [
            ("", "", (0, 0, 0, 0)),
            ("abc", "", (0, 0, 3, 0)),
            ("", "abc", (0, 0, 0, 3)),
            ("abc", "abc", (3, 0, 0, 0)),
            ("abcd", "dcba", (1, 2, 1, 1)),
            ("abab", "baba", (3, 0, 1, 1)),
            ("kitten", "sitting", (4, 2, 0, 1)),
            ("aabbccab", "bacbcaab", (5, 3, 0, 0)),
            ("abcdefghij", "xbcdyfghz", (6, 3, 1, 0)),
        ] {
            let count = |a: &str, b: &str| count(a.as_bytes(), b.as_bytes());
            let Edits { hits, substitutions, deletions, insertions } = count(reference, hypothesis);
            assert_eq!((hits, substitutions, deletions, insertions), expected, "{reference} {hypothesis}");
        }
    }

    /// Long and far apart: more errors than are tried first, and rows that begin and end within the table.
    #[test]
    fn long_sequences_are_counted_as_the_whole_table_does() {
        let mut state = 1_u32;
        let mut next = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % n
        };
        for (n_words, n_symbols, percent_wrong) in [(3000, 50, 10), (1000, 3, 60), (700, 4, 100)] {
            let reference: Vec<u32> = (0..n_words).map(|_| next(n_symbols)).collect();
            let mut hypothesis = Vec::new();
            for word in &reference {
                let edit = if next(100) < percent_wrong { next(3) } else { 3 };
                match edit {
                    0 => {}
                    1 => hypothesis.push(next(n_symbols)),
                    2 => hypothesis.extend([*word, next(n_symbols)]),
                    _ => hypothesis.push(*word),
                }
            }
            // Equal ends are cut off before the table is made; here there shall be none.
            if let [first, .., last] = hypothesis.as_mut_slice() {
                (*first, *last) = (n_symbols, n_symbols);
            }
            let found = count(&reference, &hypothesis);
            assert_eq!(found.hits + found.substitutions + found.deletions, reference.len());
            assert_eq!(found.hits + found.substitutions + found.insertions, hypothesis.len());
            let n_errors = found.substitutions + found.deletions + found.insertions;
            let whole_table = within(&reference, &hypothesis, usize::MAX / 2).expect("any number of errors will do");
            assert!(n_errors > MIN_ERRORS, "{n_errors}");
            assert_eq!(n_errors, errors(whole_table));
            assert_eq!(found.substitutions, (whole_table % ERROR) as usize);
        }
    }
}
