//! Un-partitioned evaluation maps (UEM, of NIST): the stretches of each recording that are evaluated, as
//! `recording channel start end` lines.

use std::collections::BTreeMap;

use crate::units::TimeSpan;

/// The stretches to evaluate, for each recording.
pub type EvaluationMap = BTreeMap<String, Vec<TimeSpan>>;

/// A line is no stretch of a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: a UEM line is `recording channel start end`, with times in seconds")]
pub struct UemError {
    /// The number of the line, from 1.
    pub line: usize,
}

/// Reads a UEM file. Blank lines and comments (`;;`) are skipped.
pub fn parse(text: &str) -> Result<EvaluationMap, UemError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut map = EvaluationMap::new();
    for (line, content) in (1..).zip(text.lines()) {
        let fields: Vec<&str> = content.split_whitespace().collect();
        if fields.first().is_none_or(|field| field.starts_with(";;")) {
            continue;
        }
        let (recording, span) = region(&fields).ok_or(UemError { line })?;
        map.entry(recording.to_owned()).or_default().push(span);
    }
    Ok(map)
}

fn region<'a>(fields: &[&'a str]) -> Option<(&'a str, TimeSpan)> {
    let [recording, _, start, end] = *fields else { return None };
    let [start_secs, end_secs] = [start.parse::<f64>().ok()?, end.parse::<f64>().ok()?];
    let is_right = start_secs.is_finite() && end_secs.is_finite() && start_secs <= end_secs;
    is_right.then(|| (recording, TimeSpan::from_secs(start_secs, end_secs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_stretches_and_broken_ones_are_named() {
        for (text, expected) in [
            ("", Ok(vec![])),
            (
                ";; made by hand\n\na 1 0 10\nb NA 1.5 2\na 1 20 30.25\r\n",
                Ok(vec![
                    ("a", vec![TimeSpan::from_secs(0.0, 10.0), TimeSpan::from_secs(20.0, 30.25)]),
                    ("b", vec![TimeSpan::from_secs(1.5, 2.0)]),
                ]),
            ),
            ("a 1 0 10\na 1 0", Err(UemError { line: 2 })),
            ("a 1 3 2", Err(UemError { line: 1 })),
            ("a 1 0 end", Err(UemError { line: 1 })),
        ] {
            let expected: Result<EvaluationMap, _> =
                expected.map(|map| map.into_iter().map(|(name, spans)| (name.to_owned(), spans)).collect());
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
