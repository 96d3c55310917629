//! What the window and the command line ask of the stored results of stages, and what they hear: plain values. The doing
//! is in `engine/reuse/`, the keeping in [`crate::results`].

use crate::units::Seconds;

pub use crate::results::Layer;

/// What the store of results is asked. Each is answered by exactly one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultsCommand {
    /// Tell what is stored.
    Survey,
    /// Remove results.
    Clear(ClearResults),
    /// Remove what is too old, and what is too much.
    CleanUp,
    /// Look at every payload.
    Verify,
}

/// Which results are removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClearResults {
    /// Of these layers; empty for all.
    pub layers: Vec<Layer>,
    /// Only those not used for so many days.
    pub older_than_days: Option<u32>,
}

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultsSurvey {
    /// Layer by layer, in the order of a job.
    pub layers: Vec<LayerSurvey>,
    /// What all of it may take; `None`: as much as it wants.
    pub budget_bytes: Option<u64>,
    /// The last 30 days, oldest first.
    pub days: Vec<DaySurvey>,
}

/// What is stored of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSurvey {
    /// The layer.
    pub layer: Layer,
    /// How many results,
    pub n_entries: u64,
    /// and what they take on disk.
    pub n_bytes: u64,
    /// How often one was asked for and there in the last 30 days,
    pub n_hits: u64,
    /// and how often not.
    pub n_misses: u64,
    /// What computing those again would have taken.
    pub saved: Seconds,
}

/// What came of the store on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DaySurvey {
    /// The day, counted from 1970-01-01 (UTC).
    pub day: i64,
    /// Results that were there,
    pub n_hits: u64,
    /// and those that were not.
    pub n_misses: u64,
    /// The time that was saved.
    pub saved: Seconds,
}

/// What the store tells.
#[derive(Clone, Debug)]
pub enum ResultsEvent {
    /// What is stored.
    Surveyed(Box<ResultsSurvey>),
    /// It was done: one line that says what.
    Done(String),
    /// It was not: one line that says what, why, and what to do.
    Failed(String),
    /// Something the user should know. Comes unasked.
    Warning(String),
}
