//! `hansard cache` on its side of stored results: what is removed, listed, written to a file and taken from one.
//! Listings go to stdout; what was changed is told on stderr.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::engine::model_work::RemovedEntry;
use crate::engine::results::{ClearResults, Layer};
use crate::engine::shelf::results::{self, Removed, ResultsError, Trial};
use crate::paths::AppPaths;
use crate::settings::ModelSettings;

use super::batch::Outcome;
use super::cache::{Cache, Done};
use super::cache_args::CleanUpArguments;
use super::cache_listing::plural;
use super::model_watch::json;
use super::results_listing::LargestListing;
use super::table::megabytes;

/// Removes results, or tells what would go: an entry for each stage of which something does.
pub(super) fn removed(
    request: &ClearResults,
    trial: Trial,
    Cache { paths, settings, display }: Cache<'_>,
) -> anyhow::Result<Vec<RemovedEntry>> {
    match removed_by_stage(request, trial, paths, settings) {
        Err(error) if results::can_go_unopened(request, &error) => {
            if trial == Trial::No {
                display.say(&format!("warning: {}", results::unopened_warning(&error)));
            }
            let Removed { n_bytes, .. } = results::clear_unopened(paths, settings, trial)?;
            Ok(vec![RemovedEntry { name: "all stored results".to_owned(), n_bytes }])
        }
        removed => Ok(removed?),
    }
}

fn removed_by_stage(
    request: &ClearResults,
    trial: Trial,
    paths: &AppPaths,
    settings: &ModelSettings,
) -> Result<Vec<RemovedEntry>, ResultsError> {
    let layers: &[Layer] = if request.layers.is_empty() { &Layer::ALL } else { &request.layers };
    let mut entries = Vec::new();
    for layer in layers {
        let of_layer = ClearResults { layers: vec![*layer], older_than_days: request.older_than_days };
        let Removed { n_entries, n_bytes } = results::clear(paths, settings, &of_layer, trial)?;
        if n_entries > 0 {
            entries.push(RemovedEntry { name: format!("{layer} ({})", n_results(n_entries)), n_bytes });
        }
    }
    Ok(entries)
}

/// Removes what is too old, or too seldom used.
pub(super) fn clean_up(
    arguments: &CleanUpArguments,
    Cache { paths, settings, display }: Cache<'_>,
) -> anyhow::Result<Done> {
    let trial = arguments.trial();
    let Removed { n_entries, n_bytes } = results::clean_up(paths, settings, &arguments.request(), trial)?;
    let is_removed = match trial {
        Trial::Only => false,
        Trial::No => n_entries > 0,
    };
    if arguments.json {
        return Ok((json(&CleanUpListing { n_entries, n_bytes, is_removed })?, Outcome::Done));
    }
    let what_became = if is_removed { " removed" } else { "; nothing was removed" };
    display.tell(&format!("{}, {} MB{what_became}", n_results(n_entries), megabytes(n_bytes)));
    Ok((String::new(), Outcome::Done))
}

/// Lists the results that take the most room.
pub(super) fn largest(
    n_results: usize,
    as_json: bool,
    Cache { paths, settings, display }: Cache<'_>,
) -> anyhow::Result<Done> {
    let results = results::largest(paths, settings, n_results)?;
    let listing = LargestListing::new(&results);
    if as_json {
        return Ok((json(&listing)?, Outcome::Done));
    }
    if results.is_empty() {
        display.tell("No result is stored yet.");
    }
    Ok((listing.table(SystemTime::now()), Outcome::Done))
}

/// Makes the list of results anew.
pub(super) fn rebuild_index(Cache { paths, settings, display }: Cache<'_>) -> anyhow::Result<Done> {
    let n_entries = results::rebuild_index(paths, settings)?;
    display.tell(&format!("{} found and listed anew", n_results(n_entries)));
    Ok((String::new(), Outcome::Done))
}

/// Writes all results to one file.
pub(super) fn export(file: &Path, Cache { paths, settings, display }: Cache<'_>) -> anyhow::Result<Done> {
    let written = results::export(paths, settings, file)?;
    let size = megabytes(written.n_bytes);
    display.tell(&format!("{}: {}, {size} MB", file.display(), n_results(written.n_entries)));
    Ok((String::new(), Outcome::Done))
}

/// Takes results from files.
pub(super) fn import(files: &[PathBuf], Cache { paths, settings, display }: Cache<'_>) -> anyhow::Result<Done> {
    for file in files {
        let taken = results::import(paths, settings, file)?;
        display.tell(&format!("{}: {} imported", file.display(), n_results(taken.n_entries)));
    }
    Ok((String::new(), Outcome::Done))
}

/// What is printed of a cleaning.
#[derive(Serialize)]
struct CleanUpListing {
    n_entries: u64,
    n_bytes: u64,
    #[serde(rename = "removed")]
    is_removed: bool,
}

fn n_results(n: u64) -> String {
    plural(n as usize, "result", "results")
}
