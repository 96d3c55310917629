//! How a stage that works piece by piece goes on where another run stopped: it is given the pieces that are known, and
//! tells of each new one as soon as that is finished. Where they are kept in between, nobody here knows.

use std::ops::Range;

use rayon::prelude::*;

use crate::task::Progress;

use super::StageError;

/// The pieces of a stage that are known, and who is told of those that are new.
pub struct Resume<'a, T> {
    known: Vec<Option<T>>,
    on_new: Option<OnNew<'a, T>>,
}

/// Gets each new piece with its number.
pub type OnNew<'a, T> = &'a mut dyn FnMut(usize, &T);

impl<'a, T> Resume<'a, T> {
    /// Nothing is known, and nobody wants to know.
    pub fn none() -> Self {
        Self { known: Vec::new(), on_new: None }
    }

    /// `known` has the pieces by their numbers; those beyond its end are not known. `on_new` gets each new one with its
    /// number, in any order, and always in the thread that runs the stage.
    pub fn new(known: Vec<Option<T>>, on_new: &'a mut dyn FnMut(usize, &T)) -> Self {
        Self { known, on_new: Some(on_new) }
    }

    /// Hands out a piece if it is known; only once.
    pub(super) fn take(&mut self, piece: usize) -> Option<T> {
        self.known.get_mut(piece)?.take()
    }

    /// All of `n_pieces`, as far as they are known.
    pub(super) fn take_all(&mut self, n_pieces: usize) -> Vec<Option<T>> {
        (0..n_pieces).map(|piece| self.take(piece)).collect()
    }

    /// Tells of a piece that was not known.
    pub(super) fn finished(&mut self, piece: usize, result: &T) {
        if let Some(on_new) = &mut self.on_new {
            on_new(piece, result);
        }
    }
}

/// Windows of a recording in groups that are computed at once, and blocks of groups that are known or not. Both depend
/// on nothing but the windows, so that a block is the same whoever computes it.
pub(super) struct Blocks {
    /// All windows.
    pub(super) n_windows: usize,
    /// Windows that one thread works on together.
    pub(super) windows_per_group: usize,
    /// Groups of a block.
    pub(super) groups_per_block: usize,
}

impl Blocks {
    /// How many blocks there are.
    pub(super) fn n_blocks(&self) -> usize {
        self.n_windows.div_ceil(self.windows_per_group * self.groups_per_block)
    }

    /// The windows of a block.
    pub(super) fn windows_of(&self, block: usize) -> Range<usize> {
        let n_per_block = self.windows_per_group * self.groups_per_block;
        block * n_per_block..((block + 1) * n_per_block).min(self.n_windows)
    }

    /// What `compute` makes of all windows, in their order. Blocks that are known are taken as they are, and of the others
    /// up to `groups_at_once` groups are computed in parallel.
    pub(super) fn compute<T: Send>(
        &self,
        groups_at_once: usize,
        mut resume: Resume<'_, Vec<T>>,
        progress: &Progress<'_>,
        compute: impl Fn(Range<usize>) -> Result<Vec<T>, StageError> + Sync,
    ) -> Result<Vec<T>, StageError> {
        let known = resume.take_all(self.n_blocks());
        let missing: Vec<(usize, Range<usize>)> = (0..known.len())
            .filter(|block| known[*block].is_none())
            .flat_map(|block| {
                let windows = self.windows_of(block);
                let starts = windows.clone().step_by(self.windows_per_group);
                starts.map(move |start| (block, start..(start + self.windows_per_group).min(windows.end)))
            })
            .collect();
        let mut blocks: Vec<Vec<T>> = known.into_iter().map(Option::unwrap_or_default).collect();
        for groups in missing.chunks(groups_at_once.max(1)) {
            progress.at(groups[0].1.start, self.n_windows)?;
            let results: Vec<Vec<T>> = groups
                .par_iter()
                .map(|(_, windows)| {
                    progress.cancel().check()?;
                    compute(windows.clone())
                })
                .collect::<Result<_, StageError>>()?;
            for ((block, windows), result) in groups.iter().zip(results) {
                blocks[*block].extend(result);
                if windows.end == self.windows_of(*block).end {
                    resume.finished(*block, &blocks[*block]);
                }
            }
        }
        progress.at(self.n_windows, self.n_windows)?;
        let mut all = Vec::with_capacity(blocks.iter().map(Vec::len).sum());
        for block in blocks {
            all.extend(block);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::CancelToken;

    #[test]
    fn only_what_is_not_known_is_computed_and_told() {
        let (cancel, blocks) =
            (CancelToken::default(), Blocks { n_windows: 23, windows_per_group: 3, groups_per_block: 2 });
        let block = |n: usize| blocks.windows_of(n).collect::<Vec<usize>>();
        assert_eq!((blocks.n_blocks(), block(0), block(3)), (4, (0..6).collect(), (18..23).collect()));
        for (known, expected) in [(&[][..], &[0, 1, 2, 3][..]), (&[1, 3], &[0, 2]), (&[0, 1, 2, 3], &[])] {
            for groups_at_once in [1, 3, 100] {
                let mut told = Vec::new();
                let mut on_new = |n: usize, windows: &Vec<usize>| told.push((n, windows.clone()));
                let known = (0..4).map(|n| known.contains(&n).then(|| block(n))).collect();
                let resume = Resume::new(known, &mut on_new);
                let compute = |windows: Range<usize>| -> Result<Vec<usize>, StageError> { Ok(windows.collect()) };
                let all = blocks.compute(groups_at_once, resume, &Progress::unwatched(&cancel), compute);
                assert_eq!(all.expect("nobody cancelled"), (0..23).collect::<Vec<_>>());
                let expected: Vec<_> = expected.iter().map(|n| (*n, block(*n))).collect();
                assert_eq!(told, expected, "{groups_at_once} at once");
            }
        }
    }
}
