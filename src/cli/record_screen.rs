//! What stderr shows while something is recorded: on a terminal one line that changes, with the level or with what is
//! being said, and lines that stay, for what is said and what happens.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::engine::recording::{CaptionUpdate, Level, RecordEvent, RecordProgress};
use crate::units::Seconds;

use super::progress::without_controls;

/// Signs that a level bar is wide.
const BAR_WIDTH: usize = 24;
/// The softest level that a bar shows.
const BAR_FLOOR_DB: f32 = -60.0;
/// Signs of a line that changes; a terminal that is narrower is rare.
const LINE_WIDTH: usize = 79;
/// Below this, the room on the disk is worth a look.
const LITTLE_SPACE: Seconds = Seconds(900.0);

/// How much the user wants to see, and what of it a terminal or a log can show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A line that changes.
    Line,
    /// Lines that follow each other.
    Lines,
    Quiet,
}

/// What stderr shows of a recording.
pub(super) struct Screen {
    style: Style,
    is_line_shown: bool,
    n_clipped: u64,
    duration: Seconds,
    /// What is being said, as far as it is known.
    speech: String,
}

impl Screen {
    /// A screen on which nothing is shown yet.
    pub(super) fn new(style: Style) -> Self {
        Self { style, is_line_shown: false, n_clipped: 0, duration: Seconds(0.0), speech: String::new() }
    }

    /// Shows what happened.
    pub(super) fn show(&mut self, event: &RecordEvent) {
        match event {
            RecordEvent::Started { path, sources } => {
                self.tell(&format!("recording {} to {}; Ctrl-C ends it", sources.join(" and "), path.display()));
            }
            RecordEvent::Level(progress) => self.progress(progress),
            RecordEvent::Caption(caption) => self.caption(caption),
            RecordEvent::CaptionsBehind(late) if late.0 <= 0.0 => self.tell("note: the captions have caught up"),
            RecordEvent::CaptionsBehind(late) => self.tell(&format!(
                "note: this machine is too slow for all captions; they are {:.0} s late. The recording is not touched",
                late.0
            )),
            RecordEvent::Lost(text) | RecordEvent::Warning(text) | RecordEvent::Repaired { outcome: Err(text), .. } => {
                self.say(&format!("warning: {text}"));
            }
            RecordEvent::Recovered(text) => self.say(&format!("note: {text}")),
            RecordEvent::Repaired { path, outcome: Ok(duration) } => {
                self.say(&format!("note: {} was left unfinished and is whole again: {duration}", path.display()));
            }
            // Nobody asks for these here, or the caller takes them.
            RecordEvent::Devices(_)
            | RecordEvent::Paused
            | RecordEvent::Resumed
            | RecordEvent::Marked(_)
            | RecordEvent::RepairDone
            | RecordEvent::CaptionsReady
            | RecordEvent::CaptionsDone
            | RecordEvent::CaptionsFailed(_)
            | RecordEvent::Finished(_)
            | RecordEvent::Failed(_) => {}
        }
    }

    /// What is said goes into the line that changes, and becomes a line of its own once it is final.
    fn caption(&mut self, caption: &CaptionUpdate) {
        let said = format!("{}{}", caption.committed, caption.provisional);
        if !caption.is_final {
            self.speech = said;
            self.draw(&format!("{}  ", self.duration));
            return;
        }
        self.speech.clear();
        if !said.is_empty() {
            let speaker = caption.name.as_ref().or(caption.speaker.as_ref());
            let speaker = speaker.map(|speaker| format!("{speaker}: ")).unwrap_or_default();
            self.tell(&format!("[{}] {speaker}{said}", caption.span.start));
        }
    }

    fn progress(&mut self, progress: &RecordProgress) {
        self.duration = progress.duration;
        self.n_clipped += progress.levels.iter().map(|level| level.n_clipped).sum::<u64>();
        let mut line = progress.duration.to_string();
        if !self.speech.is_empty() {
            self.draw(&format!("{line}  "));
            return;
        }
        for level in &progress.levels {
            write!(line, "  [{}]", bar(level)).expect("a string takes all that is written");
        }
        if self.n_clipped > 0 {
            line.push_str("  too loud");
        }
        match progress.space_left {
            Some(left) if left < LITTLE_SPACE => {
                write!(line, "  disk full in {left}").expect("a string takes all that is written");
            }
            Some(left) => {
                write!(line, "  room for {:.0} h", left.0 / 3600.0).expect("a string takes all that is written");
            }
            None => {}
        }
        self.draw(&line);
    }

    /// Shows the line that changes, where there can be one: what is given, and the end of what is being said.
    fn draw(&mut self, status: &str) {
        if self.style != Style::Line {
            return;
        }
        let room = LINE_WIDTH.saturating_sub(status.chars().count());
        let line = format!("\r\x1b[K{status}{}", without_controls(end_of(&self.speech, room)));
        // When stderr is gone there is nobody left to tell.
        io::stderr().write_all(line.as_bytes()).ok();
        self.is_line_shown = true;
    }

    /// A line that must be seen.
    pub(super) fn say(&mut self, text: &str) {
        self.clear();
        writeln!(io::stderr(), "{}", without_controls(text)).ok();
    }

    /// A line for those who did not ask for quiet.
    pub(super) fn tell(&mut self, text: &str) {
        if self.style != Style::Quiet {
            self.say(text);
        }
    }

    /// Takes the line away that changes.
    pub(super) fn clear(&mut self) {
        if self.is_line_shown {
            io::stderr().write_all(b"\r\x1b[K").ok();
            self.is_line_shown = false;
        }
    }
}

/// A level as a bar: as long as it is loud on the whole, with a mark where it was loudest.
fn bar(level: &Level) -> String {
    let place = |height: f32| {
        let decibels = 20.0 * height.max(1e-9).log10();
        ((1.0 - decibels / BAR_FLOOR_DB).clamp(0.0, 1.0) * BAR_WIDTH as f32).round() as usize
    };
    let (mean, highest) = (place(level.rms), place(level.peak));
    let sign = |idx: usize| if idx < mean { '#' } else { [' ', '|'][usize::from(idx + 1 == highest)] };
    (0..BAR_WIDTH).map(sign).collect()
}

/// The end of a text that takes no more than so many places on a terminal; letters behind those of Europe, Africa and
/// the Near East take two.
fn end_of(text: &str, n_places: usize) -> &str {
    let mut n_taken = 0;
    let fits = |c: &char| {
        n_taken += if *c < '\u{1100}' { 1 } else { 2 };
        n_taken <= n_places
    };
    let n_bytes: usize = text.chars().rev().take_while(fits).map(char::len_utf8).sum();
    &text[text.len() - n_bytes..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_is_said_fits_the_line() {
        for (text, n_places, expected) in
            [("so we meet", 20, "so we meet"), ("so we meet", 7, "we meet"), ("再见了", 5, "见了"), ("meet", 0, "")]
        {
            assert_eq!(end_of(text, n_places), expected);
        }
    }

    #[test]
    fn bars_grow_with_the_level() {
        for (rms, peak, expected) in [
            (0.0, 0.0, "                        "),
            (1.0, 1.0, "########################"),
            (0.1, 1.0, "################       |"),
            (0.001, 0.0011, "                        "),
        ] {
            assert_eq!(bar(&Level { peak, rms, n_clipped: 0 }), expected, "{rms} {peak}");
        }
    }
}
