//! Looking at every stored result, as far as its last byte. What is damaged is dropped, for it can be computed again;
//! what the index forgot is taken up.

use std::time::SystemTime;

use super::error::Unreadable;
use super::index::Dropped;
use super::{ResultError, ResultStore, Watch};

/// How many results are looked for at once.
const N_AT_ONCE: i64 = 64;

/// What a look at all results came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many are sound,
    pub n_entries: u64,
    /// and what those take on disk.
    pub n_bytes: u64,
    /// How many were damaged and are dropped.
    pub n_damaged: u64,
    /// How many were there without being known, and are known now.
    pub n_adopted: u64,
    /// How many files of no use were removed.
    pub n_removed: u64,
}

pub(super) fn verify(store: &ResultStore, watch: &mut Watch<'_>) -> Result<Verified, ResultError> {
    let adopted = store.with(|index| index.adopt_blobs(SystemTime::now()))?;
    let n_all = store.with(|index| index.count())?;
    let mut verified =
        Verified { n_adopted: adopted.n_adopted as u64, n_removed: adopted.n_removed as u64, ..Verified::default() };
    let (mut n_done, mut last_id) = (0, i64::MIN);
    loop {
        // Others may use the index between two of these.
        let some = store.with(|index| index.following(last_id, N_AT_ONCE))?;
        let Some(last) = some.last() else { return Ok(verified) };
        last_id = last.id;
        for mut stored in some {
            let checked = stored.read(&store.layout).and_then(|frame| {
                frame.check_payload()?;
                Ok(frame.bytes().len())
            });
            match checked {
                Ok(n_bytes) => {
                    verified.n_entries += 1;
                    verified.n_bytes += n_bytes as u64;
                }
                Err(Unreadable::File(error)) => return Err(error.into()),
                Err(Unreadable::Flawed(flaw)) => {
                    let dropped = store.with(|index| index.drop_damaged(stored.id, &stored.hash, &flaw))?;
                    verified.n_damaged += u64::from(dropped == Dropped::Dropped);
                }
            }
            n_done += 1;
            if watch(n_done, n_all.max(n_done)).is_break() {
                return Err(ResultError::Stopped);
            }
        }
    }
}
