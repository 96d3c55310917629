//! The command line as a user meets it: real processes of the built program, their exit codes, what they print, and the
//! files that they leave. Recordings are made by ffmpeg from the demo meeting.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{self, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::wer::{word_error_rate, words};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hansard");
const MEETING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.flac");
const MEETING_TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.txt");

/// What the reference implementation makes of the demo meeting (6.11 %) and one point.
const MAX_DEMO_WORD_ERROR_RATE: f64 = 0.0711;
/// How far lossy coding may change the text.
const MAX_LOSSY_WORD_ERROR_RATE: f64 = 0.03;
/// Far more than any run here takes. A program that hangs shall fail its test, not stop all of them.
const TIMEOUT: Duration = Duration::from_mins(10);
/// From Ctrl-C to the end of the process: one second, and one for a machine that is busy with other tests.
const MAX_CANCEL_TIME: Duration = Duration::from_secs(2);

/// A user's folder, and a home beside it, so that no test meets the settings or caches of another.
struct Desk {
    folder: TempDir,
    home: TempDir,
}

/// A process that has ended.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a temporary folder");
        Self { folder: folder(), home: folder() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a writable folder");
    }

    /// Makes `name` from the demo meeting; `options` are ffmpeg's and follow the input.
    fn record(&self, name: &str, options: &[&str]) {
        ffmpeg(&[["-i", MEETING].as_slice(), options, &[self.path(name).to_str().expect("a path in UTF-8")]].concat());
    }

    /// The first seconds of the meeting as WAV: two sentences, quickly transcribed.
    fn record_briefly(&self, name: &str) {
        self.record(name, &["-t", "5", "-c:a", "pcm_s16le", "-f", "wav"]);
    }

    fn command(&self, arguments: &[&str]) -> process::Command {
        let mut command = process::Command::new(PROGRAM);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env(variable, self.home.path());
        }
        for variable in ["DISPLAY", "WAYLAND_DISPLAY", "HANSARD_LOG"] {
            command.env_remove(variable);
        }
        command
    }

    fn hansard(&self, arguments: &[&str]) -> Run {
        let mut command = assert_cmd::Command::from_std(self.command(arguments));
        let output = command.timeout(TIMEOUT).output().expect("the program starts");
        let run = Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("results are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        };
        assert!(!run.stderr.contains("panicked"), "{arguments:?}: {}", run.stderr);
        run
    }

    /// The names in a folder, hidden ones too, in order.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("the folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Run {
    #[track_caller]
    fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    fn lines(&self, beginning: &str) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with(beginning)).collect()
    }
}

fn ffmpeg(arguments: &[&str]) {
    let run = process::Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).output();
    let output = run.expect("ffmpeg is installed (packaging/test.sh does it)");
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The header of a 16 kHz WAV file with 16-bit samples that says what it is told to, true or not.
fn wav_header(n_channels: u16, n_data_bytes: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend(n_data_bytes.saturating_add(36).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(n_channels.to_le_bytes());
    header.extend(16_000_u32.to_le_bytes());
    header.extend((32_000 * u32::from(n_channels)).to_le_bytes());
    header.extend((2 * n_channels).to_le_bytes());
    header.extend(16_u16.to_le_bytes());
    header.extend(b"data");
    header.extend(n_data_bytes.to_le_bytes());
    header
}

#[test]
fn help_and_version_are_results() {
    let desk = Desk::new();
    let cases: [(&[&str], &str); 5] = [
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["--help"], "hansard transcribe meeting.mp4"),
        (&["transcribe", "--help"], "NAME-2"),
        (&["demo", "--help"], "--no-window"),
        (&["help", "open"], "FILE"),
    ];
    for (arguments, expected) in cases {
        let run = desk.hansard(arguments).ended_with(0);
        assert!(run.stdout.contains(expected), "{arguments:?}: {}", run.stdout);
        assert_eq!(run.stderr, "", "{arguments:?}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_computes_nothing() {
    let desk = Desk::new();
    desk.record_briefly("talk.wav");
    for arguments in [
        ["transcribe"].as_slice(),
        &["transcribe", "talk.wav", "--format", "pdf"],
        &["transcribe", "talk.wav", "--format", "txt,"],
        &["transcribe", "talk.wav", "--format", "txt,srt", "--output", "-"],
        &["transcribe", "talk.wav", "--threads", "0"],
        &["transcribe", "talk.wav", "--language", "english"],
        &["transcribe", "talk.wav", "--colour"],
        &["minute"],
    ] {
        let run = desk.hansard(arguments).ended_with(2);
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(desk.names("."), ["talk.wav"]);
}

#[test]
fn every_format_becomes_a_file_in_the_folder() {
    let desk = Desk::new();
    desk.record_briefly("talk.wav");
    let arguments =
        ["transcribe", "talk.wav", "--format", "txt,md,srt,vtt,json,tsv,csv,rttm,txt", "--output", "new/minutes"];
    let run = desk.hansard(&arguments).ended_with(0);
    assert_eq!(run.stdout, "");
    let expected = ["csv", "json", "md", "srt", "tsv", "txt", "vtt"].map(|extension| format!("talk.{extension}"));
    let names = desk.names("new/minutes");
    assert_eq!(names.len(), expected.len() + 1, "{names:?}");

    let text = desk.read("new/minutes/talk.txt");
    assert!(words(&text).len() > 5, "{text}");
    let turns = desk.read("new/minutes/talk.rttm");
    assert!(turns.starts_with("SPEAKER talk 1 "), "{turns}");
    for name in &expected {
        let content = desk.read(&format!("new/minutes/{name}"));
        // What comes first is the speaker, whom not every format names.
        let first_word = text.split_whitespace().nth(1).expect("some words");
        assert!(content.contains(first_word), "{name}: {content}");
    }
    let json: serde_json::Value = serde_json::from_str(&desk.read("new/minutes/talk.json")).expect("JSON");
    let segment = &json["segments"][0];
    assert!(segment["start"].as_f64() < segment["end"].as_f64(), "{json}");
    assert_eq!(json["language"], "en");

    desk.write("new/minutes/talk.txt", b"something else");
    desk.hansard(&["transcribe", "talk.wav", "-o", "new/minutes", "--language", "en", "--threads", "1"]).ended_with(0);
    assert_eq!(desk.read("new/minutes/talk.txt"), text, "an earlier result is replaced");
}

#[test]
fn stdout_gets_the_results_in_order_and_nothing_else() {
    let desk = Desk::new();
    desk.record_briefly("first.wav");
    desk.record("second.wav", &["-ss", "12", "-t", "5"]);
    let [first, second] = ["first.wav", "second.wav"].map(|recording| {
        let run = desk.hansard(&["transcribe", recording, "--output", "-", "--quiet"]).ended_with(0);
        assert_eq!(run.stderr, "", "nothing to say when all is well");
        assert!(words(&run.stdout).len() > 5, "{}", run.stdout);
        run.stdout
    });
    let both = desk.hansard(&["transcribe", "first.wav", "second.wav", "--output", "-", "--fresh"]).ended_with(0);
    assert_eq!(both.stdout, format!("{first}{second}"));
    for recording in ["first.wav", "second.wav"] {
        let stage = format!("{recording}: transcribing");
        assert!(both.stderr.lines().any(|line| line == stage), "{}", both.stderr);
    }
    assert_eq!(desk.names("."), ["first.wav", "second.wav"], "no file is written");
}

#[test]
fn recordings_of_one_name_do_not_replace_each_other() {
    let desk = Desk::new();
    for folder in ["a", "b"] {
        fs::create_dir(desk.path(folder)).expect("a writable folder");
    }
    desk.record_briefly("a/talk.wav");
    desk.record("b/talk.wav", &["-ss", "12", "-t", "5"]);
    desk.hansard(&["transcribe", "a/talk.wav", "b/talk.wav", "--output", "out"]).ended_with(0);
    assert_eq!(desk.names("out"), ["talk-2.txt", "talk.txt"]);
    assert_ne!(desk.read("out/talk.txt"), desk.read("out/talk-2.txt"));
}

#[test]
fn what_cannot_be_delivered_is_refused_before_computing() {
    let desk = Desk::new();
    desk.record_briefly("talk.wav");
    desk.record_briefly("speech.txt");
    desk.write("occupied", b"a file");
    let speech = fs::read(desk.path("speech.txt")).expect("the recording");
    for (arguments, named) in [
        (["transcribe", "talk.wav", "--output", "occupied"], "occupied"),
        (["transcribe", "talk.wav", "--output", "occupied/inside"], "occupied/inside"),
        (["transcribe", "speech.txt", "--output", "."], "speech.txt"),
    ] {
        let run = desk.hansard(&arguments).ended_with(1);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(named), "{}", run.stderr);
    }
    assert_eq!(fs::read(desk.path("speech.txt")).expect("the recording"), speech);
}

#[test]
fn an_unknown_model_is_named_in_the_error() {
    let desk = Desk::new();
    desk.record_briefly("talk.wav");
    for model in ["gigantic", "./no/such/folder"] {
        let run = desk.hansard(&["transcribe", "talk.wav", "--model", model]).ended_with(1);
        let [error] = run.lines("error: ")[..] else { panic!("one error, not: {}", run.stderr) };
        assert!(error.contains(model), "{error}");
    }
    assert_eq!(desk.names("."), ["talk.wav"]);
}

/// Files that are no recordings, by what is wrong with them.
fn make_bad_inputs(desk: &Desk) -> Vec<&'static str> {
    let mut bad = vec!["empty.wav", "text.wav", "folder.wav", "missing.wav", "no_channels.wav"];
    desk.write("empty.wav", b"");
    desk.write("text.wav", "Minutes of the meeting of May 3rd.\n".repeat(500).as_bytes());
    fs::create_dir(desk.path("folder.wav")).expect("a writable folder");
    desk.write("no_channels.wav", &[wav_header(0, 32_000), vec![1; 32_000]].concat());
    #[cfg(unix)]
    {
        desk.record_briefly("secret.wav");
        let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs::set_permissions(desk.path("secret.wav"), nobody).expect("our own file");
        // The system refuses nothing to its administrator, so there the case does not exist.
        if fs::File::open(desk.path("secret.wav")).is_err() {
            bad.push("secret.wav");
        }
    }
    bad
}

#[test]
fn bad_input_is_one_clear_line_and_the_rest_is_done() {
    let desk = Desk::new();
    desk.record_briefly("good.wav");
    let bad = make_bad_inputs(&desk);
    for recording in &bad {
        let run = desk.hansard(&["transcribe", recording, "--quiet", "--output", "alone"]).ended_with(1);
        assert_eq!(run.stderr.lines().count(), 1, "{recording}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(recording), "{recording}: {}", run.stderr);
    }
    assert!(desk.names("alone").is_empty(), "{:?}", desk.names("alone"));

    let arguments = [["transcribe"].as_slice(), &bad, &["good.wav", "--output", "together"]].concat();
    let run = desk.hansard(&arguments).ended_with(1);
    assert_eq!(run.lines("error: ").len(), bad.len(), "{}", run.stderr);
    assert_eq!(desk.names("together"), ["good.txt"]);
}

#[test]
fn damaged_recordings_give_what_is_left_and_a_warning() {
    let desk = Desk::new();
    desk.record("whole.mp3", &["-t", "20", "-c:a", "libmp3lame", "-b:a", "64k"]);
    let whole = fs::read(desk.path("whole.mp3")).expect("the recording");
    desk.write("cut.mp3", &whole[..whole.len() * 6 / 10 + 7]);

    desk.record("sound.raw", &["-t", "5", "-f", "s16le"]);
    let sound = fs::read(desk.path("sound.raw")).expect("the recording");
    desk.write("boastful.wav", &[wav_header(1, u32::MAX - 255), sound].concat());

    for recording in ["cut.mp3", "boastful.wav"] {
        let run = desk.hansard(&["transcribe", recording, "--output", "-"]).ended_with(0);
        assert!(words(&run.stdout).len() > 5, "{recording}: {}", run.stdout);
        let warnings = run.lines(&format!("warning: {recording}: "));
        assert!(!warnings.is_empty(), "{recording}: {}", run.stderr);
    }
}

#[test]
fn a_recording_without_speech_gives_an_empty_transcript_and_says_so() {
    let desk = Desk::new();
    desk.write("silence.wav", &[wav_header(1, 96_000), vec![0; 96_000]].concat());
    let run = desk.hansard(&["transcribe", "silence.wav"]).ended_with(0);
    assert_eq!(desk.read("silence.txt").trim(), "");
    assert!(run.stderr.contains("silence.wav: no speech was found"), "{}", run.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::new();
    desk.record_briefly("talk.wav");
    let mut command = desk.command(&["transcribe", "talk.wav", "talk.wav", "--output", "-", "--quiet"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_within_a_second_and_leaves_nothing_half_done() {
    let desk = Desk::new();
    ffmpeg(&["-stream_loop", "4", "-i", MEETING, desk.path("long.wav").to_str().expect("a path in UTF-8")]);
    desk.record_briefly("next.wav");
    for stage in ["reading audio", "finding speech", "transcribing"] {
        let mut command = desk.command(&["transcribe", "long.wav", "next.wav", "--output", "out"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut messages = BufReader::new(child.stderr.take().expect("a pipe was asked for")).lines();
        let begun = messages.any(|line| line.expect("messages are UTF-8").ends_with(stage));
        assert!(begun, "the job ended before it came to {stage}");
        let sent = Instant::now();
        let kill = process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(kill.expect("kill is there").success());
        let status = child.wait().expect("the program ends");
        assert!(sent.elapsed() < MAX_CANCEL_TIME, "{stage}: it took {:?}", sent.elapsed());
        assert_eq!(status.code(), Some(130), "{stage}");
        assert!(desk.names("out").is_empty(), "{stage}: {:?}", desk.names("out"));
        let rest: Vec<String> = messages.map(|line| line.expect("messages are UTF-8")).collect();
        assert_eq!(rest.last().map(String::as_str), Some("cancelled"), "{stage}: {rest:?}");
    }
}

#[test]
fn the_demo_prints_the_meeting_as_well_as_the_reference_does() {
    let desk = Desk::new();
    let run = desk.hansard(&["demo", "--no-window"]).ended_with(0);
    let mut text = String::new();
    for line in run.stdout.lines() {
        let (times, said) = line.split_once("] ").unwrap_or_else(|| panic!("a line without times: {line}"));
        assert!(times.starts_with("[0:") || times.starts_with("[1:"), "{line}");
        // The bundled voices have names.
        let (speaker, said) = said.split_once(": ").unwrap_or_else(|| panic!("a line without a speaker: {line}"));
        assert!(["Nora", "Brian"].contains(&speaker), "{line}");
        text.push_str(said);
        text.push(' ');
    }
    let truth = fs::read_to_string(MEETING_TEXT).expect("the demo meeting's text");
    let rate = word_error_rate(&truth, &text);
    assert!(rate <= MAX_DEMO_WORD_ERROR_RATE, "word error rate {rate:.4}: {text}");
    assert!(run.stderr.contains("times faster than real time"), "{}", run.stderr);
}

#[test]
fn the_container_and_codec_do_not_change_the_text() {
    const VIDEO: [&str; 10] =
        ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=5:duration=60", "-map", "1:v", "-map", "0:a", "-c:v", "mpeg4"];
    let desk = Desk::new();
    let lossless = ["wav.wav", "flac.flac", "mkv.mkv"];
    desk.record("wav.wav", &["-c:a", "pcm_s16le"]);
    desk.record("flac.flac", &["-c:a", "flac"]);
    desk.record("mkv.mkv", &[VIDEO.as_slice(), &["-c:a", "flac"]].concat());
    let lossy = ["mp3.mp3", "m4a.m4a", "ogg.ogg", "opus.opus", "webm.webm", "mp4.mp4"];
    // At 16 kHz LAME cuts off what is above 7.5 kHz and takes half a decibel away, which moves the end of the first chunk
    // and so the text, in the reference implementation as well.
    desk.record("mp3.mp3", &["-ar", "44100", "-c:a", "libmp3lame", "-b:a", "128k"]);
    desk.record("m4a.m4a", &["-c:a", "aac", "-b:a", "96k"]);
    desk.record("ogg.ogg", &["-c:a", "libvorbis", "-q:a", "6"]);
    desk.record("opus.opus", &["-c:a", "libopus", "-b:a", "96k"]);
    desk.record("webm.webm", &["-c:a", "libopus", "-b:a", "96k"]);
    desk.record("mp4.mp4", &[VIDEO.as_slice(), &["-c:a", "aac", "-b:a", "96k"]].concat());

    let arguments = [["transcribe"].as_slice(), &lossless, &lossy, &["--output", "out"]].concat();
    let run = desk.hansard(&arguments).ended_with(0);
    assert!(run.lines("warning: ").is_empty(), "sound files need no warning: {}", run.stderr);
    let text_of = |recording: &str| {
        let (stem, _) = recording.split_once('.').expect("the names above have an extension");
        desk.read(&format!("out/{stem}.txt"))
    };
    let expected = text_of(lossless[0]);
    assert!(words(&expected).len() > 100, "{expected}");
    for recording in lossless {
        assert_eq!(text_of(recording), expected, "{recording}");
    }
    for recording in lossy {
        let rate = word_error_rate(&expected, &text_of(recording));
        assert!(rate <= MAX_LOSSY_WORD_ERROR_RATE, "{recording}: {rate:.4}: {}", text_of(recording));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_window_is_one_clear_error() {
    let desk = Desk::new();
    desk.record_briefly("talk.wav");
    for arguments in [&[] as &[&str], &["open", "talk.wav"]] {
        let run = desk.hansard(arguments).ended_with(1);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.starts_with("error: there is no display"), "{}", run.stderr);
    }
}

#[test]
fn bench_prints_one_json_object() {
    let run = Desk::new().hansard(&["bench", "--json", "--repetitions", "1"]).ended_with(0);
    let found: Value = serde_json::from_str(&run.stdout).expect("one object");
    for name in ["load_ms", "first_token_ms", "encode_ms_per_chunk", "speech_ms_per_minute"] {
        assert!(found[name].as_f64().is_some_and(|ms| ms > 0.0), "{name}: {found}");
    }
    assert_eq!(found["decode"][1]["batch"], 8, "{found}");
    assert!(!run.lines("bench: encoding").is_empty(), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_bench_and_removes_its_weights() {
    let desk = Desk::new();
    let mut command = desk.command(&["bench", "--weights", "random", "--model", "large-v3"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut messages = BufReader::new(child.stderr.take().expect("a pipe was asked for")).lines();
    assert!(messages.any(|line| line.expect("messages are UTF-8").starts_with("bench: writing")));
    let kill = process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill is there").success());
    assert_eq!(child.wait().expect("the program ends").code(), Some(130));
    let mut folders = vec![desk.home.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("a readable entry").path();
            assert!(!path.to_string_lossy().contains("bench-"), "{} is left", path.display());
            folders.extend(path.is_dir().then_some(path));
        }
    }
}

#[test]
fn a_converted_model_gives_the_same_text_and_is_refused_where_it_cannot_work() {
    let desk = Desk::new();
    let copy = desk.home.path().join("copy");
    let copy = copy.to_str().expect("UTF-8");
    let convert = desk.hansard(&["models", "convert", "demo", copy]).ended_with(0);
    assert!(convert.stderr.contains(copy), "{}", convert.stderr);
    let twice = desk.home.path().join("twice");
    let twice = twice.to_str().expect("UTF-8");
    desk.hansard(&["models", "convert", copy, twice]).ended_with(0);
    let text_of =
        |model: &str| desk.hansard(&["transcribe", MEETING, "--model", model, "-o", "-"]).ended_with(0).stdout;
    let expected = text_of("demo");
    for model in [copy, twice] {
        assert!(text_of(model) == expected, "{model}");
    }
    for (arguments, message) in [
        (&["transcribe", MEETING, "--model", copy, "--compute-type", "f32"][..], "8-bit weights only"),
        (&["models", "convert", copy, copy], "name another folder"),
        (&["models", "convert", "demo", MEETING], "cannot create folder"),
        (&["models", "convert", "nothing", copy], "there is no model `nothing`"),
    ] {
        let run = desk.hansard(arguments).ended_with(1);
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
}
