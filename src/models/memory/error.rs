//! Why a request to the first level has no model, in words that say what to do.

use std::fmt;
use std::sync::Arc;

use crate::models::key::ModelKey;

use super::entry::EntryState;

/// Why there is no model. All who waited for the same load are told the same.
#[derive(Debug, thiserror::Error)]
pub enum GetError<E> {
    /// Loading it failed. That is not remembered: the next request tries again.
    #[error(transparent)]
    Load(Arc<E>),
    /// It does not fit.
    #[error(transparent)]
    DoesNotFit(Arc<DoesNotFit>),
    /// The thread that loaded it panicked.
    #[error("Hansard made a mistake while loading the model `{0}`. Try again, and please report it")]
    Panicked(ModelKey),
    /// The same key was used for a model of another type, or for a load with another error. A mistake of the caller's.
    #[error("the key `{0}` stands for a model of another kind. Please report it")]
    OtherKind(ModelKey),
    /// The caller was asked to stop while it waited.
    #[error("cancelled")]
    Cancelled,
}

/// A model was refused: what may go is not enough for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoesNotFit {
    /// The model.
    pub key: ModelKey,
    /// Bytes that it takes, if that is known.
    pub n_bytes: Option<usize>,
    /// Bytes that models may take.
    pub budget_bytes: usize,
    /// What would have to go and cannot.
    pub in_the_way: Vec<InTheWay>,
}

/// A model that cannot go now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTheWay {
    /// The model.
    pub key: ModelKey,
    /// Bytes that it takes.
    pub n_bytes: usize,
    /// Why it cannot go.
    pub state: EntryState,
}

impl std::error::Error for DoesNotFit {}

impl fmt::Display for DoesNotFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match self.n_bytes {
            Some(n_bytes) => write!(f, "the model `{key}` takes {} of memory", Size(n_bytes))?,
            None => write!(f, "there is no room in memory for the model `{key}`")?,
        }
        write!(f, "; models may take {}", Size(self.budget_bytes))?;
        for (n, InTheWay { key, n_bytes, state }) in self.in_the_way.iter().enumerate() {
            let before = if n == 0 { ". These would have to go: " } else { ", " };
            write!(f, "{before}`{key}` ({}, {})", Size(*n_bytes), state.label())?;
        }
        let free_them = if self.in_the_way.is_empty() { "C" } else { "Free them, or c" };
        write!(
            f,
            ". {free_them}hoose a smaller model, or allow models more memory in the settings (memory_budget_mb, for a \
             graphics card gpu_memory_budget_mb)"
        )
    }
}

/// A warning: a model was loaded although it does not fit, because the caller insisted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// The model.
    pub key: ModelKey,
    /// Bytes that it takes.
    pub n_bytes: usize,
    /// Bytes that all models take now.
    pub taken_bytes: usize,
    /// Bytes that they may take.
    pub budget_bytes: usize,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, size) = (&self.key, Size(self.n_bytes));
        let (taken, budget) = (Size(self.taken_bytes), Size(self.budget_bytes));
        write!(
            f,
            "The model `{key}` ({size}) was loaded although it does not fit: models take {taken} of memory now and may take \
             {budget}. The machine may become slow."
        )
    }
}

/// Bytes as people read them.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} bytes", self.0),
            1_000..1_000_000 => write!(f, "{:.0} kB", n_bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.0} MB", n_bytes / 1e6),
            1_000_000_000.. => write!(f, "{:.1} GB", n_bytes / 1e9),
        }
    }
}
