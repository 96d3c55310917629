//! How far a download is: bytes, the rate of the last seconds, and the time that is left.

use std::collections::VecDeque;
use std::time::Duration;

/// What a download is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Activity {
    /// It asks the hub which files there are.
    Asking,
    /// Bytes arrive, or files that were there are checked.
    Downloading,
    /// It is paused by its user.
    Paused,
    /// It waits before it tries again.
    Waiting {
        /// How long.
        secs: f64,
        /// What failed.
        reason: String,
    },
}

/// How far a download is.
#[derive(Clone, Debug, PartialEq)]
pub struct DownloadProgress {
    /// The repository, `owner/name`.
    pub repository: String,
    /// What it is doing.
    pub activity: Activity,
    /// How many files there are; zero until the hub has told.
    pub n_files: usize,
    /// How many of them are there and verified.
    pub n_files_done: usize,
    /// The size of all files; zero until the hub has told.
    pub n_bytes: u64,
    /// How much of it is there, with what earlier downloads left.
    pub n_bytes_done: u64,
    /// How fast it went in the last seconds; zero while nothing is known.
    pub bytes_per_sec: f64,
    /// How long it will take at this rate, if there is one.
    pub secs_left: Option<f64>,
}

/// Measures the rate over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Meter {
    n_bytes: u64,
    /// When, and how much had arrived by then, oldest first.
    samples: VecDeque<(Duration, u64)>,
}

const WINDOW: Duration = Duration::from_secs(5);
const BETWEEN_SAMPLES: Duration = Duration::from_millis(100);
/// Over less time than this a rate is a guess.
const SHORTEST: Duration = Duration::from_millis(500);

impl Meter {
    /// Counts bytes that arrived `at` this time since the start.
    pub(super) fn add(&mut self, at: Duration, n_bytes: u64) {
        if self.samples.back().is_none_or(|&(last, _)| at.saturating_sub(last) >= BETWEEN_SAMPLES) {
            self.samples.push_back((at, self.n_bytes));
        }
        self.n_bytes += n_bytes;
        while self.samples.len() > 1 && at.saturating_sub(self.samples[0].0) > WINDOW {
            self.samples.pop_front();
        }
    }

    /// Bytes per second in the last seconds, or zero while that is not known.
    pub(super) fn bytes_per_sec(&self, now: Duration) -> f64 {
        let Some(&(since, n_bytes_then)) = self.samples.front() else { return 0.0 };
        let elapsed = now.saturating_sub(since);
        if elapsed < SHORTEST { 0.0 } else { (self.n_bytes - n_bytes_then) as f64 / elapsed.as_secs_f64() }
    }

    /// Forgets what was measured before a pause.
    pub(super) fn forget(&mut self) {
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
        assert!(meter.bytes_per_sec(Duration::ZERO).abs() < f64::EPSILON);
        // Ten seconds at 1,000 bytes per second, then ten at 100.
        for tenth in 0..200_u64 {
            let n_bytes = if tenth < 100 { 100 } else { 10 };
            meter.add(Duration::from_millis(tenth * 100), n_bytes);
            if tenth == 99 {
                let rate = meter.bytes_per_sec(Duration::from_secs(10));
                assert!((900.0..1100.0).contains(&rate), "{rate}");
            }
        }
        let rate = meter.bytes_per_sec(Duration::from_secs(20));
        assert!((90.0..110.0).contains(&rate), "{rate}");
        meter.forget();
        assert!(meter.bytes_per_sec(Duration::from_secs(21)).abs() < f64::EPSILON);
    }
}
