//! `hansard score` as a user meets it: what it prints, and what it says of files that cannot be scored.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const TURNS: &str = "\
SPEAKER a 1 0.000 4.000 <NA> <NA> A <NA> <NA>
SPEAKER a 1 4.000 4.000 <NA> <NA> B <NA> <NA>
";
const FOUND_TURNS: &str = "\
SPEAKER a 1 0.000 5.000 <NA> <NA> x <NA> <NA>
SPEAKER a 1 5.000 4.000 <NA> <NA> y <NA> <NA>
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in [
        ("right.rttm", TURNS.as_bytes()),
        ("found.rttm", FOUND_TURNS.as_bytes()),
        ("part.uem", b"a 1 0 4\n"),
        ("broken.uem", b"a 1 0\n"),
        ("broken.rttm", b"SPEAKER a 1 0.0 1.0 <NA> <NA> A <NA> <NA>\nSPEAKER a 1 zero\n"),
        ("empty.rttm", b""),
        ("right.txt", "Good morning, everyone!\nIt's ten o'clock.\n".as_bytes()),
        ("found.srt", b"1\n00:00:00,000 --> 00:00:02,000\n[Ana]: good evening everyone\n\n"),
        ("latin1.txt", b"caf\xe9"),
    ] {
        fs::write(folder.path().join(name), content).expect("a writable folder");
    }
    folder
}

fn score(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hansard"));
    command.arg("score").args(arguments).current_dir(folder).env_remove("HANSARD_LOG");
    command.output().expect("the program starts")
}

#[test]
fn scores_are_printed_as_json() {
    let folder = folder();
    for (arguments, metric, rate, total_name, total) in [
        (["right.rttm", "found.rttm", "--json"].as_slice(), "der", 0.25, "total_secs", 8.0),
        (&["right.rttm", "found.rttm", "--json", "--collar", "2"], "der", 0.0, "total_secs", 4.0),
        (&["right.rttm", "found.rttm", "--json", "--uem", "part.uem"], "der", 0.0, "total_secs", 4.0),
        (&["right.rttm", "empty.rttm", "--json"], "der", 1.0, "total_secs", 8.0),
        (&["empty.rttm", "found.rttm", "--json"], "der", 1.0, "total_secs", 0.0),
        (&["right.txt", "found.srt", "--json"], "wer", 0.75, "n_reference", 8.0),
        (&["right.txt", "found.srt", "--json", "--normalise", "none"], "wer", 1.0, "n_reference", 6.0),
        (&["right.txt", "right.txt", "--json", "--characters"], "cer", 0.0, "n_reference", 38.0),
    ] {
        let output = score(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON on stdout");
        let near =
            |name: &str, expected: f64| found[name].as_f64().is_some_and(|found| (found - expected).abs() < 1e-9);
        assert!(found["metric"] == metric && near("rate", rate) && near(total_name, total), "{arguments:?}: {found}");
    }
}

#[test]
fn scores_are_printed_as_tables() {
    let folder = folder();
    let expected_turns = "\
diarization error rate, collar 0 s, overlap scored
recording        DER     missed  false alarm  confusion       speech        JER
a            25.00 %     0.00 %      12.50 %    12.50 %       8.00 s    30.00 %

speaker  taken for them       speech  Jaccard error
A        x                    4.00 s        20.00 %
B        y                    4.00 s        40.00 %
";
    let expected_text = "\
word error rate, normalisation english
WER                      71.43 %
in the reference             7
in the hypothesis            3
right                        2
replaced                     1
missing                      4
added                        0
";
    for (arguments, expected) in [
        (["right.rttm", "found.rttm"].as_slice(), expected_turns),
        (&["right.txt", "found.srt", "--normalise", "english"], expected_text),
    ] {
        let output = score(folder.path(), arguments);
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn files_that_cannot_be_scored_are_told_in_one_line() {
    let folder = folder();
    for (arguments, code, expected) in [
        (["right.rttm", "missing.rttm"].as_slice(), 1, "cannot read missing.rttm"),
        (&["right.rttm", "."], 1, ". is a folder"),
        (&["right.txt", "latin1.txt"], 1, "latin1.txt is not text in UTF-8"),
        (
            &["right.rttm", "broken.rttm"],
            1,
            "broken.rttm: line 2: a SPEAKER line has at least 8 fields, this one has 4",
        ),
        (&["right.rttm", "found.rttm", "--uem", "broken.uem"], 1, "broken.uem: line 1: a UEM line is"),
        (&["right.rttm", "right.txt"], 1, "right.rttm holds turns of speakers (RTTM), and right.txt holds text"),
        (&["right.rttm", "found.rttm", "--characters"], 1, "--characters and --normalise are for text"),
        (&["right.txt", "right.txt", "--collar", "1"], 1, "are for turns of speakers"),
        (&["right.rttm", "found.rttm", "--collar=-1"], 2, "--collar"),
    ] {
        let output = score(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(expected) && output.stdout.is_empty(), "{arguments:?}: {message}");
        assert!(code == 2 || message.lines().count() == 1, "{arguments:?}: {message}");
    }
}
