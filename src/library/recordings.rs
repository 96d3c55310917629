//! The recordings in the database: pages of them, and single ones by number, path and content; tags and notes, what
//! became of them, and taking them out.

use std::path::{Path, PathBuf};

use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::ContentHash;
use crate::transcript::Transcript;
use crate::units::Seconds;

use super::entry::{ListOrder, ListRequest, RecordingEntry, RecordingId, Status};
use super::error::{LibraryError, failed};
use super::place::{Place, below};
use super::scan::FoundFile;
use super::schema::writing;
use super::transcripts::newest_revision;
use super::{Library, sounds};

/// Tags of a recording,
pub(super) const MAX_TAGS: usize = 100;
/// characters of one,
pub(super) const MAX_TAG_CHARS: usize = 100;
/// and of a note.
pub(super) const MAX_NOTE_CHARS: usize = 100_000;

impl Library {
    /// A page of the recordings, and how many there would be without its limit.
    pub fn list(&self, request: &ListRequest) -> Result<(Vec<RecordingEntry>, usize), LibraryError> {
        page(&self.connection, request).map_err(failed("list the recordings", &self.path))
    }

    /// A recording.
    pub fn entry(&self, id: RecordingId) -> Result<Option<RecordingEntry>, LibraryError> {
        entry(&self.connection, id.0).map_err(failed("read a recording", &self.path))
    }

    /// The recording of a file.
    pub fn find(&self, path: &Path) -> Result<Option<RecordingId>, LibraryError> {
        let Some(place) = Place::of(path) else { return Ok(None) };
        find(&self.connection, &place).map_err(failed("look for a recording", &self.path))
    }

    /// The recordings whose files have this content, as far as it is known, in the order of their numbers.
    pub fn find_by_content(&self, content: &ContentHash) -> Result<Vec<RecordingId>, LibraryError> {
        let look = || -> rusqlite::Result<Vec<RecordingId>> {
            let mut statement =
                self.connection.prepare_cached("SELECT id FROM recordings WHERE content = ?1 ORDER BY id")?;
            let ids = statement.query_map([content.as_bytes()], |row| row.get(0).map(RecordingId))?;
            ids.collect()
        };
        look().map_err(failed("look for a recording", &self.path))
    }

    /// Keeps the hash of a file's bytes, by which the file is found again where it was moved.
    pub fn set_content(&mut self, id: RecordingId, content: &ContentHash) -> Result<(), LibraryError> {
        self.update(id, |connection| {
            connection.execute("UPDATE recordings SET content = ?2 WHERE id = ?1", params![id.0, content.as_bytes()])
        })
    }

    /// The same, unless the file is not any more what it was when it was listed. Returns whether it was kept.
    pub fn set_content_of(
        &mut self,
        id: RecordingId,
        file: &FoundFile,
        content: &ContentHash,
    ) -> Result<bool, LibraryError> {
        let kept = self.connection.execute(
            "UPDATE recordings SET content = ?2 WHERE id = ?1 AND n_bytes = ?3 AND modified_ns = ?4",
            params![id.0, content.as_bytes(), file.n_bytes as i64, file.modified_ns],
        );
        kept.map(|n_kept| n_kept > 0).map_err(failed("change a recording", &self.path))
    }

    /// The recordings with tags or a note whose content is not known: they would lose those if their files were moved.
    pub fn described_without_content(&self) -> Result<Vec<RecordingId>, LibraryError> {
        let look = || -> rusqlite::Result<Vec<i64>> {
            let sql = "SELECT id FROM recordings
                       WHERE content IS NULL AND is_missing = 0 AND (tags != '[]' OR note != '') ORDER BY id";
            ids(&self.connection, sql, &[])
        };
        let found = look().map_err(failed("look for a recording", &self.path))?;
        Ok(found.into_iter().map(RecordingId).collect())
    }

    /// Keeps the length of a recording.
    pub fn set_duration(&mut self, id: RecordingId, duration: Seconds) -> Result<(), LibraryError> {
        self.update(id, |connection| {
            connection.execute("UPDATE recordings SET duration_secs = ?2 WHERE id = ?1", params![id.0, duration.0])
        })
    }

    /// Keeps what became of a recording.
    pub fn set_status(&mut self, id: RecordingId, status: &Status) -> Result<(), LibraryError> {
        self.update(id, |connection| set_status(connection, id, status))
    }

    /// Replaces the tags and the note of a recording. Tags are trimmed; blank ones and those that are there already are
    /// left out.
    pub fn describe(&mut self, id: RecordingId, tags: &[String], note: &str) -> Result<(), LibraryError> {
        let tags = tidy_tags(tags);
        check_tags(&tags)?;
        check_note(note)?;
        self.update(id, |connection| {
            let n_found = connection.execute(
                "UPDATE recordings SET tags = ?2, note = ?3 WHERE id = ?1",
                params![id.0, json(&tags)?, note],
            )?;
            refresh(connection, id.0)?;
            Ok(n_found)
        })
    }

    /// Gives a recording tags and takes others away, whatever it has by now. Returns those that it has then.
    pub fn change_tags(
        &mut self,
        id: RecordingId,
        added: &[String],
        removed: &[String],
    ) -> Result<Vec<String>, LibraryError> {
        let failed = || failed("change a recording", &self.path);
        let removed = tidy_tags(removed);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let before = entry(&transaction, id.0).map_err(failed())?.ok_or(LibraryError::NoRecording(id.0))?.tags;
        let mut tags = tidy_tags(&[before, added.to_vec()].concat());
        tags.retain(|tag| !removed.contains(tag));
        // One that has too many since long ago may still lose some.
        if !added.is_empty() {
            check_tags(&tags)?;
        }
        let change = || -> rusqlite::Result<()> {
            transaction.execute("UPDATE recordings SET tags = ?2 WHERE id = ?1", params![id.0, json(&tags)?])?;
            refresh(&transaction, id.0)
        };
        change().and_then(|()| transaction.commit()).map_err(failed())?;
        Ok(tags)
    }

    /// Replaces the note of a recording.
    pub fn set_note(&mut self, id: RecordingId, note: &str) -> Result<(), LibraryError> {
        check_note(note)?;
        self.update(id, |connection| {
            connection.execute("UPDATE recordings SET note = ?2 WHERE id = ?1", params![id.0, note])
        })
    }

    /// Takes recordings out of the library, with their transcripts and changes. Scans do not bring them back. Returns
    /// how many were there.
    pub fn remove(&mut self, ids: &[RecordingId]) -> Result<usize, LibraryError> {
        let failed = || failed("remove a recording", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let remove = || -> rusqlite::Result<usize> {
            let mut n_removed = 0;
            for id in ids {
                transaction.execute(
                    "INSERT OR IGNORE INTO removed_files SELECT folder, name FROM recordings WHERE id = ?1",
                    [id.0],
                )?;
                transaction.execute(
                    "INSERT INTO removals SELECT ?2, recording FROM transcripts WHERE recording = ?1",
                    [id.0, newest_revision(&transaction)? + 1],
                )?;
                n_removed += transaction.execute("DELETE FROM recordings WHERE id = ?1", [id.0])?;
            }
            Ok(n_removed)
        };
        remove().and_then(|n_removed| transaction.commit().map(|()| n_removed)).map_err(failed())
    }

    /// Changes a recording in a transaction; `change` returns how many rows it found.
    fn update(
        &mut self,
        id: RecordingId,
        change: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> Result<(), LibraryError> {
        let failed = || failed("change a recording", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        match change(&transaction).map_err(failed())? {
            0 => Err(LibraryError::NoRecording(id.0)),
            _ => transaction.commit().map_err(failed()),
        }
    }
}

/// Tags without blanks around them, each once; blank ones are none.
pub(super) fn tidy_tags(tags: &[String]) -> Vec<String> {
    let mut tidy: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if !tidy.iter().any(|known| known == tag) {
            tidy.push(tag.to_owned());
        }
    }
    tidy
}

fn check_tags(tags: &[String]) -> Result<(), LibraryError> {
    let too_long = tags.iter().map(|tag| tag.chars().count()).find(|n_chars| *n_chars > MAX_TAG_CHARS);
    if let Some(n_chars) = too_long {
        let reason = format!("a tag has {n_chars} characters; give it at most {MAX_TAG_CHARS}, and write a note");
        return Err(LibraryError::Unkeepable(reason));
    }
    if tags.len() > MAX_TAGS {
        let reason = format!("a recording would have {} tags; give it at most {MAX_TAGS}", tags.len());
        return Err(LibraryError::Unkeepable(reason));
    }
    Ok(())
}

fn check_note(note: &str) -> Result<(), LibraryError> {
    match note.chars().count() {
        ..=MAX_NOTE_CHARS => Ok(()),
        n_chars => Err(LibraryError::Unkeepable(format!(
            "the note has {n_chars} characters; shorten it to {MAX_NOTE_CHARS} or keep it in a file"
        ))),
    }
}

pub(super) fn exists(connection: &Connection, id: RecordingId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM recordings WHERE id = ?1")?.exists([id.0])
}

pub(super) fn find(connection: &Connection, place: &Place) -> rusqlite::Result<Option<RecordingId>> {
    let mut statement = connection.prepare_cached("SELECT id FROM recordings WHERE folder = ?1 AND name = ?2")?;
    statement.query_row(params![place.folder, place.name], |row| row.get(0).map(RecordingId)).optional()
}

/// Keeps what became of a recording; returns how many rows there were.
pub(super) fn set_status(connection: &Connection, id: RecordingId, status: &Status) -> rusqlite::Result<usize> {
    let (number, text) = match status {
        Status::New => (0, ""),
        Status::PartlyDone => (1, ""),
        Status::Done(model) => (2, model.as_str()),
        Status::Failed(reason) => (3, reason.as_str()),
        Status::Missing => {
            return connection.execute("UPDATE recordings SET is_missing = 1 WHERE id = ?1", [id.0]);
        }
    };
    connection.execute(
        "UPDATE recordings SET status = ?2, status_text = ?3, is_missing = 0 WHERE id = ?1",
        params![id.0, number, text],
    )
}

/// Keeps who speaks in a recording.
pub(super) fn set_speakers(connection: &Connection, id: RecordingId, transcript: &Transcript) -> rusqlite::Result<()> {
    let speakers = json(&speakers_of(transcript))?;
    connection.execute("UPDATE recordings SET speakers = ?2 WHERE id = ?1", params![id.0, speakers])?;
    refresh(connection, id.0)
}

/// Brings what is looked through when the list is filtered up to date with the rest of a recording.
pub(super) fn refresh(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let Some(entry) = entry(connection, id)? else { return Ok(()) };
    let parts = [vec![entry.label.clone(), entry.path.display().to_string()], entry.tags, entry.speakers].concat();
    connection
        .prepare_cached("UPDATE recordings SET label_key = ?2, haystack = ?3 WHERE id = ?1")?
        .execute(params![id, entry.label.to_lowercase(), parts.join("\n").to_lowercase()])
        .map(drop)
}

/// A recording.
pub(super) fn entry(connection: &Connection, id: i64) -> rusqlite::Result<Option<RecordingEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, folder, name, label, n_bytes, duration_secs, modified_ns, status, status_text, is_missing, speakers,
             tags, note, metadata, coalesce((SELECT is_edited FROM transcripts WHERE recording = recordings.id), 0)
         FROM recordings WHERE id = ?1",
    )?;
    let Some(mut entry) = statement.query_row([id], read_entry).optional()? else { return Ok(None) };
    entry.features = sounds::features(connection, id)?;
    entry.related = sounds::related(connection, id)?;
    Ok(Some(entry))
}

/// A value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A column that has JSON.
pub(super) fn json_column<T: DeserializeOwned>(row: &Row<'_>, idx: usize) -> rusqlite::Result<T> {
    let text: String = row.get(idx)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(idx, Type::Text, error.into()))
}

fn page(connection: &Connection, request: &ListRequest) -> rusqlite::Result<(Vec<RecordingEntry>, usize)> {
    let mut conditions = vec!["TRUE"];
    let mut values = Vec::new();
    if let Some(folder) = &request.folder {
        let (from, until) = below(folder);
        conditions.extend(["folder >= ?", "folder < ?"]);
        values.extend([Value::Blob(from), Value::Blob(until)]);
    }
    let text = request.text.trim().to_lowercase();
    let (ids, n_in_all) = if text.is_empty() {
        // Numbers alone come from an index, so that those before the page are passed over quickly.
        let wanted = format!("FROM recordings WHERE {}", conditions.join(" AND "));
        let n_in_all: i64 = connection
            .prepare_cached(&format!("SELECT count(*) {wanted}"))?
            .query_row(params_from_iter(&values), |row| row.get(0))?;
        values.extend([request.limit, request.offset].map(|n| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))));
        let sql = format!("SELECT id {wanted} ORDER BY {} LIMIT ? OFFSET ?", order_of(request.order, ""));
        (ids(connection, &sql, &values)?, n_in_all as usize)
    } else {
        // All recordings are looked at anyway, once: the sign keeps the order from being read from an index.
        conditions.push("instr(haystack, ?) > 0");
        values.push(Value::Text(text));
        let (conditions, order) = (conditions.join(" AND "), order_of(request.order, "+"));
        let mut ids =
            ids(connection, &format!("SELECT id FROM recordings WHERE {conditions} ORDER BY {order}"), &values)?;
        let n_in_all = ids.len();
        ids.drain(..request.offset.min(n_in_all));
        ids.truncate(request.limit);
        (ids, n_in_all)
    };
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        entries.extend(entry(connection, id)?);
    }
    Ok((entries, n_in_all))
}

/// The columns of an order, with a sign before the first.
fn order_of(order: ListOrder, sign: &str) -> String {
    let columns = match order {
        ListOrder::Date => "modified_ns DESC, id DESC",
        ListOrder::Folder => "folder, name",
        ListOrder::Name => "label_key, id",
        ListOrder::Duration => "duration_secs DESC, id DESC",
    };
    format!("{sign}{columns}")
}

fn ids(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(sql)?;
    let ids = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    ids.collect()
}

/// What the table of recordings says of one.
fn read_entry(row: &Row<'_>) -> rusqlite::Result<RecordingEntry> {
    let status_text: String = row.get(8)?;
    let status = match (row.get::<_, bool>(9)?, row.get::<_, i64>(7)?) {
        (true, _) => Status::Missing,
        (false, 1) => Status::PartlyDone,
        (false, 2) => Status::Done(status_text),
        (false, 3) => Status::Failed(status_text),
        (false, _) => Status::New,
    };
    let path: PathBuf = Place { folder: row.get(1)?, name: row.get(2)? }.path();
    Ok(RecordingEntry {
        id: RecordingId(row.get(0)?),
        path,
        label: row.get(3)?,
        n_bytes: row.get::<_, i64>(4)? as u64,
        duration: row.get::<_, Option<f64>>(5)?.map(Seconds),
        modified_secs: row.get::<_, i64>(6)?.div_euclid(1_000_000_000),
        status,
        speakers: json_column(row, 10)?,
        tags: json_column(row, 11)?,
        note: row.get(12)?,
        metadata: json_column(row, 13)?,
        is_edited: row.get(14)?,
        features: None,
        related: Vec::new(),
    })
}

/// Names, or else labels, of those who speak.
fn speakers_of(transcript: &Transcript) -> Vec<&str> {
    let listed = transcript.speakers.iter().map(|speaker| speaker.label.as_str());
    let said_by = transcript.segments.iter().filter_map(|segment| segment.speaker.as_deref());
    let mut names: Vec<&str> = Vec::new();
    for name in listed.chain(said_by).map(|label| transcript.name_of(label)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
