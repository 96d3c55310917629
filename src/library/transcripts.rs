//! The transcripts in the database: what the job gave, what the user made of it, and the changes in between. Nothing
//! that the user changed is ever overwritten by a job: it is put among the earlier transcripts first.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::transcript::Transcript;
use crate::transcript::edit::Change;

use super::entry::{RecordingId, Status};
use super::error::{LibraryError, failed};
use super::packed::{pack, unpack};
use super::schema::writing;
use super::{Library, recordings};

/// A transcript that was changed longer ago than this is kept as it was before it is changed again: those changes can
/// hardly be taken back any more.
const PAUSE_SECS: i64 = 6 * 3600;

/// A transcript as a job gave it, and as the user left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTranscript {
    /// The model.
    pub model: String,
    /// When it was made, in seconds since 1970.
    pub made_secs: i64,
    /// What the job gave.
    pub original: Transcript,
    /// What the user made of it, where they changed anything.
    pub current: Option<Transcript>,
    /// The changes that led from the one to the other, oldest first.
    pub changes: Vec<Change>,
    /// When they last changed it, in seconds since 1970, where that is known.
    #[serde(default)]
    pub saved_secs: Option<i64>,
}

impl KeptTranscript {
    /// Whether the user changed it, and not just now.
    fn is_left(&self, now_secs: i64) -> bool {
        let is_old = |saved_secs: i64| now_secs.saturating_sub(saved_secs) > PAUSE_SECS;
        self.current.is_some() && self.saved_secs.is_none_or(is_old)
    }

    /// Whether both say the same, as the job gave it and as the user left it.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.original == other.original && self.current == other.current
    }
}

/// A transcript as the user left it.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestTranscript {
    /// The transcript.
    pub transcript: Transcript,
    /// How many of the user's changes are in it.
    pub n_changes: usize,
}

/// What became of a transcript that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is the first of its recording.
    New,
    /// The job gave the same before; the user's changes are untouched.
    Same,
    /// It took the place of another, which nobody had changed.
    Replaced,
    /// It took the place of one that the user had changed, which is among the earlier ones now.
    ReplacedEdited,
}

impl Library {
    /// Keeps what a job gave, with the model that made it, and marks the recording as done. Where the last job gave the
    /// same, the user's changes to it stay.
    pub fn keep_transcript(
        &mut self,
        id: RecordingId,
        transcript: &Transcript,
        model: &str,
    ) -> Result<Kept, LibraryError> {
        let failed = || failed("keep the transcript", &self.path);
        let packed = pack(transcript).map_err(|error| unkeepable(&error))?;
        let changes = pack::<[Change]>(&[]).map_err(|error| unkeepable(&error))?;
        let transaction = writing(&mut self.connection).map_err(failed())?;
        if !recordings::exists(&transaction, id).map_err(failed())? {
            return Err(LibraryError::NoRecording(id.0));
        }
        let before = read_if_intact(&transaction, &self.path, id)?;
        let kept = match &before {
            None => Kept::New,
            Some(before) if before.original == *transcript => Kept::Same,
            Some(before) if before.current.is_some() => Kept::ReplacedEdited,
            Some(_) => Kept::Replaced,
        };
        // One that was restored is among the earlier ones already.
        if let (Kept::ReplacedEdited, Some(before)) = (kept, &before) {
            keep_beside(&transaction, &self.path, id, before)?;
        }
        let keep = || -> rusqlite::Result<()> {
            if kept == Kept::Same {
                transaction.execute("UPDATE transcripts SET model = ?2 WHERE recording = ?1", params![id.0, model])?;
            } else {
                transaction.execute(
                    "INSERT OR REPLACE INTO transcripts VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, NULL, ?6, NULL)",
                    params![id.0, newest_revision(&transaction)? + 1, model, now_secs(), packed, changes],
                )?;
                recordings::set_speakers(&transaction, id, transcript)?;
            }
            recordings::set_status(&transaction, id, &Status::Done(model.to_owned()))?;
            transaction.execute(
                "UPDATE recordings SET duration_secs = ?2 WHERE id = ?1 AND ?2 > 0",
                params![id.0, transcript.duration.0],
            )?;
            Ok(())
        };
        keep().and_then(|()| transaction.commit()).map_err(failed())?;
        Ok(kept)
    }

    /// Keeps the transcript as the user changed it, with the changes that led to it from what the job gave. Without
    /// changes to what the job gave, it is not edited any more. What the user left long ago is put among the earlier
    /// transcripts first.
    pub fn save(&mut self, id: RecordingId, transcript: &Transcript, changes: &[Change]) -> Result<(), LibraryError> {
        let failed = || failed("save the transcript", &self.path);
        let packed = pack(transcript).map_err(|error| unkeepable(&error))?;
        let transaction = writing(&mut self.connection).map_err(failed())?;
        if !recordings::exists(&transaction, id).map_err(failed())? {
            return Err(LibraryError::NoRecording(id.0));
        }
        let before = read_if_intact(&transaction, &self.path, id)?;
        let is_edited = before.as_ref().is_some_and(|before| before.original != *transcript);
        let changes = if is_edited { changes } else { &[] };
        let packed_changes = pack(changes).map_err(|error| unkeepable(&error))?;
        let now_secs = now_secs();
        let left =
            before.as_ref().filter(|before| before.is_left(now_secs) && before.current.as_ref() != Some(transcript));
        if let Some(left) = left {
            keep_beside(&transaction, &self.path, id, left)?;
        }
        let save = || -> rusqlite::Result<()> {
            let revision = newest_revision(&transaction)? + 1;
            if before.is_some() {
                transaction.execute(
                    "UPDATE transcripts SET revision = ?2, n_changes = ?3, is_edited = ?4, current = ?5, changes = ?6,
                         saved_secs = ?7
                     WHERE recording = ?1",
                    params![
                        id.0,
                        revision,
                        changes.len() as i64,
                        is_edited,
                        is_edited.then_some(&packed),
                        packed_changes,
                        is_edited.then_some(now_secs),
                    ],
                )?;
            } else {
                // The job was not seen here: what it gave is not known better than this.
                transaction.execute(
                    "INSERT OR REPLACE INTO transcripts VALUES (?1, ?2, '', ?3, 0, 0, ?4, NULL, ?5, NULL)",
                    params![id.0, revision, now_secs, packed, packed_changes],
                )?;
            }
            recordings::set_speakers(&transaction, id, transcript)
        };
        save().and_then(|()| transaction.commit()).map_err(failed())
    }

    /// The transcript of a recording, as the user left it.
    pub fn latest_transcript(&self, id: RecordingId) -> Result<Option<LatestTranscript>, LibraryError> {
        latest(&self.connection, &self.path, id)
    }

    /// The transcript of a recording, as the job gave it and as the user left it.
    pub fn transcript(&self, id: RecordingId) -> Result<Option<KeptTranscript>, LibraryError> {
        read(&self.connection, &self.path, id)
    }

    /// Transcripts that the user had changed before a job gave another, or that an import brought beside one that was
    /// there; oldest first.
    pub fn earlier_transcripts(&self, id: RecordingId) -> Result<Vec<KeptTranscript>, LibraryError> {
        earlier_each(&self.connection, &self.path, id)?.into_iter().collect()
    }
}

/// The number of the last change to any transcript.
pub(super) fn newest_revision(connection: &Connection) -> rusqlite::Result<i64> {
    const SQL: &str = "SELECT max((SELECT coalesce(max(revision), 0) FROM transcripts),
                                  (SELECT coalesce(max(revision), 0) FROM removals))";
    connection.prepare_cached(SQL)?.query_row([], |row| row.get(0))
}

/// The changes after one, as revision and recording, in their order.
pub(super) fn revised_after(connection: &Connection, revision: i64) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, recording FROM transcripts WHERE revision > ?1
         UNION ALL SELECT revision, recording FROM removals WHERE revision > ?1 ORDER BY revision",
    )?;
    let revised = statement.query_map([revision], |row| Ok((row.get(0)?, row.get(1)?)))?;
    revised.collect()
}

/// See [`Library::latest_transcript`].
pub(super) fn latest(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
) -> Result<Option<LatestTranscript>, LibraryError> {
    const SQL: &str = "SELECT coalesce(current, original), n_changes FROM transcripts WHERE recording = ?1";
    let look = || -> rusqlite::Result<Option<(Vec<u8>, usize)>> {
        let mut statement = connection.prepare_cached(SQL)?;
        let row = statement.query_row([id.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize)));
        row.optional()
    };
    let Some((packed, n_changes)) = look().map_err(failed("read the transcript", path))? else { return Ok(None) };
    Ok(Some(LatestTranscript { transcript: unpacked(&packed, id)?, n_changes }))
}

/// See [`Library::transcript`].
pub(super) fn read(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
) -> Result<Option<KeptTranscript>, LibraryError> {
    const SQL: &str =
        "SELECT model, made_secs, original, current, changes, saved_secs FROM transcripts WHERE recording = ?1";
    read_each(connection, path, id, SQL)?.pop().transpose()
}

/// The same; one that cannot be read is as good as none, so that another can take its place.
pub(super) fn read_if_intact(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
) -> Result<Option<KeptTranscript>, LibraryError> {
    match read(connection, path, id) {
        Err(LibraryError::DamagedTranscript { .. }) => Ok(None),
        read => read,
    }
}

/// See [`Library::earlier_transcripts`]: each, or why it cannot be read.
pub(super) fn earlier_each(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
) -> Result<Vec<Result<KeptTranscript, LibraryError>>, LibraryError> {
    const SQL: &str = "SELECT model, made_secs, original, current, changes, saved_secs FROM earlier_transcripts
                       WHERE recording = ?1 ORDER BY id";
    read_each(connection, path, id, SQL)
}

/// Puts a transcript among the earlier ones of its recording, unless one of them says the same. Returns which it is of
/// them, counted from 1.
pub(super) fn keep_beside(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
    transcript: &KeptTranscript,
) -> Result<usize, LibraryError> {
    let known = earlier_each(connection, path, id)?;
    let says_the_same = |known: &Result<KeptTranscript, LibraryError>| {
        known.as_ref().is_ok_and(|known| known.says_the_same(transcript))
    };
    if let Some(idx) = known.iter().position(says_the_same) {
        return Ok(idx + 1);
    }
    add_earlier(connection, path, id, transcript)?;
    Ok(known.len() + 1)
}

/// Puts a transcript from elsewhere among the earlier ones of a recording.
pub(super) fn add_earlier(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
    transcript: &KeptTranscript,
) -> Result<(), LibraryError> {
    const SQL: &str = "INSERT INTO earlier_transcripts
                           (recording, model, made_secs, original, current, changes, saved_secs)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let packed = PackedTranscript::of(transcript)?;
    let KeptTranscript { model, made_secs, saved_secs, .. } = transcript;
    let values = params![id.0, model, made_secs, packed.original, packed.current, packed.changes, saved_secs];
    connection.execute(SQL, values).map(drop).map_err(failed("keep the transcript", path))
}

/// Makes a transcript from elsewhere that of a recording.
pub(super) fn put(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
    transcript: &KeptTranscript,
) -> Result<(), LibraryError> {
    const SQL: &str = "INSERT OR REPLACE INTO transcripts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let packed = PackedTranscript::of(transcript)?;
    let put = || -> rusqlite::Result<()> {
        let values = params![
            id.0,
            newest_revision(connection)? + 1,
            transcript.model,
            transcript.made_secs,
            transcript.changes.len() as i64,
            transcript.current.is_some(),
            packed.original,
            packed.current,
            packed.changes,
            transcript.saved_secs,
        ];
        connection.execute(SQL, values)?;
        recordings::set_speakers(connection, id, transcript.current.as_ref().unwrap_or(&transcript.original))
    };
    put().map_err(failed("keep the transcript", path))
}

struct PackedTranscript {
    original: Vec<u8>,
    current: Option<Vec<u8>>,
    changes: Vec<u8>,
}

impl PackedTranscript {
    fn of(transcript: &KeptTranscript) -> Result<Self, LibraryError> {
        Ok(Self {
            original: pack(&transcript.original).map_err(|error| unkeepable(&error))?,
            current: transcript.current.as_ref().map(pack).transpose().map_err(|error| unkeepable(&error))?,
            changes: pack(&transcript.changes).map_err(|error| unkeepable(&error))?,
        })
    }
}

/// A transcript as the database has it: model, time, original, current, changes, time of the last of them.
type Columns = (String, i64, Vec<u8>, Option<Vec<u8>>, Vec<u8>, Option<i64>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn read_each(
    connection: &Connection,
    path: &Path,
    id: RecordingId,
    sql: &str,
) -> Result<Vec<Result<KeptTranscript, LibraryError>>, LibraryError> {
    let look = || -> rusqlite::Result<Vec<Columns>> {
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([id.0], columns)?;
        rows.collect()
    };
    let rows = look().map_err(failed("read the transcript", path))?;
    let kept = rows.into_iter().map(|(model, made_secs, original, current, changes, saved_secs)| {
        Ok(KeptTranscript {
            model,
            made_secs,
            original: unpacked(&original, id)?,
            current: current.map(|current| unpacked(&current, id)).transpose()?,
            changes: unpacked(&changes, id)?,
            saved_secs,
        })
    });
    Ok(kept.collect())
}

fn unpacked<T: DeserializeOwned>(bytes: &[u8], id: RecordingId) -> Result<T, LibraryError> {
    unpack(bytes).map_err(|reason| LibraryError::DamagedTranscript { recording: id.0, reason })
}

fn unkeepable(error: &std::io::Error) -> LibraryError {
    LibraryError::Unkeepable(error.to_string())
}

fn now_secs() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
