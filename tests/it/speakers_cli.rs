//! `hansard speakers` as a user meets it: a real process, and the demo voices.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::voices::{SPEAKERS, speaker_file};

const TIMEOUT: Duration = Duration::from_mins(5);

#[test]
fn the_command_line_enrols_lists_tests_renames_and_removes() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a home"));
    let hansard = |arguments: &[&str], code: i32| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hansard"));
        command.arg("speakers").args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(variable, home.path());
        }
        command.env_remove("HANSARD_LOG");
        let output = assert_cmd::Command::from_std(command).timeout(TIMEOUT).output().expect("the program starts");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stdout}{stderr}");
        (stdout.into_owned(), stderr.into_owned())
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let [nora, brian] = ["Nora", "Brian"].map(|name| speaker_file(name).to_str().expect("a path").to_owned());

    assert_eq!(hansard(&["list"], 0).0, "");
    assert_eq!(json(&hansard(&["list", "--json"], 0).0)["voices"], Value::Array(vec![]));
    let (stdout, stderr) = hansard(&["enrol", "Nora", &nora], 0);
    assert!(stdout.is_empty() && stderr.contains("Nora: enrolled from 1 recording"), "{stdout}{stderr}");
    let (_, stderr) = hansard(&["enrol", "B", &brian, "missing.wav"], 1);
    assert!(stderr.contains("B: enrolled from 1 recording") && stderr.contains("missing.wav"), "{stderr}");
    hansard(&["rename", "b", "Brian"], 0);
    assert!(hansard(&["list"], 0).0.lines().nth(1).is_some_and(|line| line.starts_with("Brian")));
    assert!(hansard(&["test", &nora], 0).0.contains(": Nora (score "));
    let tested = json(&hansard(&["test", "--json", &brian], 0).0);
    assert_eq!(tested["name"], "Brian");
    assert_eq!(tested["scores"][1]["name"], "Nora");
    hansard(&["merge", "Nora", "Brian"], 0);
    assert_eq!(json(&hansard(&["list", "--json"], 0).0)["voices"][0]["files"], 2);
    hansard(&["remove", "Brian"], 0);
    assert_eq!(hansard(&["list"], 0).0, "");
    let (_, stderr) = hansard(&["remove", "Brian"], 1);
    assert!(stderr.contains("there is no voice `Brian`"), "{stderr}");
    hansard(&["enrol", "--folder", SPEAKERS], 0);
    assert!(hansard(&["list"], 0).0.lines().count() > 9);
    for wrong in [["enrol"].as_slice(), &["enrol", "Nora"], &["enrol", "Nora", &nora, "--folder", SPEAKERS]] {
        hansard(wrong, 2);
    }
}
