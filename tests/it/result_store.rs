//! The store of results from outside: what was stored is found again byte for byte, counted, cleaned up, cleared, and
//! carried to another machine; and files are known again.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hansard::hash::{ContentHash, KeyBuilder, ResultKey};
use hansard::results::{
    CleanUp, FileState, Layer, Reason, Refusal, Remembered, ResultError, ResultStore, StoreLimits, Verified,
};
use tempfile::TempDir;

const DAY: Duration = Duration::from_hours(24);
/// Results of more bytes than this, which cannot be compressed, get a file of their own.
const N_INLINE_BYTES: usize = 32 << 10;

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(super) fn open(cache: &Path) -> ResultStore {
    ResultStore::open(cache, StoreLimits::default()).expect("a writable folder")
}

pub(super) fn key(number: u64) -> ResultKey {
    KeyBuilder::new("test", 1).number("number", number).finish()
}

/// Bytes that cannot be compressed, different for each number.
fn noise(number: u64, n_bytes: usize) -> Vec<u8> {
    let block = |n: u64| *ContentHash::of(&[number.to_le_bytes(), n.to_le_bytes()].concat()).as_bytes();
    (0..).flat_map(block).take(n_bytes).collect()
}

/// Every third result is large.
pub(super) fn payload(number: u64) -> Vec<u8> {
    noise(number, if number.is_multiple_of(3) { N_INLINE_BYTES + 5000 } else { 300 })
}

pub(super) fn put(store: &ResultStore, number: u64) {
    let audio = ContentHash::of(b"a meeting");
    store.put(Layer::Asr, &key(number), &audio, &payload(number), Duration::from_secs(2)).expect("a writable folder");
}

pub(super) fn get(store: &ResultStore, number: u64) -> Option<Vec<u8>> {
    store.get(Layer::Asr, &key(number)).expect("a readable folder")
}

pub(super) fn verify(store: &ResultStore) -> Verified {
    store.verify(&mut |_, _| ControlFlow::Continue(())).expect("a readable folder")
}

/// All files below a folder, by path.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

pub(super) fn blobs(cache: &Path) -> Vec<PathBuf> {
    files_below(&cache.join("results-v1/blobs"))
}

#[test]
fn results_are_found_byte_for_byte() {
    let cache = folder();
    let store = open(cache.path());
    let audio = ContentHash::of(b"a meeting");
    let payloads = [
        (Layer::Audio, Vec::new(), 0),
        (Layer::Asr, b"words".to_vec(), 0),
        (Layer::Align, vec![7; 5_000_000], 0),
        (Layer::Embeddings, noise(1, N_INLINE_BYTES + 1), 1),
        (Layer::Transcript, noise(2, 3_000_000), 1),
    ];
    for (layer, payload, n_new_blobs) in &payloads {
        let n_blobs = blobs(cache.path()).len();
        assert_eq!(store.get(*layer, &key(1)).expect("readable"), None, "{layer}");
        store.put(*layer, &key(1), &audio, payload, Duration::from_millis(1500)).expect("writable");
        assert_eq!(store.get(*layer, &key(1)).expect("readable").as_ref(), Some(payload), "{layer}");
        assert_eq!(blobs(cache.path()).len() - n_blobs, *n_new_blobs, "{layer}");
    }
    // Another layer and another key are another result.
    assert_eq!(store.get(Layer::Speech, &key(1)).expect("readable"), None);
    assert_eq!(store.get(Layer::Asr, &key(2)).expect("readable"), None);
    assert!(store.contains(Layer::Asr, &key(1)).expect("readable"));
    assert!(!store.contains(Layer::Asr, &key(2)).expect("readable"));
    let many = store.get_many(Layer::Asr, &[key(2), key(1)]).expect("readable");
    assert_eq!(many, [None, Some(b"words".to_vec())]);

    // What replaces a result leaves nothing of it.
    for replacement in [noise(3, 50_000), b"text".to_vec(), noise(4, 60_000)] {
        store.put(Layer::Transcript, &key(1), &audio, &replacement, Duration::ZERO).expect("writable");
        assert_eq!(store.get(Layer::Transcript, &key(1)).expect("readable"), Some(replacement));
    }
    assert_eq!(blobs(cache.path()).len(), 2);

    // Uses are written down at last, and known to the next process.
    drop(store);
    let store = open(cache.path());
    let entries = store.entries(Layer::Asr).expect("readable");
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].key, entries[0].audio, entries[0].n_uses), (key(1), audio, 2));
    assert_eq!(entries[0].cost, Duration::from_millis(1500));
    let largest: Vec<Layer> = store.largest(2).expect("readable").iter().map(|entry| entry.layer).collect();
    assert_eq!(largest, [Layer::Transcript, Layer::Embeddings]);
    assert!(store.take_warnings().is_empty());
    let verified = verify(&store);
    assert_eq!((verified.n_entries, verified.n_damaged, verified.n_adopted), (5, 0, 0));
}

#[test]
fn the_survey_tells_what_is_there_and_what_it_saved() {
    let cache = folder();
    let limits = StoreLimits { ttl_days: None, budget_bytes: Some(1 << 30) };
    let store = ResultStore::open(cache.path(), limits).expect("a writable folder");
    for number in [1, 2, 3] {
        assert_eq!(get(&store, number), None);
        put(&store, number);
        assert!(get(&store, number).is_some() && get(&store, number).is_some());
    }
    let survey = store.survey().expect("readable");
    assert_eq!(survey.budget_bytes, Some(1 << 30));
    let layers: Vec<Layer> = survey.layers.iter().map(|survey| survey.layer).collect();
    assert_eq!(layers, Layer::ALL);
    for layer in &survey.layers {
        let expected = if layer.layer == Layer::Asr { (3, 6, 3, 12.0) } else { (0, 0, 0, 0.0) };
        assert_eq!((layer.n_entries, layer.n_hits, layer.n_misses, layer.saved.0), expected, "{}", layer.layer);
        assert_eq!(layer.n_bytes > 0, layer.layer == Layer::Asr);
    }
    assert_eq!(survey.days.len(), 30);
    assert!(survey.days.is_sorted_by_key(|day| day.day), "oldest first");
    // The day may end meanwhile.
    let sum = |count: fn(u64, u64) -> u64| survey.days.iter().map(|day| count(day.n_hits, day.n_misses)).sum::<u64>();
    assert_eq!((sum(|hits, _| hits), sum(|_, misses| misses)), (6, 3));
}

#[test]
fn hashes_of_files_are_remembered_until_they_change() {
    let (cache, elsewhere) = (folder(), folder());
    let store = open(cache.path());
    let path = elsewhere.path().join("meeting.wav");
    let hash = ContentHash::of(b"samples");
    let remembered = |kind| store.remembered_hash(&path, kind).expect("a readable store");
    let write = |bytes: &[u8], modified_secs: u64| {
        fs::write(&path, bytes).expect("a writable folder");
        let file = File::options().write(true).open(&path).expect("a writable file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified_secs)).expect("a writable file");
    };
    assert_eq!(remembered(Remembered::Samples), None, "it is not there");
    write(b"sound", 1000);
    let state = FileState::of(&path).expect("a readable file");
    assert_eq!((state.n_bytes, state.modified_unix_ns), (5, 1_000_000_000_000));
    store.remember_hash(&path, state, Remembered::Samples, &hash).expect("a writable store");
    assert_eq!((remembered(Remembered::Samples), remembered(Remembered::File)), (Some(hash), None));
    // By whatever way it is named, and in the next process.
    let roundabout =
        elsewhere.path().join("..").join(elsewhere.path().file_name().expect("a name")).join("meeting.wav");
    assert_eq!(open(cache.path()).remembered_hash(&roundabout, Remembered::Samples).expect("readable"), Some(hash));
    let cases: [(&[u8], u64, Option<ContentHash>); 5] = [
        (b"sound", 1001, None),
        (b"sounds", 1000, None),
        (b"sound", 999, None),
        (b"", 1000, None),
        (b"sound", 1000, Some(hash)),
    ];
    for (bytes, modified_secs, expected) in cases {
        write(bytes, modified_secs);
        assert_eq!(remembered(Remembered::Samples), expected, "{bytes:?} {modified_secs}");
    }
    // If a file changes while it is read, its hash is that of nothing.
    write(b"grown", 2000);
    store.remember_hash(&path, state, Remembered::Samples, &hash).expect("a writable store");
    assert_eq!(remembered(Remembered::Samples), None);
    fs::remove_file(&path).expect("a file");
    assert_eq!(remembered(Remembered::Samples), None);
    assert!(store.remember_hash(&path, state, Remembered::File, &hash).is_err());
}

#[test]
fn a_clean_up_takes_what_is_old_or_much_or_little_used() {
    let now = SystemTime::now();
    let by = |older_than, n_most_used, budget_bytes| CleanUp { older_than, n_most_used, budget_bytes };
    for (wanted, when, expected) in [
        (by(Some(90 * DAY), None, None), now, None),
        (by(Some(90 * DAY), None, None), now + 91 * DAY, Some(Reason::TooOld)),
        // The clock goes backwards: nothing was used in the future.
        (by(Some(90 * DAY), None, None), now - 3650 * DAY, None),
        (by(None, Some(1), None), now, Some(Reason::LittleUsed)),
        (by(None, None, Some(1 << 30)), now, None),
        (by(None, None, Some(40_000)), now, Some(Reason::OverBudget)),
        (CleanUp::from(StoreLimits::default()), now, None),
    ] {
        let cache = folder();
        let store = open(cache.path());
        (1..=6).for_each(|number| put(&store, number));
        // Used most, and last.
        (0..3).for_each(|_| assert!(get(&store, 5).is_some()));
        let plan = store.plan_clean_up(&wanted, when).expect("readable");
        assert!(plan.iter().all(|planned| Some(planned.reason) == expected), "{wanted:?}: {plan:?}");
        assert_eq!(plan.is_empty(), expected.is_none(), "{wanted:?}");
        assert_eq!(verify(&store).n_entries, 6, "a plan changes nothing");
        let done = store.clean_up(&wanted, when).expect("writable");
        assert_eq!(done.n_entries, plan.len() as u64, "{wanted:?}");
        assert_eq!(done.n_freed_bytes, plan.iter().map(|planned| planned.entry.n_bytes).sum::<u64>());
        let verified = verify(&store);
        assert_eq!((verified.n_entries, verified.n_damaged), (6 - done.n_entries, 0), "{wanted:?}");
        let n_large_gone = plan.iter().filter(|planned| planned.entry.n_bytes > N_INLINE_BYTES as u64).count();
        assert_eq!(blobs(cache.path()).len(), 2 - n_large_gone, "{wanted:?}");
        if wanted.n_most_used.is_some() || wanted.budget_bytes.is_some() {
            assert_eq!(get(&store, 5), Some(payload(5)), "{wanted:?}");
        }
        assert!(wanted.budget_bytes.is_none_or(|budget| verified.n_bytes <= budget), "{wanted:?}");
    }
}

#[test]
fn a_store_is_cleaned_up_once_a_day_and_can_be_removed_unopened() {
    let cache = folder();
    let limits = StoreLimits { ttl_days: None, budget_bytes: Some(40_000) };
    let store = ResultStore::open(cache.path(), limits).expect("a writable folder");
    let now = SystemTime::now();
    for (when, is_due) in [(now, true), (now, false), (now + DAY, true)] {
        (1..=6).for_each(|number| put(&store, number));
        let done = store.clean_up_once_a_day(when).expect("a writable folder");
        assert_eq!(done.is_some_and(|done| done.n_entries > 0), is_due);
        assert_eq!(verify(&store).n_bytes <= 40_000, is_due);
    }
    put(&store, 3);
    drop(store);
    fs::write(cache.path().join("results-v1/index.db"), "spoiled").expect("a writable folder");
    assert!(ResultStore::size_unopened(cache.path()) > 30_000);
    assert!(ResultStore::remove_unopened(cache.path()).expect("a writable folder") > 30_000);
    let store = open(cache.path());
    assert_eq!((verify(&store).n_entries, blobs(cache.path()).len(), store.take_warnings().len()), (0, 0, 0));
}

#[test]
fn layers_are_cleared_one_by_one_or_all_together() {
    let cache = folder();
    let (store, audio) = (open(cache.path()), ContentHash::of(b"a meeting"));
    let file = cache.path().join("file");
    fs::write(&file, b"sound").expect("a writable folder");
    let state = FileState::of(&file).expect("a readable file");
    store.remember_hash(&file, state, Remembered::File, &audio).expect("writable");
    for layer in Layer::ALL {
        store.put(layer, &key(1), &audio, &payload(3), Duration::ZERO).expect("writable");
    }
    let remaining = || {
        Layer::ALL.into_iter().filter(|layer| store.contains(*layer, &key(1)).expect("readable")).collect::<Vec<_>>()
    };
    let cases: [(&[Layer], Option<Duration>, u64); 3] =
        [(&[Layer::Asr, Layer::Align], None, 2), (&[Layer::Asr], None, 0), (&[Layer::Audio], Some(DAY), 0)];
    for (layers, older_than, n_cleared) in cases {
        assert_eq!(store.clear(layers, older_than).expect("writable").n_entries, n_cleared, "{layers:?}");
    }
    assert_eq!(remaining().len(), 9);
    assert!(!remaining().contains(&Layer::Asr) && !remaining().contains(&Layer::Align));
    assert!(store.remembered_hash(&file, Remembered::File).expect("readable").is_some());
    let cleared = store.clear(&[], None).expect("writable");
    assert!(cleared.n_entries == 9 && cleared.n_freed_bytes > 9 * N_INLINE_BYTES as u64, "{cleared:?}");
    assert_eq!((remaining(), blobs(cache.path())), (Vec::new(), Vec::new()));
    assert_eq!(store.remembered_hash(&file, Remembered::File).expect("readable"), None);
}

#[test]
fn results_travel_as_one_file_and_hostile_ones_are_refused_whole() {
    let (from, to, elsewhere) = (folder(), folder(), folder());
    let store = open(from.path());
    (1..=9).for_each(|number| put(&store, number));
    let path = elsewhere.path().join("all.hansard-results");
    let mut go_on = |_: u64, _: u64| -> ControlFlow<()> { ControlFlow::Continue(()) };
    let exported = store.export(&path, &mut go_on).expect("writable");
    let right = fs::read(&path).expect("just written");
    assert_eq!((exported.n_entries, exported.n_bytes), (9, right.len() as u64));
    store.export(&path, &mut go_on).expect("writable");
    assert!(fs::read(&path).expect("just written") == right, "the same results give the same bytes");
    assert!(matches!(store.export(&path, &mut |_, _| ControlFlow::Break(())), Err(ResultError::Stopped)));
    assert!(fs::read(&path).expect("the old one") == right);

    let target = open(to.path());
    let hostile = elsewhere.path().join("hostile.hansard-results");
    let refused = |bytes: &[u8]| {
        fs::write(&hostile, bytes).expect("writable");
        let refused = target.import(&hostile, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!((verify(&target).n_entries, blobs(to.path()).len()), (0, 0), "nothing is stored");
        match refused {
            Err(ResultError::Refused { refusal, .. }) => refusal,
            other => panic!("{other:?}"),
        }
    };
    let changed = |at: usize, change: &[u8]| [&right[..at], change, &right[at + change.len()..]].concat();
    assert_eq!(refused(b""), Refusal::Foreign);
    assert_eq!(refused(&noise(1, 5000)), Refusal::Foreign);
    assert_eq!(refused(&changed(16, &[9])), Refusal::Newer { found: 9, known: 1 });
    assert_eq!(refused(&[&right[..], b"x"].concat()), Refusal::Longer);
    assert_eq!(refused(&changed(right.len() - 1, &[!right[right.len() - 1]])), Refusal::Changed);
    for n_bytes in [17, 20, 25, 100, right.len() / 2, right.len() - 41, right.len() - 1] {
        assert_eq!(refused(&right[..n_bytes]), Refusal::Cut, "{n_bytes}");
    }
    // Lengths that would take all memory, and a bit in a payload.
    let length = |n_bytes: u64| n_bytes.to_le_bytes().to_vec();
    for (at, change) in [(20, length(u64::MAX)), (20, length(1 << 40)), (200, vec![!right[200]])] {
        assert!(matches!(refused(&changed(at, &change)), Refusal::Flawed { number: 1, .. }), "{at}");
    }
    assert_eq!(refused(&changed(20, &length(1 << 30))), Refusal::Cut);
    assert!(matches!(target.import(elsewhere.path(), &mut go_on), Err(ResultError::File(_))), "a folder");
    assert!(matches!(target.import(&elsewhere.path().join("none"), &mut go_on), Err(ResultError::File(_))));

    put(&target, 1);
    let imported = target.import(&path, &mut go_on).expect("a right file");
    assert_eq!((imported.n_new, imported.n_there), (8, 1));
    (1..=9).for_each(|number| assert_eq!(get(&target, number), Some(payload(number)), "{number}"));
    assert_eq!(target.import(&path, &mut go_on).expect("a right file").n_there, 9);
}
