//! One job from file to transcript: decode, look who speaks when, cut speech into chunks and transcribe them (or transcribe
//! from beginning to end), align words, tell speakers apart, recognise voices. The only place where stages, models and
//! files meet. Without words' times, speakers or names there is still a transcript, and a warning.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rayon::ThreadPool;

use crate::audio::{Mono16k, decode};
use crate::files::FileError;
use crate::models::MemoryCache;
use crate::models::catalog::{self, CatalogError};
use crate::nn::plda::Plda;
use crate::nn::sincnet_lstm::PyanNet;
use crate::nn::whisper::{Task, Whisper};
use crate::paths::AppPaths;
use crate::pipeline::align::Aligned;
use crate::pipeline::chunk::merge_regions;
use crate::pipeline::diarize::embed::{Embedder, embeddings};
use crate::pipeline::diarize::{Clustering, Diarization, DiarizeOptions, DiarizedSpeaker, cluster_and_reconstruct};
use crate::pipeline::options::{TranscribeOptions, check_model};
use crate::pipeline::recognise::{SpeakerVoice, recognise, voiceprints};
use crate::pipeline::segmentation::{Activity, segmentation};
use crate::pipeline::speech::{SpeechThresholds, speech_regions, speech_scores};
use crate::pipeline::{StageError, align, assemble, sequential, transcribe};
use crate::task::{CancelToken, Progress};
use crate::transcript::{Segment, Speaker, Transcript, Verdict};
use crate::units::SampleIdx;

use super::command::{Alignment, Diarize, JobRequest, Mode};
use super::event::{LoadedModel, Stage};
use super::voices::{self, VoiceCommand, VoiceModel, VoicesAnswer, VoicesError, known_voices};
use super::worker::{JobContext, JobError, Runner};

/// Runs jobs with real models, which it keeps for the next job.
pub(super) struct Transcriber {
    models: MemoryCache,
    paths: AppPaths,
    pool: ThreadPool,
}

impl Transcriber {
    pub(super) fn new(paths: AppPaths, n_threads: Option<usize>) -> io::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads.unwrap_or(0))
            .thread_name(|n| format!("hansard-compute-{n}"))
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { models: MemoryCache::new(paths.clone()), paths, pool })
    }
}

impl Runner for Transcriber {
    fn run(&mut self, request: &JobRequest, context: &JobContext<'_>) -> Result<Transcript, JobError> {
        let Self { models, paths, pool } = self;
        pool.install(|| run(models, paths, request, context)).map_err(|error| {
            // Whatever went wrong after the user asked to stop does not interest them any more.
            if context.cancel().is_cancelled() {
                JobError::Cancelled
            } else {
                JobError::Failed(about(&request.path, &error))
            }
        })
    }

    fn voices(&mut self, command: &VoiceCommand, cancel: &CancelToken) -> Result<VoicesAnswer, String> {
        let Self { models, paths, pool } = self;
        let progress = Progress::unwatched(cancel);
        pool.install(|| voices::perform(command, models, paths, &progress)).map_err(|error| error.to_string())
    }
}

fn run(
    models: &mut MemoryCache,
    paths: &AppPaths,
    request: &JobRequest,
    context: &JobContext<'_>,
) -> anyhow::Result<Transcript> {
    let path = &request.path;
    // What is wrong with the request is told before an hour of audio is decoded.
    check(models, paths, request)?;
    let decoded = context.stage(Stage::Decode, |progress| decode::decode(path, &paths.cache_dir, progress))?;
    let samples = decoded.samples;
    let duration = SampleIdx(samples.len()).to_seconds();
    context.audio_ready(duration);
    for warning in decoded.warnings {
        context.warn(warning);
    }

    let loaded = context.stage(Stage::LoadModels, |_| {
        let loaded = load(models, paths, request, context);
        tell_models(models, context);
        loaded
    });
    let Loaded { whisper, segmenter, diarizer } = loaded?;
    let options = options_of(request);
    check_model(&whisper, &options)?;

    // Looked at once, for speech and for speakers.
    let activity = segmenter
        .map(|segmenter| context.stage(Stage::Speech, |progress| segmentation(&samples, &segmenter, progress)))
        .transpose()?;
    let mut on_segments = |segments: &[_]| context.segments(segments);
    let transcribed = match (&activity, request.mode) {
        (Some(activity), Mode::Batched) => {
            let window = SampleIdx(whisper.config().window_samples()).to_seconds();
            let regions = speech_regions(&speech_scores(activity), &SpeechThresholds::for_chunks_of(window));
            let chunks = merge_regions(&regions, window);
            context.stage(Stage::Transcribe, |progress| {
                transcribe::transcribe(&samples, &chunks, &whisper, &options, progress, &mut on_segments)
            })?
        }
        (_, Mode::Sequential) | (None, Mode::Batched) => context.stage(Stage::Transcribe, |progress| {
            sequential::transcribe(&samples, &whisper, &options, progress, &mut on_segments)
        })?,
    };
    for warning in transcribed.warnings {
        context.warn(warning);
    }

    let language = transcribed.language;
    let said = Said { segments: transcribed.segments, language: &language, task: request.task };
    let mut segments = aligned(&samples, said, &whisper, models, request, context)?;
    let mut transcript = Transcript { language, duration, ..Transcript::default() };
    if let (Some(activity), Some(diarizer)) = (&activity, &diarizer)
        && let Some(diarization) = told_apart(&samples, activity, diarizer, request, context)?
    {
        transcript.speakers = recognised(&samples, &diarization, models, paths, request, context)?;
        segments = assemble::assign_speakers(segments, &diarization.turns);
        transcript.turns = diarization.turns;
    }
    transcript.segments = segments;
    Ok(transcript)
}

/// Refuses what is misspelt. That a model is not on this machine is no mistake: the job does without it.
fn check(models: &MemoryCache, paths: &AppPaths, request: &JobRequest) -> anyhow::Result<()> {
    models.check_whisper(&request.model)?;
    if let Alignment::With(folder) = &request.alignment {
        anyhow::ensure!(folder.is_dir(), "there is no folder {} with an aligner", folder.display());
    }
    if let Some(folder) = &request.speakers.voices {
        anyhow::ensure!(folder.is_dir(), "there is no folder {} with voices", folder.display());
    }
    match catalog::diarization_folder(&request.speakers.model, paths) {
        Err(unknown @ CatalogError::UnknownDiarization(_)) => Err(unknown.into()),
        _ => Ok(()),
    }
}

fn tell_models(models: &MemoryCache, context: &JobContext<'_>) {
    context.models(models.loaded().into_iter().map(|(key, n_bytes)| LoadedModel { key, n_bytes }).collect());
}

/// The models of a job that are needed from its beginning.
struct Loaded {
    whisper: Arc<Whisper>,
    /// Not needed where the whole recording is transcribed and nobody asks who speaks.
    segmenter: Option<Arc<PyanNet>>,
    diarizer: Option<Diarizer>,
}

/// What tells speakers apart, apart from the segmentation.
struct Diarizer {
    options: DiarizeOptions,
    embedder: Embedder,
    plda: Option<Plda>,
}

fn load(
    models: &mut MemoryCache,
    paths: &AppPaths,
    request: &JobRequest,
    context: &JobContext<'_>,
) -> anyhow::Result<Loaded> {
    let (whisper, warning) = models.whisper(&request.model, request.device, request.compute_type)?;
    if let Some(warning) = warning {
        context.warn(warning);
    }
    let loaded = match request.speakers.diarize {
        Diarize::Off => None,
        Diarize::On => match load_diarizer(models, paths, &request.speakers.model) {
            Ok(loaded) => Some(loaded),
            Err(error) => {
                context.warn(format!("Speakers are not told apart: {}.", one_line(&error)));
                None
            }
        },
    };
    let (segmenter, diarizer) = match (loaded, request.mode) {
        (Some((segmenter, diarizer)), _) => (Some(segmenter), Some(diarizer)),
        (None, Mode::Batched) => (Some(models.segmentation()?), None),
        (None, Mode::Sequential) => (None, None),
    };
    Ok(Loaded { whisper, segmenter, diarizer })
}

fn load_diarizer(models: &mut MemoryCache, paths: &AppPaths, name: &str) -> anyhow::Result<(Arc<PyanNet>, Diarizer)> {
    let config = catalog::diarization_folder(name, paths)?.join("config.yaml");
    let text = fs::read_to_string(&config).map_err(FileError::of("read", &config))?;
    let options = DiarizeOptions::from_yaml(&text).with_context(|| config.display().to_string())?;
    let segmenter = models.segmentation_in(&catalog::part_folder(&config, &options.segmentation)?)?;
    let embedding = catalog::part_folder(&config, &options.embedding)?;
    // SpeechBrain's models come with hyperparameters, pyannote's with a configuration.
    let embedder = if embedding.join("hyperparams.yaml").exists() {
        Embedder::Ecapa(models.ecapa_in(&embedding)?)
    } else {
        Embedder::WeSpeaker(models.resnet_in(&embedding)?)
    };
    let plda = match &options.plda {
        Some(name) => Some(Plda::load(&catalog::part_folder(&config, name)?)?),
        None => None,
    };
    // An hour of voices would be taken before the clustering found that out.
    let has_plda = plda.as_ref().is_some_and(|plda| plda.dimension() == embedder.dimension());
    anyhow::ensure!(
        has_plda || !matches!(options.clustering, Clustering::Vbx { .. }),
        "{}: its clustering needs a PLDA for voices of {} numbers; install the whole model again",
        config.display(),
        embedder.dimension()
    );
    Ok((segmenter, Diarizer { options, embedder, plda }))
}

/// What was transcribed, before its words have times.
struct Said<'a> {
    segments: Vec<Segment>,
    language: &'a str,
    task: Task,
}

/// Gives words their times: by the aligner of the language, else by Whisper's attention, else not at all.
fn aligned(
    samples: &Mono16k,
    said: Said<'_>,
    whisper: &Whisper,
    models: &mut MemoryCache,
    request: &JobRequest,
    context: &JobContext<'_>,
) -> anyhow::Result<Vec<Segment>> {
    let Said { segments, language, task } = said;
    let folder = match &request.alignment {
        Alignment::Off => return Ok(segments),
        Alignment::Automatic => None,
        Alignment::With(folder) => Some(folder.as_path()),
    };
    if segments.is_empty() {
        return Ok(segments);
    }
    context.stage(Stage::Align, |progress| {
        // A translation is not what is heard, so no aligner can find its words.
        let aligner = match task {
            Task::Transcribe => models.aligner(language, folder).map_err(|error| error.to_string()),
            Task::Translate => Err("a translation cannot be aligned with what is heard".to_owned()),
        };
        tell_models(models, context);
        let aligned = match aligner {
            Ok(aligner) => align::align(samples, segments.clone(), language, &aligner, progress),
            Err(reason) => {
                context.warn(format!("The times of words come from Whisper and are less exact: {reason}."));
                Ok(Aligned { segments, warnings: Vec::new() })
            }
        };
        let (mut timed, untimed): (Vec<Segment>, Vec<Segment>) = match aligned {
            Ok(Aligned { segments, .. }) => {
                segments.into_iter().partition(|segment| !segment.words.is_empty() || segment.text.trim().is_empty())
            }
            // Cancelled, or the samples cannot be read any more.
            Err(error) => return Err(error.into()),
        };
        if !untimed.is_empty() {
            if !timed.is_empty() {
                let n = untimed.len();
                context.warn(format!("The times of words in {n} passages come from Whisper and are less exact."));
            }
            let attended = align::cross_attention::align(samples, untimed.clone(), language, task, whisper, progress);
            timed.extend(match attended {
                Ok(Aligned { segments, warnings }) => {
                    for warning in warnings {
                        context.warn(warning);
                    }
                    segments
                }
                Err(StageError::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(error) => {
                    context.warn(format!("Some words have no times: {error}."));
                    untimed
                }
            });
            timed.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
        }
        Ok(timed)
    })
}

/// Tells speakers apart. Only being cancelled ends the job here.
fn told_apart(
    samples: &Mono16k,
    activity: &Activity,
    diarizer: &Diarizer,
    request: &JobRequest,
    context: &JobContext<'_>,
) -> anyhow::Result<Option<Diarization>> {
    context.stage(Stage::Diarize, |progress| {
        let Diarizer { options, embedder, plda } = diarizer;
        let embeddings = match embeddings(samples, activity, embedder, options, progress) {
            Ok(embeddings) => embeddings,
            Err(StageError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(error) => {
                context.warn(format!("Speakers are not told apart: {error}."));
                return Ok(None);
            }
        };
        match cluster_and_reconstruct(activity, &embeddings, options, &request.speakers.count, plda.as_ref()) {
            Ok(mut diarization) => {
                for warning in diarization.warnings.drain(..) {
                    context.warn(format!("{warning}."));
                }
                Ok(Some(diarization))
            }
            Err(error) => {
                context.warn(format!("Speakers are not told apart: {error}."));
                Ok(None)
            }
        }
    })
}

/// The speakers of a recording, with the names of those whose voices are known. Only being cancelled ends the job here.
fn recognised(
    samples: &Mono16k,
    diarization: &Diarization,
    models: &mut MemoryCache,
    paths: &AppPaths,
    request: &JobRequest,
    context: &JobContext<'_>,
) -> anyhow::Result<Vec<Speaker>> {
    let speaker = |speaker: &DiarizedSpeaker| Speaker { label: speaker.label.clone(), ..Speaker::default() };
    let mut speakers: Vec<Speaker> = diarization.speakers.iter().map(speaker).collect();
    let recognised = context.stage(Stage::Recognise, |progress| {
        let model = VoiceModel::load(models, paths)?;
        tell_models(models, context);
        let voices = voiceprints(samples, &diarization.exclusive, &diarization.turns, &model.ecapa, progress)?;
        for SpeakerVoice { speaker: label, voice } in voices {
            if let Some(speaker) = speakers.iter_mut().find(|speaker| speaker.label == label) {
                speaker.voiceprint = voice.embedding;
            }
        }
        let (known, warnings) =
            known_voices(request.speakers.voices.as_deref(), &model, paths, &Progress::unwatched(context.cancel()))?;
        for warning in warnings {
            context.warn(warning);
        }
        let measured: Vec<usize> = (0..speakers.len()).filter(|n| !speakers[*n].voiceprint.is_empty()).collect();
        let prints: Vec<&[f32]> = measured.iter().map(|n| speakers[*n].voiceprint.as_slice()).collect();
        let recognitions = recognise(&prints, &known, &[], &model.options);
        for (n, recognition) in measured.into_iter().zip(recognitions) {
            let named = recognition.as_ref().filter(|recognition| recognition.verdict == Verdict::Recognised);
            speakers[n].name = named.map(|recognition| recognition.nearest.clone());
            speakers[n].recognition = recognition;
        }
        Ok::<_, VoicesError>(())
    });
    if let Err(error) = recognised {
        context.cancel().check()?;
        context.warn(format!("Voices are not recognised: {error}."));
    }
    Ok(speakers)
}

/// What of a request concerns the speech model.
fn options_of(request: &JobRequest) -> TranscribeOptions {
    TranscribeOptions {
        language: request.language.clone(),
        task: request.task,
        batch_size: request.batch_size,
        beam_size: request.beam_size,
        prompt: request.hints.prompt.clone(),
        hotwords: request.hints.hotwords.clone(),
        prefix: request.hints.prefix.clone(),
        numerals: request.numerals,
        previous_text: request.previous_text,
        ..TranscribeOptions::default()
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
