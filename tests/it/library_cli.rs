//! `hansard library`, `hansard search`, `hansard verify` and the results side of `hansard cache` as a user meets them:
//! real processes, an empty home, and the demo meeting, which is transcribed once and known from then on.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const MEETING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.flac");
/// What the lines about finished and continued jobs say.
const KNOWN: &str = "known already";

/// A user's home, and the folder they work in.
struct Home(TempDir);

/// A process that has ended.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn hansard(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hansard"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(variable, self.0.path().join("home"));
        }
        for variable in ["HANSARD_CACHE_DIR", "HANSARD_PRELOAD_MODELS", "HANSARD_LOG", "HF_HOME", "HF_HUB_CACHE"] {
            command.env_remove(variable);
        }
        let Output { status, stdout, stderr } = command.output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Puts the demo meeting, or its first seconds, into a file. The ending decides what kind it is.
    fn record(&self, name: &str, options: &[&str]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the home")).expect("a writable folder");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-i", MEETING]).args(options).arg(&path);
        let output = ffmpeg.output().expect("ffmpeg is installed (packaging/test.sh does it)");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn copy_meeting(&self, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the home")).expect("a writable folder");
        fs::copy(MEETING, path).expect("the meeting is bundled");
    }

    /// The stored results of a stage, as `cache info` tells them.
    fn results_of(&self, layer: &str) -> Value {
        let info = self.hansard(&["cache", "info", "--json"]).ended_with(0).json();
        let layers = info["results"]["layers"].as_array().expect("a list");
        layers.iter().find(|found| found["layer"] == layer).unwrap_or_else(|| panic!("no {layer} in {info}")).clone()
    }

    fn recordings(&self, arguments: &[&str]) -> Vec<Value> {
        let listing = self.hansard(&[&["library", "list", "--json"], arguments].concat()).ended_with(0).json();
        listing["recordings"].as_array().expect("a list").clone()
    }
}

impl Run {
    #[track_caller]
    fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Failed with one line that says what.
    #[track_caller]
    fn failed_over(self, expected: &str) {
        let run = self.ended_with(1);
        let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(matches!(errors[..], [error] if error.contains(expected)), "{}", run.stderr);
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON object on stdout")
    }
}

/// The words of a transcript, without those who say them.
fn words_of(transcript: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(transcript).expect("JSON");
    let words = document["word_segments"].as_array().expect("a list").iter();
    words.map(|word| word["word"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn a_meeting_is_listed_found_known_and_still_there_when_results_are_gone() {
    let home = Home::new();
    home.copy_meeting("meetings/deep/board.flac");
    let first = home.hansard(&["transcribe", "meetings", "--format", "txt,json", "-o", "first"]).ended_with(0);
    assert!(!first.stderr.contains(KNOWN), "{}", first.stderr);
    let (text, json) = (home.read("first/board.txt"), home.read("first/board.json"));

    let recordings = home.recordings(&[]);
    let [recording] = &recordings[..] else { panic!("one recording was transcribed: {recordings:?}") };
    assert_eq!((&recording["label"], &recording["status"]), (&Value::from("board"), &Value::from("done")));
    assert_eq!(recording["detail"], "demo", "{recording}");
    assert!(recording["duration_secs"].as_f64().is_some_and(|secs| secs > 50.0), "{recording}");

    let is_long = |word: &&String| word.len() > 6 && word.chars().all(char::is_alphabetic);
    let words = words_of(&json);
    let word = words.iter().find(is_long).expect("somebody says a long word");
    let found = home.hansard(&["search", word, "--json"]).ended_with(0).json();
    assert_eq!(found["hits"][0]["recording"], recording["id"], "{found}");
    assert!(found["hits"][0]["text"].as_str().is_some_and(|text| text.contains(word.as_str())), "{found}");
    let lines = home.hansard(&["search", word, "--limit", "1"]).ended_with(0);
    assert!(lines.stdout.contains("board [") && lines.stdout.lines().count() == 1, "{}", lines.stdout);
    for nowhere in [&["search", "xylophonist"][..], &["search", word, "--until", "1971-01-01"]] {
        let nothing = home.hansard(nowhere).ended_with(0);
        assert!(nothing.stdout.is_empty() && nothing.stderr.contains("Nothing was found"), "{}", nothing.stderr);
    }

    // The same file, and the same sound under another name.
    home.copy_meeting("meetings/copy.flac");
    let second = home.hansard(&["transcribe", "meetings", "--format", "txt,json", "-o", "second"]).ended_with(0);
    assert!(second.stderr.contains("board.flac: done") && second.stderr.contains(KNOWN), "{}", second.stderr);
    assert!(second.stderr.contains("2 recordings: ") && second.stderr.contains("was reused"), "{}", second.stderr);
    assert_eq!((home.read("second/board.txt"), home.read("second/board.json")), (text.clone(), json.clone()));
    assert_eq!(home.read("second/copy.txt"), text);

    let board = "meetings/deep/board.flac";
    let three = ["transcribe", board, "--num-speakers", "3", "--format", "json", "-o", "three"];
    let texts = home.results_of("asr")["entries"].clone();
    let three = home.hansard(&three).ended_with(0);
    assert!(three.stderr.contains(KNOWN), "{}", three.stderr);
    assert_eq!(words_of(&home.read("three/board.json")), words_of(&json));
    assert_eq!(home.results_of("asr")["entries"], texts, "no text was computed");
    for layer in ["asr", "align", "segmentation", "embeddings", "transcript"] {
        assert!(home.results_of(layer)["entries"].as_u64().is_some_and(|n| n > 0), "{layer}");
    }
    let info = home.hansard(&["cache", "info", "--json"]).ended_with(0).json();
    assert!(info["results"]["hits"].as_u64().is_some_and(|n| n > 0), "{info}");
    assert!(info["results"]["saved_secs"].as_f64().is_some_and(|secs| secs > 0.0), "{info}");

    home.hansard(&["cache", "clear", "asr", "--yes"]).ended_with(0);
    assert_eq!(home.results_of("asr")["entries"], 0);
    assert!(home.results_of("align")["entries"].as_u64().is_some_and(|n| n > 0), "other stages stay");
    home.hansard(&["cache", "clear", "results"]).failed_over("--yes");
    home.hansard(&["cache", "clear", "results", "--keep-models", "--yes"]).ended_with(0);
    assert_eq!(home.results_of("transcript")["entries"], 0);
    assert_eq!(home.recordings(&[]).len(), 2, "the library is no cache");
    let still_found = home.hansard(&["search", word, "--json"]).ended_with(0).json();
    assert!(still_found["hits"].as_array().is_some_and(|hits| !hits.is_empty()), "{still_found}");
    let third = home.hansard(&["transcribe", board, "--format", "json", "-o", "third"]).ended_with(0);
    assert!(!third.stderr.contains(KNOWN), "{}", third.stderr);
    assert_eq!(home.read("third/board.json"), json, "the same input gives the same bytes");
}

#[test]
fn a_transcript_is_verified_against_its_recording_and_its_models() {
    let home = Home::new();
    home.record("talk.wav", &["-t", "8", "-c:a", "pcm_s16le"]);
    home.record("talk.flac", &["-t", "8"]);
    home.record("other.wav", &["-ss", "20", "-t", "8", "-c:a", "pcm_s16le"]);
    home.hansard(&["transcribe", "talk.wav", "--format", "json,txt", "-o", "minutes"]).ended_with(0);
    let verify = |arguments: &[&str]| home.hansard(&[&["verify", "minutes/talk.json"], arguments].concat());

    for (arguments, expected) in [(&[] as &[&str], "same file"), (&["--audio", "talk.flac"], "same sound")] {
        let sound = verify(arguments).ended_with(0);
        assert!(sound.stdout.contains(expected) && sound.stderr.is_empty(), "{}{}", sound.stdout, sound.stderr);
        assert!(sound.stdout.contains("transcription by demo: same"), "{}", sound.stdout);
    }
    let listed = verify(&["--json"]).ended_with(0).json();
    assert_eq!((&listed["matches"], &listed["audio"]["result"]), (&Value::from(true), &Value::from("same file")));
    assert!(listed["models"].as_array().is_some_and(|models| models.len() >= 3), "{listed}");
    verify(&["--audio", "other.wav"]).failed_over("another recording");

    // Other blanks and another order of keys change nothing; another word does.
    let mut document: Value = serde_json::from_str(&home.read("minutes/talk.json")).expect("JSON");
    let write = |document: &Value| {
        let text = serde_json::to_string_pretty(document).expect("it was read from text");
        fs::write(home.path("minutes/talk.json"), text).expect("a writable folder");
    };
    write(&document);
    verify(&[]).ended_with(0);
    document["segments"][0]["words"][1]["word"] = "never".into();
    write(&document);
    verify(&[]).failed_over("changed since it was written");
    let listed = verify(&["--json"]).ended_with(1).json();
    let words = (&listed["changed_words"], &listed["edited_words"]);
    assert_eq!((&words.0[0]["text"], &words.0[1], &words.1[0]), (&Value::from("never"), &Value::Null, &Value::Null));

    for (file, expected) in [
        ("minutes/talk.txt", "no JSON"),
        ("missing.json", "missing.json"),
        ("plain.json", "nothing to check it against"),
    ] {
        fs::write(home.path("plain.json"), "{\"segments\": []}").expect("a writable folder");
        home.hansard(&["verify", file]).failed_over(expected);
    }
}

#[test]
fn results_travel_in_a_file_and_fresh_ignores_them() {
    let home = Home::new();
    home.record("talk.wav", &["-t", "5", "-c:a", "pcm_s16le"]);
    let transcribe = |arguments: &[&str]| {
        let run = home.hansard(&[&["transcribe", "talk.wav"], arguments].concat()).ended_with(0);
        (run.stderr.contains(KNOWN), home.read("talk.txt"))
    };
    let (is_known, text) = transcribe(&[]);
    assert!(!is_known);
    for (arguments, expected) in
        [(&[] as &[&str], true), (&["--fresh"], false), (&[], true), (&["--beam-size", "2"], true)]
    {
        let (is_known, again) = transcribe(arguments);
        assert_eq!(is_known, expected, "{arguments:?}");
        assert!(again == text || arguments.contains(&"--beam-size"), "{again}");
    }

    let large = home.hansard(&["cache", "largest", "--top", "2", "--json"]).ended_with(0).json();
    assert_eq!(large["results"].as_array().map(Vec::len), Some(2), "{large}");
    let sound = home.hansard(&["cache", "verify", "--json"]).ended_with(0).json();
    assert!(sound["results"]["entries"].as_u64().is_some_and(|n| n > 0), "{sound}");
    assert_eq!(sound["results"]["damaged"], Value::Array(Vec::new()), "{sound}");
    let tried = home.hansard(&["cache", "cleanup", "--by-usage", "--keep-top", "1", "--dry-run"]).ended_with(0);
    assert!(tried.stderr.contains("nothing was removed"), "{}", tried.stderr);
    let n_texts = home.results_of("asr")["entries"].clone();
    let rebuilt = home.hansard(&["cache", "rebuild-index"]).ended_with(0);
    assert!(rebuilt.stderr.contains("listed anew"), "{}", rebuilt.stderr);
    assert_eq!(home.results_of("asr")["entries"], n_texts);

    home.hansard(&["cache", "export", "--results", "all.hansard-results"]).ended_with(0);
    home.hansard(&["cache", "clear", "--results", "--yes"]).ended_with(0);
    assert_eq!(home.results_of("asr")["entries"], 0);
    home.hansard(&["cache", "import", "--results", "all.hansard-results"]).ended_with(0);
    assert_eq!(home.results_of("asr")["entries"], n_texts);
    assert_eq!(transcribe(&[]), (true, text));
    home.hansard(&["cache", "import", "--results", "talk.txt"]).failed_over("talk.txt");
}

#[test]
fn the_library_is_tagged_moved_and_emptied() {
    let home = Home::new();
    home.record("meetings/talk.wav", &["-t", "5", "-c:a", "pcm_s16le"]);
    home.record("meetings/walk.wav", &["-ss", "9", "-t", "5", "-c:a", "pcm_s16le"]);
    let added = home.hansard(&["library", "add", "meetings"]).ended_with(0);
    assert!(added.stderr.contains("2 recordings added"), "{}", added.stderr);
    let again = home.hansard(&["library", "add", "meetings/talk.wav"]).ended_with(0);
    assert!(again.stderr.contains("1 known already"), "{}", again.stderr);

    home.hansard(&["library", "tag", "meetings/talk.wav", "board", "budget"]).ended_with(0);
    home.hansard(&["library", "tag", "meetings/talk.wav", "board", "--remove"]).ended_with(0);
    home.hansard(&["library", "note", "meetings/talk.wav", "ask Ana"]).ended_with(0);
    let long = "x".repeat(101);
    home.hansard(&["library", "tag", "meetings/talk.wav", &long]).failed_over("101 characters");
    let tagged = home.recordings(&["budget"]);
    let [talk] = &tagged[..] else { panic!("one of two has the tag: {tagged:?}") };
    assert_eq!((&talk["tags"][0], &talk["tags"][1]), (&Value::from("budget"), &Value::Null), "{talk}");
    assert_eq!((&talk["note"], &talk["status"]), (&Value::from("ask Ana"), &Value::from("new")), "{talk}");
    let page = home.hansard(&["library", "list", "--limit", "1", "--order", "name"]).ended_with(0);
    assert!(page.stdout.contains("talk") && !page.stdout.contains("walk"), "{}", page.stdout);
    assert!(page.stderr.contains("1 of 2 recordings"), "{}", page.stderr);

    home.hansard(&["library", "watch", "meetings"]).ended_with(0);
    let folders = home.hansard(&["library", "folders", "--json"]).ended_with(0).json();
    let folder = &folders["folders"][0];
    assert_eq!((&folder["n_recordings"], &folder["new_files"]), (&Value::from(2), &Value::from("listed")), "{folders}");
    home.hansard(&["library", "unwatch", "meetings"]).ended_with(0);
    assert!(home.hansard(&["library", "folders"]).ended_with(0).stdout.is_empty());
    let jobs = home.hansard(&["library", "jobs", "--json"]).ended_with(0).json();
    assert_eq!(jobs["jobs"], Value::Array(Vec::new()), "nothing was transcribed");

    home.hansard(&["library", "export", "all.hansard-library"]).ended_with(0);
    let other = Home::new();
    let file = home.path("all.hansard-library");
    other.hansard(&["library", "import", file.to_str().expect("UTF-8")]).ended_with(0);
    let taken_in = other.recordings(&["budget"]);
    assert_eq!(taken_in.first().map(|talk| &talk["note"]), Some(&Value::from("ask Ana")), "{taken_in:?}");

    home.hansard(&["library", "remove", "meetings/talk.wav", "missing.wav"]).failed_over("missing.wav");
    assert_eq!(home.recordings(&[]).len(), 2, "nothing is removed where one is unknown");
    home.hansard(&["library", "remove", &talk["id"].to_string()]).ended_with(0);
    assert_eq!(home.recordings(&[]).len(), 1);
    assert!(home.path("meetings/talk.wav").exists(), "the file stays");
}

#[test]
fn jobs_are_estimated_before_they_begin_and_estimates_are_kept() {
    let home = Home::new();
    home.record("talk.wav", &["-t", "5", "-c:a", "pcm_s16le"]);
    for (arguments, expected) in
        [(&[] as &[&str], None), (&["--fresh"], Some("talk.wav: about ")), (&[], Some("talk.wav: at most "))]
    {
        let run = home.hansard(&[&["transcribe", "talk.wav"], arguments].concat()).ended_with(0);
        let told = run.stderr.lines().find(|line| line.contains(": about ") || line.contains(": at most "));
        match expected {
            Some(expected) => assert!(told.is_some_and(|told| told.starts_with(expected)), "{}", run.stderr),
            None => assert_eq!(told, None, "nothing is known before the first job"),
        }
    }
    let listed = home.hansard(&["library", "jobs", "--json"]).ended_with(0).json();
    let jobs = listed["jobs"].as_array().expect("a list");
    let estimated: Vec<bool> = jobs.iter().map(|job| job["estimate_secs"].is_number()).collect();
    assert_eq!(estimated, [true, true, false], "{listed}");
    assert!(jobs.iter().all(|job| job["total_secs"].is_number()), "{listed}");
    assert!(listed["median_estimate_error"].is_number(), "{listed}");
}

#[test]
fn versions_are_listed_and_restored_and_damage_is_a_warning() {
    let home = Home::new();
    home.record("talk.wav", &["-t", "5", "-c:a", "pcm_s16le"]);
    home.hansard(&["transcribe", "talk.wav"]).ended_with(0);
    let none = home.hansard(&["library", "versions", "talk.wav"]).ended_with(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("no other version"), "{}", none.stderr);
    home.hansard(&["library", "versions", "talk.wav", "--restore", "3"]).failed_over("no version 3");
    let id = home.recordings(&[])[0]["id"].to_string();

    // As if it had been changed.
    let file = home.path("home/hansard/library.db");
    let database = rusqlite::Connection::open(&file).expect("a library");
    let change = "UPDATE transcripts SET current = original, is_edited = 1, saved_secs = 1700000000";
    database.execute(change, []).expect("a writable library");
    drop(database);
    let listed = home.hansard(&["library", "versions", &id, "--json"]).ended_with(0).json();
    assert_eq!(
        (&listed["versions"][0]["version"], &listed["versions"][1]),
        (&Value::from(0), &Value::Null),
        "{listed}"
    );
    let restored = home.hansard(&["library", "versions", &id, "--restore", "0"]).ended_with(0);
    assert!(restored.stderr.contains("is version 1"), "{}", restored.stderr);
    let table = home.hansard(&["library", "versions", &id]).ended_with(0);
    assert!(table.stdout.contains("2023-11-14"), "{}", table.stdout);

    for ending in ["-wal", "-shm"] {
        fs::remove_file(format!("{}{ending}", file.display())).ok();
    }
    fs::write(&file, "no library ".repeat(2000)).expect("a writable folder");
    let damaged = home.hansard(&["library", "list"]).ended_with(0);
    let is_told = |line: &str| line.starts_with("warning: ") && line.contains("is damaged");
    assert_eq!(damaged.stderr.lines().filter(|line| is_told(line)).count(), 1, "{}", damaged.stderr);
    assert!(!damaged.stderr.contains("WARN"), "{}", damaged.stderr);
    let mended = home.hansard(&["library", "list"]).ended_with(0);
    assert!(!mended.stderr.contains("warning"), "{}", mended.stderr);
}

#[test]
fn what_cannot_be_done_is_one_clear_line_and_wrong_arguments_are_wrong_usage() {
    let home = Home::new();
    fs::create_dir(home.path("empty")).expect("a writable folder");
    fs::write(home.path("notes.txt"), "no recording").expect("a writable folder");
    for (arguments, code) in [
        (&["library"][..], 2),
        (&["library", "tag", "1"], 2),
        (&["library", "versions", "1", "--restore", "last"], 2),
        (&["library", "list", "--order", "size"], 2),
        (&["search"], 2),
        (&["search", "word", "--from", "yesterday"], 2),
        (&["verify"], 2),
        (&["cache", "clear", "asr", "--all"], 2),
        (&["cache", "clear", "words"], 2),
        (&["cache", "cleanup", "--by-usage"], 2),
        (&["cache", "largest", "--top", "0"], 2),
        (&["library", "--help"], 0),
        (&["search", "--help"], 0),
        (&["verify", "--help"], 0),
        (&["cache", "cleanup", "--help"], 0),
        (&["library", "list"], 0),
        (&["library", "folders"], 0),
        (&["library", "jobs"], 0),
        (&["search", "word"], 0),
        (&["cache", "largest"], 0),
    ] {
        home.hansard(arguments).ended_with(code);
    }
    for (arguments, expected) in [
        (&["transcribe", "empty"][..], "empty"),
        (&["library", "note", "7", "text"], "7"),
        (&["library", "remove", "7"], "7"),
        (&["library", "versions", "7"], "7"),
        (&["library", "add", "missing.wav"], "missing.wav"),
        (&["library", "add", "notes.txt"], "its ending"),
        (&["library", "export", "-"], "standard output"),
        (&["library", "export", "home/hansard/library.db"], "its own files"),
        (&["library", "export", "home/hansard/../hansard/library.lock"], "its own files"),
        (&["cache", "export", "--results", "home/hansard/library.db"], "its own files"),
        (&["library", "watch", "missing"], "missing"),
        (&["library", "import", "missing.hansard-library"], "missing.hansard-library"),
    ] {
        home.hansard(arguments).failed_over(expected);
    }
}
