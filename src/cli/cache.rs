//! `hansard cache`: what is in the model cache, and what shall be. Listings are results and go to stdout; what was
//! changed is told on stderr. What the cache does, the engine knows.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;

use crate::engine::model_work::{Clearing, KeptReason, ObtainedFrom, ObtainedModel};
use crate::engine::models::{self, ModelListing, Pinning};
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, ModelSettings};

use super::batch::Outcome;
use super::cache_args::{CacheAction, ClearArguments};
use super::cache_listing::{
    ClearListing, EntriesListing, InfoListing, VerifiedListing, plan_table, plural, size_of, summary, verified_table,
};
use super::model_watch::{finish, json, model_settings, watched};
use super::progress::{Display, Verbosity};
use super::table::megabytes;

/// Does what the arguments ask for.
pub(super) fn run(action: &CacheAction, paths: &AppPaths, overrides: &ModelOverrides) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let settings = model_settings(paths, overrides, &display);
    let cache = Cache { paths, settings: &settings, display: &display };
    let (result, outcome) = match action {
        CacheAction::Info(arguments) => cache.info(arguments.json)?,
        CacheAction::List { json } => cache.list(*json)?,
        CacheAction::Verify { keys, json } => cache.verify(keys, *json)?,
        CacheAction::Warm { keys } => cache.warm(keys)?,
        CacheAction::Evict { keys } => remove(keys, paths, &settings, &display)?,
        CacheAction::Clear(arguments) => cache.clear(arguments)?,
        CacheAction::Export { file, keys } => cache.export(file, keys)?,
        CacheAction::Import { sources } => import(sources, paths, &settings, &display)?,
        CacheAction::Pin { keys } => cache.set_pin(keys, Pinning::Pinned)?,
        CacheAction::Unpin { keys } => cache.set_pin(keys, Pinning::Unpinned)?,
    };
    finish(&display, &result, outcome)
}

/// What goes to stdout, and how it went.
pub(super) type Done = (String, Outcome);

/// What there is; what the user should know is said.
pub(super) fn listing(paths: &AppPaths, settings: &ModelSettings, display: &Display) -> anyhow::Result<ModelListing> {
    let (listing, warnings) = models::list(paths, settings)?;
    for warning in warnings {
        display.say(&format!("warning: {warning}"));
    }
    Ok(listing)
}

/// Removes models by their names or keys.
pub(super) fn remove(
    names: &[String],
    paths: &AppPaths,
    settings: &ModelSettings,
    display: &Display,
) -> anyhow::Result<Done> {
    let cleared = models::remove(paths, settings, names)?;
    let outcome = tell_removed(&cleared, display);
    Ok((String::new(), outcome))
}

/// Takes models from files or folders.
pub(super) fn import(
    sources: &[PathBuf],
    paths: &AppPaths,
    settings: &ModelSettings,
    display: &Display,
) -> anyhow::Result<Done> {
    let imported = watched(display, |watch| models::import(paths, settings, sources, watch))?;
    let Some(bundle) = imported else { return Ok((String::new(), Outcome::Cancelled)) };
    for key in &bundle.keys {
        display.tell(&format!("{key}: imported"));
    }
    Ok((String::new(), Outcome::Done))
}

/// One line about a model that was asked for.
pub(super) fn obtained(model: &ObtainedModel) -> String {
    let ObtainedModel { key, n_bytes, from, secs } = model;
    let how = match from {
        ObtainedFrom::Disk => "was ready already",
        ObtainedFrom::Files => "made ready",
        ObtainedFrom::HubCache => "made ready from a cache of Hugging Face's",
        ObtainedFrom::Hub => "fetched and made ready",
    };
    format!("{key}: {how}, {} MB, {secs:.1} s", megabytes(*n_bytes))
}

/// The cache as the command line sees it.
struct Cache<'a> {
    paths: &'a AppPaths,
    settings: &'a ModelSettings,
    display: &'a Display,
}

impl Cache<'_> {
    fn info(&self, as_json: bool) -> anyhow::Result<Done> {
        let listing = self.listing()?;
        let info = InfoListing::new(&listing);
        Ok((if as_json { json(&info)? } else { info.table() }, Outcome::Done))
    }

    fn list(&self, as_json: bool) -> anyhow::Result<Done> {
        let listing = self.listing()?;
        let entries = EntriesListing::new(&listing);
        if as_json {
            return Ok((json(&entries)?, Outcome::Done));
        }
        if entries.is_empty() {
            self.display.tell("No model is in the cache yet; `hansard models pull SIZE` fetches one.");
        }
        Ok((entries.table(SystemTime::now()), Outcome::Done))
    }

    fn verify(&self, keys: &[String], as_json: bool) -> anyhow::Result<Done> {
        let verified = watched(self.display, |watch| models::verify(self.paths, self.settings, keys, watch))?;
        let Some(entries) = verified else { return Ok((String::new(), Outcome::Cancelled)) };
        if entries.is_empty() {
            self.display.tell("No model is in the cache yet.");
        }
        let is_sound = entries.iter().all(|entry| entry.problem.is_none());
        let outcome = if is_sound { Outcome::Done } else { Outcome::Failed };
        let text = if as_json { json(&VerifiedListing { models: &entries })? } else { verified_table(&entries) };
        Ok((text, outcome))
    }

    fn warm(&self, keys: &[String]) -> anyhow::Result<Done> {
        let warmed = watched(self.display, |watch| models::warm(self.paths, self.settings, keys, watch))?;
        let Some(entries) = warmed else { return Ok((String::new(), Outcome::Cancelled)) };
        for entry in &entries {
            self.display.tell(&obtained(entry));
        }
        Ok((String::new(), Outcome::Done))
    }

    fn clear(&self, arguments: &ClearArguments) -> anyhow::Result<Done> {
        let request = arguments.request();
        let plan = models::plan_clear(self.paths, self.settings, &request)?;
        if arguments.dry_run || plan.removed.is_empty() {
            let text = if arguments.json { json(&ClearListing::new(&plan))? } else { plan_table(&plan) };
            self.display.tell(&format!("{}; nothing was removed", summary(&plan)));
            return Ok((text, Outcome::Done));
        }
        let consent = if arguments.yes {
            Consent::Given
        } else {
            let question = format!("Remove {} ({})?", plural(plan.removed.len(), "entry", "entries"), size_of(&plan));
            asked(&question, io::stdin().is_terminal(), ask)?
        };
        match consent {
            Consent::Refused => {
                self.display.tell("Nothing was removed.");
                Ok((String::new(), Outcome::Cancelled))
            }
            Consent::Given => {
                let cleared = models::clear(self.paths, self.settings, &request)?;
                if arguments.json {
                    return Ok((json(&ClearListing::new(&cleared))?, Outcome::Done));
                }
                self.display.tell(&format!("{} removed", summary(&cleared)));
                // What was not asked for by name may stay.
                for entry in &cleared.kept {
                    self.display.tell(&format!("{}: kept, {}", entry.name, entry.reason.label()));
                }
                Ok((String::new(), Outcome::Done))
            }
        }
    }

    fn export(&self, file: &Path, keys: &[String]) -> anyhow::Result<Done> {
        let written = watched(self.display, |watch| models::export(self.paths, self.settings, file, keys, watch))?;
        let Some(bundle) = written else { return Ok((String::new(), Outcome::Cancelled)) };
        let n_models = plural(bundle.keys.len(), "model", "models");
        self.display.tell(&format!("{}: {n_models}, {} MB", file.display(), megabytes(bundle.n_bytes)));
        Ok((String::new(), Outcome::Done))
    }

    fn set_pin(&self, keys: &[String], pinning: Pinning) -> anyhow::Result<Done> {
        models::set_pin(self.paths, self.settings, keys, pinning)?;
        let done = match pinning {
            Pinning::Pinned => "pinned",
            Pinning::Unpinned => "no longer pinned",
        };
        for key in keys {
            self.display.tell(&format!("{key}: {done}"));
        }
        Ok((String::new(), Outcome::Done))
    }

    fn listing(&self) -> anyhow::Result<ModelListing> {
        listing(self.paths, self.settings, self.display)
    }
}

/// Whether the user wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consent {
    Given,
    Refused,
}

/// Asks where there is somebody to ask.
fn asked(question: &str, is_terminal: bool, ask: impl FnOnce(&str) -> io::Result<String>) -> anyhow::Result<Consent> {
    anyhow::ensure!(
        is_terminal,
        "there is no terminal to ask on: {question} Give --yes if so, or --dry-run to see what"
    );
    let answer = ask(question).context("cannot read the answer")?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(Consent::Given),
        _ => Ok(Consent::Refused),
    }
}

fn ask(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

/// A line for each model that was asked for by its name; one that stays is a failure.
fn tell_removed(cleared: &Clearing, display: &Display) -> Outcome {
    for entry in &cleared.removed {
        display.tell(&format!("{}: removed, {} MB", entry.name, megabytes(entry.n_bytes)));
    }
    for entry in &cleared.kept {
        let advice = match entry.reason {
            KeptReason::Pinned => format!("`hansard cache unpin {}` lets it go", entry.name),
            KeptReason::InUse => "try again when that has ended".to_owned(),
        };
        display.say(&format!("error: {}: kept, {}; {advice}", entry.name, entry.reason.label()));
    }
    if cleared.kept.is_empty() { Outcome::Done } else { Outcome::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_on_a_terminal_is_a_yes() {
        for (answer, expected) in [
            ("y\n", Consent::Given),
            (" Yes \r\n", Consent::Given),
            ("n\n", Consent::Refused),
            ("\n", Consent::Refused),
            ("", Consent::Refused),
            ("yeah\n", Consent::Refused),
        ] {
            let found = asked("Remove all?", true, |question| {
                assert_eq!(question, "Remove all?");
                Ok(answer.to_owned())
            });
            assert_eq!(found.expect("an answer"), expected, "{answer:?}");
        }
        let unreadable = asked("Remove all?", true, |_| Err(io::ErrorKind::InvalidData.into()));
        assert!(unreadable.is_err());
        let nobody = asked("Remove all?", false, |_| panic!("there is nobody to ask")).expect_err("nobody agreed");
        assert!(nobody.to_string().contains("--yes"), "{nobody}");
    }

    #[test]
    fn models_that_were_asked_for_say_where_they_came_from() {
        for (from, expected) in [
            (ObtainedFrom::Disk, "a_b_cpu: was ready already, 79.1 MB, 1.5 s"),
            (ObtainedFrom::Hub, "a_b_cpu: fetched and made ready, 79.1 MB, 1.5 s"),
        ] {
            let model = ObtainedModel { key: "a_b_cpu".to_owned(), n_bytes: 79_068_260, from, secs: 1.5 };
            assert_eq!(obtained(&model), expected);
        }
    }
}
