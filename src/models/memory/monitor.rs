//! The lock around the state of the first level, with a place to wait for it to change: that of the standard library, and
//! in the model check one whose schedules are all tried out.

use std::ops::DerefMut;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::state::State;

/// How long somebody sleeps who has to look at a token meanwhile: a cancelled job shall stop within a second.
const BRIEFLY: Duration = Duration::from_millis(50);

/// Mutual exclusion, and waiting for a change.
pub(super) trait Monitor: 'static {
    /// Access to the state as long as it lives.
    type Guard<'a>: DerefMut<Target = State>
    where
        Self: 'a;

    fn new(state: State) -> Self;

    fn lock(&self) -> Self::Guard<'_>;

    /// Gives the lock back until somebody calls [`Monitor::notify_all`], perhaps for less long.
    fn wait<'a>(&'a self, guard: Self::Guard<'a>) -> Self::Guard<'a>;

    /// The same, but not for long.
    fn wait_briefly<'a>(&'a self, guard: Self::Guard<'a>) -> Self::Guard<'a>;

    fn notify_all(&self);
}

/// What the program runs with.
pub(super) struct SystemMonitor {
    state: Mutex<State>,
    changed: Condvar,
}

// Nothing that could panic runs under the lock, so a poisoned one is whole.
impl Monitor for SystemMonitor {
    type Guard<'a> = MutexGuard<'a, State>;

    fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_briefly<'a>(&'a self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let (guard, _) = self.changed.wait_timeout(guard, BRIEFLY).unwrap_or_else(PoisonError::into_inner);
        guard
    }

    fn notify_all(&self) {
        self.changed.notify_all();
    }
}
