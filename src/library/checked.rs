//! What a file of recordings says that cannot be: it is set right or left out, with a warning, and the rest is taken.

use super::archive::RecordingRecord;
use super::entry::JobRecord;
use super::recordings::{MAX_NOTE_CHARS, MAX_TAG_CHARS, MAX_TAGS, tidy_tags};

/// No recording and no job is longer: ten years.
const MAX_SECS: f64 = 10.0 * 366.0 * 24.0 * 3600.0;
/// The last second of the year 9999.
const MAX_MOMENT_SECS: i64 = 253_402_300_799;
/// States that a recording can be in.
const N_STATES: i64 = 4;
/// Warnings that are told apart. If there are more, a number tells.
const MAX_WARNINGS: usize = 20;

/// What was left out.
#[derive(Default)]
pub(super) struct LeftOut {
    told: Vec<String>,
    n_more: usize,
}

impl LeftOut {
    pub(super) fn add(&mut self, warning: String) {
        if self.told.len() < MAX_WARNINGS {
            self.told.push(warning);
        } else {
            self.n_more += 1;
        }
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        let Self { mut told, n_more } = self;
        if n_more > 0 {
            told.push(format!("{n_more} more entries of the file are left out or set right"));
        }
        told
    }
}

/// Sets right what a record says of a recording.
pub(super) fn set_right(record: &mut RecordingRecord, left_out: &mut LeftOut) {
    let mut wrong = Vec::new();
    if record.n_bytes < 0 || !(0..N_STATES).contains(&record.status) {
        (record.n_bytes, record.status) = (record.n_bytes.max(0), 0);
        wrong.push("its size or state");
    }
    if record.duration_secs.is_some_and(|secs| !is_duration(secs)) {
        record.duration_secs = None;
        wrong.push("its length");
    }
    let mut tags = tidy_tags(&record.tags);
    tags.retain(|tag| tag.chars().count() <= MAX_TAG_CHARS);
    tags.truncate(MAX_TAGS);
    if tags.len() < record.tags.len() {
        wrong.push("some of its tags");
    }
    record.tags = tags;
    if record.note.chars().count() > MAX_NOTE_CHARS {
        record.note = record.note.chars().take(MAX_NOTE_CHARS).collect();
        wrong.push("the end of its note");
    }
    if !wrong.is_empty() {
        left_out.add(format!("of {:?}, {} cannot be right and is left out", record.label, wrong.join(", ")));
    }
}

/// Whether a job can have been so.
pub(super) fn is_possible(job: &JobRecord) -> bool {
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    (0..=MAX_MOMENT_SECS).contains(&job.started_secs)
        && is_duration(job.audio.0)
        && is_duration(job.total.0)
        && job.stages.iter().all(|(_, taken)| is_duration(taken.0))
        && is_share(f64::from(job.reused_fraction))
        && job.mean_confidence.is_none_or(is_share)
        && job.estimate.is_none_or(|estimate| is_duration(estimate.0))
}

/// Whether the bytes of a folder lead there from the root of the file system of any system.
pub(super) fn is_from_root(folder: &[u8]) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    let begins_there = match folder {
        [first, ..] if is_separator(first) => true,
        [letter, b':', separator, ..] => letter.is_ascii_alphabetic() && is_separator(separator),
        _ => false,
    };
    begins_there && !folder.contains(&0) && !folder.split(is_separator).any(|part| part == b"..")
}

fn is_duration(secs: f64) -> bool {
    (0.0..=MAX_SECS).contains(&secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_begin_at_the_root() {
        for (folder, expected) in [
            (&b"/"[..], true),
            (b"/m/2025/", true),
            (b"C:\\m\\", true),
            (b"\\\\server\\m\\", true),
            (b"", false),
            (b"m/", false),
            (b"../m/", false),
            (b"/m/../../etc/", false),
            (b"C:m\\", false),
            (b"/m\0/", false),
        ] {
            assert_eq!(is_from_root(folder), expected, "{}", String::from_utf8_lossy(folder));
        }
    }
}
