//! A recording that is played into the recorder as if a device heard it, for tests and for trying out: 16 kHz, one
//! channel, as fast as is asked for. Unlike a device it waits where there is no room, so it loses nothing.

use std::io;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::audio::decode::{DecodeError, decode};
use crate::task::{CancelToken, Progress};
use crate::units::{SAMPLE_RATE_HZ, SampleIdx};

use super::SoundFormat;
use super::feed::{Feed, Intake, ring};

/// Sound that comes at once, as from a device.
const PIECE_SAMPLES: usize = 160;
/// Room for as much as may be played between two looks of the recorder: it bounds how fast a file can be played.
const RING_SECS: usize = 10;

/// A recording that plays. It stops when this is dropped.
pub(super) struct FileSource {
    cancel: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl FileSource {
    /// Starts to play `path`, `speed` times as fast as it was. Decoded sound that is long goes to `spool_dir`.
    pub(super) fn start(path: &Path, speed: f64, spool_dir: &Path) -> Result<(Self, Intake), DecodeError> {
        let cancel = CancelToken::default();
        let sound = decode(path, spool_dir, &Progress::unwatched(&cancel))?.samples;
        let format = SoundFormat::new(SAMPLE_RATE_HZ, 1).expect("neither is zero");
        let (mut feed, intake) = ring(format, RING_SECS);
        let stop = cancel.clone();
        let play = move || {
            let started = Instant::now();
            let mut at = 0;
            while at < sound.len() && !stop.is_cancelled() && !feed.is_abandoned() {
                let due = Duration::try_from_secs_f64(SampleIdx(at).to_seconds().0 / speed).unwrap_or_default();
                let early = due.saturating_sub(started.elapsed());
                if !early.is_zero() {
                    thread::sleep(early);
                }
                match sound.read(at..at + PIECE_SAMPLES) {
                    Ok(samples) => {
                        at += samples.len();
                        push_patiently(&mut feed, samples, &stop);
                    }
                    Err(error) => {
                        tracing::error!("a recording that is played cannot be read any more: {error}");
                        return;
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("hansard-file-source".into()).spawn(play);
        let thread = thread.map_err(|source: io::Error| DecodeError::unreadable(path, source))?;
        Ok((Self { cancel, thread: Some(thread) }, intake))
    }
}

impl Drop for FileSource {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that plays a recording panicked");
        }
    }
}

fn push_patiently(feed: &mut Feed, samples: Vec<f32>, stop: &CancelToken) {
    while feed.n_free_frames() < samples.len() {
        if stop.is_cancelled() || feed.is_abandoned() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    feed.push(samples.into_iter());
}
