//! What the cache did in all runs of the program, in a small file beside the models on disk. It is written once, at the end
//! of a run, and only where models are kept; a file that cannot be read counts as none.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::models::memory::MemoryCounters;

const FILE: &str = "statistics.json";
const LOCK: &str = ".statistics.lock";

/// Counters of one run, or of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// What happened in memory.
    pub memory: MemoryCounters,
    /// Of the models that were loaded, those that had to be fetched first.
    pub n_hub_loads: u64,
}

impl Tally {
    /// Those of the runs before, for the models in a folder.
    pub(super) fn read(folder: &Path) -> Self {
        fs::read(folder.join(FILE)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Two together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self { memory: self.memory.plus(&other.memory), n_hub_loads: self.n_hub_loads + other.n_hub_loads }
    }

    /// Adds these to those of the runs before, also if another run ends at this moment.
    pub(super) fn add_to(&self, folder: &Path) -> Result<(), FileError> {
        let path = folder.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(FileError::of("open", &path))?;
        match lock.lock() {
            // Some network drives know no locks.
            Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(FileError::of("lock", &path)(error));
            }
            _ => {}
        }
        let path = folder.join(FILE);
        let sum = Self::read(folder).plus(self);
        let bytes = serde_json::to_vec_pretty(&sum).map_err(io::Error::other).map_err(FileError::of("write", &path))?;
        files::write_atomic(&path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tally =
            |hits, n_hub_loads| Tally { memory: MemoryCounters { hits, ..MemoryCounters::default() }, n_hub_loads };
        assert_eq!(Tally::read(folder.path()), Tally::default());
        for (run, expected) in [(tally(3, 1), tally(3, 1)), (tally(4, 0), tally(7, 1))] {
            run.add_to(folder.path()).expect("a writable folder");
            assert_eq!(Tally::read(folder.path()), expected);
        }
        fs::write(folder.path().join(FILE), "not JSON").expect("a writable folder");
        assert_eq!(Tally::read(folder.path()), Tally::default());
    }
}
