//! The tables of `library.db`, and the steps that lead from each version of them to the next. What a step did is never
//! changed: libraries of all versions are out there, and are the user's own. The search index is not here, for it is
//! made from these tables and never migrated.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// What marks a database as a library of Hansard: `Hans`.
pub(super) const APPLICATION_ID: i64 = 0x4861_6e73;

/// Step `n` leads from version `n` to version `n + 1`; version 0 is an empty file.
pub(super) const STEPS: &[&str] = &[VERSION_1, VERSION_2];

/// Paths are the bytes that the system calls a file by, for those need not be Unicode: the folder with a separator at
/// its end, and the name. `revision` numbers all changes of transcripts, removals too, so that the search index knows
/// what it has not seen. Transcripts and changes are packed (see `packed.rs`).
const VERSION_1: &str = "
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder BLOB NOT NULL,
    name BLOB NOT NULL,
    label TEXT NOT NULL,
    label_key TEXT NOT NULL,            -- in lower case
    n_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,       -- since 1970
    duration_secs REAL,
    content BLOB,                       -- BLAKE3 of the file
    status INTEGER NOT NULL DEFAULT 0,  -- 0 new, 1 partly done, 2 done, 3 failed
    status_text TEXT NOT NULL DEFAULT '',
    is_missing INTEGER NOT NULL DEFAULT 0,
    speakers TEXT NOT NULL DEFAULT '[]',
    tags TEXT NOT NULL DEFAULT '[]',
    note TEXT NOT NULL DEFAULT '',
    metadata TEXT NOT NULL DEFAULT '[]',
    haystack TEXT NOT NULL DEFAULT '',  -- label, path, tags and speakers in lower case
    UNIQUE (folder, name)
) STRICT;
CREATE INDEX recordings_by_date ON recordings (modified_ns DESC, id DESC);
CREATE INDEX recordings_by_label ON recordings (label_key, id);
CREATE INDEX recordings_by_duration ON recordings (duration_secs DESC, id DESC);
CREATE INDEX recordings_by_content ON recordings (content) WHERE content IS NOT NULL;
CREATE INDEX recordings_by_size ON recordings (n_bytes) WHERE content IS NOT NULL;

CREATE TABLE transcripts (
    recording INTEGER PRIMARY KEY REFERENCES recordings (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL UNIQUE,
    model TEXT NOT NULL,
    made_secs INTEGER NOT NULL,
    n_changes INTEGER NOT NULL,
    is_edited INTEGER NOT NULL,
    original BLOB NOT NULL,
    current BLOB,                       -- NULL: the original
    changes BLOB NOT NULL
) STRICT;
CREATE TABLE earlier_transcripts (
    id INTEGER PRIMARY KEY,
    recording INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    made_secs INTEGER NOT NULL,
    original BLOB NOT NULL,
    current BLOB,
    changes BLOB NOT NULL
) STRICT;
CREATE INDEX earlier_transcripts_by_recording ON earlier_transcripts (recording);
CREATE TABLE removals (
    revision INTEGER PRIMARY KEY,
    recording INTEGER NOT NULL
) STRICT;

CREATE TABLE folders (
    path BLOB PRIMARY KEY,
    new_files INTEGER NOT NULL,         -- 0 list, 1 transcribe
    version BLOB                        -- BLAKE3 of what was found when it was scanned last
) STRICT, WITHOUT ROWID;
CREATE TABLE shared_metadata (
    folder BLOB PRIMARY KEY,
    columns TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE removed_files (
    folder BLOB NOT NULL,
    name BLOB NOT NULL,
    PRIMARY KEY (folder, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    recording INTEGER NOT NULL,         -- may be removed
    started_secs INTEGER NOT NULL,
    model TEXT NOT NULL,
    settings TEXT NOT NULL,
    audio_secs REAL NOT NULL,
    stages TEXT NOT NULL,
    total_secs REAL NOT NULL,
    reused_fraction REAL NOT NULL,
    mean_confidence REAL,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_start ON jobs (started_secs DESC, id DESC);
CREATE INDEX jobs_by_model ON jobs (model, id DESC);
";

/// What a transcript was made of is kept with its job, packed; `NULL` where that is not known. What recordings sound
/// like is in `sounds.rs`: a fingerprint of an hour takes some 75 kB, and its landmarks some 10 kB. Recordings that sound
/// alike are listed both ways. How long a job was to take and when the user changed a transcript last are unknown for
/// what is there.
const VERSION_2: &str = "
ALTER TABLE jobs ADD COLUMN manifest BLOB;
ALTER TABLE jobs ADD COLUMN estimate_secs REAL;
ALTER TABLE transcripts ADD COLUMN saved_secs INTEGER;
ALTER TABLE earlier_transcripts ADD COLUMN saved_secs INTEGER;
CREATE INDEX jobs_by_recording ON jobs (recording, id DESC);
CREATE TABLE sounds (
    recording INTEGER PRIMARY KEY REFERENCES recordings (id) ON DELETE CASCADE,
    loudness_lufs REAL,
    noise_dbfs REAL,
    snr_db REAL,
    speech_share REAL,                  -- NULL: none of these is known
    fingerprint BLOB
) STRICT;
CREATE TABLE sound_landmarks (
    landmark INTEGER NOT NULL,
    recording INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    PRIMARY KEY (landmark, recording)
) STRICT, WITHOUT ROWID;
CREATE INDEX sound_landmarks_by_recording ON sound_landmarks (recording);
CREATE TABLE related_recordings (
    recording INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    other INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    similarity REAL NOT NULL,           -- 0 to 1
    PRIMARY KEY (recording, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX related_recordings_by_other ON related_recordings (other);
";

/// The version of a database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database from whatever version it has to that after the last step: all of it, or nothing.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = writing(connection)?;
    // Asked again, for now nobody else can write.
    let n_done = version(&transaction)?;
    for step in steps.iter().skip(n_done as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", steps.len().max(n_done as usize) as i64)?;
    transaction.commit()
}

/// A transaction that may write from the start, so that it need not be given up in the middle because of another.
pub(super) fn writing(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_from_any_version_on_and_all_or_none() {
        let steps =
            ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 2; INSERT INTO a (x) VALUES (1)", "nonsense"];
        for n_before in 0..=2 {
            let mut connection = Connection::open_in_memory().expect("a database");
            migrate(&mut connection, &steps[..n_before]).expect("steps that can be taken");
            assert!(migrate(&mut connection, &steps).is_err(), "from {n_before}");
            assert_eq!(version(&connection).expect("a version"), n_before as i64);
            migrate(&mut connection, &steps[..2]).expect("steps that can be taken");
            let sum: i64 = connection.query_row("SELECT sum(x + y) FROM a", [], |row| row.get(0)).expect("a row");
            assert_eq!((version(&connection).expect("a version"), sum), (2, 3), "from {n_before}");
        }
    }

    #[test]
    fn the_tables_of_this_version_can_be_made() {
        let mut connection = Connection::open_in_memory().expect("a database");
        migrate(&mut connection, STEPS).expect("an empty database");
        assert_eq!(version(&connection).expect("a version"), STEPS.len() as i64);
    }
}
