//! What the library keeps and what it is asked, as plain values: recordings and their order, passages, folders, jobs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::transcript::manifest::Manifest;
use crate::units::Seconds;

/// Number of a recording in the library; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordingId(pub i64);

/// What to do with a recording that appears in a watched folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewFiles {
    /// List it.
    #[default]
    List,
    /// List it and have it transcribed: the window is told of it.
    Transcribe,
}

/// Which recordings are wanted, in what order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// How many come before the first one wanted.
    pub offset: usize,
    /// How many are wanted at most.
    pub limit: usize,
    /// Their order.
    pub order: ListOrder,
    /// Only those whose label, path, tags or speakers contain this; empty for all.
    pub text: String,
    /// Only those in a folder.
    pub folder: Option<PathBuf>,
}

/// An order of recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListOrder {
    /// Newest first, by the time of the file.
    #[default]
    Date,
    /// By folder, then by name.
    Folder,
    /// By label.
    Name,
    /// Longest first.
    Duration,
}

/// A recording of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingEntry {
    /// Its number.
    pub id: RecordingId,
    /// The file.
    pub path: PathBuf,
    /// What it is called: from the metadata of its folder, else the name of its file without extension.
    pub label: String,
    /// Size of the file.
    pub n_bytes: u64,
    /// Its length, once known.
    pub duration: Option<Seconds>,
    /// When the file was last changed, in seconds since 1970.
    pub modified_secs: i64,
    /// What became of it.
    pub status: Status,
    /// Names, or else labels, of those who speak in it.
    pub speakers: Vec<String>,
    /// The user's tags,
    pub tags: Vec<String>,
    /// and note.
    pub note: String,
    /// What `*_metadata.csv` in its folder says of it, in the order of the columns. Columns that say the same of all
    /// recordings of the folder, and those that repeat the name of the file, are left out.
    pub metadata: Vec<(String, String)>,
    /// Whether the user changed its transcript.
    pub is_edited: bool,
    /// What it sounds like, once a job has found out.
    pub features: Option<SoundFeatures>,
    /// Others that may be the same or a part of it in another form, by what they sound like; the most similar first.
    pub related: Vec<RelatedRecording>,
}

/// What a recording sounds like, in numbers. What is `None` cannot be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundFeatures {
    /// Integrated loudness, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// Level of the noise between speech, in dB below full scale.
    pub noise_dbfs: Option<f64>,
    /// By how much speech is louder, in dB.
    pub snr_db: Option<f64>,
    /// Share of the time in which somebody speaks, 0 to 1.
    pub speech_share: f64,
}

/// A recording that sounds like another.
#[derive(Clone, Debug, PartialEq)]
pub struct RelatedRecording {
    /// Its number.
    pub id: RecordingId,
    /// What it is called,
    pub label: String,
    /// and its file.
    pub path: PathBuf,
    /// How alike they are, 0 to 1.
    pub similarity: f64,
}

/// What became of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing yet.
    New,
    /// A job began and did not end; the next one goes on where it stopped.
    PartlyDone,
    /// It has a transcript, made with this model.
    Done(String),
    /// The last job failed with this line.
    Failed(String),
    /// The file is not where it was; its transcript is kept.
    Missing,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    /// Words, all of which a passage must have; `"several words"` in this order; the last word may be the beginning
    /// of one.
    pub words: String,
    /// Only what this speaker said; empty for all.
    pub speaker: String,
    /// Only recordings in a folder.
    pub folder: Option<PathBuf>,
    /// Only recordings of files changed from this moment on, in seconds since 1970,
    pub from_secs: Option<i64>,
    /// and before this one.
    pub until_secs: Option<i64>,
    /// How many hits at most.
    pub limit: usize,
}

/// A passage that was looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The recording.
    pub recording: RecordingId,
    /// What it is called,
    pub label: String,
    /// and its file.
    pub path: PathBuf,
    /// Index of the segment in its transcript,
    pub segment_idx: usize,
    /// and of the first word found in it, where its words have times.
    pub word_idx: Option<usize>,
    /// When that is said.
    pub at: Seconds,
    /// Name, or else label, of who says it.
    pub speaker: Option<String>,
    /// The passage,
    pub text: String,
    /// and where in it the words found lie, as ranges of bytes, in order.
    pub found: Vec<(usize, usize)>,
}

/// A folder that is looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedFolder {
    /// The folder.
    pub path: PathBuf,
    /// What is done with new files.
    pub new_files: NewFiles,
    /// Recordings found in it.
    pub n_recordings: usize,
}

/// A job of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The recording.
    pub recording: RecordingId,
    /// When it began, in seconds since 1970.
    pub started_secs: i64,
    /// The model.
    pub model: String,
    /// What it was asked, in words.
    pub settings: String,
    /// Length of the recording.
    pub audio: Seconds,
    /// Time of each stage by its label,
    pub stages: Vec<(String, Seconds)>,
    /// and of the job.
    pub total: Seconds,
    /// Share of the work that was known already, 0 to 1.
    pub reused_fraction: f32,
    /// Mean confidence of the words, 0 to 1, where they have one.
    pub mean_confidence: Option<f64>,
    /// How it ended: `done`, `cancelled`, or the line of the error.
    pub outcome: String,
    /// What its transcript was made of, where that is known: without the marks of words, for those the transcript gives.
    #[serde(default)]
    pub manifest: Option<Box<Manifest>>,
    /// How long it was to take, as it was said before it began, where it was.
    #[serde(default)]
    pub estimate: Option<Seconds>,
}

/// A transcript that is kept beside the newest one of its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptVersion {
    /// What it is called: 0 is the newest one as the job gave it; the others are counted from the oldest on, and keep
    /// their numbers.
    pub number: usize,
    /// The model that made it; empty where that is not known.
    pub model: String,
    /// When it was changed last or, where nobody changed it, made; in seconds since 1970.
    pub at_secs: i64,
    /// How many of the user's changes are in it.
    pub n_changes: usize,
    /// How many words it has.
    pub n_words: usize,
}
