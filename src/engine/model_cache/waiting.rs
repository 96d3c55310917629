//! Waiting for other processes that have a model: the user is told whom for, and may end it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;

use crate::engine::model_work::{ModelNews, ModelWatch};
use crate::models::ModelCache;
use crate::models::store::{Patience, StoreWatcher, Waiting};

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

/// Does something with the cache and tells what the user should know about it, also for whom it waits. Waiting ends when
/// somebody asks to stop.
pub(super) fn attended<T>(models: &ModelCache, watch: ModelWatch<'_>, work: impl FnOnce(&ModelCache) -> T) -> T {
    let (sender, lines) = unbounded::<String>();
    thread::scope(|scope| {
        let tell_lines = move || {
            for line in lines {
                (watch.tell)(ModelNews::Warning(&line));
            }
        };
        let named = thread::Builder::new().name("hansard-waiting".into());
        if let Err(error) = named.spawn_scoped(scope, tell_lines) {
            tracing::warn!("nobody says what is waited for, for the system grants no thread: {error}");
        }
        let stop = watch.cancel.clone();
        let tell = move |waiting: &Waiting| {
            // Nobody reads where there is no thread.
            sender.send(waiting.to_string()).ok();
        };
        // The sender goes with this handle, and the thread ends.
        let models = telling(models, move || stop.is_cancelled(), tell).with_cancel(watch.cancel);
        let done = work(&models);
        for warning in models.take_warnings() {
            (watch.tell)(ModelNews::Warning(&warning));
        }
        done
    })
}

/// A handle to the cache that waits for other processes until `is_stopped`, and tells for whom.
pub(super) fn telling(
    models: &ModelCache,
    is_stopped: impl Fn() -> bool + Send + Sync + 'static,
    tell: impl Fn(&Waiting) + Send + Sync + 'static,
) -> ModelCache {
    models.watched_by(Arc::new(Waits { is_stopped: Box::new(is_stopped), tell: Box::new(tell) }))
}
