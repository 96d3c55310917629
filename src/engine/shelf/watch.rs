//! The thread that looks after folders: it looks through them when it begins, whenever the system says that something
//! changed, and now and then anyway. A file that still grows is kept back until it has stayed the same for a while.
//! Whatever else takes looking at many files is done here, too: adding folders, and finding out what is missing.
//!
//! It opens the library for itself, so that nobody who asks something of it waits for a slow disk. Folders that the
//! system cannot watch are polled.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use crate::files::FileError;
use crate::library::{self, FolderScan, FoundFile, RecordingId};
use crate::task::CancelToken;

use super::intake::{Asked, Intake};
use super::worker::panic_message;

/// A folder is looked through when nothing has happened in it for so long,
const QUIET: Duration = Duration::from_millis(300);
/// or at last, when something keeps happening.
const LONGEST_DELAY: Duration = Duration::from_secs(3);
/// A file that has not changed for so long is whole.
const SETTLED: Duration = Duration::from_secs(2);
/// How often a folder is looked through even if nobody says that it changed: network drives do not say so.
const ANYWAY: Duration = Duration::from_mins(10);
/// How often the files of a folder are looked at that the system cannot watch.
const POLL_INTERVAL: Duration = Duration::from_secs(15);

/// Folders that are looked after. Dropping this ends it and waits for the thread.
pub(super) struct FolderWatch {
    orders: Sender<Order>,
    cancel: CancelToken,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
pub(super) enum Order {
    /// To look after a folder; one that is looked after already is looked through again.
    Watch(PathBuf, Asked),
    /// To leave a folder alone.
    Unwatch(PathBuf),
    /// To put files and folders into the library.
    Add(Vec<PathBuf>),
    /// To find out which recordings are not where they were.
    LookForMissing,
    /// To take the hash of the file of a recording.
    Hash(RecordingId),
    /// To take those of all that have tags or a note, where they are not known.
    HashDescribed,
    /// Something happened in a folder.
    Changed(PathBuf),
    /// To end.
    Stop,
}

impl FolderWatch {
    /// Starts the thread, which hands on what it sees to `intake`.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub(super) fn start(intake: Intake, cancel: CancelToken) -> io::Result<Self> {
        // Without a bound: orders are few, and a folder that changed is told once until somebody looks.
        let (orders, received) = unbounded();
        let watcher =
            FolderWatcher { orders: orders.clone(), cancel: cancel.clone(), intake, folders: BTreeMap::new() };
        let thread = thread::Builder::new().name("hansard-folders".into()).spawn(move || watcher.run(&received))?;
        Ok(Self { orders, cancel, thread: Some(thread) })
    }

    /// Has something done. Never waits.
    pub(super) fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!("the thread that looks after folders has ended");
        }
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.order(Order::Stop);
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that looks after folders panicked");
        }
    }
}

struct FolderWatcher {
    /// Its own, for those who tell it that something happened.
    orders: Sender<Order>,
    cancel: CancelToken,
    intake: Intake,
    folders: BTreeMap<PathBuf, Watched>,
}

/// A folder, and what is known of it.
struct Watched {
    /// Tells when something happens; `None` where nobody can.
    _watcher: Option<Box<dyn Watcher + Send>>,
    /// Whether it has told so, and nobody has heard it yet.
    has_told: Arc<AtomicBool>,
    /// Who waits for the next look.
    asked: Asked,
    /// When it is to be looked through,
    due: Instant,
    /// and since when something happens in it.
    changed_since: Option<Instant>,
    /// Files of the last look; `None` before the first.
    known: Option<BTreeMap<PathBuf, FileAge>>,
    /// Warnings of the last look, which are told once.
    warnings: Vec<String>,
    /// Whether it could be looked through the last time.
    is_there: bool,
}

/// A file as it was seen, and since when it has been so.
struct FileAge {
    n_bytes: u64,
    modified_ns: i64,
    since: Instant,
}

impl FolderWatcher {
    fn run(mut self, received: &Receiver<Order>) {
        loop {
            let due = self.folders.values().map(|watched| watched.due).min();
            let order = match due {
                Some(due) => received.recv_deadline(due),
                None => received.recv().map_err(RecvTimeoutError::from),
            };
            let order = match order {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
            };
            let is_question = matches!(order, Some(Order::Add(_) | Order::Watch(_, Asked::ByUser)));
            // The library changes by whole transactions only, and a folder is looked through again.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.step(order))) {
                let text = panic_message(panic.as_ref());
                if is_question { self.intake.refuse(text) } else { self.intake.warn(text) }
            }
        }
    }

    /// Does what was ordered, and looks through the folders whose time has come.
    fn step(&mut self, order: Option<Order>) {
        if self.cancel.is_cancelled() {
            // What is not done now is done after the next start, or asked for again.
            self.folders.clear();
            return;
        }
        match order {
            Some(Order::Watch(folder, asked)) => self.watch(folder, asked),
            Some(Order::Unwatch(folder)) => {
                self.folders.remove(&folder);
            }
            Some(Order::Add(paths)) => self.intake.add(&paths),
            Some(Order::LookForMissing) => self.intake.look_for_missing(None),
            Some(Order::Hash(recording)) => self.intake.hash(recording),
            Some(Order::HashDescribed) => {
                for recording in self.intake.unhashed() {
                    // One by one, so that what is asked for comes between.
                    self.orders.send(Order::Hash(recording)).ok();
                }
            }
            Some(Order::Changed(folder)) => {
                if let Some(watched) = self.folders.get_mut(&folder) {
                    watched.put_off(Instant::now());
                }
            }
            Some(Order::Stop) | None => {}
        }
        let now = Instant::now();
        for (folder, watched) in &mut self.folders {
            if watched.due <= now && !self.cancel.is_cancelled() {
                watched.look(folder, &mut self.intake);
            }
        }
    }

    fn watch(&mut self, folder: PathBuf, asked: Asked) {
        let now = Instant::now();
        if let Some(watched) = self.folders.get_mut(&folder) {
            if watched.asked == Asked::ByUser {
                // Nobody has looked since they asked the last time, and each question gets its answer.
                watched.look(&folder, &mut self.intake);
            }
            (watched.due, watched.asked) = (now, asked);
            return;
        }
        let has_told = Arc::new(AtomicBool::new(false));
        let watched = Watched {
            _watcher: self.watcher_of(&folder, &has_told),
            has_told,
            asked,
            due: now,
            changed_since: None,
            known: None,
            warnings: Vec::new(),
            is_there: true,
        };
        self.folders.insert(folder, watched);
    }

    /// Somebody who tells when something happens below a folder: the system, else one who looks again and again.
    fn watcher_of(&self, folder: &Path, has_told: &Arc<AtomicBool>) -> Option<Box<dyn Watcher + Send>> {
        let handler = || {
            let (orders, has_told, folder) = (self.orders.clone(), Arc::clone(has_told), folder.to_path_buf());
            move |event: notify::Result<notify::Event>| {
                // Whoever looks through a folder opens it, which is told too. An error means that something was missed.
                let is_change = event.map_or(true, |event| !event.kind.is_access());
                if is_change && !has_told.swap(true, Ordering::AcqRel) {
                    // Fails once the engine ends.
                    orders.send(Order::Changed(folder.clone())).ok();
                }
            }
        };
        let config = Config::default();
        let by_system = RecommendedWatcher::new(handler(), config).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match by_system {
            Ok(watcher) => return Some(Box::new(watcher)),
            Err(error) => tracing::debug!("{} is polled: {error}", folder.display()),
        }
        let polling = PollWatcher::new(handler(), config.with_poll_interval(POLL_INTERVAL)).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match polling {
            Ok(watcher) => Some(Box::new(watcher)),
            Err(error) => {
                let (folder, minutes) = (folder.display(), ANYWAY.as_secs() / 60);
                self.intake.warn(format!("{folder} is looked at every {minutes} minutes only: {error}."));
                None
            }
        }
    }
}

impl Watched {
    /// Something happened: what happens next is waited for, but not for ever.
    fn put_off(&mut self, now: Instant) {
        // From here on the next change is told again; the look that follows sees this one in any case.
        self.has_told.store(false, Ordering::Release);
        let since = *self.changed_since.get_or_insert(now);
        self.due = (now + QUIET).min(since + LONGEST_DELAY);
    }

    fn look(&mut self, folder: &Path, intake: &mut Intake) {
        self.changed_since = None;
        // Set before the look: one that panics is not tried again at once.
        self.due = Instant::now() + ANYWAY;
        let asked = std::mem::replace(&mut self.asked, Asked::ByNobody);
        let found = library::scan(folder);
        let now = Instant::now();
        self.due = now + ANYWAY;
        match found {
            Ok(mut found) => {
                let (growing, ready) = self.take_out_what_grows(&mut found, now);
                if let Some(ready) = ready {
                    self.due = ready;
                }
                self.tell_warnings(std::mem::take(&mut found.warnings), intake);
                if !self.is_there {
                    intake.look_for_missing(Some(folder));
                    self.is_there = true;
                }
                intake.take(found, &growing, asked);
            }
            Err(error) => self.lost(folder, &error, asked, intake),
        }
    }

    /// The folder cannot be looked through, which is told once.
    fn lost(&mut self, folder: &Path, error: &FileError, asked: Asked, intake: &mut Intake) {
        let text = format!("{error}; check that the folder is there and that its drive is connected");
        if asked == Asked::ByUser {
            intake.refuse(text);
        } else {
            self.tell_warnings(vec![text], intake);
        }
        if self.is_there {
            intake.look_for_missing(Some(folder));
            self.is_there = false;
        }
    }

    fn tell_warnings(&mut self, warnings: Vec<String>, intake: &Intake) {
        for warning in warnings.iter().filter(|warning| !self.warnings.contains(warning)) {
            intake.warn(format!("{warning}."));
        }
        self.warnings = warnings;
    }

    /// Takes files that still grow out of what was found. Returns them, and when the first of them may be whole.
    fn take_out_what_grows(&mut self, found: &mut FolderScan, now: Instant) -> (Vec<FoundFile>, Option<Instant>) {
        let before = self.known.take();
        let mut known = BTreeMap::new();
        let mut growing = Vec::new();
        let mut ready: Option<Instant> = None;
        found.files.retain(|file| {
            let age = before.as_ref().map(|before| before.get(&file.path));
            let since = match age {
                Some(Some(age)) if (age.n_bytes, age.modified_ns) == (file.n_bytes, file.modified_ns) => age.since,
                Some(Some(_) | None) => now,
                // What was there before anybody looked has been so since it was changed last.
                None => since_it_changed(file, now),
            };
            known.insert(file.path.clone(), FileAge { n_bytes: file.n_bytes, modified_ns: file.modified_ns, since });
            let whole_at = since + SETTLED;
            if whole_at > now {
                ready = Some(ready.map_or(whole_at, |ready| ready.min(whole_at)));
                growing.push(file.clone());
            }
            whole_at <= now
        });
        self.known = Some(known);
        (growing, ready)
    }
}

/// Since when a file may have been as it is, by the clock of the file system, which may be wrong.
fn since_it_changed(file: &FoundFile, now: Instant) -> Instant {
    let modified = UNIX_EPOCH + Duration::from_nanos(u64::try_from(file.modified_ns).unwrap_or(0));
    let age = SystemTime::now().duration_since(modified).unwrap_or_default();
    now.checked_sub(age.min(SETTLED)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::ContentHash;

    #[test]
    fn a_file_that_grows_is_kept_back_until_it_stays_the_same() {
        let start = Instant::now();
        let mut watched = Watched {
            _watcher: None,
            has_told: Arc::default(),
            asked: Asked::ByNobody,
            due: start,
            changed_since: None,
            known: None,
            warnings: Vec::new(),
            is_there: true,
        };
        let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as i64;
        // Seconds since the start, sizes of the files that are there, and those that are whole then. The first was made
        // long ago, the others while the folder is looked at.
        for (secs, files, expected) in [
            (0_u64, &[("a", 5, 0)][..], &["a"][..]),
            (1, &[("a", 5, 0), ("b", 1, now_ns)], &["a"]),
            (2, &[("a", 5, 0), ("b", 2, now_ns)], &["a"]),
            // A file that was moved here is as old as it was there, and waits all the same.
            (3, &[("a", 5, 0), ("b", 2, now_ns), ("c", 3, 0)], &["a"]),
            (4, &[("a", 6, 0), ("b", 2, now_ns), ("c", 3, 0)], &["b"]),
            (6, &[("a", 6, 0), ("b", 2, now_ns), ("c", 3, 0)], &["a", "b", "c"]),
        ] {
            let found_file = |(name, n_bytes, modified_ns): &(&str, u64, i64)| FoundFile {
                path: name.into(),
                n_bytes: *n_bytes,
                modified_ns: *modified_ns,
                ..FoundFile::default()
            };
            let mut scan = FolderScan {
                folder: "/in".into(),
                version: ContentHash::of(b""),
                files: files.iter().map(found_file).collect(),
                shared: Vec::new(),
                unreadable: Vec::new(),
                warnings: Vec::new(),
            };
            let now = start + Duration::from_secs(secs);
            let (growing, ready) = watched.take_out_what_grows(&mut scan, now);
            let whole: Vec<&str> = scan.files.iter().filter_map(|file| file.path.to_str()).collect();
            assert_eq!(whole, expected, "after {secs} s");
            assert_eq!(growing.len() + whole.len(), files.len());
            assert_eq!(ready.is_some(), !growing.is_empty());
            assert!(ready.is_none_or(|ready| ready > now && ready <= now + SETTLED));
        }
    }

    #[test]
    fn changes_are_waited_for_but_not_for_ever() {
        let start = Instant::now();
        let mut watched = Watched {
            _watcher: None,
            has_told: Arc::new(AtomicBool::new(true)),
            asked: Asked::ByNobody,
            due: start,
            changed_since: None,
            known: None,
            warnings: Vec::new(),
            is_there: true,
        };
        for (ms, expected_ms) in [(0, 300), (200, 500), (2800, 3000), (5000, 3000)] {
            watched.put_off(start + Duration::from_millis(ms));
            assert_eq!(watched.due, start + Duration::from_millis(expected_ms), "after {ms} ms");
            assert!(!watched.has_told.load(Ordering::Acquire));
        }
    }
}
