//! Levels of quantised weights, in memory of our own or in a mapped file, which costs no memory until it is read.

use std::ops::Range;
use std::sync::Arc;

use bytemuck::cast_slice;
use memmap2::Mmap;

/// Signed bytes that nobody changes any more; cheap to clone.
#[derive(Clone)]
pub(super) enum Stored {
    Owned(Arc<[i8]>),
    Mapped { file: Arc<Mmap>, range: Range<usize> },
}

impl Stored {
    pub(super) fn as_slice(&self) -> &[i8] {
        match self {
            Self::Owned(levels) => levels,
            Self::Mapped { file, range } => cast_slice(&file[range.clone()]),
        }
    }
}

impl From<Vec<i8>> for Stored {
    fn from(levels: Vec<i8>) -> Self {
        Self::Owned(levels.into())
    }
}
