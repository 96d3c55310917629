//! The store of results in trouble: whatever is damaged, full, locked or killed, what is found is right, what was told
//! to be stored is there, and what is wrong is told.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use hansard::hash::ContentHash;
use hansard::results::{CleanUp, Layer, ResultError, ResultStore, StoreLimits};
use rusqlite::Connection;

use super::result_store::{blobs, folder, get, key, open, payload, put, verify};

/// What a process of its own is told.
const ACTION: &str = "HANSARD_TEST_ACTION";
const FOLDER: &str = "HANSARD_TEST_FOLDER";
const NUMBER: &str = "HANSARD_TEST_NUMBER";
const CHILD: &str = "result_store_faults::does_what_it_is_told";

/// Results that each of several processes stores.
const N_SHARED: u64 = 30;

fn database(cache: &Path) -> PathBuf {
    cache.join("results-v1/index.db")
}

#[test]
fn a_damaged_result_is_dropped_with_a_warning_and_nothing_else_is() {
    type Case = (&'static str, u64, fn(&Path));
    fn blob(cache: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let path = &blobs(cache)[0];
        let mut bytes = fs::read(path).expect("a blob");
        change(&mut bytes);
        fs::write(path, bytes).expect("a writable folder");
    }
    fn sql(cache: &Path, statement: &str) {
        let connection = Connection::open(database(cache)).expect("a database");
        connection.execute_batch(statement).expect("a right statement");
    }
    // The first and second are in the index, the third is a file.
    let cases: [Case; 11] = [
        ("flipped bit", 3, |cache| blob(cache, |bytes| bytes[20_000] ^= 1)),
        ("flipped head", 3, |cache| blob(cache, |bytes| bytes[30] ^= 1)),
        ("cut", 3, |cache| blob(cache, |bytes| bytes.truncate(20_000))),
        ("empty", 3, |cache| blob(cache, Vec::clear)),
        ("longer", 3, |cache| blob(cache, |bytes| bytes.push(0))),
        ("no blob", 3, |cache| fs::remove_file(&blobs(cache)[0]).expect("a blob")),
        ("a folder for a blob", 3, |cache| {
            let path = &blobs(cache)[0];
            fs::remove_file(path).and_then(|()| fs::create_dir_all(path.join("inside"))).expect("a writable folder");
        }),
        ("no payload", 1, |cache| sql(cache, "DELETE FROM payloads WHERE entry = 1")),
        ("cut payload", 1, |cache| sql(cache, "UPDATE payloads SET bytes = substr(bytes, 1, 99) WHERE entry = 1")),
        ("payload of another", 1, |cache| {
            sql(cache, "UPDATE payloads SET bytes = (SELECT bytes FROM payloads WHERE entry = 2) WHERE entry = 1");
        }),
        ("zeros for a payload", 1, |cache| sql(cache, "UPDATE payloads SET bytes = zeroblob(300) WHERE entry = 1")),
    ];
    for (name, damaged, damage) in cases {
        for is_verified in [false, true] {
            let cache = folder();
            let store = open(cache.path());
            (1..=3).for_each(|number| put(&store, number));
            damage(cache.path());
            if is_verified {
                let verified = verify(&store);
                assert_eq!((verified.n_entries, verified.n_damaged), (2, 1), "{name}");
            }
            for number in 1..=3 {
                let expected = (number != damaged).then(|| payload(number));
                assert_eq!(get(&store, number), expected, "{name}: {number}");
            }
            let warnings = store.take_warnings();
            assert!(warnings.len() == 1 && warnings[0].contains("damaged"), "{name}: {warnings:?}");
            assert!(store.take_warnings().is_empty(), "{name} is told once");
            assert_eq!(verify(&store).n_damaged, 0, "{name}");
            put(&store, damaged);
            assert_eq!(get(&store, damaged), Some(payload(damaged)), "{name}");
            assert_eq!(verify(&store).n_entries, 3, "{name}");
        }
    }
}

#[test]
fn a_damaged_index_is_set_aside_and_made_again() {
    /// What happens to the index; whether it is noticed, and how many of the small results are found after it.
    type Case = (&'static str, fn(&mut Vec<u8>), bool, usize);
    const PAGE: usize = 4096;
    let cases: [Case; 6] = [
        ("garbage", |bytes| bytes.fill(0xA5), true, 0),
        ("text", |bytes| *bytes = b"this is no database, but long enough to be read as one\n".repeat(40), true, 0),
        ("cut", |bytes| bytes.truncate(3 * PAGE), true, 0),
        ("broken list of tables", |bytes| bytes[100..PAGE].fill(0xFF), true, 0),
        ("broken pages", |bytes| bytes[PAGE..].fill(0x5A), true, 0),
        ("emptied", Vec::clear, false, 0),
    ];
    for (name, damage, is_noticed, n_small_found) in cases {
        let cache = folder();
        let store = open(cache.path());
        (1..=60).for_each(|number| put(&store, number));
        drop(store);
        let path = database(cache.path());
        let mut bytes = fs::read(&path).expect("an index");
        damage(&mut bytes);
        fs::write(&path, bytes).expect("a writable folder");

        let store = open(cache.path());
        // Whatever is found is right, and the large ones are found.
        let found: Vec<u64> = (1..=60).filter(|number| get(&store, *number) == Some(payload(*number))).collect();
        let is_large = |number: &&u64| number.is_multiple_of(3);
        if is_noticed {
            assert_eq!(found.iter().filter(is_large).count(), 20, "{name}");
        }
        assert_eq!(found.len() - found.iter().filter(is_large).count(), n_small_found, "{name}");
        let warnings = store.take_warnings();
        assert_eq!(
            warnings.iter().any(|warning| warning.contains("index-damaged-1.db")),
            is_noticed,
            "{name}: {warnings:?}"
        );
        assert_eq!(cache.path().join("results-v1/index-damaged-1.db").exists(), is_noticed, "{name}");
        // From now on all is well.
        assert_eq!(verify(&store).n_damaged, 0, "{name}");
        (1..=60).for_each(|number| put(&store, number));
        (1..=60).for_each(|number| assert_eq!(get(&store, number), Some(payload(number)), "{name}: {number}"));
        drop(store);
        let store = open(cache.path());
        assert_eq!((verify(&store).n_entries, store.take_warnings().len()), (60, 0), "{name}");
        store.clean_up(&CleanUp::default(), SystemTime::now()).expect("a writable folder");
        assert!(!cache.path().join("results-v1/index-damaged-1.db").exists(), "{name} is cleaned up");
    }
}

#[test]
fn an_index_that_is_not_ours_is_set_aside_and_one_of_the_future_is_left_alone() {
    for (statements, expected) in [
        ("CREATE TABLE entries (id INTEGER)", None),
        ("CREATE TABLE other (id INTEGER); PRAGMA user_version = 1", None),
        ("CREATE TABLE entries (id INTEGER); PRAGMA user_version = 99", Some(99)),
    ] {
        let cache = folder();
        let path = database(cache.path());
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        let connection = Connection::open(&path).expect("a writable folder");
        connection.execute_batch(statements).expect("right statements");
        drop(connection);
        match (ResultStore::open(cache.path(), StoreLimits::default()), expected) {
            (Err(ResultError::Newer { found, .. }), Some(expected)) => assert_eq!(found, expected),
            (Ok(store), None) => {
                assert_eq!(store.take_warnings().len(), 1, "{statements}");
                put(&store, 1);
                assert!(get(&store, 1).is_some());
            }
            (opened, expected) => panic!("{statements}: {:?} instead of {expected:?}", opened.err()),
        }
    }
}

#[test]
fn rebuilding_finds_what_the_index_does_not_name() {
    let cache = folder();
    let store = open(cache.path());
    (1..=9).for_each(|number| put(&store, number));
    let connection = Connection::open(database(cache.path())).expect("a database");
    connection.execute_batch("DELETE FROM entries WHERE is_blob = 1").expect("a right statement");
    drop(connection);
    // What somebody left who died while writing, what is of no use, and what is not ours.
    let blobs_folder = cache.path().join("results-v1/blobs");
    let useless = ContentHash::of(b"x").to_string();
    for (shard, name) in
        [(&useless[..2], format!("{useless}.zst")), ("00", ".hansard-abc".into()), ("00", "notes.txt".into())]
    {
        fs::create_dir_all(blobs_folder.join(shard)).expect("a writable folder");
        fs::write(blobs_folder.join(shard).join(name), b"what is this").expect("a writable folder");
    }
    let rebuilt = store.rebuild_index(&mut |_, _| ControlFlow::Continue(())).expect("a writable folder");
    assert_eq!((rebuilt.n_entries, rebuilt.n_damaged, rebuilt.n_adopted, rebuilt.n_removed), (9, 0, 3, 1));
    assert_eq!(blobs(cache.path()).len(), 4, "three, and the notes");
    (1..=9).for_each(|number| assert_eq!(get(&store, number), Some(payload(number)), "{number}"));
    let stopped = store.verify(&mut |_, _| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(ResultError::Stopped)));
}

/// What other tests start in a process of its own. By itself it does nothing.
#[test]
fn does_what_it_is_told() {
    let (Ok(action), Some(cache)) = (env::var(ACTION), env::var_os(FOLDER)) else { return };
    let say = |line: String| {
        let mut out = io::stdout().lock();
        writeln!(out, "step {line}").and_then(|()| out.flush()).expect("somebody reads");
    };
    let store = open(Path::new(&cache));
    let number: u64 = env::var(NUMBER).expect("a number").parse().expect("a number");
    match action.as_str() {
        "share" => {
            for k in 0..N_SHARED {
                put(&store, k);
                put(&store, 1000 * number + k);
                assert_eq!(get(&store, k), Some(payload(k)));
            }
        }
        "storm" => {
            let budget = CleanUp { budget_bytes: Some(1 << 20), ..CleanUp::default() };
            for k in number.. {
                put(&store, k);
                // Some are replaced as well.
                put(&store, k % 5);
                say(format!("put {k}"));
                if k.is_multiple_of(7) {
                    store.clean_up(&budget, SystemTime::now()).expect("a writable folder");
                    say("cleaned".to_owned());
                }
            }
        }
        _ => {
            let audio = ContentHash::of(b"a meeting");
            let failed = (0..1000_u64).find_map(|k| {
                let stored = store.put(Layer::Asr, &key(k), &audio, &payload(k), Duration::ZERO);
                stored.err().map(|error| (k, error))
            });
            let (n_stored, error) = failed.expect("it becomes full");
            for k in 0..n_stored {
                assert_eq!(get(&store, k), Some(payload(k)), "{k} of {n_stored}");
            }
            let is_named = matches!(error, ResultError::DiskFull(_)) && error.to_string().contains("results-v1");
            say(format!("full {n_stored} {is_named}"));
        }
    }
}

/// This test binary again, with the one test that does what it is told.
fn child(action: &str, cache: &Path, number: u64) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test runs"));
    tell(&mut command, action, cache, number);
    command
}

fn tell(command: &mut Command, action: &str, cache: &Path, number: u64) {
    let number = number.to_string();
    let variables: [(&str, &OsStr); 3] =
        [(ACTION, action.as_ref()), (FOLDER, cache.as_os_str()), (NUMBER, number.as_ref())];
    command.args(["--exact", CHILD, "--nocapture"]).envs(variables).stdout(Stdio::piped());
}

#[test]
fn processes_share_one_store() {
    let cache = folder();
    let store = open(cache.path());
    let mut children: Vec<_> =
        (1..=3).map(|number| child("share", cache.path(), number).spawn().expect("a test binary")).collect();
    thread::scope(|scope| {
        for number in 4..=5 {
            let store = store.clone();
            scope.spawn(move || (0..N_SHARED).for_each(|k| put(&store, 1000 * number + k)));
        }
    });
    for child in &mut children {
        assert!(child.wait().expect("it was started").success());
    }
    for number in 0..=5 {
        for k in 1000 * number..1000 * number + N_SHARED {
            assert_eq!(get(&store, k), Some(payload(k)), "{k}");
        }
    }
    let verified = verify(&store);
    assert_eq!((verified.n_entries, verified.n_damaged, verified.n_removed), (6 * N_SHARED, 0, 0));
    assert_eq!(store.take_warnings(), Vec::<String>::new());
}

#[test]
fn whoever_is_killed_at_any_moment_leaves_only_whole_results() {
    let cache = folder();
    let mut next = 10;
    for n_steps in [1, 2, 3, 5, 7, 8, 9, 13, 21, 34] {
        let mut child = child("storm", cache.path(), next).spawn().expect("a test binary");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut steps = lines.map_while(Result::ok).filter(|line| line.contains("step "));
        let mut told: Vec<String> = steps.by_ref().take(n_steps).collect();
        assert_eq!(told.len(), n_steps, "it ended by itself");
        child.kill().expect("it runs");
        // What it said before it died counts as well.
        told.extend(steps);
        child.wait().expect("it was started");
        let store = open(cache.path());
        let verified = verify(&store);
        assert_eq!((verified.n_damaged, store.take_warnings()), (0, Vec::new()), "{told:?}");
        assert_eq!(verified.n_entries, store.entries(Layer::Asr).expect("readable").len() as u64);
        let is_temporary = |path: &PathBuf| path.to_string_lossy().contains(".hansard-");
        assert!(!blobs(cache.path()).iter().any(is_temporary), "what was half-written is gone");
        // What was told to be stored is there.
        let stored = |line: &String| line.rsplit_once("put ").and_then(|(_, number)| number.parse::<u64>().ok());
        let last = told.iter().rev().find_map(stored).expect("it begins with that");
        assert_eq!(get(&store, last), Some(payload(last)), "{told:?}");
        next = last + 1;
        put(&store, next);
        assert_eq!(get(&store, next), Some(payload(next)));
        next += 1;
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    // What limits the room, and whether its files are still there afterwards. A file that may not grow is as near as
    // one gets where nobody may mount anything.
    for (script, is_kept) in [
        ("trap '' XFSZ; ulimit -f 512; exec \"$@\"", true),
        ("mount -t tmpfs -o size=700k tmpfs \"$HANSARD_TEST_FOLDER\" || exit 77; exec \"$@\"", false),
    ] {
        let cache = folder();
        let mut command = if is_kept { Command::new("sh") } else { Command::new("unshare") };
        if !is_kept {
            command.args(["-rm", "sh"]);
        }
        command.args(["-c", script, "sh"]).arg(env::current_exe().expect("a test runs"));
        tell(&mut command, "fill", cache.path(), 0);
        let output = match command.stderr(Stdio::piped()).output() {
            Err(error) if !is_kept && error.kind() == io::ErrorKind::NotFound => continue,
            output => output.expect("a shell"),
        };
        let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let full = told.lines().find_map(|line| line.rsplit_once("step full ").map(|(_, rest)| rest.to_owned()));
        let Some(full) = full else {
            // Not everybody may mount something.
            assert!(!is_kept && !complaint.contains("panicked"), "{told}{complaint}");
            continue;
        };
        let (n_stored, is_named) = full.split_once(' ').expect("two words");
        let n_stored: u64 = n_stored.parse().expect("a number");
        assert!(n_stored > 3, "{full}");
        if !is_kept {
            assert_eq!(is_named, "true", "a full disk is called so");
            continue;
        }
        let store = open(cache.path());
        (0..n_stored).for_each(|k| assert_eq!(get(&store, k), Some(payload(k)), "{k} of {n_stored}"));
        let verified = verify(&store);
        assert_eq!((verified.n_damaged, store.take_warnings()), (0, Vec::new()));
        put(&store, n_stored);
        assert_eq!(get(&store, n_stored), Some(payload(n_stored)));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;

    let cache = folder();
    let file = cache.path().join("a-file");
    fs::write(&file, b"").expect("a writable folder");
    let error = ResultStore::open(&file, StoreLimits::default()).err().expect("a file holds nothing").to_string();
    assert!(error.contains("a-file"), "{error}");

    let set_mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let results = cache.path().join("results-v1");
    let store = open(cache.path());
    put(&store, 3);
    drop(store);
    set_mode(&database(cache.path()), 0o400);
    set_mode(&results, 0o500);
    // Root may write everywhere.
    let may_write = fs::write(results.join("probe"), b"").is_ok();
    if !may_write {
        let opened = ResultStore::open(cache.path(), StoreLimits::default());
        let stored = opened
            .and_then(|store| store.put(Layer::Asr, &key(9), &ContentHash::of(b"a meeting"), b"words", Duration::ZERO));
        let error = stored.expect_err("nothing can be written");
        assert!(matches!(error, ResultError::NotWritable(_)), "{error:?}");
        assert!(error.to_string().contains("results-v1"), "{error}");
    }
    set_mode(&results, 0o700);
    set_mode(&database(cache.path()), 0o600);
    assert_eq!(get(&open(cache.path()), 3), Some(payload(3)));
}
