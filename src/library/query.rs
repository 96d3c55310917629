//! What the user typed as expressions of the full-text search, the best first. Whatever is typed, the expressions are
//! well formed: words stand in quotes, where nothing but the quote itself means anything.

use super::passage::{is_word_char, speaker_word, spread};

/// Words and phrases that count; nobody types more.
const MAX_ITEMS: usize = 32;
/// Bytes that are looked at.
const MAX_BYTES: usize = 2000;

/// The words that are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Words, and phrases that were in quotes; never empty.
    items: Vec<String>,
    /// Whether the last one may be the beginning of a word.
    ends: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Whole,
    Open,
}

impl Query {
    /// What was typed; `None` where there is no word in it.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        let end = (0..=typed.len().min(MAX_BYTES)).rev().find(|at| typed.is_char_boundary(*at)).unwrap_or_default();
        let typed: String = typed[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut items = Vec::new();
        let mut ends = Ending::Whole;
        // Every second part is inside quotes, the last also where they were not closed.
        let parts: Vec<&str> = typed.split('"').collect();
        for (n, part) in parts.iter().enumerate() {
            let is_quoted = n % 2 == 1;
            let words: Vec<&str> = if is_quoted { vec![*part] } else { part.split_whitespace().collect() };
            for word in words.into_iter().filter(|word| word.contains(is_word_char)) {
                items.push(word.trim().to_owned());
                let is_closed = is_quoted && n + 1 < parts.len();
                ends = if is_closed { Ending::Whole } else { Ending::Open };
            }
        }
        if items.len() > MAX_ITEMS {
            items.truncate(MAX_ITEMS);
            ends = Ending::Whole;
        }
        (!items.is_empty()).then_some(Self { items, ends })
    }

    /// Expressions for passages that have all words, those first that have them in the order in which they were typed.
    /// With a speaker, only for what they said.
    pub(super) fn expressions(&self, speaker: &str) -> Vec<String> {
        let prefix = match self.ends {
            Ending::Whole => "",
            Ending::Open => " *",
        };
        let quoted: Vec<String> = self.items.iter().map(|item| format!("\"{}\"", spread(item))).collect();
        let mut wanted = vec![format!("{}{prefix}", quoted.join(" AND "))];
        if self.items.len() > 1 {
            wanted.insert(0, format!("\"{}\"{prefix}", spread(&self.items.join(" "))));
        }
        let said_by = match speaker.trim() {
            "" => String::new(),
            name => format!(" AND speaker : \"{}\"", speaker_word(name)),
        };
        wanted.iter().map(|wanted| format!("text : ({wanted}){said_by}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_expressions() {
        for (typed, expected) in [
            ("", None),
            ("  - \"\" \"!\" \u{0}", None),
            ("plan", Some(vec!["text : (\"plan\" *)"])),
            ("\"plan\"", Some(vec!["text : (\"plan\")"])),
            ("the pla", Some(vec!["text : (\"the pla\" *)", "text : (\"the\" AND \"pla\" *)"])),
            ("a \"b c\" d", Some(vec!["text : (\"a b c d\" *)", "text : (\"a\" AND \"b c\" AND \"d\" *)"])),
            ("\"a b", Some(vec!["text : (\"a b\" *)"])),
            (
                "NOT) OR NEAR(",
                Some(vec!["text : (\"NOT) OR NEAR(\" *)", "text : (\"NOT)\" AND \"OR\" AND \"NEAR(\" *)"]),
            ),
            ("a\u{0}b*", Some(vec!["text : (\"a b*\" *)", "text : (\"a\" AND \"b*\" *)"])),
            ("会議", Some(vec!["text : (\"会\u{1f}議\" *)"])),
        ] {
            let expressions = Query::parse(typed).map(|query| query.expressions(" "));
            assert_eq!(expressions, expected.map(|list| list.into_iter().map(str::to_owned).collect()), "{typed:?}");
        }
        let by_ana = Query::parse("x").map(|query| query.expressions("Ana B.")).unwrap_or_default();
        assert_eq!(by_ana, [format!("text : (\"x\" *) AND speaker : \"{}\"", speaker_word("ana b."))]);
        let long = Query::parse(&"ä ".repeat(5000)).map(|query| query.items.len());
        assert_eq!(long, Some(MAX_ITEMS));
    }
}
