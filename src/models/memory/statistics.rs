//! What the first level did: counters since the start, which can be added to those of earlier runs.

use serde::{Deserialize, Serialize};

/// Where a model came from when it was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadedFrom {
    /// From something that was in memory already.
    Memory,
    /// From files on this machine.
    Disk,
    /// From the Hugging Face hub, by way of the disk.
    Hub,
}

/// Counters of one run of the program, or of all of them. They only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryCounters {
    /// Requests that found their model in memory.
    pub hits: u64,
    /// Requests that did not; of many at once for the same model all but one wait for its load.
    pub misses: u64,
    /// Models that were loaded.
    pub loads: u64,
    /// Loads that failed.
    pub failed_loads: u64,
    /// Models that were refused because they did not fit.
    pub refusals: u64,
    /// Models that had to go for others, for a smaller budget, or for lack of memory.
    pub evictions: u64,
    /// Models that went because nobody used them.
    pub idle_unloads: u64,
    /// Models that went because somebody asked for it.
    pub asked_unloads: u64,
    /// How often models went for lack of memory in the system.
    pub memory_cleanups: u64,
    /// Seconds that requests took that found their model in memory, and loads from there.
    pub secs_from_memory: f64,
    /// Seconds that loads from disk took.
    pub secs_from_disk: f64,
    /// Seconds that loads took which had to fetch the model first.
    pub secs_from_hub: f64,
}

impl MemoryCounters {
    /// The share of requests that found their model in memory, 0 to 1; 0 before the first.
    pub fn hit_rate(&self) -> f64 {
        let n_requests = self.hits + self.misses;
        if n_requests == 0 { 0.0 } else { self.hits as f64 / n_requests as f64 }
    }

    /// The counters of two times together: of the runs before and of this one.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            loads: self.loads + other.loads,
            failed_loads: self.failed_loads + other.failed_loads,
            refusals: self.refusals + other.refusals,
            evictions: self.evictions + other.evictions,
            idle_unloads: self.idle_unloads + other.idle_unloads,
            asked_unloads: self.asked_unloads + other.asked_unloads,
            memory_cleanups: self.memory_cleanups + other.memory_cleanups,
            secs_from_memory: self.secs_from_memory + other.secs_from_memory,
            secs_from_disk: self.secs_from_disk + other.secs_from_disk,
            secs_from_hub: self.secs_from_hub + other.secs_from_hub,
        }
    }

    pub(super) fn count_secs(&mut self, from: LoadedFrom, secs: f64) {
        match from {
            LoadedFrom::Memory => self.secs_from_memory += secs,
            LoadedFrom::Disk => self.secs_from_disk += secs,
            LoadedFrom::Hub => self.secs_from_hub += secs,
        }
    }
}

/// What is in memory now, and what happened since the start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MemoryStatistics {
    /// Models in memory.
    pub n_models: usize,
    /// Bytes that they take.
    pub n_bytes: usize,
    /// Bytes that they may take.
    pub budget_bytes: usize,
    /// What happened since the start of the program.
    pub since_start: MemoryCounters,
}
