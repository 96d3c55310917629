//! The house rules that a program can check, checked on the sources: who imports whom, where a library may be named,
//! how files begin, how long they are, what they are called, what lies at the top of the repository.
//!
//! Comments, strings and parts under `#[cfg(test)]` are blanked out first: a test may import any room, for it is not in
//! the program. All breaches are listed at once, each with its file and line.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// For each room, the rooms of ours that it may name. A room may always name itself.
const MAY_IMPORT: [(&str, &[&str]); 22] = [
    ("units", &[]),
    ("hash", &[]),
    ("paths", &[]),
    ("files", &[]),
    ("task", &[]),
    ("assignment", &[]),
    ("settings", &["paths", "files"]),
    ("transcript", &["units", "hash"]),
    ("score", &["transcript", "units", "assignment"]),
    ("voices", &["files", "paths"]),
    ("export", &["transcript", "units"]),
    ("import", &["transcript", "units"]),
    ("audio", &["units", "files", "task"]),
    ("nn", &[]),
    ("models", &["nn", "hash", "paths", "files", "task"]),
    ("results", &["units", "hash", "files"]),
    ("library", &["transcript", "units", "hash", "files"]),
    ("pipeline", &["units", "audio", "nn", "transcript", "task", "assignment"]),
    (
        "engine",
        &[
            "units",
            "hash",
            "paths",
            "files",
            "task",
            "settings",
            "transcript",
            "audio",
            "nn",
            "models",
            "results",
            "library",
            "pipeline",
            "voices",
        ],
    ),
    // The plain values of units, paths and files may go wherever they are shown or handed on.
    ("cli", &["engine", "export", "import", "score", "settings", "transcript", "units", "paths", "files"]),
    ("ui", &["engine", "models::catalog", "transcript", "export", "import", "settings", "units", "paths"]),
    ("main", &["cli", "ui", "paths"]),
];

/// For each library, the files or folders under src that may name it.
const NAMED_ONLY_IN: [(&str, &[&str]); 18] = [
    ("candle_core", &["nn/whisper/on_device/"]),
    ("candle_nn", &["nn/whisper/on_device/"]),
    ("egui", &["ui/"]),
    ("eframe", &["ui/"]),
    ("egui_extras", &["ui/"]),
    ("rfd", &["ui/"]),
    ("notify", &["engine/shelf/watch.rs"]),
    ("notify_rust", &["ui/notifier.rs"]),
    ("rusqlite", &["results/", "library/"]),
    ("sysinfo", &["models/pressure.rs"]),
    ("ureq", &["models/download/"]),
    ("keyring", &["models/token.rs"]),
    ("cpal", &["audio/microphone.rs", "audio/playback.rs"]),
    ("pulseaudio", &["audio/pulse.rs"]),
    ("fluent_bundle", &["ui/texts.rs"]),
    ("ebur128", &["audio/features.rs"]),
    ("rusty_chromaprint", &["audio/fingerprint.rs"]),
    // The window ends with an error for main to print, hence its face.
    ("anyhow", &["engine/job/", "cli/", "main.rs", "ui/mod.rs"]),
];

/// Files that may hold `unsafe` blocks.
const MAY_BE_UNSAFE: [&str; 1] = ["src/nn/checkpoint.rs"];

const MAX_LINES: usize = 600;

/// Words that say nothing about the thing that bears them.
const EMPTY_WORDS: [&str; 9] = ["utils", "util", "helpers", "helper", "common", "manager", "managers", "old", "v2"];

const TOP_LEVEL: [&str; 9] =
    ["Cargo.lock", "Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "assets", "packaging", "src", "tests"];

#[test]
fn the_sources_keep_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "tests"] {
        collect_sources(&root.join(folder), &mut sources);
    }
    assert!(sources.iter().any(|path| path.ends_with("src/units.rs")), "the sources are where this test looks");
    let mut breaches = Vec::new();
    for path in &sources {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(root).expect("found below the root").to_string_lossy().replace('\\', "/");
        breaches.extend(breaches_in(&name, &text));
    }
    let list = breaches.iter().fold(String::new(), |mut list, breach| {
        write!(list, "\n  {breach}").expect("a string takes all that is written");
        list
    });
    assert!(breaches.is_empty(), "{} breaches of the house rules:{list}", breaches.len());
}

#[test]
fn the_top_of_the_repository_holds_what_the_design_lists() {
    let entries = fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the repository");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned()).collect();
    // What cargo builds here without CARGO_TARGET_DIR is ignored by git.
    names.retain(|name| !name.starts_with('.') && name != "target");
    names.sort();
    assert_eq!(names, TOP_LEVEL);
}

/// The checks find what they look for, and nothing in sources that are right.
#[test]
fn planted_breaches_are_found() {
    const PLANTED: [(&str, &str, &str); 26] = [
        ("src/nn/mel.rs", "use crate::units::Seconds;", "nn may not name units"),
        ("src/nn/mel.rs", "fn f() { crate::engine::start(); }", "nn may not name engine"),
        ("src/nn/mel.rs", "use super::super::engine::Engine;", "nn may not name engine"),
        ("src/nn/mod.rs", "use super::engine::Engine;", "nn may not name engine"),
        ("src/units.rs", "use super::task::Progress;", "units may not name task"),
        ("src/ui/app.rs", "use crate::models::memory::Cache;", "ui may not name models::memory"),
        ("src/ui/app.rs", "use crate::models::{catalog, memory};", "ui may not name models"),
        ("src/cli/mod.rs", "use crate::{export::Format, pipeline::{chunk, speech}, ui};", "cli may not name pipeline"),
        ("src/cli/mod.rs", "use crate::{\n    export::Format,\n    ui,\n};", "cli may not name ui"),
        (
            "src/pipeline/chunk.rs",
            "pub(in crate::pipeline) fn f() -> crate::results::Key {}",
            "pipeline may not name results",
        ),
        ("src/main.rs", "use hansard::engine::Engine;", "main may not name engine"),
        ("src/cellar.rs", "", "is in no room of the import table"),
        ("src/engine/mod.rs", "fn paint(ui: &mut egui::Ui) {}", "egui is named outside of ui/"),
        ("src/ui/mod.rs", "use rusqlite::Connection;", "rusqlite is named outside of results/"),
        ("src/audio/decode.rs", "use cpal::Stream;", "cpal is named outside of audio/microphone.rs, audio/playback.rs"),
        ("src/files.rs", "use anyhow::Context;", "anyhow is named outside of"),
        ("src/files.rs", "fn f() { unsafe { g() } }", "unsafe is allowed in no file but"),
        ("src/files.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", "an ignored test"),
        ("src/files.rs", "fn f() { todo!(\"later\") }", "todo!"),
        ("src/files.rs", "fn f() { unimplemented!() }", "unimplemented!"),
        ("src/audio/utils.rs", "", "`utils` says nothing"),
        ("tests/it/common/mod.rs", "", "`common` says nothing"),
        ("src/models/mod.rs", "struct ModelManager;", "`manager` says nothing"),
        ("src/models/mod.rs", "mod old_disk;", "`old` says nothing"),
        ("src/nn/mel.rs", "fn f() -> u8 { b'\"' }\nuse crate::engine::Engine;", "nn may not name engine"),
        ("src/nn/mel.rs", "#[cfg(test)]\nmod tests {}\nuse crate::engine::Engine;", "nn may not name engine"),
    ];
    const RIGHT: [(&str, &str); 9] = [
        (
            "src/nn/mel.rs",
            "// crate::engine is named in a comment, /* and in */\n/* crate::ui /* and */ crate::ui */ fn f() {}",
        ),
        ("src/nn/mel.rs", "const TEXT: &str = \"egui \\\" crate::engine\"; const RAW: &str = r#\"\" crate::engine\"#;"),
        ("src/nn/mel.rs", "#[cfg(test)]\nmod tests { use crate::engine::Engine; fn f() { let brace = '}'; todo!() } }"),
        ("src/nn/mel.rs", "#[cfg(test)]\nuse crate::engine::Engine;\nfn f<'a>(x: &'a str) -> &'a str { x }"),
        ("src/nn/whisper/decode.rs", "use super::super::linear::Linear; use super::Model; use crate::nn::mel;"),
        ("src/ui/app.rs", "use crate::models::catalog::NAMES; use crate::models::catalog; use eframe::egui;"),
        ("src/cli/mod.rs", "use crate::{export::Format, transcript::{Segment, Word}};"),
        ("src/engine/mod.rs", "struct Holder; mod folder; fn old_and_common() {}"),
        ("src/lib.rs", "pub mod engine; pub mod ui;"),
    ];
    for (file, code, expected) in PLANTED {
        let breaches = breaches_in(file, &format!("//! About.\n{code}\n"));
        assert!(breaches.iter().any(|breach| breach.contains(expected)), "{file}: {code}: {breaches:?}");
    }
    for (file, code) in RIGHT {
        assert_eq!(breaches_in(file, &format!("//! About.\n{code}\n")), [""; 0], "{file}: {code}");
    }
    let unexplained = breaches_in("src/units.rs", "use std::fmt;\n");
    assert_eq!(unexplained, ["src/units.rs:1: a file begins with `//!`: what it turns into what"]);
    let long = breaches_in("src/units.rs", &"//! About.\n".repeat(MAX_LINES + 1));
    assert_eq!(long, ["src/units.rs:601: a file over 600 lines wants to be split"]);
    let placed = breaches_in("src/nn/mel.rs", "//! About.\n\nuse crate::ui;\n/* two\nlines */ use crate::cli;\n");
    assert_eq!(placed, ["src/nn/mel.rs:3: nn may not name ui", "src/nn/mel.rs:5: nn may not name cli"]);
}

fn collect_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

/// All breaches in one file, as `file:line: what is wrong`. `file` is relative to the repository, with `/`.
fn breaches_in(file: &str, text: &str) -> Vec<String> {
    let with_tests = blank_comments_and_strings(text);
    let code = blank_tests(&with_tests);
    let mut found: Vec<(usize, String)> = Vec::new();
    check_form(text, &mut found);
    check_names(file, &code, &mut found);
    if let Some(in_src) = file.strip_prefix("src/") {
        check_imports(in_src, &code, &mut found);
        check_libraries(in_src, &code, &mut found);
    }
    check_unfinished(&with_tests, &code, &mut found);
    check_unsafe(file, &code, text, &mut found);
    found.sort();
    found.into_iter().map(|(line, breach)| format!("{file}:{line}: {breach}")).collect()
}

fn check_form(text: &str, found: &mut Vec<(usize, String)>) {
    if !text.starts_with("//!") {
        found.push((1, "a file begins with `//!`: what it turns into what".to_owned()));
    }
    if text.lines().count() > MAX_LINES {
        found.push((MAX_LINES + 1, format!("a file over {MAX_LINES} lines wants to be split")));
    }
}

/// Files, folders, modules and types. Functions and variables may use the words in their plain sense.
fn check_names(file: &str, code: &str, found: &mut Vec<(usize, String)>) {
    let mut check = |line: usize, name: &str| {
        if let Some(word) = name_words(name).into_iter().find(|word| EMPTY_WORDS.contains(&word.as_str())) {
            found.push((line, format!("`{word}` says nothing about {name}")));
        }
    };
    for name in file.trim_end_matches(".rs").split('/') {
        check(1, name);
    }
    let words = identifiers(code);
    for pair in words.windows(2) {
        if let [(_, "mod" | "struct" | "enum" | "trait" | "type"), (at, name)] = *pair {
            check(line_of(code, at), name);
        }
    }
}

/// `ModelManager` and `model_manager` as `model`, `manager`.
fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c == '-' || c.is_uppercase() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("there is one from the start").extend(c.to_lowercase());
        }
    }
    words
}

fn check_imports(in_src: &str, code: &str, found: &mut Vec<(usize, String)>) {
    let room = in_src.split('/').next().unwrap_or(in_src).trim_end_matches(".rs");
    if room == "lib" {
        return;
    }
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == room) else {
        found.push((1, format!("{room} is in no room of the import table")));
        return;
    };
    // How often `super` leads from this file to the root of the crate: `audio/mod.rs` once, `audio/decode.rs` twice.
    let n_supers = in_src.trim_end_matches("mod.rs").trim_end_matches('/').split('/').count();
    let mut from = 0;
    let roots = ["crate::".to_owned(), "hansard::".to_owned(), "super::".repeat(n_supers)];
    let starts = std::iter::from_fn(|| {
        let next = roots.iter().filter_map(|root| find_word(code, root, from).map(|at| (at, root.len()))).min();
        from = next.map_or(code.len(), |(at, len)| at + len);
        next
    });
    for (at, root_len) in starts {
        for (offset, path) in paths_after(&code[at + root_len..]) {
            let is_allowed = |allowed: &&str| path == *allowed || path.starts_with(&format!("{allowed}::"));
            let named_room = path.split("::").next().unwrap_or(&path);
            if named_room == room || allowed.iter().any(is_allowed) {
                continue;
            }
            // Where only a part of a room is allowed, the message names the part that is not.
            let in_part = allowed.iter().any(|allowed| allowed.starts_with(&format!("{named_room}::")));
            let named = if in_part { path.as_str() } else { named_room };
            found.push((line_of(code, at + root_len + offset), format!("{room} may not name {named}")));
        }
    }
}

/// The paths, two names deep, that a path or a group in braces begins with: `{a::b::c, d}` gives `a::b` and `d`; and
/// where each stands. Of a group below the first name only that name is given: `a::{b, c}` gives `a`.
fn paths_after(code: &str) -> Vec<(usize, String)> {
    let Some(group) = code.strip_prefix('{') else {
        return vec![(0, path_at(code))];
    };
    let (mut depth, mut expects_path, mut paths) = (0_usize, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects_path = true,
            c if expects_path && is_word_char(c) => {
                paths.push((at + 1, path_at(&group[at..])));
                expects_path = false;
            }
            _ => {}
        }
    }
    paths
}

fn path_at(code: &str) -> String {
    let word = |code: &str| code.chars().take_while(|c| is_word_char(*c)).collect::<String>();
    let first = word(code);
    let second = code[first.len()..].strip_prefix("::").map(word).unwrap_or_default();
    // A type or a function of a room is not a part of it that the table could name, but its name does no harm here.
    if second.is_empty() { first } else { format!("{first}::{second}") }
}

fn check_libraries(in_src: &str, code: &str, found: &mut Vec<(usize, String)>) {
    let words = identifiers(code);
    for (library, homes) in NAMED_ONLY_IN {
        if homes.iter().any(|home| in_src.starts_with(home)) {
            continue;
        }
        for (at, _) in words.iter().filter(|(_, word)| *word == library) {
            found.push((line_of(code, *at), format!("{library} is named outside of {}", homes.join(", "))));
        }
    }
}

/// `#[ignore]` matters in tests most, so it is looked for in `with_tests`; a gap in the program is one in `code`.
fn check_unfinished(with_tests: &str, code: &str, found: &mut Vec<(usize, String)>) {
    for (at, _) in with_tests.match_indices("#[ignore") {
        found.push((line_of(with_tests, at), "an ignored test: mend it or remove it".to_owned()));
    }
    for gap in ["todo!", "unimplemented!"] {
        let mut from = 0;
        while let Some(at) = find_word(code, gap, from) {
            found.push((line_of(code, at), format!("{gap} in a program that is to be used")));
            from = at + gap.len();
        }
    }
}

fn check_unsafe(file: &str, code: &str, text: &str, found: &mut Vec<(usize, String)>) {
    for (at, _) in identifiers(code).into_iter().filter(|(_, word)| *word == "unsafe") {
        let line = line_of(code, at);
        if !MAY_BE_UNSAFE.contains(&file) {
            found.push((line, format!("unsafe is allowed in no file but {MAY_BE_UNSAFE:?}")));
        }
        let above: Vec<&str> = text.lines().take(line).collect();
        if !above.iter().rev().take(4).any(|line| line.contains("// SAFETY:")) {
            found.push((line, "unsafe without a `// SAFETY:` above it".to_owned()));
        }
    }
}

/// The same text with comments and the insides of strings replaced by blanks; every line stays where it is.
fn blank_comments_and_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_word = out.chars().next_back().is_some_and(is_word_char);
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment_len(rest)
        } else if c == '"' {
            string_len(rest)
        } else if let (false, Some(len)) = (after_word, raw_string_len(rest)) {
            len
        } else if let Some(len) = char_len(rest) {
            len
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let (blanked, following) = rest.split_at(len);
        out.extend(blanked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = following;
    }
    out
}

fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    text.len()
}

/// Length of a raw string such as `r#"…"#` or `br"…"` at the start of `text`.
fn raw_string_len(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let n_hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[n_hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(n_hashes));
    let inside_len = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + inside_len)
}

/// Length of a character such as `'x'` or `'\n'` at the start of `text`; `None` for a lifetime.
fn char_len(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        // The escaped character may itself be the quote.
        return inside.char_indices().skip(2).find(|(_, c)| *c == '\'').map(|(at, _)| at + 2);
    }
    inside[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

/// Blanks every item under `#[cfg(test)]`: up to its semicolon, or its closing brace.
fn blank_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, item) = rest.split_at(at);
        let (mut depth, mut end) = (0_usize, item.len());
        for (at, c) in item.char_indices().skip(MARK.len()) {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && (c == '}' || c == ';') {
                end = at + 1;
                break;
            }
        }
        out.push_str(before);
        out.extend(item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    out + rest
}

/// Names and keywords with their positions.
fn identifiers(code: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in code.char_indices().chain([(code.len(), ' ')]) {
        match (start, is_word_char(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, &code[from..at]));
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    words
}

/// Where `wanted` stands next, at or after `from`, not as the end of a longer path or word.
fn find_word(code: &str, wanted: &str, from: usize) -> Option<usize> {
    let mut starts = code[from..].match_indices(wanted).map(|(at, _)| from + at);
    starts.find(|at| !code[..*at].ends_with(|c: char| is_word_char(c) || c == ':'))
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}
