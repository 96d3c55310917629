//! Opening the library whatever state it is in, and keeping backups of it.
//!
//! ```text
//! library.db               the library; library.db-wal and -shm belong to it
//! library.lock             held while it is opened, migrated, backed up or restored
//! library.suspect          there if something in it could not be read: it is checked when it is opened next
//! library-backups/         library-000012-2026-03-01.db and up to four before it; those from before a migration have
//!                          the time in their names, too: library-000011-2026-03-01-143210.db
//! library-damaged-1.db     a library that could not be used, as it was found
//! ```
//! A damaged library is first moved aside and then replaced by the newest intact backup, and what can still be read of
//! it is put beside that (see `salvage.rs`). Whoever is killed in between
//! leaves backups without a library, which are restored as well.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use crate::files::{self, FileError};

use super::error::{LibraryError, failed, is_damage, suspect_mark};
use super::salvage::{Salvaged, salvage};
use super::schema;

/// Backups that are kept.
const N_BACKUPS: usize = 5;
/// Libraries of at most this size are checked whenever they are opened: that takes no time.
const ALWAYS_CHECKED_BYTES: u64 = 8 << 20;
/// A backup of this day is replaced when it is as old as this and something changed since.
const BACKUP_AGE: Duration = Duration::from_hours(1);
/// How long one process waits for another that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// What a library turned out to be.
enum State {
    Absent,
    Sound(Connection),
    Damaged(String),
}

/// Opens the library, made, migrated or restored as needed. Returns warnings for the user.
pub(super) fn open(path: &Path) -> Result<(Connection, Vec<String>), LibraryError> {
    let _held_to_the_end = lock(path)?;
    let mut warnings = Vec::new();
    let mut connection = match inspect(path)? {
        State::Sound(connection) => connection,
        State::Damaged(reason) => {
            let aside = set_aside(path)?;
            let what = format!("{} is damaged ({reason}) and was moved to {}.", path.display(), aside.display());
            let restored = restore(path)?;
            create_private(path)?;
            let mut connection = connect(path).map_err(failed("open the library", path))?;
            schema::migrate(&mut connection, schema::STEPS).map_err(failed("bring the tables up to date", path))?;
            warnings.push(format!("{what} {restored}{}", salvaged_in_words(salvage(&mut connection, &aside))));
            connection
        }
        State::Absent => {
            if !backups(path)?.is_empty() {
                warnings.push(format!("{} was not there. {}", path.display(), restore(path)?));
            }
            create_private(path)?;
            connect(path).map_err(failed("open the library", path))?
        }
    };
    remove_if_there(&suspect_mark(path))?;
    let version = schema::version(&connection).map_err(failed("open the library", path))?;
    if version > 0 && version < schema::STEPS.len() as i64 {
        back_up(path, &connection, Occasion::Migration)?;
    }
    if version < schema::STEPS.len() as i64 {
        schema::migrate(&mut connection, schema::STEPS).map_err(failed("bring the tables up to date", path))?;
    }
    Ok((connection, warnings))
}

/// Opens a database with the settings that all of ours have.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The user's own data: what was told to be kept is on the disk, also when the power fails.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(connection)
}

/// What came of looking through a damaged library, in words.
fn salvaged_in_words(salvaged: rusqlite::Result<Salvaged>) -> String {
    match salvaged {
        Ok(Salvaged { n_recordings: 0, n_transcripts: 0 }) => String::new(),
        Ok(Salvaged { n_recordings, n_transcripts }) => format!(
            " Of what was changed, {n_recordings} recordings and {n_transcripts} transcripts could still be read and \
             were put back."
        ),
        Err(error) => {
            tracing::debug!("nothing can be read of the damaged library: {error}");
            String::new()
        }
    }
}

/// Checks the library and makes a backup of it, unless there is one of this day that will do. Returns the backup.
pub(super) fn back_up_if_due(path: &Path, connection: &Connection) -> Result<Option<PathBuf>, LibraryError> {
    let _held_to_the_end = lock(path)?;
    let today = today(connection).map_err(failed("ask for the date", path))?;
    let newest = backups(path)?.pop().filter(|newest| newest.made == today);
    if let Some(newest) = &newest
        && !is_outdated(path, connection, &newest.path)
    {
        return Ok(None);
    }
    // What is damaged shall not push out what is intact.
    if let Some(reason) = damage(connection).map_err(failed("check the library", path))? {
        fs::write(suspect_mark(path), b"").map_err(FileError::of("write", &suspect_mark(path)))?;
        return Err(LibraryError::Damaged { path: path.to_path_buf(), reason });
    }
    let backup = back_up(path, connection, Occasion::Day)?;
    if let Some(replaced) = newest {
        remove_if_there(&replaced.path)?;
    }
    Ok(Some(backup))
}

/// Whether a backup of this day is to be replaced: it has no recording and the library has, or it is older than an hour
/// and than the last change of the library.
fn is_outdated(path: &Path, connection: &Connection, backup: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(made) = modified(backup) else { return true };
    let is_old = SystemTime::now().duration_since(made).is_ok_and(|age| age >= BACKUP_AGE);
    let has_changed = [path.to_path_buf(), with_ending(path, "-wal")]
        .iter()
        .any(|file| modified(file).is_some_and(|changed| changed > made));
    if is_old && has_changed {
        return true;
    }
    let has_recordings = |connection: &Connection| -> rusqlite::Result<bool> {
        connection.query_row("SELECT EXISTS (SELECT 1 FROM recordings)", [], |row| row.get(0))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let in_backup = Connection::open_with_flags(backup, flags).and_then(|backup| has_recordings(&backup));
    !in_backup.unwrap_or(false) && has_recordings(connection).unwrap_or(false)
}

/// A backup by its name.
struct Backup {
    number: u64,
    /// The day, and the time where it was made before a migration.
    made: String,
    path: PathBuf,
}

/// Why a backup is made.
#[derive(Clone, Copy)]
enum Occasion {
    /// It is that of a day, and takes the place of an older one of that day.
    Day,
    /// The tables are about to be changed. It takes the place of none, and none takes its place.
    Migration,
}

impl Backup {
    /// The day on which it was made.
    fn day(&self) -> &str {
        self.made.get(.."2026-03-01".len()).unwrap_or(&self.made)
    }
}

/// The backups there are, oldest first. They are numbered, for clocks may go backwards.
fn backups(path: &Path) -> Result<Vec<Backup>, FileError> {
    let folder = backup_folder(path);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::of("read", &folder)(error)),
    };
    let mut backups = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FileError::of("read", &folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number_and_time = name.strip_prefix("library-").and_then(|name| name.strip_suffix(".db"));
        if let Some((number, made)) = number_and_time.and_then(|rest| rest.split_once('-'))
            && let Ok(number) = number.parse()
        {
            backups.push(Backup { number, made: made.to_owned(), path: entry.path() });
        }
    }
    backups.sort_by_key(|backup| backup.number);
    Ok(backups)
}

fn back_up(path: &Path, connection: &Connection, occasion: Occasion) -> Result<PathBuf, LibraryError> {
    let folder = backup_folder(path);
    files::create_private_folder(&folder)?;
    let before = backups(path)?;
    let number = before.last().map_or(1, |newest| newest.number + 1);
    let made = match occasion {
        Occasion::Day => today(connection),
        Occasion::Migration => now(connection),
    };
    let made = made.map_err(failed("ask for the date", path))?;
    let backup = folder.join(format!("library-{number:06}-{made}.db"));
    let unfinished = folder.join("unfinished.db");
    remove_if_there(&unfinished)?;
    let name = unfinished.to_str().ok_or_else(|| {
        FileError::of("write", &unfinished)(io::Error::new(io::ErrorKind::InvalidInput, "the path is not Unicode"))
    })?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(failed("make a backup", path))?;
    let in_place = File::options().write(true).open(&unfinished).and_then(|file| {
        file.sync_all()?;
        fs::rename(&unfinished, &backup)?;
        files::sync_folder(&folder)
    });
    in_place.map_err(FileError::of("write", &backup))?;
    // The new one is there already. One of the same day is about to be replaced, and does not push out another.
    let n_kept = if before.last().is_some_and(|newest| newest.made == made) { N_BACKUPS } else { N_BACKUPS - 1 };
    for old in before.iter().rev().skip(n_kept) {
        remove_if_there(&old.path)?;
    }
    Ok(backup)
}

/// Puts the newest intact backup in the place of a library that is not there any more, and says which.
fn restore(path: &Path) -> Result<String, LibraryError> {
    // Both belong to what was there before.
    for index in super::search::files_of(path) {
        remove_if_there(&index)?;
    }
    let mut n_damaged = 0;
    for backup in backups(path)?.iter().rev() {
        if is_intact(&backup.path) {
            let bytes = fs::read(&backup.path).map_err(FileError::of("read", &backup.path))?;
            files::write_private(path, &bytes)?;
            let newer =
                if n_damaged > 0 { format!(" ({n_damaged} newer ones are damaged as well)") } else { String::new() };
            return Ok(format!(
                "The backup of {} took its place{newer}; what was changed after it is missing.",
                backup.day()
            ));
        }
        n_damaged += 1;
    }
    Ok(match n_damaged {
        0 => "There is no backup, so the library begins empty.".to_owned(),
        _ => format!("All of its {n_damaged} backups are damaged as well, so the library begins empty."),
    })
}

/// Whether a backup can take the place of the library.
fn is_intact(backup: &Path) -> bool {
    let check = || -> rusqlite::Result<bool> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(backup, flags)?;
        let version = schema::version(&connection)?;
        let is_known = application_id(&connection)? == schema::APPLICATION_ID
            && (1..=schema::STEPS.len() as i64).contains(&version);
        Ok(is_known && damage(&connection)?.is_none())
    };
    check().unwrap_or(false)
}

/// Looks what is at `path`. Creates nothing.
fn inspect(path: &Path) -> Result<State, LibraryError> {
    let n_bytes = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Absent),
        Err(error) => return Err(FileError::of("read", path)(error).into()),
    };
    if n_bytes == 0 {
        // A new one is empty for a moment; one that was there before is not.
        return Ok(if backups(path)?.is_empty() { State::Absent } else { State::Damaged("it is empty".to_owned()) });
    }
    let is_suspect = suspect_mark(path).exists();
    let look = || -> rusqlite::Result<(Connection, i64, Option<String>)> {
        let connection = connect(path)?;
        let version = schema::version(&connection)?;
        let n_tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let is_ours = application_id(&connection)? == schema::APPLICATION_ID || (version == 0 && n_tables == 0);
        let reason = if !is_ours {
            Some("it is no library of Hansard".to_owned())
        } else if version <= schema::STEPS.len() as i64 && (is_suspect || n_bytes <= ALWAYS_CHECKED_BYTES) {
            damage(&connection)?
        } else {
            None
        };
        Ok((connection, version, reason))
    };
    match look() {
        Ok((_, version, None)) if version > schema::STEPS.len() as i64 => {
            Err(LibraryError::Newer { path: path.to_path_buf(), version })
        }
        Ok((connection, _, None)) => Ok(State::Sound(connection)),
        Ok((_, _, Some(reason))) => Ok(State::Damaged(reason)),
        Err(error) if is_damage(&error) => Ok(State::Damaged(error.to_string())),
        Err(error) => Err(failed("open the library", path)(error)),
    }
}

/// What is wrong with a database, as far as its structure goes.
fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let finding = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match finding {
        Ok(finding) if finding == "ok" => Ok(None),
        Ok(finding) => Ok(Some(finding.lines().collect::<Vec<_>>().join(" "))),
        Err(error) if is_damage(&error) => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn today(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT date('now')", [], |row| row.get(0))
}

/// The day and the time, as they may stand in the name of a file.
fn now(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT strftime('%Y-%m-%d-%H%M%S', 'now')", [], |row| row.get(0))
}

fn backup_folder(path: &Path) -> PathBuf {
    path.with_file_name("library-backups")
}

/// Moves a library and what belongs to it to the first free name beside it.
fn set_aside(path: &Path) -> Result<PathBuf, FileError> {
    let aside = (1..=u32::MAX)
        .map(|n| path.with_file_name(format!("library-damaged-{n}.db")))
        .find(|aside| !aside.exists())
        .expect("a folder cannot hold as many files as there are numbers");
    fs::rename(path, &aside).map_err(FileError::of("move", path))?;
    for ending in ["-wal", "-shm"] {
        let (from, to) = (with_ending(path, ending), with_ending(&aside, ending));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(FileError::of("move", &from)(error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

/// The path with something at its end.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes an empty file that only the user may read; the files that the database puts beside it are like it.
pub(super) fn create_private(path: &Path) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(FileError::of("create", path))
}

/// Waits until no other process opens or backs up the library. Given back when what is returned is dropped.
pub(super) fn lock(path: &Path) -> Result<File, FileError> {
    if let Some(folder) = path.parent() {
        files::create_private_folder(folder)?;
    }
    let lock_path = path.with_extension("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path);
    let file = file.map_err(FileError::of("open", &lock_path))?;
    match file.lock() {
        // Some network drives know no locks. There nobody should have one library on two machines anyway.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked.map_err(FileError::of("lock", &lock_path))?,
    }
    Ok(file)
}
