//! Looks through the whole recording that is loaded, in a thread of its own, to know its peaks; those of recordings
//! that were loaded before are stored.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::audio::Mono16k;
use crate::audio::decode::DecodeError;
use crate::audio::peaks::{Peaks, Surveyed};
use crate::engine::reuse;
use crate::hash::{ContentHash, KeyBuilder, ResultKey};
use crate::paths::AppPaths;
use crate::results::{FileState, Layer, Remembered, ResultError, ResultStore, StoreLimits};
use crate::settings::ModelSettings;
use crate::task::{CancelToken, Progress};

/// Whoever changes how peaks are found, or the form in which they are stored, raises this.
const PEAKS: u32 = 1;

/// Where peaks are kept, and where long recordings go that cannot seek.
#[derive(Clone)]
pub(super) struct Places {
    /// The folder of stored results; `None` where nothing is to be kept.
    results: Option<PathBuf>,
    spool_dir: PathBuf,
}

impl Places {
    pub(super) fn new(paths: &AppPaths, settings: &ModelSettings) -> Self {
        Self { results: reuse::folder(paths, settings), spool_dir: paths.cache_dir.clone() }
    }
}

/// What was found out.
pub(super) struct Found {
    /// The peaks.
    pub(super) peaks: Arc<Peaks>,
    /// The recording, decoded, where its container cannot seek.
    pub(super) kept: Option<Arc<Mono16k>>,
}

/// A recording is being looked through. Dropping this stops it and waits for it.
pub(super) struct Survey {
    cancel: CancelToken,
    outcome: Receiver<Result<Found, DecodeError>>,
    thread: Option<JoinHandle<()>>,
}

impl Survey {
    /// Begins.
    pub(super) fn start(path: PathBuf, places: Places, seeking: Seeking) -> io::Result<Self> {
        let (sink, outcome) = bounded(1);
        let cancel = CancelToken::default();
        let token = cancel.clone();
        let run = move || {
            // Where nobody waits any more, nobody wants to know.
            sink.send(look_through(&path, &places, seeking, &token)).ok();
        };
        let thread = thread::Builder::new().name("hansard-peaks".into()).spawn(run)?;
        Ok(Self { cancel, outcome, thread: Some(thread) })
    }

    /// What came of it, once it is at its end.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self.outcome.try_recv() {
            Ok(Ok(found)) => Some(Outcome::Found(found)),
            Ok(Err(error)) => Some(Outcome::Failed(error.to_string())),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Outcome::Failed("Hansard made a mistake with this recording; please report it".to_owned()))
            }
        }
    }
}

impl Drop for Survey {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that finds peaks panicked");
        }
    }
}

/// What came of a survey.
pub(super) enum Outcome {
    /// This was found out.
    Found(Found),
    /// Nothing, for this reason.
    Failed(String),
}

/// Whether the recording has to be decoded and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seeking {
    /// It goes to any place by itself,
    Possible,
    /// or not.
    Impossible,
}

fn look_through(path: &Path, places: &Places, seeking: Seeking, cancel: &CancelToken) -> Result<Found, DecodeError> {
    let shelf = Shelf::open(path, places);
    if let (Seeking::Possible, Some(peaks)) = (seeking, shelf.as_ref().and_then(Shelf::peaks)) {
        return Ok(Found { peaks: Arc::new(peaks), kept: None });
    }
    let since = Instant::now();
    let Surveyed { peaks, kept } = Peaks::survey(path, &places.spool_dir, &Progress::unwatched(cancel))?;
    if let Some(shelf) = shelf {
        shelf.keep(path, &peaks, since.elapsed());
    }
    Ok(Found { peaks: Arc::new(peaks), kept: kept.map(Arc::new) })
}

/// The place of one recording's peaks among the stored results. Where it cannot be used, they are found again each
/// time.
struct Shelf {
    store: ResultStore,
    key: ResultKey,
}

impl Shelf {
    fn open(path: &Path, places: &Places) -> Option<Self> {
        let open = |folder: &Path| -> Result<Self, ResultError> {
            // Peaks are found faster than a long file can be hashed, so they are found again when it was moved.
            let state = FileState::of(path)?;
            let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
            let key = KeyBuilder::new("peaks", PEAKS)
                .bytes("path", path.as_os_str().as_encoded_bytes())
                .number("n_bytes", state.n_bytes)
                .number("modified", state.modified_unix_ns)
                .finish();
            Ok(Self { store: ResultStore::open(folder, StoreLimits::default())?, key })
        };
        let opened = open(places.results.as_ref()?);
        opened.inspect_err(|error| tracing::debug!("peaks are not stored: {error}")).ok()
    }

    fn peaks(&self) -> Option<Peaks> {
        let stored = self.store.get(Layer::Audio, &self.key);
        let payload = stored.inspect_err(|error| tracing::debug!("peaks cannot be read: {error}")).ok()??;
        Peaks::from_bytes(&payload)
    }

    fn keep(&self, path: &Path, peaks: &Peaks, cost: Duration) {
        let known = self.store.remembered_hash(path, Remembered::Samples).ok().flatten();
        // Until a job has decoded it, the sound has no other name than its file.
        let audio = known.unwrap_or_else(|| ContentHash::of(path.as_os_str().as_encoded_bytes()));
        if let Err(error) = self.store.put(Layer::Audio, &self.key, &audio, &peaks.to_bytes(), cost) {
            tracing::debug!("peaks are not stored: {error}");
        }
    }
}
