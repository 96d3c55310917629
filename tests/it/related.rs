//! Recordings that sound like others: other forms of a meeting and parts of it are told as related, other meetings are
//! not, and nothing is measured twice. The sounds are made by ffmpeg from the demo recordings.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hansard::audio::fingerprint::Likeness;
use hansard::engine::library::{LibraryCommand, LibraryEvent, ListOrder, ListRequest, RecordingEntry};
use hansard::engine::{self, Alignment, Diarize, Engine, Event, JobReport, JobRequest};
use hansard::library::{KeptFingerprint, Known, Library, RecordingId, SoundFeatures};
use hansard::paths::AppPaths;
use serde_json::Value;

use crate::library::{Desk, add, all, entry};
use crate::sound::{ffmpeg, utf8};

/// Longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_mins(10);

fn asset(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(path)
}

/// A recording made of others one after the other; `options` follow the inputs, and `volume` is ffmpeg's.
fn made_of(folder: &Path, name: &str, volume: &str, inputs: &[PathBuf], options: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let joined = format!("concat=n={}:v=0:a=1,volume={volume}", inputs.len());
    let inputs: Vec<&str> = inputs.iter().flat_map(|input| ["-i", utf8(input)]).collect();
    ffmpeg(&[&inputs[..], &["-filter_complex", &joined], options, &[utf8(&path)]].concat());
    path
}

fn meeting() -> PathBuf {
    asset("meetings/demo_1min_2spk.flac")
}

/// Who speaks in another meeting, one after the other.
fn others() -> Vec<PathBuf> {
    ["Carol", "David", "Elena", "Martin"].map(|name| asset(&format!("speakers/{name}.flac"))).to_vec()
}

/// Runs a job to its end. Returns what it reports, the recordings that were told as related, and all there are then.
fn transcribed(engine: &mut Engine, path: &Path) -> (JobReport, Vec<RecordingEntry>, Vec<RecordingEntry>) {
    let mut request = JobRequest::new(path.to_path_buf(), "demo");
    request.language = Some("en".to_owned());
    request.alignment = Alignment::Off;
    request.speakers.diarize = Diarize::Off;
    let job = engine.transcribe(request);
    let (mut report, mut related) = (None, Vec::new());
    loop {
        match engine.recv_timeout(PATIENCE).expect("an event in time") {
            Event::JobDone(done, _, its_report) if done == job => {
                report = Some(its_report);
                // What is asked now is answered after the library has kept the job.
                let request = ListRequest { limit: 100, order: ListOrder::Folder, ..ListRequest::default() };
                engine.send(engine::Command::Library(LibraryCommand::List(request)));
            }
            Event::JobFailed(_, why) => panic!("{why}"),
            Event::Library(LibraryEvent::Related(entry)) => related.push(*entry),
            Event::Library(LibraryEvent::Listed { entries, .. }) => {
                return (report.expect("the job has ended"), related, entries);
            }
            _ => {}
        }
    }
}

fn names(entry: &RecordingEntry) -> Vec<&str> {
    entry.related.iter().map(|related| related.label.as_str()).collect()
}

#[test]
fn other_forms_of_a_meeting_are_told_and_nothing_is_measured_twice() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path();
    let paths = [
        made_of(folder, "a meeting.flac", "1", &[meeting()], &[]),
        made_of(folder, "b other.wav", "1", &others(), &[]),
        made_of(folder, "c softer.mp3", "-10dB", &[meeting()], &["-c:a", "libmp3lame", "-b:a", "48k"]),
        made_of(folder, "d part.wav", "1", &[meeting()], &["-ss", "12.345", "-t", "30"]),
    ];
    let mut engine = Engine::start(AppPaths::below(folder), Some(2), Arc::new(|| {})).expect("threads");
    let mut last = Vec::new();
    let mut reports = Vec::new();
    let expected: [&[&str]; 4] = [&[], &[], &["a meeting"], &["a meeting", "c softer"]];
    for (path, expected) in paths.iter().zip(expected) {
        let (report, related, entries) = transcribed(&mut engine, path);
        let told: Vec<&RecordingEntry> = related.iter().collect();
        assert_eq!(told.len(), usize::from(!expected.is_empty()), "{}: {told:?}", path.display());
        for entry in told {
            let mut names = names(entry);
            names.sort_unstable();
            assert_eq!((&entry.path, names.as_slice()), (path, expected));
            assert!(entry.related.iter().all(|related| Likeness::of(related.similarity).is_some()), "{entry:?}");
        }
        last = entries;
        reports.push(report);
    }
    // What is known of one is known of the other.
    let n_related: Vec<usize> = last.iter().map(|entry| entry.related.len()).collect();
    assert_eq!(n_related, [2, 0, 2, 2], "{last:?}");
    for entry in &last {
        let features = entry.features.expect("it was measured");
        assert!((0.3..=1.0).contains(&features.speech_share), "{}: {features:?}", entry.label);
        let loudness = features.loudness_lufs.expect("somebody speaks");
        assert!((-45.0..-10.0).contains(&loudness), "{}: {features:?}", entry.label);
    }
    let loudness =
        |idx: usize| last[idx].features.and_then(|features| features.loudness_lufs).expect("it was measured");
    assert!((loudness(0) - loudness(2) - 10.0).abs() < 0.5, "{} and {}", loudness(0), loudness(2));

    // The second time, nothing is listened to, and nobody is told again.
    for (path, before) in paths.iter().zip(&reports) {
        let (report, related, entries) = transcribed(&mut engine, path);
        assert!(report.work.iter().all(|work| work.n_computed == 0), "{}: {:?}", path.display(), report.work);
        let acoustics = report.acoustics.as_deref().expect("it is known");
        assert!(acoustics.features.is_some() && acoustics.fingerprint.is_some(), "{}", path.display());
        assert_eq!(report.acoustics, before.acoustics, "{}", path.display());
        assert!(related.is_empty(), "{related:?}");
        assert_eq!(entries, last);
    }
}

#[test]
fn the_command_line_tells_what_sounds_alike() {
    let [folder, home] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    made_of(folder.path(), "clip.wav", "1", &[meeting()], &["-t", "20"]);
    made_of(folder.path(), "clip again.ogg", "1", &[meeting()], &["-t", "20", "-c:a", "libopus", "-b:a", "32k"]);
    made_of(folder.path(), "another.wav", "1", &others(), &["-t", "20"]);
    let hansard = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hansard"));
        command.args(arguments).current_dir(folder.path()).envs(
            ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"].map(|name| (name, home.path().as_os_str())),
        );
        for variable in ["DISPLAY", "WAYLAND_DISPLAY", "HANSARD_LOG"] {
            command.env_remove(variable);
        }
        let output = command.output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        (String::from_utf8(output.stdout).expect("results are UTF-8"), told)
    };
    let quickly = ["--language", "en", "--no-align", "--no-diarize", "--output", "out"];
    let recordings = ["transcribe", "clip.wav", "another.wav", "clip again.ogg"];
    let (_, told) = hansard(&[&recordings[..], &quickly].concat());
    let notes: Vec<&str> = told.lines().filter(|line| line.starts_with("note: ")).collect();
    let [note] = notes[..] else { panic!("one note, not: {told}") };
    let is_right = ["clip.wav", "clip again.ogg", "alike", "same meeting"].iter().all(|part| note.contains(part));
    assert!(is_right && !note.contains("another.wav"), "{note}");

    let (listed, _) = hansard(&["library", "list", "--order", "name", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let recordings = listed["recordings"].as_array().expect("recordings");
    let related: Vec<(&str, Vec<&str>)> = recordings
        .iter()
        .map(|recording| {
            let related = recording["related"].as_array().expect("a list").iter();
            let labels = related.map(|related| related["label"].as_str().expect("a label")).collect();
            (recording["label"].as_str().expect("a label"), labels)
        })
        .collect();
    assert_eq!(related, [("another", vec![]), ("clip", vec!["clip again"]), ("clip again", vec!["clip"])]);
    assert!(recordings.iter().all(|recording| recording["sound"]["speech_share"].is_number()), "{listed}");
}

/// A fingerprint of so many items, which are the same for the same seed; its items are its landmarks.
fn items(seed: u32, n: usize) -> Vec<u32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    std::iter::repeat_with(next).take(n).collect()
}

fn keep(library: &mut Library, id: RecordingId, items: &[u32]) -> Known {
    let landmarks: Vec<u32> = items.iter().map(|item| item >> 8).collect();
    let fingerprint = KeptFingerprint { items, landmarks: &landmarks };
    library.keep_fingerprint(id, fingerprint).expect("a writable library")
}

#[test]
fn what_recordings_sound_like_is_kept_looked_up_and_goes_with_them() {
    let desk = Desk::new();
    let mut library = desk.open();
    let ids = ["a.wav", "b.wav", "c.wav"].map(|name| add(&mut library, &desk.file(name, name)));
    let [a, b, c] = ids;
    let of_a = items(1, 400);
    assert_eq!(keep(&mut library, a, &of_a), Known::Newly);
    assert_eq!(keep(&mut library, a, &of_a), Known::Already);
    assert_eq!(library.fingerprint(a).expect("a readable library"), Some(of_a.clone()));
    assert_eq!(library.fingerprint(b).expect("a readable library"), None);
    keep(&mut library, b, &of_a[100..200]);
    keep(&mut library, c, &items(2, 400));
    let sharing = |library: &Library, id| library.sharing_landmarks(id, 10).expect("a readable library");
    assert_eq!([a, b, c].map(|id| sharing(&library, id)), [vec![b], vec![a], vec![]]);

    library.relate(a, &[(b, 0.96), (c, 0.85), (RecordingId(99), 1.0)]).expect("a writable library");
    let related = |library: &Library, id| -> Vec<(RecordingId, f64)> {
        entry(library, id).related.iter().map(|related| (related.id, related.similarity)).collect()
    };
    assert_eq!(
        [a, b, c].map(|id| related(&library, id)),
        [vec![(b, 0.96), (c, 0.85)], vec![(a, 0.96)], vec![(a, 0.85)]]
    );
    let features =
        SoundFeatures { loudness_lufs: Some(-23.5), noise_dbfs: Some(-60.0), snr_db: None, speech_share: 0.0 };
    library.keep_features(a, &features).expect("a writable library");
    assert_eq!([a, b].map(|id| entry(&library, id).features), [Some(features), None]);
    assert_eq!(library.fingerprint(a).expect("a readable library"), Some(of_a.clone()), "one leaves the other alone");

    // An export leaves it out, and what is imported has none.
    let (file, copy) = (desk.folder.path().join("all.hansard-library"), Desk::new());
    library.export(&file).expect("a writable folder");
    let mut copy = copy.open();
    copy.import(&file).expect("what was just exported");
    assert!(all(&copy).iter().all(|entry| entry.features.is_none() && entry.related.is_empty()));
    library.import(&file).expect("what was just exported");
    assert_eq!(related(&library, a).len(), 2, "an import takes nothing away");

    // With other content it is related to none, and with the recording all of it goes.
    assert_eq!(keep(&mut library, c, &items(3, 400)), Known::Newly);
    assert_eq!([a, b, c].map(|id| related(&library, id).len()), [1, 1, 0]);
    library.remove(&[b]).expect("a writable library");
    assert_eq!((related(&library, a), sharing(&library, a)), (vec![], vec![]));
}
