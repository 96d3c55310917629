//! Which models go when the disk shall hold less: those that lay there longest without being used, never one that is
//! pinned or in use. A plan is made first, so that it can be shown; carrying it out checks again.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::models::key::ModelKey;

use super::Shelf;
use super::error::StoreError;
use super::layout::remove_tree;
use super::listing::{DiskEntry, Leftover, LeftoverKind};
use super::manifest::unix_ms;

/// What a clean-up shall achieve. Entries that were set aside as damaged go in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanUp {
    /// The most that the store shall hold.
    pub budget_bytes: Option<u64>,
    /// How long something may lie unused: with zero everything goes that may.
    pub older_than: Option<Duration>,
}

/// Something that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub target: Target,
    /// How much that frees.
    pub n_bytes: u64,
    /// When it was last used, in milliseconds since 1970.
    pub last_used_unix_ms: u64,
    /// Why.
    pub reason: Reason,
}

/// What goes in a clean-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An entry.
    Entry(ModelKey),
    /// Unfinished downloads for a model, in this folder.
    Downloads(ModelKey, PathBuf),
    /// A damaged entry that was set aside, in this folder.
    SetAside(PathBuf),
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is damaged.
    Damaged,
    /// It was not used for longer than was allowed.
    TooOld,
    /// There is more than the budget, and everything else was used since.
    OverBudget,
}

/// What a clean-up did.
#[derive(Debug, Default)]
pub struct CleanedUp {
    /// How much is free now that was not.
    pub n_freed_bytes: u64,
    /// What went.
    pub removed: Vec<Planned>,
    /// What stayed after all, and why.
    pub kept: Vec<(Planned, StoreError)>,
}

/// What has to go so that the rest is within a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// This, in this order.
    Within(Vec<Planned>),
    /// Nothing that may go would be enough.
    TooMuch {
        /// What has to stay.
        n_bytes: u64,
    },
}

impl Shelf {
    pub(super) fn plan_to_fit(&self, budget_bytes: u64, kept: &[ModelKey], now: SystemTime) -> Result<Fit, StoreError> {
        Ok(fit(budget_bytes, kept, unix_ms(now), self.list()?, self.leftovers()?))
    }

    pub(super) fn plan_cleanup(&self, wanted: &CleanUp, now: SystemTime) -> Result<Vec<Planned>, StoreError> {
        Ok(plan(wanted, unix_ms(now), self.list()?, self.leftovers()?))
    }

    pub(super) fn clean_up(&self, plan: &[Planned]) -> CleanedUp {
        let mut done = CleanedUp::default();
        for planned in plan {
            match self.clear(&planned.target) {
                Ok(()) => {
                    done.n_freed_bytes += planned.n_bytes;
                    done.removed.push(planned.clone());
                }
                Err(error) => done.kept.push((planned.clone(), error)),
            }
        }
        done
    }

    fn clear(&self, target: &Target) -> Result<(), StoreError> {
        match target {
            Target::Entry(key) => self.remove(key).map(drop),
            Target::SetAside(folder) => Ok(remove_tree(folder)?),
            Target::Downloads(key, folder) => {
                // Who downloads holds this.
                let Some(_change) = self.locks.try_change(key)? else {
                    return Err(StoreError::InUse { key: key.clone() });
                };
                Ok(remove_tree(folder)?)
            }
        }
    }
}

fn fit(
    budget_bytes: u64,
    kept: &[ModelKey],
    now_unix_ms: u64,
    mut entries: Vec<DiskEntry>,
    leftovers: Vec<Leftover>,
) -> Fit {
    for entry in &mut entries {
        entry.pinned |= kept.contains(&entry.key);
    }
    let staying = entries.iter().filter(|entry| entry.pinned || entry.in_use);
    let n_bytes: u64 = staying.map(|entry| entry.n_bytes).sum();
    if n_bytes > budget_bytes {
        return Fit::TooMuch { n_bytes };
    }
    let wanted = CleanUp { budget_bytes: Some(budget_bytes), older_than: None };
    Fit::Within(plan(&wanted, now_unix_ms, entries, leftovers))
}

fn plan(wanted: &CleanUp, now_unix_ms: u64, entries: Vec<DiskEntry>, leftovers: Vec<Leftover>) -> Vec<Planned> {
    let sizes = entries.iter().map(|entry| entry.n_bytes).chain(leftovers.iter().map(|leftover| leftover.n_bytes));
    let n_all_bytes: u64 = sizes.sum();
    let (mut plan, mut candidates) = (Vec::new(), Vec::new());
    for Leftover { kind, folder, n_bytes, modified_unix_ms, .. } in leftovers {
        let planned =
            |target| Planned { target, n_bytes, last_used_unix_ms: modified_unix_ms, reason: Reason::Damaged };
        match kind {
            LeftoverKind::SetAside => plan.push(planned(Target::SetAside(folder))),
            LeftoverKind::Downloads(key) => candidates.push(planned(Target::Downloads(key, folder))),
        }
    }
    for DiskEntry { key, n_bytes, last_used_unix_ms, .. } in
        entries.into_iter().filter(|entry| !entry.pinned && !entry.in_use)
    {
        candidates.push(Planned { target: Target::Entry(key), n_bytes, last_used_unix_ms, reason: Reason::Damaged });
    }
    // Oldest first; of several as old, the largest.
    candidates.sort_by_key(|candidate| (candidate.last_used_unix_ms, Reverse(candidate.n_bytes)));
    let mut n_left_bytes = n_all_bytes - plan.iter().map(|planned| planned.n_bytes).sum::<u64>();
    for candidate in candidates {
        let unused = Duration::from_millis(now_unix_ms.saturating_sub(candidate.last_used_unix_ms));
        let reason = if wanted.older_than.is_some_and(|older_than| unused >= older_than) {
            Reason::TooOld
        } else if wanted.budget_bytes.is_some_and(|budget| n_left_bytes > budget) {
            Reason::OverBudget
        } else {
            continue;
        };
        n_left_bytes -= candidate.n_bytes;
        plan.push(Planned { reason, ..candidate });
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::super::listing::EntryState;
    use super::*;

    fn entry(key: &str, n_bytes: u64, last_used_unix_ms: u64) -> DiskEntry {
        DiskEntry {
            key: ModelKey::new(key).expect("a key"),
            origin: None,
            n_bytes,
            n_files: 1,
            has_originals: false,
            created_unix_ms: 0,
            last_used_unix_ms,
            n_uses: 1,
            pinned: key.contains("pinned"),
            in_use: key.contains("used"),
            state: EntryState::Ready,
        }
    }

    #[test]
    fn the_oldest_go_first_and_what_is_kept_stays() {
        let entries = || {
            [("new", 10, 900), ("mid", 20, 500), ("pinned", 40, 1), ("used", 80, 2), ("first", 5, 100)]
                .map(|(key, n_bytes, last_used)| entry(key, n_bytes, last_used))
                .to_vec()
        };
        let leftover = |kind, name: &str, n_bytes, modified_unix_ms| Leftover {
            kind,
            name: name.to_owned(),
            folder: name.into(),
            n_bytes,
            modified_unix_ms,
        };
        let downloads = LeftoverKind::Downloads(ModelKey::new("part").expect("a key"));
        let leftovers =
            || vec![leftover(LeftoverKind::SetAside, "bad-1", 3, 999), leftover(downloads.clone(), "part", 7, 300)];
        // 165 bytes in all.
        for (budget_bytes, older_than_ms, expected) in [
            (None, None, "bad-1"),
            (Some(1000), None, "bad-1"),
            (Some(162), None, "bad-1"),
            (Some(161), None, "bad-1 first"),
            (Some(157), None, "bad-1 first"),
            (Some(156), None, "bad-1 first part"),
            (Some(0), None, "bad-1 first part mid new"),
            (None, Some(900), "bad-1 first"),
            (None, Some(901), "bad-1"),
            (None, Some(0), "bad-1 first part mid new"),
            (Some(149), Some(900), "bad-1 first part mid"),
        ] {
            let wanted = CleanUp { budget_bytes, older_than: older_than_ms.map(Duration::from_millis) };
            assert_eq!(names(plan(&wanted, 1000, entries(), leftovers())), expected, "{wanted:?}");
        }
        // What a command brought stays; and where all else would not be enough, all else stays, too.
        for (budget_bytes, kept, expected) in [
            (161, "new", Ok("bad-1 first")),
            (161, "first", Ok("bad-1 part")),
            (145, "first", Ok("bad-1 part mid")),
            (125, "first", Ok("bad-1 part mid new")),
            (124, "first", Err(125)),
            (119, "absent", Err(120)),
        ] {
            let kept = [ModelKey::new(kept).expect("a key")];
            match (fit(budget_bytes, &kept, 1000, entries(), leftovers()), expected) {
                (Fit::Within(plan), Ok(expected)) => assert_eq!(names(plan), expected, "{budget_bytes} {kept:?}"),
                (Fit::TooMuch { n_bytes }, Err(expected)) => assert_eq!(n_bytes, expected, "{budget_bytes} {kept:?}"),
                (fit, expected) => panic!("{fit:?} instead of {expected:?}"),
            }
        }
    }

    fn names(plan: Vec<Planned>) -> String {
        let name = |planned: Planned| match planned.target {
            Target::Entry(key) | Target::Downloads(key, _) => key.to_string(),
            Target::SetAside(folder) => folder.display().to_string(),
        };
        plan.into_iter().map(name).collect::<Vec<_>>().join(" ")
    }
}
