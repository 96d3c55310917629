//! `hansard speakers`: the enrolled voices, listed, changed and tried out. Lists and scores are results and go to
//! stdout; what was changed is told on stderr.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use crate::engine::voices::{self, VoiceCommand, VoiceSummary, VoiceTest, VoicesOutcome};
use crate::paths::AppPaths;
use crate::transcript::Verdict;

use super::FAILED;
use super::args::SpeakersAction;
use super::progress::{Display, Verbosity, without_controls};

/// Does what the arguments ask for.
pub(super) fn run(action: &SpeakersAction, paths: &AppPaths) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let answer = voices::perform_alone(&command_of(action), paths)?;
    for warning in &answer.warnings {
        display.say(&format!("warning: {warning}"));
    }
    let result = match (action, &answer.outcome) {
        (SpeakersAction::List { json: true }, _) => json(&VoicesListing::new(&answer.voices))?,
        (SpeakersAction::List { json: false }, _) => {
            if answer.voices.is_empty() {
                display.tell("No voice is enrolled yet; `hansard speakers enrol NAME FILE` does it.");
            }
            table(&answer.voices)
        }
        (SpeakersAction::Test { file, json: true }, VoicesOutcome::Tested(test)) => {
            json(&TestListing::new(file, test))?
        }
        (SpeakersAction::Test { file, json: false }, VoicesOutcome::Tested(test)) => scores(file, test),
        (action, outcome) => {
            display.tell(&done(action, outcome));
            String::new()
        }
    };
    match display.result(result.as_bytes()) {
        // Whoever read stdout has seen enough, which is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    // A file that was named and could not be used is a failure, though the others were. The warnings say which.
    let is_incomplete = matches!(
        (action, &answer.outcome),
        (SpeakersAction::Enrol { folder: None, .. }, VoicesOutcome::Enrolled { n_left_out: 1.., .. })
    );
    Ok(if is_incomplete { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn command_of(action: &SpeakersAction) -> VoiceCommand {
    match action {
        SpeakersAction::List { .. } => VoiceCommand::List,
        SpeakersAction::Enrol { folder: Some(folder), .. } => VoiceCommand::EnrolFolder { folder: folder.clone() },
        // Without a folder, the command line has a name.
        SpeakersAction::Enrol { folder: None, name, files } => {
            VoiceCommand::Enrol { name: name.clone().unwrap_or_default(), files: files.clone() }
        }
        SpeakersAction::Rename { from, to } => VoiceCommand::Rename { from: from.clone(), to: to.clone() },
        SpeakersAction::Merge { from, into } => VoiceCommand::Merge { from: from.clone(), into: into.clone() },
        SpeakersAction::Remove { name } => VoiceCommand::Remove { name: name.clone() },
        SpeakersAction::Test { file, .. } => VoiceCommand::Test { file: file.clone() },
    }
}

/// One line about what was changed.
fn done(action: &SpeakersAction, outcome: &VoicesOutcome) -> String {
    match (action, outcome) {
        (SpeakersAction::Enrol { .. }, VoicesOutcome::Enrolled { names, n_files, .. }) => {
            let files = if *n_files == 1 { "1 recording".to_owned() } else { format!("{n_files} recordings") };
            format!("{}: enrolled from {files}", names.join(", "))
        }
        (SpeakersAction::Rename { from, to }, _) => format!("{from}: renamed to {to}"),
        (SpeakersAction::Merge { from, into }, _) => format!("{from}: merged into {into}"),
        (SpeakersAction::Remove { name }, _) => format!("{name}: removed"),
        (SpeakersAction::List { .. } | SpeakersAction::Enrol { .. } | SpeakersAction::Test { .. }, _) => {
            "done".to_owned()
        }
    }
}

/// A line for each voice, below a line that says what is in the columns.
fn table(voices: &[VoiceSummary]) -> String {
    const TITLE: &str = "voice";
    if voices.is_empty() {
        return String::new();
    }
    let width = voices.iter().map(|voice| voice.name.chars().count()).fold(TITLE.len(), usize::max);
    let mut text = format!("{TITLE:<width$}{:>8}{:>10}{:>10}\n", "files", "meetings", "speech");
    for VoiceSummary { name, n_files, n_meetings, speech } in voices {
        let speech = speech.to_string();
        writeln!(text, "{name:<width$}{n_files:>8}{n_meetings:>10}{speech:>10}")
            .expect("a string takes all that is written");
    }
    text
}

/// Who it is, and below that a line for each voice.
fn scores(file: &Path, test: &VoiceTest) -> String {
    let found = &test.recognition;
    let who = match found.verdict {
        Verdict::Recognised => found.nearest.clone(),
        Verdict::Unknown => format!("unknown, nearest to {}", found.nearest),
    };
    let ahead = found.margin.map_or_else(String::new, |margin| format!(", {margin:.2} ahead of the second"));
    let file = without_controls(&file.display().to_string());
    let mut text = format!("{file}: {who} (score {:.2}{ahead})\n", found.score);
    let width = test.scores.iter().map(|(name, _)| name.chars().count()).fold(0, usize::max);
    for (name, score) in &test.scores {
        writeln!(text, "  {name:<width$}{score:>8.2}").expect("a string takes all that is written");
    }
    text
}

fn json(listing: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(listing).context("cannot write the voices as JSON")? + "\n")
}

/// What is printed of the voices.
#[derive(Serialize)]
struct VoicesListing<'a> {
    voices: Vec<VoiceListing<'a>>,
}

#[derive(Serialize)]
struct VoiceListing<'a> {
    name: &'a str,
    files: usize,
    meetings: usize,
    speech_secs: f64,
}

impl<'a> VoicesListing<'a> {
    fn new(voices: &'a [VoiceSummary]) -> Self {
        let voices = voices.iter().map(|voice| VoiceListing {
            name: &voice.name,
            files: voice.n_files,
            meetings: voice.n_meetings,
            speech_secs: rounded(voice.speech.0),
        });
        Self { voices: voices.collect() }
    }
}

/// What is printed of a test.
#[derive(Serialize)]
struct TestListing<'a> {
    file: String,
    /// `null` where nobody is recognised.
    name: Option<&'a str>,
    nearest: &'a str,
    score: f64,
    /// `null` where there is one voice only.
    margin: Option<f64>,
    scores: Vec<ScoreListing<'a>>,
}

#[derive(Serialize)]
struct ScoreListing<'a> {
    name: &'a str,
    score: f64,
}

impl<'a> TestListing<'a> {
    fn new(file: &Path, test: &'a VoiceTest) -> Self {
        let found = &test.recognition;
        let scores = test.scores.iter().map(|(name, score)| ScoreListing { name, score: rounded(*score) });
        Self {
            file: file.display().to_string(),
            name: (found.verdict == Verdict::Recognised).then_some(found.nearest.as_str()),
            nearest: &found.nearest,
            score: rounded(found.score),
            margin: found.margin.map(rounded),
            scores: scores.collect(),
        }
    }
}

/// To thousandths: what is behind them is noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Recognition;
    use crate::units::Seconds;

    fn voices() -> Vec<VoiceSummary> {
        let voice = |name: &str, n_files, secs| VoiceSummary {
            name: name.to_owned(),
            n_files,
            n_meetings: 3 - n_files,
            speech: Seconds(secs),
        };
        vec![voice("Ana", 2, 75.5), voice("Österreicher", 0, 0.0)]
    }

    fn tested(verdict: Verdict) -> VoiceTest {
        let recognition = Recognition { nearest: "Ana".to_owned(), score: 0.912_345, margin: Some(0.5), verdict };
        VoiceTest { recognition, scores: vec![("Ana".to_owned(), 0.912_345), ("Bo".to_owned(), 0.412_345)] }
    }

    #[test]
    fn voices_are_listed_in_columns() {
        let expected = "\
voice          files  meetings    speech
Ana                2         1      1:15
Österreicher       0         3      0:00
";
        assert_eq!(table(&voices()), expected);
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn a_test_says_who_it_is_and_how_near_everybody_is() {
        for (verdict, who) in [(Verdict::Recognised, "Ana"), (Verdict::Unknown, "unknown, nearest to Ana")] {
            let expected =
                format!("a.wav: {who} (score 0.91, 0.50 ahead of the second)\n  Ana    0.91\n  Bo     0.41\n");
            assert_eq!(scores(Path::new("a.wav"), &tested(verdict)), expected);
        }
    }

    #[test]
    fn the_json_names_numbers_with_their_units() {
        let listed = json(&VoicesListing::new(&voices()[..1])).expect("numbers and names");
        assert_eq!(listed, "{\"voices\":[{\"name\":\"Ana\",\"files\":2,\"meetings\":1,\"speech_secs\":75.5}]}\n");
        let test = tested(Verdict::Unknown);
        let tested = json(&TestListing::new(Path::new("a.wav"), &test)).expect("numbers and names");
        for part in [r#""name":null,"nearest":"Ana","score":0.912,"margin":0.5"#, r#"{"name":"Bo","score":0.412}"#] {
            assert!(tested.contains(part), "no {part} in {tested}");
        }
    }
}
