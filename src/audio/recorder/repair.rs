//! Recordings that nobody ended, because the program or the machine died: the sound that came after the header's last
//! word is added to what it states, and the markers are written behind it. The sound itself is never touched.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::units::Seconds;

use super::journal::Journal;
use super::wave_file::{Medium as _, OnDisk, WaveFile};
use super::wave_header::{HEADER_BYTES, frame_bytes, parse};

/// What begins behind the samples of a recording that was all but ended.
const MARKERS: &[u8; 4] = b"cue ";

/// A recording that was found unfinished.
#[derive(Clone, Debug, PartialEq)]
pub struct Repaired {
    /// The file.
    pub path: PathBuf,
    /// How long it is now that it is whole; or one line that says why it is left as it is.
    pub outcome: Result<Seconds, String>,
}

/// Repairs all recordings that are noted as unfinished in `folder` and that no process makes any more. Files that the
/// user removed are forgotten.
pub fn repair_unfinished(folder: &Path) -> Vec<Repaired> {
    let (journals, unreadable) = Journal::left_behind(folder);
    let mut repaired: Vec<Repaired> =
        unreadable.into_iter().map(|error| Repaired { outcome: Err(error.to_string()), path: error.path }).collect();
    for journal in journals {
        let path = journal.note().recording.clone();
        let is_gone = !path.exists();
        let drive_is_there = path.parent().is_some_and(Path::is_dir);
        match repair(&path, &journal) {
            Ok(secs) => {
                journal.close();
                repaired.push(Repaired { path, outcome: Ok(secs) });
            }
            Err(_) if is_gone && drive_is_there => journal.close(),
            // A drive that is not connected may be connected the next time.
            Err(_) if is_gone => {}
            Err(RepairError::File(error)) => {
                repaired.push(Repaired { outcome: Err(error.to_string()), path });
            }
            Err(RepairError::Other(reason)) => {
                journal.close();
                let message = format!("{}: {reason}", path.display());
                repaired.push(Repaired { path, outcome: Err(message) });
            }
        }
    }
    repaired
}

enum RepairError {
    /// It may go better the next time.
    File(FileError),
    /// It never will.
    Other(&'static str),
}

fn repair(path: &Path, journal: &Journal) -> Result<Seconds, RepairError> {
    let read_error = |source| RepairError::File(FileError::of("read", path)(source));
    let write_error = |source| RepairError::File(FileError::of("write", path)(source));
    let mut medium = OnDisk::open(path).map_err(read_error)?;
    let n_bytes = medium.n_bytes().map_err(read_error)?;
    if n_bytes < HEADER_BYTES as u64 {
        // Nothing was recorded. An empty file would only be in the way of the next recording of this name.
        fs::remove_file(path).map_err(write_error)?;
        return Err(RepairError::Other("the recording was ended before its first sound, so the file was removed"));
    }
    let mut head = [0; HEADER_BYTES];
    medium.file().read_exact(&mut head).map_err(read_error)?;
    let Some((format, n_stated)) = parse(&head) else {
        return Err(RepairError::Other("another program has changed it since, so it is left as it is"));
    };
    let n_behind_header = n_bytes - HEADER_BYTES as u64;
    let n_data_bytes = if ends_with_markers(&medium, n_stated, n_behind_header).map_err(read_error)? {
        n_stated
    } else {
        n_behind_header - n_behind_header % frame_bytes(format)
    };
    medium.set_len(HEADER_BYTES as u64 + n_data_bytes).map_err(write_error)?;
    let mut file = WaveFile::resume(medium, format, n_data_bytes);
    file.finish(&journal.note().markers).map_err(write_error)?;
    Ok(Seconds(format.secs(file.n_frames())))
}

/// Whether markers follow what the header states: it was right when they were begun.
fn ends_with_markers(medium: &OnDisk, n_stated: u64, n_behind_header: u64) -> io::Result<bool> {
    if n_stated + MARKERS.len() as u64 > n_behind_header {
        return Ok(false);
    }
    let mut file = medium.file();
    let mut name = [0; 4];
    file.seek(SeekFrom::Start(HEADER_BYTES as u64 + n_stated))?;
    file.read_exact(&mut name)?;
    Ok(&name == MARKERS)
}

#[cfg(test)]
mod tests {
    use super::super::{Marker, SoundFormat};
    use super::*;

    #[test]
    fn what_nobody_ended_is_whole_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("meeting.wav");
        let journals = folder.path().join("unfinished");
        let format = SoundFormat::new(1000, 2).expect("not zero");
        let marker = Marker { at_frame: 40, label: "vote".to_owned() };
        // Bytes behind the last commit, of which there were 400; and what is there after the repair.
        for (behind, n_expected) in
            [(&[][..], 400), (&[1; 8], 408), (&[1; 11], 408), (b"cue \x1c\0\0\0half", 400), (&[1; 4000], 4400)]
        {
            let mut file = WaveFile::create(&path, format).expect("a writable folder");
            file.append(&[0.5; 200]).expect("room");
            file.commit().expect("room");
            drop(file);
            let mut bytes = fs::read(&path).expect("the recording");
            bytes.extend_from_slice(behind);
            fs::write(&path, bytes).expect("a writable folder");
            let mut journal = Journal::open(&journals, &path).expect("a writable folder");
            journal.mark(marker.clone()).expect("a writable folder");
            assert!(repair_unfinished(&journals).is_empty(), "it still goes on");
            drop(journal);

            let repaired = repair_unfinished(&journals);
            let outcome = Ok(Seconds(n_expected as f64 / 4000.0));
            assert_eq!(repaired, [Repaired { path: path.clone(), outcome }], "{} bytes behind", behind.len());
            assert!(repair_unfinished(&journals).is_empty(), "once is enough");
            assert_eq!(fs::read_dir(&journals).expect("the folder").count(), 0);
            let bytes = fs::read(&path).expect("the recording");
            assert_eq!(parse(bytes[..80].try_into().expect("80 bytes")), Some((format, n_expected)));
            let found = &bytes[80 + n_expected as usize..];
            assert!(found.starts_with(MARKERS) && found.windows(4).any(|four| four == b"vote"), "{found:?}");
            fs::remove_file(&path).expect("a writable folder");
        }
    }

    #[test]
    fn what_cannot_be_repaired_is_told_once_and_left() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let journals = folder.path().join("unfinished");
        for (content, expected) in [
            (None, None),
            (Some(&b"RIFF"[..]), Some("before its first sound")),
            (Some(&[7; 200]), Some("another program")),
        ] {
            let path = folder.path().join("meeting.wav");
            if let Some(content) = content {
                fs::write(&path, content).expect("a writable folder");
            }
            drop(Journal::open(&journals, &path).expect("a writable folder"));
            let outcomes: Vec<_> = repair_unfinished(&journals).into_iter().map(|repaired| repaired.outcome).collect();
            let is_right = match (outcomes.as_slice(), expected) {
                ([], None) => true,
                ([Err(message)], Some(expected)) => message.contains(expected),
                _ => false,
            };
            assert!(is_right, "{outcomes:?} instead of {expected:?}");
            assert!(repair_unfinished(&journals).is_empty());
            fs::remove_file(&path).ok();
        }
    }
}
