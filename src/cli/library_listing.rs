//! What the command line shows of the library: tables and lines for people, JSON for programs. Plain values become text
//! here; nothing is looked up or printed.

use std::fmt::Write as _;

use serde::Serialize;

use crate::engine::library::{
    Hit, JobRecord, NewFiles, RecordingEntry, SoundFeatures, Status, TranscriptVersion, WatchedFolder,
};
use crate::engine::shelf::Page;
use crate::units::Seconds;

use super::cache_listing::rounded;
use super::calendar::Day;
use super::progress::without_controls;
use super::table::{NOTHING, Side, percent, table};

/// A job of which more was known already says nothing of how good its estimate was.
const MAX_REUSED_FRACTION: f32 = 0.05;

/// What is printed of the recordings, in the order that was asked for.
#[derive(Serialize)]
pub(super) struct RecordingsListing<'a> {
    /// How many there are, shown or not.
    n_in_all: usize,
    recordings: Vec<RecordingListing<'a>>,
}

#[derive(Serialize)]
struct RecordingListing<'a> {
    id: i64,
    path: String,
    label: &'a str,
    n_bytes: u64,
    /// `null` where nobody knows it yet.
    duration_secs: Option<f64>,
    modified_unix_secs: i64,
    status: &'static str,
    /// The model of the transcript, or the line of the error; `null` where the status is another one.
    detail: Option<&'a str>,
    speakers: &'a [String],
    /// `null` before a job has found out.
    sound: Option<SoundFeatures>,
    related: Vec<RelatedListing<'a>>,
    tags: &'a [String],
    note: &'a str,
    metadata: Vec<ColumnListing<'a>>,
    edited: bool,
}

/// A recording that sounds like it.
#[derive(Serialize)]
struct RelatedListing<'a> {
    id: i64,
    label: &'a str,
    path: String,
    similarity: f64,
}

#[derive(Serialize)]
struct ColumnListing<'a> {
    column: &'a str,
    value: &'a str,
}

impl<'a> RecordingsListing<'a> {
    pub(super) fn new(page: &'a Page) -> Self {
        Self { n_in_all: page.n_in_all, recordings: page.entries.iter().map(RecordingListing::new).collect() }
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        const TITLES: [(&str, Side); 7] = [
            ("no", Side::Right),
            ("date", Side::Left),
            ("length", Side::Right),
            ("status", Side::Left),
            ("speakers", Side::Left),
            ("tags", Side::Left),
            ("recording", Side::Left),
        ];
        let row = |recording: &RecordingListing<'_>| {
            let status = match recording.detail {
                Some(detail) => format!("{}: {detail}", recording.status),
                None => recording.status.to_owned(),
            };
            [
                recording.id.to_string(),
                Day::of_secs(recording.modified_unix_secs).to_string(),
                length(recording.duration_secs),
                if recording.edited { format!("{status}, edited") } else { status },
                listed(recording.speakers),
                listed(recording.tags),
                recording.label.to_owned(),
            ]
        };
        table(TITLES, &self.recordings.iter().map(row).collect::<Vec<_>>())
    }
}

impl<'a> RecordingListing<'a> {
    fn new(entry: &'a RecordingEntry) -> Self {
        let (status, detail) = match &entry.status {
            Status::New => ("new", None),
            Status::PartlyDone => ("partly done", None),
            Status::Done(model) => ("done", Some(model.as_str())),
            Status::Failed(line) => ("failed", Some(line.as_str())),
            Status::Missing => ("missing", None),
        };
        let metadata = entry.metadata.iter().map(|(column, value)| ColumnListing { column, value });
        let related = entry.related.iter().map(|related| RelatedListing {
            id: related.id.0,
            label: &related.label,
            path: related.path.display().to_string(),
            similarity: rounded(related.similarity),
        });
        Self {
            id: entry.id.0,
            path: entry.path.display().to_string(),
            label: &entry.label,
            n_bytes: entry.n_bytes,
            duration_secs: entry.duration.map(|duration| rounded(duration.0)),
            modified_unix_secs: entry.modified_secs,
            status,
            detail,
            speakers: &entry.speakers,
            sound: entry.features,
            related: related.collect(),
            tags: &entry.tags,
            note: &entry.note,
            metadata: metadata.collect(),
            edited: entry.is_edited,
        }
    }
}

/// What is printed of passages that were found, best first.
#[derive(Serialize)]
pub(super) struct HitsListing<'a> {
    hits: Vec<HitListing<'a>>,
}

#[derive(Serialize)]
struct HitListing<'a> {
    recording: i64,
    label: &'a str,
    path: String,
    segment: usize,
    /// `null` where words have no times.
    word: Option<usize>,
    at_secs: f64,
    /// `null` where nobody is known to speak.
    speaker: Option<&'a str>,
    text: &'a str,
    /// Where the words are in the text, as ranges of its bytes in UTF-8.
    found: &'a [(usize, usize)],
}

impl<'a> HitsListing<'a> {
    pub(super) fn new(hits: &'a [Hit]) -> Self {
        let listing = |hit: &'a Hit| HitListing {
            recording: hit.recording.0,
            label: &hit.label,
            path: hit.path.display().to_string(),
            segment: hit.segment_idx,
            word: hit.word_idx,
            at_secs: rounded(hit.at.0),
            speaker: hit.speaker.as_deref(),
            text: &hit.text,
            found: &hit.found,
        };
        Self { hits: hits.iter().map(listing).collect() }
    }

    /// The same for people: a line for each passage.
    pub(super) fn lines(&self) -> String {
        let mut text = String::new();
        for HitListing { recording, label, at_secs, speaker, text: said, .. } in &self.hits {
            let who = speaker.map(|speaker| format!("{speaker}: ")).unwrap_or_default();
            let line = format!("{recording} {label} [{}] {who}{}", Seconds(*at_secs), said.trim());
            writeln!(text, "{}", without_controls(&line)).expect("a string takes all that is written");
        }
        text
    }
}

/// What is printed of folders that are looked after.
#[derive(Serialize)]
pub(super) struct FoldersListing {
    folders: Vec<FolderListing>,
}

#[derive(Serialize)]
struct FolderListing {
    path: String,
    new_files: &'static str,
    n_recordings: usize,
}

impl FoldersListing {
    pub(super) fn new(folders: &[WatchedFolder]) -> Self {
        let listing = |folder: &WatchedFolder| FolderListing {
            path: folder.path.display().to_string(),
            new_files: match folder.new_files {
                NewFiles::List => "listed",
                NewFiles::Transcribe => "transcribed",
            },
            n_recordings: folder.n_recordings,
        };
        Self { folders: folders.iter().map(listing).collect() }
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        const TITLES: [(&str, Side); 3] =
            [("folder", Side::Left), ("recordings", Side::Right), ("new ones are", Side::Left)];
        let row = |folder: &FolderListing| {
            [folder.path.clone(), folder.n_recordings.to_string(), folder.new_files.to_owned()]
        };
        table(TITLES, &self.folders.iter().map(row).collect::<Vec<_>>())
    }
}

/// What is printed of jobs of the past, newest first.
#[derive(Serialize)]
pub(super) struct JobsListing<'a> {
    /// By what share of their time the estimates were wrong for half of those jobs that computed nearly everything;
    /// `null` where there are none.
    median_estimate_error: Option<f64>,
    jobs: Vec<JobListing<'a>>,
}

#[derive(Serialize)]
struct JobListing<'a> {
    recording: i64,
    started_unix_secs: i64,
    model: &'a str,
    settings: &'a str,
    audio_secs: f64,
    /// What was said before it began; `null` where nothing was.
    estimate_secs: Option<f64>,
    total_secs: f64,
    stages: Vec<StageListing<'a>>,
    reused: f64,
    /// `null` where words have none.
    mean_confidence: Option<f64>,
    outcome: &'a str,
}

#[derive(Serialize)]
struct StageListing<'a> {
    stage: &'a str,
    secs: f64,
}

impl<'a> JobsListing<'a> {
    pub(super) fn new(jobs: &'a [JobRecord]) -> Self {
        let stages = |job: &'a JobRecord| -> Vec<StageListing<'a>> {
            let stage = |(stage, took): &'a (String, Seconds)| StageListing { stage, secs: rounded(took.0) };
            job.stages.iter().map(stage).collect()
        };
        let listing = |job: &'a JobRecord| JobListing {
            recording: job.recording.0,
            started_unix_secs: job.started_secs,
            model: &job.model,
            settings: &job.settings,
            audio_secs: rounded(job.audio.0),
            estimate_secs: job.estimate.map(|estimate| rounded(estimate.0)),
            total_secs: rounded(job.total.0),
            stages: stages(job),
            reused: rounded(f64::from(job.reused_fraction)),
            mean_confidence: job.mean_confidence.map(rounded),
            outcome: &job.outcome,
        };
        let median_estimate_error = median_error(jobs).map(rounded);
        Self { median_estimate_error, jobs: jobs.iter().map(listing).collect() }
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        const TITLES: [(&str, Side); 9] = [
            ("date", Side::Left),
            ("no", Side::Right),
            ("model", Side::Left),
            ("length", Side::Right),
            ("estimate", Side::Right),
            ("took", Side::Right),
            ("known", Side::Right),
            ("confidence", Side::Right),
            ("outcome", Side::Left),
        ];
        let row = |job: &JobListing<'_>| {
            [
                Day::of_secs(job.started_unix_secs).to_string(),
                job.recording.to_string(),
                job.model.to_owned(),
                Seconds(job.audio_secs).to_string(),
                job.estimate_secs.map_or_else(|| NOTHING.to_owned(), |secs| format!("{secs:.1} s")),
                format!("{:.1} s", job.total_secs),
                percent(job.reused),
                job.mean_confidence.map_or_else(|| NOTHING.to_owned(), percent),
                job.outcome.to_owned(),
            ]
        };
        table(TITLES, &self.jobs.iter().map(row).collect::<Vec<_>>())
    }
}

/// The median of the errors of estimates as shares of the time that was taken.
fn median_error(jobs: &[JobRecord]) -> Option<f64> {
    let is_whole =
        |job: &&JobRecord| job.outcome == "done" && job.reused_fraction <= MAX_REUSED_FRACTION && job.total.0 > 0.0;
    let error = |job: &JobRecord| Some((job.estimate?.0 - job.total.0).abs() / job.total.0);
    let mut errors: Vec<f64> = jobs.iter().filter(is_whole).filter_map(error).collect();
    errors.sort_by(f64::total_cmp);
    errors.get(errors.len() / 2).copied()
}

/// What is printed of the versions of a transcript, newest first.
#[derive(Serialize)]
pub(super) struct VersionsListing<'a> {
    versions: Vec<VersionListing<'a>>,
}

#[derive(Serialize)]
struct VersionListing<'a> {
    /// What `--restore` calls it; 0 is the newest one as it was transcribed.
    version: usize,
    changed_unix_secs: i64,
    model: &'a str,
    changes: usize,
    words: usize,
}

impl<'a> VersionsListing<'a> {
    pub(super) fn new(versions: &'a [TranscriptVersion]) -> Self {
        let listing = |version: &'a TranscriptVersion| VersionListing {
            version: version.number,
            changed_unix_secs: version.at_secs,
            model: &version.model,
            changes: version.n_changes,
            words: version.n_words,
        };
        Self { versions: versions.iter().map(listing).collect() }
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        const TITLES: [(&str, Side); 5] = [
            ("version", Side::Right),
            ("date", Side::Left),
            ("changes", Side::Right),
            ("words", Side::Right),
            ("model", Side::Left),
        ];
        let row = |version: &VersionListing<'_>| {
            [
                version.version.to_string(),
                Day::of_secs(version.changed_unix_secs).to_string(),
                version.changes.to_string(),
                version.words.to_string(),
                version.model.to_owned(),
            ]
        };
        table(TITLES, &self.versions.iter().map(row).collect::<Vec<_>>())
    }
}

fn length(secs: Option<f64>) -> String {
    secs.map_or_else(|| NOTHING.to_owned(), |secs| Seconds(secs).to_string())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { NOTHING.to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::model_watch::json;
    use crate::engine::library::{RecordingId, RelatedRecording};

    fn entry(id: i64, status: Status) -> RecordingEntry {
        RecordingEntry {
            id: RecordingId(id),
            path: "/m/board.wav".into(),
            label: "board\n1".to_owned(),
            n_bytes: 9,
            duration: Some(Seconds(61.25)),
            modified_secs: 19_846 * 86_400,
            status,
            speakers: vec!["Ana".to_owned(), "SPEAKER_01".to_owned()],
            tags: Vec::new(),
            note: "n".to_owned(),
            metadata: vec![("room".to_owned(), "4".to_owned())],
            is_edited: true,
            features: None,
            related: Vec::new(),
        }
    }

    #[test]
    fn recordings_are_listed_with_what_became_of_them() {
        let failed = RecordingEntry {
            duration: None,
            speakers: Vec::new(),
            is_edited: false,
            features: Some(SoundFeatures {
                loudness_lufs: Some(-23.5),
                noise_dbfs: None,
                snr_db: None,
                speech_share: 1.0,
            }),
            related: vec![RelatedRecording {
                id: RecordingId(3),
                label: "b".to_owned(),
                path: "/m/b.wav".into(),
                similarity: 0.9756,
            }],
            ..entry(12, Status::Failed("no sound".to_owned()))
        };
        let page = Page { entries: vec![entry(3, Status::Done("demo".to_owned())), failed], n_in_all: 7 };
        let listing = RecordingsListing::new(&page);
        let expected = "\
no  date        length  status              speakers         tags  recording
 3  2024-05-03    1:01  done: demo, edited  Ana, SPEAKER_01  -     board\\n1
12  2024-05-03       -  failed: no sound    -                -     board\\n1
";
        assert_eq!(listing.table(), expected);
        let listed = json(&listing).expect("numbers and names");
        for part in [
            r#"{"n_in_all":7,"recordings":[{"id":3,"path":"/m/board.wav","label":"board\n1","n_bytes":9,"#,
            r#""duration_secs":61.25,"modified_unix_secs":1714694400,"status":"done","detail":"demo","#,
            r#""sound":null,"related":[],"tags":[],"note":"n","metadata":[{"column":"room","value":"4"}],"edited":true},"#,
            r#""sound":{"loudness_lufs":-23.5,"noise_dbfs":null,"snr_db":null,"speech_share":1.0},"#,
            r#""related":[{"id":3,"label":"b","path":"/m/b.wav","similarity":0.976}],"tags":[]"#,
        ] {
            assert!(listed.contains(part), "no {part} in {listed}");
        }
    }

    #[test]
    fn a_passage_is_a_line() {
        let hit = Hit {
            recording: RecordingId(3),
            label: "board".to_owned(),
            path: "/m/board.wav".into(),
            segment_idx: 4,
            word_idx: Some(1),
            at: Seconds(2590.5),
            speaker: Some("Ana".to_owned()),
            text: " The budget.".to_owned(),
            found: vec![(5, 11)],
        };
        let hits = [Hit { speaker: None, ..hit.clone() }, hit];
        let listing = HitsListing::new(&hits);
        assert_eq!(listing.lines(), "3 board [43:10] The budget.\n3 board [43:10] Ana: The budget.\n");
        let listed = json(&listing).expect("numbers and names");
        let part = r#""segment":4,"word":1,"at_secs":2590.5,"speaker":"Ana","text":" The budget.","found":[[5,11]]}]}"#;
        assert!(listed.contains(part), "no {part} in {listed}");
    }

    #[test]
    fn folders_and_jobs_are_tables() {
        let folder = WatchedFolder { path: "/m".into(), new_files: NewFiles::Transcribe, n_recordings: 4 };
        let expected = "folder  recordings  new ones are\n/m               4  transcribed\n";
        assert_eq!(FoldersListing::new(&[folder]).table(), expected);
        let job = JobRecord {
            recording: RecordingId(3),
            started_secs: 19_846 * 86_400 + 5,
            model: "demo".to_owned(),
            settings: "en".to_owned(),
            audio: Seconds(61.0),
            stages: vec![("Transcribing".to_owned(), Seconds(1.5))],
            total: Seconds(2.5),
            reused_fraction: 0.5,
            mean_confidence: None,
            outcome: "done".to_owned(),
            manifest: None,
            estimate: Some(Seconds(5.0)),
        };
        let jobs = [job];
        let listing = JobsListing::new(&jobs);
        let expected = "\
date        no  model  length  estimate   took  known  confidence  outcome
2024-05-03   3  demo     1:01     5.0 s  2.5 s   50 %           -  done
";
        assert_eq!(listing.table(), expected);
        let listed = json(&listing).expect("numbers and names");
        let part =
            r#""stages":[{"stage":"Transcribing","secs":1.5}],"reused":0.5,"mean_confidence":null,"outcome":"done"}"#;
        assert!(listed.contains(part), "no {part} in {listed}");
        assert!(listed.contains(r#""estimate_secs":5.0,"total_secs":2.5"#), "{listed}");

        // How good estimates are, those jobs say that computed all.
        let [known] = jobs;
        let whole = |estimate_secs: Option<f64>| JobRecord {
            reused_fraction: 0.0,
            estimate: estimate_secs.map(Seconds),
            ..known.clone()
        };
        for (jobs, expected) in [
            (vec![known.clone()], None),
            (vec![whole(None)], None),
            (vec![known.clone(), whole(Some(5.0))], Some(1.0)),
            (vec![whole(Some(5.0)), whole(Some(2.5)), whole(Some(2.0))], Some(0.2)),
        ] {
            assert_eq!(JobsListing::new(&jobs).median_estimate_error, expected, "{jobs:?}");
        }
    }

    #[test]
    fn versions_are_a_table() {
        let version = |number, n_changes| TranscriptVersion {
            number,
            model: "demo".to_owned(),
            at_secs: 19_846 * 86_400,
            n_changes,
            n_words: 120,
        };
        let versions = [version(2, 31), version(0, 0)];
        let listing = VersionsListing::new(&versions);
        let expected = "\
version  date        changes  words  model
      2  2024-05-03       31    120  demo
      0  2024-05-03        0    120  demo
";
        assert_eq!(listing.table(), expected);
        let listed = json(&listing).expect("numbers and names");
        let part = r#"{"version":2,"changed_unix_secs":1714694400,"model":"demo","changes":31,"words":120}"#;
        assert!(listed.contains(part), "no {part} in {listed}");
    }
}
