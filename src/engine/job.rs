//! One job from file to transcript: decode, find speech, cut it into chunks, transcribe; or decode and transcribe from
//! beginning to end. The only place where stages, models and files meet.

use std::io;
use std::path::Path;

use rayon::ThreadPool;

use crate::audio::decode;
use crate::models::MemoryCache;
use crate::paths::AppPaths;
use crate::pipeline::chunk::merge_regions;
use crate::pipeline::options::{TranscribeOptions, check_model};
use crate::pipeline::speech::{SpeechThresholds, speech_regions, speech_scores};
use crate::pipeline::{sequential, transcribe};
use crate::transcript::Transcript;
use crate::units::SampleIdx;

use super::command::{JobRequest, Mode};
use super::event::{LoadedModel, Stage};
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
}

fn run(
    models: &mut MemoryCache,
    paths: &AppPaths,
    request: &JobRequest,
    context: &JobContext<'_>,
) -> anyhow::Result<Transcript> {
    let path = &request.path;
    // What is wrong with the request is told before an hour of audio is decoded.
    models.check_whisper(&request.model)?;
    let decoded = context.stage(Stage::Decode, |progress| decode::decode(path, &paths.cache_dir, progress))?;
    let samples = decoded.samples;
    let duration = SampleIdx(samples.len()).to_seconds();
    context.audio_ready(duration);
    for warning in decoded.warnings {
        context.warn(warning);
    }

    let (segmentation, (whisper, warning)) = context.stage(Stage::LoadModels, |_| {
        let segmentation = match request.mode {
            Mode::Batched => models.segmentation().map(Some),
            Mode::Sequential => Ok(None),
        };
        let loaded = segmentation.and_then(|segmentation| {
            Ok((segmentation, models.whisper(&request.model, request.device, request.compute_type)?))
        });
        context.models(models.loaded().into_iter().map(|(key, n_bytes)| LoadedModel { key, n_bytes }).collect());
        loaded
    })?;

    if let Some(warning) = warning {
        context.warn(warning);
    }

    let options = options_of(request);
    check_model(&whisper, &options)?;
    let mut on_segments = |segments: &[_]| context.segments(segments);
    let transcribed = if let Some(segmentation) = segmentation {
        let window = SampleIdx(whisper.config().window_samples()).to_seconds();
        let scores = context.stage(Stage::Speech, |progress| speech_scores(&samples, &segmentation, progress))?;
        let regions = speech_regions(&scores, &SpeechThresholds::for_chunks_of(window));
        let chunks = merge_regions(&regions, window);
        context.stage(Stage::Transcribe, |progress| {
            transcribe::transcribe(&samples, &chunks, &whisper, &options, progress, &mut on_segments)
        })?
    } else {
        context.stage(Stage::Transcribe, |progress| {
            sequential::transcribe(&samples, &whisper, &options, progress, &mut on_segments)
        })?
    };
    for warning in transcribed.warnings {
        context.warn(warning);
    }
    Ok(Transcript { language: transcribed.language, duration, segments: transcribed.segments })
}

/// What of a request concerns the speech model.
fn options_of(request: &JobRequest) -> TranscribeOptions {
    TranscribeOptions {
        language: request.language.clone(),
        task: request.task,
        batch_size: request.batch_size,
        beam_size: request.beam_size,
        prompt: request.prompt.clone(),
        hotwords: request.hotwords.clone(),
        prefix: request.prefix.clone(),
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
