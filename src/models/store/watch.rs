//! Who is told what the store does. Faces show what is waited for; tests end the process between two steps.

use crate::task::{Cancelled, Progress};

use super::lock::Waiting;

/// Is told what the store does, and may end its waiting.
pub trait StoreWatcher: Send + Sync {
    /// Called again and again while another process changes the model that is wanted.
    fn waits(&self, waiting: &Waiting) -> Patience {
        // Once, and not with every call.
        if waiting.waited.as_millis() < 50 {
            tracing::info!("{waiting}");
        }
        Patience::Wait
    }

    /// Called after each step of a change, from which what is on disk differs.
    fn reached(&self, _step: Step) {}
}

/// Whether to go on waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes.
    Wait,
    /// Not any longer.
    GiveUp,
}

/// A step of storing, importing or removing an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its files are there, in the temporary folder.
    Filled,
    /// They are on the disk for certain, and so is the manifest.
    Described,
    /// The entry that was there before is out of the way.
    MovedAside,
    /// The new entry is in its place.
    MovedIn,
    /// An entry that is to be removed is out of its place, but still on disk.
    TakenOut,
}

/// Writes to the log and waits as long as it takes.
pub(super) struct PatientWatcher;

impl StoreWatcher for PatientWatcher {}

/// Tells how many of all bytes are done; a stopping point.
pub(super) struct Meter<'a> {
    /// `None` where nobody watches.
    progress: Option<&'a Progress<'a>>,
    n_done_bytes: u64,
    n_all_bytes: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(progress: Option<&'a Progress<'a>>, n_all_bytes: u64) -> Self {
        Self { progress, n_done_bytes: 0, n_all_bytes }
    }

    /// That many more are done.
    pub(super) fn add(&mut self, n_bytes: usize) -> Result<(), Cancelled> {
        self.n_done_bytes += n_bytes as u64;
        let (n_done, n_all) = (self.n_done_bytes as usize, self.n_all_bytes as usize);
        self.progress.map_or(Ok(()), |progress| progress.at(n_done, n_all))
    }

    /// Whether somebody asked to stop.
    pub(super) fn check(&self) -> Result<(), Cancelled> {
        self.progress.map_or(Ok(()), |progress| progress.cancel().check())
    }
}
