//! How far a device's sound is behind the computer's clock, and so how much of it is missing.
//!
//! Sound comes in pieces, so it is behind by a little that changes all the time. The least that it was behind in the
//! last moments is what is usual; whatever it is behind beyond that after an interruption is missing. The usual is found
//! anew all the time, because the clocks of device and computer do not run equally fast.

/// For how long the least is remembered, at least; twice as long at most.
const MEMORY_SECS: f64 = 10.0;

/// The lag of one device. All times are seconds of one monotonic clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Lag {
    /// Sound that came, and silence that stood in for it.
    heard_secs: f64,
    usual: Option<Usual>,
}

#[derive(Clone, Copy, Debug)]
struct Usual {
    earlier: f64,
    lately: f64,
    since_secs: f64,
}

impl Lag {
    /// That of a device which should have given sound since then, but has not yet.
    pub(super) fn since(begin_secs: f64) -> Self {
        Self { heard_secs: 0.0, usual: Some(Usual { earlier: begin_secs, lately: begin_secs, since_secs: begin_secs }) }
    }

    /// Counts sound, or what stands in for it.
    pub(super) fn count(&mut self, secs: f64) {
        self.heard_secs += secs;
    }

    /// Time at which the sound began, as it looks now.
    pub(super) fn begin(&self, now_secs: f64) -> f64 {
        now_secs - self.heard_secs
    }

    /// Takes in that all sound there is has been counted, and that it came without an interruption.
    pub(super) fn observe(&mut self, now_secs: f64) {
        let lag = self.begin(now_secs);
        let usual = self.usual.get_or_insert(Usual { earlier: lag, lately: lag, since_secs: now_secs });
        usual.lately = usual.lately.min(lag);
        if now_secs - usual.since_secs > MEMORY_SECS {
            *usual = Usual { earlier: usual.lately, lately: lag, since_secs: now_secs };
        }
    }

    /// Sound that came before its time; 0 before the first.
    pub(super) fn early_secs(&self, now_secs: f64) -> f64 {
        self.usual.map_or(0.0, |usual| (usual.earlier.min(usual.lately) - self.begin(now_secs)).max(0.0))
    }

    /// Sound that should have come by now but did not; 0 before the first.
    pub(super) fn missing_secs(&self, now_secs: f64) -> f64 {
        self.usual.map_or(0.0, |usual| (self.begin(now_secs) - usual.earlier.min(usual.lately)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_after_an_interruption_is_known_to_a_period() {
        // Pieces of 0.1 s come up to 0.03 s late, from a clock that is 0.02 % slow; after 60 s one second is lost.
        let mut lag = Lag::default();
        let jitter = |n: u32| 0.03 * f64::from(n * 7919 % 100) / 100.0;
        for n in 0..600_u32 {
            let now = 5.0 + f64::from(n) * 0.1 * 1.0002 + jitter(n);
            lag.count(0.1);
            lag.observe(now);
            assert!(lag.missing_secs(now) < 0.035, "{n}: {}", lag.missing_secs(now));
        }
        let now = 5.0 + 600.0 * 0.1 * 1.0002 + 1.0;
        lag.count(0.1);
        let missing = lag.missing_secs(now);
        assert!((0.98..1.04).contains(&missing), "{missing}");
        lag.count(missing);
        assert!(lag.missing_secs(now) < 1e-9);
    }

    #[test]
    fn what_comes_before_its_time_is_known() {
        let mut lag = Lag::default();
        lag.count(1.0);
        lag.observe(3.0);
        lag.count(2.0);
        assert!((lag.early_secs(4.5) - 0.5).abs() < 1e-9, "{}", lag.early_secs(4.5));
        assert!(lag.early_secs(5.5).abs() < 1e-9 && (lag.missing_secs(5.5) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_missing_before_it_begins() {
        assert!((Lag::since(3.0).missing_secs(5.0) - 2.0).abs() < 1e-9);
        assert!(Lag::default().missing_secs(100.0).abs() < 1e-9 && Lag::default().early_secs(0.0).abs() < 1e-9);
    }
}
