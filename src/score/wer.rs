//! Word error rate and character error rate: two texts become counts of what is right, replaced, missing and added.
//!
//! As `process_words` and `process_characters` of `jiwer` 4.0.0. All white space separates words; `jiwer` takes single
//! tabs and line breaks for letters, but texts here are whole files.

use std::collections::HashMap;

use super::edits;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Words, as blanks separate them.
    #[default]
    Words,
    /// Characters, those between words included.
    Characters,
}

/// How a hypothesis differs from its reference, in words or characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WerScore {
    /// Those that are right.
    pub hits: usize,
    /// Those that are replaced by another.
    pub substitutions: usize,
    /// Those that are only in the reference.
    pub deletions: usize,
    /// Those that are only in the hypothesis.
    pub insertions: usize,
}

impl WerScore {
    /// In the reference.
    pub fn n_reference(&self) -> usize {
        self.hits + self.substitutions + self.deletions
    }

    /// In the hypothesis.
    pub fn n_hypothesis(&self) -> usize {
        self.hits + self.substitutions + self.insertions
    }

    /// The word (or character) error rate: errors for each one in the reference. More than 1 where much is added; where
    /// the reference is empty, the number of insertions, as `jiwer` has it.
    pub fn rate(&self) -> f64 {
        self.n_errors() as f64 / self.n_reference().max(1) as f64
    }

    /// The match error rate: the share of errors in all hits and errors.
    pub fn match_error_rate(&self) -> f64 {
        self.n_errors() as f64 / (self.hits + self.n_errors()).max(1) as f64
    }

    /// The word information preserved: the share of hits in the reference times that in the hypothesis.
    pub fn information_preserved(&self) -> f64 {
        match (self.n_reference(), self.n_hypothesis()) {
            (0, 0) => 1.0,
            (0, _) | (_, 0) => 0.0,
            (n_reference, n_hypothesis) => {
                (self.hits as f64 / n_reference as f64) * (self.hits as f64 / n_hypothesis as f64)
            }
        }
    }

    /// The word information lost: what is not preserved.
    pub fn information_lost(&self) -> f64 {
        1.0 - self.information_preserved()
    }

    /// Adds the counts of another pair of texts, so that the rates are those of all of them as one.
    pub fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
    }

    fn n_errors(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }
}

/// Compares two texts. Case and punctuation count; [`super::normalise`] takes away what shall not.
pub fn score(reference: &str, hypothesis: &str, unit: Unit) -> WerScore {
    let edits = match unit {
        Unit::Words => {
            let mut numbers = HashMap::new();
            let [reference, hypothesis] = [reference, hypothesis].map(|text| word_numbers(text, &mut numbers));
            edits::count(&reference, &hypothesis)
        }
        Unit::Characters => {
            let [reference, hypothesis] = [reference, hypothesis].map(characters);
            edits::count(&reference, &hypothesis)
        }
    };
    let edits::Edits { hits, substitutions, deletions, insertions } = edits;
    WerScore { hits, substitutions, deletions, insertions }
}

/// The same number for the same word: numbers are compared faster.
fn word_numbers<'a>(text: &'a str, numbers: &mut HashMap<&'a str, usize>) -> Vec<usize> {
    let number = |word| {
        let next = numbers.len();
        *numbers.entry(word).or_insert(next)
    };
    text.split_whitespace().map(number).collect()
}

fn characters(text: &str) -> Vec<char> {
    text.trim().chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden values have no empty reference.
    #[test]
    fn rates_of_empty_texts_are_defined() {
        for (reference, hypothesis, rate, match_error_rate, information_lost) in
            [("", " ", 0.0, 0.0, 0.0), ("", "a b c", 3.0, 1.0, 1.0), ("a b", "\n", 1.0, 1.0, 1.0)]
        {
            let score = score(reference, hypothesis, Unit::Words);
            let found = (score.rate(), score.match_error_rate(), score.information_lost());
            assert_eq!(found, (rate, match_error_rate, information_lost), "`{reference}` `{hypothesis}`");
        }
    }

    #[test]
    fn white_space_separates_words_and_counts_among_characters() {
        let words = score("a b\tc\n\nd", " a  b c d", Unit::Words);
        assert_eq!((words.hits, words.rate()), (4, 0.0));
        let characters = score("ä b\n\tc ", "a b c", Unit::Characters);
        assert_eq!((characters.hits, characters.substitutions, characters.deletions), (3, 2, 1));
    }
}
