//! The disk level of the model cache from outside: what is stored is found whole or not at all, whoever dies, waits,
//! damages or cleans up meanwhile; and plain folders.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use hansard::models::key::ModelKey;
use hansard::models::store::{
    CleanUp, Depth, DiskEntry, DiskStore, EntryState, Found, Origin, PUBLISHED_FORM, Patience, Staleness, Step,
    StoreError, StoreWatcher, StoredModel, Waiting, copy_model_folder,
};
use hansard::task::{CancelToken, Progress};
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "whisperx_base_cpu";
/// What a process that is to die is told.
const ACTION: &str = "HANSARD_TEST_ACTION";
const STEP: &str = "HANSARD_TEST_STEP";
const FOLDER: &str = "HANSARD_TEST_FOLDER";

pub(super) fn key(text: &str) -> ModelKey {
    ModelKey::new(text).expect("a key")
}

pub(super) fn origin(revision: &str) -> Origin {
    let text = str::to_owned;
    Origin {
        repository: text("owner/model"),
        revision: text(revision),
        device: text("cpu"),
        dtype: text("f32"),
        form: text(PUBLISHED_FORM),
    }
}

/// A safetensors file of one tensor.
pub(super) fn weights(seed: u8) -> Vec<u8> {
    const N_BYTES: usize = 1024;
    let header = json!({ "w": { "dtype": "U8", "shape": [N_BYTES], "data_offsets": [0, N_BYTES] } }).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[seed; N_BYTES][..]].concat()
}

/// Writes the files of a model that differs by its seed.
fn fill(folder: &Path, seed: u8) {
    let files = [
        ("config.json", format!("{{\"seed\": {seed}}}").into_bytes()),
        ("model.safetensors", weights(seed)),
        ("parts/vocab.txt", vec![b'a'; 10]),
    ];
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a writable folder");
        fs::write(path, bytes).expect("a writable folder");
    }
}

/// Stores revision `seed` of the model.
pub(super) fn store(store: &DiskStore, key: &ModelKey, seed: u8) -> StoredModel {
    let stored: Result<_, StoreError> = store.store(key, &origin(&seed.to_string()), |folder| {
        fill(folder, seed);
        Ok(())
    });
    stored.expect("a writable folder")
}

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn ready(store: &DiskStore, key: &ModelKey) -> StoredModel {
    match store.find(key).expect("a readable folder") {
        Found::Ready(model) => model,
        found => panic!("{key}: {found:?}"),
    }
}

/// The seed of the model that is there, found whole to the last byte.
fn seed_of(store: &DiskStore, key: &ModelKey) -> Option<u8> {
    let cancel = CancelToken::default();
    match store.verify(key, Depth::Full, &Progress::unwatched(&cancel)).expect("a readable folder") {
        Found::Absent => None,
        Found::Ready(model) => {
            let seed = model.manifest.origin.revision.parse().expect("a seed");
            assert_eq!(fs::read(model.folder.join("model.safetensors")).expect("its weights"), weights(seed));
            Some(seed)
        }
        found => panic!("{found:?}"),
    }
}

/// What is in a folder of the store, by name.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn entries(store: &DiskStore) -> Vec<DiskEntry> {
    store.list().expect("a readable folder")
}

#[test]
fn a_model_is_stored_found_used_pinned_and_removed() {
    let cache = folder();
    let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
    assert!(matches!(disk.find(&key), Ok(Found::Absent)));
    assert!(matches!(disk.remove(&key), Err(StoreError::NotStored { .. })));
    assert_eq!(names_in(cache.path()), [""; 0], "looking writes nothing");

    let model = store(&disk, &key, 1);
    assert_eq!(model.folder, cache.path().join("models-v1").join(KEY).join("files"));
    let names: Vec<&str> = model.manifest.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["config.json", "model.safetensors", "parts/vocab.txt"]);
    assert_eq!(model.manifest.files[2].sha256, "bf2cb58a68f684d95a3b78ef8f661c9a4e5b09e82cc8f9cc88cce90528caeb27");

    // The same again fills nothing; another revision does.
    let again: Result<_, StoreError> = disk.store(&key, &origin("1"), |_| panic!("it is there"));
    assert_eq!(again.expect("it is there").manifest, model.manifest);
    disk.touch(&key).expect("a writable folder");
    disk.touch(&key).expect("a writable folder");
    disk.pin(&key).expect("a writable folder");
    let listed = entries(&disk);
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].n_uses, listed[0].pinned, listed[0].in_use), (2, true, true));
    assert_eq!((&listed[0].state, listed[0].n_files), (&EntryState::Ready, 3));
    assert!(matches!(disk.remove(&key), Err(StoreError::Pinned { .. })));
    let replaced: Result<_, StoreError> = disk.store(&key, &origin("2"), |folder| {
        fill(folder, 2);
        Ok(())
    });
    assert!(matches!(replaced, Err(StoreError::InUse { .. })), "it is in use");
    assert_eq!(seed_of(&disk, &key), Some(1));
    drop(model);
    drop(store(&disk, &key, 2));
    assert_eq!(seed_of(&disk, &key), Some(2));
    assert!(entries(&disk)[0].pinned, "a new revision takes over the pin");

    disk.unpin(&key).expect("a writable folder");
    let held = ready(&disk, &key);
    assert!(matches!(disk.remove(&key), Err(StoreError::InUse { .. })));
    drop(held);
    assert!(disk.remove(&key).expect("nobody uses it") > 1100);
    assert!(matches!(disk.find(&key), Ok(Found::Absent)));
    assert!(entries(&disk).is_empty());
}

#[test]
fn a_failed_fill_leaves_nothing_but_its_downloads() {
    let cache = folder();
    let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
    let part = |revision: &str| disk.downloads(&key, &origin(revision)).expect("a writable folder").join("w.part");
    let failed: Result<_, StoreError> = disk.store(&key, &origin("1"), |folder| {
        fill(folder, 1);
        fs::write(part("1"), b"half").expect("a writable folder");
        Err(StoreError::Disabled)
    });
    assert!(matches!(failed, Err(StoreError::Disabled)));
    assert!(matches!(disk.find(&key), Ok(Found::Absent)));
    let root = disk.folder().expect("it is switched on").to_path_buf();
    assert_eq!(names_in(&root.join(".tmp")), [""; 0]);
    assert!(part("1").exists() && !part("2").exists());
    // What no model is made of is refused as well, and so is nothing.
    for (name, expected) in
        [("model.safetensors.part", "type"), ("run.py", "type"), (".hidden.json", "name"), ("", "no file")]
    {
        let refused: Result<_, StoreError> = disk.store(&key, &origin("1"), |folder| {
            if !name.is_empty() {
                fs::write(folder.join(name), b"{}").expect("a writable folder");
            }
            Ok(())
        });
        let error = refused.expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert_eq!(names_in(&root.join(".tmp")), [""; 0]);
    }
    drop(store(&disk, &key, 1));
    assert_eq!(names_in(&root.join(".downloads")), [""; 0], "a stored model needs no downloads");
}

#[test]
fn damage_is_found_set_aside_and_reported() {
    /// What happens to an entry, and what is said of it: nothing if it is still right.
    type Case = (&'static str, fn(&Path), Option<&'static str>);
    fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).expect("a stored file");
        change(&mut bytes);
        fs::write(path, bytes).expect("a writable file");
        age(path);
    }
    /// Clocks of file systems may not tick between two writes.
    fn age(path: &Path) {
        let file = File::options().write(true).open(path).expect("a writable file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).expect("a writable file");
    }
    fn manifest(entry: &Path, change: impl FnOnce(&mut Value)) {
        edit(&entry.join("manifest.json"), |bytes| {
            let mut value = serde_json::from_slice(bytes).expect("JSON");
            change(&mut value);
            *bytes = value.to_string().into_bytes();
        });
    }
    const WEIGHTS: &str = "files/model.safetensors";
    let cases: [Case; 17] = [
        ("cut weights", |entry| edit(&entry.join(WEIGHTS), |bytes| bytes.truncate(900)), Some("has 900 bytes")),
        ("cut text", |entry| edit(&entry.join("files/config.json"), Vec::clear), Some("has 0 bytes")),
        ("flipped bit", |entry| edit(&entry.join(WEIGHTS), |bytes| bytes[1000] ^= 1), Some("other bytes")),
        ("broken header", |entry| edit(&entry.join(WEIGHTS), |bytes| bytes[8] = b'['), Some("list of tensors")),
        ("header bomb", |entry| edit(&entry.join(WEIGHTS), |bytes| bytes[7] = 1), Some("list of tensors")),
        ("missing file", |entry| fs::remove_file(entry.join(WEIGHTS)).expect("a file"), Some("is missing")),
        ("missing folder", |entry| fs::remove_dir_all(entry.join("files")).expect("a folder"), Some("is missing")),
        (
            "folder for file",
            |entry| {
                fs::remove_file(entry.join(WEIGHTS)).expect("a file");
                fs::create_dir(entry.join(WEIGHTS)).expect("a folder");
            },
            Some("no plain file"),
        ),
        ("no manifest", |entry| fs::remove_file(entry.join("manifest.json")).expect("a file"), Some("missing")),
        (
            "folder for manifest",
            |entry| {
                fs::remove_file(entry.join("manifest.json")).expect("a file");
                fs::create_dir(entry.join("manifest.json")).expect("a folder");
            },
            Some("no plain file"),
        ),
        (
            "file for entry",
            |entry| {
                fs::remove_dir_all(entry).expect("a folder");
                fs::write(entry, b"x").expect("a writable folder");
            },
            Some("manifest is missing"),
        ),
        ("cut manifest", |entry| edit(&entry.join("manifest.json"), |bytes| bytes.truncate(50)), Some("manifest")),
        ("other model", |entry| manifest(entry, |it| it["key"] = "another".into()), Some("that of another")),
        (
            "name that leads out",
            |entry| manifest(entry, |it| it["files"][0]["name"] = "../usage.json".into()),
            Some("not the name"),
        ),
        ("no usage", |entry| fs::remove_file(entry.join("usage.json")).expect("a file"), None),
        ("broken usage", |entry| edit(&entry.join("usage.json"), |bytes| bytes.truncate(3)), None),
        ("touched", |entry| age(&entry.join(WEIGHTS)), None),
    ];
    for (name, damage, expected) in cases {
        let cache = folder();
        let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
        drop(store(&disk, &key, 1));
        let other = self::key("other");
        drop(store(&disk, &other, 1));
        damage(&cache.path().join("models-v1").join(KEY));
        assert!(entries(&disk).iter().any(|entry| entry.key == other), "{name} hides no other");
        let Some(expected) = expected else {
            drop(ready(&disk, &key));
            continue;
        };
        let Found::Damaged(found) = disk.find(&key).expect("a readable folder") else { panic!("{name} is not found") };
        assert!(found.to_string().contains(expected), "{name}: {found}");
        assert!(found.aside.is_some_and(|aside| aside.exists()), "{name} is set aside");
        assert!(matches!(disk.find(&key), Ok(Found::Absent)), "{name} is reported once");
        assert_eq!(disk.leftovers().expect("a readable folder").len(), 1);
        drop(store(&disk, &key, 1));
        assert_eq!(seed_of(&disk, &key), Some(1), "{name}");
    }
}

#[test]
fn a_bit_that_flips_unseen_is_found_by_reading_everything() {
    let cache = folder();
    let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
    let path = store(&disk, &key, 1).folder.join("model.safetensors");
    let modified = fs::metadata(&path).and_then(|file| file.modified()).expect("a file");
    let mut bytes = fs::read(&path).expect("a file");
    bytes[1000] ^= 1;
    fs::write(&path, bytes).expect("a writable file");
    File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("a writable file");
    let held = ready(&disk, &key);
    let cancel = CancelToken::default();
    let verify = || disk.verify(&key, Depth::Full, &Progress::unwatched(&cancel));
    assert!(matches!(verify(), Ok(Found::Damaged(found)) if found.aside.is_none()), "it is in use");
    drop(held);
    assert!(matches!(verify(), Ok(Found::Damaged(found)) if found.aside.is_some()));
    cancel.cancel();
    drop(store(&disk, &key, 1));
    assert!(matches!(verify(), Err(StoreError::Cancelled(_))));
}

#[test]
fn entries_of_other_versions_are_made_again() {
    for (field, value, originals, expected) in [
        ("/format_version", json!(99), false, Some(Staleness::Format(99))),
        ("/origin/form", json!("int8-0"), false, Some(Staleness::Form("int8-0".to_owned()))),
        ("/app_version", json!("0.0.1"), true, Some(Staleness::Application("0.0.1".to_owned()))),
        ("/app_version", json!("0.0.1"), false, None),
    ] {
        let cache = folder();
        let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
        let stored: Result<_, StoreError> = disk.store(&key, &origin("1"), |folder| {
            fill(folder, 1);
            if originals {
                fs::create_dir(folder.join("originals")).expect("a writable folder");
                fs::write(folder.join("originals/config.json"), b"{}").expect("a writable folder");
            }
            Ok(())
        });
        drop(stored.expect("a writable folder"));
        let path = cache.path().join("models-v1").join(KEY).join("manifest.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).expect("a manifest")).expect("JSON");
        *manifest.pointer_mut(field).expect("a field") = value;
        fs::write(&path, manifest.to_string()).expect("a writable folder");
        match (disk.find(&key).expect("a readable folder"), expected) {
            (Found::Ready(_), None) => continue,
            (Found::Stale { reason, originals: kept }, Some(expected)) => {
                assert_eq!(reason, expected);
                assert_eq!(kept.is_some_and(|folder| folder.join("config.json").exists()), originals);
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
        drop(store(&disk, &key, 1));
        assert_eq!(seed_of(&disk, &key), Some(1));
    }
}

#[test]
fn of_many_who_store_the_same_one_fills() {
    const N_THREADS: usize = 16;
    let cache = folder();
    let (n_fills, start) = (AtomicUsize::new(0), Barrier::new(N_THREADS));
    thread::scope(|scope| {
        for n in 0..N_THREADS {
            let (n_fills, start, cache) = (&n_fills, &start, cache.path());
            scope.spawn(move || {
                let disk = DiskStore::open(cache);
                start.wait();
                for k in 0..4 {
                    let key = key(&format!("model_{}", (k + n) % 4));
                    let stored: Result<_, StoreError> = disk.store(&key, &origin("7"), |folder| {
                        n_fills.fetch_add(1, Ordering::Relaxed);
                        fill(folder, 7);
                        Ok(())
                    });
                    drop(stored.expect("a writable folder"));
                    disk.touch(&key).expect("a writable folder");
                    assert_eq!(seed_of(&disk, &key), Some(7));
                }
            });
        }
    });
    assert_eq!(n_fills.into_inner(), 4);
    let uses: Vec<u64> = entries(&DiskStore::open(cache.path())).iter().map(|entry| entry.n_uses).collect();
    assert_eq!(uses, [N_THREADS as u64; 4]);
}

/// Notes what it is told, and waits for nothing.
#[derive(Default)]
struct Impatient(Mutex<Vec<Waiting>>);

impl StoreWatcher for Impatient {
    fn waits(&self, waiting: &Waiting) -> Patience {
        self.0.lock().expect("nobody panicked").push(waiting.clone());
        Patience::GiveUp
    }
}

#[test]
fn who_waits_is_told_for_whom_and_may_give_up() {
    let cache = folder();
    let impatient = Arc::new(Impatient::default());
    let key = key(KEY);
    thread::scope(|scope| {
        // Made in here, so that nobody waits for a test that failed.
        let (inside, is_inside) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let (first_disk, key) = (DiskStore::open(cache.path()), &key);
        let first = scope.spawn(move || {
            let stored: Result<_, StoreError> = first_disk.store(key, &origin("1"), |folder| {
                inside.send(()).expect("somebody listens");
                may_go_on.recv().expect("somebody sends");
                fill(folder, 1);
                Ok(())
            });
            stored.expect("a writable folder")
        });
        is_inside.recv().expect("the first one fills");
        let second = DiskStore::watched(cache.path(), impatient.clone());
        let stored: Result<_, StoreError> = second.store(key, &origin("1"), |_| panic!("the first one fills"));
        let error = stored.expect_err("it is locked").to_string();
        assert!(error.contains(KEY) && error.contains(&process::id().to_string()), "{error}");
        assert!(matches!(second.remove(key), Err(StoreError::NotStored { .. } | StoreError::InUse { .. })));
        assert_eq!(second.sweep().expect("a writable folder"), 0, "what somebody fills stays");
        go_on.send(()).expect("the first one listens");
        drop(first.join().expect("the first one stores"));
    });
    assert_eq!(impatient.0.lock().expect("nobody panicked").len(), 1);
    assert_eq!(seed_of(&DiskStore::open(cache.path()), &key), Some(1));
}

/// Ends the process after a step, as if it was killed there; or tells of each.
struct Reaper(Option<String>);

impl StoreWatcher for Reaper {
    fn reached(&self, step: Step) {
        match &self.0 {
            Some(last) if format!("{step:?}") == *last => process::exit(9),
            Some(_) => {}
            None => writeln!(io::stdout(), "step {step:?}").expect("somebody reads"),
        }
    }
}

/// What other tests start in a process of its own, which dies. By itself it does nothing.
#[test]
fn dies_where_it_is_told() {
    let (Ok(action), Some(cache)) = (env::var(ACTION), env::var_os(FOLDER)) else { return };
    let cache = PathBuf::from(cache);
    let (disk, key) = (DiskStore::watched(&cache, Arc::new(Reaper(env::var(STEP).ok()))), key(KEY));
    match action.as_str() {
        "store" => drop(store(&disk, &key, 2)),
        "remove" => drop(disk.remove(&key).expect("nobody uses it")),
        "import" => {
            let cancel = CancelToken::default();
            let imported = disk.import(&cache.join("all.hansard-models"), &Progress::unwatched(&cancel));
            imported.expect("a right archive");
        }
        _ => {
            for seed in (0..=u8::MAX).cycle() {
                drop(store(&disk, &key, seed));
                disk.touch(&key).expect("it is there");
                if seed.is_multiple_of(3) {
                    disk.remove(&key).expect("nobody uses it");
                }
            }
        }
    }
}

/// This test binary again, with one test and these variables.
fn again(test: &str, variables: &[(&str, &OsStr)]) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test runs"));
    command.args(["--exact", test, "--nocapture"]).envs(variables.iter().copied()).stdout(Stdio::piped());
    command
}

/// Starts this test binary again, with one test and these variables, kills it once it has written so many lines that
/// begin with `step`, and waits until it is gone.
pub(super) fn kill_after(n_steps: usize, test: &str, variables: &[(&str, &OsStr)]) {
    let mut child = again(test, variables).spawn().expect("a test binary");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let steps = lines.map(|line| line.expect("text")).filter(|line| line.contains("step "));
    assert_eq!(steps.take(n_steps).count(), n_steps, "{test} ended by itself");
    child.kill().expect("it runs");
    child.wait().expect("it was started");
}

#[test]
fn whoever_dies_at_a_step_leaves_the_old_entry_or_the_new_one_or_none() {
    for (action, before, step, expected) in [
        ("store", None, "Filled", None),
        ("store", None, "Described", None),
        ("store", None, "MovedIn", Some(2)),
        ("store", Some(1), "Filled", Some(1)),
        ("store", Some(1), "Described", Some(1)),
        ("store", Some(1), "MovedAside", Some(1)),
        ("store", Some(1), "MovedIn", Some(2)),
        ("remove", Some(1), "TakenOut", None),
        ("import", None, "Described", None),
        ("import", Some(1), "MovedAside", Some(1)),
        ("import", Some(1), "MovedIn", Some(2)),
    ] {
        let (cache, elsewhere) = (folder(), folder());
        let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
        drop(before.map(|seed| store(&disk, &key, seed)));
        if action == "import" {
            let (other, cancel) = (DiskStore::open(elsewhere.path()), CancelToken::default());
            drop(store(&other, &key, 2));
            let path = cache.path().join("all.hansard-models");
            other.export(std::slice::from_ref(&key), &path, &Progress::unwatched(&cancel)).expect("a writable folder");
        }
        let variables: [(&str, &OsStr); 3] =
            [(ACTION, action.as_ref()), (STEP, step.as_ref()), (FOLDER, cache.path().as_os_str())];
        let died = again("model_store::dies_where_it_is_told", &variables).output().expect("a test binary");
        assert_eq!(died.status.code(), Some(9), "{action} reaches {step}");
        disk.sweep().expect("a writable folder");
        assert_eq!(seed_of(&disk, &key), expected, "{action} {before:?} until {step}");
        assert_eq!(names_in(&cache.path().join("models-v1/.tmp")), [""; 0], "{action} {before:?} until {step}");
        drop(store(&disk, &key, 3));
        assert_eq!(seed_of(&disk, &key), Some(3), "{action} {before:?} until {step}");
    }
}

#[test]
fn whoever_is_killed_at_any_moment_leaves_a_whole_entry_or_none() {
    let cache = folder();
    let (disk, key) = (DiskStore::open(cache.path()), key(KEY));
    for n_steps in [1, 2, 3, 5, 8, 13, 21, 34] {
        let variables: [(&str, &OsStr); 2] = [(ACTION, "storm".as_ref()), (FOLDER, cache.path().as_os_str())];
        kill_after(n_steps, "model_store::dies_where_it_is_told", &variables);
        disk.sweep().expect("a writable folder");
        assert_eq!(names_in(&cache.path().join("models-v1/.tmp")), [""; 0]);
        if seed_of(&disk, &key).is_some() {
            let names = names_in(&cache.path().join("models-v1").join(KEY));
            assert_eq!(names, ["files", "manifest.json", "usage.json"]);
        }
    }
    assert!(disk.leftovers().expect("a readable folder").is_empty());
}

#[test]
fn a_clean_up_takes_what_was_planned_but_not_what_is_kept() {
    let cache = folder();
    let disk = DiskStore::open(cache.path());
    for name in ["a", "b", "pinned", "used"] {
        drop(store(&disk, &key(name), 1));
    }
    disk.pin(&key("pinned")).expect("a writable folder");
    let used = ready(&disk, &key("used"));
    let everything = CleanUp { older_than: Some(Duration::ZERO), ..CleanUp::default() };
    let later = SystemTime::now() + Duration::from_hours(1);
    let plan = disk.plan_cleanup(&everything, later).expect("a readable folder");
    let names = |disk: &DiskStore| entries(disk).iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>();
    assert_eq!((plan.len(), names(&disk).len()), (2, 4), "a plan changes nothing");
    let ancient = CleanUp { older_than: Some(Duration::from_hours(2)), ..CleanUp::default() };
    assert!(disk.plan_cleanup(&ancient, later).expect("a readable folder").is_empty());
    // Somebody comes between the plan and the deed.
    let late = ready(&disk, &key("b"));
    let done = disk.clean_up(&plan);
    assert_eq!((done.removed.len(), done.kept.len()), (1, 1));
    assert_eq!(done.n_freed_bytes, plan[0].n_bytes);
    assert_eq!(names(&disk), ["b", "pinned", "used"]);
    drop((late, used));
}

#[test]
fn a_store_that_is_switched_off_finds_and_writes_nothing() {
    let (disk, key, cancel) = (DiskStore::disabled(), key(KEY), CancelToken::default());
    let progress = Progress::unwatched(&cancel);
    assert!(matches!(disk.find(&key), Ok(Found::Absent)));
    let stored: Result<_, StoreError> = disk.store(&key, &origin("1"), |_| panic!("there is no folder"));
    assert!(matches!(stored, Err(StoreError::Disabled)));
    disk.touch(&key).expect("nothing to do");
    assert_eq!((entries(&disk), disk.sweep().expect("nothing to do"), disk.folder()), (Vec::new(), 0, None));
    assert!(matches!(disk.import(Path::new("/nowhere"), &progress), Err(StoreError::Disabled)));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let cache = folder();
    let file = cache.path().join("a-file");
    fs::write(&file, b"").expect("a writable folder");
    let stored: Result<_, StoreError> = DiskStore::open(&file).store(&key(KEY), &origin("1"), |folder| {
        fill(folder, 1);
        Ok(())
    });
    let error = stored.expect_err("a file holds nothing").to_string();
    assert!(error.contains("a-file"), "{error}");
}

#[test]
fn a_plain_folder_becomes_an_entry_of_what_models_need() {
    let (cache, from) = (folder(), folder());
    let (disk, key, cancel) = (DiskStore::open(cache.path()), key(KEY), CancelToken::default());
    fill(from.path(), 1);
    for name in ["README.md", "pytorch_model.bin", "training_args.bin", "model.onnx", ".gitattributes"] {
        fs::write(from.path().join(name), b"x").expect("a writable folder");
    }
    let mut skipped = Vec::new();
    let import = |skipped: &mut Vec<String>| -> Result<StoredModel, StoreError> {
        disk.store(&key, &origin("1"), |to| {
            *skipped = copy_model_folder(from.path(), to, &Progress::unwatched(&cancel))?;
            Ok(())
        })
    };
    drop(import(&mut skipped).expect("a right folder"));
    assert_eq!(skipped, ["README.md", "model.onnx", "pytorch_model.bin", "training_args.bin"]);
    assert_eq!(seed_of(&disk, &key), Some(1));
    #[cfg(unix)]
    {
        disk.remove(&key).expect("nobody uses it");
        let secret = cache.path().join("secret.txt");
        fs::write(&secret, b"secret").expect("a writable folder");
        std::os::unix::fs::symlink(&secret, from.path().join("vocab.txt")).expect("a writable folder");
        let error = import(&mut skipped).expect_err("a link that leads out").to_string();
        assert!(error.contains("is a link"), "{error}");
        assert!(matches!(disk.find(&key), Ok(Found::Absent)));
    }
}
