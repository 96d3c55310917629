//! Files into the library: those that scans found, and single ones. What is known is updated, what is new is added,
//! what was moved is found again by its content, and what is not there any more is marked. No file is changed or
//! removed.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::hash::ContentHash;

use super::Library;
use super::entry::RecordingId;
use super::error::{LibraryError, failed};
use super::place::{Place, below, folder_bytes};
use super::recordings::{json, json_column, refresh};
use super::scan::{FolderScan, FoundFile};
use super::schema::writing;

/// Hashes a whole file; `None` where it cannot be read.
pub type ContentOf<'a> = dyn FnMut(&Path) -> Option<ContentHash> + 'a;

/// What came of files that were put into the library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Recordings that were not there before.
    pub new: Vec<RecordingId>,
    /// Recordings whose files have another content than before.
    pub changed: Vec<RecordingId>,
    /// Recordings that were missing, or are somewhere else now.
    pub found_again: Vec<RecordingId>,
    /// Recordings whose files are not where they were.
    pub missing: Vec<RecordingId>,
}

/// Who says that a file is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    User,
    Scan,
}

/// What is to be done about a file.
enum Step {
    Add,
    Refresh { id: RecordingId, is_same: bool, was_missing: bool },
    Move { id: RecordingId },
}

/// A recording as it is known.
struct Known {
    id: RecordingId,
    n_bytes: i64,
    modified_ns: i64,
    content: Option<ContentHash>,
    is_missing: bool,
    is_described_so: bool,
}

impl Library {
    /// Puts files into the library, also those that were removed from it, or updates what is known of them.
    /// `content_of` is asked only about files that may have been moved or merely touched.
    pub fn add(&mut self, files: &[FoundFile], content_of: &mut ContentOf<'_>) -> Result<Added, LibraryError> {
        self.take(files, Source::User, content_of)
    }

    /// Takes in what a scan found. Files that the user removed from the library stay out of it. Recordings of the
    /// folder that were not found are marked, unless their folder could not be read. If the folder is watched, its
    /// version is kept.
    pub fn take_scan(&mut self, scan: &FolderScan, content_of: &mut ContentOf<'_>) -> Result<Added, LibraryError> {
        let mut added = self.take(&scan.files, Source::Scan, content_of)?;
        added.missing = self.mark_missing(scan)?;
        let failed = || failed("keep what was found in a folder", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let keep = || -> rusqlite::Result<()> {
            let (from, until) = below(&scan.folder);
            transaction.execute("DELETE FROM shared_metadata WHERE folder >= ?1 AND folder < ?2", [&from, &until])?;
            for (folder, columns) in &scan.shared {
                transaction.execute(
                    "INSERT OR REPLACE INTO shared_metadata VALUES (?1, ?2)",
                    params![folder_bytes(folder), json(columns)?],
                )?;
            }
            transaction.execute(
                "UPDATE folders SET version = ?2 WHERE path = ?1",
                params![folder_bytes(&scan.folder), scan.version.as_bytes()],
            )?;
            Ok(())
        };
        keep().and_then(|()| transaction.commit()).map_err(failed())?;
        Ok(added)
    }

    /// Looks whether the files of the recordings, all or those below a folder, are where they were, and marks those
    /// that are not, or are again. Returns the recordings whose mark changed.
    pub fn look_for_missing(&mut self, folder: Option<&Path>) -> Result<Vec<RecordingId>, LibraryError> {
        let failed = || failed("look for missing recordings", &self.path);
        let known = places(&self.connection, folder).map_err(failed())?;
        let mut changed = Vec::new();
        for (id, place, was_missing) in known {
            // Where a folder cannot be looked into, nothing is known.
            if let Ok(is_there) = place.path().try_exists()
                && is_there == was_missing
            {
                changed.push((id, !is_there));
            }
        }
        self.set_missing(&changed)?;
        Ok(changed.into_iter().map(|(id, _)| id).collect())
    }

    fn take(
        &mut self,
        files: &[FoundFile],
        source: Source,
        content_of: &mut ContentOf<'_>,
    ) -> Result<Added, LibraryError> {
        // Hashing takes long, so nobody is kept from writing meanwhile.
        let mut steps = Vec::new();
        let mut moved = BTreeSet::new();
        for file in files {
            let place = Place::of(&file.path).ok_or_else(|| LibraryError::NoFile(file.path.clone()))?;
            let step = step(&self.connection, file, &place, source, &mut moved, content_of);
            if let Some(step) = step.map_err(failed("look for a recording", &self.path))? {
                steps.push((file, place, step));
            }
        }
        let failed = || failed("add recordings", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        // Numbers grow with the time of the files, so that what is newest is found first.
        steps.sort_by_key(|(file, ..)| file.modified_ns);
        let apply = || -> rusqlite::Result<Added> {
            let mut added = Added::default();
            for (file, place, step) in &steps {
                match step {
                    Step::Add => added.new.extend(insert(&transaction, file, place)?),
                    Step::Refresh { id, is_same, was_missing } => {
                        update(&transaction, *id, file, source)?;
                        if *was_missing {
                            added.found_again.push(*id);
                        }
                        if !is_same {
                            forget_content(&transaction, *id)?;
                            added.changed.push(*id);
                        }
                    }
                    Step::Move { id } => {
                        move_to(&transaction, *id, place)?;
                        update(&transaction, *id, file, source)?;
                        added.found_again.push(*id);
                    }
                }
                transaction
                    .prepare_cached("DELETE FROM removed_files WHERE folder = ?1 AND name = ?2")?
                    .execute(params![place.folder, place.name])?;
            }
            Ok(added)
        };
        let added = apply().map_err(failed())?;
        transaction.commit().map_err(failed())?;
        Ok(added)
    }

    /// Marks the recordings of a folder that a scan did not find.
    fn mark_missing(&mut self, scan: &FolderScan) -> Result<Vec<RecordingId>, LibraryError> {
        let failed = || failed("look for missing recordings", &self.path);
        let found: BTreeSet<Place> = scan.files.iter().filter_map(|file| Place::of(&file.path)).collect();
        let unreadable: Vec<(Vec<u8>, Vec<u8>)> = scan.unreadable.iter().map(|folder| below(folder)).collect();
        let is_known =
            |place: &Place| !unreadable.iter().any(|(from, until)| place.folder >= *from && place.folder < *until);
        let mut missing = Vec::new();
        for (id, place, is_missing) in places(&self.connection, Some(scan.folder.as_path())).map_err(failed())? {
            // Recordings may have endings that scans do not look for.
            if !is_missing
                && !found.contains(&place)
                && is_known(&place)
                && place.path().try_exists().is_ok_and(|is_there| !is_there)
            {
                missing.push((id, true));
            }
        }
        self.set_missing(&missing)?;
        Ok(missing.into_iter().map(|(id, _)| id).collect())
    }

    fn set_missing(&mut self, changes: &[(RecordingId, bool)]) -> Result<(), LibraryError> {
        let failed = || failed("mark missing recordings", &self.path);
        if changes.is_empty() {
            return Ok(());
        }
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let mark = || -> rusqlite::Result<()> {
            let mut statement = transaction.prepare_cached("UPDATE recordings SET is_missing = ?2 WHERE id = ?1")?;
            for (id, is_missing) in changes {
                statement.execute(params![id.0, is_missing])?;
            }
            Ok(())
        };
        mark().and_then(|()| transaction.commit()).map_err(failed())
    }
}

/// What is to be done about a file; `None` if nothing is.
fn step(
    connection: &Connection,
    file: &FoundFile,
    place: &Place,
    source: Source,
    moved: &mut BTreeSet<RecordingId>,
    content_of: &mut ContentOf<'_>,
) -> rusqlite::Result<Option<Step>> {
    if let Some(known) = known(connection, file, place)? {
        let has_same_size = known.n_bytes == file.n_bytes as i64;
        let is_untouched = has_same_size && known.modified_ns == file.modified_ns;
        if is_untouched && !known.is_missing && (known.is_described_so || !describes(file, source)) {
            return Ok(None);
        }
        // A file that was only touched, or copied over itself, has its content still.
        let is_same = is_untouched
            || has_same_size && known.content.is_some_and(|content| content_of(&file.path) == Some(content));
        return Ok(Some(Step::Refresh { id: known.id, is_same, was_missing: known.is_missing }));
    }
    if source == Source::Scan
        && connection
            .prepare_cached("SELECT 1 FROM removed_files WHERE folder = ?1 AND name = ?2")?
            .exists(params![place.folder, place.name])?
    {
        return Ok(None);
    }
    let mut its_content = None;
    for (id, content, old) in of_size(connection, file.n_bytes)? {
        // Where its old place cannot be looked at, a file counts as being there.
        if moved.contains(&id) || old.path().try_exists().unwrap_or(true) {
            continue;
        }
        if *its_content.get_or_insert_with(|| content_of(&file.path)) == Some(content) {
            moved.insert(id);
            return Ok(Some(Step::Move { id }));
        }
    }
    Ok(Some(Step::Add))
}

fn known(connection: &Connection, file: &FoundFile, place: &Place) -> rusqlite::Result<Option<Known>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, n_bytes, modified_ns, content, is_missing, label, metadata FROM recordings
         WHERE folder = ?1 AND name = ?2",
    )?;
    let known = statement.query_row(params![place.folder, place.name], |row| {
        let metadata: Vec<(String, String)> = json_column(row, 6)?;
        Ok(Known {
            id: RecordingId(row.get(0)?),
            n_bytes: row.get(1)?,
            modified_ns: row.get(2)?,
            content: row.get::<_, Option<[u8; 32]>>(3)?.map(ContentHash::from_bytes),
            is_missing: row.get(4)?,
            is_described_so: row.get::<_, String>(5)? == label_of(file) && metadata == file.metadata,
        })
    });
    known.optional()
}

/// The recordings of this size whose content is known, with their places.
fn of_size(connection: &Connection, n_bytes: u64) -> rusqlite::Result<Vec<(RecordingId, ContentHash, Place)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, content, folder, name FROM recordings WHERE n_bytes = ?1 AND content IS NOT NULL ORDER BY id",
    )?;
    let rows = statement.query_map([n_bytes as i64], |row| {
        let content = ContentHash::from_bytes(row.get(1)?);
        Ok((RecordingId(row.get(0)?), content, Place { folder: row.get(2)?, name: row.get(3)? }))
    })?;
    rows.collect()
}

/// The places of the recordings, all or those below a folder, and whether they were missing.
fn places(connection: &Connection, folder: Option<&Path>) -> rusqlite::Result<Vec<(RecordingId, Place, bool)>> {
    // A folder begins with a separator or the letter of a drive, hence with neither of these bytes.
    let (from, until) = folder.map_or_else(|| (vec![0], vec![u8::MAX]), below);
    let mut statement = connection.prepare_cached(
        "SELECT id, folder, name, is_missing FROM recordings WHERE folder >= ?1 AND folder < ?2 ORDER BY folder, name",
    )?;
    let rows = statement.query_map([from, until], |row| {
        Ok((RecordingId(row.get(0)?), Place { folder: row.get(1)?, name: row.get(2)? }, row.get(3)?))
    })?;
    rows.collect()
}

/// Adds a recording; `None` where another process has done so this moment.
fn insert(connection: &Connection, file: &FoundFile, place: &Place) -> rusqlite::Result<Option<RecordingId>> {
    let n_added = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO recordings (folder, name, label, label_key, n_bytes, modified_ns, metadata)
             VALUES (?1, ?2, ?3, '', ?4, ?5, ?6)",
        )?
        .execute(params![
            place.folder,
            place.name,
            label_of(file),
            file.n_bytes as i64,
            file.modified_ns,
            json(&file.metadata)?
        ])?;
    if n_added == 0 {
        return Ok(None);
    }
    let id = connection.last_insert_rowid();
    refresh(connection, id)?;
    Ok(Some(RecordingId(id)))
}

fn update(connection: &Connection, id: RecordingId, file: &FoundFile, source: Source) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE recordings SET n_bytes = ?2, modified_ns = ?3, is_missing = 0 WHERE id = ?1")?
        .execute(params![id.0, file.n_bytes as i64, file.modified_ns])?;
    if describes(file, source) {
        connection
            .prepare_cached("UPDATE recordings SET label = ?2, metadata = ?3 WHERE id = ?1")?
            .execute(params![id.0, label_of(file), json(&file.metadata)?])?;
    }
    refresh(connection, id.0)
}

/// Whether it is known what the metadata beside a file say of it. Who names a file by itself has not looked there.
fn describes(file: &FoundFile, source: Source) -> bool {
    source == Source::Scan || file.label.is_some() || !file.metadata.is_empty()
}

/// A recording with another content is a new one, though what was made of the old one is kept.
fn forget_content(connection: &Connection, id: RecordingId) -> rusqlite::Result<()> {
    const SQL: &str =
        "UPDATE recordings SET content = NULL, duration_secs = NULL, status = 0, status_text = '' WHERE id = ?1";
    connection.prepare_cached(SQL)?.execute([id.0]).map(drop)
}

fn move_to(connection: &Connection, id: RecordingId, place: &Place) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE OR IGNORE recordings SET folder = ?2, name = ?3 WHERE id = ?1")?
        .execute(params![id.0, place.folder, place.name])
        .map(drop)
}

/// What a file is called: what its metadata say, else its name without its ending.
fn label_of(file: &FoundFile) -> String {
    let name = || file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    file.label.clone().unwrap_or_else(name)
}
