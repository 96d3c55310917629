//! How long transcribing will take, told before it begins, by what jobs took in the past. It says nothing where nothing
//! is known.

use std::time::Duration;

use crate::engine::JobRequest;
use crate::engine::library::{Bound, Estimate, RoughTime};
use crate::engine::shelf::{self, Access};

use super::cache_listing::plural;
use super::progress::Display;

/// Longest time for finding out how long recordings are, before the first of them is begun.
const PATIENCE: Duration = Duration::from_millis(500);

/// Tells how long these jobs will take.
pub(super) fn tell(access: Access<'_>, requests: &[JobRequest], display: &Display) {
    match shelf::estimates(access, requests, PATIENCE) {
        Ok(estimates) => {
            if let Some(line) = line(requests, &estimates) {
                display.tell(&line);
            }
        }
        // Jobs go on without the library, and tell what is wrong with it.
        Err(error) => tracing::debug!("nothing is known of jobs of the past: {error}"),
    }
}

/// What is told of jobs and their estimates.
fn line(requests: &[JobRequest], estimates: &[Option<Estimate>]) -> Option<String> {
    let n_known = estimates.iter().flatten().count();
    let sum = estimate_text(Estimate::sum(estimates.iter().flatten().copied())?);
    Some(match requests {
        [request] => format!("{}: {sum}", request.path.display()),
        requests if n_known == requests.len() => format!("{n_known} recordings: {sum}"),
        requests => {
            let recordings = plural(requests.len(), "recording", "recordings");
            format!("{recordings}: {sum} for {n_known} of them, and nobody knows for the others")
        }
    })
}

/// `about 3 min`, `at most 1 h 20 min`.
fn estimate_text(estimate: Estimate) -> String {
    let time = match RoughTime::of(estimate.time) {
        RoughTime::Seconds(secs) => format!("{secs} s"),
        RoughTime::Minutes(minutes) => format!("{minutes} min"),
        RoughTime::Hours(hours, minutes) => format!("{hours} h {minutes} min"),
    };
    match estimate.bound {
        Bound::About => format!("about {time}"),
        Bound::AtMost => format!("at most {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn what_is_known_is_told() {
        let about = |secs| Some(Estimate { time: Seconds(secs), bound: Bound::About });
        let at_most = |secs| Some(Estimate { time: Seconds(secs), bound: Bound::AtMost });
        for (estimates, expected) in [
            (vec![], None),
            (vec![None], None),
            (vec![None, None], None),
            (vec![about(12.0)], Some("a.wav: about 10 s")),
            (vec![at_most(170.0)], Some("a.wav: at most 3 min")),
            (vec![about(3600.0), about(1800.0)], Some("2 recordings: about 1 h 30 min")),
            (
                vec![about(60.0), None, at_most(60.0)],
                Some("3 recordings: at most 2 min for 2 of them, and nobody knows for the others"),
            ),
        ] {
            let requests: Vec<JobRequest> = estimates.iter().map(|_| JobRequest::new("a.wav".into(), "demo")).collect();
            assert_eq!(line(&requests, &estimates).as_deref(), expected, "{estimates:?}");
        }
    }
}
