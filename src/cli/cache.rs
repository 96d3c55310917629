//! `hansard cache`: what is in the model cache and among the stored results, and what shall be. Listings go to stdout;
//! what was changed is told on stderr. What the cache does, the engine knows; what concerns results alone is in
//! `cli/cache_results.rs`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use serde::Serialize;

use crate::engine::model_work::{Clearing, KeptReason, ObtainedFrom, ObtainedModel};
use crate::engine::models::{self, ModelListing, Pinning};
use crate::engine::shelf::results::{self, Trial};
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, ModelSettings};

use super::batch::Outcome;
use super::cache_args::{CacheAction, ClearArguments, Cleared};
use super::cache_listing::{
    ClearListing, EntriesListing, InfoListing, VerifiedListing, plan_table, plural, size_of, summary, verified_table,
};
use super::cache_results;
use super::model_watch::{finish, json, model_settings, watched};
use super::progress::{Display, Verbosity};
use super::results_listing::{DamagedListing, ResultsListing, damaged_lines};
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
        CacheAction::Cleanup(arguments) => cache_results::clean_up(arguments, cache)?,
        CacheAction::Largest { top, json } => cache_results::largest(top.get(), *json, cache)?,
        CacheAction::RebuildIndex => cache_results::rebuild_index(cache)?,
        CacheAction::Export { results: true, file, .. } => cache_results::export(file, cache)?,
        CacheAction::Export { results: false, file, keys } => cache.export(file, keys)?,
        CacheAction::Import { results: true, sources } => cache_results::import(sources, cache)?,
        CacheAction::Import { results: false, sources } => import(sources, paths, &settings, &display)?,
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
    Ok((String::new(), outcome_of(imported.as_ref())))
}

/// How something went that was watched, and told what it did.
pub(super) fn outcome_of<T>(done: Option<&T>) -> Outcome {
    if done.is_some() { Outcome::Done } else { Outcome::Cancelled }
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

/// Models and results, and whom to tell what becomes of them.
#[derive(Clone, Copy)]
pub(super) struct Cache<'a> {
    pub(super) paths: &'a AppPaths,
    pub(super) settings: &'a ModelSettings,
    pub(super) display: &'a Display,
}

impl Cache<'_> {
    fn info(&self, as_json: bool) -> anyhow::Result<Done> {
        let listing = self.listing()?;
        let models = InfoListing::new(&listing);
        let survey = results::survey(self.paths, self.settings)?;
        let results = ResultsListing::new(&survey);
        let text = if as_json { json(&WholeListing { models, results })? } else { models.table() + &results.table() };
        Ok((text, Outcome::Done))
    }

    fn list(&self, as_json: bool) -> anyhow::Result<Done> {
        let listing = self.listing()?;
        let entries = EntriesListing::new(&listing);
        if as_json {
            return Ok((json(&entries)?, Outcome::Done));
        }
        if entries.is_empty() && self.settings.use_model_cache {
            self.display.tell("No model is in the cache yet; `hansard models pull SIZE` fetches one.");
        }
        Ok((entries.table(SystemTime::now()), Outcome::Done))
    }

    fn verify(&self, keys: &[String], as_json: bool) -> anyhow::Result<Done> {
        let verified = watched(self.display, |watch| -> anyhow::Result<_> {
            let models = models::verify(self.paths, self.settings, keys, watch)?;
            // Who names models means those.
            let results = match keys {
                [] => Some(results::verify(self.paths, self.settings, watch.cancel)?),
                [..] => None,
            };
            watch.cancel.check()?;
            Ok((models, results))
        })?;
        let Some((entries, results)) = verified else { return Ok((String::new(), Outcome::Cancelled)) };
        if entries.is_empty() {
            self.display.tell("No model is in the cache yet.");
        }
        let is_sound = entries.iter().all(|entry| entry.problem.is_none())
            && results.as_ref().is_none_or(|results| results.damaged.is_empty());
        let outcome = if is_sound { Outcome::Done } else { Outcome::Failed };
        let text = if as_json {
            json(&VerifiedListing { models: &entries, results: results.as_ref().map(DamagedListing::new) })?
        } else {
            verified_table(&entries) + &results.as_ref().map(damaged_lines).unwrap_or_default()
        };
        Ok((text, outcome))
    }

    fn warm(&self, keys: &[String]) -> anyhow::Result<Done> {
        let warmed = watched(self.display, |watch| models::warm(self.paths, self.settings, keys, watch))?;
        Ok((String::new(), outcome_of(warmed.as_ref())))
    }

    fn clear(&self, arguments: &ClearArguments) -> anyhow::Result<Done> {
        let request = arguments.request();
        let plan = self.clearing(&request, Trial::Only)?;
        if arguments.consent.dry_run || plan.removed.is_empty() {
            let text = if arguments.json { json(&ClearListing::new(&plan))? } else { plan_table(&plan) };
            self.display.tell(&format!("{}; nothing was removed", summary(&plan)));
            return Ok((text, Outcome::Done));
        }
        let consent = if arguments.consent.yes {
            Consent::Given
        } else {
            let question = format!("Remove {} ({})?", plural(plan.removed.len(), "entry", "entries"), size_of(&plan));
            asked(&question, io::stdin().is_terminal(), ask)?
        };
        match consent {
            Consent::Refused => {
                self.display.tell("Nothing was removed.");
                Ok((String::new(), Outcome::Done))
            }
            Consent::Given => {
                let cleared = self.clearing(&request, Trial::No)?;
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

    /// What goes, or would go.
    fn clearing(&self, request: &Cleared, trial: Trial) -> anyhow::Result<Clearing> {
        let mut clearing = match (&request.beside, trial) {
            (None, _) => Clearing::default(),
            (Some(beside), Trial::Only) => models::plan_clear(self.paths, self.settings, beside)?,
            (Some(beside), Trial::No) => models::clear(self.paths, self.settings, beside)?,
        };
        if let Some(results) = &request.results {
            clearing.removed.extend(cache_results::removed(results, trial, *self)?);
        }
        Ok(clearing)
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
        if !self.settings.use_model_cache {
            self.display.tell("The model cache is switched off (use_model_cache in the settings); no model is kept.");
        }
        listing(self.paths, self.settings, self.display)
    }
}

/// What is printed of models and results together.
#[derive(Serialize)]
struct WholeListing<'a> {
    #[serde(flatten)]
    models: InfoListing<'a>,
    results: ResultsListing,
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
