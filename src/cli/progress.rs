//! What the user sees on stderr while jobs run: a bar on a terminal, plain lines elsewhere, nothing when asked for quiet.
//! Warnings and errors are always shown. Results pass through here on their way to stdout, so that the bar gives way.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::{JobProgress, Stage};

/// Steps of the bar: finer than any terminal is wide.
const BAR_STEPS: u64 = 1000;
/// In a log, a line for every tenth of a stage is enough, and none sooner than this after the last.
const MIN_BETWEEN_LINES: Duration = Duration::from_secs(5);

/// How much the user wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Progress, results, warnings and errors.
    Normal,
    /// Warnings and errors.
    Quiet,
}

/// The user's terminal, or what stands in for it.
#[derive(Debug)]
pub(super) struct Display(Style);

#[derive(Debug)]
enum Style {
    Bar(ProgressBar),
    Lines(LastLine),
    Quiet,
}

impl Display {
    /// Picks the way to show progress by what stderr is.
    pub(super) fn new(verbosity: Verbosity) -> Self {
        Self(match verbosity {
            Verbosity::Quiet => Style::Quiet,
            Verbosity::Normal if io::stderr().is_terminal() => Style::Bar(ProgressBar::hidden()),
            Verbosity::Normal => Style::Lines(LastLine::default()),
        })
    }

    /// A job begins: number `job_idx`, from 0, of `n_jobs`.
    pub(super) fn job_started(&mut self, recording: &Path, job_idx: usize, n_jobs: usize) {
        let name = recording.file_name().unwrap_or(recording.as_os_str()).to_string_lossy();
        match &mut self.0 {
            Style::Bar(bar) => {
                bar.finish_and_clear();
                let prefix = if n_jobs > 1 { format!("[{}/{n_jobs}] {name}", job_idx + 1) } else { name.into_owned() };
                *bar = ProgressBar::new(BAR_STEPS).with_style(bar_style()).with_prefix(prefix);
            }
            Style::Lines(last) => *last = LastLine::default(),
            Style::Quiet => {}
        }
    }

    /// The job is this far.
    pub(super) fn job_progressed(&mut self, recording: &Path, progress: &JobProgress) {
        match &mut self.0 {
            Style::Bar(bar) => {
                bar.set_message(match progress.remaining {
                    Some(remaining) => format!("{}, {remaining} left", progress.stage.label()),
                    None => progress.stage.label().to_owned(),
                });
                bar.set_position((f64::from(progress.job_fraction) * BAR_STEPS as f64) as u64);
            }
            Style::Lines(last) => {
                if let Some(line) = last.next(recording, progress, Instant::now()) {
                    self.say(&line);
                }
            }
            Style::Quiet => {}
        }
    }

    /// The job has ended, in whatever way.
    pub(super) fn job_ended(&mut self) {
        match &self.0 {
            Style::Bar(bar) => bar.finish_and_clear(),
            Style::Lines(_) | Style::Quiet => {}
        }
    }

    /// A line that the user must see: a warning, an error.
    pub(super) fn say(&self, line: &str) {
        let line = without_controls(line);
        // When stderr is gone there is nobody left to tell, and the exit code still speaks.
        self.beside_the_bar(|| writeln!(io::stderr(), "{line}").ok());
    }

    /// A line for those who did not ask for quiet.
    pub(super) fn tell(&self, line: &str) {
        match &self.0 {
            Style::Bar(_) | Style::Lines(_) => self.say(line),
            Style::Quiet => {}
        }
    }

    /// Writes a result to stdout.
    pub(super) fn result(&self, bytes: &[u8]) -> io::Result<()> {
        self.beside_the_bar(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        })
    }

    fn beside_the_bar<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Style::Bar(bar) => bar.suspend(write),
            Style::Lines(_) | Style::Quiet => write(),
        }
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix}  {msg:30} {wide_bar:.cyan/dim} {percent:>3} %")
        .expect("the template is well-formed")
}

/// The last line about the running job, to tell when another is due.
#[derive(Debug, Default)]
struct LastLine {
    said: Option<(Stage, u32, Instant)>,
}

impl LastLine {
    /// The next line, if one is due: at every new stage, and at every further tenth of one unless it is too soon.
    fn next(&mut self, recording: &Path, progress: &JobProgress, now: Instant) -> Option<String> {
        let tenth = (progress.stage_fraction * 10.0) as u32;
        let stage = progress.stage.label().to_lowercase();
        let line = match self.said {
            Some((last_stage, last_tenth, at)) if last_stage == progress.stage => {
                if tenth <= last_tenth || now.duration_since(at) < MIN_BETWEEN_LINES {
                    return None;
                }
                let left = progress.remaining.map(|remaining| format!(", {remaining} left")).unwrap_or_default();
                format!("{}: {stage}, {} %{left}", recording.display(), tenth * 10)
            }
            Some(_) | None => format!("{}: {stage}", recording.display()),
        };
        self.said = Some((progress.stage, tenth, now));
        Some(line)
    }
}

/// A line as it may go to a terminal: file names can hold line breaks and escape sequences, which are spelled out.
pub(super) fn without_controls(line: &str) -> String {
    line.chars()
        .flat_map(|c| {
            if c.is_control() { c.escape_default().to_string() } else { c.to_string() }.chars().collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn a_log_gets_one_line_for_a_stage_and_then_one_for_a_tenth_that_took_its_time() {
        let mut last = LastLine::default();
        let start = Instant::now();
        for (secs, stage, stage_fraction, expected) in [
            (0, Stage::Decode, 0.0, Some("a.wav: reading audio")),
            (1, Stage::Decode, 0.9, None),
            (2, Stage::Transcribe, 0.0, Some("a.wav: transcribing")),
            (3, Stage::Transcribe, 0.35, None),
            (9, Stage::Transcribe, 0.45, Some("a.wav: transcribing, 40 %, 0:07 left")),
            (99, Stage::Transcribe, 0.49, None),
            (100, Stage::Transcribe, 0.5, Some("a.wav: transcribing, 50 %, 0:07 left")),
        ] {
            let progress = JobProgress { stage, stage_fraction, job_fraction: 0.5, remaining: Some(Seconds(7.0)) };
            let line = last.next(Path::new("a.wav"), &progress, start + Duration::from_secs(secs));
            assert_eq!(line.as_deref(), expected, "after {secs} s");
        }
    }

    #[test]
    fn the_bar_has_a_well_formed_template() {
        let bar = ProgressBar::hidden().with_style(bar_style());
        bar.set_position(BAR_STEPS / 2);
        assert_eq!(bar.position(), BAR_STEPS / 2);
    }
}
