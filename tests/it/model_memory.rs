//! The first level of the model cache, and the watcher of the machine's memory: one load for all who ask at once, the
//! budget kept whatever many threads do, what goes and what stays, failures, idle models, lack of memory. Every schedule of
//! a few threads is tried out beside the code (`models/memory/model_check.rs`); here are many threads, and the rules.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hansard::models::key::ModelKey;
use hansard::models::memory::{
    Admission, Clock, EntryState, Freed, GetError, IfTooLarge, LoadedFrom, ManualClock, MemoryCounters, MemoryLevel,
    MemoryLimits, Resident, Unload, idle_after_minutes,
};
use hansard::models::pressure::{
    MemoryReading, PressureCheck, PressureNotice, PressureSettings, PressureWatcher, ReadMemory, SystemMemory,
    UnreadableMemory, default_budget_bytes,
};
use hansard::task::CancelToken;

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_mins(2);

const N_THREADS: usize = 64;
const N_KEYS: usize = 8;
const N_REQUESTS: usize = 10_000;
const STORM_BUDGET_BYTES: usize = 1000;
const STORM_PARALLEL_LOADS: usize = 3;

/// A model of nothing but a size.
#[derive(Debug)]
struct Block(usize);

impl Resident for Block {
    fn n_bytes(&self) -> usize {
        self.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the file is broken")]
struct Broken;

type Load<T> = Result<(Arc<T>, LoadedFrom), Broken>;

/// What all models of the storm do together.
#[derive(Default)]
struct World {
    is_loading: [AtomicBool; N_KEYS],
    n_loading: AtomicUsize,
    n_loads: AtomicUsize,
    live_bytes: AtomicUsize,
    max_live_bytes: AtomicUsize,
}

struct Droplet {
    n_bytes: usize,
    world: Arc<World>,
}

impl Resident for Droplet {
    fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

impl Drop for Droplet {
    fn drop(&mut self) {
        // Others shall have a chance to count on this memory too early.
        thread::yield_now();
        self.world.live_bytes.fetch_sub(self.n_bytes, Ordering::SeqCst);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sizes {
    Known,
    Unknown,
}

#[test]
fn many_threads_load_each_model_once_and_keep_a_tiny_budget() {
    for sizes in [Sizes::Known, Sizes::Unknown] {
        within_patience(move || storm(sizes));
    }
}

fn storm(sizes: Sizes) {
    let limits =
        MemoryLimits { max_parallel_loads: STORM_PARALLEL_LOADS, ..MemoryLimits::with_budget(STORM_BUDGET_BYTES) };
    let level = MemoryLevel::new(limits, Clock::system());
    let world = Arc::new(World::default());
    let (n_asked, n_served, n_refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..N_THREADS {
            scope.spawn(|| {
                loop {
                    let n = n_asked.fetch_add(1, Ordering::SeqCst);
                    if n >= N_REQUESTS {
                        break;
                    }
                    // A fixed order that looks like chance.
                    let idx = (n.wrapping_mul(0x9E37_79B1) >> 7) % N_KEYS;
                    let n_bytes = (idx + 1) * 100;
                    let admission = match sizes {
                        Sizes::Known => Admission::of_size(n_bytes),
                        Sizes::Unknown => Admission::default(),
                    };
                    match level.get_with(&key(&format!("model_{idx}")), &admission, || fall(&world, idx, n_bytes)) {
                        Ok((model, warning)) => {
                            assert_eq!((model.n_bytes, warning), (n_bytes, None));
                            n_served.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(GetError::DoesNotFit(_)) => {
                            n_refused.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
    });
    let now = level.statistics();
    let counters = now.since_start;
    let (n_served, n_refused) = (n_served.into_inner(), n_refused.into_inner());
    assert_eq!(n_served + n_refused, N_REQUESTS);
    assert!(n_served > N_REQUESTS / 10, "{n_served} of {N_REQUESTS} served");
    assert_eq!(counters.hits + counters.misses, N_REQUESTS as u64);
    assert_eq!(counters.loads, world.n_loads.load(Ordering::SeqCst) as u64);
    // A model of known size is never loaded in vain; one of unknown size is refused only once it is loaded.
    let in_vain = if sizes == Sizes::Known { 0 } else { counters.refusals };
    assert_eq!(counters.loads, counters.evictions + now.n_models as u64 + in_vain, "one load per residency");
    assert_eq!(now.n_bytes, world.live_bytes.load(Ordering::SeqCst), "what is counted is what is there");
    let largest_bytes = N_KEYS * 100;
    let allowed_bytes = STORM_BUDGET_BYTES + if sizes == Sizes::Known { 0 } else { largest_bytes };
    let max_live_bytes = world.max_live_bytes.load(Ordering::SeqCst);
    assert!(max_live_bytes <= allowed_bytes, "{max_live_bytes} of {allowed_bytes} bytes, {sizes:?}");
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for a load, which may fail")]
fn fall(world: &Arc<World>, idx: usize, n_bytes: usize) -> Load<Droplet> {
    assert!(!world.is_loading[idx].swap(true, Ordering::SeqCst), "two loads of one model at once");
    assert!(world.n_loading.fetch_add(1, Ordering::SeqCst) < STORM_PARALLEL_LOADS, "too many loads at once");
    world.n_loads.fetch_add(1, Ordering::SeqCst);
    let live_bytes = world.live_bytes.fetch_add(n_bytes, Ordering::SeqCst) + n_bytes;
    world.max_live_bytes.fetch_max(live_bytes, Ordering::SeqCst);
    thread::yield_now();
    world.n_loading.fetch_sub(1, Ordering::SeqCst);
    world.is_loading[idx].store(false, Ordering::SeqCst);
    Ok((Arc::new(Droplet { n_bytes, world: world.clone() }), LoadedFrom::Disk))
}

#[test]
fn different_models_are_loaded_in_parallel() {
    within_patience(|| {
        let level = level(1000);
        let both_load = Barrier::new(2);
        let (level, both_load) = (&level, &both_load);
        thread::scope(|scope| {
            for name in ["a", "b"] {
                scope.spawn(move || {
                    let got = level.get_with(&key(name), &Admission::of_size(100), || {
                        both_load.wait();
                        block(100)
                    });
                    assert!(got.is_ok());
                });
            }
        });
    });
}

#[test]
fn failures_and_panics_are_told_to_all_who_wait_and_forgotten() {
    #[derive(Clone, Copy)]
    enum Mishap {
        Failure,
        Panic,
    }
    for (mishap, expected) in [(Mishap::Failure, "the file is broken"), (Mishap::Panic, "while loading the model `a`")]
    {
        within_patience(move || {
            let level = level(1000);
            let n_waiting = 4;
            let told: Vec<String> = thread::scope(|scope| {
                let leader = scope.spawn(|| {
                    let lead = || {
                        level.get::<Block, Broken>(&key("a"), || {
                            wait_until(|| level.statistics().since_start.misses == n_waiting + 1);
                            match mishap {
                                Mishap::Failure => Err(Broken),
                                Mishap::Panic => panic!("on purpose"),
                            }
                        })
                    };
                    match (catch_unwind(AssertUnwindSafe(lead)), mishap) {
                        (Ok(Err(GetError::Load(_))), Mishap::Failure) | (Err(_), Mishap::Panic) => {}
                        (Ok(Ok(_) | Err(_)), _) | (Err(_), Mishap::Failure) => {
                            panic!("the leader is told something else")
                        }
                    }
                });
                wait_until(|| level.statistics().since_start.misses == 1);
                let waiting: Vec<_> = (0..n_waiting)
                    .map(|_| scope.spawn(|| level.get(&key("a"), || block(100)).expect_err("told").to_string()))
                    .collect();
                leader.join().expect("the leader keeps its panic to itself");
                waiting.into_iter().map(|waiting| waiting.join().expect("no panic")).collect()
            });
            assert!(told.iter().all(|told| told.contains(expected)), "{told:?}");
            assert_eq!(level.statistics().since_start.failed_loads, 1);
            assert!(level.entries().is_empty());
            assert!(level.get(&key("a"), || block(100)).is_ok(), "the next one tries again");
        });
    }
}

#[test]
fn who_waits_for_the_load_of_another_can_be_cancelled() {
    within_patience(|| {
        let level = level(1000);
        let (finish, finished) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let level = &level;
            let leader = scope.spawn(move || {
                level.get(&key("a"), || {
                    finished.recv().expect("told to finish");
                    block(100)
                })
            });
            wait_until(|| level.statistics().since_start.misses == 1);
            let cancel = CancelToken::default();
            let admission = Admission { cancel: Some(cancel.clone()), ..Admission::default() };
            let waiting = scope.spawn(move || level.get_with(&key("a"), &admission, || block(100)));
            wait_until(|| level.statistics().since_start.misses == 2);
            cancel.cancel();
            assert!(matches!(waiting.join().expect("no panic"), Err(GetError::Cancelled)));
            finish.send(()).expect("the leader loads");
            assert!(leader.join().expect("no panic").is_ok());
        });
    });
}

#[test]
fn what_was_not_used_for_longest_goes_but_never_what_is_pinned_or_in_use() {
    // In a clock that stands, the order of uses alone tells what is older.
    let level = MemoryLevel::new(MemoryLimits::with_budget(300), ManualClock::standing().clock());
    for name in ["a", "b", "c", "a", "d"] {
        get(&level, name, 100);
    }
    assert_eq!(names(&level), ["a idle", "c idle", "d idle"], "b made way for d");

    let lease = get(&level, "a", 100);
    level.pin(&key("c"));
    get(&level, "e", 100);
    assert_eq!(names(&level), ["a in use", "c pinned", "e idle"]);
    assert_eq!(level.unload(&key("a")), Unload::InUse);
    assert_eq!(level.unload(&key("b")), Unload::Absent);

    for admission in [Admission::of_size(200), Admission::default()] {
        let refusal = level.get_with(&key("f"), &admission, || block(200)).expect_err("does not fit").to_string();
        for part in ["`f` takes 200 bytes", "may take 300 bytes", "`a` (100 bytes, in use), `c` (100 bytes, pinned)"] {
            assert!(refusal.contains(part), "{refusal}");
        }
        assert_eq!(names(&level), ["a in use", "c pinned", "e idle"], "nothing goes in vain");
    }

    let insist = Admission { if_too_large: IfTooLarge::LoadAlone, ..Admission::of_size(200) };
    let (model, warning) = level.get_with(&key("f"), &insist, || block(200)).expect("the caller insists");
    let warning = warning.expect("over the budget").to_string();
    assert!(warning.contains("`f` (200 bytes)") && warning.contains("models take 400 bytes"), "{warning}");
    assert_eq!(names(&level), ["a in use", "c pinned", "f in use"]);

    drop((lease, model));
    level.unpin(&key("c"));
    get(&level, "g", 50);
    assert_eq!(names(&level), ["f idle", "g idle"], "back within the budget");
    assert_eq!(level.unload(&key("f")), Unload::Unloaded);
    level.pin(&key("g"));
    assert_eq!(level.shrink_to(0), Freed::default());
    assert_eq!(level.unload(&key("g")), Unload::Unloaded, "the user may unload what is pinned");
    assert_eq!(level.statistics().n_bytes, 0);
}

#[test]
fn limits_hold_by_number_too_and_can_be_changed() {
    let two = MemoryLimits { max_count: Some(2), ..MemoryLimits::with_budget(1000) };
    let level = MemoryLevel::new(two, Clock::system());
    for name in ["a", "b", "c"] {
        get(&level, name, 100);
    }
    assert_eq!(names(&level), ["b idle", "c idle"]);
    let held = [get(&level, "b", 100), get(&level, "c", 100)];
    let third = get(&level, "d", 100);
    assert_eq!(names(&level), ["b in use", "c in use", "d in use"], "a job that needs three has three");
    drop((held, third));
    get(&level, "b", 100);
    get(&level, "c", 100);
    get(&level, "e", 100);
    assert_eq!(names(&level), ["c idle", "e idle"], "and afterwards the oldest go");

    assert_eq!(level.set_limits(MemoryLimits::with_budget(150)), Freed { n_models: 1, n_bytes: 100 });
    assert_eq!(names(&level), ["e idle"]);
    let refusal = level.get(&key("huge"), || block(3_000_000_000)).expect_err("larger than all").to_string();
    assert!(refusal.contains("takes 3.0 GB of memory; models may take 150 bytes. Choose"), "{refusal}");
    assert!(refusal.contains("memory_budget_mb"), "{refusal}");
    assert_eq!(level.get(&key("e"), || block(1)).map(|model| model.0).expect("it stayed"), 100);
}

#[test]
fn idle_models_go_after_their_time_and_those_in_use_are_not_idle() {
    let hands = ManualClock::standing();
    let limits = MemoryLimits { idle: idle_after_minutes(15), ..MemoryLimits::with_budget(1000) };
    let level = MemoryLevel::new(limits, hands.clock());
    let lease = get(&level, "in-use", 100);
    get(&level, "pinned", 100);
    level.pin(&key("pinned"));
    get(&level, "idle", 100);
    hands.advance(minutes(14));
    assert_eq!(level.unload_idle(), Freed::default());
    hands.advance(minutes(1));
    assert_eq!(level.unload_idle(), Freed { n_models: 1, n_bytes: 100 });
    assert_eq!(names(&level), ["in-use in use", "pinned pinned"]);
    drop(lease);
    hands.advance(minutes(14));
    assert_eq!(level.unload_idle(), Freed::default(), "it was seen in use 14 minutes ago");
    hands.advance(minutes(1));
    assert_eq!(level.unload_idle(), Freed { n_models: 1, n_bytes: 100 });
    assert_eq!(level.statistics().since_start.idle_unloads, 2);

    level.set_limits(MemoryLimits { idle: idle_after_minutes(0), ..limits });
    get(&level, "for-ever", 100);
    hands.advance(minutes(1_000_000));
    assert_eq!(level.unload_idle(), Freed::default(), "0 minutes mean never");
}

#[test]
fn statistics_tell_what_happened_and_add_up_over_runs() {
    let hands = ManualClock::standing();
    let level = MemoryLevel::new(MemoryLimits::with_budget(250), hands.clock());
    for (name, from, secs) in [("a", LoadedFrom::Disk, 2), ("b", LoadedFrom::Hub, 30), ("c", LoadedFrom::Disk, 3)] {
        let load = || -> Load<Block> {
            hands.advance(Duration::from_secs(secs));
            Ok((Arc::new(Block(100)), from))
        };
        assert!(level.get(&key(name), load).is_ok());
    }
    for _ in 0..3 {
        get(&level, "c", 100);
    }
    assert!(level.get::<Block, _>(&key("d"), || Err(Broken)).is_err());
    let now = level.statistics();
    assert_eq!((now.n_models, now.n_bytes, now.budget_bytes), (2, 200, 250));
    let expected = MemoryCounters {
        hits: 3,
        misses: 4,
        loads: 3,
        failed_loads: 1,
        evictions: 1,
        secs_from_disk: 5.0,
        secs_from_hub: 30.0,
        ..MemoryCounters::default()
    };
    assert_eq!(now.since_start, expected);
    assert!((expected.hit_rate() - 3.0 / 7.0).abs() < 1e-9);
    assert!(MemoryCounters::default().hit_rate().abs() < 1e-9);

    let lifetime = expected.plus(&expected);
    assert_eq!((lifetime.hits, lifetime.loads), (6, 6));
    let saved = serde_json::to_string(&lifetime).expect("numbers");
    assert_eq!(serde_json::from_str::<MemoryCounters>(&saved).expect("just written"), lifetime);
    let of_an_older_version: MemoryCounters = serde_json::from_str("{\"hits\": 7}").expect("what is missing is 0");
    assert_eq!(of_an_older_version, MemoryCounters { hits: 7, ..MemoryCounters::default() });

    let entry = level.entries().into_iter().find(|entry| entry.key == key("c")).expect("in memory");
    assert_eq!((entry.n_uses, entry.n_bytes, entry.state), (4, 100, EntryState::Idle));
    assert!((entry.load_secs - 3.0).abs() < 1e-9);
}

#[test]
fn a_key_of_another_type_is_an_error_and_looking_changes_nothing() {
    let level = level(1000);
    assert!(level.peek::<Block>(&key("a")).is_none() && !level.contains(&key("a")));
    get(&level, "a", 100);
    let before = level.statistics();
    assert!(level.peek::<Block>(&key("a")).is_some() && level.contains(&key("a")));
    assert!(level.peek::<Droplet>(&key("a")).is_none());
    assert_eq!(level.statistics(), before);
    let other = level.get::<Droplet, Broken>(&key("a"), || panic!("it is in memory"));
    assert!(matches!(other, Err(GetError::OtherKind(_))));
}

#[test]
fn a_model_in_memory_is_there_within_10_microseconds() {
    let level = level(1_000_000);
    for n in 0..100 {
        get(&level, &format!("model_{n}"), 100);
    }
    let wanted = key("model_50");
    let n_hits = 10_000;
    let round = || {
        let started = Instant::now();
        for _ in 0..n_hits {
            level.get(&wanted, || block(100)).expect("in memory");
        }
        started.elapsed() / n_hits
    };
    // Other tests run beside this one: the best of some rounds is what the code takes.
    let best = (0..10).map(|_| round()).min().expect("ten rounds");
    assert!(best < Duration::from_micros(10), "{best:?} per hit");
}

/// A machine with 1000 bytes, of which the models take theirs, and which sometimes does not answer.
struct SmallMachine {
    level: MemoryLevel,
    reads: mpsc::Sender<()>,
    can_answer: bool,
}

impl ReadMemory for SmallMachine {
    fn read(&mut self) -> Result<MemoryReading, UnreadableMemory> {
        self.reads.send(()).ok();
        let available_bytes = 1000 - self.level.statistics().n_bytes as u64;
        self.can_answer.then_some(MemoryReading { total_bytes: 1000, available_bytes }).ok_or(UnreadableMemory)
    }
}

#[test]
fn lack_of_memory_unloads_idle_models_until_there_is_enough() {
    let (reads, _read) = mpsc::channel();
    let settings = PressureSettings { short_above_share: 0.5, ..PressureSettings::default() };
    let level = level(1000);
    for name in ["a", "b", "c", "d"] {
        get(&level, name, 200);
    }
    level.pin(&key("a"));
    let memory = SmallMachine { level: level.clone(), reads: reads.clone(), can_answer: true };
    let mut check = PressureCheck::new(level.clone(), Some(Box::new(memory)));
    let cleaned_up = PressureNotice::CleanedUp(Freed { n_models: 2, n_bytes: 400 });
    assert_eq!(check.run(&settings), [cleaned_up]);
    assert_eq!(names(&level), ["a pinned", "d idle"]);
    assert!(check.run(&settings).is_empty());
    assert_eq!(level.statistics().since_start.memory_cleanups, 1);

    let blind = SmallMachine { level: level.clone(), reads, can_answer: false };
    let mut check = PressureCheck::new(level.clone(), Some(Box::new(blind)));
    assert_eq!(check.run(&settings), [PressureNotice::Blind(UnreadableMemory)]);
    assert!(check.run(&settings).is_empty(), "told once");
    assert_eq!(names(&level), ["a pinned", "d idle"]);
}

#[test]
fn the_watcher_looks_again_and_again_while_a_job_runs_and_ends_with_its_handle() {
    let level = level(1000);
    get(&level, "a", 600);
    let (reads, read) = mpsc::channel();
    let (notices, notice) = mpsc::channel();
    let memory = SmallMachine { level: level.clone(), reads, can_answer: true };
    let settings = PressureSettings {
        interval: PATIENCE * 10,
        interval_during_jobs: Duration::from_millis(1),
        short_above_share: 0.5,
    };
    let check = PressureCheck::new(level.clone(), Some(Box::new(memory)));
    let watcher =
        PressureWatcher::start(check, settings, move |notice| notices.send(notice).expect("the test listens"))
            .expect("a thread");
    let job = watcher.job_started();
    let cleaned_up = PressureNotice::CleanedUp(Freed { n_models: 1, n_bytes: 600 });
    assert_eq!(notice.recv_timeout(PATIENCE), Ok(cleaned_up));
    for _ in 0..10 {
        read.recv_timeout(PATIENCE).expect("it looks every millisecond");
    }
    // The handle of the watcher may go before that of the job.
    drop(watcher);
    drop(job);
    while read.try_recv().is_ok() {}
    assert_eq!(read.recv_timeout(Duration::ZERO), Err(mpsc::RecvTimeoutError::Disconnected), "the thread has ended");
}

#[test]
fn the_memory_of_this_machine_can_be_read() {
    let reading = SystemMemory::default().read().expect("Linux, macOS and Windows tell");
    assert!(reading.available_bytes <= reading.total_bytes, "{reading:?}");
    assert!((0.0..=1.0).contains(&reading.used_share()), "{reading:?}");
    let half = default_budget_bytes() as u64;
    assert!(half.abs_diff(reading.total_bytes / 2) <= 1, "{half} of {reading:?}");
}

fn key(text: &str) -> ModelKey {
    ModelKey::new(text).expect("a key")
}

fn level(budget_bytes: usize) -> MemoryLevel {
    MemoryLevel::new(MemoryLimits::with_budget(budget_bytes), Clock::system())
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for a load, which may fail")]
fn block(n_bytes: usize) -> Load<Block> {
    Ok((Arc::new(Block(n_bytes)), LoadedFrom::Disk))
}

fn get(level: &MemoryLevel, name: &str, n_bytes: usize) -> Arc<Block> {
    level.get(&key(name), || block(n_bytes)).expect("it fits")
}

/// Each model and what it does, by key.
fn names(level: &MemoryLevel) -> Vec<String> {
    level.entries().iter().map(|entry| format!("{} {}", entry.key, entry.state.label())).collect()
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// Runs a check that would not end if threads waited for each other for ever.
fn within_patience(check: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        check();
        done.send(()).ok();
    });
    match is_done.recv_timeout(PATIENCE) {
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => thread.join().expect("the check fails"),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("threads wait for each other for ever"),
    }
}
