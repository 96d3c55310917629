//! What is drawn in the timeline, in columns of one point each: worked out when something changes, not for each frame.
//! No egui in here.

use crate::engine::playback::{Peak, Peaks};
use crate::transcript::Transcript;
use crate::units::{Seconds, TimeSpan};

use super::recording::Recording;
use super::review_state::Version;
use super::speakers::Speakers;

/// Less of a recording is never shown.
const MIN_LENGTH_SECS: f64 = 2.0;
/// Distances of the lines that tell the time.
const MARK_STEPS_SECS: [f64; 14] =
    [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 18_000.0];
/// More speakers share the last lane.
const MAX_LANES: usize = 8;

/// The part of a recording that the timeline shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    start_secs: f64,
    length_secs: f64,
    all_secs: f64,
}

/// All that a picture depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Subject {
    pub(super) version: Version,
    pub(super) window: Window,
    pub(super) n_columns: usize,
    /// How long the recording is whose peaks are known.
    pub(super) peaks: Option<Seconds>,
    /// Which search gave the hits,
    pub(super) n_searches: u64,
    /// and how many doubts are marked.
    pub(super) n_doubts: usize,
}

/// Times that are marked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks<'a> {
    pub(super) hits: &'a [Seconds],
    pub(super) doubts: &'a [Seconds],
}

/// A stretch in which a speaker talks, in columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Talk {
    pub(super) lane_idx: usize,
    pub(super) color_idx: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What is drawn.
#[derive(Debug, Default)]
pub(super) struct Picture {
    subject: Option<Subject>,
    pub(super) peaks: Vec<Peak>,
    pub(super) talks: Vec<Talk>,
    pub(super) n_lanes: usize,
    pub(super) hits: Vec<usize>,
    pub(super) doubts: Vec<usize>,
}

impl Window {
    /// All of a recording.
    pub(super) fn all(duration: Seconds) -> Self {
        let all_secs = duration.0.max(MIN_LENGTH_SECS);
        Self { start_secs: 0.0, length_secs: all_secs, all_secs }
    }

    /// The same part of a recording that turns out to be of another length.
    pub(super) fn of_length(self, duration: Seconds) -> Self {
        let all = Self::all(duration);
        let was_all = self.length_secs >= self.all_secs;
        if was_all { all } else { Self { all_secs: all.all_secs, ..self }.inside() }
    }

    /// Whether all of the recording is shown.
    pub(super) fn is_all(self) -> bool {
        self.length_secs >= self.all_secs
    }

    /// What is shown.
    pub(super) fn span(self) -> TimeSpan {
        TimeSpan::from_secs(self.start_secs, self.start_secs + self.length_secs)
    }

    /// Shows so many times as much; what is at a time stays where it is.
    pub(super) fn zoomed(self, factor: f64, around: Seconds) -> Self {
        let length_secs = (self.length_secs * factor).clamp(MIN_LENGTH_SECS, self.all_secs);
        let share = self.share_of(around);
        Self { start_secs: around.0 - share * length_secs, length_secs, ..self }.inside()
    }

    /// Shows what is a share of its length later, or earlier if it is negative.
    pub(super) fn moved(self, share: f64) -> Self {
        Self { start_secs: self.start_secs + share * self.length_secs, ..self }.inside()
    }

    /// Shows a time, if it does not: near the beginning of what is shown then.
    pub(super) fn with(self, at: Seconds) -> Self {
        if self.shows(at) { self } else { Self { start_secs: at.0 - 0.1 * self.length_secs, ..self }.inside() }
    }

    /// Whether a time is shown.
    pub(super) fn shows(self, at: Seconds) -> bool {
        self.start_secs <= at.0 && at.0 <= self.start_secs + self.length_secs
    }

    /// Where a time is: 0 at the left, 1 at the right.
    pub(super) fn share_of(self, at: Seconds) -> f64 {
        (at.0 - self.start_secs) / self.length_secs
    }

    /// The time at a place, as a share of the width.
    pub(super) fn time_at(self, share: f64) -> Seconds {
        Seconds((self.start_secs + share * self.length_secs).clamp(0.0, self.all_secs))
    }

    /// The times at which there are lines: so many that they are some hundred points apart.
    pub(super) fn marks(self, width: f32) -> Vec<Seconds> {
        let least_secs = self.length_secs * 100.0 / f64::from(width.max(1.0));
        let step_secs = MARK_STEPS_SECS.into_iter().find(|step| *step >= least_secs).unwrap_or(36_000.0);
        let first = (self.start_secs / step_secs).ceil() as usize;
        let end_secs = self.start_secs + self.length_secs;
        let times = (first..).map(|n| n as f64 * step_secs);
        times.take_while(|secs| *secs <= end_secs).map(Seconds).collect()
    }

    fn inside(self) -> Self {
        let length_secs = self.length_secs.min(self.all_secs);
        let start_secs = self.start_secs.min(self.all_secs - length_secs).max(0.0);
        Self { start_secs, length_secs, ..self }
    }

    /// The column of a time; `None` where it is not shown.
    fn column(self, at: Seconds, n_columns: usize) -> Option<usize> {
        let column = (self.share_of(at) * n_columns as f64).floor();
        (column >= 0.0 && column < n_columns as f64).then_some(column as usize)
    }
}

impl Picture {
    /// Draws anew if anything has changed.
    pub(super) fn refresh(&mut self, subject: Subject, recording: &Recording, peaks: Option<&Peaks>, ticks: Ticks<'_>) {
        if self.subject == Some(subject) {
            return;
        }
        self.subject = Some(subject);
        let Subject { window, n_columns, .. } = subject;
        self.peaks = peaks.map_or_else(Vec::new, |peaks| peaks.columns(window.span(), n_columns));
        self.hits = columns(ticks.hits, window, n_columns);
        self.doubts = columns(ticks.doubts, window, n_columns);
        (self.talks, self.n_lanes) = talks(&recording.transcript, &recording.speakers, window, n_columns);
    }
}

/// The columns in which there are any of these times.
fn columns(times: &[Seconds], window: Window, n_columns: usize) -> Vec<usize> {
    let mut columns: Vec<usize> = times.iter().filter_map(|at| window.column(*at, n_columns)).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Who talks when, each speaker in a lane of their own: by turns, or where nobody was asked who speaks, by segments. And
/// how many lanes there are.
fn talks(transcript: &Transcript, speakers: &Speakers, window: Window, n_columns: usize) -> (Vec<Talk>, usize) {
    let by_turn = transcript.turns.iter().map(|turn| (turn.span, Some(turn.speaker.as_str())));
    let by_segment = transcript.segments.iter().map(|segment| (segment.span, segment.speaker.as_deref()));
    let spoken: Vec<(TimeSpan, Option<&str>)> =
        if transcript.turns.is_empty() { by_segment.collect() } else { by_turn.collect() };
    let n_lanes = transcript.speakers.len().clamp(1, MAX_LANES);
    // The last stretch of each lane: what follows at once is a part of it.
    let mut last_of_lane: [Option<usize>; MAX_LANES] = [None; MAX_LANES];
    let mut talks: Vec<Talk> = Vec::new();
    let end_secs = window.span().end.0;
    for (span, label) in spoken {
        if span.end.0 <= window.start_secs || end_secs <= span.start.0 {
            continue;
        }
        let speaker_idx = label.and_then(|label| transcript.speakers.iter().position(|other| other.label == label));
        let lane_idx = speaker_idx.unwrap_or(0).min(n_lanes - 1);
        let color_idx = label.map_or(0, |label| speakers.color_idx(label));
        let from = window.column(span.start, n_columns).unwrap_or(0);
        let to = window.column(span.end, n_columns).unwrap_or(n_columns.saturating_sub(1)).max(from);
        if let Some(last) = last_of_lane[lane_idx].and_then(|idx| talks.get_mut(idx))
            && last.color_idx == color_idx
            && from <= last.to + 1
        {
            last.to = last.to.max(to);
            continue;
        }
        last_of_lane[lane_idx] = Some(talks.len());
        talks.push(Talk { lane_idx, color_idx, from, to });
    }
    (talks, n_lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Speaker, Turn};

    #[test]
    fn what_is_zoomed_stays_under_the_pointer_and_inside_of_the_recording() {
        let all = Window::all(Seconds(100.0));
        for (window, expected) in [
            (all.zoomed(0.5, Seconds(50.0)), (25.0, 75.0)),
            (all.zoomed(0.5, Seconds(0.0)), (0.0, 50.0)),
            (all.zoomed(0.5, Seconds(50.0)).moved(9.0), (50.0, 100.0)),
            (all.zoomed(0.5, Seconds(0.0)).with(Seconds(60.0)), (50.0, 100.0)),
            (all.zoomed(0.1, Seconds(0.0)).with(Seconds(60.0)), (59.0, 69.0)),
            (all.zoomed(0.1, Seconds(0.0)).with(Seconds(5.0)), (0.0, 10.0)),
            (all.zoomed(0.5, Seconds(50.0)).zoomed(9.0, Seconds(30.0)), (0.0, 100.0)),
            (all.zoomed(0.0001, Seconds(100.0)), (98.0, 100.0)),
            (all.of_length(Seconds(60.0)), (0.0, 60.0)),
            (all.zoomed(0.5, Seconds(100.0)).of_length(Seconds(60.0)), (10.0, 60.0)),
        ] {
            let span = window.span();
            let rounded = |secs: Seconds| (secs.0 * 1000.0).round() / 1000.0;
            assert_eq!((rounded(span.start), rounded(span.end)), expected);
        }
        assert_eq!(all.time_at(all.share_of(Seconds(30.0))), Seconds(30.0));
        assert_eq!(all.marks(500.0), [0.0, 30.0, 60.0, 90.0].map(Seconds));
    }

    #[test]
    fn each_speaker_has_a_lane_and_what_touches_is_one_stretch() {
        let turn = |(start_secs, end_secs, label): (f64, f64, &str)| Turn {
            span: TimeSpan::from_secs(start_secs, end_secs),
            speaker: label.to_owned(),
        };
        let turns = [(0.0, 10.0, "A"), (10.0, 20.0, "A"), (15.0, 30.0, "B"), (50.0, 60.0, "A"), (95.0, 100.0, "B")];
        let speaker = |label: &str| Speaker { label: label.to_owned(), ..Speaker::default() };
        let transcript = Transcript {
            turns: turns.map(turn).to_vec(),
            speakers: ["A", "B"].map(speaker).to_vec(),
            ..Transcript::default()
        };
        let mut speakers = Speakers::default();
        speakers.refresh(&transcript);
        let (talks, n_lanes) = talks(&transcript, &speakers, Window::all(Seconds(100.0)), 100);
        let shown: Vec<_> = talks.iter().map(|talk| (talk.lane_idx, talk.color_idx, talk.from, talk.to)).collect();
        assert_eq!((shown, n_lanes), (vec![(0, 0, 0, 20), (1, 1, 15, 30), (0, 0, 50, 60), (1, 1, 95, 99)], 2));
        let ticks = columns(&[0.0, 0.2, 50.5, 200.0].map(Seconds), Window::all(Seconds(100.0)), 100);
        assert_eq!(ticks, [0, 50]);
    }
}
