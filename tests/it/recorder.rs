//! The recorder from outside, with a file in the place of a device: what is recorded is what was heard, to the bit; and
//! a process that dies at any moment costs less than a second.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hansard::audio::decode::decode;
use hansard::engine::recording::{RecordCommand, RecordEvent, RecordRequest, RecordSource, RecordedFile};
use hansard::engine::{Command, Engine, Event};
use hansard::paths::AppPaths;
use hansard::task::{CancelToken, Progress};
use hansard::units::Seconds;
use tempfile::TempDir;

/// Longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_mins(2);
/// What a process that is to die is told.
const FOLDER: &str = "HANSARD_TEST_RECORDING_FOLDER";
/// Where another is to record.
const SMALL_DISK: &str = "HANSARD_TEST_SMALL_DISK";
/// The most that may be lost when it dies, as promised.
const MAX_LOST_SECS: f64 = 1.0;
const RATE_HZ: u32 = 16_000;

struct Bench {
    engine: Engine,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let engine = Engine::start(AppPaths::below(folder.path()), Some(1), Arc::new(|| {})).expect("threads");
        Self { engine, folder }
    }

    fn send(&self, command: RecordCommand) {
        self.engine.send(Command::Record(command));
    }

    fn record(&self, source: &Path, speed: f64, limit: Option<f64>) {
        let source = RecordSource::File { path: source.to_path_buf(), speed };
        self.send(RecordCommand::Start(RecordRequest {
            source,
            output: None,
            limit: limit.map(Seconds),
            captions: None,
        }));
    }

    /// The next event but for levels.
    fn next(&self) -> RecordEvent {
        loop {
            match self.engine.recv_timeout(PATIENCE).expect("an event in time") {
                Event::Recording(RecordEvent::Level(_)) => {}
                Event::Recording(event) => return event,
                _ => {}
            }
        }
    }

    fn started(&self) -> PathBuf {
        match self.next() {
            RecordEvent::Started { path, .. } => path,
            event => panic!("{event:?}"),
        }
    }

    fn finished(&self) -> RecordedFile {
        match self.next() {
            RecordEvent::Finished(file) => file,
            event => panic!("{event:?}"),
        }
    }
}

/// Samples that look random and are the same every time (Marsaglia's xorshift).
fn noise(n_samples: usize) -> Vec<i16> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 48) as i16
    };
    (0..n_samples).map(|_| next()).collect()
}

fn write_wav(path: &Path, samples: &[i16]) {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, format).expect("a writable folder");
    let mut block = writer.get_i16_writer(samples.len() as u32);
    for sample in samples {
        block.write_sample(*sample);
    }
    block.flush().expect("a writable folder");
    writer.finalize().expect("a writable folder");
}

/// As another program reads it.
fn read_wav(path: &Path) -> Vec<i16> {
    let reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let format = reader.spec();
    assert_eq!((format.channels, format.sample_rate, format.bits_per_sample), (1, RATE_HZ, 16));
    reader.into_samples().map(|sample| sample.expect("a sample")).collect()
}

#[test]
fn what_is_heard_is_recorded_to_the_bit() {
    let bench = Bench::new();
    let source = bench.folder.path().join("source.wav");
    // The last is long enough for gaps, repetitions and leaks to show.
    for (secs, limit, expected_secs) in
        [(0.013, None, 0.013), (3.0, None, 3.0), (3.0, Some(1.25), 1.25), (3.0, Some(9.0), 3.0), (600.0, None, 600.0)]
    {
        let samples = noise((secs * f64::from(RATE_HZ)) as usize);
        write_wav(&source, &samples);
        bench.record(&source, 1e9, limit);
        let path = bench.started();
        let file = bench.finished();
        assert_eq!((&file.path, file.problem.as_deref(), file.overrun), (&path, None, Seconds(0.0)));
        assert!((file.duration.0 - expected_secs).abs() < 1e-9, "{secs} {limit:?}: {:?}", file.duration);
        let n_expected = (expected_secs * f64::from(RATE_HZ)) as usize;
        assert!(read_wav(&path) == samples[..n_expected], "{secs} {limit:?}");
        let progress = CancelToken::default();
        let decoded = decode(&path, bench.folder.path(), &Progress::unwatched(&progress)).expect("a recording");
        assert_eq!((decoded.samples.len(), decoded.warnings), (n_expected, Vec::new()));
        assert!(path.file_name().expect("a name").to_string_lossy().starts_with("Meeting "), "{}", path.display());
    }
    let unfinished = bench.folder.path().join("data/recordings/unfinished");
    assert_eq!(fs::read_dir(unfinished).expect("the folder").count(), 0, "all are ended");
}

#[test]
fn a_recording_is_paused_marked_and_stopped() {
    let bench = Bench::new();
    let source = bench.folder.path().join("source.wav");
    write_wav(&source, &noise(RATE_HZ as usize * 60));
    bench.record(&source, 1.0, None);
    let path = bench.started();
    // Wait until something is in it.
    let has_sound = |event: &Event| matches!(event, Event::Recording(RecordEvent::Level(it)) if it.duration.0 > 0.3);
    while !has_sound(&bench.engine.recv_timeout(PATIENCE).expect("an event in time")) {}
    bench.send(RecordCommand::Mark { label: "vote".to_owned() });
    let RecordEvent::Marked(at) = bench.next() else { panic!("it was marked") };
    assert!(at.0 >= 0.3);
    bench.send(RecordCommand::Start(RecordRequest {
        source: RecordSource::System,
        output: None,
        limit: None,
        captions: None,
    }));
    assert!(matches!(bench.next(), RecordEvent::Warning(text) if text.contains("already")));
    bench.send(RecordCommand::Pause);
    assert_eq!(bench.next(), RecordEvent::Paused);
    let paused = Instant::now();
    while paused.elapsed() < Duration::from_secs(1) {
        bench.engine.recv_timeout(Duration::from_millis(100));
    }
    bench.send(RecordCommand::Resume);
    assert_eq!(bench.next(), RecordEvent::Resumed);
    bench.send(RecordCommand::Stop);
    let file = bench.finished();
    assert_eq!(file.path, path);
    assert!(file.duration.0 < at.0 + 0.9, "the pause is not in it: {:?}", file.duration);
    let bytes = fs::read(&path).expect("the recording");
    assert!(bytes.windows(4).any(|name| name == b"cue ") && bytes.windows(5).any(|label| label == b"vote\0"));
    assert_eq!(read_wav(&path).len(), (file.duration.0 * f64::from(RATE_HZ)).round() as usize);
}

#[test]
fn what_cannot_be_recorded_is_one_line_and_leaves_nothing() {
    let bench = Bench::new();
    let source = bench.folder.path().join("source.wav");
    write_wav(&source, &noise(1000));
    let (missing, taken) = (bench.folder.path().join("missing.wav"), bench.folder.path().join("taken.wav"));
    fs::write(&taken, "precious").expect("a writable folder");
    let unwritable = bench.folder.path().join("nowhere/new.wav");
    for (source, output, expected) in [
        (&missing, None, "no such file"),
        (&source, Some(taken.clone()), "is there already"),
        (&source, Some(unwritable), "cannot write"),
        (&source, Some(bench.folder.path().join("song.mp3")), "must end in .wav"),
    ] {
        let source = RecordSource::File { path: source.clone(), speed: 1.0 };
        bench.send(RecordCommand::Start(RecordRequest { source, output, limit: None, captions: None }));
        let RecordEvent::Failed(message) = bench.next() else { panic!("{expected}") };
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
    assert_eq!(fs::read(taken).expect("it is there"), b"precious");
    bench.send(RecordCommand::Repair);
    assert_eq!(bench.next(), RecordEvent::RepairDone);
}

/// What the other test starts in a process of its own, which dies. By itself it does nothing.
#[test]
fn records_until_it_dies() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let engine = Engine::start(AppPaths::below(&folder), Some(1), Arc::new(|| {})).expect("threads");
    let source = RecordSource::File { path: folder.join("source.wav"), speed: 1.0 };
    engine.send(Command::Record(RecordCommand::Start(RecordRequest {
        source,
        output: None,
        limit: None,
        captions: None,
    })));
    loop {
        if let Some(Event::Recording(RecordEvent::Started { .. })) = engine.recv_timeout(PATIENCE) {
            writeln!(io::stdout(), "step started").expect("somebody reads");
        }
    }
}

/// Records in a process of its own and kills it after so long; then checks the file, as it is and repaired.
fn kill_and_look(alive: Duration, samples: &[i16]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_wav(&folder.path().join("source.wav"), samples);
    let mut child = Process::new(env::current_exe().expect("a test runs"))
        .args(["--exact", "recorder::records_until_it_dies", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a test binary");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.expect("text").contains("step started")), "it ended by itself");
    let started = Instant::now();
    thread::sleep(alive);
    let alive_secs = started.elapsed().as_secs_f64();
    child.kill().expect("it runs");
    child.wait().expect("it was started");

    let recordings = folder.path().join("data/recordings");
    let paths: Vec<PathBuf> =
        fs::read_dir(&recordings).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    let path = paths.iter().find(|path| path.extension().is_some_and(|it| it == "wav")).expect("a recording");
    let found = read_wav(path);
    let secs = |samples: &[i16]| samples.len() as f64 / f64::from(RATE_HZ);
    assert!(samples.starts_with(&found), "killed after {alive_secs} s: the sound is another");
    assert!(secs(&found) > alive_secs - MAX_LOST_SECS, "{} s left of {alive_secs} s", secs(&found));

    let engine = Engine::start(AppPaths::below(folder.path()), Some(1), Arc::new(|| {})).expect("threads");
    engine.send(Command::Record(RecordCommand::Repair));
    let outcome = loop {
        match engine.recv_timeout(PATIENCE).expect("an event in time") {
            Event::Recording(RecordEvent::Repaired { outcome, .. }) => break outcome,
            Event::Recording(RecordEvent::RepairDone) => panic!("nothing was found to repair"),
            _ => {}
        }
    };
    let repaired = read_wav(path);
    assert!(samples.starts_with(&repaired) && repaired.len() >= found.len(), "killed after {alive_secs} s");
    assert_eq!(outcome, Ok(Seconds(secs(&repaired))));
}

#[test]
fn whoever_is_killed_loses_less_than_a_second() {
    const N_KILLS: u64 = 50;
    const N_AT_ONCE: u64 = 5;
    let samples = noise(RATE_HZ as usize * 20);
    thread::scope(|scope| {
        for first in 0..N_AT_ONCE {
            let samples = &samples;
            scope.spawn(move || {
                for n in (first..N_KILLS).step_by(N_AT_ONCE as usize) {
                    // Spread over a few rounds of forcing sound onto the disk.
                    kill_and_look(Duration::from_millis(20 + n * 7919 % 1500), samples);
                }
            });
        }
    });
}

/// What the other test starts in a process of its own, on a small disk. By itself it does nothing.
#[test]
fn records_until_the_disk_is_full() {
    let Some(folder) = env::var_os(SMALL_DISK).map(PathBuf::from) else { return };
    let engine = Engine::start(AppPaths::below(&folder), Some(1), Arc::new(|| {})).expect("threads");
    let source = RecordSource::File { path: env::var_os(FOLDER).map(PathBuf::from).expect("a source"), speed: 1e9 };
    let request = RecordRequest { source, output: None, limit: None, captions: None };
    engine.send(Command::Record(RecordCommand::Start(request)));
    loop {
        match engine.recv_timeout(PATIENCE).expect("an event in time") {
            Event::Recording(RecordEvent::Finished(file)) => {
                let problem = file.problem.expect("the disk was too small");
                writeln!(io::stdout(), "step full {} {problem}", file.duration.0).expect("somebody reads");
                return;
            }
            Event::Recording(RecordEvent::Failed(message)) => panic!("{message}"),
            _ => {}
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_a_recording_in_good_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [source, disk, kept] = ["source.wav", "disk", "kept"].map(|name| folder.path().join(name));
    let samples = noise(RATE_HZ as usize * 600);
    write_wav(&source, &samples);
    fs::create_dir(&disk).expect("a writable folder");
    let script = format!(
        "mount -t tmpfs -o size=8m tmpfs \"${SMALL_DISK}\" || exit 77; \"$@\" && mv \"${SMALL_DISK}/data/recordings\" {}",
        kept.display()
    );
    let output = Process::new("unshare")
        .args(["-rm", "sh", "-c", &script, "sh"])
        .arg(env::current_exe().expect("a test runs"))
        .args(["--exact", "recorder::records_until_the_disk_is_full", "--nocapture"])
        .env(SMALL_DISK, &disk)
        .env(FOLDER, &source)
        .output()
        .expect("unshare is part of every Linux");
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(77) || complaint.contains("unshare failed") {
        // Not everybody may mount something.
        return;
    }
    let told = told.lines().find_map(|line| line.rsplit_once("step full ").map(|(_, rest)| rest.to_owned()));
    let told = told.unwrap_or_else(|| panic!("{complaint}"));
    assert!(told.contains("the disk is full"), "{told}");
    let secs: f64 = told.split(' ').next().and_then(|secs| secs.parse().ok()).expect("seconds");
    let mut files = fs::read_dir(kept).expect("the folder").map(|entry| entry.expect("an entry").path());
    let path = files.find(|path| path.extension().is_some_and(|it| it == "wav")).expect("a recording");
    let found = read_wav(&path);
    assert!(samples.starts_with(&found) && found.len() > RATE_HZ as usize * 60, "{} samples", found.len());
    assert_eq!(found.len(), (secs * f64::from(RATE_HZ)).round() as usize);
}
