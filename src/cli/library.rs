//! `hansard library` and `hansard search`: the recordings of the user, what is kept of them, and what was said in them.
//! Listings and passages are results and go to stdout; what was changed is told on stderr.

use std::process::ExitCode;

use crate::engine::library::NewFiles;
use crate::engine::shelf::{self, Access, Added, Moved};
use crate::paths::AppPaths;
use crate::settings::ModelOverrides;

use super::batch::Outcome;
use super::cache::Done;
use super::cache_listing::plural;
use super::library_args::{LibraryAction, ListArguments, SearchArguments};
use super::library_listing::{FoldersListing, HitsListing, JobsListing, RecordingsListing, VersionsListing};
use super::model_watch::{finish, json, model_settings};
use super::progress::{Display, Verbosity};
use super::table::megabytes;

/// Warnings about files that are told one by one.
const MAX_WARNINGS: usize = 20;

/// Does what the arguments ask for.
pub(super) fn run(action: &LibraryAction, paths: &AppPaths, overrides: &ModelOverrides) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let settings = model_settings(paths, overrides, &display);
    let warn = |text: &str| display.say(&format!("warning: {text}"));
    let access = Access { paths, settings: &settings, warn: &warn };
    let library = Library { access, display: &display };
    let mut outcome = Outcome::Done;
    let result = match action {
        LibraryAction::List(arguments) => library.list(arguments)?,
        LibraryAction::Add { files } => {
            let added = shelf::add(access, files)?;
            library.tell_added(&added);
            // What was named and could not be read is a failure, though the others were added.
            if !added.warnings.is_empty() {
                outcome = Outcome::Failed;
            }
            String::new()
        }
        LibraryAction::Remove { which } => {
            for path in shelf::remove(access, which)? {
                display.tell(&format!("{}: taken out of the library; the file stays", path.display()));
            }
            String::new()
        }
        LibraryAction::Tag { which, tags, remove: false } => library.change_tags(which, tags, &[])?,
        LibraryAction::Tag { which, tags, remove: true } => library.change_tags(which, &[], tags)?,
        LibraryAction::Note { which, text } => library.set_note(which, text)?,
        LibraryAction::Versions { which, restore: Some(version), .. } => library.restore(which, *version)?,
        LibraryAction::Versions { which, restore: None, json: as_json } => library.versions(which, *as_json)?,
        LibraryAction::Watch { folder, transcribe } => {
            let new_files = if *transcribe { NewFiles::Transcribe } else { NewFiles::List };
            library.tell_added(&shelf::watch(access, folder, new_files)?);
            String::new()
        }
        LibraryAction::Unwatch { folder } => {
            shelf::unwatch(access, folder)?;
            display.tell(&format!("{}: left alone from now on; its recordings stay listed", folder.display()));
            String::new()
        }
        LibraryAction::Folders { json: as_json } => {
            let folders = shelf::folders(access)?;
            let listing = FoldersListing::new(&folders);
            if *as_json { json(&listing)? } else { listing.table() }
        }
        LibraryAction::Jobs { limit, json: as_json } => {
            let jobs = shelf::jobs(access, *limit)?;
            let listing = JobsListing::new(&jobs);
            if *as_json { json(&listing)? } else { listing.table() }
        }
        LibraryAction::Export { file } => {
            let Moved { n_recordings, n_bytes } = shelf::export(access, file)?;
            let (recordings, size) = (n_recordings_of(n_recordings), megabytes(n_bytes));
            display.tell(&format!("{}: {recordings}, {size} MB", file.display()));
            String::new()
        }
        LibraryAction::Import { file } => {
            let Moved { n_recordings, .. } = shelf::import(access, file)?;
            display.tell(&format!("{}: {} taken in", file.display(), n_recordings_of(n_recordings)));
            String::new()
        }
    };
    finish(&display, &result, outcome)
}

/// Looks for words in all transcripts.
pub(super) fn search(
    arguments: &SearchArguments,
    paths: &AppPaths,
    overrides: &ModelOverrides,
) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let settings = model_settings(paths, overrides, &display);
    let warn = |text: &str| display.say(&format!("warning: {text}"));
    let hits = shelf::search(Access { paths, settings: &settings, warn: &warn }, &arguments.request())?;
    let listing = HitsListing::new(&hits);
    let (result, outcome): Done = if arguments.json {
        (json(&listing)?, Outcome::Done)
    } else {
        if hits.is_empty() {
            display.tell("Nothing was found.");
        }
        (listing.lines(), Outcome::Done)
    };
    finish(&display, &result, outcome)
}

/// The library as the command line sees it.
struct Library<'a> {
    access: Access<'a>,
    display: &'a Display,
}

impl Library<'_> {
    fn list(&self, arguments: &ListArguments) -> anyhow::Result<String> {
        let request = arguments.request();
        let page = shelf::list(self.access, &request)?;
        let listing = RecordingsListing::new(&page);
        if arguments.json {
            return json(&listing);
        }
        let n_shown = page.entries.len();
        if page.n_in_all == 0 {
            self.display
                .tell("No such recording is in the library; `hansard library add FILE|FOLDER` puts some there.");
        } else if n_shown < page.n_in_all {
            self.display.tell(&format!("{n_shown} of {} recordings; --offset and --limit show others.", page.n_in_all));
        }
        Ok(listing.table())
    }

    fn change_tags(&self, which: &str, added: &[String], removed: &[String]) -> anyhow::Result<String> {
        let entry = shelf::change_tags(self.access, which, added, removed)?;
        let said = if entry.tags.is_empty() {
            "it has no tags now".to_owned()
        } else {
            format!("its tags are {}", entry.tags.join(", "))
        };
        self.display.tell(&format!("{}: {said}", entry.label));
        Ok(String::new())
    }

    fn set_note(&self, which: &str, text: &str) -> anyhow::Result<String> {
        let entry = shelf::set_note(self.access, which, text)?;
        let said = if entry.note.is_empty() { "it has no note now" } else { "the note is kept" };
        self.display.tell(&format!("{}: {said}", entry.label));
        Ok(String::new())
    }

    fn versions(&self, which: &str, as_json: bool) -> anyhow::Result<String> {
        let found = shelf::versions(self.access, which)?;
        let listing = VersionsListing::new(&found.versions);
        if as_json {
            return json(&listing);
        }
        if found.versions.is_empty() {
            self.display.tell(&format!("{}: there is no other version of its transcript", found.entry.label));
        }
        Ok(listing.table())
    }

    fn restore(&self, which: &str, version: usize) -> anyhow::Result<String> {
        let restored = shelf::restore(self.access, which, version)?;
        let said = match restored.replaced {
            Some(replaced) => format!("version {version} is the newest now; what was the newest is version {replaced}"),
            None => format!("version {version} is the newest"),
        };
        self.display.tell(&format!("{}: {said}", restored.entry.label));
        Ok(String::new())
    }

    fn tell_added(&self, added: &Added) {
        let Added { n_new, n_known, n_found_again, warnings } = added;
        for warning in warnings.iter().take(MAX_WARNINGS) {
            self.display.say(&format!("warning: {warning}"));
        }
        if warnings.len() > MAX_WARNINGS {
            self.display.say(&format!("warning: and {} more of the kind", warnings.len() - MAX_WARNINGS));
        }
        let known = (*n_known > 0).then(|| format!(", {n_known} known already"));
        let found_again = (*n_found_again > 0).then(|| format!(", {n_found_again} found again in another place"));
        let line = [Some(format!("{} added", n_recordings_of(*n_new))), known, found_again];
        let line: String = line.into_iter().flatten().collect();
        self.display.tell(&line);
    }
}

fn n_recordings_of(n: usize) -> String {
    plural(n, "recording", "recordings")
}
