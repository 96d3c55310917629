//! Names that somebody may have meant who typed one that does not exist.

/// More names than these are no help.
const MAX_NAMES: usize = 3;
/// A word of which so few letters are right is another word.
const LETTERS_PER_MISTAKE: usize = 3;

/// `; did you mean ...?` with the names that are nearest to `asked`, or nothing where none is near.
pub(super) fn did_you_mean<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> String {
    let asked = asked.to_lowercase();
    let n_letters = asked.chars().count();
    let max_mistakes = n_letters.div_ceil(LETTERS_PER_MISTAKE);
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let n_mistakes = distance(&asked, &name.to_lowercase());
            let is_part = n_letters >= LETTERS_PER_MISTAKE && name.contains(&asked);
            // Of two letters, most names are made by adding some.
            let is_near = n_letters >= LETTERS_PER_MISTAKE && n_mistakes <= max_mistakes;
            (is_part || is_near).then_some((n_mistakes, name))
        })
        .collect();
    near.sort_unstable();
    let near: Vec<String> = near.iter().take(MAX_NAMES).map(|(_, name)| format!("`{name}`")).collect();
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

/// Letters to insert, delete or replace to make `b` of `a` (Levenshtein), row by row of the usual table.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (n, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = n + 1;
        for (column, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("small", "smal", 1), ("kitten", "sitting", 3), ("ö", "o", 1)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["tiny", "small", "small.en", "large-v3", "large-v3-turbo", "large-v2", "distil-large-v3"];
        for (asked, expected) in [
            ("smal", "; did you mean `small` or `small.en`?"),
            ("Large-v3", "; did you mean `large-v3` or `large-v2` or `large-v3-turbo`?"),
            ("large", "; did you mean `large-v2` or `large-v3` or `large-v3-turbo`?"),
            ("llama", ""),
            ("s", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(asked, names.into_iter()), expected, "{asked}");
        }
    }
}
