//! The folders that are looked after, in the database. The looking itself is the engine's.

use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::hash::ContentHash;

use super::Library;
use super::entry::{NewFiles, WatchedFolder};
use super::error::{LibraryError, failed};
use super::place::{below, folder_bytes, folder_path};
use super::recordings::json_column;

impl Library {
    /// Adds a folder to those that are looked after, or changes what is done with new files in it.
    pub fn watch(&mut self, folder: &Path, new_files: NewFiles) -> Result<(), LibraryError> {
        let new_files = match new_files {
            NewFiles::List => 0,
            NewFiles::Transcribe => 1,
        };
        let added = self.connection.execute(
            "INSERT INTO folders (path, new_files) VALUES (?1, ?2)
             ON CONFLICT (path) DO UPDATE SET new_files = excluded.new_files",
            params![folder_bytes(folder), new_files],
        );
        added.map(drop).map_err(failed("watch a folder", &self.path))
    }

    /// Takes a folder from those that are looked after; its recordings stay. Returns whether it was one of them.
    pub fn unwatch(&mut self, folder: &Path) -> Result<bool, LibraryError> {
        let n_removed = self.connection.execute("DELETE FROM folders WHERE path = ?1", [folder_bytes(folder)]);
        n_removed.map(|n| n > 0).map_err(failed("leave a folder alone", &self.path))
    }

    /// The folders that are looked after, in the order of their paths.
    pub fn folders(&self) -> Result<Vec<WatchedFolder>, LibraryError> {
        let look = || -> rusqlite::Result<Vec<WatchedFolder>> {
            let mut folders = self.connection.prepare_cached("SELECT path, new_files FROM folders ORDER BY path")?;
            let mut count =
                self.connection.prepare_cached("SELECT count(*) FROM recordings WHERE folder >= ?1 AND folder < ?2")?;
            let rows = folders.query_map([], |row| {
                let path = folder_path(&row.get::<_, Vec<u8>>(0)?);
                let (from, until) = below(&path);
                let n_recordings: i64 = count.query_row([from, until], |row| row.get(0))?;
                let new_files = if row.get::<_, i64>(1)? == 1 { NewFiles::Transcribe } else { NewFiles::List };
                Ok(WatchedFolder { path, new_files, n_recordings: n_recordings as usize })
            })?;
            rows.collect()
        };
        look().map_err(failed("list the folders", &self.path))
    }

    /// The version that a watched folder had when it was scanned last.
    pub fn folder_version(&self, folder: &Path) -> Result<Option<ContentHash>, LibraryError> {
        let look = || -> rusqlite::Result<Option<[u8; 32]>> {
            let mut statement = self.connection.prepare_cached("SELECT version FROM folders WHERE path = ?1")?;
            let version = statement.query_row([folder_bytes(folder)], |row| row.get::<_, Option<[u8; 32]>>(0));
            Ok(version.optional()?.flatten())
        };
        let version = look().map_err(failed("read the state of a folder", &self.path))?;
        Ok(version.map(ContentHash::from_bytes))
    }

    /// What `*_metadata.csv` in a folder says of all recordings in it alike.
    pub fn shared_metadata(&self, folder: &Path) -> Result<Vec<(String, String)>, LibraryError> {
        let look = || -> rusqlite::Result<Option<Vec<(String, String)>>> {
            let mut statement =
                self.connection.prepare_cached("SELECT columns FROM shared_metadata WHERE folder = ?1")?;
            statement.query_row([folder_bytes(folder)], |row| json_column(row, 0)).optional()
        };
        Ok(look().map_err(failed("read the metadata of a folder", &self.path))?.unwrap_or_default())
    }
}
