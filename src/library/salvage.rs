//! What can still be read of a library that was set aside for its damage, row by row, put beside what a backup has. The
//! backup is older, so of what both have, the damaged library says what is newer; but only where what it says is whole.
//! Nothing of this may keep the library from being opened. What recordings sound like is not taken: the next jobs tell it
//! again.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params, params_from_iter};
use serde::de::DeserializeOwned;

use crate::transcript::Transcript;
use crate::transcript::edit::Change;

use super::packed::unpack;
use super::recordings::refresh;
use super::schema::writing;
use super::transcripts::newest_revision;

/// The columns that a recording is made of, in this order; [`take_recording`] counts on it.
const RECORDING: &str = "id, folder, name, label, label_key, n_bytes, modified_ns, duration_secs, content, status, \
                         status_text, is_missing, speakers, tags, note, metadata";
/// Those of a transcript.
const TRANSCRIPT: &str =
    "recording, revision, model, made_secs, n_changes, is_edited, original, current, changes, saved_secs";
/// The other tables, with their columns: what is there already stays.
const OTHERS: [(&str, &str); 5] = [
    ("earlier_transcripts", "id, recording, model, made_secs, original, current, changes, saved_secs"),
    ("folders", "path, new_files"),
    ("shared_metadata", "folder, columns"),
    ("removed_files", "folder, name"),
    (
        "jobs",
        "id, recording, started_secs, model, settings, audio_secs, stages, total_secs, reused_fraction, \
         mean_confidence, outcome, manifest, estimate_secs",
    ),
];
/// A damaged table may lead round in circles.
const MAX_ROWS: usize = 10_000_000;

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Salvaged {
    /// Recordings that are new, or about which something newer is known now,
    pub(super) n_recordings: usize,
    /// and transcripts.
    pub(super) n_transcripts: usize,
}

/// Puts what can be read of the library at `aside` into another.
pub(super) fn salvage(library: &mut Connection, aside: &Path) -> rusqlite::Result<Salvaged> {
    let damaged =
        Connection::open_with_flags(aside, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Then a file that was cut is read as far as it goes.
    damaged.execute_batch("PRAGMA writable_schema = ON;")?;
    let transaction = writing(library)?;
    let mut salvaged = Salvaged::default();
    for_each_row(&damaged, "recordings", RECORDING, |row| {
        salvaged.n_recordings += usize::from(take_recording(&transaction, row)?);
        Ok(())
    });
    for_each_row(&damaged, "transcripts", TRANSCRIPT, |row| {
        salvaged.n_transcripts += usize::from(take_transcript(&transaction, row)?);
        Ok(())
    });
    for (table, columns) in OTHERS {
        let places = vec!["?"; columns.split(',').count()].join(", ");
        let insert = format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})");
        for_each_row(&damaged, table, columns, |row| {
            if is_sound(table, row) {
                transaction.prepare_cached(&insert)?.execute(params_from_iter(row))?;
            }
            Ok(())
        });
    }
    transaction.commit()?;
    Ok(salvaged)
}

/// Hands over the rows of a table that can be read, from its beginning and, where that ends early, from its end.
/// Those that cannot be taken are passed over. What an older version of the tables lacks is `NULL`.
fn for_each_row(
    damaged: &Connection,
    table: &str,
    columns: &str,
    mut take: impl FnMut(&[Value]) -> rusqlite::Result<()>,
) {
    let is_there = |column: &str| damaged.prepare(&format!("SELECT {column} FROM {table}")).is_ok();
    let columns: Vec<&str> = columns.split(',').map(str::trim).collect();
    let read: Vec<&str> = columns.iter().map(|&column| if is_there(column) { column } else { "NULL" }).collect();
    let (first, n_columns, read) = (columns[0], columns.len(), read.join(", "));
    for order in ["", "DESC"] {
        let mut hand_over = || -> rusqlite::Result<()> {
            let mut statement = damaged.prepare(&format!("SELECT {read} FROM {table} ORDER BY {first} {order}"))?;
            let mut rows = statement.query([])?;
            for _ in 0..MAX_ROWS {
                let Some(row) = rows.next()? else { break };
                let values: rusqlite::Result<Vec<Value>> = (0..n_columns).map(|idx| row.get(idx)).collect();
                // What does not fit is not what was written.
                if let Err(error) = values.and_then(|values| take(&values)) {
                    tracing::debug!("a row of {table} is left out: {error}");
                }
            }
            Ok(())
        };
        match hand_over() {
            Ok(()) => return,
            Err(error) => tracing::debug!("{table} cannot be read to its end: {error}"),
        }
    }
}

/// Adds a recording, or what is newer about one that is there under the same number and path. Returns whether it did.
fn take_recording(library: &Connection, row: &[Value]) -> rusqlite::Result<bool> {
    let [id, .., speakers, tags, _, metadata] = row else { return Ok(false) };
    let is_list = |value: &Value| matches!(value, Value::Text(text) if is_json::<Vec<String>>(text));
    let is_table = is_pairs::<String>(metadata);
    let Value::Integer(number) = id else { return Ok(false) };
    let is_content = matches!(&row[8], Value::Null) || matches!(&row[8], Value::Blob(hash) if hash.len() == 32);
    if !(is_content && is_list(speakers) && is_list(tags) && is_table) {
        return Ok(false);
    }
    let places = vec!["?"; row.len()].join(", ");
    let n_added = library
        .prepare_cached(&format!("INSERT OR IGNORE INTO recordings ({RECORDING}) VALUES ({places})"))?
        .execute(params_from_iter(row))?;
    let n_changed = if n_added > 0 {
        n_added
    } else {
        library
            .prepare_cached(
                "UPDATE recordings SET label = ?4, n_bytes = ?6, modified_ns = ?7, duration_secs = ?8, content = ?9,
                     status = ?10, status_text = ?11, is_missing = ?12, speakers = ?13, tags = ?14, note = ?15,
                     metadata = ?16
                 WHERE id = ?1 AND folder = ?2 AND name = ?3
                     AND (label, status, status_text, tags, note) IS NOT (?4, ?10, ?11, ?14, ?15)",
            )?
            .execute(params_from_iter(row))?
    };
    if n_changed > 0 {
        refresh(library, *number)?;
    }
    Ok(n_changed > 0)
}

/// Takes a transcript that is whole where there is none, or an older one. Returns whether it did.
fn take_transcript(library: &Connection, row: &[Value]) -> rusqlite::Result<bool> {
    let [recording, revision, rest @ ..] = row else { return Ok(false) };
    if !rest.get(4..7).is_some_and(is_whole) {
        return Ok(false);
    }
    let is_newer = "SELECT 1 FROM transcripts WHERE recording = ?1 AND revision >= ?2";
    if library.prepare_cached(is_newer)?.exists(params![recording, revision])? {
        return Ok(false);
    }
    let newest = Value::Integer(newest_revision(library)? + 1);
    let values = [recording, &newest].into_iter().chain(rest);
    let n_taken = library
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO transcripts ({TRANSCRIPT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))?
        .execute(params_from_iter(values))?;
    Ok(n_taken > 0)
}

/// Whether what the job gave, what the user made of it and the changes can be read.
fn is_whole(packed: &[Value]) -> bool {
    let is_transcript = |value: &Value| matches!(value, Value::Blob(bytes) if unpack::<Transcript>(bytes).is_ok());
    let [original, current, changes] = packed else { return false };
    is_transcript(original)
        && (*current == Value::Null || is_transcript(current))
        && matches!(changes, Value::Blob(bytes) if unpack::<Vec<Change>>(bytes).is_ok())
}

/// Whether a row of one of the other tables can be read again. A job whose manifest cannot is a job without one.
fn is_sound(table: &str, row: &[Value]) -> bool {
    match (table, row) {
        ("earlier_transcripts", [_, _, _, _, packed @ .., _]) => is_whole(packed),
        ("shared_metadata", [_, columns]) => is_pairs::<String>(columns),
        ("jobs", [_, _, _, _, _, _, stages, ..]) => is_pairs::<f64>(stages),
        _ => true,
    }
}

fn is_pairs<T: DeserializeOwned>(value: &Value) -> bool {
    matches!(value, Value::Text(text) if is_json::<Vec<(String, T)>>(text))
}

fn is_json<T: DeserializeOwned>(text: &str) -> bool {
    serde_json::from_str::<T>(text).is_ok()
}
