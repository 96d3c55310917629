//! One job from file to transcript: decode, look who speaks when, cut speech into chunks and transcribe them (or transcribe
//! from beginning to end), align words, tell speakers apart, recognise voices. The only place where stages, models,
//! stored results and files meet. Without words' times, speakers or names there is still a transcript, and a warning.
//!
//! What is known already is not computed again: a job asks for its sound ([`sound`]) and its models ([`models`]) only when a
//! stage ([`text`], [`speakers`]) has something to compute. A recording whose transcript is stored is not even read. What
//! it sounds like ([`acoustics`]) is told beside the transcript.

mod acoustics;
mod models;
mod origin;
mod sound;
mod speakers;
mod text;

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;
use crate::models::catalog::CatalogError;
use crate::models::{LoadError, ModelCache};
use crate::paths::AppPaths;
use crate::pipeline::assemble;
use crate::pipeline::segmentation::Activity;
use crate::results::{Layer, ResultStore, StoreLimits};
use crate::task::{CancelToken, Progress};
use crate::transcript::Transcript;
use crate::units::SampleIdx;

use super::command::{Alignment, Diarize, JobRequest};
use super::event::Stage;
use super::model_cache::Watchers;
use super::reuse::{Keys, Results, Stash, hash_of_known_voices};
use super::voices::{self, VoiceCommand, VoicesAnswer};
use super::worker::{JobContext, JobError, Runner};

use models::{BrokenDiarizer, DiarizerFiles, JobModels};
use sound::{Sound, SoundChanged};

/// Runs jobs with real models, which stay for the next job.
pub(super) struct Transcriber {
    models: ModelCache,
    watchers: Watchers,
    paths: AppPaths,
    pool: ThreadPool,
    /// The folder below which results are kept, and how many, if they are.
    results: Option<(PathBuf, StoreLimits)>,
    /// Opened by the first job.
    store: Option<ResultStore>,
}

impl Transcriber {
    pub(super) fn new(
        paths: AppPaths,
        models: ModelCache,
        watchers: Watchers,
        results: Option<(PathBuf, StoreLimits)>,
        n_threads: Option<usize>,
    ) -> io::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads.unwrap_or(0))
            .thread_name(|n| format!("hansard-compute-{n}"))
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { models, watchers, paths, pool, results, store: None })
    }

    /// The store, where results are kept. One that cannot be opened is tried again by the next job.
    fn store(&mut self, context: &JobContext<'_>) -> Option<ResultStore> {
        let (folder, limits) = self.results.as_ref()?;
        if self.store.is_none() {
            match ResultStore::open(folder, *limits) {
                Ok(store) => self.store = Some(store),
                Err(error) => context.warn(format!("Results are not kept for the next time: {error}.")),
            }
        }
        self.store.clone()
    }
}

impl Runner for Transcriber {
    fn run(&mut self, request: &JobRequest, context: &JobContext<'_>) -> Result<Transcript, JobError> {
        let store = self.store(context);
        let Self { models, watchers, paths, pool, .. } = self;
        let models = models.with_cancel(context.cancel());
        // Memory is looked at more often as long as these live.
        let _running = watchers.job_started();
        let work = || {
            let stash = Stash::new(store, request.reuse, context);
            let transcript = run(Tools { models: &models, paths, request, context, stash: &stash });
            stash.tell_warnings();
            transcript
        };
        pool.install(work).map_err(|error| {
            // Whatever went wrong after the user asked to stop does not interest them any more.
            if context.cancel().is_cancelled() {
                JobError::Cancelled
            } else {
                JobError::Failed(about(&request.path, &error))
            }
        })
    }

    fn voices(&mut self, command: &VoiceCommand, cancel: &CancelToken) -> Result<VoicesAnswer, String> {
        let Self { models, paths, pool, .. } = self;
        let models = models.with_cancel(cancel);
        let progress = Progress::unwatched(cancel);
        pool.install(|| voices::perform(command, &models, paths, &progress)).map_err(|error| error.to_string())
    }
}

/// What every part of a job works with.
#[derive(Clone, Copy)]
struct Tools<'a> {
    models: &'a ModelCache,
    paths: &'a AppPaths,
    request: &'a JobRequest,
    context: &'a JobContext<'a>,
    stash: &'a Stash<'a>,
}

fn run(tools: Tools<'_>) -> anyhow::Result<Transcript> {
    // What is wrong with the request is told before an hour of audio is decoded.
    check(tools.models, tools.request)?;
    let mut diarizer = diarizer(tools);
    let mut has_changed = false;
    loop {
        match attempt(tools, diarizer.as_ref()) {
            // The file was replaced since its sound was last heard, and now it is known by what it is.
            Err(error) if error.is::<SoundChanged>() && !has_changed => has_changed = true,
            Err(error) if error.is::<BrokenDiarizer>() && diarizer.is_some() => {
                tools.context.cancel().check()?;
                tools.context.warn(format!("Speakers are not told apart: {}.", one_line(&error)));
                diarizer = None;
            }
            outcome => return outcome,
        }
    }
}

/// Refuses what is misspelt. That a model is not on this machine is no mistake: the job does without it.
fn check(models: &ModelCache, request: &JobRequest) -> anyhow::Result<()> {
    models.check_whisper(&request.model)?;
    if let Alignment::With(folder) = &request.alignment {
        anyhow::ensure!(folder.is_dir(), "there is no folder {} with an aligner", folder.display());
    }
    if let Some(folder) = &request.speakers.voices {
        anyhow::ensure!(folder.is_dir(), "there is no folder {} with voices", folder.display());
    }
    match models.diarization_folder(&request.speakers.model) {
        Err(unknown @ LoadError::Catalog(CatalogError::UnknownDiarization(_))) => Err(unknown.into()),
        _ => Ok(()),
    }
}

/// The files of what tells speakers apart, if somebody asks for that and they are here.
fn diarizer(tools: Tools<'_>) -> Option<DiarizerFiles> {
    match tools.request.speakers.diarize {
        Diarize::Off => None,
        Diarize::On => match DiarizerFiles::find(tools.models, &tools.request.speakers.model) {
            Ok(files) => Some(files),
            Err(error) => {
                tools.context.warn(format!("Speakers are not told apart: {}.", one_line(&error)));
                None
            }
        },
    }
}

fn attempt(tools: Tools<'_>, diarizer: Option<&DiarizerFiles>) -> anyhow::Result<Transcript> {
    let sound = Sound::of(tools)?;
    tools.context.audio_ready(SampleIdx(sound.n_samples()).to_seconds());
    // They are about this file. Another one may have the same sound, and so the same transcript.
    sound.warnings().iter().for_each(|warning| tools.context.warn(warning.clone()));
    let models = JobModels::new(tools, diarizer);
    let ids = models.ids();
    let keys = Keys::new(sound.hash(), &ids, tools.request);
    let results = Results::new(tools.stash, sound.hash());
    let job = Job {
        tools,
        sound: &sound,
        models: &models,
        results,
        keys,
        activity: OnceCell::new(),
        warnings: RefCell::default(),
        outlook: Cell::new(Outlook::Lasting),
    };
    let transcript = job.transcript()?;
    tools.context.sounds_like(job.acoustics());
    if let Some(manifest) = origin::manifest_of(tools, &sound, &models, &job.known_voices(), &transcript) {
        tools.context.made_of(manifest);
    }
    if !sound.is_decoded() {
        tools.context.worked(Stage::Decode, 0, 1);
    }
    Ok(transcript)
}

/// One job on one sound.
struct Job<'a> {
    tools: Tools<'a>,
    sound: &'a Sound<'a>,
    models: &'a JobModels<'a>,
    results: Results<'a>,
    keys: Keys<'a>,
    /// Who speaks in each window, once somebody asked.
    activity: OnceCell<Activity>,
    /// What the user was told of the transcript.
    warnings: RefCell<Vec<String>>,
    outlook: Cell<Outlook>,
}

/// Whether the same job would come out the same another time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outlook {
    Lasting,
    /// Something was missing that may be there then.
    Passing,
}

/// A transcript as it is stored, with what the user is told about it.
#[derive(Serialize, Deserialize)]
struct Finished {
    transcript: Transcript,
    warnings: Vec<String>,
}

impl Job<'_> {
    fn transcript(&self) -> anyhow::Result<Transcript> {
        if let Some(known) = self.known_transcript() {
            return Ok(known);
        }
        let since = Instant::now();
        let text = self.text()?;
        text.warnings.iter().for_each(|warning| self.warn(warning.clone()));
        let language = text.language.clone();
        let mut segments = self.aligned(text)?;
        let duration = SampleIdx(self.sound.n_samples()).to_seconds();
        let mut transcript = Transcript { language, duration, ..Transcript::default() };
        let mut known_voices = self.known_voices();
        if let Some(diarization) = self.diarization()? {
            (transcript.speakers, known_voices) = self.recognised(&diarization)?;
            segments = assemble::assign_speakers(segments, &diarization.turns);
            transcript.turns = diarization.turns;
        }
        transcript.segments = segments;
        if self.outlook.get() == Outlook::Lasting {
            let key = self.keys.transcript(self.models.aligner_id(&transcript.language), &known_voices);
            let finished = Finished { transcript, warnings: self.warnings.take() };
            self.results.put(Layer::Transcript, &key, &finished, since.elapsed());
            transcript = finished.transcript;
        }
        Ok(transcript)
    }

    /// The transcript, if the same job was done before with the same models and voices.
    fn known_transcript(&self) -> Option<Transcript> {
        let language = self.known_language()?;
        let key = self.keys.transcript(self.models.aligner_id(&language), &self.known_voices());
        let Finished { transcript, warnings } = self.results.get(Layer::Transcript, &key)?;
        for warning in warnings {
            self.warn(warning);
        }
        self.tools.context.worked(Stage::Transcribe, 0, 1);
        Some(transcript)
    }

    /// The language, as far as it is known without listening.
    fn known_language(&self) -> Option<String> {
        let asked = self.tools.request.language.clone();
        asked.or_else(|| self.results.get(Layer::Language, &self.keys.language()))
    }

    /// What speakers are compared with; it may change while a job runs.
    fn known_voices(&self) -> ContentHash {
        hash_of_known_voices(self.tools.paths, self.tools.request.speakers.voices.as_deref())
    }

    /// Tells something about the transcript, now and whenever it is taken from the store.
    fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning.clone());
        self.tools.context.warn(warning);
    }

    /// Tells what is missing this time, and may not be the next.
    fn warn_for_now(&self, warning: String) {
        self.outlook.set(Outlook::Passing);
        self.tools.context.warn(warning);
    }
}

/// An error with its causes on one line. Our own errors state their cause already, and it is not said twice.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.contains(&text) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&text);
        }
    }
    line
}

/// The line for the user, beginning with the recording unless it is named anyway.
fn about(path: &Path, error: &anyhow::Error) -> String {
    let (line, path) = (one_line(error), path.display().to_string());
    if line.contains(&path) { line } else { format!("{path}: {line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_become_one_line_that_says_nothing_twice() {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        let stated = crate::files::FileError { action: "read", path: "a.wav".into(), source: missing() };
        for (error, expected) in [
            (anyhow::Error::new(missing()).context("cannot open a.wav"), "cannot open a.wav: no such file"),
            (anyhow::Error::new(stated), "cannot read a.wav: no such file"),
            (anyhow::anyhow!("first line\n  second line"), "first line second line"),
        ] {
            assert_eq!(one_line(&error), expected);
        }
    }
}
