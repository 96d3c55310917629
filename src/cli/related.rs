//! Which of the recordings that were transcribed sound like others of the library, in words: perhaps they are the same
//! meeting in another form. Nothing was taken over from them, and nothing is changed here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::library::{Likeness, RecordingEntry};
use crate::engine::shelf::{self, Access};
use crate::paths::AppPaths;
use crate::settings::ModelSettings;

use super::cache_listing::plural;
use super::progress::Display;
use super::table::percent;

/// Lines that are told at most: of ten copies, each sounds like nine others.
const MAX_LINES: usize = 10;

/// Tells it, a line for each two recordings, as long as there are few.
pub(super) fn tell(paths: &AppPaths, settings: &ModelSettings, recordings: &[PathBuf], display: &Display) {
    // What is wrong with the library was told by whoever should have kept the transcript.
    let warn = |warning: &str| tracing::debug!("{warning}");
    let entries = match shelf::related(Access { paths, settings, warn: &warn }, recordings) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!("it is not known what sounds like these recordings: {error}");
            return;
        }
    };
    for line in lines_of(&entries) {
        display.tell(&line);
    }
}

fn lines_of(entries: &[RecordingEntry]) -> Vec<String> {
    let (mut seen, mut lines) = (BTreeSet::new(), Vec::new());
    for entry in entries {
        for other in &entry.related {
            if seen.insert([entry.id.min(other.id), entry.id.max(other.id)]) {
                lines.extend(line(&entry.path, &other.path, other.similarity));
            }
        }
    }
    let n_more = lines.len().saturating_sub(MAX_LINES);
    if n_more > 0 {
        lines.truncate(MAX_LINES);
        let pairs = plural(n_more, "more pair of recordings sounds", "more pairs of recordings sound");
        lines.push(format!("note: {pairs} alike; `hansard library list --json` names them"));
    }
    lines
}

fn line(recording: &Path, other: &Path, similarity: f64) -> Option<String> {
    // A hundred percent are all of it.
    let (recording, other, alike) =
        (recording.display(), other.display(), percent((similarity * 100.0).floor() / 100.0));
    Some(match Likeness::of(similarity)? {
        Likeness::Same => {
            format!(
                "note: {recording}: sounds the same as {other} ({alike} alike): perhaps the same meeting in another form"
            )
        }
        Likeness::Similar => format!(
            "note: {recording}: sounds like {other} ({alike} alike): perhaps the same meeting in another form, or a part \
             of it"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::library::{RecordingId, RelatedRecording, Status};

    /// The first recordings of a library, each of which sounds like all the others.
    fn copies(n_copies: i64) -> Vec<RecordingEntry> {
        let path = |id: i64| PathBuf::from(format!("{id}.wav"));
        let other =
            |id| RelatedRecording { id: RecordingId(id), label: String::new(), path: path(id), similarity: 1.0 };
        let entry = |id| RecordingEntry {
            id: RecordingId(id),
            path: path(id),
            label: String::new(),
            n_bytes: 0,
            duration: None,
            modified_secs: 0,
            status: Status::New,
            speakers: Vec::new(),
            tags: Vec::new(),
            note: String::new(),
            metadata: Vec::new(),
            is_edited: false,
            features: None,
            related: (1..=n_copies).filter(|of| *of != id).map(other).collect(),
        };
        (1..=n_copies).map(entry).collect()
    }

    #[test]
    fn each_pair_is_told_once_and_of_many_only_some() {
        for (n_copies, n_lines, last) in [
            (0, 0, None),
            (
                2,
                1,
                Some("note: 1.wav: sounds the same as 2.wav (100 % alike): perhaps the same meeting in another form"),
            ),
            (
                5,
                10,
                Some("note: 4.wav: sounds the same as 5.wav (100 % alike): perhaps the same meeting in another form"),
            ),
            (6, 11, Some("note: 5 more pairs of recordings sound alike; `hansard library list --json` names them")),
        ] {
            let lines = lines_of(&copies(n_copies));
            assert_eq!((lines.len(), lines.last().map(String::as_str)), (n_lines, last), "{n_copies} copies");
        }
    }

    #[test]
    fn what_sounds_alike_is_told_in_plain_words() {
        for (similarity, expected) in [
            (
                0.99999,
                Some("note: a.mp3: sounds the same as b.wav (99 % alike): perhaps the same meeting in another form"),
            ),
            (
                1.0,
                Some("note: a.mp3: sounds the same as b.wav (100 % alike): perhaps the same meeting in another form"),
            ),
            (
                0.9,
                Some(
                    "note: a.mp3: sounds like b.wav (90 % alike): perhaps the same meeting in another form, or a part of it",
                ),
            ),
            (0.8, None),
        ] {
            assert_eq!(line(Path::new("a.mp3"), Path::new("b.wav"), similarity).as_deref(), expected, "{similarity}");
        }
    }
}
