//! All that is known of a recording, put into lines: its file, its transcript, the models and the settings that gave it,
//! how long that took, and whether the file is still the one that was transcribed. No egui in here.
//!
//! What the job was, the library tells; where it does not, what the job told at its end in this window counts.

use std::collections::BTreeMap;

use crate::engine::Stage;
use crate::engine::playback::SoundFile;
use crate::transcript::Transcript;
use crate::transcript::manifest::Manifest;
use crate::units::Seconds;

use super::amounts::{date_text, decimal_text, size_text};
use super::recording::{Recording, stage_text};
use super::side_state::KnownJob;
use super::texts::{text, text_with};

/// So many digits of a model's hash tell it from all others that somebody has.
const N_SHORT_HASH_DIGITS: usize = 12;
/// From here on, tenths of a second say nothing.
const MAX_EXACT_SECS: f64 = 60.0;

/// What the details are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// The recording.
    pub(super) recording: &'a Recording,
    /// What was counted in its transcript.
    pub(super) counts: Counts,
    /// What it is as a file, once that is known.
    pub(super) file: Option<&'a SoundFile>,
    /// What the library tells of the job.
    pub(super) known: Option<&'a KnownJob>,
}

/// What is counted in a transcript, which takes too long for every frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    n_words: usize,
    /// Of the words that have one, 0 to 1.
    mean_confidence: Option<f64>,
}

/// Lines about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// What they are about.
    pub(super) title: String,
    /// They themselves; there is one at least.
    pub(super) lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What is told,
    pub(super) label: String,
    /// and how that is here.
    pub(super) value: String,
}

impl Counts {
    /// Looks through a transcript.
    pub(super) fn of(transcript: &Transcript) -> Self {
        Self { n_words: transcript.n_words(), mean_confidence: transcript.mean_confidence() }
    }
}

impl Subject<'_> {
    /// Whether anything is known of the job that gave the transcript.
    pub(super) fn has_job(&self) -> bool {
        Job::of(self).is_some()
    }
}

/// All that is known. What nothing is known about is left out.
pub(super) fn sections_of(subject: &Subject<'_>) -> Vec<Section> {
    let job = Job::of(subject);
    let manifest = job.as_ref().and_then(|job| job.manifest);
    let sections = [
        (text("details-recording"), recording_lines(subject)),
        (text("details-transcript"), transcript_lines(subject)),
        (text("details-models"), model_lines(subject.recording, manifest)),
        (text("details-settings"), job.as_ref().map(setting_lines).unwrap_or_default()),
        (text("details-times"), job.as_ref().map(|job| time_lines(job, subject.recording)).unwrap_or_default()),
        (text("details-manifest"), manifest.map(|made_of| manifest_lines(made_of, subject.known)).unwrap_or_default()),
    ];
    let told = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    told.map(|(title, lines)| Section { title, lines }).collect()
}

/// The same for the clipboard, below the name of the recording.
pub(super) fn plain_text(name: &str, sections: &[Section]) -> String {
    let mut out = vec![name.to_owned()];
    for section in sections {
        out.extend([String::new(), section.title.clone()]);
        out.extend(section.lines.iter().map(|line| {
            let label = text_with("details-label", &[("label", line.label.as_str().into())]);
            format!("{label} {}", line.value)
        }));
    }
    out.push(String::new());
    out.join("\n")
}

/// The job that gave a transcript.
struct Job<'a> {
    /// When it began, in seconds since 1970.
    started_secs: Option<i64>,
    /// What it was asked, in the words of the library.
    asked: Option<&'a str>,
    /// Time of each stage by its label,
    stages: Vec<(&'a str, Seconds)>,
    /// and of all of it.
    total: Seconds,
    /// Share of the work that was known already.
    reused_fraction: f32,
    manifest: Option<&'a Manifest>,
}

impl<'a> Job<'a> {
    fn of(subject: &Subject<'a>) -> Option<Self> {
        let report = subject.recording.report();
        let told = report.and_then(|report| report.manifest.as_deref());
        if let Some(record) = subject.known.and_then(|known| known.record.as_deref()) {
            return Some(Self {
                started_secs: Some(record.started_secs),
                asked: Some(&record.settings),
                stages: record.stages.iter().map(|(label, taken)| (label.as_str(), *taken)).collect(),
                total: record.total,
                reused_fraction: record.reused_fraction,
                manifest: record.manifest.as_deref().or(told),
            });
        }
        let report = report?;
        Some(Self {
            started_secs: None,
            asked: None,
            stages: report.stages.iter().map(|(stage, taken)| (stage.label(), *taken)).collect(),
            total: report.total,
            reused_fraction: report.reused_fraction(),
            manifest: told,
        })
    }
}

fn recording_lines(subject: &Subject<'_>) -> Vec<Line> {
    let recording = subject.recording;
    let mut lines = Vec::new();
    if recording.has_file() {
        lines.push(line(text("details-file"), recording.path.display().to_string()));
    }
    if let Some(file) = subject.file {
        lines.push(line(text("details-size"), size_text(file.n_bytes)));
    }
    if let Some(duration) = recording.duration {
        lines.push(line(text("details-length"), duration.to_string()));
    }
    if let Some(file) = subject.file {
        let rate = text_with("details-hertz", &[("n", file.rate_hz.to_string().into())]);
        lines.push(line(text("details-rate"), rate));
        if let Some(n_channels) = file.n_channels {
            let channels = text_with("details-channel-count", &[("n", n_channels.into())]);
            lines.push(line(text("details-channels"), channels));
        }
        lines.push(line(text("details-container"), file.container.clone()));
        lines.push(line(text("details-codec"), file.codec.clone()));
    }
    lines
}

fn transcript_lines(subject: &Subject<'_>) -> Vec<Line> {
    let Subject { recording, counts, .. } = subject;
    let transcript = &recording.transcript;
    if transcript.is_empty() {
        return Vec::new();
    }
    let confidence = match counts.mean_confidence {
        Some(mean) => percent_text(mean),
        None => text("details-unknown"),
    };
    let mut lines = vec![
        line(text("details-words"), counts.n_words.to_string()),
        line(text("details-speakers"), transcript.speakers.len().to_string()),
        line(text("details-confidence"), confidence),
        line(text("details-edits"), recording.n_changes().to_string()),
    ];
    if !transcript.language.is_empty() {
        lines.insert(0, line(text("settings-language"), transcript.language.clone()));
    }
    lines
}

fn model_lines(recording: &Recording, manifest: Option<&Manifest>) -> Vec<Line> {
    let Some(manifest) = manifest else {
        let model = (!recording.model.is_empty()).then(|| recording.model.clone());
        return model.into_iter().map(|model| line(text("details-speech-model"), model)).collect();
    };
    let models = manifest.models.iter().map(|model| {
        let hash = model.hash.get(..N_SHORT_HASH_DIGITS).unwrap_or(&model.hash);
        let (name, place) = (model.name.as_str(), model.place.as_str());
        let values = [("name", name.into()), ("hash", hash.into()), ("place", place.into())];
        line(part_text(&model.part), text_with("details-model", &values))
    });
    let asked = &manifest.parameters;
    let device = asked.get("device").map(|device| line(text("settings-device"), device_text(device)));
    let precision = asked.get("compute_type").map(|name| line(text("details-precision"), precision_text(name)));
    models.chain(device).chain(precision).collect()
}

/// What was asked of the job. Without a manifest there are only the words of the library.
fn setting_lines(job: &Job<'_>) -> Vec<Line> {
    let Some(manifest) = job.manifest else {
        return job.asked.into_iter().map(|asked| line(text("details-asked"), asked.to_owned())).collect();
    };
    let asked = &manifest.parameters;
    let speakers = match asked.get("diarize").map(String::as_str) {
        Some("off") => Some(text("details-speakers-off")),
        Some(_) | None => asked.get("speakers").map(|count| speaker_count_text(count)),
    };
    let lines = [
        (text("settings-language"), asked.get("language").cloned()),
        (text("settings-task"), asked.get("task").map(|task| task_text(task))),
        (text("details-mode"), asked.get("mode").map(|mode| mode_text(mode))),
        (text("settings-beam-size"), asked.get("beam_size").cloned()),
        (text("details-speakers-asked"), speakers),
        (text("details-prompt"), said(asked, "prompt")),
        (text("details-hotwords"), said(asked, "hotwords")),
        (text("details-prefix"), said(asked, "prefix")),
    ];
    lines.into_iter().filter_map(|(label, value)| Some(line(label, value?))).collect()
}

fn time_lines(job: &Job<'_>, recording: &Recording) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(started_secs) = job.started_secs {
        lines.push(line(text("details-began"), date_text(started_secs)));
    }
    lines.extend(job.stages.iter().map(|(label, taken)| line(kept_stage_text(label), seconds_text(*taken))));
    lines.push(line(text("details-whole"), seconds_text(job.total)));
    let audio_secs = recording.transcript.duration.0;
    if audio_secs > 0.0 && job.total.0 > 0.0 {
        let (factor, speed) = (job.total.0 / audio_secs, audio_secs / job.total.0);
        let values = [("factor", decimal_text(factor, 3).into()), ("speed", decimal_text(speed, 1).into())];
        lines.push(line(text("details-factor"), text_with("details-factor-value", &values)));
    }
    lines.push(line(text("details-reused"), percent_text(f64::from(job.reused_fraction))));
    let work = recording.report().map(|report| report.work.as_slice()).unwrap_or_default();
    lines.extend(work.iter().filter(|work| work.n_reused > 0).map(|work| {
        let n_pieces = work.n_computed + work.n_reused;
        let values = [("reused", work.n_reused.into()), ("all", n_pieces.into())];
        let label = text_with("details-reused-of", &[("stage", stage_text(work.stage).into())]);
        line(label, text_with("details-reused-pieces", &values))
    }));
    lines
}

fn manifest_lines(manifest: &Manifest, known: Option<&KnownJob>) -> Vec<Line> {
    let audio = &manifest.audio;
    let is_now = match known.and_then(|known| known.file_hash.as_ref()) {
        Some(hash) if *hash == audio.file => text("details-file-same"),
        Some(_) if !audio.file.is_empty() => text("details-file-other"),
        Some(_) | None => text("details-unknown"),
    };
    let version = text_with("details-version", &[("version", manifest.app_version.as_str().into())]);
    let hashes = [(text("details-file-hash"), &audio.file), (text("details-sound-hash"), &audio.samples)];
    let hashes = hashes.into_iter().filter(|(_, hash)| !hash.is_empty());
    let hashes = hashes.map(|(label, hash)| line(label, hash.clone()));
    let made_by = line(text("details-made-by"), version);
    [made_by].into_iter().chain(hashes).chain([line(text("details-file-now"), is_now)]).collect()
}

fn line(label: String, value: String) -> Line {
    Line { label, value }
}

/// What was typed, if anything was.
fn said(asked: &BTreeMap<String, String>, name: &str) -> Option<String> {
    asked.get(name).filter(|typed| !typed.is_empty()).cloned()
}

/// What a model of a manifest does.
fn part_text(part: &str) -> String {
    match part {
        "transcription" => text("details-speech-model"),
        "alignment" => text("details-aligner"),
        "segmentation" => text("details-segmentation"),
        "embeddings" => text("details-embeddings"),
        "recognition" => text("details-recognition"),
        other => other.to_owned(),
    }
}

fn device_text(device: &str) -> String {
    match device {
        "cpu" => text("settings-device-processor"),
        "cuda" => text("settings-device-cuda"),
        "metal" => text("settings-device-metal"),
        other => other.to_owned(),
    }
}

fn precision_text(compute_type: &str) -> String {
    match compute_type {
        "int8" => text("details-precision-int8"),
        "f32" => text("details-precision-f32"),
        other => other.to_owned(),
    }
}

fn task_text(task: &str) -> String {
    match task {
        "transcribe" => text("settings-task-transcribe"),
        "translate" => text("settings-task-translate"),
        other => other.to_owned(),
    }
}

fn mode_text(mode: &str) -> String {
    match mode {
        "batched" => text("details-mode-batched"),
        "sequential" => text("details-mode-sequential"),
        other => other.to_owned(),
    }
}

/// How many speakers were asked for: `automatic`, `3`, `2 or more`, `4 or less`, `2 to 4`.
fn speaker_count_text(count: &str) -> String {
    if count == "automatic" {
        text("details-speakers-automatic")
    } else if let Some(n) = count.strip_suffix(" or more") {
        text_with("details-speakers-least", &[("n", n.into())])
    } else if let Some(n) = count.strip_suffix(" or less") {
        text_with("details-speakers-most", &[("n", n.into())])
    } else if let Some((from, to)) = count.split_once(" to ") {
        text_with("details-speakers-between", &[("from", from.into()), ("to", to.into())])
    } else {
        count.to_owned()
    }
}

/// A stage by the label that the library keeps; a label of another version stays as it is.
fn kept_stage_text(label: &str) -> String {
    Stage::ALL.into_iter().find(|stage| stage.label() == label).map_or_else(|| label.to_owned(), stage_text)
}

fn seconds_text(time: Seconds) -> String {
    if time.0 < MAX_EXACT_SECS {
        text_with("cache-lasts-seconds", &[("n", decimal_text(time.0, 1).into())])
    } else {
        time.to_string()
    }
}

fn percent_text(share: f64) -> String {
    text_with("details-percent", &[("n", format!("{:.0}", share * 100.0).into())])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::library::{JobRecord, RecordingId};
    use crate::engine::{JobReport, StageWork};
    use crate::transcript::manifest::{AudioHashes, ModelHash};
    use crate::transcript::{Segment, Word};

    fn manifest() -> Manifest {
        let parameters = [
            ("language", "de"),
            ("task", "translate"),
            ("beam_size", "5"),
            ("device", "cpu"),
            ("compute_type", "int8"),
            ("diarize", "on"),
            ("speakers", "2 to 4"),
            ("prompt", ""),
        ];
        Manifest {
            app_version: "0.1.0".to_owned(),
            audio: AudioHashes { name: "a.wav".to_owned(), file: "aa11".to_owned(), samples: "bb22".to_owned() },
            models: vec![ModelHash {
                part: "transcription".to_owned(),
                name: "small".to_owned(),
                place: "cache:small".to_owned(),
                hash: "0123456789abcdef".to_owned(),
            }],
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
            ..Manifest::default()
        }
    }

    fn known(manifest: Option<Manifest>, file_hash: Option<&str>) -> KnownJob {
        let record = JobRecord {
            recording: RecordingId(1),
            started_secs: 1_741_780_800,
            model: "small".to_owned(),
            settings: "de, beam 5".to_owned(),
            audio: Seconds(60.0),
            stages: vec![("Transcribing".to_owned(), Seconds(4.3)), ("Dreaming".to_owned(), Seconds(75.0))],
            total: Seconds(6.0),
            reused_fraction: 0.25,
            mean_confidence: None,
            outcome: "done".to_owned(),
            manifest: manifest.map(Box::new),
            estimate: None,
        };
        let file_hash = file_hash.map(str::to_owned);
        KnownJob { recording: RecordingId(1), record: Some(Box::new(record)), file_hash }
    }

    fn recording() -> Recording {
        let word = |score| Word { score, ..Word::default() };
        let aligned = Segment { words: vec![word(Some(0.5)), word(Some(1.0)), word(None)], ..Segment::default() };
        let text = Segment { text: " two words".to_owned(), ..Segment::default() };
        let segments = vec![aligned, text];
        let transcript = Transcript { duration: Seconds(60.0), segments, ..Transcript::default() };
        Recording::transcribed("/in/a.wav".into(), Arc::new(transcript))
    }

    fn told(recording: &Recording, known: Option<&KnownJob>) -> String {
        let (container, codec) = ("WAVE".to_owned(), "PCM".to_owned());
        let file = SoundFile { n_bytes: 2_000_000, container, codec, rate_hz: 44_100, n_channels: Some(2) };
        let counts = Counts::of(&recording.transcript);
        let subject = Subject { recording, counts, file: Some(&file), known };
        assert_eq!(subject.has_job(), known.is_some() || recording.report().is_some());
        plain_text("a.wav", &sections_of(&subject))
    }

    #[test]
    fn all_that_is_known_is_told_line_by_line() {
        let known = known(Some(manifest()), Some("aa11"));
        let expected = "\
a.wav

Recording
File: /in/a.wav
Size: 2 MB
Length: 1:00
Sample rate: 44100 Hz
Channels: stereo
Container: WAVE
Codec: PCM

Transcript
Words: 5
Speakers: 0
Average confidence: 75 %
Changes by hand: 0

Models
Speech model: small, 0123456789ab (cache:small)
Device: Processor
Precision: 8-bit integers

Settings
Language: de
Text: English translation
Search width: 5
Speakers asked for: 2 to 4

Times
Began: 2025-03-12
Transcribing: 4.3 s
Dreaming: 1:15
Whole job: 6.0 s
Real-time factor: 0.100 (10.0 times as fast as it is heard)
Known already: 25 %

Manifest
Made by: Hansard 0.1.0
Hash of the file: aa11
Hash of the sound: bb22
File now: the same
";
        assert_eq!(told(&recording(), Some(&known)), expected);
    }

    #[test]
    fn whether_the_file_is_the_same_is_told_where_that_is_known() {
        for (file_hash, expected) in [
            (Some("aa11"), "File now: the same"),
            (Some("cc33"), "File now: another one"),
            (None, "File now: not known"),
        ] {
            let told = told(&recording(), Some(&known(Some(manifest()), file_hash)));
            assert!(told.contains(expected), "{told}");
        }
        // Then it was changed while it was transcribed.
        let audio = AudioHashes { file: String::new(), ..manifest().audio };
        let told = told(&recording(), Some(&known(Some(Manifest { audio, ..manifest() }), Some("cc33"))));
        assert!(told.contains("File now: not known") && !told.contains("Hash of the file"), "{told}");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let told_by_library = told(&recording(), Some(&known(None, None)));
        assert!(told_by_library.contains("\nSettings\nAsked for: de, beam 5\n"), "{told_by_library}");
        assert!(!told_by_library.contains("Manifest"), "{told_by_library}");
        let alone = told(&recording(), None);
        assert!(alone.ends_with("Changes by hand: 0\n"), "{alone}");
        // A job of this window tells what the library does not.
        let mut recording = recording();
        let work = vec![StageWork { stage: Stage::Transcribe, n_computed: 1, n_reused: 3 }];
        let stages = vec![(Stage::Transcribe, Seconds(2.0))];
        recording.note_report(JobReport { stages, work, manifest: None, acoustics: None, total: Seconds(3.0) });
        let of_window = told(&recording, None);
        for expected in ["Transcribing: 2.0 s", "Whole job: 3.0 s", "Known already: 75 %", "3 of 4"] {
            assert!(of_window.contains(expected), "{of_window}");
        }
    }

    #[test]
    fn the_number_of_speakers_is_told_as_it_was_asked_for() {
        for (asked, expected) in [
            ("automatic", "found out"),
            ("3", "3"),
            ("2 or more", "2 or more"),
            ("4 or less", "4 or fewer"),
            ("2 to 4", "2 to 4"),
        ] {
            assert_eq!(speaker_count_text(asked), expected);
        }
    }
}
