//! Pausing, resuming and stopping a download from another thread, and the retries between its attempts.
//!
//! A paused download holds no connection: its bytes are in the `.part` file, and resuming asks for the rest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{DownloadError, Failure};
use super::progress::Activity;

/// What is asked of a download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DownloadState {
    /// To go on.
    #[default]
    Running,
    /// To stop until it is resumed.
    Paused,
    /// To end; cannot be taken back.
    Cancelled,
}

/// The handle by which a download is paused, resumed and cancelled. Clones control the same download.
#[derive(Clone, Debug, Default)]
pub struct DownloadControl(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<DownloadState>,
    changed: Condvar,
}

/// Waits before the next attempt; told from real time so that tests need not wait.
pub type Sleep = Arc<dyn Fn(&DownloadControl, Duration) + Send + Sync>;

impl DownloadControl {
    /// Stops the transfer until [`DownloadControl::resume`]. What has arrived stays.
    pub fn pause(&self) {
        self.change(DownloadState::Running, DownloadState::Paused);
    }

    /// Lets a paused download go on.
    pub fn resume(&self) {
        self.change(DownloadState::Paused, DownloadState::Running);
    }

    /// Ends the download. What has arrived stays for the next one.
    pub fn cancel(&self) {
        *self.lock() = DownloadState::Cancelled;
        self.0.changed.notify_all();
    }

    /// What is asked of the download now.
    pub fn state(&self) -> DownloadState {
        *self.lock()
    }

    /// Waits for `duration`, or until something else is asked of the download.
    pub fn sleep(&self, duration: Duration) {
        let is_running = |state: &mut DownloadState| *state == DownloadState::Running;
        drop(self.0.changed.wait_timeout_while(self.lock(), duration, is_running));
    }

    fn wait_while_paused(&self) -> DownloadState {
        let is_paused = |state: &mut DownloadState| *state == DownloadState::Paused;
        *self.0.changed.wait_while(self.lock(), is_paused).unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, from: DownloadState, to: DownloadState) {
        let mut state = self.lock();
        if *state == from {
            *state = to;
            self.0.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, DownloadState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the transfers of one fetch shall stop: its user wants it, or one of them failed.
#[derive(Clone, Debug)]
pub(super) struct Interrupt {
    control: DownloadControl,
    abandoned: Arc<AtomicBool>,
}

impl Interrupt {
    pub(super) fn new(control: DownloadControl) -> Self {
        Self { control, abandoned: Arc::default() }
    }

    /// Whether the transfer shall stop where it is.
    pub(super) fn is_set(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) || self.control.state() != DownloadState::Running
    }

    /// Stops all transfers of this fetch for good.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Waits while the download is paused, and ends it when it shall end.
    fn proceed(&self, report: &dyn Fn(Activity)) -> Result<(), DownloadError> {
        if self.control.state() == DownloadState::Paused {
            report(Activity::Paused);
        }
        let state = self.control.wait_while_paused();
        if state == DownloadState::Cancelled || self.abandoned.load(Ordering::Relaxed) {
            return Err(DownloadError::Cancelled);
        }
        Ok(())
    }
}

/// So many failures in a row without a single new byte end a download.
const MAX_FAILURES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A server may ask for so long a pause; longer ones are told to the user instead.
const LONGEST_REQUESTED_WAIT: Duration = Duration::from_mins(5);

/// Makes attempts until one succeeds or fails for good, waiting twice as long after each failure, or as long as the
/// server asks. `attempt` is given the number of failures in a row, and sets it to zero where it gets any further.
pub(super) fn with_retries<T>(
    interrupt: &Interrupt,
    sleep: &Sleep,
    report: &dyn Fn(Activity),
    mut attempt: impl FnMut(&mut u32) -> Result<T, Failure>,
) -> Result<T, DownloadError> {
    let mut n_failures = 0;
    loop {
        interrupt.proceed(report)?;
        match attempt(&mut n_failures) {
            Ok(value) => return Ok(value),
            // Whatever interrupted it is looked at again above.
            Err(Failure::Interrupted) => {}
            Err(Failure::Lasting(error)) => return Err(error),
            Err(Failure::Passing { error, wait }) => {
                n_failures += 1;
                let wait = wait.unwrap_or_else(|| wait_after(n_failures));
                if n_failures >= MAX_FAILURES || wait > LONGEST_REQUESTED_WAIT {
                    return Err(error);
                }
                report(Activity::Waiting { secs: wait.as_secs_f64(), reason: error.to_string() });
                sleep(&interrupt.control, wait);
            }
        }
    }
}

fn wait_after(n_failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(n_failures.saturating_sub(1))).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let secs: Vec<u64> = (1..=8).map(|n| wait_after(n).as_secs()).collect();
        assert_eq!(secs, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_cancelled_download_cannot_be_resumed() {
        let control = DownloadControl::default();
        control.pause();
        assert_eq!(control.state(), DownloadState::Paused);
        control.resume();
        assert_eq!(control.state(), DownloadState::Running);
        control.cancel();
        control.resume();
        control.pause();
        assert_eq!(control.state(), DownloadState::Cancelled);
    }
}
