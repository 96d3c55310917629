//! What a long computation is given besides its input: a way to be stopped, and a way to say how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared flag that asks a computation to stop. Polled at least once per chunk and per decoder step.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks every holder of a clone to stop; cannot be taken back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` once somebody asked to stop: `cancel.check()?` is a stopping point.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// The computation was stopped on request; what it had is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Where a stage reports how much of its work is done, from 0 to 1, and learns that it shall stop.
pub struct Progress<'a> {
    cancel: &'a CancelToken,
    report: &'a (dyn Fn(f32) + Sync),
}

impl<'a> Progress<'a> {
    /// Progress that calls `report` with each fraction.
    pub fn new(cancel: &'a CancelToken, report: &'a (dyn Fn(f32) + Sync)) -> Self {
        Self { cancel, report }
    }

    /// Progress that nobody watches.
    pub fn unwatched(cancel: &'a CancelToken) -> Self {
        Self { cancel, report: &|_| {} }
    }

    /// The token that stops this work.
    pub fn cancel(&self) -> &CancelToken {
        self.cancel
    }

    /// Says that `done` of `total` is done; a stopping point.
    pub fn at(&self, done: usize, total: usize) -> Result<(), Cancelled> {
        self.cancel.check()?;
        (self.report)(if total == 0 { 1.0 } else { (done as f32 / total as f32).clamp(0.0, 1.0) });
        Ok(())
    }
}
