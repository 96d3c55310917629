//! What the window and the command line ask of the stored results of stages, and what they hear: plain values. The doing
//! is in `engine/shelf/`, the keeping in [`crate::results`].

pub use crate::results::{DaySurvey, Layer, LayerSurvey, ResultsSurvey};

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
