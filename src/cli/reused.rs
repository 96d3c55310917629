//! How much of a job was known before, in words. It says nothing where a job did not tell.

use crate::engine::{JobReport, Stage, StageWork};

use super::cache_listing::plural;
use super::table::percent;

/// Pieces of work, computed and taken from the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reused {
    n_computed: usize,
    n_reused: usize,
}

impl Reused {
    /// What a report says.
    pub(super) fn of(report: &JobReport) -> Self {
        // A meeting that is known by another name has to be listened to once to be known again, which is no work of a
        // model's.
        let counted = || report.work.iter().filter(|work| work.stage != Stage::Decode);
        let sum = |of: fn(&StageWork) -> usize| -> usize { counted().map(of).sum() };
        Self { n_computed: sum(|work| work.n_computed), n_reused: sum(|work| work.n_reused) }
    }

    /// What the line about a finished recording says of it; nothing where all was computed.
    pub(super) fn remark(self) -> String {
        match self {
            Self { n_reused: 0, .. } => String::new(),
            Self { n_computed: 0, .. } => ", known already".to_owned(),
            Self { .. } => format!(", {} known already", self.share()),
        }
    }

    /// Rounded down to what is true: a hundred percent are all of it.
    fn share(self) -> String {
        let share = self.n_reused as f64 / (self.n_reused + self.n_computed).max(1) as f64;
        percent((share * 100.0).floor().max(1.0) / 100.0)
    }
}

/// One line about a batch; `None` where there were fewer than two recordings or nothing was known.
pub(super) fn summary(done: &[Reused]) -> Option<String> {
    let all = done.iter().fold(Reused::default(), |sum, job| Reused {
        n_computed: sum.n_computed + job.n_computed,
        n_reused: sum.n_reused + job.n_reused,
    });
    if done.len() < 2 || all.n_reused == 0 {
        return None;
    }
    let n_known = done.iter().filter(|job| job.n_reused > 0 && job.n_computed == 0).count();
    let n_partly = done.iter().filter(|job| job.n_reused > 0 && job.n_computed > 0).count();
    let n_computed = done.len() - n_known - n_partly;
    let recordings = plural(done.len(), "recording", "recordings");
    Some(format!(
        "{recordings}: {n_known} known already, {n_partly} in part, {n_computed} computed; {} of the work was reused",
        all.share()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_says_how_much_was_known() {
        for (n_computed, n_reused, expected) in [
            (0, 0, ""),
            (7, 0, ""),
            (0, 7, ", known already"),
            (1, 3, ", 75 % known already"),
            (1, 9_999, ", 99 % known already"),
            (9_999, 1, ", 1 % known already"),
        ] {
            assert_eq!(Reused { n_computed, n_reused }.remark(), expected, "{n_computed} {n_reused}");
        }
    }

    #[test]
    fn a_batch_is_summed_up_where_something_was_known() {
        let job = |n_computed, n_reused| Reused { n_computed, n_reused };
        for (done, expected) in [
            (&[] as &[Reused], None),
            (&[job(0, 5)], None),
            (&[job(5, 0), job(5, 0)], None),
            (
                &[job(0, 5), job(1, 3), job(6, 0), job(0, 0)],
                Some("4 recordings: 1 known already, 1 in part, 2 computed; 53 % of the work was reused"),
            ),
        ] {
            assert_eq!(summary(done).as_deref(), expected, "{done:?}");
        }
    }
}
