//! The sound of a job's recording. What it is, is known without decoding if it was decoded before and has not changed since;
//! it is decoded once somebody has to listen.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::audio::{Mono16k, decode};
use crate::engine::command::{Diarize, Mode};
use crate::engine::event::Stage;
use crate::engine::reuse::{hash_of_samples, sound_key};
use crate::hash::ContentHash;
use crate::results::{FileState, Layer};

use super::Tools;
use super::models::DiarizerFiles;

/// The sound of a recording.
pub(super) struct Sound<'a> {
    tools: Tools<'a>,
    hash: ContentHash,
    facts: Facts,
    samples: OnceCell<Mono16k>,
    /// What the file was like before its sound was looked up or heard.
    state: Cell<Option<FileState>>,
}

/// What is stored of a sound.
#[derive(Serialize, Deserialize)]
struct Facts {
    n_samples: u64,
    /// What was wrong with the file.
    warnings: Vec<String>,
}

/// The file is another one than when its sound was last heard.
#[derive(Debug, thiserror::Error)]
#[error("{}: the recording was changed while it was worked on; transcribe it again when it is complete", path.display())]
pub(super) struct SoundChanged {
    path: PathBuf,
}

impl<'a> Sound<'a> {
    /// The sound of the recording that the job is about.
    pub(super) fn of(tools: Tools<'a>) -> anyhow::Result<Self> {
        let path = &tools.request.path;
        let state = FileState::of(path).ok();
        let known = tools.stash.known_sound(path).and_then(|hash| {
            let facts = tools.stash.get(Layer::Audio, &sound_key(&hash, path))?;
            Some((hash, facts))
        });
        if let Some((hash, facts)) = known {
            return Ok(Self { tools, hash, facts, samples: OnceCell::new(), state: Cell::new(state) });
        }
        let (samples, hash, facts, state) = listen(tools)?;
        Ok(Self { tools, hash, facts, samples: OnceCell::from(samples), state: Cell::new(state) })
    }

    /// Whether the file is still the one whose sound this is.
    pub(super) fn is_as_heard(&self) -> bool {
        self.state.get().is_some() && FileState::of(&self.tools.request.path).ok() == self.state.get()
    }

    /// The hash of its samples.
    pub(super) fn hash(&self) -> ContentHash {
        self.hash
    }

    /// How many samples it has.
    pub(super) fn n_samples(&self) -> usize {
        self.facts.n_samples as usize
    }

    /// What was wrong with the file.
    pub(super) fn warnings(&self) -> &[String] {
        &self.facts.warnings
    }

    /// Whether it was decoded for this job.
    pub(super) fn is_decoded(&self) -> bool {
        self.samples.get().is_some()
    }

    /// Its samples, if it was decoded for this job.
    pub(super) fn decoded(&self) -> Option<&Mono16k> {
        self.samples.get()
    }

    /// Its samples, which are decoded now if they were not yet.
    pub(super) fn samples(&self) -> anyhow::Result<&Mono16k> {
        if let Some(samples) = self.samples.get() {
            return Ok(samples);
        }
        let (samples, hash, _, state) = listen(self.tools)?;
        if hash != self.hash {
            return Err(SoundChanged { path: self.tools.request.path.clone() }.into());
        }
        self.state.set(state);
        Ok(self.samples.get_or_init(|| samples))
    }
}

/// Decodes the recording, and remembers what its sound is. Tells also what the file was like before.
fn listen(tools: Tools<'_>) -> anyhow::Result<(Mono16k, ContentHash, Facts, Option<FileState>)> {
    let Tools { paths, request, context, stash, .. } = tools;
    let (path, since) = (&request.path, Instant::now());
    // If it changes from here on, what is remembered is not taken for the changed file.
    let state = FileState::of(path).ok();
    let (samples, hash, warnings) = while_prefetching(tools, || {
        context.stage(Stage::Decode, |progress| {
            let decoded = decode::decode(path, &paths.cache_dir, progress)?;
            let read_back = "cannot read back the decoded audio from the temporary folder";
            let hash = hash_of_samples(&decoded.samples).context(read_back)?;
            anyhow::Ok((decoded.samples, hash, decoded.warnings))
        })
    })?;
    context.worked(Stage::Decode, 1, 0);
    let facts = Facts { n_samples: samples.len() as u64, warnings };
    stash.put(Layer::Audio, &sound_key(&hash, path), &hash, &facts, since.elapsed());
    if let Some(state) = state {
        stash.remember_sound(path, state, &hash);
    }
    Ok((samples, hash, facts, state))
}

/// Does work while the models that the job will need come into memory. What is wrong with them, the job finds when it
/// asks for them.
fn while_prefetching<T>(tools: Tools<'_>, work: impl FnOnce() -> T) -> T {
    let Tools { models, request, context, .. } = tools;
    thread::scope(|scope| {
        let named = thread::Builder::new().name("hansard-prefetch".into());
        let prefetching = named.spawn_scoped(scope, || {
            let whisper = models.whisper(&request.model, request.device, request.compute_type);
            let diarizer = || DiarizerFiles::find(models, &request.speakers.model)?.load(models);
            let segmenter = match (request.speakers.diarize, request.mode) {
                (Diarize::On, _) => diarizer().map(drop),
                (Diarize::Off, Mode::Batched) => models.segmentation().map(drop).map_err(anyhow::Error::from),
                (Diarize::Off, Mode::Sequential) => Ok(()),
            };
            if let Err(error) = segmenter {
                tracing::debug!("not loaded ahead: {error}");
            }
            // That a device is not there is told once, to whoever asks first.
            whisper.ok().and_then(|(_, warning)| warning)
        });
        let done = work();
        match prefetching.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(warning)) => warning.into_iter().for_each(|warning| context.warn(warning)),
            Ok(Err(_)) => tracing::error!("loading models ahead panicked"),
            Err(error) => tracing::debug!("no models are loaded ahead, for the system grants no thread: {error}"),
        }
        done
    })
}
