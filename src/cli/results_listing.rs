//! What the command line shows of the stored results: tables for people, JSON for programs. Plain values become text
//! here; nothing is looked up or printed.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::engine::results::{DaySurvey, LayerSurvey, ResultsSurvey};
use crate::engine::shelf::results::{LargeResult, Verified};
use crate::units::Seconds;

use super::cache_listing::{in_mb, plural, rounded};
use super::calendar::Day;
use super::progress::without_controls;
use super::table::{Side, ago, megabytes, percent, table};

/// So many digits of a hash tell the few recordings of a table apart.
const SHORT_HASH_DIGITS: usize = 12;

/// What is printed of the stored results. Hits, misses and time are those of the last 30 days.
#[derive(Serialize)]
pub(super) struct ResultsListing {
    entries: u64,
    size_mb: f64,
    /// `null` where there is no limit.
    budget_mb: Option<f64>,
    hits: u64,
    misses: u64,
    saved_secs: f64,
    layers: Vec<LayerListing>,
    days: Vec<DayListing>,
}

#[derive(Serialize)]
struct LayerListing {
    layer: &'static str,
    entries: u64,
    size_mb: f64,
    hits: u64,
    misses: u64,
    saved_secs: f64,
    #[serde(skip)]
    n_bytes: u64,
}

#[derive(Serialize)]
struct DayListing {
    day: String,
    hits: u64,
    misses: u64,
    saved_secs: f64,
}

impl ResultsListing {
    pub(super) fn new(survey: &ResultsSurvey) -> Self {
        let sum = |of: fn(&LayerSurvey) -> u64| -> u64 { survey.layers.iter().map(of).sum() };
        Self {
            entries: sum(|layer| layer.n_entries),
            size_mb: in_mb(sum(|layer| layer.n_bytes)),
            budget_mb: survey.budget_bytes.map(in_mb),
            hits: sum(|layer| layer.n_hits),
            misses: sum(|layer| layer.n_misses),
            saved_secs: rounded(survey.layers.iter().map(|layer| layer.saved.0).sum()),
            layers: survey.layers.iter().map(LayerListing::new).collect(),
            days: survey.days.iter().map(DayListing::new).collect(),
        }
    }

    /// The same for people: one line about all of them, and one for each stage that has something to tell.
    pub(super) fn table(&self) -> String {
        const TITLES: [(&str, Side); 6] = [
            ("stage", Side::Left),
            ("results", Side::Right),
            ("MB", Side::Right),
            ("hits", Side::Right),
            ("misses", Side::Right),
            ("saved", Side::Right),
        ];
        let share = self
            .budget_mb
            .filter(|budget| *budget > 0.0)
            .map_or_else(String::new, |budget| format!(", {} of {budget:.1} MB", percent(self.size_mb / budget)));
        let mut text = format!(
            "results    {}, {:.1} MB{share}; {} saved in 30 days\n",
            plural(self.entries as usize, "result", "results"),
            self.size_mb,
            Seconds(self.saved_secs)
        );
        let row = |layer: &LayerListing| {
            [
                layer.layer.to_owned(),
                layer.entries.to_string(),
                megabytes(layer.n_bytes),
                layer.hits.to_string(),
                layer.misses.to_string(),
                Seconds(layer.saved_secs).to_string(),
            ]
        };
        let rows: Vec<_> = self.layers.iter().filter(|layer| layer.has_something_to_tell()).map(row).collect();
        for line in table(TITLES, &rows).lines() {
            writeln!(text, "  {line}").expect("a string takes all that is written");
        }
        text
    }
}

impl LayerListing {
    fn new(survey: &LayerSurvey) -> Self {
        Self {
            layer: survey.layer.name(),
            entries: survey.n_entries,
            size_mb: in_mb(survey.n_bytes),
            hits: survey.n_hits,
            misses: survey.n_misses,
            saved_secs: rounded(survey.saved.0),
            n_bytes: survey.n_bytes,
        }
    }

    fn has_something_to_tell(&self) -> bool {
        self.entries > 0 || self.hits > 0 || self.misses > 0
    }
}

impl DayListing {
    fn new(survey: &DaySurvey) -> Self {
        let saved_secs = rounded(survey.saved.0);
        Self { day: Day(survey.day).to_string(), hits: survey.n_hits, misses: survey.n_misses, saved_secs }
    }
}

/// What is printed of a look at all results.
#[derive(Serialize)]
pub(super) struct DamagedListing<'a> {
    entries: u64,
    size_mb: f64,
    damaged: &'a [String],
}

impl<'a> DamagedListing<'a> {
    pub(super) fn new(verified: &'a Verified) -> Self {
        Self { entries: verified.n_entries, size_mb: in_mb(verified.n_bytes), damaged: &verified.damaged }
    }
}

/// The same for people; nothing where there is no result.
pub(super) fn damaged_lines(verified: &Verified) -> String {
    let Verified { n_entries, n_bytes, damaged } = verified;
    if *n_entries == 0 && damaged.is_empty() {
        return String::new();
    }
    let how = if damaged.is_empty() { "as they were stored".to_owned() } else { format!("{} damaged", damaged.len()) };
    let mut text = format!("results: {n_entries}, {} MB: {how}\n", megabytes(*n_bytes));
    for line in damaged {
        writeln!(text, "  {}", without_controls(line)).expect("a string takes all that is written");
    }
    text
}

/// What is printed of the largest results.
#[derive(Serialize)]
pub(super) struct LargestListing<'a> {
    results: Vec<LargeListing<'a>>,
}

#[derive(Serialize)]
struct LargeListing<'a> {
    layer: &'static str,
    key: &'a str,
    /// Hash of the recording that it comes from.
    audio: &'a str,
    n_bytes: u64,
    n_uses: u64,
    last_used_unix_secs: i64,
}

impl<'a> LargestListing<'a> {
    pub(super) fn new(results: &'a [LargeResult]) -> Self {
        let listed = |result: &'a LargeResult| LargeListing {
            layer: result.layer.name(),
            key: &result.key,
            audio: &result.audio,
            n_bytes: result.n_bytes,
            n_uses: result.n_uses,
            last_used_unix_secs: result.last_used_secs,
        };
        Self { results: results.iter().map(listed).collect() }
    }

    /// The same for people.
    pub(super) fn table(&self, now: SystemTime) -> String {
        const TITLES: [(&str, Side); 5] = [
            ("stage", Side::Left),
            ("recording", Side::Left),
            ("MB", Side::Right),
            ("last used", Side::Right),
            ("uses", Side::Right),
        ];
        let row = |result: &LargeListing<'_>| {
            let last_used = UNIX_EPOCH + Duration::from_secs(u64::try_from(result.last_used_unix_secs).unwrap_or(0));
            [
                result.layer.to_owned(),
                result.audio.chars().take(SHORT_HASH_DIGITS).collect(),
                megabytes(result.n_bytes),
                ago(Some(last_used), now),
                result.n_uses.to_string(),
            ]
        };
        table(TITLES, &self.results.iter().map(row).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::model_watch::json;
    use crate::engine::results::Layer;

    fn layer(layer: Layer, n_entries: u64, n_hits: u64) -> LayerSurvey {
        LayerSurvey { layer, n_entries, n_bytes: 1_250_000 * n_entries, n_hits, n_misses: 3, saved: Seconds(61.0) }
    }

    #[test]
    fn results_are_told_stage_by_stage() {
        let silent = LayerSurvey { n_misses: 0, ..layer(Layer::Voices, 0, 0) };
        let day = DaySurvey { day: 19_846, n_hits: 7, n_misses: 6, saved: Seconds(122.0) };
        let survey = ResultsSurvey {
            layers: vec![layer(Layer::Asr, 12, 7), layer(Layer::Align, 2, 0), silent],
            budget_bytes: Some(70_000_000),
            days: vec![day],
        };
        let listing = ResultsListing::new(&survey);
        let expected = "\
results    14 results, 17.5 MB, 25 % of 70.0 MB; 3:03 saved in 30 days
  stage  results    MB  hits  misses  saved
  asr         12  15.0     7       3   1:01
  align        2   2.5     0       3   1:01
";
        assert_eq!(listing.table(), expected);
        let listed = json(&listing).expect("numbers and names");
        for part in [
            r#"{"entries":14,"size_mb":17.5,"budget_mb":70.0,"hits":7,"misses":6,"saved_secs":183.0,"layers":[{"#,
            r#"{"layer":"asr","entries":12,"size_mb":15.0,"hits":7,"misses":3,"saved_secs":61.0},"#,
            r#"{"layer":"voices","entries":0,"#,
            r#""days":[{"day":"2024-05-03","hits":7,"misses":6,"saved_secs":122.0}]}"#,
        ] {
            assert!(listed.contains(part), "no {part} in {listed}");
        }
        let nothing = ResultsListing::new(&ResultsSurvey::default());
        assert_eq!(nothing.table(), "results    0 results, 0.0 MB; 0:00 saved in 30 days\n");
    }

    #[test]
    fn damaged_and_large_results_are_named() {
        let verified = |n_entries, damaged: &[&str]| Verified {
            n_entries,
            n_bytes: 1_000_000 * n_entries,
            damaged: damaged.iter().map(|line| (*line).to_owned()).collect(),
        };
        for (verified, expected) in [
            (verified(0, &[]), ""),
            (verified(2, &[]), "results: 2, 2.0 MB: as they were stored\n"),
            (verified(2, &["asr 12ab: cut off"]), "results: 2, 2.0 MB: 1 damaged\n  asr 12ab: cut off\n"),
        ] {
            assert_eq!(damaged_lines(&verified), expected);
        }
        let large = LargeResult {
            layer: Layer::Embeddings,
            key: "cd".repeat(32),
            audio: "ab".repeat(32),
            n_bytes: 9_000_000,
            n_uses: 4,
            last_used_secs: 1_000,
        };
        let results = [large];
        let listing = LargestListing::new(&results);
        let expected = "\
stage       recording      MB  last used  uses
embeddings  abababababab  9.0  1 min ago     4
";
        assert_eq!(listing.table(UNIX_EPOCH + Duration::from_secs(1_100)), expected);
        let listed = json(&listing).expect("numbers and names");
        assert!(listed.contains(r#""n_bytes":9000000,"n_uses":4,"last_used_unix_secs":1000}]}"#), "{listed}");
    }
}
