//! Requests to the first level: one leads the load of a model, the others for the same model wait for it.
//!
//! The lock is held only to look and to decide. Models are loaded and dropped outside of it. Everybody who waits, waits for
//! something that ends by itself: a load that runs, or a model that leaves. A load must not ask the level for another model.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::models::key::ModelKey;

use super::Resident;
use super::clock::Clock;
use super::entry::{Freed, Unload};
use super::error::{DoesNotFit, GetError, OverBudget};
use super::flight::{AnyModel, Flight, Outcome};
use super::limits::{Admission, IfTooLarge, MemoryLimits};
use super::monitor::Monitor;
use super::state::{Found, Fresh, Leaving, Room, State};
use super::statistics::LoadedFrom;

/// What a request gives: the model, and a warning if it is over the budget because the caller insisted.
pub(super) type Got<T, E> = Result<(Arc<T>, Option<OverBudget>), GetError<E>>;

pub(super) struct Level<M> {
    monitor: M,
    clock: Clock,
}

impl<M: Monitor> Level<M> {
    pub(super) fn new(limits: MemoryLimits, clock: Clock) -> Self {
        Self { monitor: M::new(State::new(limits)), clock }
    }

    /// See [`super::MemoryLevel::get_with`].
    pub(super) fn get<T: Resident, E: Send + Sync + 'static>(
        &self,
        key: &ModelKey,
        admission: &Admission,
        load: impl FnOnce() -> Result<(Arc<T>, LoadedFrom), E>,
    ) -> Got<T, E> {
        let asked_at = self.clock.now();
        let mut is_first_look = true;
        let mut state = self.monitor.lock();
        let flight = loop {
            let now = self.clock.now();
            let found = state.find(key, now);
            if std::mem::take(&mut is_first_look) {
                match &found {
                    Found::Model(_) => state.count_hit(now.saturating_duration_since(asked_at).as_secs_f64()),
                    Found::Loading(_) | Found::Nothing => state.count_miss(),
                }
            }
            let others = match found {
                Found::Model(model) => {
                    drop(state);
                    return of_kind(key, model).map(|model| (model, None));
                }
                Found::Loading(flight) => flight,
                Found::Nothing => break state.begin(key, admission.expected_bytes, now),
            };
            let Some((next, outcome)) = self.follow(state, &others, admission) else {
                return Err(GetError::Cancelled);
            };
            state = next;
            match outcome {
                Outcome::Loaded(model) => {
                    // Counts as a use, and is there, for whoever waits keeps it there.
                    state.find(key, self.clock.now());
                    drop(state);
                    return of_kind(key, model).map(|model| (model, None));
                }
                Outcome::Failed(error) => {
                    drop(state);
                    return Err(error
                        .downcast::<E>()
                        .map_or_else(|_| GetError::OtherKind(key.clone()), GetError::Load));
                }
                Outcome::Panicked => return Err(GetError::Panicked(key.clone())),
                Outcome::Refused(refusal) if admission.if_too_large == IfTooLarge::Refuse => {
                    return Err(GetError::DoesNotFit(refusal));
                }
                // Somebody else did not insist, or was cancelled: that is nothing to us.
                Outcome::Refused(_) | Outcome::Abandoned => {}
            }
        };
        self.lead(state, key, &flight, admission, load)
    }

    pub(super) fn peek(&self, key: &ModelKey) -> Option<AnyModel> {
        self.monitor.lock().peek(key)
    }

    pub(super) fn unload(&self, key: &ModelKey) -> Unload {
        let (answer, leaving) = self.monitor.lock().unload(key);
        self.let_go(leaving);
        answer
    }

    pub(super) fn unload_idle(&self) -> Freed {
        let now = self.clock.now();
        let leaving = self.monitor.lock().unload_idle(now);
        self.let_go(leaving)
    }

    pub(super) fn shrink_to(&self, n_bytes: usize) -> Freed {
        let leaving = self.monitor.lock().shrink_to(n_bytes);
        self.let_go(leaving)
    }

    pub(super) fn relieve(&self, mut is_short: impl FnMut() -> bool) -> Freed {
        let mut freed = Freed::default();
        while is_short() {
            let leaving = self.monitor.lock().evict_oldest();
            if leaving.is_empty() {
                break;
            }
            freed.add(self.let_go(leaving));
        }
        if freed.n_models > 0 {
            self.monitor.lock().count_memory_cleanup();
        }
        freed
    }

    pub(super) fn set_limits(&self, limits: MemoryLimits) -> Freed {
        let leaving = self.monitor.lock().set_limits(limits);
        // There may be room now for those who wait.
        self.monitor.notify_all();
        self.let_go(leaving)
    }

    /// Does something with the state for which nobody waits.
    pub(super) fn with_state<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.monitor.lock())
    }

    /// Waits for a load that somebody else leads. `None`: the caller was cancelled meanwhile.
    fn follow<'a>(
        &'a self,
        mut state: M::Guard<'a>,
        flight: &Flight,
        admission: &Admission,
    ) -> Option<(M::Guard<'a>, Outcome)> {
        loop {
            if let Some(outcome) = flight.outcome() {
                return Some((state, outcome));
            }
            if admission.is_cancelled() {
                return None;
            }
            state = self.wait(state, admission);
        }
    }

    /// Loads a model for everybody who asked for it meanwhile.
    fn lead<'a, T: Resident, E: Send + Sync + 'static>(
        &'a self,
        mut state: M::Guard<'a>,
        key: &ModelKey,
        flight: &Flight,
        admission: &Admission,
        load: impl FnOnce() -> Result<(Arc<T>, LoadedFrom), E>,
    ) -> Got<T, E> {
        loop {
            if admission.is_cancelled() {
                self.end(state, key, flight, Outcome::Abandoned);
                return Err(GetError::Cancelled);
            }
            match state.start(key, admission) {
                Room::Started => break,
                Room::Later => state = self.wait(state, admission),
                Room::After(leaving) => {
                    drop(state);
                    self.let_go(leaving);
                    state = self.monitor.lock();
                }
                Room::Never(refusal) => return Err(self.refuse(state, key, flight, refusal)),
            }
        }
        drop(state);

        let started = self.clock.now();
        let load_and_weigh = || load().map(|(model, from)| (model.n_bytes(), model, from));
        // Whoever waits is told of a panic, and then it goes on: nothing here is seen in between.
        let loaded = catch_unwind(AssertUnwindSafe(load_and_weigh));
        let load_secs = self.clock.now().saturating_duration_since(started).as_secs_f64();
        let state = self.monitor.lock();
        match loaded {
            Ok(Ok((n_bytes, model, from))) => {
                self.admit(state, key, flight, admission, Loaded { model, n_bytes, from, load_secs })
            }
            Ok(Err(error)) => {
                let error = Arc::new(error);
                self.end(state, key, flight, Outcome::Failed(error.clone()));
                Err(GetError::Load(error))
            }
            Err(panic) => {
                self.end(state, key, flight, Outcome::Panicked);
                resume_unwind(panic)
            }
        }
    }

    fn admit<T: Resident, E>(
        &self,
        mut state: M::Guard<'_>,
        key: &ModelKey,
        flight: &Flight,
        admission: &Admission,
        loaded: Loaded<T>,
    ) -> Got<T, E> {
        let Loaded { model, n_bytes, from, load_secs } = loaded;
        state.count_load(from, load_secs);
        match state.make_room_for_loaded(key, n_bytes, admission.if_too_large) {
            Ok((leaving, over_budget)) => {
                let fresh = Fresh { model: model.clone(), n_bytes, load_secs };
                state.admit(key, flight, fresh, self.clock.now());
                drop(state);
                self.monitor.notify_all();
                self.let_go(leaving);
                Ok((model, over_budget))
            }
            Err(refusal) => {
                drop(state);
                // Gone before anybody else may start on the strength of its place.
                drop(model);
                Err(self.refuse(self.monitor.lock(), key, flight, refusal))
            }
        }
    }

    fn refuse<E>(&self, state: M::Guard<'_>, key: &ModelKey, flight: &Flight, refusal: DoesNotFit) -> GetError<E> {
        let refusal = Arc::new(refusal);
        self.end(state, key, flight, Outcome::Refused(refusal.clone()));
        GetError::DoesNotFit(refusal)
    }

    /// Ends a load that has no model.
    fn end(&self, mut state: M::Guard<'_>, key: &ModelKey, flight: &Flight, outcome: Outcome) {
        state.end(key, flight, outcome);
        drop(state);
        self.monitor.notify_all();
    }

    fn wait<'a>(&'a self, state: M::Guard<'a>, admission: &Admission) -> M::Guard<'a> {
        if admission.cancel.is_some() { self.monitor.wait_briefly(state) } else { self.monitor.wait(state) }
    }

    /// Drops models, which may take a while, and then tells those who wait for their memory.
    fn let_go(&self, leaving: Leaving) -> Freed {
        let freed = leaving.freed();
        if freed.n_models > 0 {
            drop(leaving);
            self.monitor.lock().has_left(freed.n_bytes);
            self.monitor.notify_all();
        }
        freed
    }
}

/// A model, fresh from a load.
struct Loaded<T> {
    model: Arc<T>,
    n_bytes: usize,
    from: LoadedFrom,
    load_secs: f64,
}

/// A model as the type that the caller expects.
fn of_kind<T: Resident, E>(key: &ModelKey, model: AnyModel) -> Result<Arc<T>, GetError<E>> {
    model.downcast().map_err(|_other| GetError::OtherKind(key.clone()))
}
