//! Word error rate, as the reference measurements of the demo models count it: small letters, digits and apostrophes
//! are words, everything else is space; substitutions, insertions and deletions each cost one.

/// Errors of `hypothesis` for each word of `reference`, 0.05 for five in a hundred. Above 1 where it invents words.
pub(crate) fn word_error_rate(reference: &str, hypothesis: &str) -> f64 {
    let (reference, hypothesis) = (words(reference), words(hypothesis));
    assert!(!reference.is_empty(), "a rate needs words to divide by");
    edit_distance(&reference, &hypothesis) as f64 / reference.len() as f64
}

/// The words of a text as they are compared.
pub(crate) fn words(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '\'';
    text.to_lowercase().split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The least number of substitutions, insertions and deletions that turn one into the other (Levenshtein), by rows of
/// the table: `row[j]` is the distance between the words of `from` so far and the first `j` of `to`.
fn edit_distance(from: &[String], to: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from_word) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to_word) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(from_word != to_word);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// Which words of `from` and `to` stand for each other, right or wrong, in one of the cheapest ways to turn one into the
/// other.
pub(crate) fn edit_pairs(from: &[String], to: &[String]) -> Vec<(usize, usize)> {
    let width = to.len() + 1;
    let mut costs: Vec<usize> = (0..width).collect();
    for (i, from_word) in from.iter().enumerate() {
        costs.push(i + 1);
        for (j, to_word) in to.iter().enumerate() {
            let substituted = costs[i * width + j] + usize::from(from_word != to_word);
            let (deleted, inserted) = (costs[i * width + j + 1] + 1, costs[(i + 1) * width + j] + 1);
            costs.push(substituted.min(deleted).min(inserted));
        }
    }
    let (mut i, mut j) = (from.len(), to.len());
    let mut pairs = Vec::new();
    while i > 0 && j > 0 {
        let cost = costs[i * width + j];
        if cost == costs[(i - 1) * width + j - 1] + usize::from(from[i - 1] != to[j - 1]) {
            (i, j) = (i - 1, j - 1);
            pairs.push((i, j));
        } else if cost == costs[(i - 1) * width + j] + 1 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs.reverse();
    pairs
}

#[test]
fn words_are_compared_without_case_and_punctuation() {
    for (text, expected) in [
        (" Welcome back. Good morning, everyone!", "welcome back good morning everyone"),
        ("don't – “sixty-six” 3.5 km", "don't sixty six 3 5 km"),
        ("Zürich", "z rich"),
        (" ... ", ""),
    ] {
        assert_eq!(words(text).join(" "), expected);
    }
}

#[test]
fn each_wrong_missing_and_additional_word_is_one_error() {
    for (reference, hypothesis, n_errors) in [
        ("a b c d", "A, b. C d", 0.0),
        ("a b c d", "a x c d", 1.0),
        ("a b c d", "a c d", 1.0),
        ("a b c d", "a b b c d", 1.0),
        ("a b c d", "", 4.0),
        ("a b c d", "b c d e", 2.0),
        ("a b", "c d e f g", 5.0),
    ] {
        let n_words = words(reference).len() as f64;
        let rate = word_error_rate(reference, hypothesis);
        assert!((rate * n_words - n_errors).abs() < 1e-9, "{reference} / {hypothesis}: {rate}");
    }
}
