//! Locks per model, between threads and processes, each a file that the operating system locks while it is open: it is
//! free again when its holder dies. Files of locks stay where they are, for who removes one may remove another's.
//!
//! | lock | held by | for |
//! |---|---|---|
//! | `KEY.change` | one who stores, imports, removes or sweeps | as long as that takes, downloads included |
//! | `KEY.state` | one who reads and writes how the entry is used, or moves it | an instant |
//! | `KEY.use` | any number who use the entry; alone, one who moves it | as long as the model is used; an instant |
//!
//! They cannot block each other for ever: `change` is taken before the others, `use` alone is never waited for, and
//! whoever holds `state` waits for nothing. Only `change` may be held long by others, who are named while it is waited
//! for.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use crate::files::FileError;
use crate::models::key::ModelKey;

use super::error::{StoreError, is_about_permission};
use super::watch::{Patience, StoreWatcher};

/// How often a lock that is taken is tried: the operating system can wait for it, but nobody could end that.
const POLL: Duration = Duration::from_millis(50);

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The model.
    pub key: ModelKey,
    /// Who has it and what for, as far as that is known.
    pub holder: Option<String>,
    /// For how long by now.
    pub waited: Duration,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holder = self.holder.as_deref().unwrap_or("another process is changing it");
        write!(f, "waiting for the model {}: {holder}", self.key)
    }
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    /// `None` where locks cannot be: on a read-only disk, where nobody changes anything either.
    _file: Option<File>,
}

/// The folder of the locks of a store.
#[derive(Clone, Debug)]
pub(super) struct Locks {
    folder: PathBuf,
}

#[derive(Clone, Copy)]
enum Purpose {
    Change,
    State,
    Use,
}

impl Locks {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Waits until nobody else changes the entry, unless `watcher` loses patience. `doing` is what others are told.
    pub(super) fn change(&self, key: &ModelKey, doing: &str, watcher: &dyn StoreWatcher) -> Result<Held, StoreError> {
        let (file, path) = self.open(key, Purpose::Change)?;
        let note = self.folder.join(format!("{key}.holder"));
        let started = Instant::now();
        while !attempt(&file, &path)? {
            let holder = fs::read_to_string(&note).ok().filter(|holder| !holder.is_empty());
            let waiting = Waiting { key: key.clone(), holder, waited: started.elapsed() };
            if watcher.waits(&waiting) == Patience::GiveUp {
                return Err(StoreError::GaveUp(waiting));
            }
            thread::sleep(POLL);
        }
        // Only others' messages are poorer without it.
        if let Err(error) = fs::write(&note, format!("process {} is {doing} it", process::id())) {
            tracing::debug!("cannot write {}: {error}", note.display());
        }
        Ok(Held { _file: Some(file) })
    }

    /// The same without waiting: `None` if somebody else has it.
    pub(super) fn try_change(&self, key: &ModelKey) -> Result<Option<Held>, StoreError> {
        self.try_for(key, Purpose::Change)
    }

    /// The right to read, write and move for an instant.
    pub(super) fn state(&self, key: &ModelKey) -> Result<Held, StoreError> {
        let (file, path) = self.open(key, Purpose::State)?;
        patiently(|| file.lock()).map_err(FileError::of("lock", &path))?;
        Ok(Held { _file: Some(file) })
    }

    pub(super) fn try_state(&self, key: &ModelKey) -> Result<Option<Held>, StoreError> {
        self.try_for(key, Purpose::State)
    }

    /// Keeps the entry from being moved. Waits for the instant in which somebody moves it.
    pub(super) fn share_use(&self, key: &ModelKey) -> Result<Held, StoreError> {
        let (file, path) = match self.open(key, Purpose::Use) {
            Err(error) if is_about_permission(error.source.kind()) => match self.open_to_read(key, Purpose::Use) {
                Some(opened) => opened,
                None => return Ok(Held { _file: None }),
            },
            opened => opened?,
        };
        patiently(|| file.lock_shared()).map_err(FileError::of("lock", &path))?;
        Ok(Held { _file: Some(file) })
    }

    /// The right to move the entry: `None` while somebody uses it. Whoever asks holds `state`.
    pub(super) fn try_own_use(&self, key: &ModelKey, _state: &Held) -> Result<Option<Held>, StoreError> {
        self.try_for(key, Purpose::Use)
    }

    fn try_for(&self, key: &ModelKey, purpose: Purpose) -> Result<Option<Held>, StoreError> {
        let (file, path) = self.open(key, purpose)?;
        Ok(attempt(&file, &path)?.then_some(Held { _file: Some(file) }))
    }

    fn path(&self, key: &ModelKey, purpose: Purpose) -> PathBuf {
        let suffix = match purpose {
            Purpose::Change => "change",
            Purpose::State => "state",
            Purpose::Use => "use",
        };
        self.folder.join(format!("{key}.{suffix}"))
    }

    fn open(&self, key: &ModelKey, purpose: Purpose) -> Result<(File, PathBuf), FileError> {
        let path = self.path(key, purpose);
        fs::create_dir_all(&self.folder).map_err(FileError::of("create folder", &self.folder))?;
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        Ok((file.map_err(FileError::of("open", &path))?, path))
    }

    fn open_to_read(&self, key: &ModelKey, purpose: Purpose) -> Option<(File, PathBuf)> {
        let path = self.path(key, purpose);
        File::open(&path).ok().map(|file| (file, path))
    }
}

/// Tries to take a lock alone; true if that worked.
fn attempt(file: &File, path: &Path) -> Result<bool, FileError> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                // Some network drives know no locks. There the last of two who write at the same moment wins.
                io::ErrorKind::Unsupported => return Ok(true),
                _ => return Err(FileError::of("lock", path)(error)),
            },
        }
    }
}

fn patiently(lock: impl Fn() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            locked => return locked,
        }
    }
}
