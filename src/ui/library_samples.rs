//! Recordings of the library as the tests of the window know them.

use std::path::PathBuf;

use crate::engine::library::{Hit, RecordingEntry, RecordingId, Status};
use crate::units::Seconds;

/// A recording of half an hour in which Nora and Brian speak.
pub(super) fn entry(id: i64) -> RecordingEntry {
    RecordingEntry {
        id: RecordingId(id),
        path: PathBuf::from(format!("/meetings/meeting {id}.wav")),
        label: format!("meeting {id}"),
        n_bytes: 57_600_000,
        duration: Some(Seconds(1800.0)),
        // 2025-03-12.
        modified_secs: 1_741_780_800,
        status: Status::Done("small".to_owned()),
        speakers: vec!["Nora".to_owned(), "Brian".to_owned()],
        tags: Vec::new(),
        note: String::new(),
        metadata: Vec::new(),
        is_edited: false,
        features: None,
        related: Vec::new(),
    }
}

/// A passage of that recording with the word `budget` found in it.
pub(super) fn hit(id: i64) -> Hit {
    let RecordingEntry { id, path, label, .. } = entry(id);
    Hit {
        recording: id,
        label,
        path,
        segment_idx: 1,
        word_idx: None,
        at: Seconds(62.0),
        speaker: Some("Nora".to_owned()),
        text: "About the budget.".to_owned(),
        found: vec![(10, 16)],
    }
}
