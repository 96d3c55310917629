//! How much may be in memory, and what a caller of the first level wishes. Plain values.

use std::time::Duration;

use crate::task::CancelToken;

/// How long a model stays that nobody uses, if nothing else is wanted.
pub const DEFAULT_IDLE: Duration = Duration::from_mins(15);

/// How many models are loaded at the same time, if nothing else is wanted: while one is read from disk, another computes.
pub const DEFAULT_PARALLEL_LOADS: usize = 2;

/// What may be in the memory of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Bytes that models may take.
    pub budget_bytes: usize,
    /// How many models stay; `None`: as many as fit. More are there only while they are in use.
    pub max_count: Option<usize>,
    /// A model that nobody used for so long is unloaded; `None`: never.
    pub idle: Option<Duration>,
    /// How many are loaded at the same time; at least one.
    pub max_parallel_loads: usize,
}

impl MemoryLimits {
    /// This budget, and everything else as usual.
    pub fn with_budget(budget_bytes: usize) -> Self {
        Self { budget_bytes, max_count: None, idle: Some(DEFAULT_IDLE), max_parallel_loads: DEFAULT_PARALLEL_LOADS }
    }
}

/// The time after which idle models are unloaded, from minutes as a setting has them: 0 means never.
pub fn idle_after_minutes(n_minutes: u64) -> Option<Duration> {
    (n_minutes > 0).then(|| Duration::from_secs(n_minutes.saturating_mul(60)))
}

/// What a caller says about the model it asks for, in case it has to be loaded.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Bytes that the model will take, if that is known: then room is made before it is loaded and the budget is kept all
    /// the time. Models of unknown size are loaded one at a time, and room is made once their size is known.
    pub expected_bytes: Option<usize>,
    /// What happens if it does not fit.
    pub if_too_large: IfTooLarge,
    /// Ends the waiting for a load of somebody else or for room. A load that has begun has to look at the token itself.
    pub cancel: Option<CancelToken>,
}

impl Admission {
    /// For a model that will take so many bytes.
    pub fn of_size(expected_bytes: usize) -> Self {
        Self { expected_bytes: Some(expected_bytes), ..Self::default() }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
    }
}

/// What happens with a model that does not fit into the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfTooLarge {
    /// It is refused, and the message says what would have to go.
    #[default]
    Refuse,
    /// Everything goes that can, and it is loaded all the same, with a warning.
    LoadAlone,
}
