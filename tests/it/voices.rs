//! Enrolled voices from outside: the store and what may happen to its file, how speakers compare with voices, and the
//! demo voices with the demo model.

use std::fs;
use std::path::{Path, PathBuf};

use hansard::audio::{Mono16k, decode};
use hansard::engine::voices::{
    VoiceCommand, VoiceModel, VoicesAnswer, VoicesOutcome, known_voices, perform, voices_file,
};
use hansard::models::ModelCache;
use hansard::paths::AppPaths;
use hansard::pipeline::recognise::{self, KnownVoice, MIN_COHORT, RecogniseOptions};
use hansard::pipeline::resume::Resume;
use hansard::pipeline::segmentation::{Activity, Windows, segmentation};
use hansard::pipeline::window_voices::{voiceprints, window_voices};
use hansard::task::{CancelToken, Progress};
use hansard::transcript::{Recognition, Turn, Verdict};
use hansard::units::{Seconds, TimeSpan};
use hansard::voices::{self, FORMAT_VERSION, Origin, VoiceError, Voiceprint, Voices};
use tempfile::TempDir;

pub(super) const SPEAKERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/speakers");
const MEETING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk");

/// A voiceprint of a made-up file.
fn from_file(path: &str, embedding: Vec<f32>) -> Voiceprint {
    let origin = Origin::EnrolledFile { path: path.into(), n_bytes: 3, modified_unix_ms: 5 };
    Voiceprint { embedding, origin, model: "m".to_owned(), speech_secs: Some(12.3), agreement: Some(0.9) }
}

/// A voiceprint learned from a speaker of a meeting.
fn from_meeting(speaker: &str, added_unix_ms: u64, embedding: Vec<f32>) -> Voiceprint {
    let origin = Origin::Meeting { recording: "meeting.wav".into(), speaker: speaker.to_owned(), added_unix_ms };
    Voiceprint { embedding, origin, model: "m".to_owned(), speech_secs: None, agreement: None }
}

/// A vector of length 1 in this direction.
fn unit(values: &[f32]) -> Vec<f32> {
    recognise::unit_mean([values]).expect("a direction")
}

fn names(voices: &Voices) -> Vec<&str> {
    voices.list().iter().map(|voice| voice.name.as_str()).collect()
}

/// A file for voices in a folder of its own.
fn store() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("data/voices.json");
    (folder, path)
}

#[test]
fn voices_come_back_as_they_were_stored() {
    let (_folder, path) = store();
    assert_eq!(voices::load(&path), (Voices::default(), None));
    let fill = |voices: &mut Voices| -> Result<(), VoiceError> {
        voices.enrol(" Zoë ", vec![from_file("/z.wav", unit(&[0.1, -0.7, 1e-9]))])?;
        voices.enrol("安娜", vec![from_file("/a.wav", unit(&[1.0 / 3.0, 0.2, 0.9]))])?;
        voices.learn("ana/maría", from_meeting("S0", 7, unit(&[0.3, 0.4, 0.0])))?;
        // The same file again takes the place of what was there.
        voices.enrol("zoË", vec![from_file("/z.wav", unit(&[0.5, 0.5, 0.5]))])
    };
    let ((), warning) = voices::change(&path, fill).expect("a writable folder");
    assert_eq!(warning, None);
    let mut expected = Voices::default();
    fill(&mut expected).expect("names are right");
    assert_eq!(names(&expected), ["ana/maría", "Zoë", "安娜"]);
    assert_eq!(expected.find("ZOË").map(|voice| voice.prints.len()), Some(1));
    assert_eq!(voices::load(&path), (expected, None));
}

#[test]
fn a_damaged_file_is_copied_aside_when_another_takes_its_place() {
    let sound = |voices: &str| format!(r#"{{"version":{FORMAT_VERSION},"voices":{voices}}}"#);
    let print = |embedding: &str| {
        let origin = r#"{"meeting":{"recording":"m.wav","speaker":"S","added_unix_ms":1}}"#;
        format!(r#"{{"embedding":{embedding},"origin":{origin},"model":"m","speech_secs":null,"agreement":null}}"#)
    };
    let voice = |name: &str, print: &str| format!(r#"{{"name":"{name}","prints":[{print}]}}"#);
    let good = voice("Ana", &print("[0.6,0.8]"));
    let (_folder, path) = store();
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    fs::write(&path, sound(&format!("[{good}]"))).expect("a writable folder");
    assert_eq!(names(&voices::load(&path).0), ["Ana"], "what the others are spoiled versions of");

    let damaged = [
        String::new(),
        "\0\u{1}".to_owned(),
        "[]".to_owned(),
        sound(&format!("[{good}")),
        sound(&format!("[{good},{}]", voice("ANA", &print("[0.6,0.8]")))),
        sound(&format!("[{}]", voice("", &print("[0.6,0.8]")))),
        sound(&format!("[{}]", voice("Ana", &print("[0.6,0.9]")))),
        sound(&format!("[{}]", voice("Ana", &print("[]")))),
        sound(&format!("[{}]", voice("Ana", &print("[null,1]")))),
        sound("[]").replace('}', r#","later":1}"#),
    ];
    for (n, text) in damaged.iter().enumerate() {
        fs::write(&path, text).expect("a writable folder");
        let (voices, warning) = voices::load(&path);
        assert_eq!(voices, Voices::default(), "{text}");
        assert!(warning.is_some_and(|warning| warning.contains("damaged")), "{text}");
        let refused = voices::change(&path, |voices| voices.remove("Ana"));
        assert!(matches!(refused, Err(VoiceError::Damaged { .. })), "{text}: {refused:?}");
        assert_eq!(fs::read_to_string(&path).expect("still there"), *text);

        let enrol = |voices: &mut Voices| voices.enrol("Bo", vec![from_file("/b.wav", unit(&[1.0, 0.0]))]);
        let ((), warning) = voices::change(&path, enrol).expect("a writable folder");
        let aside = path.with_file_name(format!("voices-damaged-{}.json", n + 1));
        assert!(warning.is_some_and(|warning| warning.contains(aside.to_str().expect("a path"))), "{text}");
        assert_eq!(fs::read_to_string(&aside).expect("copied aside"), *text);
        #[cfg(unix)]
        for file in [&path, &aside] {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).expect("there").permissions());
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        assert_eq!(names(&voices::load(&path).0), ["Bo"], "{text}");
    }
}

#[test]
fn a_newer_file_is_left_alone() {
    let (_folder, path) = store();
    let text = format!(r#"{{"version":{},"voices":{{"in":"another form"}}}}"#, FORMAT_VERSION + 1);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    fs::write(&path, &text).expect("a writable folder");
    let (voices, warning) = voices::load(&path);
    assert!(voices.list().is_empty() && warning.is_some_and(|warning| warning.contains("newer")));
    let enrol = |voices: &mut Voices| voices.enrol("Bo", vec![from_file("/b.wav", unit(&[1.0, 0.0]))]);
    assert!(matches!(voices::change(&path, enrol), Err(VoiceError::Newer { .. })));
    assert_eq!(fs::read_to_string(&path).expect("still there"), text);
}

#[test]
fn voices_are_renamed_merged_and_removed_by_name() {
    type Edit = fn(&mut Voices) -> Result<(), VoiceError>;
    let edits: [(Edit, Result<&str, &str>); 13] = [
        (|voices| voices.rename("ana", "Bea"), Ok("Bea 2, Cy 1")),
        (|voices| voices.rename("Ana", "ANA"), Ok("ANA 2, Cy 1")),
        (|voices| voices.rename("Ana", " Zoë "), Ok("Cy 1, Zoë 2")),
        (|voices| voices.rename("Ana", "cy"), Err("`Cy`")),
        (|voices| voices.rename("Ana", " \t"), Err("name")),
        (|voices| voices.rename("Ana", "a\nb"), Err("a\\nb")),
        (|voices| voices.rename("Bo", "Bea"), Err("Ana, Cy")),
        (|voices| voices.merge("Ana", "CY"), Ok("Cy 3")),
        (|voices| voices.merge("Ana", "ana"), Err("one voice")),
        (|voices| voices.merge("Ana", "Bo"), Err("`Bo`")),
        (|voices| voices.remove("ana "), Ok("Cy 1")),
        (|voices| voices.remove("Bo"), Err("`Bo`")),
        (|voices| voices.enrol("Bo", Vec::new()), Ok("Ana 2, Cy 1")),
    ];
    for (n, (edit, expected)) in edits.into_iter().enumerate() {
        let mut voices = Voices::default();
        let prints = vec![from_file("/1.wav", unit(&[1.0, 0.0])), from_file("/2.wav", unit(&[0.0, 1.0]))];
        voices.enrol("Ana", prints).expect("a name");
        voices.enrol("Cy", vec![from_file("/3.wav", unit(&[1.0, 1.0]))]).expect("a name");
        match (edit(&mut voices), expected) {
            (Ok(()), Ok(expected)) => {
                let counts = voices.list().iter().map(|voice| format!("{} {}", voice.name, voice.prints.len()));
                assert_eq!(counts.collect::<Vec<_>>().join(", "), expected, "edit {n}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "edit {n}: {error}"),
            (result, expected) => panic!("edit {n}: {result:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn learning_is_undone_by_speaker_whatever_the_voice_is_called_by_then() {
    let mut voices = Voices::default();
    voices.enrol("Ana", vec![from_file("/a.wav", unit(&[1.0, 0.0]))]).expect("a name");
    voices.learn("Ana", from_meeting("S0", 100, unit(&[1.0, 0.1]))).expect("something new");
    let before_bo = voices.clone();
    // The clock was put back, and still this is the later of the two.
    voices.learn("Bo", from_meeting("S0", 50, unit(&[0.0, 1.0]))).expect("something new");
    let again = voices.learn("bo", from_meeting("S0", 200, unit(&[0.0, 1.0])));
    assert!(matches!(again, Err(VoiceError::AlreadyLearned(name)) if name == "Bo"));
    voices.learn("Cy", from_meeting("S1", 300, unit(&[0.7, 0.7]))).expect("something new");

    let undo = |voices: &mut Voices, recording: &str, speaker: &str| {
        voices.undo_learning(Path::new(recording), speaker).map(|(name, _)| name)
    };
    voices.rename("Bo", "Boris").expect("the name is free");
    assert_eq!(undo(&mut voices, "meeting.wav", "S0").expect("Bo was learned"), "Boris");
    assert_eq!(undo(&mut voices, "meeting.wav", "S1").expect("what was learned later stayed"), "Cy");
    assert_eq!(voices, before_bo, "nothing is left of those voices");
    for (recording, speaker) in [("meeting.wav", "S1"), ("other.wav", "S0")] {
        assert!(matches!(undo(&mut voices, recording, speaker), Err(VoiceError::NothingLearned)));
    }
    voices.rename("Ana", "Anna").expect("the name is free");
    assert_eq!(undo(&mut voices, "meeting.wav", "S0").expect("Ana was learned"), "Anna");
    assert_eq!(voices.find("Anna").map(|voice| voice.prints.len()), Some(1), "what was enrolled stays");
}

fn known(name: &str, direction: &[f32]) -> KnownVoice {
    KnownVoice { name: name.to_owned(), embedding: unit(direction) }
}

/// `name score margin` of each speaker, with `?` after the name where it is not given to them.
fn outline(recognitions: &[Option<Recognition>]) -> String {
    let one = |recognition: &Option<Recognition>| {
        let Some(found) = recognition else { return "-".to_owned() };
        let doubt = if found.verdict == Verdict::Recognised { "" } else { "?" };
        let margin = found.margin.map_or_else(|| "alone".to_owned(), |margin| format!("{margin:.2}"));
        format!("{}{doubt} {:.2} {margin}", found.nearest, found.score)
    };
    recognitions.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_name_needs_nearness_and_a_margin_and_goes_to_one_speaker() {
    let (ana, bo) = (known("Ana", &[1.0, 0.0, 0.0]), known("Bo", &[0.0, 1.0, 0.0]));
    let both = [ana.clone(), bo];
    let check = |speakers: &[&[f32]], voices: &[KnownVoice], expected: &str| {
        let speakers: Vec<Vec<f32>> = speakers.iter().map(|speaker| unit(speaker)).collect();
        let speakers: Vec<&[f32]> = speakers.iter().map(Vec::as_slice).collect();
        let found = recognise::recognise(&speakers, voices, &[], &RecogniseOptions::demo());
        assert_eq!(outline(&found), expected);
    };
    check(&[&[0.6, 0.0, 0.8], &[0.0, 1.0, 0.0]], &both, "Ana 0.60 0.60, Bo 1.00 1.00");
    check(&[&[0.5, 0.0, 0.866_025_4]], &both, "Ana? 0.50 0.50");
    check(&[&[0.6, 0.55, 0.58]], &both, "Ana? 0.60 0.05");
    check(&[&[0.6, 0.0, 0.8]], &[ana], "Ana 0.60 alone");
    // Two who are near to the same voice: the nearer gets the name, and the other does not get a worse one.
    check(
        &[&[0.8, 0.6, 0.0], &[0.9, 0.1, 0.42], &[0.0, 1.0, 0.1]],
        &both,
        "Ana? 0.80 0.20, Ana 0.90 0.80, Bo 1.00 1.00",
    );
    check(&[&[1.0, 0.0, 0.0], &[1.0, 0.0, 0.0]], &both, "Ana 1.00 1.00, Ana? 1.00 1.00");
    check(&[&[1.0, 0.0, 0.0]], &[], "-");
    let nobody: &[f32] = &[];
    assert_eq!(outline(&recognise::recognise(&[nobody], &both, &[], &RecogniseOptions::demo())), "-");
}

/// A voice that is near to everybody is only nearest where cosines are compared.
#[test]
fn among_many_the_score_says_how_unusual_a_cosine_is() {
    // Dimension 0 is what the hub shares with everybody, 1 is Ana's own, the others belong to one stranger each.
    let direction = |parts: &[(usize, f32)]| {
        let mut direction = vec![0.0; MIN_COHORT + 3];
        for (dimension, value) in parts {
            direction[*dimension] = *value;
        }
        unit(&direction)
    };
    let stranger = |n: usize| {
        let share = n as f32 / (MIN_COHORT - 1) as f32;
        direction(&[(0, 0.3 + 0.3 * share), (1, 0.1 - 0.2 * (n % 3) as f32 / 2.0), (n + 3, 0.85)])
    };
    let cohort: Vec<Vec<f32>> = (0..MIN_COHORT).map(stranger).collect();
    let voice = |name: &str, embedding| KnownVoice { name: name.to_owned(), embedding };
    let voices = [voice("Hub", direction(&[(0, 1.0)])), voice("Ana", direction(&[(1, 1.0)]))];
    let speaker = direction(&[(0, 0.6), (1, 0.57), (2, 0.56)]);
    let nearest = |cohort: &[Vec<f32>]| {
        let found = recognise::recognise(&[speaker.as_slice()], &voices, cohort, &RecogniseOptions::demo());
        found[0].clone().expect("there are voices")
    };
    let by_cosine = nearest(&[]);
    assert_eq!((by_cosine.nearest.as_str(), by_cosine.verdict), ("Hub", Verdict::Unknown), "{by_cosine:?}");
    let too_few = nearest(&cohort[..MIN_COHORT - 2]);
    assert_eq!(too_few, by_cosine, "too few to compare with");
    let by_score = nearest(&cohort);
    assert_eq!((by_score.nearest.as_str(), by_score.verdict), ("Ana", Verdict::Recognised), "{by_score:?}");
    let scores = recognise::scores(&speaker, &voices, &cohort);
    assert!((scores[1] - by_score.score).abs() < 1e-12 && scores[0] < scores[1], "{scores:?}");
}

#[test]
fn agreement_is_low_where_pieces_fall_into_two_groups() {
    let (one, other) = (unit(&[1.0, 0.1, 0.0]), unit(&[0.1, 0.0, 1.0]));
    let near_one = unit(&[1.0, -0.1, 0.2]);
    for (pieces, range) in [
        (vec![], 1.0..=1.0),
        (vec![one.clone()], 1.0..=1.0),
        (vec![one.clone(), near_one.clone(), one.clone()], 0.9..=1.0),
        (vec![one.clone(), near_one, other.clone(), one.clone()], 0.0..=0.3),
        (vec![other.clone(), other, one], 0.0..=0.3),
    ] {
        let agreement = recognise::agreement(&pieces);
        assert!(range.contains(&agreement), "{agreement}: {pieces:?}");
    }
}

/// An installation in a folder of its own, with its models in memory.
struct Home {
    folder: TempDir,
    paths: AppPaths,
    models: ModelCache,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(folder.path());
        Self { models: ModelCache::new(paths.clone()), paths, folder }
    }

    fn model(&mut self) -> VoiceModel {
        VoiceModel::load(&self.models, &self.paths).expect("the built-in model")
    }

    fn perform(&mut self, command: &VoiceCommand) -> Result<VoicesAnswer, String> {
        let cancel = CancelToken::default();
        let answer = perform(command, &self.models, &self.paths, &Progress::unwatched(&cancel));
        answer.map_err(|error| error.to_string())
    }

    fn known(&mut self, folder: Option<&Path>) -> (Vec<KnownVoice>, Vec<String>) {
        let model = self.model();
        let cancel = CancelToken::default();
        known_voices(folder, &model, &self.paths, &Progress::unwatched(&cancel)).expect("voices")
    }
}

pub(super) fn speaker_file(name: &str) -> PathBuf {
    Path::new(SPEAKERS).join(format!("{name}.flac"))
}

fn samples(path: &Path) -> Mono16k {
    let (folder, cancel) = (tempfile::tempdir().expect("a temporary folder"), CancelToken::default());
    decode::decode(path, folder.path(), &Progress::unwatched(&cancel)).expect("a bundled recording").samples
}

fn write_wav(path: &Path, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a writable folder");
    for sample in samples {
        writer.write_sample(*sample).expect("a writable folder");
    }
    writer.finalize().expect("a writable folder");
}

/// Who speaks when in the demo meeting, as it was made.
fn true_turns() -> Vec<Turn> {
    let rttm = fs::read_to_string(format!("{MEETING}.rttm")).expect("the bundled meeting");
    let turn = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let secs = |n: usize| fields[n].parse::<f64>().expect("a time");
        Turn { span: TimeSpan::from_secs(secs(3), secs(3) + secs(4)), speaker: fields[7].to_owned() }
    };
    rttm.lines().map(turn).collect()
}

#[test]
fn the_demo_voices_are_recognised_in_the_demo_meeting_and_strangers_are_not() {
    let mut home = Home::new();
    let answer = home.perform(&VoiceCommand::EnrolFolder { folder: SPEAKERS.into() }).expect("the bundled voices");
    assert_eq!(answer.warnings, [""; 0]);
    assert!(answer.voices.len() >= 9 && answer.voices.iter().all(|voice| voice.speech.0 > 8.0), "{:?}", answer.voices);
    let (voices, warnings) = home.known(None);
    assert_eq!((voices.len(), warnings.len()), (answer.voices.len(), 0), "{warnings:?}");

    let (model, turns, cancel) = (home.model(), true_turns(), CancelToken::default());
    let meeting = samples(Path::new(&format!("{MEETING}.flac")));
    let progress = Progress::unwatched(&cancel);
    let segmenter = home.models.segmentation().expect("the built-in model");
    let activity = segmentation(&meeting, &segmenter, Resume::none(), &progress).expect("readable samples");
    let heard = |activity: &Activity| {
        window_voices(&meeting, activity, &model.ecapa, Resume::none(), &progress).expect("readable samples")
    };
    let found = voiceprints(&heard(&activity), &turns, &turns);
    let speakers: Vec<&str> = found.iter().map(|speaker| speaker.speaker.as_str()).collect();
    assert_eq!(speakers, ["Brian", "Nora"]);
    assert!(found.iter().all(|speaker| (8.0..=60.0).contains(&speaker.voice.speech.0)), "{found:?}");
    assert!(found.iter().all(|speaker| speaker.voice.agreement > model.options.min_agreement), "{found:?}");

    let embeddings: Vec<&[f32]> = found.iter().map(|speaker| speaker.voice.embedding.as_slice()).collect();
    for absent in ["", "Brian", "Nora"] {
        let enrolled: Vec<KnownVoice> = voices.iter().filter(|voice| voice.name != absent).cloned().collect();
        let recognitions = recognise::recognise(&embeddings, &enrolled, &[], &model.options);
        for (speaker, recognition) in speakers.iter().zip(recognitions) {
            let recognition = recognition.expect("there are voices");
            if *speaker == absent {
                assert_eq!(recognition.verdict, Verdict::Unknown, "{speaker}: {recognition:?}");
            } else {
                let expected = (Verdict::Recognised, *speaker);
                assert_eq!((recognition.verdict, recognition.nearest.as_str()), expected, "{recognition:?}");
                assert!(recognition.score > 0.8, "{speaker}: {recognition:?}");
            }
        }
    }

    // Somebody who hardly says anything that is not talked over has no voiceprint.
    let span = |start, end| TimeSpan::from_secs(start, end);
    let turn = |span, speaker: &str| Turn { span, speaker: speaker.to_owned() };
    let brief = [turn(span(1.0, 5.0), "A"), turn(span(4.5, 9.0), "B"), turn(span(9.0, 9.25), "C")];
    let windows = Windows {
        n_windows: 1,
        window_samples: 160_000,
        step_samples: 16_000,
        n_frames: 100,
        frame_step: Seconds(0.1),
        frame_duration: Seconds(0.1),
        n_samples: meeting.len(),
    };
    let who = |frame: usize| {
        let middle = 0.05 + frame as f64 / 10.0;
        let talks = |turn: &Turn| turn.span.start.0 < middle && middle < turn.span.end.0;
        brief.iter().enumerate().fold(0, |who, (n, turn)| who | u8::from(talks(turn)) << n)
    };
    let activity = Activity { windows, n_speakers: brief.len(), masks: (0..100).map(who).collect() };
    let found = voiceprints(&heard(&activity), &brief, &brief);
    let lengths: Vec<(&str, f64)> = found.iter().map(|found| (found.speaker.as_str(), found.voice.speech.0)).collect();
    assert_eq!(lengths, [("A", 3.5), ("B", 4.0)]);
}

#[test]
fn files_that_are_no_single_voice_are_told_of_and_the_others_go_on() {
    let mut home = Home::new();
    let folder = home.folder.path().join("speakers");
    for name in ["Nora", "Empty", ".hidden"] {
        fs::create_dir_all(folder.join(name)).expect("a writable folder");
    }
    let read = |name: &str| {
        let samples = samples(&speaker_file(name));
        samples.read(0..samples.len()).expect("in memory")
    };
    let (nora, brian) = (read("Nora"), read("Brian"));
    fs::copy(speaker_file("Nora"), folder.join("Nora/one.flac")).expect("a writable folder");
    fs::write(folder.join("Nora/two.mp3"), "no sound").expect("a writable folder");
    fs::write(folder.join("Nora/notes.txt"), "not looked at").expect("a writable folder");
    write_wav(&folder.join("Both.wav"), &[nora, brian.clone()].concat());
    write_wav(&folder.join("Silent.wav"), &vec![0.0; 80_000]);
    write_wav(&folder.join("Blip.wav"), &brian[16_000..16_800]);
    write_wav(&folder.join("Brian.wav"), &brian[16_000..48_000]);

    let (voices, warnings) = home.known(Some(&folder));
    let names: Vec<&str> = voices.iter().map(|voice| voice.name.as_str()).collect();
    assert_eq!(names, ["Both", "Brian", "Nora"]);
    for (file, part) in [
        ("Both.wav", "two people"),
        ("Silent.wav", "nothing is to be heard"),
        ("Blip.wav", "too little"),
        ("Brian.wav", "only"),
        ("Empty", "no recordings"),
        ("two.mp3", "left out"),
    ] {
        let n = warnings.iter().filter(|warning| warning.contains(file) && warning.contains(part)).count();
        assert_eq!(n, 1, "{file}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), 6, "{warnings:#?}");
    assert!(
        home.perform(&VoiceCommand::List).expect("an empty store").voices.is_empty(),
        "nothing is enrolled by that"
    );

    // What was heard once is remembered, and so is what was wrong with it.
    let (again, same_warnings) = home.known(Some(&folder));
    assert_eq!((&again, &same_warnings), (&voices, &warnings));
    let silent = folder.join("Silent.wav");
    let modified = fs::metadata(&silent).and_then(|metadata| metadata.modified()).expect("it is there");
    write_wav(&silent, &brian[16_000..96_000]);
    fs::File::options().write(true).open(&silent).and_then(|file| file.set_modified(modified)).expect("it is there");
    assert_eq!(home.known(Some(&folder)), (voices, warnings), "a file that looks the same is not listened to again");

    let quiet = home.folder.path().join("quiet.wav");
    write_wav(&quiet, &vec![0.0; 32_000]);
    let nothing = home.folder.path().join("nothing");
    fs::create_dir(&nothing).expect("a writable folder");
    for (command, part) in [
        (VoiceCommand::EnrolFolder { folder: nothing }, "holds no recordings"),
        (VoiceCommand::EnrolFolder { folder: folder.join("missing") }, "missing"),
        (VoiceCommand::Enrol { name: "Ana".into(), files: vec![quiet] }, "nothing is to be heard"),
        (VoiceCommand::Enrol { name: " ".into(), files: vec![speaker_file("Nora")] }, "needs a name"),
        (VoiceCommand::Test { file: speaker_file("Nora") }, "enrol one first"),
    ] {
        let error = home.perform(&command).expect_err("nothing to do it with");
        assert!(error.contains(part), "{command:?}: {error}");
    }
}

#[test]
fn a_voice_is_learned_tested_and_forgotten() {
    let mut home = Home::new();
    let path = voices_file(&home.paths);
    let stored = || voices::load(&path).0;
    let test = |home: &mut Home, name: &str| {
        let answer = home.perform(&VoiceCommand::Test { file: speaker_file(name) }).expect("a voice");
        let VoicesOutcome::Tested(test) = answer.outcome else { panic!("{:?}", answer.outcome) };
        (test.recognition.verdict, test.recognition.nearest)
    };
    home.perform(&VoiceCommand::Enrol { name: "Brian".into(), files: vec![speaker_file("Brian")] }).expect("a voice");
    let before = stored();
    assert_eq!(test(&mut home, "Brian"), (Verdict::Recognised, "Brian".to_owned()));
    assert_eq!(test(&mut home, "Nora").0, Verdict::Unknown);

    let brian = &before.find("brian").expect("just enrolled").prints[0];
    let learn = |voiceprint| VoiceCommand::Learn {
        name: "Nora".into(),
        voiceprint,
        recording: "meeting.wav".into(),
        speaker: "SPEAKER_00".into(),
    };
    let learned =
        home.perform(&learn(brian.embedding.iter().map(|value| 2.0 * value).collect())).expect("a voiceprint");
    assert_eq!((learned.outcome, learned.voices.len()), (VoicesOutcome::Learned, 2));
    assert_eq!(learned.voices[1].n_meetings, 1);
    assert_eq!(test(&mut home, "Brian").0, Verdict::Unknown, "two voices are equally near");
    let undo = |speaker: &str| VoiceCommand::UndoLearning { recording: "meeting.wav".into(), speaker: speaker.into() };
    assert!(home.perform(&undo("SPEAKER_01")).expect_err("that is another speaker").contains("nothing to undo"));
    let undone = home.perform(&undo("SPEAKER_00")).expect("something was learned");
    assert_eq!(undone.outcome, VoicesOutcome::Unlearned { name: "Nora".into() });
    assert_eq!(stored(), before);
    assert!(home.perform(&learn(vec![])).expect_err("nothing to learn").contains("SPEAKER_00"));
}

/// The folder still has the old name, and names that are none.
#[test]
fn a_renamed_voice_keeps_its_name_when_the_folder_is_read_again() {
    let mut home = Home::new();
    let folder = home.folder.path().join("speakers");
    fs::create_dir_all(folder.join("Empty")).expect("a writable folder");
    fs::copy(speaker_file("Nora"), folder.join("Nroa.flac")).expect("a writable folder");
    fs::copy(speaker_file("Brian"), folder.join(format!("{}.flac", "x".repeat(101)))).expect("a writable folder");
    let enrol = VoiceCommand::EnrolFolder { folder: folder.clone() };
    home.perform(&enrol).expect("a voice");
    home.perform(&VoiceCommand::Rename { from: "Nroa".into(), to: "Nora".into() }).expect("the name is free");

    let (known, warnings) = home.known(Some(&folder));
    assert_eq!(known.iter().map(|voice| voice.name.as_str()).collect::<Vec<_>>(), ["Nora"]);
    for part in ["Nroa.flac is enrolled as Nora", "Empty holds no recordings", "is no name for a voice"] {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:#?}");
    }
    let again = home.perform(&enrol).expect("the same voice");
    assert_eq!(again.outcome, VoicesOutcome::Enrolled { names: vec!["Nora".into()], n_files: 1, n_left_out: 0 });
    assert_eq!(again.voices.len(), 1, "{:?}", again.voices);

    // A folder without voices takes nothing away from what is enrolled.
    let (known, warnings) = home.known(Some(&folder.join("Empty")));
    assert!(known.len() == 1 && warnings.len() == 1 && warnings[0].contains("holds no recordings"), "{warnings:?}");
}

/// The model was replaced: voiceprints of the old one are kept, and made anew where the file is still the same.
#[test]
fn voiceprints_of_another_model_are_made_again() {
    let mut home = Home::new();
    let (kept, changed) = (home.folder.path().join("Nora.flac"), home.folder.path().join("Brian.flac"));
    fs::copy(speaker_file("Nora"), &kept).expect("a writable folder");
    fs::copy(speaker_file("Brian"), &changed).expect("a writable folder");
    for (name, file) in [("Nora", &kept), ("Brian", &changed)] {
        home.perform(&VoiceCommand::Enrol { name: name.into(), files: vec![file.clone()] }).expect("a voice");
    }
    let path = voices_file(&home.paths);
    let text = fs::read_to_string(&path).expect("the store");
    let model = home.model().id;
    assert!(text.contains(&model));
    fs::write(&path, text.replace(&model, "another model")).expect("a writable folder");
    fs::copy(speaker_file("David"), &changed).expect("a writable folder");

    let (voices, warnings) = home.known(None);
    let names: Vec<&str> = voices.iter().map(|voice| voice.name.as_str()).collect();
    assert_eq!(names, ["Nora"]);
    assert!(warnings.len() == 1 && warnings[0].contains("Brian"), "{warnings:?}");
    let (stored, _) = voices::load(&path);
    let models = |name: &str| {
        let prints = &stored.find(name).expect("still enrolled").prints;
        prints.iter().map(|print| print.model.clone()).collect::<Vec<_>>()
    };
    assert_eq!(models("Nora"), ["another model".to_owned(), model]);
    assert_eq!(models("Brian"), ["another model"]);
}
