//! Which results go when the store shall hold less: those that lay there longest without being used, or those that were
//! used least. A plan can be shown first. Nothing is lost by it but time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime};

use super::blobs::remove_file;
use super::error::Failure;
use super::index::Index;
use super::{Layer, StoreLimits, StoredEntry, unix_ms, usage};

/// What a clean-up shall achieve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanUp {
    /// How long a result may lie unused: with zero everything goes.
    pub older_than: Option<Duration>,
    /// How many results stay at most: those that were used most often.
    pub n_most_used: Option<u64>,
    /// The most that the store shall hold.
    pub budget_bytes: Option<u64>,
}

impl From<StoreLimits> for CleanUp {
    fn from(limits: StoreLimits) -> Self {
        let older_than = limits.ttl_days.map(|n_days| Duration::from_hours(24 * u64::from(n_days)));
        Self { older_than, n_most_used: None, budget_bytes: limits.budget_bytes }
    }
}

/// A result that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Which.
    pub entry: StoredEntry,
    /// Why.
    pub reason: Reason,
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was not used for longer than was allowed.
    TooOld,
    /// As many as shall stay were used more often.
    LittleUsed,
    /// There is more than the budget, and everything else was used since.
    OverBudget,
}

/// What a clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanedUp {
    /// How many results went,
    pub n_entries: u64,
    /// and how many bytes are free now that were not.
    pub n_freed_bytes: u64,
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    id: i64,
    n_bytes: u64,
    n_uses: i64,
    last_used_ms: i64,
}

impl Index {
    pub(super) fn plan_clean_up(&mut self, wanted: &CleanUp, now: SystemTime) -> Result<Vec<Planned>, Failure> {
        let mut planned = Vec::new();
        for (id, reason) in plan(wanted, unix_ms(now), self.candidates(&[])?) {
            planned.extend(self.entry(id)?.map(|entry| Planned { entry, reason }));
        }
        Ok(planned)
    }

    pub(super) fn clean_up(&mut self, wanted: &CleanUp, now: SystemTime) -> Result<CleanedUp, Failure> {
        self.adopt_blobs(now)?;
        let plan = plan(wanted, unix_ms(now), self.candidates(&[])?);
        let cleaned_up = self.remove_all(plan)?;
        self.forget_old_hashes(now)?;
        usage::forget_old_days(&self.connection, now)?;
        Ok(cleaned_up)
    }

    pub(super) fn clear(
        &mut self,
        layers: &[Layer],
        older_than: Option<Duration>,
        now: SystemTime,
    ) -> Result<CleanedUp, Failure> {
        // What nobody names goes with the rest.
        self.adopt_blobs(now)?;
        let wanted = CleanUp { older_than: Some(older_than.unwrap_or_default()), ..CleanUp::default() };
        let plan = plan(&wanted, unix_ms(now), self.candidates(layers)?);
        let cleared = self.remove_all(plan)?;
        if layers.is_empty() && older_than.is_none() {
            self.forget_all_hashes()?;
        }
        Ok(cleared)
    }

    /// Those of these layers, of all if none is named; as they are used by now.
    fn candidates(&mut self, layers: &[Layer]) -> Result<Vec<Candidate>, Failure> {
        self.flush()?;
        let names: BTreeSet<&str> = layers.iter().map(|layer| layer.name()).collect();
        let mut statement = self.connection.prepare("SELECT id, n_bytes, n_uses, last_used_ms, layer FROM entries")?;
        let mut rows = statement.query([])?;
        let mut candidates = Vec::new();
        while let Some(row) = rows.next()? {
            if names.is_empty() || names.contains(row.get_ref(4)?.as_str().unwrap_or_default()) {
                let n_bytes = row.get::<_, i64>(1)?.max(0) as u64;
                candidates.push(Candidate { id: row.get(0)?, n_bytes, n_uses: row.get(2)?, last_used_ms: row.get(3)? });
            }
        }
        Ok(candidates)
    }

    /// Removes what was planned, and indexes that were damaged.
    fn remove_all(&mut self, plan: Vec<(i64, Reason)>) -> Result<CleanedUp, Failure> {
        let ids: Vec<i64> = plan.into_iter().map(|(id, _)| id).collect();
        let removed = self.remove(&ids)?;
        let mut cleaned_up = CleanedUp { n_entries: removed.n_entries, n_freed_bytes: removed.n_bytes };
        for path in self.layout.all_damaged()? {
            cleaned_up.n_freed_bytes += fs::metadata(&path).map_or(0, |file| file.len());
            remove_file(&path)?;
        }
        if cleaned_up.n_entries > 0 {
            self.shrink()?;
        }
        Ok(cleaned_up)
    }
}

/// What goes, and why: oldest first; of several as old, the largest. What was used in the future, because the clock
/// went backwards since, was used now.
fn plan(wanted: &CleanUp, now_ms: i64, mut candidates: Vec<Candidate>) -> Vec<(i64, Reason)> {
    let mut reasons = BTreeMap::new();
    for candidate in &candidates {
        let unused = Duration::from_millis(now_ms.saturating_sub(candidate.last_used_ms).max(0) as u64);
        if wanted.older_than.is_some_and(|older_than| unused >= older_than) {
            reasons.insert(candidate.id, Reason::TooOld);
        }
    }
    if let Some(n_most_used) = wanted.n_most_used {
        candidates.sort_by_key(|candidate| Reverse((candidate.n_uses, candidate.last_used_ms, candidate.id)));
        let n_most_used = usize::try_from(n_most_used).unwrap_or(usize::MAX);
        for candidate in candidates.iter().skip(n_most_used) {
            reasons.entry(candidate.id).or_insert(Reason::LittleUsed);
        }
    }
    candidates.sort_by_key(|candidate| (candidate.last_used_ms, Reverse(candidate.n_bytes), candidate.id));
    let staying = candidates.iter().filter(|candidate| !reasons.contains_key(&candidate.id));
    let mut n_left_bytes: u64 = staying.map(|candidate| candidate.n_bytes).sum();
    let mut planned = Vec::new();
    for candidate in candidates {
        if let Some(reason) = reasons.get(&candidate.id) {
            planned.push((candidate.id, *reason));
        } else if wanted.budget_bytes.is_some_and(|budget| n_left_bytes > budget) {
            n_left_bytes -= candidate.n_bytes;
            planned.push((candidate.id, Reason::OverBudget));
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_or_the_least_used_go_first() {
        // Number, bytes, uses, last use; 85 bytes in all. The last one was used when the clock went wrong.
        let candidates = || {
            [(1, 10, 0, 900), (2, 20, 5, 500), (3, 40, 1, 100), (4, 5, 1, 100), (5, 10, 0, 9_000)]
                .map(|(id, n_bytes, n_uses, last_used_ms)| Candidate { id, n_bytes, n_uses, last_used_ms })
                .to_vec()
        };
        for (older_than_ms, n_most_used, budget_bytes, expected) in [
            (None, None, None, ""),
            (Some(901), None, None, ""),
            (Some(900), None, None, "3 old, 4 old"),
            (Some(500), None, None, "3 old, 4 old, 2 old"),
            (Some(0), None, None, "3 old, 4 old, 2 old, 1 old, 5 old"),
            (None, Some(5), None, ""),
            (None, Some(3), None, "1 little, 5 little"),
            (None, Some(1), None, "3 little, 4 little, 1 little, 5 little"),
            (None, Some(0), None, "3 little, 4 little, 2 little, 1 little, 5 little"),
            (None, None, Some(85), ""),
            (None, None, Some(84), "3 over"),
            (None, None, Some(44), "3 over, 4 over"),
            (None, None, Some(0), "3 over, 4 over, 2 over, 1 over, 5 over"),
            (Some(900), Some(2), Some(20), "3 old, 4 old, 1 little, 5 little"),
            (Some(900), Some(4), Some(29), "3 old, 4 old, 2 over, 1 little"),
        ] {
            let older_than = older_than_ms.map(Duration::from_millis);
            let wanted = CleanUp { older_than, n_most_used, budget_bytes };
            let planned: Vec<String> = plan(&wanted, 1000, candidates())
                .into_iter()
                .map(|(id, reason)| match reason {
                    Reason::TooOld => format!("{id} old"),
                    Reason::LittleUsed => format!("{id} little"),
                    Reason::OverBudget => format!("{id} over"),
                })
                .collect();
            assert_eq!(planned.join(", "), expected, "{wanted:?}");
        }
        let limits = CleanUp::from(StoreLimits::default());
        assert_eq!((limits.older_than, limits.budget_bytes), (Some(Duration::from_hours(90 * 24)), None));
    }
}
