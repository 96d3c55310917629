//! What the window and the command line ask of the library of recordings, and what they hear: plain values. The doing
//! is in `engine/shelf/`, the keeping in [`crate::library`].

use std::path::PathBuf;
use std::sync::Arc;

use crate::transcript::Transcript;
use crate::transcript::edit::Change;
use crate::units::Seconds;

use super::command::JobId;

pub use crate::audio::fingerprint::Likeness;
pub use crate::library::{
    Hit, JobRecord, ListOrder, ListRequest, NewFiles, RecordingEntry, RecordingId, RelatedRecording, SearchRequest,
    SoundFeatures, Status, TranscriptVersion, WatchedFolder,
};

/// How long a job will take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The time.
    pub time: Seconds,
    /// How it is meant.
    pub bound: Bound,
}

/// How a time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It will be about so long.
    About,
    /// It may be shorter, for some of the work may be done already.
    AtMost,
}

/// A time as one says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoughTime {
    /// Seconds, in steps of five.
    Seconds(u64),
    /// Minutes.
    Minutes(u64),
    /// Hours, and minutes in steps of five.
    Hours(u64, u64),
}

impl Estimate {
    /// How long all of these take together; `None` where there are none.
    pub fn sum(estimates: impl IntoIterator<Item = Self>) -> Option<Self> {
        estimates.into_iter().reduce(|one, other| Self {
            time: Seconds(one.time.0 + other.time.0),
            bound: if one.bound == Bound::AtMost { Bound::AtMost } else { other.bound },
        })
    }
}

impl RoughTime {
    /// The time as one says it; never nothing.
    pub fn of(time: Seconds) -> Self {
        let in_steps = |n: f64, step: u64| (n / step as f64).round() as u64 * step;
        let secs = time.0.max(0.0);
        let (minutes, fives) = (in_steps(secs / 60.0, 1), in_steps(secs / 60.0, 5));
        if secs < 57.5 {
            Self::Seconds(in_steps(secs, 5).max(5))
        } else if minutes < 60 {
            Self::Minutes(minutes.max(1))
        } else {
            Self::Hours(fives / 60, fives % 60)
        }
    }
}

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
    /// Tell the versions of a transcript that can be restored.
    Versions(RecordingId),
    /// Make a version of a transcript the newest one. What was the newest is a version from then on.
    Restore {
        /// The recording.
        recording: RecordingId,
        /// The number of the version.
        version: usize,
    },
    /// Tell the newest jobs.
    Jobs {
        /// How many at most.
        limit: usize,
    },
    /// Tell the newest job of a recording that gave a transcript.
    LastJob(RecordingId),
}

impl LibraryCommand {
    /// Whether something would be lost if it were not carried out.
    pub(super) fn keeps_something(&self) -> bool {
        match self {
            Self::Save { .. }
            | Self::Describe { .. }
            | Self::Remove(_)
            | Self::Restore { .. }
            | Self::Watch(..)
            | Self::Unwatch(_) => true,
            Self::List(_)
            | Self::Open(_)
            | Self::Add(_)
            | Self::Search(_)
            | Self::Versions(_)
            | Self::Folders
            | Self::Jobs { .. }
            | Self::LastJob(_) => false,
        }
    }
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
    /// The versions of a transcript that can be restored, newest first.
    Versions {
        /// The recording.
        recording: RecordingId,
        /// The versions.
        versions: Vec<TranscriptVersion>,
    },
    /// A version of a transcript is the newest one.
    Restored {
        /// The recording.
        recording: RecordingId,
        /// Its transcript from now on.
        transcript: Arc<Transcript>,
        /// The user's changes that are in it, oldest first.
        changes: Vec<Change>,
        /// The number by which what it took the place of can be restored; `None` where that was the same.
        replaced: Option<usize>,
    },
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
    /// How long jobs will take that wait for their turn, as far as that can be told; once more when it is known better.
    /// Comes unasked.
    Estimated(Vec<(JobId, Estimate)>),
    /// The recording of a job is listed by another path than that which was given. Comes unasked.
    JobListed {
        /// The job.
        job: JobId,
        /// Where the recording really is.
        path: PathBuf,
    },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_one_says_them() {
        use RoughTime::{Hours, Minutes, Seconds as Secs};
        for (secs, expected) in [
            (-1.0, Secs(5)),
            (0.0, Secs(5)),
            (12.0, Secs(10)),
            (57.4, Secs(55)),
            (58.0, Minutes(1)),
            (89.0, Minutes(1)),
            (91.0, Minutes(2)),
            (3569.0, Minutes(59)),
            (3571.0, Hours(1, 0)),
            (2.0 * 3600.0 + 33.0 * 60.0, Hours(2, 35)),
            (2.0 * 3600.0 + 58.0 * 60.0, Hours(3, 0)),
        ] {
            assert_eq!(RoughTime::of(Seconds(secs)), expected, "{secs}");
        }
    }

    #[test]
    fn a_queue_takes_as_long_as_its_jobs() {
        let about = |secs| Estimate { time: Seconds(secs), bound: Bound::About };
        let at_most = |secs| Estimate { time: Seconds(secs), bound: Bound::AtMost };
        for (estimates, expected) in [
            (vec![], None),
            (vec![about(2.0)], Some(about(2.0))),
            (vec![about(2.0), about(3.0)], Some(about(5.0))),
            (vec![about(2.0), at_most(3.0), about(1.0)], Some(at_most(6.0))),
        ] {
            assert_eq!(Estimate::sum(estimates), expected);
        }
    }
}
