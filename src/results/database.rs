//! The `SQLite` database of the index: opening it, its tables, and what is done when it is damaged: it is set aside,
//! and another is made from what can still be read of it and from the blobs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::files::{self, FileError};

use super::blobs::{Layout, Place};
use super::error::{Failure, ResultError};
use super::frame::{Frame, MIN_FRAME_BYTES};
use super::index::{adopt_blobs, insert};

/// The version of the tables. Another one is made only beside a newer folder, so a higher number is from the future.
const SCHEMA_VERSION: i64 = 1;

/// How long another process may write before this one gives up.
const PATIENCE: Duration = Duration::from_secs(20);

const TABLES: &str = "
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        layer TEXT NOT NULL,
        key BLOB NOT NULL CHECK (length(key) = 32),
        audio BLOB NOT NULL CHECK (length(audio) = 32),
        frame BLOB NOT NULL CHECK (length(frame) = 32),
        is_blob INTEGER NOT NULL CHECK (is_blob IN (0, 1)),
        n_bytes INTEGER NOT NULL,
        n_uses INTEGER NOT NULL,
        cost_ms INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        last_used_ms INTEGER NOT NULL,
        UNIQUE (layer, key)
    ) STRICT;
    CREATE INDEX entries_in_blobs ON entries (frame) WHERE is_blob = 1;
    CREATE TABLE payloads (
        entry INTEGER PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE tallies (
        day INTEGER NOT NULL,
        layer TEXT NOT NULL,
        n_hits INTEGER NOT NULL,
        n_misses INTEGER NOT NULL,
        saved_ms INTEGER NOT NULL,
        PRIMARY KEY (day, layer)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE remembered (
        path BLOB NOT NULL,
        kind TEXT NOT NULL,
        n_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        remembered_ms INTEGER NOT NULL,
        PRIMARY KEY (path, kind)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
";

/// Fails if a table is not as above.
const PROBES: [&str; 4] = [
    "SELECT id, layer, key, audio, frame, is_blob, n_bytes, n_uses, cost_ms, created_ms, last_used_ms FROM entries",
    "SELECT entry, bytes FROM payloads",
    "SELECT day, layer, n_hits, n_misses, saved_ms FROM tallies",
    "SELECT path, kind, n_bytes, modified_ns, hash, remembered_ms FROM remembered",
];

/// Whether the database is looked through before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It is taken for right as long as nothing says otherwise.
    Believed,
    /// Something said otherwise.
    Doubted,
}

/// Opens the index, and makes it if there is none. A damaged one is set aside and made again; then there is a warning.
pub(super) fn open(layout: &Layout, trust: Trust) -> Result<(Connection, Option<String>), ResultError> {
    files::create_private_folder(&layout.folder)?;
    // One at a time, or two would set aside each other's.
    let _held_to_the_end = lock(&layout.lock)?;
    let named = |failure: Failure| failure.of(&layout.database);
    let sound = connect(&layout.database).and_then(|connection| match trust {
        Trust::Believed => Ok(connection),
        Trust::Doubted => look_through(connection, &layout.database),
    });
    let reason = match sound.map_err(named) {
        Ok(connection) => return Ok((connection, None)),
        Err(ResultError::Damaged { reason, .. }) => reason,
        Err(error) => return Err(error),
    };
    let aside = set_aside(layout)?;
    let mut connection = connect(&layout.database).map_err(named)?;
    let n_found = salvage(&mut connection, layout, &aside, SystemTime::now()).map_err(named)?;
    let warning = format!(
        "The index of stored results {} was damaged ({reason}). It is kept as {}, and was made again with {n_found} \
         results.",
        layout.database.display(),
        aside.display()
    );
    Ok((connection, Some(warning)))
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // The first must come before there are tables, and before the second. With the third, what was written survives the
    // death of any process; and if the power fails, the last results may be missing, but nothing is damaged.
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(TABLES)?;
            transaction.commit()?;
        }
        SCHEMA_VERSION => {}
        found => return Err(ResultError::Newer { path: path.to_path_buf(), found }.into()),
    }
    for probe in PROBES {
        connection.prepare(probe)?;
    }
    Ok(connection)
}

/// Fails if anything in the database is not as it should be. As long as reading all of it takes.
fn look_through(connection: Connection, path: &Path) -> Result<Connection, Failure> {
    let answer: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if answer == "ok" {
        Ok(connection)
    } else {
        Err(ResultError::Damaged { path: path.to_path_buf(), reason: answer.replace('\n', " ") }.into())
    }
}

/// Moves the index to a free name, with what belongs to it.
fn set_aside(layout: &Layout) -> Result<PathBuf, FileError> {
    let aside = layout.free_damaged();
    // The index itself last: another one must not find the changes of this.
    for suffix in ["-wal", "-shm", ""] {
        let [from, to] = [&layout.database, &aside].map(|path| {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        });
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(FileError::of("rename", &from))?,
        }
    }
    Ok(aside)
}

/// Fills a new index with what can be read of a damaged one, and with the blobs. Returns how many results that are.
fn salvage(connection: &mut Connection, layout: &Layout, damaged: &Path, now: SystemTime) -> Result<usize, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut n_found = 0;
    for_each_payload(damaged, |bytes| {
        if let Ok(frame) = Frame::parse(bytes) {
            n_found += insert(&transaction, &frame, Place::Inline, now)?;
        }
        Ok(())
    })?;
    n_found += adopt_blobs(&transaction, layout, now)?.n_adopted;
    transaction.commit()?;
    Ok(n_found)
}

/// Reads what can be read of a damaged database, and is content with nothing.
fn for_each_payload(damaged: &Path, mut take: impl FnMut(Vec<u8>) -> Result<(), Failure>) -> Result<(), Failure> {
    // Whatever a damaged database says, it cannot hold more than fits into it.
    let n_most = fs::metadata(damaged).map_or(0, |file| file.len()) / MIN_FRAME_BYTES;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(damaged, flags) else { return Ok(()) };
    let Ok(mut statement) = connection.prepare("SELECT bytes FROM payloads") else { return Ok(()) };
    let Ok(mut rows) = statement.query([]) else { return Ok(()) };
    for _ in 0..n_most {
        let Ok(Some(row)) = rows.next() else { break };
        if let Ok(bytes) = row.get(0) {
            take(bytes)?;
        }
    }
    Ok(())
}

/// Removes the index and all results without opening anything. Returns what is free then that was not.
pub(super) fn remove_all(layout: &Layout) -> Result<u64, FileError> {
    // Where there is no room for a lock, nobody else makes an index either.
    let _held_to_the_end = lock(&layout.lock).inspect_err(|error| tracing::debug!("{error}")).ok();
    layout.remove_all()
}

/// Waits until nobody else opens the index. The lock is given back when what is returned is dropped.
fn lock(path: &Path) -> Result<File, FileError> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(FileError::of("open", path))?;
    match file.lock() {
        // Some network drives know no locks.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked.map_err(FileError::of("lock", path))?,
    }
    Ok(file)
}
