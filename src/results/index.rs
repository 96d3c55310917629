//! The index: which results there are and where, one row each. All that is done with it goes through one connection;
//! the store locks it for as long as that takes.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use crate::hash::{ContentHash, ResultKey};

use super::blobs::{Layout, Place};
use super::database::{self, Trust};
use super::error::{Failure, ResultError, Unreadable};
use super::frame::{Flaw, Frame};
use super::usage::{self, DaySurvey, LayerSurvey, Unwritten};
use super::{Layer, StoredEntry, unix_ms};

/// How many warnings are kept apart. If there are more, a number tells.
const MAX_WARNINGS: usize = 20;
/// How many rows are removed at once, so that others need not wait long.
const N_AT_ONCE: usize = 500;

/// What [`stored_in`] reads.
const STORED: &str = "SELECT id, frame, is_blob, bytes, layer, key FROM entries LEFT JOIN payloads ON entry = id";
/// The columns that [`entry_in`] reads.
const ENTRY: &str = "layer, key, audio, n_bytes, n_uses, cost_ms, created_ms, last_used_ms";

/// The open index of a store.
pub(super) struct Index {
    pub(super) connection: Connection,
    pub(super) layout: Arc<Layout>,
    pub(super) warnings: Warnings,
    unwritten: Unwritten,
}

/// What the user should know and was not told yet.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    told: Vec<String>,
    n_more: usize,
}

/// A row of the index, and what it takes to read the result.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    /// The hash of its frame.
    pub(super) hash: ContentHash,
    layer: String,
    key: ResultKey,
    kept: Kept,
}

/// The bytes of a result, or where they are.
#[derive(Debug)]
enum Kept {
    /// In the index: here they are, unless they are missing there or were read.
    Inline(Option<Vec<u8>>),
    /// In a file.
    Blob,
}

/// What became of blobs that the index did not name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Adopted {
    /// Those that it names now,
    pub(super) n_adopted: usize,
    /// and those that were removed.
    pub(super) n_removed: usize,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) n_entries: u64,
    pub(super) n_bytes: u64,
}

impl Stored {
    /// Reads the result, once, if it is what it was stored as.
    pub(super) fn read(&mut self, layout: &Layout) -> Result<Frame, Unreadable> {
        let frame = match &mut self.kept {
            Kept::Inline(bytes) => Frame::parse(bytes.take().ok_or(Flaw::Missing)?)?,
            Kept::Blob => layout.read_blob(&self.hash)?,
        };
        let head = frame.head();
        if *frame.hash() == self.hash && head.layer.name() == self.layer && head.key == self.key {
            Ok(frame)
        } else {
            Err(Flaw::Misplaced.into())
        }
    }
}

impl Warnings {
    pub(super) fn add(&mut self, warning: String) {
        if self.told.len() < MAX_WARNINGS {
            self.told.push(warning);
        } else {
            self.n_more += 1;
        }
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        let mut told = mem::take(&mut self.told);
        if mem::take(&mut self.n_more) > 0 {
            told.push("More stored results are damaged; `hansard cache verify` finds all of them.".to_owned());
        }
        told
    }
}

impl Index {
    pub(super) fn open(layout: Arc<Layout>) -> Result<Self, ResultError> {
        let (connection, warning) = database::open(&layout, Trust::Believed)?;
        let mut warnings = Warnings::default();
        if let Some(warning) = warning {
            warnings.add(warning);
        }
        Ok(Self { connection, layout, warnings, unwritten: Unwritten::default() })
    }

    /// After something said that the index is damaged: opens it again, or another in its place.
    pub(super) fn reopen(&mut self) -> Result<(), ResultError> {
        // Nobody can replace what this still has open.
        let nothing = Connection::open_in_memory().map_err(|error| Failure::from(error).of(&self.layout.database))?;
        drop(mem::replace(&mut self.connection, nothing));
        let (connection, warning) = database::open(&self.layout, Trust::Doubted)?;
        self.connection = connection;
        if let Some(warning) = warning {
            self.warnings.add(warning);
        }
        Ok(())
    }

    /// Makes the tables of the index anew where they may be crooked, and takes up what it does not name.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        self.flush()?;
        let answer: String = self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if answer != "ok" {
            let path = self.layout.database.clone();
            return Err(ResultError::Damaged { path, reason: answer.replace('\n', " ") }.into());
        }
        self.connection.execute_batch("REINDEX; VACUUM;")?;
        Ok(())
    }

    pub(super) fn find(&self, layer: Layer, key: &ResultKey) -> Result<Option<Stored>, Failure> {
        let mut statement = self.connection.prepare_cached(&format!("{STORED} WHERE layer = ?1 AND key = ?2"))?;
        Ok(statement.query_row(params![layer.name(), key.as_bytes()], stored_in).optional()?)
    }

    /// The result with this number, if it is still there.
    pub(super) fn numbered(&self, id: i64) -> Result<Option<Stored>, Failure> {
        let mut statement = self.connection.prepare_cached(&format!("{STORED} WHERE id = ?1"))?;
        Ok(statement.query_row([id], stored_in).optional()?)
    }

    /// Up to so many results after the one with this number, in the order of their numbers.
    pub(super) fn following(&self, id: i64, n_most: i64) -> Result<Vec<Stored>, Failure> {
        let mut statement = self.connection.prepare_cached(&format!("{STORED} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
        Ok(statement.query_map([id, n_most], stored_in)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The numbers of all results, in the order of layers' names and of keys: the same for the same results.
    pub(super) fn ids_by_key(&self) -> Result<Vec<i64>, Failure> {
        let mut statement = self.connection.prepare("SELECT id FROM entries ORDER BY layer, key")?;
        Ok(statement.query_map([], |row| row.get::<_, i64>(0))?.collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn count(&self) -> Result<u64, Failure> {
        let n_entries: i64 = self.connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0))?;
        Ok(n_entries.max(0) as u64)
    }

    pub(super) fn contains(&self, layer: Layer, key: &ResultKey) -> Result<bool, Failure> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM entries WHERE layer = ?1 AND key = ?2")?;
        Ok(statement.exists(params![layer.name(), key.as_bytes()])?)
    }

    pub(super) fn entries(&self, layer: Layer) -> Result<Vec<StoredEntry>, Failure> {
        let statement = self.connection.prepare(&format!("SELECT {ENTRY} FROM entries WHERE layer = ?1 ORDER BY key"));
        let mut statement = statement?;
        let entries = statement.query_map([layer.name()], entry_in)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(entries.into_iter().flatten().collect())
    }

    pub(super) fn largest(&self, n_entries: usize) -> Result<Vec<StoredEntry>, Failure> {
        let statement =
            self.connection.prepare(&format!("SELECT {ENTRY} FROM entries ORDER BY n_bytes DESC, layer, key LIMIT ?1"));
        let mut statement = statement?;
        let n_entries = i64::try_from(n_entries).unwrap_or(i64::MAX);
        let entries = statement.query_map([n_entries], entry_in)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(entries.into_iter().flatten().collect())
    }

    /// One result as it is listed; `None` if it is not there any more, or another version's.
    pub(super) fn entry(&self, id: i64) -> Result<Option<StoredEntry>, Failure> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT {ENTRY} FROM entries WHERE id = ?1"))?;
        Ok(statement.query_row([id], entry_in).optional()?.flatten())
    }

    pub(super) fn survey(&mut self, now: SystemTime) -> Result<(Vec<LayerSurvey>, Vec<DaySurvey>), Failure> {
        self.flush()?;
        usage::survey(&self.connection, now)
    }

    pub(super) fn note_hit(
        &mut self,
        layer: Layer,
        key: &ResultKey,
        cost: Duration,
        now: SystemTime,
    ) -> Result<(), Failure> {
        self.unwritten.hit(layer, key, cost, now);
        if !self.unwritten.is_full() {
            return Ok(());
        }
        let flushed = self.flush();
        // Where nothing can be written, it is not remembered for ever either.
        self.unwritten = Unwritten::default();
        flushed
    }

    pub(super) fn note_miss(&mut self, layer: Layer, now: SystemTime) {
        self.unwritten.miss(layer, now);
    }

    /// Writes down what was noted.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.unwritten.write(&transaction)?;
        transaction.commit()?;
        self.unwritten = Unwritten::default();
        Ok(())
    }

    pub(super) fn put(&mut self, frame: &Frame, now: SystemTime) -> Result<(), Failure> {
        let (head, place) = (frame.head(), Place::of(frame));
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.unwritten.write(&transaction)?;
        let replaced =
            remove_row(&transaction, "layer = ?1 AND key = ?2", params![head.layer.name(), head.key.as_bytes()])?;
        if place == Place::Blob {
            self.layout.write_blob(frame)?;
        }
        insert(&transaction, frame, place, now)?;
        transaction.commit()?;
        self.unwritten = Unwritten::default();
        self.remove_unnamed(replaced.and_then(|row| row.blob).as_slice())
    }

    /// Stores those of several results that are not there. Returns how many those are.
    pub(super) fn put_missing(&mut self, frames: &[Frame], now: SystemTime) -> Result<usize, Failure> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut n_new = 0;
        for frame in frames {
            let place = Place::of(frame);
            let n_stored = insert(&transaction, frame, place, now)?;
            if n_stored > 0 && place == Place::Blob {
                self.layout.write_blob(frame)?;
            }
            n_new += n_stored;
        }
        transaction.commit()?;
        Ok(n_new)
    }

    /// Drops a result that turned out to be damaged, and says so; unless it is not there any more as it was found.
    pub(super) fn drop_damaged(&mut self, id: i64, hash: &ContentHash, flaw: &Flaw) -> Result<Dropped, Failure> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(row) = remove_row(&transaction, "id = ?1 AND frame = ?2", params![id, hash.as_bytes()])? else {
            return Ok(Dropped::Gone);
        };
        transaction.commit()?;
        self.warnings.add(format!("A stored result ({}) was damaged and is dropped: {flaw}.", row.layer));
        self.remove_unnamed(row.blob.as_slice())?;
        Ok(Dropped::Dropped)
    }

    /// Removes these results.
    pub(super) fn remove(&mut self, ids: &[i64]) -> Result<Removed, Failure> {
        let mut removed = Removed::default();
        for ids in ids.chunks(N_AT_ONCE) {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut blobs = Vec::new();
            for id in ids {
                if let Some(row) = remove_row(&transaction, "id = ?1", [id])? {
                    removed.n_entries += 1;
                    removed.n_bytes += row.n_bytes;
                    blobs.extend(row.blob);
                }
            }
            transaction.commit()?;
            self.remove_unnamed(&blobs)?;
        }
        Ok(removed)
    }

    /// Takes up the blobs that the index does not name, for those who wrote them died before they could tell it, and
    /// removes those that are of no use.
    pub(super) fn adopt_blobs(&mut self, now: SystemTime) -> Result<Adopted, Failure> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let adopted = adopt_blobs(&transaction, &self.layout, now)?;
        transaction.commit()?;
        Ok(adopted)
    }

    /// Gives space that is not needed any more back to the disk.
    pub(super) fn shrink(&mut self) -> Result<(), Failure> {
        for pragma in ["PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            let mut statement = self.connection.prepare(pragma)?;
            let mut rows = statement.query([])?;
            // One row for each page.
            while rows.next()?.is_some() {}
        }
        Ok(())
    }

    /// Removes blobs, but for those that the index names by now. In this order, a blob is missing only after the row
    /// that named it; and nobody can name it meanwhile.
    fn remove_unnamed(&mut self, blobs: &[ContentHash]) -> Result<(), Failure> {
        if blobs.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for hash in blobs {
            if !is_named(&transaction, hash)?
                && let Err(error) = self.layout.remove_blob(hash)
            {
                // The next clean-up tries it again; the others shall go all the same.
                self.warnings.add(format!("A stored result cannot be removed: {error}."));
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // Then the results that were used last look a little older than they are.
        if let Err(error) = self.flush() {
            tracing::debug!("{}", error.of(&self.layout.database));
        }
    }
}

/// What became of a damaged result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// It is dropped.
    Dropped,
    /// Somebody had replaced or removed it.
    Gone,
}

/// What a row was that is removed now.
struct RemovedRow {
    layer: String,
    n_bytes: u64,
    blob: Option<ContentHash>,
}

/// Notes a result in the index, unless there is one under its key. Returns how many were noted: one or none.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    frame: &Frame,
    place: Place,
    now: SystemTime,
) -> Result<usize, Failure> {
    let (head, now_ms) = (frame.head(), unix_ms(now));
    let n_new = transaction
        .prepare_cached(
            "INSERT INTO entries (layer, key, audio, frame, is_blob, n_bytes, n_uses, cost_ms, created_ms, last_used_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?8) ON CONFLICT (layer, key) DO NOTHING",
        )?
        .execute(params![
            head.layer.name(),
            head.key.as_bytes(),
            head.audio.as_bytes(),
            frame.hash().as_bytes(),
            i64::from(place == Place::Blob),
            frame.bytes().len() as i64,
            head.cost.as_millis() as i64,
            now_ms,
        ])?;
    if n_new > 0 && place == Place::Inline {
        transaction
            .prepare_cached("INSERT INTO payloads (entry, bytes) VALUES (?1, ?2)")?
            .execute(params![transaction.last_insert_rowid(), frame.bytes()])?;
    }
    Ok(n_new)
}

/// See [`Index::adopt_blobs`].
pub(super) fn adopt_blobs(transaction: &Transaction<'_>, layout: &Layout, now: SystemTime) -> Result<Adopted, Failure> {
    let mut adopted = Adopted::default();
    for hash in layout.tidy_blobs()? {
        if is_named(transaction, &hash)? {
            continue;
        }
        let n_adopted = match layout.read_blob(&hash) {
            Ok(frame) => insert(transaction, &frame, Place::Blob, now)?,
            Err(Unreadable::Flawed(_)) => 0,
            Err(Unreadable::File(error)) => return Err(error.into()),
        };
        if n_adopted == 0 {
            match layout.remove_blob(&hash) {
                Ok(()) => adopted.n_removed += 1,
                Err(error) => tracing::debug!("{error}"),
            }
        }
        adopted.n_adopted += n_adopted;
    }
    Ok(adopted)
}

fn is_named(transaction: &Transaction<'_>, hash: &ContentHash) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM entries WHERE frame = ?1 AND is_blob = 1")?.exists([hash.as_bytes()])
}

/// Removes the row for which this is true, if there is one.
fn remove_row(
    transaction: &Transaction<'_>,
    condition: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Option<RemovedRow>> {
    let statement = format!("DELETE FROM entries WHERE {condition} RETURNING layer, n_bytes, is_blob, frame");
    let mut statement = transaction.prepare_cached(&statement)?;
    let removed = statement.query_row(values, |row| {
        let (layer, n_bytes) = (row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64);
        let blob = row.get::<_, bool>(2)?.then(|| row.get::<_, [u8; 32]>(3)).transpose()?.map(ContentHash::from_bytes);
        Ok(RemovedRow { layer, n_bytes, blob })
    });
    removed.optional()
}

fn stored_in(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let kept = if row.get(2)? { Kept::Blob } else { Kept::Inline(row.get(3)?) };
    let (hash, key) = (ContentHash::from_bytes(row.get(1)?), ResultKey::from_bytes(row.get(5)?));
    Ok(Stored { id: row.get(0)?, hash, layer: row.get(4)?, key, kept })
}

/// `None` for a layer of another version of Hansard.
fn entry_in(row: &Row<'_>) -> rusqlite::Result<Option<StoredEntry>> {
    let number = |column: usize| row.get::<_, i64>(column).map(|number| number.max(0) as u64);
    let Ok(layer) = row.get::<_, String>(0)?.parse::<Layer>() else { return Ok(None) };
    Ok(Some(StoredEntry {
        layer,
        key: ResultKey::from_bytes(row.get(1)?),
        audio: ContentHash::from_bytes(row.get(2)?),
        n_bytes: number(3)?,
        n_uses: number(4)?,
        cost: Duration::from_millis(number(5)?),
        created_unix_ms: row.get(6)?,
        last_used_unix_ms: row.get(7)?,
    }))
}
