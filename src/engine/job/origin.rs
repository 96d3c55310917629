//! What a transcript was made of, for whoever wants to check it later: hashes of the recording and of the models, and all
//! that was asked and matters to the result.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::engine::command::JobRequest;
use crate::engine::provenance::place_of;
use crate::hash::ContentHash;
use crate::transcript::Transcript;
use crate::transcript::manifest::{self, AudioHashes, Manifest, ModelHash, marks_of};

use super::Tools;
use super::models::JobModels;

/// What a transcript was made of; nothing where it cannot be found out, or where nothing may be kept to find it out soon.
pub(super) fn manifest_of(
    tools: Tools<'_>,
    samples: &ContentHash,
    models: &JobModels<'_>,
    voices: &ContentHash,
    transcript: &Transcript,
) -> Option<Manifest> {
    let Tools { paths, request, stash, .. } = tools;
    if !stash.is_open() {
        return None;
    }
    let name = request.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = stash.hash_of_file(&request.path).ok()?;
    let cache = tools.models.options().disk.as_deref();
    let models = models.parts(&transcript.language).into_iter().filter_map(|(part, name, folder)| {
        let hash = stash.hash_of_model(&folder).ok()?.to_string();
        Some(ModelHash { part: part.to_owned(), name, place: place_of(&folder, paths, cache), hash })
    });
    Some(Manifest {
        layout: manifest::LAYOUT,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        audio: AudioHashes { name, file: file.to_string(), samples: samples.to_string() },
        models: models.collect(),
        parameters: parameters(request, voices, transcript),
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
        ("speakers", named(&request.speakers.count)),
        ("voices", voices.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
