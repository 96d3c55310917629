//! `hansard verify`: whether a transcript in JSON, its recording and its models are as they were when it was made, and
//! which of its words are not. What it finds goes to stdout; that something does not match is one more line on stderr.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;

use crate::engine::library::ListRequest;
use crate::engine::provenance::{AudioMatch, ModelMatch, compare_audio, compare_model};
use crate::engine::shelf::{self, Access};
use crate::files::{self, FileError};
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, ModelSettings};
use crate::transcript::manifest::{self, CheckedFile, EditedWord, Seal};
use crate::units::Seconds;

use super::batch::Outcome;
use super::cache_listing::plural;
use super::library_args::VerifyArguments;
use super::model_watch::{finish, json, model_settings};
use super::progress::{Display, Verbosity, without_controls};

/// Recordings of one name that are looked at, at most.
const MAX_NAMESAKES: usize = 20;

/// Checks what the arguments name.
pub(super) fn run(
    arguments: &VerifyArguments,
    paths: &AppPaths,
    overrides: &ModelOverrides,
) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let settings = model_settings(paths, overrides, &display);
    let file = &arguments.file;
    let mut bytes = Vec::new();
    files::open_regular(file)?.read_to_end(&mut bytes).map_err(FileError::of("read", file))?;
    let document: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: it is no JSON; name a file that `--format json` wrote", file.display()))?;
    let checked = manifest::check(&document).with_context(|| file.display().to_string())?;
    let verified = Verified {
        file: file.display().to_string(),
        audio: found_audio(&checked, arguments, paths, &settings, &display)?,
        models: found_models(&checked, paths, &settings),
        checked: &checked,
    };
    let listing = VerifyListing::new(&verified);
    let result = if arguments.json { json(&listing)? } else { listing.lines() };
    let problem = verified.problem();
    if let Some(problem) = &problem {
        display.say(&format!("error: {}: {problem}", verified.file));
    }
    finish(&display, &result, if problem.is_some() { Outcome::Failed } else { Outcome::Done })
}

/// What was found out.
struct Verified<'a> {
    file: String,
    /// `None`: the recording is not here.
    audio: Option<(PathBuf, AudioMatch)>,
    models: Vec<ModelMatch>,
    checked: &'a CheckedFile,
}

impl Verified<'_> {
    /// What does not match, if anything does not.
    fn problem(&self) -> Option<String> {
        let transcript = match self.checked.seal {
            Seal::Whole => None,
            Seal::Broken => Some("the transcript was changed since it was written".to_owned()),
        };
        let audio = match &self.audio {
            Some((_, AudioMatch::SameFile | AudioMatch::SameSound)) => None,
            Some((path, AudioMatch::Other)) => Some(format!("{} is another recording", path.display())),
            None => Some("the recording is not here; name it with --audio".to_owned()),
        };
        let n_models = self.models.iter().filter(|found| **found != ModelMatch::Same).count();
        let models = match n_models {
            0 => None,
            1 => Some("a model is not the one that was used".to_owned()),
            n => Some(format!("{n} models are not those that were used")),
        };
        let problems: Vec<String> = [transcript, audio, models].into_iter().flatten().collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// The words that were changed after the file was written.
    fn changed_words(&self) -> Vec<&EditedWord> {
        let key = |word: &EditedWord| (word.segment, word.word, word.text.clone(), word.speaker.clone());
        let declared: BTreeSet<_> = self.checked.origin.edited_words.iter().map(key).collect();
        self.checked.edited_words.iter().filter(|word| !declared.contains(&key(word))).collect()
    }

    /// The words that had been changed by hand when it was.
    fn edited_words(&self) -> Vec<&EditedWord> {
        let changed: BTreeSet<_> = self.changed_words().iter().map(|word| (word.segment, word.word)).collect();
        self.checked.edited_words.iter().filter(|word| !changed.contains(&(word.segment, word.word))).collect()
    }
}

/// Looks for the recording and compares it: the one that was named, else one of its name that is the same, else any.
fn found_audio(
    checked: &CheckedFile,
    arguments: &VerifyArguments,
    paths: &AppPaths,
    settings: &ModelSettings,
    display: &Display,
) -> anyhow::Result<Option<(PathBuf, AudioMatch)>> {
    let expected = &checked.origin.manifest.audio;
    if let Some(path) = &arguments.audio {
        // A pipe would keep this waiting for ever.
        files::open_regular(path)?;
        return Ok(Some((path.clone(), compare_audio(expected, path, paths)?)));
    }
    // The file may have been written by anybody: its recording is looked for by a name, never by a path.
    let Some(name) = Path::new(&expected.name).file_name() else { return Ok(None) };
    let beside = arguments.file.parent().map(|folder| folder.join(name));
    let mut candidates: Vec<PathBuf> = beside.into_iter().chain([PathBuf::from(name)]).collect();
    let request =
        ListRequest { text: name.to_string_lossy().into_owned(), limit: MAX_NAMESAKES, ..ListRequest::default() };
    let warn = |text: &str| display.say(&format!("warning: {text}"));
    match shelf::list(Access { paths, settings, warn: &warn }, &request) {
        Ok(page) => candidates.extend(page.entries.into_iter().map(|entry| entry.path)),
        Err(error) => display.say(&format!("warning: the recording is not looked for in the library: {error}")),
    }
    let mut first = None;
    for path in candidates.into_iter().filter(|path| path.file_name() == Some(name) && path.is_file()) {
        match compare_audio(expected, &path, paths) {
            Ok(found @ (AudioMatch::SameFile | AudioMatch::SameSound)) => return Ok(Some((path, found))),
            Ok(AudioMatch::Other) => first = first.or(Some((path, AudioMatch::Other))),
            Err(error) => display.say(&format!("warning: {error}")),
        }
    }
    Ok(first)
}

fn found_models(checked: &CheckedFile, paths: &AppPaths, settings: &ModelSettings) -> Vec<ModelMatch> {
    let models = &checked.origin.manifest.models;
    models.iter().map(|model| compare_model(model, paths, settings)).collect()
}

/// What is printed of it.
#[derive(Serialize)]
struct VerifyListing<'a> {
    file: &'a str,
    /// Whether all of it is as it was.
    matches: bool,
    app_version: &'a str,
    transcript: &'static str,
    audio: AudioListing<'a>,
    models: Vec<ModelListing<'a>>,
    n_edits: usize,
    /// Words that were changed by hand before the file was written,
    edited_words: Vec<&'a EditedWord>,
    /// and those that were changed after that.
    changed_words: Vec<&'a EditedWord>,
    n_removed_words: usize,
}

#[derive(Serialize)]
struct AudioListing<'a> {
    name: &'a str,
    /// `null` where it was not found.
    path: Option<String>,
    result: &'static str,
}

#[derive(Serialize)]
struct ModelListing<'a> {
    part: &'a str,
    name: &'a str,
    result: &'static str,
    /// Why a model is missing.
    reason: Option<&'a str>,
}

impl<'a> VerifyListing<'a> {
    fn new(verified: &'a Verified<'a>) -> Self {
        let Verified { file, audio, models, checked } = verified;
        let manifest = &checked.origin.manifest;
        let model = |(model, found): (&'a manifest::ModelHash, &'a ModelMatch)| ModelListing {
            part: &model.part,
            name: &model.name,
            result: match found {
                ModelMatch::Same => "same",
                ModelMatch::Other => "other",
                ModelMatch::Missing(_) => "missing",
            },
            reason: match found {
                ModelMatch::Missing(reason) => Some(reason.as_str()),
                ModelMatch::Same | ModelMatch::Other => None,
            },
        };
        Self {
            file,
            matches: verified.problem().is_none(),
            app_version: &manifest.app_version,
            transcript: match checked.seal {
                Seal::Whole => "as it was written",
                Seal::Broken => "changed since it was written",
            },
            audio: AudioListing {
                name: &manifest.audio.name,
                path: audio.as_ref().map(|(path, _)| path.display().to_string()),
                result: match audio {
                    Some((_, AudioMatch::SameFile)) => "same file",
                    Some((_, AudioMatch::SameSound)) => "same sound",
                    Some((_, AudioMatch::Other)) => "other",
                    None => "missing",
                },
            },
            models: manifest.models.iter().zip(models).map(model).collect(),
            n_edits: manifest.n_edits,
            edited_words: verified.edited_words(),
            changed_words: verified.changed_words(),
            n_removed_words: checked.n_removed_words,
        }
    }

    /// The same for people.
    fn lines(&self) -> String {
        let changes = match (self.n_edits, self.edited_words.len()) {
            (0, 0) => String::new(),
            (n_edits, n_words) => format!(
                "; {} by hand, {}",
                plural(n_edits, "change", "changes"),
                plural(n_words, "edited word", "edited words")
            ),
        };
        let path = self.audio.path.as_deref().unwrap_or(self.audio.name);
        let mut lines = vec![
            format!("{}: made by Hansard {} from {}", self.file, self.app_version, self.audio.name),
            format!("transcript  {}{changes}", self.transcript),
            format!("audio       {path}: {}", self.audio.result),
        ];
        for ModelListing { part, name, result, reason } in &self.models {
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            lines.push(format!("model       {part} by {name}: {result}{reason}"));
        }
        let listed = [("edited by hand:", &self.edited_words), ("changed since:", &self.changed_words)];
        for (title, words) in listed.into_iter().filter(|(_, words)| !words.is_empty()) {
            lines.push(title.to_owned());
            lines.extend(passages(words).into_iter().map(|passage| format!("  {passage}")));
        }
        if self.n_removed_words > 0 {
            lines.push(format!("{} left out", plural(self.n_removed_words, "word was", "words were")));
        }
        lines.iter().fold(String::new(), |mut text, line| {
            writeln!(text, "{}", without_controls(line)).expect("a string takes all that is written");
            text
        })
    }
}

/// Words one after the other as one line: when, who, what.
fn passages(words: &[&EditedWord]) -> Vec<String> {
    let mut passages: Vec<String> = Vec::new();
    let mut last: Option<&EditedWord> = None;
    for &word in words {
        let follows = last.is_some_and(|last| {
            last.segment == word.segment && last.speaker == word.speaker && last.word.map(|idx| idx + 1) == word.word
        });
        if let Some(passage) = passages.last_mut().filter(|_| follows) {
            passage.push(' ');
            passage.push_str(word.text.trim());
        } else {
            let at = word.start.map_or_else(|| "-".to_owned(), |start: Seconds| start.to_string());
            let who = word.speaker.as_deref().map(|speaker| format!("{speaker}: ")).unwrap_or_default();
            passages.push(format!("{at} {who}{}", word.text.trim()));
        }
        last = Some(word);
    }
    passages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::manifest::{AudioHashes, Manifest, ModelHash, Origin};

    fn word(segment: usize, word: usize, text: &str) -> EditedWord {
        let start = Some(Seconds(60.0 + word as f64));
        EditedWord { segment, word: Some(word), start, speaker: Some("SPEAKER_00".to_owned()), text: text.to_owned() }
    }

    fn checked(seal: Seal, edited: &[EditedWord], since: &[EditedWord]) -> CheckedFile {
        let audio = AudioHashes { name: "board.mp4".to_owned(), ..AudioHashes::default() };
        let model = ModelHash { part: "transcription".to_owned(), name: "demo".to_owned(), ..ModelHash::default() };
        let (app_version, n_edits) = ("0.1.0".to_owned(), usize::from(!edited.is_empty()));
        let manifest = Manifest { app_version, audio, models: vec![model], n_edits, ..Manifest::default() };
        let origin = Origin { manifest, edited_words: edited.to_vec(), ..Origin::default() };
        CheckedFile { origin, seal, edited_words: [edited, since].concat(), n_removed_words: since.len() }
    }

    #[test]
    fn what_matches_and_what_does_not_is_told() {
        let (sound, edited, since) =
            (AudioMatch::SameSound, [word(0, 3, "a"), word(0, 4, "budget,")], [word(2, 0, "never\n")]);
        for (checked, audio, model, problem, expected) in [
            (
                checked(Seal::Whole, &[], &[]),
                Some(AudioMatch::SameFile),
                ModelMatch::Same,
                None,
                "transcript  as it was written\naudio       /m/board.mp4: same file\n\
                 model       transcription by demo: same\n",
            ),
            (
                checked(Seal::Whole, &edited, &[]),
                Some(sound),
                ModelMatch::Same,
                None,
                "transcript  as it was written; 1 change by hand, 2 edited words\n\
                 audio       /m/board.mp4: same sound\nmodel       transcription by demo: same\n\
                 edited by hand:\n  1:03 SPEAKER_00: a budget,\n",
            ),
            (
                checked(Seal::Broken, &edited, &since),
                None,
                ModelMatch::Missing("gone".to_owned()),
                Some(
                    "the transcript was changed since it was written; the recording is not here; name it with --audio; \
                     a model is not the one that was used",
                ),
                "transcript  changed since it was written; 1 change by hand, 2 edited words\n\
                 audio       board.mp4: missing\nmodel       transcription by demo: missing (gone)\n\
                 edited by hand:\n  1:03 SPEAKER_00: a budget,\nchanged since:\n  1:00 SPEAKER_00: never\n\
                 1 word was left out\n",
            ),
        ] {
            let audio = audio.map(|found| (PathBuf::from("/m/board.mp4"), found));
            let verified = Verified { file: "b.json".to_owned(), audio, models: vec![model], checked: &checked };
            assert_eq!(verified.problem().as_deref(), problem);
            let listing = VerifyListing::new(&verified);
            let found = listing.lines();
            assert_eq!(found, format!("b.json: made by Hansard 0.1.0 from board.mp4\n{expected}"));
            let listed = json(&listing).expect("numbers and names");
            assert!(listed.contains(&format!("\"matches\":{},", problem.is_none())), "{listed}");
        }
    }
}
