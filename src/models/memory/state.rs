//! What is in memory and what is being loaded: decides, under the lock of the level, what is found, what may start and what
//! has to go. It neither waits nor loads, and drops no model: what goes is handed out as [`Leaving`].
//!
//! ```text
//! absent ──begin──▶ waiting ──start──▶ running ──admit──▶ in memory ──take──▶ leaving ──has_left──▶ absent
//!                      └──────end────────┘
//! ```
//! Bytes are counted from `start` (those expected) to `has_left`, so that memory which is on its way out is not promised to
//! somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Add;
use std::sync::Arc;
use std::time::Instant;

use crate::models::key::ModelKey;

use super::entry::{EntryState, Freed, MemoryEntry, Unload};
use super::error::{DoesNotFit, InTheWay, OverBudget};
use super::flight::{AnyModel, Flight, Outcome};
use super::limits::{Admission, IfTooLarge, MemoryLimits};
use super::statistics::{LoadedFrom, MemoryCounters, MemoryStatistics};

pub(super) struct State {
    limits: MemoryLimits,
    slots: BTreeMap<ModelKey, Slot>,
    /// Also of models that are not in memory now.
    pinned: BTreeSet<ModelKey>,
    /// Bytes of models that were taken out and whose memory is not given back yet.
    leaving_bytes: usize,
    /// Rises with every use: the order in which models were used, even of those used in the same instant.
    n_uses: u64,
    counters: MemoryCounters,
}

enum Slot {
    Loading(Loading),
    Held(Held),
}

struct Loading {
    flight: Arc<Flight>,
    since: Instant,
    expected_bytes: Option<usize>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// For room, or for its turn.
    Waiting,
    Running,
}

struct Held {
    model: AnyModel,
    n_bytes: usize,
    loaded_at: Instant,
    last_used: Instant,
    /// [`State::n_uses`] at that time.
    last_use: u64,
    n_uses: u64,
    load_secs: f64,
}

impl Held {
    /// Whoever holds a clone uses the model. Only the level itself can make the first one, under its lock.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.model) > 1
    }
}

/// What a request finds.
pub(super) enum Found {
    Model(AnyModel),
    Loading(Arc<Flight>),
    Nothing,
}

/// Whether a load may begin.
pub(super) enum Room {
    /// It has begun, and its bytes are reserved.
    Started,
    /// These have to leave first.
    After(Leaving),
    /// Something has to end first that ends by itself: a load, or the leaving of a model.
    Later,
    Never(DoesNotFit),
}

/// Models that were taken out. They shall be dropped outside of the lock, and then reported by [`State::has_left`].
#[derive(Default)]
pub(super) struct Leaving {
    models: Vec<AnyModel>,
    n_bytes: usize,
}

impl Leaving {
    pub(super) fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    pub(super) fn freed(&self) -> Freed {
        Freed { n_models: self.models.len(), n_bytes: self.n_bytes }
    }
}

/// A model that was just loaded.
pub(super) struct Fresh {
    pub(super) model: AnyModel,
    pub(super) n_bytes: usize,
    pub(super) load_secs: f64,
}

/// Some models together.
#[derive(Clone, Copy, Default)]
struct Weight {
    n_models: usize,
    n_bytes: usize,
}

impl Weight {
    fn one(n_bytes: usize) -> Self {
        Self { n_models: 1, n_bytes }
    }
}

impl Add for Weight {
    type Output = Self;

    /// Sizes that somebody expects may be anything.
    fn add(self, other: Self) -> Self {
        Self { n_models: self.n_models + other.n_models, n_bytes: self.n_bytes.saturating_add(other.n_bytes) }
    }
}

/// All models but one, by whether they can go.
#[derive(Default)]
struct Weights {
    /// In use or pinned.
    stuck: Weight,
    /// Being loaded; perhaps idle afterwards.
    running: Weight,
    idle: Weight,
}

impl Weights {
    fn total(&self) -> Weight {
        self.stuck + self.running + self.idle
    }
}

impl State {
    pub(super) fn new(limits: MemoryLimits) -> Self {
        Self {
            limits,
            slots: BTreeMap::new(),
            pinned: BTreeSet::new(),
            leaving_bytes: 0,
            n_uses: 0,
            counters: MemoryCounters::default(),
        }
    }

    /// Looks a model up for somebody who uses it.
    pub(super) fn find(&mut self, key: &ModelKey, now: Instant) -> Found {
        match self.slots.get_mut(key) {
            None => Found::Nothing,
            Some(Slot::Loading(loading)) => Found::Loading(loading.flight.clone()),
            Some(Slot::Held(held)) => {
                self.n_uses += 1;
                (held.last_used, held.last_use) = (now, self.n_uses);
                held.n_uses += 1;
                Found::Model(held.model.clone())
            }
        }
    }

    /// The same for somebody who only looks: nothing is counted, and a load is not waited for.
    pub(super) fn peek(&self, key: &ModelKey) -> Option<AnyModel> {
        match self.slots.get(key) {
            Some(Slot::Held(held)) => Some(held.model.clone()),
            Some(Slot::Loading(_)) | None => None,
        }
    }

    pub(super) fn is_in_memory(&self, key: &ModelKey) -> bool {
        matches!(self.slots.get(key), Some(Slot::Held(_)))
    }

    pub(super) fn count_hit(&mut self, secs: f64) {
        self.counters.hits += 1;
        self.counters.count_secs(LoadedFrom::Memory, secs);
    }

    pub(super) fn count_miss(&mut self) {
        self.counters.misses += 1;
    }

    pub(super) fn count_load(&mut self, from: LoadedFrom, secs: f64) {
        self.counters.loads += 1;
        self.counters.count_secs(from, secs);
    }

    pub(super) fn count_memory_cleanup(&mut self) {
        self.counters.memory_cleanups += 1;
    }

    /// Makes the caller the leader of a load.
    pub(super) fn begin(&mut self, key: &ModelKey, expected_bytes: Option<usize>, now: Instant) -> Arc<Flight> {
        let flight = Arc::<Flight>::default();
        let loading = Loading { flight: flight.clone(), since: now, expected_bytes, stage: Stage::Waiting };
        self.slots.insert(key.clone(), Slot::Loading(loading));
        flight
    }

    /// Starts a load that has begun, if it is its turn and there is room; else makes room, or says that there is none.
    pub(super) fn start(&mut self, key: &ModelKey, admission: &Admission) -> Room {
        if !self.is_turn_of(admission.expected_bytes) {
            return Room::Later;
        }
        let own = Weight::one(admission.expected_bytes.unwrap_or(0));
        let weights = self.weigh_all_but(Some(key));
        if self.fit(weights.stuck + own) {
            // What is being loaded may be idle soon, so it is waited for. Loads never wait once they run.
            if weights.running.n_models > 0 && !self.hold(weights.stuck + weights.running + own) {
                return Room::Later;
            }
        } else if admission.if_too_large == IfTooLarge::Refuse {
            return Room::Never(self.refusal(key, admission.expected_bytes, &[EntryState::InUse, EntryState::Pinned]));
        }
        let leaving = self.make_room(Some(key), own);
        if !leaving.is_empty() {
            return Room::After(leaving);
        }
        let taken = self.weigh_all_but(Some(key)).total() + own;
        if self.leaving_bytes > 0 && taken.n_bytes.saturating_add(self.leaving_bytes) > self.limits.budget_bytes {
            return Room::Later;
        }
        if let Some(Slot::Loading(loading)) = self.slots.get_mut(key) {
            loading.stage = Stage::Running;
        }
        Room::Started
    }

    /// Makes room for a model whose size is known now that it is loaded. Nothing is waited for, for others may be at the
    /// same point; so what they load counts as something that cannot go.
    pub(super) fn make_room_for_loaded(
        &mut self,
        key: &ModelKey,
        n_bytes: usize,
        if_too_large: IfTooLarge,
    ) -> Result<(Leaving, Option<OverBudget>), DoesNotFit> {
        let own = Weight::one(n_bytes);
        let weights = self.weigh_all_but(Some(key));
        if !self.fit(weights.stuck + weights.running + own) && if_too_large == IfTooLarge::Refuse {
            let in_the_way = [EntryState::InUse, EntryState::Pinned, EntryState::Loading];
            return Err(self.refusal(key, Some(n_bytes), &in_the_way));
        }
        let leaving = self.make_room(Some(key), own);
        let taken = self.weigh_all_but(Some(key)).total() + own;
        let over_budget = (!self.fit(taken)).then(|| OverBudget {
            key: key.clone(),
            n_bytes,
            taken_bytes: taken.n_bytes,
            budget_bytes: self.limits.budget_bytes,
        });
        Ok((leaving, over_budget))
    }

    /// The load has ended well: its model is in memory from now on.
    pub(super) fn admit(&mut self, key: &ModelKey, flight: &Flight, fresh: Fresh, now: Instant) {
        let Fresh { model, n_bytes, load_secs } = fresh;
        flight.settle(Outcome::Loaded(model.clone()));
        self.n_uses += 1;
        let held = Held { model, n_bytes, loaded_at: now, last_used: now, last_use: self.n_uses, n_uses: 1, load_secs };
        self.slots.insert(key.clone(), Slot::Held(held));
    }

    /// The load has ended without a model: nothing remembers it but those who wait for it.
    pub(super) fn end(&mut self, key: &ModelKey, flight: &Flight, outcome: Outcome) {
        match &outcome {
            Outcome::Failed(_) | Outcome::Panicked => self.counters.failed_loads += 1,
            Outcome::Refused(_) => self.counters.refusals += 1,
            Outcome::Loaded(_) | Outcome::Abandoned => {}
        }
        flight.settle(outcome);
        self.slots.remove(key);
    }

    /// The memory of models that were taken out is given back.
    pub(super) fn has_left(&mut self, n_bytes: usize) {
        self.leaving_bytes -= n_bytes;
    }

    pub(super) fn pin(&mut self, key: &ModelKey) {
        self.pinned.insert(key.clone());
    }

    pub(super) fn unpin(&mut self, key: &ModelKey) {
        self.pinned.remove(key);
    }

    /// Takes a model out because somebody wants it, pinned or not.
    pub(super) fn unload(&mut self, key: &ModelKey) -> (Unload, Leaving) {
        let mut leaving = Leaving::default();
        let answer = match self.slots.get(key) {
            None => Unload::Absent,
            Some(Slot::Held(held)) if !held.is_in_use() => {
                self.take(key, &mut leaving);
                self.counters.asked_unloads += 1;
                Unload::Unloaded
            }
            Some(Slot::Held(_) | Slot::Loading(_)) => Unload::InUse,
        };
        (answer, leaving)
    }

    /// Takes out what nobody used for as long as the limits say. What is in use is used now.
    pub(super) fn unload_idle(&mut self, now: Instant) -> Leaving {
        let mut leaving = Leaving::default();
        let Some(idle) = self.limits.idle else { return leaving };
        let mut expired = Vec::new();
        for (key, slot) in &mut self.slots {
            match slot {
                Slot::Held(held) if held.is_in_use() => held.last_used = now,
                Slot::Held(held) => {
                    let is_idle = now.saturating_duration_since(held.last_used) >= idle;
                    if is_idle && !self.pinned.contains(key) {
                        expired.push(key.clone());
                    }
                }
                Slot::Loading(_) => {}
            }
        }
        for key in expired {
            self.take(&key, &mut leaving);
            self.counters.idle_unloads += 1;
        }
        leaving
    }

    /// Takes out the idle model that was not used for longest.
    pub(super) fn evict_oldest(&mut self) -> Leaving {
        let mut is_first = true;
        self.evict_while(|_| std::mem::take(&mut is_first))
    }

    /// Takes out idle models, the one not used for longest first, until those in memory take no more than `n_bytes`.
    pub(super) fn shrink_to(&mut self, n_bytes: usize) -> Leaving {
        self.evict_while(|state| state.in_memory().n_bytes > n_bytes)
    }

    pub(super) fn set_limits(&mut self, limits: MemoryLimits) -> Leaving {
        self.limits = limits;
        self.make_room(None, Weight::default())
    }

    pub(super) fn limits(&self) -> MemoryLimits {
        self.limits
    }

    /// All models, by key.
    pub(super) fn entries(&self) -> Vec<MemoryEntry> {
        let entry = |(key, slot): (&ModelKey, &Slot)| {
            let is_pinned = self.pinned.contains(key);
            match slot {
                Slot::Loading(loading) => MemoryEntry {
                    key: key.clone(),
                    n_bytes: loading.expected_bytes.unwrap_or(0),
                    loaded_at: loading.since,
                    last_used: loading.since,
                    n_uses: 0,
                    load_secs: 0.0,
                    state: EntryState::Loading,
                    is_pinned,
                },
                Slot::Held(held) => MemoryEntry {
                    key: key.clone(),
                    n_bytes: held.n_bytes,
                    loaded_at: held.loaded_at,
                    last_used: held.last_used,
                    n_uses: held.n_uses,
                    load_secs: held.load_secs,
                    state: self.state_of(key, held),
                    is_pinned,
                },
            }
        };
        self.slots.iter().map(entry).collect()
    }

    pub(super) fn statistics(&self) -> MemoryStatistics {
        let Weight { n_models, n_bytes } = self.in_memory();
        MemoryStatistics { n_models, n_bytes, budget_bytes: self.limits.budget_bytes, since_start: self.counters }
    }

    fn state_of(&self, key: &ModelKey, held: &Held) -> EntryState {
        if held.is_in_use() {
            EntryState::InUse
        } else if self.pinned.contains(key) {
            EntryState::Pinned
        } else {
            EntryState::Idle
        }
    }

    fn in_memory(&self) -> Weight {
        self.slots.values().fold(Weight::default(), |sum, slot| match slot {
            Slot::Held(held) => sum + Weight::one(held.n_bytes),
            Slot::Loading(_) => sum,
        })
    }

    fn weigh_all_but(&self, excluded: Option<&ModelKey>) -> Weights {
        let mut weights = Weights::default();
        for (key, slot) in self.slots.iter().filter(|(key, _)| Some(*key) != excluded) {
            match slot {
                Slot::Loading(Loading { stage: Stage::Waiting, .. }) => {}
                Slot::Loading(Loading { stage: Stage::Running, expected_bytes, .. }) => {
                    weights.running = weights.running + Weight::one(expected_bytes.unwrap_or(0));
                }
                Slot::Held(held) => match self.state_of(key, held) {
                    EntryState::Idle => weights.idle = weights.idle + Weight::one(held.n_bytes),
                    EntryState::InUse | EntryState::Pinned | EntryState::Loading => {
                        weights.stuck = weights.stuck + Weight::one(held.n_bytes);
                    }
                },
            }
        }
        weights
    }

    /// Whether there is memory for this.
    fn fit(&self, weight: Weight) -> bool {
        weight.n_bytes <= self.limits.budget_bytes
    }

    /// Whether the limits allow this. For their number alone models go, but none is refused: a job needs several at once.
    fn hold(&self, weight: Weight) -> bool {
        let max_count = self.limits.max_count.map_or(usize::MAX, |max_count| max_count.max(1));
        self.fit(weight) && weight.n_models <= max_count
    }

    /// Whether one more load may run. Of those whose size nobody knows only one may, so that no more than one model can be
    /// over the budget.
    fn is_turn_of(&self, expected_bytes: Option<usize>) -> bool {
        let running = || {
            self.slots.values().filter_map(|slot| match slot {
                Slot::Loading(loading) if loading.stage == Stage::Running => Some(loading),
                Slot::Loading(_) | Slot::Held(_) => None,
            })
        };
        let of_unknown_size = running().filter(|loading| loading.expected_bytes.is_none()).count();
        running().count() < self.limits.max_parallel_loads.max(1) && (expected_bytes.is_some() || of_unknown_size == 0)
    }

    /// Takes out idle models until `own` fits beside the others, or none is left.
    fn make_room(&mut self, key: Option<&ModelKey>, own: Weight) -> Leaving {
        self.evict_while(|state| !state.hold(state.weigh_all_but(key).total() + own))
    }

    fn evict_while(&mut self, mut is_too_much: impl FnMut(&Self) -> bool) -> Leaving {
        let mut leaving = Leaving::default();
        while is_too_much(self) {
            let Some(oldest) = self.oldest_idle() else { break };
            self.take(&oldest, &mut leaving);
            self.counters.evictions += 1;
        }
        leaving
    }

    fn oldest_idle(&self) -> Option<ModelKey> {
        let idle = self.slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Held(held) if self.state_of(key, held) == EntryState::Idle => Some((held.last_use, key)),
            Slot::Held(_) | Slot::Loading(_) => None,
        });
        idle.min().map(|(_, key)| key.clone())
    }

    fn take(&mut self, key: &ModelKey, leaving: &mut Leaving) {
        if let Some(Slot::Held(held)) = self.slots.remove(key) {
            self.leaving_bytes += held.n_bytes;
            leaving.n_bytes += held.n_bytes;
            leaving.models.push(held.model);
        }
    }

    /// The refusal of a model, naming all others in these states.
    fn refusal(&self, key: &ModelKey, n_bytes: Option<usize>, in_the_way: &[EntryState]) -> DoesNotFit {
        let entries = self.entries().into_iter().filter(|entry| entry.key != *key && in_the_way.contains(&entry.state));
        DoesNotFit {
            key: key.clone(),
            n_bytes,
            budget_bytes: self.limits.budget_bytes,
            in_the_way: entries
                .map(|MemoryEntry { key, n_bytes, state, .. }| InTheWay { key, n_bytes, state })
                .collect(),
        }
    }
}
