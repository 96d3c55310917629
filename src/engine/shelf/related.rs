//! Which recordings of the library sound like one whose job ended: other forms of it, and parts. They are suggested to the
//! user, and nothing of them is used for it.

use crate::audio::fingerprint::{Fingerprint, Likeness};
use crate::engine::event::Acoustics;
use crate::library::{KeptFingerprint, Known, Library, LibraryError, RecordingEntry, RecordingId, SoundFeatures};

/// Recordings that are compared with it, those with most landmarks in common first: each takes some milliseconds.
const MAX_COMPARED: usize = 16;

/// Keeps what a recording sounds like. Returns the recording if that is new and others sound like it.
pub(super) fn keep(
    library: &mut Library,
    id: RecordingId,
    acoustics: &Acoustics,
) -> Result<Option<Box<RecordingEntry>>, LibraryError> {
    if let Some(features) = acoustics.features {
        let features = SoundFeatures {
            loudness_lufs: features.loudness_lufs,
            noise_dbfs: features.noise_dbfs,
            snr_db: features.snr_db,
            speech_share: features.speech_share,
        };
        library.keep_features(id, &features)?;
    }
    let Some(fingerprint) = &acoustics.fingerprint else { return Ok(None) };
    let landmarks = fingerprint.landmarks();
    let kept = KeptFingerprint { items: fingerprint.items(), landmarks: &landmarks };
    if library.keep_fingerprint(id, kept)? == Known::Already {
        return Ok(None);
    }
    let mut related = Vec::new();
    for other in library.sharing_landmarks(id, MAX_COMPARED)? {
        let Some(items) = library.fingerprint(other)? else { continue };
        let similarity = fingerprint.similarity(&Fingerprint::from_items(items));
        related.extend(Likeness::of(similarity).map(|_| (other, similarity)));
    }
    if related.is_empty() {
        return Ok(None);
    }
    library.relate(id, &related)?;
    Ok(library.entry(id)?.map(Box::new))
}
