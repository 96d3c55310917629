//! The command line: arguments become jobs of the engine; its events become progress on stderr, and transcripts in
//! files or on stdout. Nothing is printed on stdout but the result.
//!
//! It opens no window: where one is wanted, [`run`] answers with [`Next::Window`]. It writes files itself instead of
//! asking the engine, for it may wait for the disk while the engine goes on with the next recording.

mod args;
mod batch;
mod bench;
mod cache;
mod cache_args;
mod cache_listing;
mod cache_results;
mod calendar;
mod demo;
mod layout_args;
mod library;
mod library_args;
mod library_listing;
mod model_watch;
mod models;
mod models_args;
mod outlook;
mod progress;
mod record;
mod record_screen;
mod related;
mod results_listing;
mod reused;
mod score;
mod speakers;
mod table;
mod transcribe;
mod verify;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::engine::one_line;
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, ModelSettings};
use crate::transcript::Transcript;

use args::{Action, Arguments};
use cache_args::CacheAction;
use progress::Display;

/// Exit code of a command that failed, after one clear line on stderr.
const FAILED: u8 = 1;
/// Exit code of a wrong command line.
const WRONG_USAGE: u8 = 2;

/// What the program does when the command line has done its part.
#[derive(Debug)]
pub enum Next {
    /// End.
    Exit(ExitCode),
    /// Open the window.
    Window {
        /// The recording to open there.
        recording: Option<PathBuf>,
        /// Its transcript, where there is one already.
        transcript: Option<Arc<Transcript>>,
        /// What was said about models for this start.
        overrides: ModelOverrides,
    },
}

/// Does what `arguments` (the first is the program's name) ask for. Every failure has been reported when this returns.
pub fn run(arguments: impl IntoIterator<Item = OsString>, paths: &AppPaths) -> Next {
    start_log();
    let next = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { models, action }) => {
            let environment = ModelOverrides::from_environment(|name| env::var_os(name));
            perform(action, models.overriding(environment), paths)
        }
        Err(help_or_wrong_usage) => Err(help_or_wrong_usage.into()),
    };
    next.unwrap_or_else(|error| Next::Exit(report(error)))
}

fn perform(action: Option<Action>, overrides: ModelOverrides, paths: &AppPaths) -> anyhow::Result<Next> {
    let code = match action {
        None => return window(None, overrides),
        Some(Action::Open { file }) => return window(file, overrides),
        Some(Action::Demo(arguments)) => return demo::run(&arguments, paths, overrides),
        Some(Action::Transcribe(arguments)) => transcribe::run(*arguments, paths, &overrides)?,
        Some(Action::Record(arguments)) => record::run(&arguments, paths, &overrides)?,
        Some(Action::Models(arguments)) => models::run(&arguments.action, paths, &overrides)?,
        Some(Action::Library(arguments)) => library::run(&arguments.action, paths, &overrides)?,
        Some(Action::Search(arguments)) => library::search(&arguments, paths, &overrides)?,
        Some(Action::Verify(arguments)) => verify::run(&arguments, paths, &overrides)?,
        Some(Action::Cache(arguments)) => cache::run(&arguments.action, paths, &overrides)?,
        Some(Action::CacheInfo(arguments)) => cache::run(&CacheAction::Info(arguments), paths, &overrides)?,
        Some(Action::ClearCache(arguments)) => cache::run(&CacheAction::Clear(arguments), paths, &overrides)?,
        Some(Action::Bench(arguments)) => bench::run(&arguments, paths)?,
        Some(Action::Speakers { action }) => speakers::run(&action, paths)?,
        Some(Action::Score(arguments)) => score::run(&arguments)?,
    };
    Ok(Next::Exit(code))
}

/// What the user chose about models, for a program that does its jobs and ends: what they need, they load themselves.
fn job_settings(paths: &AppPaths, overrides: &ModelOverrides, display: &Display) -> ModelSettings {
    ModelSettings { preload: Vec::new(), ..model_watch::model_settings(paths, overrides, display) }
}

/// The exit code for the end of the window. A failure is reported on stderr.
pub fn exit_code(end_of_window: anyhow::Result<()>) -> ExitCode {
    match end_of_window {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(error),
    }
}

fn window(recording: Option<PathBuf>, overrides: ModelOverrides) -> anyhow::Result<Next> {
    anyhow::ensure!(
        has_display(),
        "there is no display for the window (neither DISPLAY nor WAYLAND_DISPLAY is set); \
         `hansard transcribe FILE` works without one"
    );
    if let Some(path) = &recording {
        fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
    }
    Ok(Next::Window { recording, transcript: None, overrides })
}

/// Whether a window can be shown. Windows and macOS always have a display; elsewhere the environment names it.
fn has_display() -> bool {
    let names_one = |variable: &str| env::var_os(variable).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || names_one("DISPLAY") || names_one("WAYLAND_DISPLAY")
}

/// Prints an error as one line on stderr, or help and version on stdout, and gives the exit code.
fn report(error: anyhow::Error) -> ExitCode {
    let error = match error.downcast::<clap::Error>() {
        Ok(help_or_wrong_usage) => {
            // Where nobody reads any more, there is nobody to tell.
            help_or_wrong_usage.print().ok();
            return if help_or_wrong_usage.use_stderr() { ExitCode::from(WRONG_USAGE) } else { ExitCode::SUCCESS };
        }
        Err(error) => error,
    };
    writeln!(io::stderr(), "error: {}", progress::without_controls(&one_line(&error))).ok();
    ExitCode::from(FAILED)
}

/// Diagnostics go to stderr: our own from warnings on, or as the environment variable `HANSARD_LOG` says. What a library
/// has to complain of, we tell the user in our own words.
fn start_log() {
    let ours = "hansard=warn".parse().expect("a target and a level");
    let filter = EnvFilter::builder().with_env_var("HANSARD_LOG").with_default_directive(ours).from_env_lossy();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
    if let Err(error) = started {
        writeln!(io::stderr(), "warning: no diagnostics: {error}").ok();
    }
}
