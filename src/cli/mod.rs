//! The command line: arguments become jobs of the engine; its events become progress on stderr, and transcripts in
//! files or on stdout. Nothing is printed on stdout but the result.
//!
//! It opens no window: where one is wanted, [`run`] answers with [`Next::Window`]. It writes files itself instead of
//! asking the engine, for it may wait for the disk while the engine goes on with the next recording.

mod args;
mod batch;
mod bench;
mod demo;
mod models;
mod progress;
mod score;
mod speakers;
mod transcribe;

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
use crate::transcript::Transcript;

use args::{Action, Arguments};

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
    },
}

/// Does what `arguments` (the first is the program's name) ask for. Every failure has been reported when this returns.
pub fn run(arguments: impl IntoIterator<Item = OsString>, paths: &AppPaths) -> Next {
    start_log();
    let next = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { action: None }) => window(None),
        Ok(Arguments { action: Some(Action::Open { file }) }) => window(file),
        Ok(Arguments { action: Some(Action::Transcribe(arguments)) }) => {
            transcribe::run(*arguments, paths).map(Next::Exit)
        }
        Ok(Arguments { action: Some(Action::Demo(arguments)) }) => demo::run(&arguments, paths),
        Ok(Arguments { action: Some(Action::Models { action }) }) => models::run(&action, paths).map(Next::Exit),
        Ok(Arguments { action: Some(Action::Bench(arguments)) }) => bench::run(&arguments, paths).map(Next::Exit),
        Ok(Arguments { action: Some(Action::Speakers { action }) }) => speakers::run(&action, paths).map(Next::Exit),
        Ok(Arguments { action: Some(Action::Score(arguments)) }) => score::run(&arguments).map(Next::Exit),
        Err(help_or_wrong_usage) => Err(help_or_wrong_usage.into()),
    };
    next.unwrap_or_else(|error| Next::Exit(report(error)))
}

/// The exit code for the end of the window. A failure is reported on stderr.
pub fn exit_code(end_of_window: anyhow::Result<()>) -> ExitCode {
    match end_of_window {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(error),
    }
}

fn window(recording: Option<PathBuf>) -> anyhow::Result<Next> {
    anyhow::ensure!(
        has_display(),
        "there is no display for the window (neither DISPLAY nor WAYLAND_DISPLAY is set); \
         `hansard transcribe FILE` works without one"
    );
    if let Some(path) = &recording {
        fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
    }
    Ok(Next::Window { recording, transcript: None })
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
