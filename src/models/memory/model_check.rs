//! Tries out every schedule of a few threads on the first level (up to a number of preemptions): one load for all who ask
//! at once, no memory promised twice, nobody left waiting. Loom finds deadlocks and lost wake-ups by itself.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as PlainNumber;
use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex, MutexGuard};

use crate::models::key::ModelKey;
use crate::task::CancelToken;

use super::Resident;
use super::clock::{Clock, ManualClock};
use super::error::GetError;
use super::level::{Got, Level};
use super::limits::{Admission, MemoryLimits};
use super::monitor::Monitor;
use super::state::State;
use super::statistics::LoadedFrom;

/// Schedules with more preemptions than this are left out; few mistakes need more.
const MAX_PREEMPTIONS: usize = 2;
/// Bounds for one check on a slow machine; the checks below end by themselves well before.
const MAX_SCHEDULES: usize = 50_000;
const MAX_DURATION: Duration = Duration::from_secs(20);

struct LoomMonitor {
    state: Mutex<State>,
    changed: Condvar,
}

impl Monitor for LoomMonitor {
    type Guard<'a> = MutexGuard<'a, State>;

    fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("loom ends at the first panic")
    }

    fn wait<'a>(&'a self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(guard).expect("loom ends at the first panic")
    }

    fn wait_briefly<'a>(&'a self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.wait(guard)
    }

    fn notify_all(&self) {
        self.changed.notify_all();
    }
}

type LoomLevel = Level<LoomMonitor>;

/// What all models of a check take together, and how often one was loaded. The bytes are a number of loom's, so that it
/// tries to load before and after it drops; that loads are counted, it need not know.
struct World {
    budget_bytes: usize,
    live_bytes: AtomicUsize,
    n_loads: PlainNumber,
}

struct Model {
    n_bytes: usize,
    world: Arc<World>,
}

impl Resident for Model {
    fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.world.live_bytes.fetch_sub(self.n_bytes, Ordering::SeqCst);
    }
}

#[test]
fn all_who_ask_at_once_share_one_load() {
    check(|| {
        let (level, world) = level(1000, 2);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (level, world) = (level.clone(), world.clone());
                loom::thread::spawn(move || get(&level, &world, "a", &Admission::of_size(100)).is_ok())
            })
            .collect();
        assert!(get(&level, &world, "a", &Admission::default()).is_ok());
        assert!(others.into_iter().all(|other| other.join().expect("no panic")));
        assert_eq!(world.n_loads.load(Ordering::SeqCst), 1);
        let counters = level.with_state(|state| state.statistics()).since_start;
        assert_eq!((counters.hits + counters.misses, counters.loads), (3, 1));
    });
}

#[test]
fn a_failed_load_is_told_to_all_who_wait_and_forgotten() {
    check(|| {
        let (level, world) = level(1000, 2);
        let other = {
            let (level, world) = (level.clone(), world.clone());
            loom::thread::spawn(move || gets_or_fails_first(&level, &world))
        };
        let ours = gets_or_fails_first(&level, &world);
        let theirs = other.join().expect("no panic");
        // Both waited for the load that failed, or one of them came after it and loaded anew.
        let n_loads = world.n_loads.load(Ordering::SeqCst);
        assert_eq!(usize::from(ours) + usize::from(theirs), n_loads - 1);
        assert!(gets_or_fails_first(&level, &world), "a failure is not kept");
        assert_eq!(world.n_loads.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn the_budget_holds_while_models_come_and_go() {
    for (budget_bytes, max_parallel_loads) in [(100, 1), (100, 2), (150, 2)] {
        check(move || {
            let (level, world) = level(budget_bytes, max_parallel_loads);
            let other = {
                let (level, world) = (level.clone(), world.clone());
                loom::thread::spawn(move || use_model(&level, &world, "a"))
            };
            use_model(&level, &world, "b");
            use_model(&level, &world, "a");
            other.join().expect("no panic");
            let now = level.with_state(|state| state.statistics());
            assert_eq!(now.n_bytes, world.live_bytes.load(Ordering::SeqCst), "what is counted is what is there");
            let counters = now.since_start;
            assert_eq!(counters.loads, counters.evictions + now.n_models as u64, "one load per residency");
        });
    }
}

#[test]
fn who_is_cancelled_before_the_load_leaves_nobody_waiting() {
    check(|| {
        let (level, world) = level(1000, 1);
        let other = {
            let (level, world) = (level.clone(), world.clone());
            loom::thread::spawn(move || {
                let cancel = CancelToken::default();
                cancel.cancel();
                let admission = Admission { cancel: Some(cancel), ..Admission::of_size(100) };
                let got = get(&level, &world, "a", &admission);
                assert!(matches!(got, Ok(_) | Err(GetError::Cancelled)));
            })
        };
        assert!(get(&level, &world, "a", &Admission::of_size(100)).is_ok());
        other.join().expect("no panic");
    });
}

fn check(scenario: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(MAX_PREEMPTIONS);
    // Loom looks at the two limits below whenever so many schedules have passed.
    builder.checkpoint_interval = 500;
    builder.max_permutations = Some(MAX_SCHEDULES);
    builder.max_duration = Some(MAX_DURATION);
    builder.check(scenario);
}

fn level(budget_bytes: usize, max_parallel_loads: usize) -> (Arc<LoomLevel>, Arc<World>) {
    let limits = MemoryLimits { max_parallel_loads, ..MemoryLimits::with_budget(budget_bytes) };
    // A clock that stands: a schedule must be the same each time.
    let clock: Clock = ManualClock::standing().clock();
    let world = World { budget_bytes, live_bytes: AtomicUsize::new(0), n_loads: PlainNumber::new(0) };
    (Arc::new(Level::new(limits, clock)), Arc::new(world))
}

fn load(world: &Arc<World>) -> Arc<Model> {
    world.n_loads.fetch_add(1, Ordering::SeqCst);
    let others_bytes = world.live_bytes.fetch_add(100, Ordering::SeqCst);
    assert!(others_bytes + 100 <= world.budget_bytes, "{others_bytes} bytes are taken");
    Arc::new(Model { n_bytes: 100, world: world.clone() })
}

fn get(level: &LoomLevel, world: &Arc<World>, key: &str, admission: &Admission) -> Got<Model, &'static str> {
    level.get(&key_of(key), admission, || Ok((load(world), LoadedFrom::Disk)))
}

/// Whether a request gets its model, where the very first load fails.
fn gets_or_fails_first(level: &LoomLevel, world: &Arc<World>) -> bool {
    let got: Got<Model, &'static str> = level.get(&key_of("a"), &Admission::default(), || {
        if world.n_loads.load(Ordering::SeqCst) == 0 {
            world.n_loads.fetch_add(1, Ordering::SeqCst);
            return Err("the first load fails");
        }
        Ok((load(world), LoadedFrom::Disk))
    });
    got.is_ok()
}

/// Gets a model, if it fits, and holds it for a moment in which the other threads may do all they want.
fn use_model(level: &LoomLevel, world: &Arc<World>, key: &str) {
    match get(level, world, key, &Admission::of_size(100)) {
        Ok(lease) => {
            let entries = level.with_state(|state| state.entries());
            assert!(entries.iter().any(|entry| entry.key.as_str() == key), "a model in use stays");
            drop(lease);
        }
        Err(GetError::DoesNotFit(refusal)) => assert_eq!(refusal.in_the_way.len(), 1, "{refusal}"),
        Err(other) => panic!("{other:?}"),
    }
}

fn key_of(text: &str) -> ModelKey {
    ModelKey::new(text).expect("a key")
}
