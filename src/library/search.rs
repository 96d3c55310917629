//! The search through all that was said: an index beside the library, made from the transcripts and made again whenever
//! it is damaged or of another version. It follows the library by the revisions of the transcripts, so that it does not
//! matter who was killed when.
//!
//! A passage is a row of a full-text table. Its number is the recording's and, from the highest down, that of its
//! segment: read backwards, the newest recordings come first and their passages in the order of time, without sorting,
//! and the recordings of a folder or of some days are a range. Nothing is ranked by how often words occur, for that
//! needs all passages with a word as common as `the`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::files::FileError;
use crate::transcript::Transcript;
use crate::units::Seconds;

use super::entry::{Hit, RecordingId, SearchRequest};
use super::error::{LibraryError, database_error, failed};
use super::opening::{connect, create_private, lock, with_ending};
use super::passage::{FOUND_FROM, FOUND_UNTIL, pack_words, read_marked, speaker_word, spread, word_at};
use super::place::{Place, below};
use super::query::Query;
use super::schema::writing;
use super::transcripts;

/// Version of the tables, and of how passages are made. Part of the name of the file.
const VERSION: u32 = 1;
/// Bits of a passage's number that count segments.
const SEGMENT_BITS: u32 = 24;
const LAST_SEGMENT: i64 = (1 << SEGMENT_BITS) - 1;

/// Prefixes of up to three letters have indices of their own; longer ones begin few enough words.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 0), done_to INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO progress VALUES (0, 0);
CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5(
    text, speaker, name UNINDEXED, start_ms UNINDEXED, words UNINDEXED,
    tokenize = \"unicode61 remove_diacritics 2\", prefix = '1 2 3', columnsize = 0
);";

/// The index.
#[derive(Debug)]
pub(super) struct SearchIndex {
    connection: Connection,
}

/// Why a search failed: because of the library, or of its index, which can be made again.
#[derive(Debug)]
pub(super) enum Trouble {
    Library(LibraryError),
    Index(rusqlite::Error),
}

impl From<LibraryError> for Trouble {
    fn from(error: LibraryError) -> Self {
        Self::Library(error)
    }
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        Self::Library(error.into())
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}

impl Trouble {
    /// The error for the user of the library at `path`.
    pub(super) fn into_error(self, path: &Path) -> LibraryError {
        match self {
            Self::Library(error) => error,
            Self::Index(error) => database_error("search", &index_path(path), error),
        }
    }
}

/// The files of the index of the library at `path`.
pub(super) fn files_of(path: &Path) -> [PathBuf; 3] {
    let index = index_path(path);
    [with_ending(&index, "-wal"), with_ending(&index, "-shm"), index]
}

fn index_path(path: &Path) -> PathBuf {
    path.with_file_name(format!("library-search-{VERSION}.db"))
}

impl SearchIndex {
    /// Opens the index of the library at `path`, or makes an empty one.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        // Two that make it at the same moment would each refuse to wait for the other.
        let _held_to_the_end = lock(path)?;
        let index_path = index_path(path);
        create_private(&index_path)?;
        let mut connection = connect(&index_path)?;
        // What the last moments before a power failure added is added again.
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        let has_tables = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'passages')";
        if !connection.query_row(has_tables, [], |row| row.get::<_, bool>(0))? {
            let transaction = writing(&mut connection)?;
            transaction.execute_batch(TABLES)?;
            transaction.commit()?;
        }
        Ok(Self { connection })
    }

    /// Takes in at most `limit` transcripts that are new, changed or gone. Returns how many are left.
    pub(super) fn catch_up(&mut self, library: (&Connection, &Path), limit: usize) -> Result<usize, Trouble> {
        const DONE_TO: &str = "SELECT done_to FROM progress";
        let (library, path) = library;
        let failed = || failed("read the transcripts", path);
        let newest = transcripts::newest_revision(library).map_err(failed())?;
        if self.connection.query_row(DONE_TO, [], |row| row.get::<_, i64>(0))? == newest {
            return Ok(0);
        }
        let transaction = writing(&mut self.connection)?;
        // Another process may have gone on meanwhile, in the library and in the index.
        let mut done_to: i64 = transaction.query_row(DONE_TO, [], |row| row.get(0))?;
        let newest = transcripts::newest_revision(library).map_err(failed())?;
        if done_to > newest {
            // The library is an older one than that which the index was made from.
            transaction.execute("DELETE FROM passages", [])?;
            done_to = 0;
        }
        let waiting = transcripts::revised_after(library, done_to).map_err(failed())?;
        for (revision, recording) in waiting.iter().take(limit) {
            let (first, last) = (number(*recording, LAST_SEGMENT as usize), number(*recording, 0));
            transaction.execute("DELETE FROM passages WHERE rowid BETWEEN ?1 AND ?2", [first, last])?;
            match transcripts::latest(library, path, RecordingId(*recording)) {
                Ok(Some(latest)) => insert(&transaction, *recording, &latest.transcript)?,
                Ok(None) => {}
                // Whoever opens the recording is told so; all others can be searched.
                Err(LibraryError::DamagedTranscript { recording, reason }) => {
                    tracing::warn!("the transcript of recording {recording} cannot be searched: {reason}");
                }
                Err(error) => return Err(error.into()),
            }
            done_to = *revision;
        }
        transaction.execute("UPDATE progress SET done_to = ?1", [done_to])?;
        transaction.commit()?;
        Ok(waiting.len().saturating_sub(limit))
    }

    /// The passages that are looked for.
    pub(super) fn search(&self, library: (&Connection, &Path), request: &SearchRequest) -> Result<Vec<Hit>, Trouble> {
        let (library, path) = library;
        let Some(query) = Query::parse(&request.words) else { return Ok(Vec::new()) };
        let wanted = Wanted::of(library, request).map_err(failed("search", path))?;
        let mut recordings = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut hits = Vec::new();
        for expression in query.expressions(&request.speaker) {
            if hits.len() >= request.limit {
                break;
            }
            for passage in self.passages(&expression, &wanted, request.limit)? {
                if hits.len() >= request.limit || !seen.insert(passage.number) {
                    continue;
                }
                let id = passage.number >> SEGMENT_BITS;
                let known = match recordings.entry(id) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(slot) => slot.insert(label_and_path(library, id).map_err(failed("search", path))?),
                };
                // It may have been removed this moment.
                if let Some((label, path)) = known {
                    hits.push(passage.into_hit(label.clone(), path.clone()));
                }
            }
        }
        Ok(hits)
    }

    fn passages(&self, expression: &str, wanted: &Wanted, limit: usize) -> rusqlite::Result<Vec<Passage>> {
        let among = match &wanted.among {
            Some(_) => format!("AND (rowid >> {SEGMENT_BITS}) IN (SELECT value FROM json_each(?7))"),
            None => "AND ?7 IS NULL".to_owned(),
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT rowid, highlight(passages, 0, ?2, ?3), name, start_ms, words FROM passages
             WHERE passages MATCH ?1 AND rowid BETWEEN ?4 AND ?5 {among} ORDER BY rowid DESC LIMIT ?6"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let marks = [FOUND_FROM, FOUND_UNTIL].map(String::from);
        let params = params![expression, marks[0], marks[1], wanted.first, wanted.last, limit, wanted.among];
        let passages = statement.query_map(params, |row| {
            Ok(Passage {
                number: row.get(0)?,
                marked: row.get(1)?,
                speaker: row.get(2)?,
                start_ms: row.get(3)?,
                words: row.get(4)?,
            })
        })?;
        passages.collect()
    }
}

/// Which recordings are looked through.
#[derive(Debug)]
struct Wanted {
    /// Numbers of the first and the last of their passages.
    first: i64,
    last: i64,
    /// Their numbers as a JSON list, where not all between count.
    among: Option<String>,
}

impl Wanted {
    fn of(library: &Connection, request: &SearchRequest) -> rusqlite::Result<Self> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        if let Some(folder) = &request.folder {
            let (from, until) = below(folder);
            conditions.extend(["folder >= ?", "folder < ?"]);
            values.extend([Value::Blob(from), Value::Blob(until)]);
        }
        for (condition, secs) in [("modified_ns >= ?", request.from_secs), ("modified_ns < ?", request.until_secs)] {
            if let Some(secs) = secs {
                conditions.push(condition);
                values.push(Value::Integer(secs.saturating_mul(1_000_000_000)));
            }
        }
        if conditions.is_empty() {
            return Ok(Self { first: 0, last: i64::MAX, among: None });
        }
        let sql = format!("SELECT id FROM recordings WHERE {} ORDER BY id", conditions.join(" AND "));
        let mut statement = library.prepare_cached(&sql)?;
        let ids = statement.query_map(params_from_iter(values), |row| row.get::<_, i64>(0))?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>()?;
        let (first, last) = match (ids.first(), ids.last()) {
            (Some(first), Some(last)) => (number(*first, LAST_SEGMENT as usize), number(*last, 0)),
            // Nothing lies between these.
            _ => (1, 0),
        };
        let list: Vec<String> = ids.iter().map(i64::to_string).collect();
        Ok(Self { first, last, among: Some(format!("[{}]", list.join(","))) })
    }
}

/// A row of the index.
#[derive(Debug)]
struct Passage {
    number: i64,
    marked: String,
    speaker: Option<String>,
    start_ms: i64,
    words: Vec<u8>,
}

impl Passage {
    fn into_hit(self, label: String, path: PathBuf) -> Hit {
        let (text, found) = read_marked(&self.marked);
        let word = found.first().and_then(|(from, _)| word_at(&self.words, *from));
        Hit {
            recording: RecordingId(self.number >> SEGMENT_BITS),
            label,
            path,
            segment_idx: (LAST_SEGMENT - (self.number & LAST_SEGMENT)) as usize,
            word_idx: word.map(|(idx, _)| idx),
            at: word.and_then(|(_, at)| at).unwrap_or(Seconds(self.start_ms as f64 / 1000.0)),
            speaker: self.speaker,
            text,
            found,
        }
    }
}

/// The number of a passage.
fn number(recording: i64, segment_idx: usize) -> i64 {
    (recording << SEGMENT_BITS) | (LAST_SEGMENT - segment_idx as i64)
}

fn insert(index: &Connection, recording: i64, transcript: &Transcript) -> rusqlite::Result<()> {
    let mut statement = index.prepare_cached(
        "INSERT INTO passages (rowid, text, speaker, name, start_ms, words) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    // Backwards, so that the numbers grow.
    for (segment_idx, segment) in transcript.segments.iter().enumerate().take(LAST_SEGMENT as usize).rev() {
        let text = segment.text.trim();
        if text.is_empty() {
            continue;
        }
        let name = segment.speaker.as_deref().map(|label| transcript.name_of(label));
        statement.execute(params![
            number(recording, segment_idx),
            spread(text),
            name.map(speaker_word),
            name,
            segment.span.start.to_millis() as i64,
            pack_words(text, &segment.words),
        ])?;
    }
    Ok(())
}

fn label_and_path(library: &Connection, id: i64) -> rusqlite::Result<Option<(String, PathBuf)>> {
    let mut statement = library.prepare_cached("SELECT label, folder, name FROM recordings WHERE id = ?1")?;
    let found =
        statement.query_row([id], |row| Ok((row.get(0)?, Place { folder: row.get(1)?, name: row.get(2)? }.path())));
    found.optional()
}
