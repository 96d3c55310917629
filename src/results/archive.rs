//! The store as one file, `NAME.hansard-results`, to take results to another machine. What comes from outside is looked
//! at to its last byte before anything of it is stored.
//!
//! | part | bytes |
//! |---|---|
//! | beginning | `SIGNATURE`, version as `u32` |
//! | each result | its length as `u64`, its frame (`frame.rs`) |
//! | end | 0 as `u64`, number of results as `u64`, BLAKE3 hash of all before |
//!
//! Numbers are little-endian; results come in the order of layers' names and keys. Hashes of files are not in it, for
//! paths differ between machines.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::time::SystemTime;

use crate::files::{self, FileError};
use crate::hash::{ContentHash, ContentHasher};

use super::error::{Refusal, Unreadable};
use super::frame::{Flaw, Frame, MAX_FRAME_BYTES};
use super::{ResultError, ResultStore, Watch};

/// What the names of such files end with, after a dot.
pub const ARCHIVE_EXTENSION: &str = "hansard-results";

const SIGNATURE: [u8; 16] = *b"HANSARD-RESULTS\n";
/// The version that is written.
const VERSION: u32 = 1;
/// Results are stored when they are together so long.
const N_BYTES_AT_ONCE: usize = 4 << 20;

/// What was written to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many results,
    pub n_entries: u64,
    /// and how long the file became.
    pub n_bytes: u64,
}

/// What was read from a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many results are stored now that were not,
    pub n_new: u64,
    /// and how many were there already.
    pub n_there: u64,
}

pub(super) fn export(store: &ResultStore, path: &Path, watch: &mut Watch<'_>) -> Result<Exported, ResultError> {
    files::check_target(path, &[store.folder()])?;
    let ids = store.with(|index| index.ids_by_key())?;
    let (mut exported, mut failure) = (Exported::default(), None);
    let written = files::write_atomic_with(path, |file| {
        match write_archive(store, path, file, &ids, watch) {
            Ok(done) => exported = done,
            Err(error) => failure = Some(error),
        }
        if failure.is_some() { Err(io::Error::other("the reason is told elsewhere")) } else { Ok(()) }
    });
    match failure {
        Some(failure) => Err(failure),
        None => Ok(written.map(|()| exported)?),
    }
}

fn write_archive(
    store: &ResultStore,
    path: &Path,
    file: &mut File,
    ids: &[i64],
    watch: &mut Watch<'_>,
) -> Result<Exported, ResultError> {
    let mut target = Target { path, writer: BufWriter::new(file), hasher: ContentHasher::new(), n_bytes: 0 };
    target.write(&SIGNATURE)?;
    target.write(&VERSION.to_le_bytes())?;
    let mut n_entries = 0_u64;
    for (n_done, id) in (1..).zip(ids) {
        // Whatever went meanwhile is left out.
        if let Some(mut stored) = store.with(|index| index.numbered(*id))? {
            match stored.read(&store.layout) {
                Ok(frame) => {
                    target.write(&(frame.bytes().len() as u64).to_le_bytes())?;
                    target.write(frame.bytes())?;
                    n_entries += 1;
                }
                Err(Unreadable::File(error)) => return Err(error.into()),
                Err(Unreadable::Flawed(flaw)) => {
                    store.with(|index| index.drop_damaged(stored.id, &stored.hash, &flaw))?;
                }
            }
        }
        if watch(n_done, ids.len() as u64).is_break() {
            return Err(ResultError::Stopped);
        }
    }
    target.write(&0_u64.to_le_bytes())?;
    target.write(&n_entries.to_le_bytes())?;
    let hash = target.hasher.clone().finish();
    target.write(hash.as_bytes())?;
    target.writer.flush().map_err(FileError::of("write", path))?;
    Ok(Exported { n_entries, n_bytes: target.n_bytes })
}

/// The file that is written.
struct Target<'a> {
    path: &'a Path,
    writer: BufWriter<&'a mut File>,
    hasher: ContentHasher,
    n_bytes: u64,
}

impl Target<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.hasher.update(bytes);
        self.n_bytes += bytes.len() as u64;
        self.writer.write_all(bytes).map_err(FileError::of("write", self.path))
    }
}

pub(super) fn import(store: &ResultStore, path: &Path, watch: &mut Watch<'_>) -> Result<Imported, ResultError> {
    let refuse = |refusal| ResultError::Refused { path: path.to_path_buf(), refusal };
    let mut file = files::open_regular(path)?;
    let n_bytes = file.metadata().map_err(FileError::of("read", path))?.len();
    let mut n_done_bytes = 0;
    let mut tell = |frame: &Frame| {
        n_done_bytes += frame.bytes().len() as u64;
        // Read twice.
        if watch(n_done_bytes, (2 * n_bytes).max(n_done_bytes)).is_break() { Err(ResultError::Stopped) } else { Ok(()) }
    };

    let mut number = 0;
    let looked_at = read_archive(&file, |frame| {
        number += 1;
        frame.check_payload().map_err(|flaw| refuse(Refusal::Flawed { number, flaw }))?;
        tell(&frame)
    });
    let hash = looked_at.map_err(|problem| problem.of(path))?;
    // A file system that does not tell is trusted.
    if let Some(n_free_bytes) = fs4::available_space(store.folder()).ok().filter(|n_free_bytes| *n_free_bytes < n_bytes)
    {
        return Err(refuse(Refusal::TooLarge { n_bytes, n_free_bytes }));
    }

    file.rewind().map_err(FileError::of("read", path))?;
    let mut imported = Imported::default();
    let (mut waiting, mut n_waiting_bytes) = (Vec::new(), 0);
    let mut keep = |frames: &mut Vec<Frame>| -> Result<(), ResultError> {
        let n_new = store.with(|index| index.put_missing(frames, SystemTime::now()))?;
        imported.n_new += n_new as u64;
        imported.n_there += (frames.len() - n_new) as u64;
        frames.clear();
        Ok(())
    };
    let read = read_archive(&file, |frame| {
        tell(&frame)?;
        n_waiting_bytes += frame.bytes().len();
        waiting.push(frame);
        if n_waiting_bytes >= N_BYTES_AT_ONCE {
            n_waiting_bytes = 0;
            keep(&mut waiting)?;
        }
        Ok(())
    });
    match read {
        Ok(again) if again == hash => {}
        Ok(_) | Err(Problem::Refused(_)) => return Err(ResultError::ChangedMeanwhile(path.to_path_buf())),
        Err(problem) => return Err(problem.of(path)),
    }
    keep(&mut waiting)?;
    Ok(imported)
}

/// Why reading ended early.
enum Problem {
    Read(io::Error),
    Refused(Refusal),
    /// What is done with the results failed.
    Taken(ResultError),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Refused(Refusal::Cut) } else { Self::Read(error) }
    }
}

impl Problem {
    fn of(self, path: &Path) -> ResultError {
        match self {
            Self::Read(error) => FileError::of("read", path)(error).into(),
            Self::Refused(refusal) => ResultError::Refused { path: path.to_path_buf(), refusal },
            Self::Taken(error) => error,
        }
    }
}

/// Reads a file to its end, and hands over its results one by one. Returns the hash of all of it. It takes no more
/// memory than the longest result in it.
fn read_archive(file: &File, mut take: impl FnMut(Frame) -> Result<(), ResultError>) -> Result<ContentHash, Problem> {
    let mut source = Source { reader: BufReader::new(file), hasher: ContentHasher::new() };
    match source.array::<16>() {
        Ok(SIGNATURE) => {}
        Ok(_) | Err(Problem::Refused(_)) => return Err(Refusal::Foreign.into()),
        Err(problem) => return Err(problem),
    }
    let version = u32::from_le_bytes(source.array()?);
    if version != VERSION {
        return Err(Refusal::Newer { found: version, known: VERSION }.into());
    }
    let mut n_frames = 0_u64;
    loop {
        let n_bytes = u64::from_le_bytes(source.array()?);
        if n_bytes == 0 {
            break;
        }
        n_frames += 1;
        let flawed = |flaw| Refusal::Flawed { number: n_frames, flaw };
        if n_bytes > MAX_FRAME_BYTES {
            return Err(flawed(Flaw::TooLarge(n_bytes)).into());
        }
        let frame = Frame::parse(source.bytes(n_bytes)?).map_err(flawed)?;
        take(frame).map_err(Problem::Taken)?;
    }
    if u64::from_le_bytes(source.array()?) != n_frames {
        return Err(Refusal::Changed.into());
    }
    let hash = source.hasher.clone().finish();
    if source.array::<32>()? != *hash.as_bytes() {
        return Err(Refusal::Changed.into());
    }
    match source.array::<1>() {
        Err(Problem::Refused(Refusal::Cut)) => Ok(hash),
        Ok(_) => Err(Refusal::Longer.into()),
        Err(problem) => Err(problem),
    }
}

/// The file that is read.
struct Source<'a> {
    reader: BufReader<&'a File>,
    hasher: ContentHasher,
}

impl Source<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    /// Takes memory only for what is really there.
    fn bytes(&mut self, n_bytes: u64) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        self.reader.by_ref().take(n_bytes).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != n_bytes {
            return Err(Refusal::Cut.into());
        }
        self.hasher.update(&bytes);
        Ok(bytes)
    }
}
