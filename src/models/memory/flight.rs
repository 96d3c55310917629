//! One load of a model, as those see it who wait for it.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::error::DoesNotFit;

/// A model of whatever type.
pub(super) type AnyModel = Arc<dyn Any + Send + Sync>;

/// How a load ended.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The model counts as in use until all who waited have it.
    Loaded(AnyModel),
    /// An `Arc<E>` of the load's own error.
    Failed(Arc<dyn Any + Send + Sync>),
    Refused(Arc<DoesNotFit>),
    Panicked,
    /// Whoever led it was cancelled before it began: somebody else shall lead.
    Abandoned,
}

/// A load that runs or waits for its turn; settled once, under the lock of the level.
#[derive(Default)]
pub(super) struct Flight {
    outcome: OnceLock<Outcome>,
}

impl Flight {
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.get().cloned()
    }

    pub(super) fn settle(&self, outcome: Outcome) {
        let is_first = self.outcome.set(outcome).is_ok();
        debug_assert!(is_first, "only the leader settles a load, and once");
    }
}
