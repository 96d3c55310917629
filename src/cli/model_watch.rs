//! What the user sees while models are fetched, made ready, checked or packed: a bar on a terminal, plain lines
//! elsewhere. Ctrl-C stops the work: once for an orderly end, twice for an end at once.

use std::io::{self, IsTerminal as _};
use std::process::{self, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::engine::CancelToken;
use crate::engine::model_work::{ModelNews, ModelProgress, ModelStep, ModelWatch};
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, ModelSettings, Settings};

use super::batch::Outcome;
use super::cache::obtained;
use super::progress::Display;
use super::table::megabytes;

/// Steps of the bar: finer than any terminal is wide.
const BAR_STEPS: u64 = 1000;
/// In a log, a line for every tenth is enough, and none sooner than this after the last.
const MIN_BETWEEN_LINES: Duration = Duration::from_secs(5);
const BYTES_PER_MB: f64 = 1e6;

/// What the user chose about models, with what was said for this start.
pub(super) fn model_settings(paths: &AppPaths, overrides: &ModelOverrides, display: &Display) -> ModelSettings {
    let (settings, warning) = Settings::load(&paths.settings_file());
    if let Some(warning) = warning {
        display.say(&format!("warning: {warning}"));
    }
    settings.models.with(overrides)
}

/// Does `work` and shows how far it is. `None`: Ctrl-C stopped it, and the user was told.
///
/// # Errors
/// Those of `work`, and when Ctrl-C cannot be listened for. To be called once in a process, for there is one Ctrl-C.
pub(super) fn watched<T, E: Into<anyhow::Error>>(
    display: &Display,
    work: impl FnOnce(ModelWatch<'_>) -> Result<T, E>,
) -> anyhow::Result<Option<T>> {
    let cancel = CancelToken::default();
    let pressed = cancel.clone();
    let press = move || {
        if pressed.is_cancelled() {
            // What is on disk was written so that it may break off at any moment.
            process::exit(Outcome::Cancelled.exit_code().into());
        }
        pressed.cancel();
    };
    ctrlc::set_handler(press).context("cannot listen for Ctrl-C")?;
    let shown = Shown::new(display);
    let done = work(ModelWatch {
        cancel: &cancel,
        report: &|progress: &ModelProgress| shown.update(progress),
        tell: &|news: ModelNews<'_>| shown.tell(news),
    });
    shown.end();
    match done {
        Ok(done) => Ok(Some(done)),
        Err(_) if cancel.is_cancelled() => {
            display.tell("cancelled");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Prints a result and gives the exit code.
pub(super) fn finish(display: &Display, result: &str, outcome: Outcome) -> anyhow::Result<ExitCode> {
    match display.result(result.as_bytes()) {
        // Whoever read stdout has seen enough, which is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    Ok(ExitCode::from(outcome.exit_code()))
}

/// A listing for programs.
pub(super) fn json(listing: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(listing).context("cannot write the models as JSON")? + "\n")
}

/// How progress is shown.
struct Shown<'a> {
    display: &'a Display,
    way: Way,
}

enum Way {
    Bar(ProgressBar),
    Lines(Mutex<LastLine>),
}

impl<'a> Shown<'a> {
    fn new(display: &'a Display) -> Self {
        let way = if io::stderr().is_terminal() {
            // Nothing is drawn before there is something to show.
            Way::Bar(ProgressBar::new(BAR_STEPS).with_style(bar_style()))
        } else {
            Way::Lines(Mutex::default())
        };
        Self { display, way }
    }

    fn update(&self, progress: &ModelProgress) {
        match &self.way {
            Way::Bar(bar) => {
                bar.set_prefix(progress.name.clone());
                bar.set_message(message(progress));
                bar.set_position((fraction(progress) * BAR_STEPS as f64) as u64);
            }
            Way::Lines(last) => {
                // The line is whole whatever befell another thread that wrote one.
                let line = last.lock().unwrap_or_else(PoisonError::into_inner).next(progress, Instant::now());
                if let Some(line) = line {
                    self.display.tell(&line);
                }
            }
        }
    }

    /// Says what happened on the way.
    fn tell(&self, news: ModelNews<'_>) {
        let say = || match news {
            ModelNews::Warning(warning) => self.display.say(&format!("warning: {warning}")),
            ModelNews::Obtained(model) => self.display.tell(&obtained(model)),
            ModelNews::Imported(key) => self.display.tell(&format!("{key}: imported")),
        };
        match &self.way {
            Way::Bar(bar) => bar.suspend(say),
            Way::Lines(_) => say(),
        }
    }

    fn end(&self) {
        match &self.way {
            Way::Bar(bar) => bar.finish_and_clear(),
            Way::Lines(_) => {}
        }
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix}  {msg}  {wide_bar:.cyan/dim} {percent:>3} %")
        .expect("the template is well-formed")
}

fn fraction(progress: &ModelProgress) -> f64 {
    match progress.n_bytes_total {
        Some(total) if total > 0 => (progress.n_bytes as f64 / total as f64).min(1.0),
        Some(_) | None => 0.0,
    }
}

/// What is done, how much of it, how fast, and how long it will take.
fn message(progress: &ModelProgress) -> String {
    let mut parts = vec![progress.step.label().to_owned()];
    if let Some(total) = progress.n_bytes_total {
        parts.push(format!("{} of {} MB", megabytes(progress.n_bytes), megabytes(total)));
    }
    if let Some(rate) = progress.bytes_per_sec {
        parts.push(format!("{:.1} MB/s", rate / BYTES_PER_MB));
    }
    if let Some(remaining) = progress.remaining {
        parts.push(format!("{remaining} left"));
    }
    parts.join(", ")
}

/// The last line that was written, to tell when another is due.
#[derive(Default)]
struct LastLine(Option<Said>);

struct Said {
    name: String,
    step: ModelStep,
    tenth: u32,
    at: Instant,
}

impl LastLine {
    /// The next line, if one is due: at every new step, and at every further tenth of one unless it is too soon.
    fn next(&mut self, progress: &ModelProgress, now: Instant) -> Option<String> {
        let tenth = (10.0 * fraction(progress)) as u32;
        let is_same = |said: &&Said| said.name == progress.name && said.step == progress.step;
        if let Some(said) = self.0.as_ref().filter(is_same)
            && (tenth <= said.tenth || now.duration_since(said.at) < MIN_BETWEEN_LINES)
        {
            return None;
        }
        self.0 = Some(Said { name: progress.name.clone(), step: progress.step, tenth, at: now });
        Some(format!("{}: {}", progress.name, message(progress)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn a_log_gets_one_line_for_a_step_and_then_one_for_a_tenth_that_took_its_time() {
        let mut last = LastLine::default();
        let start = Instant::now();
        for (secs, name, step, n_bytes, expected) in [
            (0, "small", ModelStep::Download, 0, Some("small: downloading, 0.0 of 100.0 MB, 2.5 MB/s, 0:07 left")),
            (1, "small", ModelStep::Download, 50_000_000, None),
            (6, "small", ModelStep::Download, 9_000_000, None),
            (
                7,
                "small",
                ModelStep::Download,
                60_000_000,
                Some("small: downloading, 60.0 of 100.0 MB, 2.5 MB/s, 0:07 left"),
            ),
            (8, "small", ModelStep::Convert, 0, Some("small: making ready, 0.0 of 100.0 MB, 2.5 MB/s, 0:07 left")),
            (9, "base", ModelStep::Convert, 0, Some("base: making ready, 0.0 of 100.0 MB, 2.5 MB/s, 0:07 left")),
        ] {
            let progress = ModelProgress {
                name: name.to_owned(),
                step,
                n_bytes,
                n_bytes_total: Some(100_000_000),
                bytes_per_sec: Some(2.5e6),
                remaining: Some(Seconds(7.0)),
            };
            let line = last.next(&progress, start + Duration::from_secs(secs));
            assert_eq!(line.as_deref(), expected, "after {secs} s");
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        for (n_bytes_total, expected, share) in
            [(None, "loading", 0.0), (Some(0), "loading, 7.0 of 0.0 MB", 0.0), (Some(1), "loading, 7.0 of 0.0 MB", 1.0)]
        {
            let (name, step, n_bytes) = ("small".to_owned(), ModelStep::Load, 7_000_000);
            let progress = ModelProgress { name, step, n_bytes, n_bytes_total, bytes_per_sec: None, remaining: None };
            assert_eq!((message(&progress).as_str(), fraction(&progress)), (expected, share));
        }
    }

    #[test]
    fn the_bar_has_a_well_formed_template() {
        let bar = ProgressBar::hidden().with_style(bar_style());
        bar.set_position(BAR_STEPS);
        assert_eq!(bar.position(), BAR_STEPS);
    }
}
