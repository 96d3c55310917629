//! Configurations in YAML become values. Those of models are short and flat; what is neither is refused before it is
//! built, for the library repeats aliased parts and follows nesting as deep as it goes.

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{ScanError, Yaml, YamlLoader};

/// The longest published configuration has 5 kB.
const MAX_CHARACTERS: usize = 64 << 10;
const MAX_DEPTH: usize = 32;

/// The first document of a text; [`Yaml::BadValue`] where there is none.
pub fn document(text: &str) -> Result<Yaml, ScanError> {
    let mut parser = Parser::new_from_str(text);
    let mut depth = 0_usize;
    loop {
        let (event, marker) = parser.next_token()?;
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            Event::Alias(_) => return Err(ScanError::new(marker, "aliases are not supported")),
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart | Event::DocumentEnd | Event::Scalar(..) => {}
        }
        if marker.index() > MAX_CHARACTERS {
            return Err(ScanError::new(marker, "the file is too long for a configuration"));
        }
        if depth > MAX_DEPTH {
            return Err(ScanError::new(marker, "the entries are nested too deeply"));
        }
    }
    Ok(YamlLoader::load_from_str(text)?.into_iter().next().unwrap_or(Yaml::BadValue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_are_refused() {
        let repeated = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
            let last = n - 1;
            format!("{text}a{n}: &a{n} [*a{last}, *a{last}]\n")
        });
        for (text, expected) in [
            (repeated.as_str(), "aliases"),
            (&"- ".repeat(20_000), "nested"),
            (&"{a: ".repeat(100), "nested"),
            (&"a: b\n".repeat(20_000), "too long"),
            ("a: [", "parsing"),
        ] {
            let error = document(text).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(document("").expect("nothing is wrong"), Yaml::BadValue);
        assert_eq!(document("a: {b: [1]}").expect("YAML")["a"]["b"][0].as_i64(), Some(1));
    }
}
