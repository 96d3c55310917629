//! Waiting for other processes that have a model: the user is told whom for, and may end it.

use std::sync::Arc;
use std::time::Duration;

use crate::models::ModelCache;
use crate::models::store::{Patience, StoreWatcher, Waiting};
use crate::task::CancelToken;

/// Waits until somebody asks to stop.
struct Waits {
    is_stopped: Box<dyn Fn() -> bool + Send + Sync>,
    tell: Box<dyn Fn(&Waiting) + Send + Sync>,
}

impl StoreWatcher for Waits {
    fn waits(&self, waiting: &Waiting) -> Patience {
        /// The first call comes at once, the next one after this.
        const FIRST: Duration = Duration::from_millis(50);
        if (self.is_stopped)() {
            return Patience::GiveUp;
        }
        if waiting.waited < FIRST {
            (self.tell)(waiting);
        }
        Patience::Wait
    }
}

/// A handle to the cache that waits for other processes until somebody asks to stop, and writes to the log for whom.
pub(super) fn patient(models: &ModelCache, cancel: &CancelToken) -> ModelCache {
    let stop = cancel.clone();
    telling(models, move || stop.is_cancelled(), |waiting| tracing::warn!("{waiting}")).with_cancel(cancel)
}

/// The same, with somebody who is told.
pub(super) fn telling(
    models: &ModelCache,
    is_stopped: impl Fn() -> bool + Send + Sync + 'static,
    tell: impl Fn(&Waiting) + Send + Sync + 'static,
) -> ModelCache {
    models.watched_by(Arc::new(Waits { is_stopped: Box::new(is_stopped), tell: Box::new(tell) }))
}
