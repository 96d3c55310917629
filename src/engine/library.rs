//! What the window and the command line ask of the library of recordings, and what they hear: plain values. The doing
//! is in `engine/shelf/`, the keeping in [`crate::library`].

use std::path::PathBuf;
use std::sync::Arc;

use crate::transcript::Transcript;
use crate::transcript::edit::Change;

pub use crate::audio::fingerprint::Likeness;
pub use crate::library::{
    Hit, JobRecord, ListOrder, ListRequest, NewFiles, RecordingEntry, RecordingId, RelatedRecording, SearchRequest,
    SoundFeatures, Status, WatchedFolder,
};

/// What the library is asked. Every command is answered by exactly one event that is not said to come unasked.
#[derive(Clone, Debug)]
pub enum LibraryCommand {
    /// Tell a page of the recordings.
    List(ListRequest),
    /// Tell the transcript of a recording, as the user left it.
    Open(RecordingId),
    /// Put recordings into the library without a job: files, and all recordings below folders.
    Add(Vec<PathBuf>),
    /// Take a recording out of the library, with its transcript and its edits. The file stays.
    Remove(Vec<RecordingId>),
    /// Keep the transcript as the user changed it.
    Save {
        /// The recording.
        recording: RecordingId,
        /// All of it, after the change.
        transcript: Arc<Transcript>,
        /// The changes that led to it from what the job gave, oldest first; those that were taken back are not in it.
        changes: Vec<Change>,
    },
    /// Replace the tags and the note of a recording.
    Describe {
        /// The recording.
        recording: RecordingId,
        /// Its tags.
        tags: Vec<String>,
        /// Anything the user wants to remember.
        note: String,
    },
    /// Look for words in all transcripts.
    Search(SearchRequest),
    /// Look after a folder: its recordings are listed, and those that come are.
    Watch(PathBuf, NewFiles),
    /// Leave it alone. What was found in it stays listed.
    Unwatch(PathBuf),
    /// Tell the folders that are looked after.
    Folders,
    /// Tell the newest jobs.
    Jobs {
        /// How many at most.
        limit: usize,
    },
    /// Tell the newest job of a recording that gave a transcript.
    LastJob(RecordingId),
}

/// What the library tells.
#[derive(Clone, Debug)]
pub enum LibraryEvent {
    /// A page of the recordings, and how many there are in all.
    Listed {
        /// What was asked.
        request: ListRequest,
        /// The page.
        entries: Vec<RecordingEntry>,
        /// How many the request would give without its limit.
        n_in_all: usize,
    },
    /// A recording and its transcript, where it has one.
    Opened {
        /// The recording.
        entry: Box<RecordingEntry>,
        /// Its transcript as the user left it.
        transcript: Option<Arc<Transcript>>,
        /// The user's changes that are in it, oldest first.
        changes: Vec<Change>,
    },
    /// What was found, best first, and how many there are if there are more than were asked for.
    Found {
        /// What was asked.
        request: SearchRequest,
        /// The passages.
        hits: Vec<Hit>,
    },
    /// The folders that are looked after.
    Folders(Vec<WatchedFolder>),
    /// Jobs of the past, newest first.
    Jobs(Vec<JobRecord>),
    /// The newest job of a recording that gave a transcript.
    LastJob {
        /// The recording.
        recording: RecordingId,
        /// The job, where it is known.
        job: Option<Box<JobRecord>>,
        /// The hash of the recording's file as it is now, where it is known without reading all of it.
        file_hash: Option<String>,
    },
    /// It was done: one line that says what, empty where there is nothing to say.
    Done(String),
    /// It was not: one line that says what, why, and what to do.
    Failed(String),
    /// New recordings in a watched folder that are to be transcribed. Comes unasked.
    Arrived(Vec<PathBuf>),
    /// The recording of a job that ended sounds like others of the library, which its entry names. Nothing of them was
    /// used for it. Comes unasked, once.
    Related(Box<RecordingEntry>),
    /// The list is another one than before. Comes unasked, at most some times a second.
    Changed,
    /// Something the user should know. Comes unasked.
    Warning(String),
}
