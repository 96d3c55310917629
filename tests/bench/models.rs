//! What a model costs before the first word: found in memory, loaded from disk, and made ready to be loaded, which
//! happens once. `cargo bench --bench models`; the weights of `base` and `small` are made up and written to the
//! temporary folder first, 1.3 GB. Files are read from the page cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use divan::{Bencher, black_box};
use hansard::models::device::ComputeDevice;
use hansard::models::random::{PublishedSize, RandomWhisper};
use hansard::models::{CacheOptions, ModelCache};
use hansard::nn::ComputeType;
use hansard::paths::AppPaths;
use hansard::task::{CancelToken, Progress};
use tempfile::TempDir;

const SIZES: [&str; 2] = ["base", "small"];

fn main() {
    divan::main();
}

/// A folder of each size as it is published.
fn published(size: &str) -> PathBuf {
    static FOLDERS: LazyLock<(TempDir, Mutex<BTreeMap<String, PathBuf>>)> =
        LazyLock::new(|| (tempfile::tempdir().expect("a temporary folder"), Mutex::default()));
    let (root, folders) = &*FOLDERS;
    let mut folders = folders.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folders.entry(size.to_owned()).or_insert_with(|| {
        let folder = root.path().join(format!("whisper-{size}"));
        let PublishedSize { dimensions, precision, .. } = PublishedSize::named(size).expect("a published size");
        let random = RandomWhisper { dimensions, precision, n_shards: 1, seed: 0 };
        random.write(&folder, &CancelToken::default()).expect("a writable folder");
        folder
    });
    folder.clone()
}

/// A cache in a folder of its own.
fn cache(root: &Path) -> ModelCache {
    let paths = AppPaths::below(root);
    let options = CacheOptions { disk: Some(root.join("models")), ..CacheOptions::usual(&paths) };
    ModelCache::open(paths, options)
}

fn import(cache: &ModelCache, size: &str) {
    let cancel = CancelToken::default();
    drop(cache.import_folder(&published(size), &Progress::unwatched(&cancel)).expect("a model"));
}

fn load(cache: &ModelCache, size: &str) {
    black_box(cache.whisper(size, ComputeDevice::Cpu, ComputeType::Int8).expect("it was imported"));
}

#[divan::bench(args = SIZES)]
fn hit_in_memory(bencher: Bencher, size: &str) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let cache = cache(root.path());
    import(&cache, size);
    load(&cache, size);
    bencher.bench_local(|| load(&cache, size));
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn load_from_disk(bencher: Bencher, size: &str) {
    let root = tempfile::tempdir().expect("a temporary folder");
    import(&cache(root.path()), size);
    bencher.with_inputs(|| cache(root.path())).bench_local_values(|cache| {
        load(&cache, size);
        cache
    });
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn first_conversion(bencher: Bencher, size: &str) {
    published(size);
    let fresh = || {
        let root = tempfile::tempdir().expect("a temporary folder");
        (cache(root.path()), root)
    };
    bencher.with_inputs(fresh).bench_local_values(|(cache, root)| {
        import(&cache, size);
        (cache, root)
    });
}
