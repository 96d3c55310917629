//! Regions of speech become chunks that fit a model's window: neighbours are merged while they fit, after whisperX's
//! `merge_chunks`. Every region is in exactly one chunk.

use serde::{Deserialize, Serialize};

use crate::units::{Seconds, TimeSpan};

/// A stretch of a recording that is transcribed at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// From the start of its first region to the end of its last.
    pub span: TimeSpan,
    /// The speech in it.
    pub regions: Vec<TimeSpan>,
}

/// Merges neighbouring regions, which are in order of time, into chunks no longer than `max_chunk`. A single region that
/// is longer stays whole.
pub fn merge_regions(regions: &[TimeSpan], max_chunk: Seconds) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for region in regions {
        match chunks.last_mut() {
            Some(chunk) if region.end.0 - chunk.span.start.0 <= max_chunk.0 => {
                chunk.span.end = region.end;
                chunk.regions.push(*region);
            }
            _ => chunks.push(Chunk { span: *region, regions: vec![*region] }),
        }
    }
    chunks
}
