//! What waits for the inference thread: first what the user asked for, then what nobody waits for, each in the order in
//! which it came, but for jobs that the user wants next.

use std::collections::VecDeque;

use super::command::{JobId, Rank};
use super::worker::Work;

/// The queue. All that the user asked for stands before all else.
#[derive(Default)]
pub(super) struct Queue {
    works: VecDeque<(Rank, Work)>,
}

impl Queue {
    /// Adds work behind all that is of its rank.
    pub(super) fn push(&mut self, rank: Rank, work: Work) {
        let n_before = match rank {
            Rank::Wanted => self.works.iter().take_while(|(rank, _)| *rank == Rank::Wanted).count(),
            Rank::Spare => self.works.len(),
        };
        self.works.insert(n_before, (rank, work));
    }

    /// What is to be done next.
    pub(super) fn pop(&mut self) -> Option<Work> {
        self.works.pop_front().map(|(_, work)| work)
    }

    /// Takes a job out, and says whether it was there.
    pub(super) fn remove(&mut self, job: JobId) -> bool {
        self.position(job).and_then(|idx| self.works.remove(idx)).is_some()
    }

    /// Puts a job before all else; from then on it is one that the user asked for.
    pub(super) fn prefer(&mut self, job: JobId) {
        if let Some((_, work)) = self.position(job).and_then(|idx| self.works.remove(idx)) {
            self.works.push_front((Rank::Wanted, work));
        }
    }

    fn position(&self, job: JobId) -> Option<usize> {
        self.works.iter().position(|(_, work)| matches!(work, Work::Job(queued) if queued.id == job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::JobRequest;
    use crate::engine::worker::Job;
    use crate::task::CancelToken;

    /// What is done to a queue.
    enum Step {
        Push(Rank, u64),
        Prefer(u64),
        Remove(u64),
    }

    #[test]
    fn what_the_user_asked_for_comes_first_and_what_they_want_next_before_that() {
        use Step::{Prefer, Push, Remove};
        let (wanted, spare) = (|job| Push(Rank::Wanted, job), |job| Push(Rank::Spare, job));
        for (steps, expected) in [
            (vec![], vec![]),
            (vec![wanted(1), wanted(2)], vec![1, 2]),
            (vec![spare(1), spare(2), wanted(3), wanted(4)], vec![3, 4, 1, 2]),
            (vec![wanted(1), wanted(2), wanted(3), Prefer(3)], vec![3, 1, 2]),
            (vec![wanted(1), wanted(2), wanted(3), Prefer(2), Prefer(3)], vec![3, 2, 1]),
            (vec![wanted(1), spare(2), spare(3), Prefer(3), wanted(4)], vec![3, 1, 4, 2]),
            (vec![wanted(1), spare(2), Remove(1), Remove(7), Prefer(8)], vec![2]),
        ] {
            let mut queue = Queue::default();
            for step in steps {
                match step {
                    Push(rank, job) => {
                        let request = Box::new(JobRequest::new("a.wav".into(), "demo"));
                        queue.push(rank, Work::Job(Job { id: JobId(job), request, cancel: CancelToken::default() }));
                    }
                    Prefer(job) => queue.prefer(JobId(job)),
                    Remove(job) => assert_eq!(queue.remove(JobId(job)), job == 1, "{job}"),
                }
            }
            let mut order = Vec::new();
            while let Some(Work::Job(job)) = queue.pop() {
                order.push(job.id.0);
            }
            assert_eq!(order, expected);
        }
    }
}
