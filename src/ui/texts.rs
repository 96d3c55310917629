//! The words of the window, in the user's language. They stand in files under `assets/languages`, in the notation of
//! Project Fluent, a folder for each language; who wants another one puts its file into the folder `languages` beside
//! the settings. What a language lacks appears in English.
//!
//! There is one language for the thread that shows the window, so that panels need not hand it on to each other.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// What a language lacks is taken from this one.
const FALLBACK: &str = "en";
/// The message that has the language's own name.
const NAME_ID: &str = "language-name";
const FILE_ENDING: &str = "ftl";
/// A bigger file is none of a language: all texts of one that comes with the program are a twentieth of it.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Braces and brackets that open in one text. They may lie in each other, and whoever reads or says the text goes a step
/// deeper for each, down to the end of the thread's stack.
const MAX_OPENED: usize = 64;

macro_rules! files_of {
    ($code:literal) => {
        [
            include_str!(concat!("../../assets/languages/", $code, "/app.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/cache.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/details.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/editor.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/jobs.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/library.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/record.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/related.ftl")),
            include_str!(concat!("../../assets/languages/", $code, "/settings.ftl")),
        ]
    };
}

/// The languages that come with the program.
const BUILT_IN: [(&str, [&str; 9]); 2] = [("en", files_of!("en")), ("de", files_of!("de"))];

/// A language that the window can speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Language {
    /// Its code, such as `en` or `pt-BR`.
    pub(super) code: String,
    /// What it calls itself.
    pub(super) name: String,
}

/// A text without anything to put into it. One that is in no file is its own id.
pub(super) fn text(id: &str) -> String {
    text_with(id, &[])
}

/// A text with values in the places that have these names: `text_with("jobs-left", &[("n", n.into())])`.
pub(super) fn text_with(id: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
    let texts = STATE.with_borrow(|state| Rc::clone(&state.texts));
    texts.text(id, values)
}

/// Looks for more languages in a folder and sets that of the system. What is wrong with a file is told; what can be
/// read of it counts.
pub(super) fn start(folder: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == FILE_ENDING)).collect();
    files.sort();
    let mut added = Vec::new();
    for file in files {
        let Some(code) = file.file_stem().and_then(|stem| stem.to_str()).filter(|code| is_code(code)) else {
            problems.push(format!("{}: a language's file is called by its code, such as fr.ftl", file.display()));
            continue;
        };
        match read(&file) {
            Ok(source) => {
                if let Err((_, errors)) = FluentResource::try_new(source.clone()) {
                    let first = errors.first().map_or_else(String::new, |error| format!(", first: {error}"));
                    problems.push(format!("{}: {} texts cannot be read{first}", file.display(), errors.len()));
                }
                added.push((code.to_owned(), source));
            }
            Err(reason) => problems.push(format!("{}: {reason}", file.display())),
        }
    }
    let system = sys_locale::get_locale();
    STATE.with_borrow_mut(|state| {
        state.added = added;
        state.system = system;
        state.choose(None);
    });
    problems
}

/// Speaks a language from now on; `None`: that of the system.
pub(super) fn choose(code: Option<&str>) {
    STATE.with_borrow_mut(|state| state.choose(code));
}

/// All languages that can be chosen, by their names.
pub(super) fn offered() -> Vec<Language> {
    let mut languages = STATE.with_borrow(|state| {
        let named = |code: &str| Language { code: code.to_owned(), name: state.texts_of(&[code]).text(NAME_ID, &[]) };
        state.codes().into_iter().map(named).collect::<Vec<_>>()
    });
    languages.sort_by(|a, b| a.name.cmp(&b.name));
    languages
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::new());
}

/// What this thread knows of languages.
struct State {
    /// Codes and texts of languages that the user added.
    added: Vec<(String, String)>,
    /// The code of the system's language.
    system: Option<String>,
    texts: Rc<Texts>,
}

impl State {
    fn new() -> Self {
        let mut state = Self { added: Vec::new(), system: None, texts: Rc::new(Texts::default()) };
        state.choose(None);
        state
    }

    fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = BUILT_IN.iter().map(|(code, _)| *code).collect();
        for (code, _) in &self.added {
            if !codes.contains(&code.as_str()) {
                codes.push(code);
            }
        }
        codes
    }

    fn choose(&mut self, code: Option<&str>) {
        let wanted = code.or(self.system.as_deref()).and_then(|code| nearest(code, &self.codes()));
        let mut codes = vec![FALLBACK];
        if let Some(wanted) = wanted.filter(|wanted| *wanted != FALLBACK) {
            codes.insert(0, wanted);
        }
        self.texts = Rc::new(self.texts_of(&codes));
    }

    /// The texts of these languages, the first before the next.
    fn texts_of(&self, codes: &[&str]) -> Texts {
        Texts { bundles: codes.iter().map(|code| self.bundle(code)).collect(), ..Texts::default() }
    }

    /// All texts of one language. Those that the user added replace those that came with the program.
    fn bundle(&self, code: &str) -> FluentBundle<FluentResource> {
        let mut bundle = FluentBundle::new(vec![code.parse::<LanguageIdentifier>().unwrap_or_default()]);
        // The marks around what is put into a text are not in the window's fonts.
        bundle.set_use_isolating(false);
        let built_in = BUILT_IN.iter().filter(|(of, _)| *of == code).flat_map(|(_, files)| *files);
        let added = self.added.iter().filter(|(of, _)| of == code).map(|(_, source)| source.as_str());
        for source in built_in.chain(added) {
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, _)| readable);
            bundle.add_resource_overriding(resource);
        }
        bundle
    }
}

/// Texts of a language, and of those that stand in for it.
#[derive(Default)]
struct Texts {
    bundles: Vec<FluentBundle<FluentResource>>,
    /// Texts of the first of them that cannot be said.
    unusable: RefCell<BTreeSet<String>>,
}

impl Texts {
    fn text(&self, id: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        let of = |bundle: &FluentBundle<FluentResource>| {
            let pattern = bundle.get_message(id)?.value()?;
            let values: FluentArgs<'_> = values.iter().cloned().collect();
            let mut errors = Vec::new();
            // What is missing shows by its name in the text.
            Some(bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned())
        };
        // Some texts that can be read are the end of whoever says them: a number without end, a hundred values in a
        // value. Those are the users' own, so another language says it then, and they are not tried again.
        let said = |bundle: &FluentBundle<FluentResource>| {
            catch_unwind(AssertUnwindSafe(|| of(bundle))).unwrap_or_else(|_| {
                self.unusable.borrow_mut().insert(id.to_owned());
                None
            })
        };
        let n_unusable = usize::from(self.unusable.borrow().contains(id));
        self.bundles.iter().skip(n_unusable).find_map(said).unwrap_or_else(|| id.to_owned())
    }
}

/// What stands in a file of the user's, or why that is no language.
fn read(file: &Path) -> Result<String, String> {
    let metadata = fs::metadata(file).map_err(|error| error.to_string())?;
    // Whoever opens a pipe waits until somebody writes into it.
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(format!("it is too big for the texts of a language: more than {MAX_FILE_BYTES} bytes"));
    }
    let source = fs::read_to_string(file).map_err(|error| error.to_string())?;
    if has_too_deep_text(&source) {
        return Err(format!("one of its texts has more than {MAX_OPENED} braces and brackets"));
    }
    Ok(source)
}

fn has_too_deep_text(source: &str) -> bool {
    let mut n_opened = 0;
    source.lines().any(|line| {
        if begins_text(line) {
            n_opened = 0;
        }
        n_opened += line.matches(['{', '(']).count();
        n_opened > MAX_OPENED
    })
}

/// Whether the line begins as `id =` does, or `-id =`. No text that began before goes on there.
fn begins_text(line: &str) -> bool {
    let Some((id, _)) = line.split_once('=') else { return false };
    let id = id.strip_prefix('-').unwrap_or(id).trim_end_matches(' ');
    id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The language among those there are that is most like the wanted one: itself, or that of another country.
fn nearest<'a>(wanted: &str, codes: &[&'a str]) -> Option<&'a str> {
    // Systems write `de_AT.UTF-8`, too.
    let wanted = wanted.split('.').next().unwrap_or(wanted).replace('_', "-");
    let tongue = |code: &str| code.split('-').next().unwrap_or(code).to_ascii_lowercase();
    let same = codes.iter().find(|code| code.eq_ignore_ascii_case(&wanted));
    same.or_else(|| codes.iter().find(|code| tongue(code) == tongue(&wanted))).copied()
}

fn is_code(name: &str) -> bool {
    name.parse::<LanguageIdentifier>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// What stands in braces with a dollar before it in each message of a language.
    fn variables(code: &str) -> BTreeMap<String, BTreeSet<String>> {
        let (_, files) = BUILT_IN.iter().find(|(of, _)| *of == code).expect("it is built in");
        let mut found = BTreeMap::new();
        for source in files {
            FluentResource::try_new((*source).to_owned()).map_err(|(_, errors)| errors).expect("it can be read");
            let mut id = String::new();
            for line in source.lines().filter(|line| !line.starts_with('#')) {
                if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
                    id = line.split('=').next().unwrap_or_default().trim().to_owned();
                    let before = found.insert(id.clone(), BTreeSet::new());
                    assert_eq!(before, None, "{code}: {id} is there twice");
                }
                for after in line.split('$').skip(1) {
                    let name = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next();
                    found.entry(id.clone()).or_default().insert(name.unwrap_or_default().to_owned());
                }
            }
        }
        found
    }

    fn sources(folder: &Path) -> String {
        let mut all = String::new();
        for entry in fs::read_dir(folder).expect("it is in the repository").flatten() {
            let path = entry.path();
            if path.is_dir() {
                all += &sources(&path);
            } else if !path.ends_with("texts.rs") {
                all += &fs::read_to_string(&path).expect("text");
            }
        }
        all
    }

    #[test]
    fn every_language_has_every_text_with_the_same_values_in_it() {
        let english = variables(FALLBACK);
        for (code, _) in BUILT_IN {
            assert_eq!(variables(code), english, "{code}");
        }
    }

    #[test]
    fn what_the_window_says_is_in_the_files_and_the_files_have_nothing_else() {
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui"));
        let known: BTreeSet<String> = variables(FALLBACK).into_keys().collect();
        let mut asked = BTreeSet::new();
        for call in ["text(\"", "text_with(\"", "text(\n", "text_with(\n"] {
            for after in sources.split(call).skip(1) {
                let after = after.trim_start().trim_start_matches('"');
                let id = after.split('"').next().unwrap_or_default();
                let is_id = id.contains('-') && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
                asked.extend(is_id.then(|| id.to_owned()));
            }
        }
        let missing: Vec<&String> = asked.difference(&known).collect();
        assert!(missing.is_empty(), "in no file: {missing:?}");
        let unused: Vec<&String> =
            known.iter().filter(|id| *id != NAME_ID && !sources.contains(&format!("\"{id}\""))).collect();
        assert!(unused.is_empty(), "said nowhere: {unused:?}");
    }

    #[test]
    fn the_language_is_the_chosen_one_or_the_systems_or_english() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("fr.ftl"), "language-name = Français\nbroken\n").expect("writable");
        fs::write(folder.path().join("french!.ftl"), "language-name = Français\n").expect("writable");
        let problems = start(folder.path());
        assert_eq!(problems.len(), 2, "{problems:?}");
        let names: Vec<String> = offered().into_iter().map(|language| language.name).collect();
        assert_eq!(names, ["Deutsch", "English", "Français"]);
        for (chosen, system, expected) in [
            (Some("de"), Some("en_US.UTF-8"), "Deutsch"),
            (None, Some("de_AT.UTF-8"), "Deutsch"),
            (None, Some("fr"), "Français"),
            (None, Some("is"), "English"),
            (Some("is"), Some("de"), "English"),
            (None, None, "English"),
        ] {
            STATE.with_borrow_mut(|state| state.system = system.map(str::to_owned));
            choose(chosen);
            assert_eq!(text(NAME_ID), expected, "{chosen:?} {system:?}");
            assert_eq!(text("no-such-text"), "no-such-text");
        }
    }

    #[test]
    fn no_file_of_a_language_is_the_end_of_the_window() {
        let values = "{ \"x\" }".repeat(MAX_OPENED - 4);
        let many_values = format!("language-name = {{ {{ a }} }}\na = {values}{{ b }}\nb = {values}\n");
        let huge = format!("language-name = Français\n# {}\n", "x".repeat(MAX_FILE_BYTES as usize));
        for (what, source, n_problems, expected) in [
            ("deep", format!("language-name = {}\n", "{".repeat(100_000)), 1, "English"),
            ("deep in lines", format!("language-name = {{\n{}", "F(\n".repeat(100_000)), 1, "English"),
            ("huge", huge, 1, "English"),
            ("values in values", many_values, 0, "English"),
            ("round and round", "language-name = { a }\na = { b }\nb = { a }\n".to_owned(), 0, "{b}"),
            ("not there", "language-name = { $n } { a } { -b } { F() }\n".to_owned(), 0, "{$n} {a} {-b} {F()}"),
        ] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            fs::write(folder.path().join("fr.ftl"), source).expect("writable");
            fs::create_dir(folder.path().join("it.ftl")).expect("writable");
            let problems = start(folder.path());
            assert_eq!(problems.len(), 1 + n_problems, "{what}: {problems:?}");
            choose(Some("fr"));
            for _ in 0..2 {
                assert_eq!(text(NAME_ID), expected, "{what}");
            }
        }
        choose(None);
    }
}
