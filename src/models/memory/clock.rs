//! Where the first level takes the time from: the system, or a test that moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Tells the time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<ManualClock>);

/// The hands of a clock that stands still until it is advanced.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: Instant,
    advanced_nanos: Arc<AtomicU64>,
}

impl Clock {
    /// The clock of the system, which never goes back.
    pub fn system() -> Self {
        Self(None)
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        self.0.as_ref().map_or_else(Instant::now, ManualClock::now)
    }
}

impl ManualClock {
    /// A clock that stands.
    pub fn standing() -> Self {
        Self { start: Instant::now(), advanced_nanos: Arc::default() }
    }

    /// What tells the time that these hands show.
    pub fn clock(&self) -> Clock {
        Clock(Some(self.clone()))
    }

    /// Moves the hands on.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.advanced_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.advanced_nanos.load(Ordering::Relaxed))
    }
}
