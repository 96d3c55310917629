//! What a transcript was made of, for whoever wants to check it later: hashes of the recording and of the models, and all
//! that was asked and matters to the result.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::engine::command::{JobRequest, SpeakerCount};
use crate::engine::provenance::place_of;
use crate::hash::ContentHash;
use crate::transcript::Transcript;
use crate::transcript::manifest::{self, AudioHashes, Manifest, ModelHash, marks_of};

use super::Tools;
use super::models::JobModels;
use super::sound::Sound;

/// What a transcript was made of; nothing where it cannot be found out, or where the job is to stop. Of a recording that
/// is not any more what was heard, only the sound is told.
pub(super) fn manifest_of(
    tools: Tools<'_>,
    sound: &Sound<'_>,
    models: &JobModels<'_>,
    voices: &ContentHash,
    transcript: &Transcript,
) -> Option<Manifest> {
    let Tools { paths, request, context, stash, .. } = tools;
    let name = request.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // A pipe gives its bytes once.
    let file = if request.path.is_file() { stash.hash_of_file(&request.path).ok() } else { None };
    if context.cancel().is_cancelled() {
        return None;
    }
    // Looked at after its hash was taken, so that both are of the same file.
    let file = file.filter(|_| sound.is_as_heard());
    if file.is_none() {
        context.warn(
            "The recording was changed or removed while it was worked on; the transcript is of what it was before."
                .to_owned(),
        );
    }
    let file = file.map(|file| file.to_string()).unwrap_or_default();
    let mut parameters = parameters(request, voices, transcript);
    parameters.extend(device(tools).map(|device| ("device".to_owned(), device)));
    let cache = tools.models.options().disk.as_deref();
    let models = models.parts(&transcript.language).into_iter().filter_map(|(part, name, folder)| {
        let hash = stash.hash_of_model(&folder).ok()?.to_string();
        Some(ModelHash { part: part.to_owned(), name, place: place_of(&folder, paths, cache), hash })
    });
    Some(Manifest {
        layout: manifest::LAYOUT,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        audio: AudioHashes { name, file, samples: sound.hash().to_string() },
        models: models.collect(),
        parameters,
        n_edits: 0,
        words: marks_of(transcript),
    })
}

/// All that was asked and matters to the result. How fast it comes does not: batches, threads.
fn parameters(request: &JobRequest, voices: &ContentHash, transcript: &Transcript) -> BTreeMap<String, String> {
    let named = |choice: &dyn Debug| format!("{choice:?}").to_lowercase();
    [
        ("language", transcript.language.clone()),
        ("task", named(&request.task)),
        ("mode", named(&request.mode)),
        ("compute_type", named(&request.compute_type)),
        ("beam_size", request.beam_size.to_string()),
        ("prompt", request.hints.prompt.clone()),
        ("hotwords", request.hints.hotwords.clone()),
        ("prefix", request.hints.prefix.clone()),
        ("numerals", named(&request.numerals)),
        ("previous_text", named(&request.previous_text)),
        ("alignment", named(&request.alignment)),
        ("diarize", named(&request.speakers.diarize)),
        ("speakers", speakers_in_words(&request.speakers.count)),
        ("voices", voices.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// What the speech model computes on, which rounds in its own way: `cpu`, `cuda`, `metal`.
fn device(tools: Tools<'_>) -> Option<String> {
    let Tools { models, request, .. } = tools;
    let (placement, _) = models.whisper_files(&request.model, request.device, request.compute_type).ok()?;
    placement.key_suffix().rsplit('_').next().map(str::to_owned)
}

/// How many speakers were asked for.
fn speakers_in_words(count: &SpeakerCount) -> String {
    match (count.exact, count.min, count.max) {
        (Some(exact), ..) => exact.to_string(),
        (None, None, None) => "automatic".to_owned(),
        (None, Some(min), None) => format!("{min} or more"),
        (None, None, Some(max)) => format!("{max} or less"),
        (None, Some(min), Some(max)) => format!("{min} to {max}"),
    }
}
