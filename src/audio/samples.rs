//! Decoded samples, read back by position. Short recordings stay in memory, long ones go to a temporary file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Samples kept in memory before the rest goes to disk: 20 minutes, 77 MB.
const MAX_SAMPLES_IN_MEMORY: usize = 20 * 60 * crate::units::SAMPLE_RATE_HZ as usize;
const BYTES_PER_SAMPLE: usize = size_of::<f32>();

/// A recording as 16 kHz mono samples, nominally in -1..1.
#[derive(Debug)]
pub struct Mono16k {
    /// The first [`MAX_SAMPLES_IN_MEMORY`] samples.
    head: Vec<f32>,
    /// What follows them, as little-endian f32. The file has no name any more: it vanishes with the process.
    tail: Option<File>,
    n_samples: usize,
}

impl Mono16k {
    /// A recording that is in memory already.
    pub fn from_samples(samples: Vec<f32>) -> Self {
        Self { n_samples: samples.len(), head: samples, tail: None }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.n_samples
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.n_samples == 0
    }

    /// Appends the samples of `range` to `out`; a range beyond the end is cut to what exists.
    ///
    /// # Errors
    /// Only a long recording can fail, when its temporary file cannot be read.
    pub fn read_into(&self, range: Range<usize>, out: &mut Vec<f32>) -> io::Result<()> {
        let range = range.start.min(self.n_samples)..range.end.min(self.n_samples);
        if range.is_empty() {
            return Ok(());
        }
        let n_head = self.head.len();
        out.extend_from_slice(&self.head[range.start.min(n_head)..range.end.min(n_head)]);
        let tail_range = range.start.max(n_head) - n_head..range.end.max(n_head) - n_head;
        if let (Some(tail), false) = (&self.tail, tail_range.is_empty()) {
            let mut bytes = vec![0; tail_range.len() * BYTES_PER_SAMPLE];
            read_exact_at(tail, &mut bytes, (tail_range.start * BYTES_PER_SAMPLE) as u64)?;
            out.extend(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        Ok(())
    }

    /// The samples of `range` as a vector of their own; see [`Mono16k::read_into`].
    pub fn read(&self, range: Range<usize>) -> io::Result<Vec<f32>> {
        let mut out = Vec::with_capacity(range.len());
        self.read_into(range, &mut out)?;
        Ok(out)
    }
}

/// Takes samples in order and becomes a [`Mono16k`].
#[derive(Debug)]
pub(super) struct Mono16kWriter {
    head: Vec<f32>,
    tail: Option<BufWriter<File>>,
    n_samples: usize,
    max_in_memory: usize,
    spool_dir: PathBuf,
}

impl Mono16kWriter {
    /// A writer that spools what does not fit in memory to a nameless file in `spool_dir`.
    pub(super) fn new(spool_dir: &Path) -> Self {
        Self::with_memory(spool_dir, MAX_SAMPLES_IN_MEMORY)
    }

    fn with_memory(spool_dir: &Path, max_in_memory: usize) -> Self {
        Self { head: Vec::new(), tail: None, n_samples: 0, max_in_memory, spool_dir: spool_dir.to_path_buf() }
    }

    /// Appends samples.
    pub(super) fn push(&mut self, samples: &[f32]) -> io::Result<()> {
        let (head, tail) = samples.split_at(samples.len().min(self.max_in_memory - self.head.len()));
        self.head.extend_from_slice(head);
        self.n_samples += samples.len();
        if tail.is_empty() {
            return Ok(());
        }
        let file = match &mut self.tail {
            Some(file) => file,
            empty => {
                std::fs::create_dir_all(&self.spool_dir)?;
                empty.insert(BufWriter::new(tempfile::tempfile_in(&self.spool_dir)?))
            }
        };
        for sample in tail {
            file.write_all(&sample.to_le_bytes())?;
        }
        Ok(())
    }

    /// Ends writing.
    pub(super) fn finish(mut self) -> io::Result<Mono16k> {
        self.head.shrink_to_fit();
        let tail = self.tail.map(BufWriter::into_inner).transpose().map_err(io::IntoInnerError::into_error)?;
        Ok(Mono16k { head: self.head, tail, n_samples: self.n_samples })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n_read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if n_read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[n_read..];
        offset += n_read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_read_the_same_from_memory_and_from_disk() {
        let all: Vec<f32> = (0..1000).map(|n| n as f32 / 1000.0).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        for max_in_memory in [0, 1, 333, 1000, 2000] {
            let mut writer = Mono16kWriter::with_memory(folder.path(), max_in_memory);
            for part in all.chunks(77) {
                writer.push(part).expect("a writable folder");
            }
            let recording = writer.finish().expect("a writable folder");
            assert_eq!(recording.len(), all.len());
            for range in [0..1000, 0..0, 300..400, 332..334, 990..2000, 5000..6000] {
                let expected = &all[range.start.min(1000)..range.end.min(1000)];
                assert_eq!(recording.read(range).expect("readable"), expected);
            }
        }
        let left_behind = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left_behind, 0, "spool files have no name");
    }
}
