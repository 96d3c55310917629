//! The queue of jobs as the window knows it: which one is next, and how long they will take.

use crate::engine::JobId;
use crate::engine::library::{Bound, Estimate};
use crate::ui::recording::{Phase, Recording};
use crate::ui::texts::text_with;

use super::State;

/// What is still to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ui) struct Outlook {
    /// Recordings that wait,
    pub(in crate::ui) n_waiting: usize,
    /// of which so many take nobody knows how long.
    pub(in crate::ui) n_unknown: usize,
    /// How long the others take, and what runs.
    pub(in crate::ui) estimate: Estimate,
}

impl State {
    /// Notes that a job that waits is wanted before all others that do.
    pub(in crate::ui) fn prefer(&mut self, job: JobId) {
        let turn = self.recordings.iter().map(|recording| recording.waiting.turn).max().unwrap_or_default() + 1;
        let Some(recording) = self.recording_of(job).filter(|recording| recording.phase == Phase::Waiting) else {
            return;
        };
        recording.waiting.turn = turn;
        let name = recording.name();
        self.set_notice(text_with("jobs-is-next", &[("name", name.into())]));
    }

    /// The job that is wanted before all others that wait; `None` where the user has said nothing of that.
    pub(in crate::ui) fn next_job(&self) -> Option<JobId> {
        let is_wanted = |recording: &&Recording| recording.phase == Phase::Waiting && recording.waiting.turn > 0;
        let wanted = self.recordings.iter().filter(is_wanted);
        wanted.max_by_key(|recording| recording.waiting.turn)?.job
    }

    /// What is still to be done; `None` where nothing waits, or nobody knows how long anything of it takes.
    pub(in crate::ui) fn outlook(&self) -> Option<Outlook> {
        let waiting: Vec<&Recording> =
            self.recordings.iter().filter(|recording| recording.phase == Phase::Waiting).collect();
        let known: Vec<Estimate> = waiting.iter().filter_map(|recording| recording.waiting.estimate).collect();
        if known.is_empty() {
            return None;
        }
        let running = self.recordings.iter().filter_map(|recording| match recording.phase {
            Phase::Running(Some(progress)) => progress.remaining,
            Phase::Running(None)
            | Phase::Waiting
            | Phase::Stopping
            | Phase::Done
            | Phase::Failed(_)
            | Phase::Cancelled
            | Phase::Listed(_) => None,
        });
        let (n_waiting, n_unknown) = (waiting.len(), waiting.len() - known.len());
        let running = running.map(|time| Estimate { time, bound: Bound::About });
        let estimate = Estimate::sum(known.into_iter().chain(running))?;
        Some(Outlook { n_waiting, n_unknown, estimate })
    }

    /// Notes how long jobs will take. Of those that have begun, their progress tells it better.
    pub(super) fn take_estimates(&mut self, estimates: Vec<(JobId, Estimate)>) {
        for (job, estimate) in estimates {
            if let Some(recording) = self.recording_of(job) {
                recording.waiting.estimate = Some(estimate);
            }
        }
    }
}
