//! `hansard score`: how far a result is from what is known to be right, as a table for people or one JSON object for
//! programs. Whether turns of speakers or words are compared follows from what the two files hold.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::score::der::{DerOptions, DerScore, Overlap, SpeakerScore, SpeechErrors, jaccard_error_rate};
use crate::score::document::{self, Document};
use crate::score::normalise::{Normalisation, normalise};
use crate::score::recordings::{self, RecordingScore};
use crate::score::uem;
use crate::score::wer::{self, Unit, WerScore};
use crate::transcript::rttm::RecordingTurns;
use crate::units::Seconds;

use super::progress::{Display, Verbosity, without_controls};

const EXAMPLES: &str = "\
Examples:
  hansard score right.rttm meeting.rttm                        who spoke when: the diarization error rate
  hansard score right.rttm meeting.rttm --collar 0.5           without 0.25 s on each side of a boundary, as NIST
  hansard score right.txt meeting.txt --normalise english      what was said: the word error rate
  hansard score right.txt meeting.srt --characters --json      the character error rate, for programs

Where RTTM files hold several recordings, those of the same name are compared.";

/// What was typed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ScoreArguments {
    /// What is right: turns of speakers (rttm) or text (txt, srt, vtt, json, stm)
    reference: PathBuf,

    /// What is compared with it, of the same kind
    hypothesis: PathBuf,

    /// Turns: leave out so much time at each boundary in the reference, half of it before and half after [default: 0]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    collar: Option<f64>,

    /// Turns: leave out the time in which the reference has more than one
    #[arg(long)]
    skip_overlap: bool,

    /// Turns: only score what this UEM file lists
    #[arg(long, value_name = "FILE")]
    uem: Option<PathBuf>,

    /// Text: count characters, not words
    #[arg(long)]
    characters: bool,

    /// Text: what to take away before words are compared [default: basic]
    #[arg(long, alias = "normalize", value_name = "HOW", value_enum)]
    normalise: Option<NormalisationName>,

    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// The normalisation, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum NormalisationName {
    /// Nothing
    None,
    /// Case and punctuation, in any language
    Basic,
    /// As Whisper's measurements in English: also contractions, spelling, and how numbers are written
    English,
}

impl From<NormalisationName> for Normalisation {
    fn from(name: NormalisationName) -> Self {
        match name {
            NormalisationName::None => Self::None,
            NormalisationName::Basic => Self::Basic,
            NormalisationName::English => Self::English,
        }
    }
}

/// Scores the files that the arguments name.
pub(super) fn run(arguments: &ScoreArguments) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let reference = document(&arguments.reference, &display)?;
    let hypothesis = document(&arguments.hypothesis, &display)?;
    let result = match (&reference, &hypothesis) {
        (Document::Turns(reference), Document::Turns(hypothesis)) => {
            compare_turns(arguments, reference, hypothesis, &display)?
        }
        (Document::Text(reference), Document::Text(hypothesis)) => compare_text(arguments, reference, hypothesis)?,
        (Document::Turns(_), Document::Text(_)) | (Document::Text(_), Document::Turns(_)) => {
            let kind = |document: &Document| match document {
                Document::Turns(_) => "turns of speakers (RTTM)",
                Document::Text(_) => "text",
            };
            anyhow::bail!(
                "{} holds {}, and {} holds {}; give two files of the same kind",
                arguments.reference.display(),
                kind(&reference),
                arguments.hypothesis.display(),
                kind(&hypothesis)
            );
        }
    };
    match display.result(result.as_bytes()) {
        // Whoever read stdout has seen enough, which is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a time from the command line.
fn seconds(text: &str) -> Result<f64, String> {
    let secs = text.parse().ok().filter(|secs: &f64| secs.is_finite() && *secs >= 0.0);
    secs.ok_or_else(|| "a number of seconds from 0 on is wanted, such as 0.25".to_owned())
}

fn text(path: &Path) -> anyhow::Result<String> {
    anyhow::ensure!(!path.is_dir(), "{} is a folder; name a file", path.display());
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{} is not text in UTF-8; name a transcript or an RTTM file", path.display()))
}

fn document(path: &Path, display: &Display) -> anyhow::Result<Document> {
    let text = text(path)?;
    if text.trim().is_empty() {
        display.say(&format!("warning: {} is empty: nobody says anything there", path.display()));
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    document::parse(&text, &extension).with_context(|| path.display().to_string())
}

fn compare_turns(
    arguments: &ScoreArguments,
    reference: &[RecordingTurns],
    hypothesis: &[RecordingTurns],
    display: &Display,
) -> anyhow::Result<String> {
    anyhow::ensure!(
        !arguments.characters && arguments.normalise.is_none(),
        "--characters and --normalise are for text, but these files hold turns of speakers"
    );
    let map = |path: &PathBuf| uem::parse(&text(path)?).with_context(|| path.display().to_string());
    let evaluated = arguments.uem.as_ref().map(map).transpose()?;
    let options = DerOptions {
        collar: Seconds(arguments.collar.unwrap_or(0.0)),
        overlap: if arguments.skip_overlap { Overlap::Skipped } else { Overlap::Scored },
    };
    let (scores, warnings) = recordings::score(reference, hypothesis, evaluated.as_ref(), &options);
    for warning in warnings {
        display.say(&format!("warning: {warning}"));
    }
    let listing = DerListing::new(&options, &scores);
    if arguments.json { as_json(&listing) } else { Ok(listing.table()) }
}

fn compare_text(arguments: &ScoreArguments, reference: &str, hypothesis: &str) -> anyhow::Result<String> {
    anyhow::ensure!(
        arguments.collar.is_none() && !arguments.skip_overlap && arguments.uem.is_none(),
        "--collar, --skip-overlap and --uem are for turns of speakers, but these files hold text"
    );
    let unit = if arguments.characters { Unit::Characters } else { Unit::Words };
    let normalisation = arguments.normalise.unwrap_or(NormalisationName::Basic);
    let [reference, hypothesis] = [reference, hypothesis].map(|text| normalise(text, normalisation.into()));
    let listing = WerListing::new(&wer::score(&reference, &hypothesis, unit), unit, normalisation);
    if arguments.json { as_json(&listing) } else { Ok(listing.table()) }
}

fn as_json(listing: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(listing).context("cannot write the score as JSON")? + "\n")
}

/// What is printed of turns. Rates are shares, not percentages.
#[derive(Serialize)]
struct DerListing<'a> {
    metric: &'static str,
    collar_secs: f64,
    overlap: Overlap,
    #[serde(flatten)]
    total: DerRates,
    recordings: Vec<RecordingListing<'a>>,
}

#[derive(Serialize)]
struct RecordingListing<'a> {
    recording: &'a str,
    #[serde(flatten)]
    rates: DerRates,
    speakers: &'a [SpeakerScore],
}

#[derive(Serialize)]
struct DerRates {
    rate: f64,
    #[serde(flatten)]
    errors: SpeechErrors,
    greedy_rate: f64,
    jaccard_error_rate: f64,
}

impl DerRates {
    fn of(score: &DerScore) -> Self {
        Self {
            rate: score.errors.rate(),
            errors: score.errors,
            greedy_rate: score.greedy.rate(),
            jaccard_error_rate: jaccard_error_rate(&score.speakers),
        }
    }

    fn row(&self, name: &str, width: usize) -> String {
        let share = |secs: f64| {
            if self.errors.total_secs > 0.0 { percent(secs / self.errors.total_secs) } else { "-".to_owned() }
        };
        let [missed, false_alarm, confusion] =
            [self.errors.missed_secs, self.errors.false_alarm_secs, self.errors.confusion_secs].map(share);
        let speech = format!("{:.2} s", self.errors.total_secs);
        let [der, jer] = [self.rate, self.jaccard_error_rate].map(percent);
        row([name, &der, &missed, &false_alarm, &confusion, &speech, &jer], width)
    }
}

impl<'a> DerListing<'a> {
    fn new(options: &DerOptions, scores: &'a [RecordingScore]) -> Self {
        let recording = |entry: &'a RecordingScore| RecordingListing {
            recording: &entry.recording,
            rates: DerRates::of(&entry.score),
            speakers: &entry.score.speakers,
        };
        Self {
            metric: "der",
            collar_secs: options.collar.0,
            overlap: options.overlap,
            total: DerRates::of(&recordings::total(scores)),
            recordings: scores.iter().map(recording).collect(),
        }
    }

    fn table(&self) -> String {
        let overlap = match self.overlap {
            Overlap::Scored => "scored",
            Overlap::Skipped => "skipped",
        };
        let mut table = format!("diarization error rate, collar {} s, overlap {overlap}\n", self.collar_secs);
        let names: Vec<String> = self.recordings.iter().map(|entry| without_controls(entry.recording)).collect();
        let width = column_width("recording", names.iter().map(String::as_str));
        table.push_str(&row(["recording", "DER", "missed", "false alarm", "confusion", "speech", "JER"], width));
        for (name, entry) in names.iter().zip(&self.recordings) {
            table.push_str(&entry.rates.row(name, width));
        }
        match self.recordings.as_slice() {
            [only] => table.push_str(&speaker_table(only.speakers)),
            _ => table.push_str(&self.total.row("all", width)),
        }
        table
    }
}

fn row([name, der, missed, false_alarm, confusion, speech, jer]: [&str; 7], width: usize) -> String {
    format!("{name:<width$}{der:>11}{missed:>11}{false_alarm:>13}{confusion:>11}{speech:>13}{jer:>11}\n")
}

fn speaker_table(speakers: &[SpeakerScore]) -> String {
    let labels: Vec<String> = speakers.iter().map(|speaker| without_controls(&speaker.label)).collect();
    let matched = |speaker: &SpeakerScore| speaker.matched.as_deref().map_or("-".to_owned(), without_controls);
    let matched: Vec<String> = speakers.iter().map(matched).collect();
    let width = column_width("speaker", labels.iter().map(String::as_str));
    let matched_width = column_width("taken for them", matched.iter().map(String::as_str));
    let mut table = format!(
        "\n{:<width$}  {:<matched_width$}{:>13}{:>15}\n",
        "speaker", "taken for them", "speech", "Jaccard error"
    );
    for ((speaker, label), matched) in speakers.iter().zip(&labels).zip(&matched) {
        let speech = format!("{:.2} s", speaker.speech_secs);
        let error = percent(speaker.jaccard_error);
        writeln!(table, "{label:<width$}  {matched:<matched_width$}{speech:>13}{error:>15}").expect(IN_MEMORY);
    }
    table
}

/// What is printed of text.
#[derive(Serialize)]
struct WerListing {
    metric: &'static str,
    normalisation: &'static str,
    rate: f64,
    hits: usize,
    substitutions: usize,
    deletions: usize,
    insertions: usize,
    n_reference: usize,
    n_hypothesis: usize,
    match_error_rate: f64,
    information_lost: f64,
    information_preserved: f64,
}

impl WerListing {
    fn new(score: &WerScore, unit: Unit, normalisation: NormalisationName) -> Self {
        Self {
            metric: match unit {
                Unit::Words => "wer",
                Unit::Characters => "cer",
            },
            normalisation: match normalisation {
                NormalisationName::None => "none",
                NormalisationName::Basic => "basic",
                NormalisationName::English => "english",
            },
            rate: score.rate(),
            hits: score.hits,
            substitutions: score.substitutions,
            deletions: score.deletions,
            insertions: score.insertions,
            n_reference: score.n_reference(),
            n_hypothesis: score.n_hypothesis(),
            match_error_rate: score.match_error_rate(),
            information_lost: score.information_lost(),
            information_preserved: score.information_preserved(),
        }
    }

    fn table(&self) -> String {
        let unit = if self.metric == "cer" { "character" } else { "word" };
        let mut table = format!("{unit} error rate, normalisation {}\n", self.normalisation);
        writeln!(table, "{:<20}{:>12}", self.metric.to_uppercase(), percent(self.rate)).expect(IN_MEMORY);
        for (what, n) in [
            ("in the reference", self.n_reference),
            ("in the hypothesis", self.n_hypothesis),
            ("right", self.hits),
            ("replaced", self.substitutions),
            ("missing", self.deletions),
            ("added", self.insertions),
        ] {
            writeln!(table, "{what:<20}{n:>10}").expect(IN_MEMORY);
        }
        table
    }
}

const IN_MEMORY: &str = "a string takes all that is written";

fn percent(rate: f64) -> String {
    format!("{:.2} %", rate * 100.0)
}

/// As wide as the widest of a column, its title included.
fn column_width<'a>(title: &str, cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(|cell| cell.chars().count()).fold(title.len(), usize::max)
}
