//! Times of the store of results, with a million results in its index: `cargo bench --bench store`. The goal of a
//! look-up is 1 ms; what else a job asks of the store is timed beside it.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use divan::{Bencher, black_box};
use hansard::hash::{ContentHash, KeyBuilder, ResultKey};
use hansard::results::{FileState, Layer, Remembered, ResultStore, StoreLimits};
use rusqlite::Connection;
use tempfile::TempDir;

/// Results that are looked up, which are stored as usual.
const N_KNOWN: u64 = 1000;
/// Results in all. The others are copies of one of them under other keys.
const N_ENTRIES: u64 = 1_000_000;

/// Made when it is first asked for.
static FILLED: OnceLock<Filled> = OnceLock::new();

fn main() {
    divan::main();
    // Nothing that is static is ever dropped.
    if let Some(filled) = FILLED.get() {
        fs::remove_dir_all(filled.folder.path()).expect("it is ours");
    }
}

/// A store, and the folder that it is in.
struct Filled {
    store: ResultStore,
    folder: TempDir,
}

fn key(number: u64) -> ResultKey {
    KeyBuilder::new("bench", 1).number("number", number).finish()
}

/// What a chunk of text takes.
fn chunk(number: u64) -> Vec<u8> {
    let words = (0..60).map(|n| format!("word{} ", ContentHash::of(&(number * 60 + n).to_le_bytes()).as_bytes()[0]));
    words.collect::<String>().into_bytes()
}

fn open(cache: &Path) -> ResultStore {
    ResultStore::open(cache, StoreLimits::default()).expect("a writable folder")
}

fn put(store: &ResultStore, number: u64, payload: &[u8]) {
    let audio = ContentHash::of(b"a meeting");
    store.put(Layer::Asr, &key(number), &audio, payload, Duration::from_secs(3)).expect("a writable folder");
}

fn filled() -> &'static Filled {
    FILLED.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = open(folder.path());
        for number in 0..N_KNOWN {
            put(&store, number, &chunk(number));
        }
        let connection = Connection::open(folder.path().join("results-v1/index.db")).expect("an index");
        let others = format!(
            "BEGIN;
             WITH RECURSIVE numbers (n) AS
                 (SELECT {N_KNOWN} + 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {N_ENTRIES})
             INSERT INTO entries
                 (id, layer, key, audio, frame, is_blob, n_bytes, n_uses, cost_ms, created_ms, last_used_ms)
             SELECT n, layer, randomblob(32), audio, frame, 0, n_bytes, 0, cost_ms, created_ms, last_used_ms
             FROM numbers, entries WHERE id = 1;
             INSERT INTO payloads SELECT id, bytes FROM entries, payloads WHERE id > {N_KNOWN} AND entry = 1;
             COMMIT;"
        );
        connection.execute_batch(&others).expect("a right statement");
        Filled { store, folder }
    })
}

/// Numbers that jump about.
fn jumping() -> impl FnMut() -> u64 {
    let mut number = 0;
    move || {
        number = (number + 617) % N_KNOWN;
        number
    }
}

#[divan::bench]
fn find_one_of_a_million(bencher: Bencher) {
    let (filled, mut next) = (filled(), jumping());
    bencher.bench_local(|| filled.store.get(Layer::Asr, black_box(&key(next()))).expect("readable").expect("stored"));
}

#[divan::bench]
fn find_none_in_a_million(bencher: Bencher) {
    let (filled, mut next) = (filled(), jumping());
    bencher.bench_local(|| filled.store.get(Layer::Align, black_box(&key(next()))).expect("readable"));
}

#[divan::bench]
fn know_a_file_again(bencher: Bencher) {
    let filled = filled();
    let path = filled.folder.path().join("meeting.wav");
    fs::write(&path, b"sound").expect("a writable folder");
    let state = FileState::of(&path).expect("a readable file");
    filled.store.remember_hash(&path, state, Remembered::Samples, &ContentHash::of(b"samples")).expect("writable");
    bencher.bench_local(|| filled.store.remembered_hash(black_box(&path), Remembered::Samples).expect("readable"));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_with_a_million(bencher: Bencher) {
    let filled = filled();
    bencher.bench_local(|| open(black_box(filled.folder.path())));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn survey_a_million(bencher: Bencher) {
    let filled = filled();
    bencher.bench_local(|| filled.store.survey().expect("readable"));
}

/// A chunk of text, and a block of embeddings.
#[divan::bench(args = [1, 400_000], sample_count = 200, sample_size = 1)]
fn store_one(bencher: Bencher, n_bytes: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    let block = |number: u64| *ContentHash::of(&number.to_le_bytes()).as_bytes();
    let payload = if n_bytes == 1 { chunk(1) } else { (0..).flat_map(block).take(n_bytes).collect() };
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        put(&store, number, black_box(&payload));
    });
}
