//! Voices on disk: one JSON file with the version of its format. Whoever changes it holds a lock meanwhile, so that the
//! window and a script beside it lose nothing of each other's.
//!
//! The file is the user's own, and nobody else may read it. A damaged one is copied before another is written in its
//! place, and one that a newer Hansard wrote is left alone. Which change is made, the caller decides.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

use super::{VoiceError, Voices};

/// The format that is written. Older ones shall be read for ever, once there are any.
pub const FORMAT_VERSION: u32 = 1;

/// The part that files of all versions have.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredVoices {
    #[serde(rename = "version")]
    _version: u32,
    voices: Voices,
}

#[derive(Serialize)]
struct VoicesToStore<'a> {
    version: u32,
    voices: &'a Voices,
}

/// What a file turned out to be.
enum Content {
    Voices(Voices),
    Damaged(String),
}

/// Reads the voices at `path`, and changes nothing there. No file means no voices; one that cannot be used means no
/// voices and a warning.
pub fn load(path: &Path) -> (Voices, Option<String>) {
    match read(path) {
        Ok(Content::Voices(voices)) => (voices, None),
        Ok(Content::Damaged(reason)) => {
            let warning = format!(
                "{} is damaged ({reason}), so no voice is known. It is copied aside when a voice is enrolled.",
                path.display()
            );
            (Voices::default(), Some(warning))
        }
        Err(error) => (Voices::default(), Some(format!("{error}. So no voice is known."))),
    }
}

/// Changes the voices at `path`: reads them, lets `edit` change them, and writes them, unless `edit` fails. Returns
/// what `edit` returned and a warning if the file was damaged and another had to take its place.
pub fn change<T>(
    path: &Path,
    edit: impl FnOnce(&mut Voices) -> Result<T, VoiceError>,
) -> Result<(T, Option<String>), VoiceError> {
    let _held_to_the_end = lock(path)?;
    let (mut voices, damage) = match read(path)? {
        Content::Voices(voices) => (voices, None),
        Content::Damaged(reason) => (Voices::default(), Some(reason)),
    };
    match (edit(&mut voices), damage) {
        (Ok(answer), None) => {
            write(path, &voices)?;
            Ok((answer, None))
        }
        (Ok(answer), Some(reason)) => {
            // In this order, the voices in it are found again whenever the computer stops.
            let aside = copy_aside(path)?;
            write(path, &voices)?;
            let warning = format!(
                "{} was damaged ({reason}); it is kept as {}, and its voices are not known any more.",
                path.display(),
                aside.display()
            );
            Ok((answer, Some(warning)))
        }
        (Err(error), None) => Err(error),
        (Err(_), Some(reason)) => Err(VoiceError::Damaged { path: path.to_path_buf(), reason }),
    }
}

fn write(path: &Path, voices: &Voices) -> Result<(), FileError> {
    let stored = VoicesToStore { version: FORMAT_VERSION, voices };
    // A path that is no Unicode has no JSON form.
    let mut bytes = serde_json::to_vec(&stored).map_err(io::Error::other).map_err(FileError::of("write", path))?;
    bytes.push(b'\n');
    files::write_private(path, &bytes)
}

fn read(path: &Path) -> Result<Content, VoiceError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Voices(Voices::default())),
        Err(error) => return Err(FileError::of("read", path)(error).into()),
    };
    let version = match serde_json::from_slice::<Header>(&bytes) {
        Ok(header) => header.version,
        Err(error) => return Ok(Content::Damaged(error.to_string())),
    };
    if version > FORMAT_VERSION {
        return Err(VoiceError::Newer { path: path.to_path_buf(), version });
    }
    Ok(match serde_json::from_slice::<StoredVoices>(&bytes) {
        Ok(stored) => Content::Voices(stored.voices),
        Err(error) => Content::Damaged(error.to_string()),
    })
}

/// Copies a file to the first free name `NAME-damaged-N` beside it.
fn copy_aside(path: &Path) -> Result<PathBuf, FileError> {
    let bytes = fs::read(path).map_err(FileError::of("read", path))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let aside = (1..=u32::MAX)
        .map(|n| path.with_file_name(format!("{stem}-damaged-{n}.{extension}")))
        .find(|aside| !aside.exists())
        .expect("a folder cannot hold as many files as there are numbers");
    files::write_private(&aside, &bytes)?;
    Ok(aside)
}

/// Waits until nobody else changes the file. The lock is given back when what is returned is dropped.
fn lock(path: &Path) -> Result<File, FileError> {
    let lock_path = path.with_extension("lock");
    if let Some(folder) = path.parent() {
        files::create_private_folder(folder)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path);
    let file = file.map_err(FileError::of("open", &lock_path))?;
    match file.lock() {
        // Some network drives know no locks. There the last of two who write at the same moment wins.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked.map_err(FileError::of("lock", &lock_path))?,
    }
    Ok(file)
}
