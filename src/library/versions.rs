//! The versions of a transcript: those that are kept beside the newest one, and making one of them the newest. Nothing
//! is ever taken away by that: what was the newest is put among the earlier ones.

use std::cmp::Reverse;

use rusqlite::params;

use super::entry::{RecordingId, TranscriptVersion};
use super::error::{LibraryError, failed};
use super::schema::writing;
use super::transcripts::{self, KeptTranscript};
use super::{Library, recordings};

impl Library {
    /// The versions of a transcript that can be restored, newest first. The newest one itself is none of them, and one
    /// that cannot be read is passed over.
    pub fn versions(&self, id: RecordingId) -> Result<Vec<TranscriptVersion>, LibraryError> {
        let exists = recordings::exists(&self.connection, id).map_err(failed("look for a recording", &self.path))?;
        if !exists {
            return Err(LibraryError::NoRecording(id.0));
        }
        let newest = transcripts::read_if_intact(&self.connection, &self.path, id)?;
        let mut versions = Vec::new();
        for (idx, kept) in transcripts::earlier_each(&self.connection, &self.path, id)?.into_iter().enumerate() {
            match kept {
                Ok(kept) if newest.as_ref().is_some_and(|newest| newest.says_the_same(&kept)) => {}
                Ok(kept) => versions.push(version_of(idx + 1, &kept)),
                Err(error) => tracing::debug!("version {} is passed over: {error}", idx + 1),
            }
        }
        versions
            .extend(newest.filter(|newest| newest.current.is_some()).map(|newest| version_of(0, &as_given(newest))));
        versions.sort_by_key(|version| Reverse((version.at_secs, version.number)));
        Ok(versions)
    }

    /// Makes a version of a transcript the newest one. What was the newest is a version from then on, whose number is
    /// returned; `None` where there was none, or the same.
    pub fn restore(&mut self, id: RecordingId, version: usize) -> Result<Option<usize>, LibraryError> {
        let failed = || failed("restore a transcript", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        if !recordings::exists(&transaction, id).map_err(failed())? {
            return Err(LibraryError::NoRecording(id.0));
        }
        let newest = transcripts::read_if_intact(&transaction, &self.path, id)?;
        let wanted = match version.checked_sub(1) {
            None => newest.clone().map(|newest| Ok(as_given(newest))),
            Some(idx) => transcripts::earlier_each(&transaction, &self.path, id)?.into_iter().nth(idx),
        };
        let wanted = wanted.ok_or(LibraryError::NoVersion { recording: id.0, version })??;
        let replaced = match &newest {
            Some(newest) if newest.says_the_same(&wanted) => return Ok(None),
            // As the job gave it, it is kept below the changes.
            Some(newest) if newest.current.is_none() && newest.original == wanted.original => Some(0),
            Some(newest) => Some(transcripts::keep_beside(&transaction, &self.path, id, newest)?),
            None => None,
        };
        transcripts::put(&transaction, &self.path, id, &wanted)?;
        // Whether the file is there is kept apart from that.
        let sql = "UPDATE recordings SET status = 2, status_text = ?2 WHERE id = ?1";
        let marked = transaction.execute(sql, params![id.0, wanted.model]);
        marked.and_then(|_| transaction.commit()).map_err(failed())?;
        Ok(replaced)
    }
}

/// A transcript as the job gave it.
fn as_given(kept: KeptTranscript) -> KeptTranscript {
    KeptTranscript { current: None, changes: Vec::new(), saved_secs: None, ..kept }
}

fn version_of(number: usize, kept: &KeptTranscript) -> TranscriptVersion {
    TranscriptVersion {
        number,
        model: kept.model.clone(),
        at_secs: kept.saved_secs.unwrap_or(kept.made_secs),
        n_changes: kept.changes.len(),
        n_words: kept.current.as_ref().unwrap_or(&kept.original).n_words(),
    }
}
