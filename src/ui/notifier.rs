//! Tells by the desktop that a long job has ended while nobody looked at the window. Where the desktop cannot show
//! that, only the log says so.

use std::collections::BTreeMap;
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use notify_rust::Notification;

use crate::engine::{Event, JobId};

use super::APP_NAME;
use super::recording::Recording;
use super::state::State;
use super::texts::text_with;

/// Whoever started a shorter job is still there.
const MIN_JOB: Duration = Duration::from_secs(30);

/// Jobs that run, and what the user has not been told.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    started: BTreeMap<JobId, Instant>,
    lines: Vec<String>,
}

/// Whether the user looks at the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attention {
    /// It has the focus.
    Here,
    /// Something else has it.
    Elsewhere,
}

impl Notifier {
    /// Notes what became of a job, before the state takes it in.
    pub(super) fn note(&mut self, event: &Event, state: &State, now: Instant) {
        if let Event::JobStarted(job) = event {
            self.started.insert(*job, now);
        } else if let Event::JobDone(job, ..) = event {
            self.end(*job, "notifier-done", state, now);
        } else if let Event::JobFailed(job, _) = event {
            self.end(*job, "notifier-failed", state, now);
        } else if let Event::JobCancelled(job) = event {
            self.started.remove(job);
        }
    }

    /// Tells what there is to tell, unless the user sees it anyway.
    pub(super) fn tell(&mut self, attention: Attention) {
        let lines = mem::take(&mut self.lines);
        if lines.is_empty() || attention == Attention::Here {
            return;
        }
        let show = move || {
            for line in lines {
                // In the summary, for what is in the body may be taken for markup.
                let shown = Notification::new().appname(APP_NAME).summary(&line).icon("hansard").show();
                if let Err(error) = shown {
                    tracing::debug!("{line}: the desktop does not show it: {error}");
                }
            }
        };
        // Never joined: closing the window must not wait for a desktop that does not answer.
        if let Err(error) = thread::Builder::new().name("hansard-notify".to_owned()).spawn(show) {
            tracing::debug!("no thread for notifications: {error}");
        }
    }

    /// `id` is that of the line to tell.
    fn end(&mut self, job: JobId, id: &str, state: &State, now: Instant) {
        let Some(began) = self.started.remove(&job) else { return };
        if now.saturating_duration_since(began) >= MIN_JOB {
            let recording = state.recordings().iter().find(|recording| recording.job == Some(job));
            self.lines.extend(recording.map(Recording::name).map(|name| text_with(id, &[("name", name.into())])));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::JobReport;

    #[test]
    fn only_the_end_of_long_jobs_is_told() {
        let job = JobId(1);
        let done = || Event::JobDone(job, Arc::default(), JobReport::default());
        for (event, secs, expected) in [
            (done(), 29, None),
            (done(), 30, Some("talk.wav is transcribed")),
            (
                Event::JobFailed(job, "is empty".to_owned()),
                60,
                Some("talk.wav is not transcribed; the window says why"),
            ),
            (Event::JobCancelled(job), 60, None),
            (Event::JobFailed(JobId(2), "is empty".to_owned()), 60, None),
        ] {
            let mut state = State::default();
            state.add_job(job, "/m/talk.wav".into());
            let (mut notifier, began) = (Notifier::default(), Instant::now());
            notifier.note(&Event::JobStarted(job), &state, began);
            notifier.note(&event, &state, began + Duration::from_secs(secs));
            assert_eq!(notifier.lines.first().map(String::as_str), expected, "{event:?} after {secs} s");
            notifier.tell(Attention::Here);
            assert!(notifier.lines.is_empty(), "what the user saw is not told later");
        }
    }
}
