//! Watches the memory of the machine while the program runs: when it becomes short, idle models are unloaded, and when
//! nobody used a model for long, it goes too. Which models these are, the first level of the cache decides.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System};

use super::memory::{Freed, MemoryLevel};

/// The budget of models where the memory of the machine cannot be read.
const FALLBACK_BUDGET_BYTES: usize = 2 << 30;

/// What models may take if nothing else is wanted: half of what this process may have at all.
pub fn default_budget_bytes() -> usize {
    let reading = SystemMemory::default().read();
    reading.map_or(FALLBACK_BUDGET_BYTES, |reading| usize::try_from(reading.total_bytes / 2).unwrap_or(usize::MAX))
}

/// How much memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryReading {
    /// Bytes that this process and those beside it may take together.
    pub total_bytes: u64,
    /// Bytes that are free, or can be freed by the system at once.
    pub available_bytes: u64,
}

impl MemoryReading {
    /// The share of the memory that is taken, 0 to 1.
    pub fn used_share(&self) -> f64 {
        if self.total_bytes == 0 {
            return 0.0;
        }
        1.0 - self.available_bytes.min(self.total_bytes) as f64 / self.total_bytes as f64
    }
}

/// The memory cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this system does not tell how much memory is free")]
pub struct UnreadableMemory;

/// Reads how much memory there is: of the machine, of a graphics card, or what a test says.
pub trait ReadMemory: Send {
    /// Reads it now.
    fn read(&mut self) -> Result<MemoryReading, UnreadableMemory>;
}

/// The memory of the machine, or of the control group that this process is in if that has less.
pub struct SystemMemory {
    /// `None` where the system tells nothing.
    system: Option<System>,
}

impl Default for SystemMemory {
    fn default() -> Self {
        Self { system: System::new().ok() }
    }
}

impl ReadMemory for SystemMemory {
    fn read(&mut self) -> Result<MemoryReading, UnreadableMemory> {
        let system = self.system.as_mut().ok_or(UnreadableMemory)?;
        system.refresh_memory();
        let machine = MemoryReading { total_bytes: system.total_memory(), available_bytes: system.available_memory() };
        if machine.total_bytes == 0 {
            return Err(UnreadableMemory);
        }
        let Ok(this_process) = sysinfo::get_current_pid() else { return Ok(machine) };
        let processes = [this_process];
        let only_this = ProcessesToUpdate::Some(&processes);
        system.refresh_processes_specifics(only_this, true, ProcessRefreshKind::nothing());
        let group = system.process(this_process).and_then(Process::cgroup_limits);
        Ok(group.map_or(machine, |group| MemoryReading {
            total_bytes: machine.total_bytes.min(group.total_memory),
            // What the group has free does not count the files that the system keeps in memory, mapped weights among them,
            // though it gives them up when somebody needs the room. So what is taken is counted instead.
            available_bytes: machine.available_bytes.min(group.total_memory.saturating_sub(group.rss)),
        }))
    }
}

/// When the watcher looks, and when memory is short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PressureSettings {
    /// How often it looks while nothing runs.
    pub interval: Duration,
    /// How often it looks while a job runs.
    pub interval_during_jobs: Duration,
    /// The share of the memory, 0 to 1, above which idle models go.
    pub short_above_share: f64,
}

impl Default for PressureSettings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), interval_during_jobs: Duration::from_secs(2), short_above_share: 0.9 }
    }
}

/// What the watcher tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PressureNotice {
    /// Memory was short, and these models went.
    CleanedUp(Freed),
    /// These models went because nobody used them.
    UnloadedIdle(Freed),
    /// The memory cannot be read, so models go only for the budget and when nobody uses them. Told once.
    Blind(UnreadableMemory),
}

/// One look at the memory, without a thread: what the watcher does again and again.
pub struct PressureCheck {
    level: MemoryLevel,
    /// `None` if nobody can read this memory, or nobody could.
    memory: Option<Box<dyn ReadMemory>>,
}

impl PressureCheck {
    /// Looks after `level`. Without `memory` only idle models go.
    pub fn new(level: MemoryLevel, memory: Option<Box<dyn ReadMemory>>) -> Self {
        Self { level, memory }
    }

    /// Unloads what nobody used for long, and then what is in the way if memory is short. Returns what is worth telling.
    pub fn run(&mut self, settings: &PressureSettings) -> Vec<PressureNotice> {
        let mut notices = Vec::new();
        let idle = self.level.unload_idle();
        if idle.n_models > 0 {
            notices.push(PressureNotice::UnloadedIdle(idle));
        }
        let Some(memory) = &mut self.memory else { return notices };
        let mut failure = None;
        let relieved = self.level.relieve(|| match memory.read() {
            Ok(reading) => reading.used_share() > settings.short_above_share,
            Err(error) => {
                failure = Some(error);
                false
            }
        });
        if relieved.n_models > 0 {
            notices.push(PressureNotice::CleanedUp(relieved));
        }
        if let Some(error) = failure {
            // A system that cannot say it now never will.
            self.memory = None;
            notices.push(PressureNotice::Blind(error));
        }
        notices
    }
}

/// The thread that looks again and again. Dropping it ends the thread and waits for that.
pub struct PressureWatcher {
    notes: Sender<Note>,
    thread: Option<JoinHandle<()>>,
}

/// As long as it lives, a job runs.
pub struct RunningJob(Sender<Note>);

/// What the thread is told.
enum Note {
    JobStarted,
    JobEnded,
    Settings(PressureSettings),
    Stop,
}

impl PressureWatcher {
    /// Starts to watch. `tell` is called from the watcher's thread.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start(
        check: PressureCheck,
        settings: PressureSettings,
        tell: impl Fn(PressureNotice) + Send + 'static,
    ) -> io::Result<Self> {
        // Without a bound: notes are few and small, and nobody who sends one shall wait.
        let (notes, received) = unbounded();
        let thread = thread::Builder::new()
            .name("hansard-pressure".into())
            .spawn(move || watch(check, settings, &received, &tell))?;
        Ok(Self { notes, thread: Some(thread) })
    }

    /// Tells the watcher that a job runs, as long as the answer is kept.
    pub fn job_started(&self) -> RunningJob {
        self.send(Note::JobStarted);
        RunningJob(self.notes.clone())
    }

    /// Watches with other settings from now on.
    pub fn set(&self, settings: PressureSettings) {
        self.send(Note::Settings(settings));
    }

    fn send(&self, note: Note) {
        if self.notes.send(note).is_err() {
            tracing::error!("the thread that watches the memory has ended");
        }
    }
}

impl Drop for PressureWatcher {
    fn drop(&mut self) {
        self.send(Note::Stop);
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that watches the memory panicked");
        }
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        // A watcher that has ended need not know.
        self.0.send(Note::JobEnded).ok();
    }
}

fn watch(
    mut check: PressureCheck,
    mut settings: PressureSettings,
    notes: &Receiver<Note>,
    tell: &dyn Fn(PressureNotice),
) {
    let mut n_jobs = 0_usize;
    loop {
        let interval = if n_jobs > 0 { settings.interval_during_jobs } else { settings.interval };
        match notes.recv_timeout(interval) {
            Ok(Note::JobStarted) => n_jobs += 1,
            Ok(Note::JobEnded) => n_jobs = n_jobs.saturating_sub(1),
            Ok(Note::Settings(new)) => settings = new,
            Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // Also after a note: a look costs less than a millisecond, and many notes shall not put it off for ever.
        for notice in check.run(&settings) {
            tell(notice);
        }
    }
}
