//! Recording from real devices, by the built program: a sound server of our own plays the demo meeting into a device
//! that is not there, and what it plays is recorded, straight from the server and through ALSA. Linux only.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hansard::audio::decode::decode;
use hansard::task::{CancelToken, Progress};
use serde_json::Value;
use tempfile::TempDir;

use crate::sound::{ffmpeg, utf8};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hansard");
const MEETING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.flac");
/// Longest wait for a server to begin.
const PATIENCE: Duration = Duration::from_secs(30);
const RATE_HZ: usize = 16_000;
const N_ATTEMPTS: usize = 3;
/// How far the recording may be from what was played, at its end as at its beginning.
const MAX_SHIFT_SAMPLES: usize = RATE_HZ / 50;

/// A PulseAudio server of our own, with nothing of the user's. It ends with this.
struct Server {
    folder: TempDir,
    process: Child,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
            .args(["-L", "module-native-protocol-unix auth-anonymous=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        set_home(&mut command, folder.path());
        let process = command.env("XDG_RUNTIME_DIR", folder.path()).spawn().unwrap_or_else(|error| {
            panic!("pulseaudio: {error}; the tests need it: `sh packaging/test.sh` installs what they need")
        });
        let server = Self { folder, process };
        let started = Instant::now();
        while !server.client("pactl", &["info"]).output().is_ok_and(|output| output.status.success()) {
            assert!(started.elapsed() < PATIENCE, "pulseaudio does not start, or pactl is not installed");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// A device that plays into nothing; what it plays can be recorded. Its number is that of its module.
    fn add_device(&self, name: &str) -> String {
        self.pactl(&["load-module", "module-null-sink", &format!("sink_name={name}"), "rate=48000", "channels=2"])
    }

    fn pactl(&self, arguments: &[&str]) -> String {
        let output = self.client("pactl", arguments).output().expect("pactl is installed");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pactl {}: {message}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Plays a recording to its end.
    fn play(&self, device: &str, recording: &str) {
        let output = self.client("paplay", &["--device", device, recording]).output().expect("paplay is installed");
        assert!(output.status.success(), "paplay: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill is everywhere").success());
    }

    /// A program that knows this server.
    fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).env("XDG_RUNTIME_DIR", self.folder.path());
        set_home(&mut command, self.folder.path());
        command
    }

    /// Hansard as a program that knows only ALSA, whose default device is this server.
    fn alsa_client(&self, arguments: &[&str]) -> Command {
        let socket = self.folder.path().join("pulse/native");
        let config = self.folder.path().join("asound.conf");
        let server = format!("type pulse server \"unix:{}\"", socket.display());
        let text = format!("</usr/share/alsa/alsa.conf>\npcm.!default {{ {server} }}\nctl.!default {{ {server} }}\n");
        fs::write(&config, text).expect("a writable folder");
        let mut command = self.client(PROGRAM, arguments);
        command.env_remove("XDG_RUNTIME_DIR").env("ALSA_CONFIG_PATH", config);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn set_home(command: &mut Command, home: &Path) {
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home);
    }
    // The server writes its cookie there, and cpal looks for it nowhere else.
    command.env("XDG_CONFIG_HOME", home.join(".config"));
    for variable in ["PULSE_SERVER", "PULSE_RUNTIME_PATH", "PULSE_SINK", "PULSE_SOURCE", "HANSARD_LOG"] {
        command.env_remove(variable);
    }
}

/// `hansard record` while it goes on.
struct Recorder {
    process: Child,
    messages: BufReader<ChildStderr>,
    said: String,
}

impl Recorder {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the built program");
        let messages = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut recorder = Self { process, messages, said: String::new() };
        recorder.wait_for("Ctrl-C ends it");
        recorder
    }

    /// Reads messages up to one with these words.
    fn wait_for(&mut self, words: &str) {
        loop {
            let mut line = String::new();
            let n_bytes = self.messages.read_line(&mut line).expect("text");
            self.said.push_str(&line);
            assert!(n_bytes > 0, "it ended without {words:?}:\n{}", self.said);
            if line.contains(words) {
                return;
            }
        }
    }

    /// Ends it as Ctrl-C does, and gives the path that it prints.
    fn stop(mut self) -> PathBuf {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill is everywhere").success());
        self.messages.read_to_string(&mut self.said).expect("text");
        let output = self.process.wait_with_output().expect("it was started");
        assert!(output.status.success(), "{}", self.said);
        PathBuf::from(String::from_utf8(output.stdout).expect("a path in UTF-8").trim_end())
    }
}

fn samples_of(path: &Path) -> Vec<f32> {
    let (cancel, folder) = (CancelToken::default(), tempfile::tempdir().expect("a temporary folder"));
    let decoded = decode(path, folder.path(), &Progress::unwatched(&cancel)).expect("a recording");
    assert!(decoded.warnings.is_empty(), "{:?}", decoded.warnings);
    let samples = decoded.samples.read(0..decoded.samples.len()).expect("readable");
    // On its way the sound is resampled, which moves it by part of a sample: of high tones nothing would be alike.
    samples.windows(4).map(|near| near.iter().sum::<f32>() / 4.0).collect()
}

/// How alike two stretches are, 1 for all but their height.
fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt().max(1e-9)
}

/// Where in `whole` a stretch is found, and how alike it is there.
fn find(stretch: &[f32], whole: &[f32]) -> (usize, f64) {
    let at = |start: usize| (start, likeness(stretch, &whole[start..start + stretch.len()]));
    let starts = 0..whole.len().saturating_sub(stretch.len());
    starts.map(at).max_by(|a, b| a.1.total_cmp(&b.1)).expect("the whole is longer")
}

/// Records until a recording has every second of what was played in its place, and gives that up after some attempts: a
/// server that may not run before others loses sound itself while the machine is busy with other tests.
fn assert_records(played: &[f32], record: impl Fn() -> Vec<f32>) {
    for _ in 1..N_ATTEMPTS {
        if flaw(played, &record()).is_none() {
            return;
        }
    }
    assert_eq!(flaw(played, &record()), None);
}

/// The first second of what was played that is not in the recording, in its place.
fn flaw(played: &[f32], recorded: &[f32]) -> Option<String> {
    let seconds: Vec<usize> = (0..played.len() / RATE_HZ).map(|second| second * RATE_HZ).collect();
    let is_loud = |start: &&usize| height(&played[**start..**start + RATE_HZ]) > 0.01;
    let first = *seconds.iter().find(is_loud).expect("somebody speaks");
    let begin = (first + 6 * RATE_HZ).min(recorded.len());
    let (found, _) = find(&played[first..first + RATE_HZ], &recorded[..begin]);
    let Some(shift) = found.checked_sub(first) else { return Some("the recording began too late".to_owned()) };
    for start in seconds.iter().filter(is_loud) {
        let from = (start + shift).saturating_sub(MAX_SHIFT_SAMPLES);
        let to = (start + shift + RATE_HZ + MAX_SHIFT_SAMPLES).min(recorded.len());
        if to <= from + RATE_HZ {
            return Some(format!("the recording ends too early, at {} s", recorded.len() / RATE_HZ));
        }
        let (_, alike) = find(&played[*start..start + RATE_HZ], &recorded[from..to]);
        if alike <= 0.97 {
            return Some(format!("second {} is like what was played by {alike} only", start / RATE_HZ));
        }
    }
    None
}

/// Root of the mean square.
fn height(samples: &[f32]) -> f64 {
    (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

#[test]
fn what_a_machine_plays_is_recorded_without_a_gap() {
    let server = Server::start();
    server.add_device("meeting");
    let listed = server.client(PROGRAM, &["record", "--list-devices", "--json"]).output().expect("the built program");
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let device = &listed["devices"][0];
    assert_eq!((&device["id"], &device["default"]), (&"meeting.monitor".into(), &true.into()), "{listed}");
    assert_eq!((&device["kind"], &device["rate_hz"]), (&"system audio".into(), &48_000.into()), "{listed}");

    let whole = server.path("whole.wav");
    ffmpeg(&["-i", MEETING, utf8(&whole)]);
    assert_records(&samples_of(&whole), || {
        let path = server.path("call.wav");
        let recorder = Recorder::start(server.client(PROGRAM, &["record", "--system-audio", "-o", utf8(&path)]));
        server.play("meeting", utf8(&whole));
        assert_eq!(recorder.stop(), path);
        let recorded = samples_of(&path);
        fs::remove_file(path).expect("it was written");
        recorded
    });
}

#[test]
fn what_comes_through_alsa_is_recorded_without_a_gap() {
    let server = Server::start();
    server.add_device("meeting");
    let (part, path) = (server.path("part.wav"), server.path("call.wav"));
    ffmpeg(&["-i", MEETING, "-t", "20", utf8(&part)]);
    assert_records(&samples_of(&part), || {
        let recorder = Recorder::start(server.alsa_client(&["record", "-o", utf8(&path)]));
        server.play("meeting", utf8(&part));
        assert_eq!(recorder.stop(), path);
        let recorded = samples_of(&path);
        fs::remove_file(&path).expect("it was written");
        recorded
    });
}

#[test]
fn a_device_that_goes_away_costs_only_what_it_would_have_given() {
    let server = Server::start();
    let module = server.add_device("meeting");
    let (part, path) = (server.path("part.wav"), server.path("call.wav"));
    ffmpeg(&["-i", MEETING, "-t", "5", utf8(&part)]);
    let mut recorder = Recorder::start(server.client(PROGRAM, &["record", "-o", utf8(&path)]));
    let started = Instant::now();
    server.play("meeting", utf8(&part));
    server.pactl(&["unload-module", &module]);
    recorder.wait_for("is lost");
    thread::sleep(Duration::from_secs(1));
    server.add_device("another");
    recorder.wait_for("goes on with");
    server.play("another", utf8(&part));
    let recorded_secs = started.elapsed().as_secs_f64();
    assert_eq!(recorder.stop(), path);
    let recorded = samples_of(&path);
    let secs = recorded.len() as f64 / RATE_HZ as f64;
    assert!((secs - recorded_secs).abs() < 1.0, "{secs} s of {recorded_secs} s");
    let part = samples_of(&part);
    assert_eq!(flaw(&part, &recorded[..recorded.len() / 2]), None);
    let (found, alike) = find(&part[RATE_HZ..2 * RATE_HZ], &recorded[recorded.len() / 2..]);
    assert!(alike > 0.97, "after the loss: {alike} at {found}");
}

#[test]
fn what_a_server_keeps_while_it_hangs_makes_the_recording_no_longer() {
    let server = Server::start();
    server.add_device("meeting");
    let (part, path) = (server.path("part.wav"), server.path("call.wav"));
    ffmpeg(&["-i", MEETING, "-t", "5", utf8(&part)]);
    let recorder = Recorder::start(server.client(PROGRAM, &["record", "--system-audio", "-o", utf8(&path)]));
    let started = Instant::now();
    server.play("meeting", utf8(&part));
    server.signal("-STOP");
    thread::sleep(Duration::from_secs(2));
    server.signal("-CONT");
    server.play("meeting", utf8(&part));
    let recorded_secs = started.elapsed().as_secs_f64();
    assert_eq!(recorder.stop(), path);
    let recorded = samples_of(&path);
    let secs = recorded.len() as f64 / RATE_HZ as f64;
    assert!((secs - recorded_secs).abs() < 1.0, "{secs} s of {recorded_secs} s");
    let part = samples_of(&part);
    let (found, alike) = find(&part[RATE_HZ..2 * RATE_HZ], &recorded[recorded.len() / 2..]);
    assert!(alike > 0.97, "after it hung: {alike} at {found}");
}

#[test]
fn a_device_that_is_dead_does_not_hold_up_another() {
    let server = Server::start();
    server.add_device("meeting");
    server.pactl(&["load-module", "module-null-source", "source_name=dead"]);
    server.pactl(&["suspend-source", "dead", "1"]);
    let (part, path) = (server.path("part.wav"), server.path("call.wav"));
    ffmpeg(&["-i", MEETING, "-t", "5", utf8(&part)]);
    let both = ["record", "--device", "dead", "--system-audio", "-o", utf8(&path)];
    let recorder = Recorder::start(server.client(PROGRAM, &both));
    server.play("meeting", utf8(&part));
    assert_eq!(recorder.stop(), path);
    let (part, recorded) = (samples_of(&part), samples_of(&path));
    let (found, alike) = find(&part[RATE_HZ..2 * RATE_HZ], &recorded);
    assert!(alike > 0.97, "{alike} at {found}");
}

#[test]
fn a_server_that_hangs_is_told_and_holds_up_no_end() {
    let server = Server::start();
    server.add_device("meeting");
    let path = server.path("call.wav");
    let mut recorder = Recorder::start(server.client(PROGRAM, &["record", "--system-audio", "-o", utf8(&path)]));
    server.signal("-STOP");
    recorder.wait_for("does not answer");
    // By now another attempt to open it waits for the server.
    thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    assert_eq!(recorder.stop(), path);
    assert!(asked.elapsed() < Duration::from_millis(1500), "it ended after {:?}", asked.elapsed());
}
