//! The first level of the model cache: models in memory, each loaded once however many ask for it, kept under a budget of
//! bytes, and unloaded when they are in the way, idle, or memory is short.
//!
//! ```text
//! get ──▶ in memory? ──yes──▶ Arc                                                    (a hit)
//!             └─no──▶ being loaded? ──yes──▶ wait, share its model or its error
//!                           └─no──▶ make room ──▶ load ──▶ keep, tell all who wait
//! ```
//! The `Arc` that is handed out is the lease: as long as somebody holds one, the model is in use and stays. A level has the
//! budget of one device; a graphics card has a level of its own. Where models come from, the caller knows; what is on disk
//! is none of this level's business.

mod clock;
mod entry;
mod error;
mod flight;
mod level;
mod limits;
#[cfg(test)]
mod model_check;
mod monitor;
mod state;
mod statistics;

use std::any::Any;
use std::sync::Arc;

use crate::nn::ecapa::Ecapa;
use crate::nn::resnet::ResNet34;
use crate::nn::sincnet_lstm::PyanNet;
use crate::nn::wav2vec2::Wav2Vec2;
use crate::nn::whisper::Whisper;

use super::key::ModelKey;

use level::Level;
use monitor::SystemMonitor;

pub use clock::{Clock, ManualClock};
pub use entry::{EntryState, Freed, MemoryEntry, Unload};
pub use error::{DoesNotFit, GetError, InTheWay, OverBudget};
pub use limits::{Admission, DEFAULT_IDLE, DEFAULT_PARALLEL_LOADS, IfTooLarge, MemoryLimits, idle_after_minutes};
pub use statistics::{LoadedFrom, MemoryCounters, MemoryStatistics};

/// A model that can be kept in memory.
pub trait Resident: Any + Send + Sync {
    /// Bytes of its weights.
    fn n_bytes(&self) -> usize;
}

/// The models in the memory of one device. Clones are handles to the same.
#[derive(Clone)]
pub struct MemoryLevel(Arc<Level<SystemMonitor>>);

impl MemoryLevel {
    /// An empty level.
    pub fn new(limits: MemoryLimits, clock: Clock) -> Self {
        Self(Arc::new(Level::new(limits, clock)))
    }

    /// The model of a key; `load` makes it if it is neither in memory nor being loaded. One that does not fit is refused.
    /// A load must not ask this level for another model.
    pub fn get<T: Resident, E: Send + Sync + 'static>(
        &self,
        key: &ModelKey,
        load: impl FnOnce() -> Result<(Arc<T>, LoadedFrom), E>,
    ) -> Result<Arc<T>, GetError<E>> {
        self.get_with(key, &Admission::default(), load).map(|(model, _)| model)
    }

    /// The same, with wishes. The warning is there if the model is over the budget because the caller insisted.
    pub fn get_with<T: Resident, E: Send + Sync + 'static>(
        &self,
        key: &ModelKey,
        admission: &Admission,
        load: impl FnOnce() -> Result<(Arc<T>, LoadedFrom), E>,
    ) -> Result<(Arc<T>, Option<OverBudget>), GetError<E>> {
        self.0.get(key, admission, load)
    }

    /// The model of a key if it is in memory and of this type. Nothing is loaded or waited for, and it does not count as a
    /// request.
    pub fn peek<T: Resident>(&self, key: &ModelKey) -> Option<Arc<T>> {
        self.0.peek(key).and_then(|model| model.downcast().ok())
    }

    /// Whether the model of a key is in memory.
    pub fn contains(&self, key: &ModelKey) -> bool {
        self.0.with_state(|state| state.is_in_memory(key))
    }

    /// Keeps a model in memory once it is there, until it is unpinned.
    pub fn pin(&self, key: &ModelKey) {
        self.0.with_state(|state| state.pin(key));
    }

    /// Lets a model go again when it is in the way.
    pub fn unpin(&self, key: &ModelKey) {
        self.0.with_state(|state| state.unpin(key));
    }

    /// Unloads a model because the user wants it, even a pinned one; it stays pinned for the next time.
    pub fn unload(&self, key: &ModelKey) -> Unload {
        self.0.unload(key)
    }

    /// Unloads what nobody used for as long as the limits say.
    pub fn unload_idle(&self) -> Freed {
        self.0.unload_idle()
    }

    /// Unloads idle models, the one not used for longest first, until those in memory take no more than `n_bytes`, or only
    /// those are left that are in use or pinned.
    pub fn shrink_to(&self, n_bytes: usize) -> Freed {
        self.0.shrink_to(n_bytes)
    }

    /// Unloads idle models, the one not used for longest first, as long as `is_short` says that memory is short. If any had
    /// to go, it counts as one memory cleanup.
    pub fn relieve(&self, is_short: impl FnMut() -> bool) -> Freed {
        self.0.relieve(is_short)
    }

    /// Sets other limits. Idle models that are beyond them go at once.
    pub fn set_limits(&self, limits: MemoryLimits) -> Freed {
        self.0.set_limits(limits)
    }

    /// The limits.
    pub fn limits(&self) -> MemoryLimits {
        self.0.with_state(|state| state.limits())
    }

    /// The models in memory and those being loaded, by key.
    pub fn entries(&self) -> Vec<MemoryEntry> {
        self.0.with_state(|state| state.entries())
    }

    /// What is in memory now, and what happened since the start.
    pub fn statistics(&self) -> MemoryStatistics {
        self.0.with_state(|state| state.statistics())
    }
}

impl Resident for Whisper {
    fn n_bytes(&self) -> usize {
        Self::n_bytes(self)
    }
}

impl Resident for PyanNet {
    fn n_bytes(&self) -> usize {
        Self::n_bytes(self)
    }
}

impl Resident for Wav2Vec2 {
    fn n_bytes(&self) -> usize {
        Self::n_bytes(self)
    }
}

impl Resident for Ecapa {
    fn n_bytes(&self) -> usize {
        Self::n_bytes(self)
    }
}

impl Resident for ResNet34 {
    fn n_bytes(&self) -> usize {
        Self::n_bytes(self)
    }
}
