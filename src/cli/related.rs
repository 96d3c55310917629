//! Which of the recordings that were transcribed sound like others of the library, in words: perhaps they are the same
//! meeting in another form. Nothing was taken over from them, and nothing is changed here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::library::Likeness;
use crate::engine::shelf::{self, Access};
use crate::paths::AppPaths;
use crate::settings::ModelSettings;

use super::progress::Display;
use super::table::percent;

/// Tells it, a line for each two recordings.
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
    let mut told = BTreeSet::new();
    for entry in &entries {
        for other in &entry.related {
            if told.insert([entry.id.min(other.id), entry.id.max(other.id)])
                && let Some(line) = line(&entry.path, &other.path, other.similarity)
            {
                display.tell(&line);
            }
        }
    }
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
