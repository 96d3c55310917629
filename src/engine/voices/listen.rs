//! From recordings to voiceprints: files that the user names, folders of them, and enrolled files that another model
//! listened to. What cannot be used is left out with a warning; nothing is stored here but what can be made again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{self, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::audio::decode::{self, DecodeError};
use crate::files::{self, FileError};
use crate::paths::AppPaths;
use crate::pipeline::recognise::{self, RecogniseOptions, SoleVoice};
use crate::task::Progress;
use crate::voices::{self, Origin, VoiceError, Voiceprint, Voices};

use super::{VoiceModel, VoicesError, voices_file};

/// Endings of the recordings that are looked for in folders. A file that is named by itself may have any.
pub const RECORDING_EXTENSIONS: [&str; 21] = [
    "aac", "aif", "aiff", "caf", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpga", "oga",
    "ogg", "opus", "wav", "wave", "webm",
];
/// With less speech a voiceprint is made, and the user is told that more is better.
const MIN_GOOD_SPEECH_SECS: f64 = 3.0;
/// Where the hash begins.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
/// Hashes of weights, by the file, since the program started.
static WEIGHTS_IDS: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());

/// A recording and who speaks in it.
pub(super) struct NamedFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// What is remembered of a folder: its voices, and the files that were listened to and have none.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    voices: Voices,
    refusals: Vec<Refusal>,
}

/// A file with sound in which there is no voice. What cannot be decoded fails soon, every time, and is none of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    origin: Origin,
    /// What the user is told.
    reason: String,
}

/// Takes voiceprints from recordings.
pub(super) struct Listener<'a> {
    model: &'a VoiceModel,
    paths: &'a AppPaths,
    warnings: &'a mut Vec<String>,
    /// Those that were met, and those that are remembered.
    refusals: Vec<Refusal>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(model: &'a VoiceModel, paths: &'a AppPaths, warnings: &'a mut Vec<String>) -> Self {
        Self { model, paths, warnings, refusals: Vec::new() }
    }

    /// The voiceprints of files, each with the name that goes with it; those that `known` has are not taken again.
    /// Files that have none are left out with a warning.
    pub(super) fn prints(
        &mut self,
        files: &[NamedFile],
        known: &Voices,
        progress: &Progress<'_>,
    ) -> Result<Vec<(String, Voiceprint)>, VoicesError> {
        let mut prints = Vec::new();
        for (n, NamedFile { name, path }) in files.iter().enumerate() {
            progress.at(n, files.len())?;
            let origin = origin_of(path).ok();
            let known_print = known
                .list()
                .iter()
                .flat_map(|voice| voice.of_model(&self.model.id))
                .find(|print| Some(&print.origin) == origin.as_ref())
                .cloned();
            let refusal = self.refusals.iter().find(|refusal| Some(&refusal.origin) == origin.as_ref());
            let print = if let Some(print) = known_print {
                print
            } else if let Some(refusal) = refusal {
                self.warnings.push(refusal.reason.clone());
                continue;
            } else if let Some(print) = self.print(path, progress)? {
                print
            } else {
                continue;
            };
            self.warnings.extend(doubts(path, &print, &self.model.options));
            prints.push((name.clone(), print));
        }
        progress.at(1, 1)?;
        Ok(prints)
    }

    fn print(&mut self, path: &Path, progress: &Progress<'_>) -> Result<Option<Voiceprint>, VoicesError> {
        let unwatched = Progress::unwatched(progress.cancel());
        let decoded = match decode::decode(path, &self.paths.cache_dir, &unwatched) {
            Ok(decoded) => decoded,
            Err(DecodeError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(error) => {
                self.warnings.push(format!("{error}. It is left out."));
                return Ok(None);
            }
        };
        let shown = path.display();
        self.warnings.extend(decoded.warnings.into_iter().map(|warning| format!("{shown}: {warning}")));
        let heard = recognise::sole_voice(&decoded.samples, &self.model.ecapa, &unwatched)?;
        let origin = match origin_of(path).map_err(FileError::of("read", path)) {
            Ok(origin) => origin,
            Err(error) => {
                self.warnings.push(format!("{error}. It is left out."));
                return Ok(None);
            }
        };
        let reason = match heard {
            SoleVoice::Found(voice) => {
                return Ok(Some(Voiceprint {
                    embedding: voice.embedding,
                    origin,
                    model: self.model.id.clone(),
                    speech_secs: Some(voice.speech.0),
                    agreement: Some(voice.agreement),
                }));
            }
            SoleVoice::Silent => format!("{shown}: nothing is to be heard in it. It is left out."),
            SoleVoice::TooShort(sound) => {
                let what = format!("{:.1} s of sound are too little to know a voice by", sound.0);
                format!("{shown}: {what}; ten seconds are good. It is left out.")
            }
        };
        self.warnings.push(reason.clone());
        self.refusals.push(Refusal { origin, reason });
        Ok(None)
    }

    /// The enrolled voices, with voiceprints of this model wherever they can be had.
    pub(super) fn enrolled(&mut self, progress: &Progress<'_>) -> Result<Voices, VoicesError> {
        let store = voices_file(self.paths);
        let (mut voices, warning) = voices::load(&store);
        self.warnings.extend(warning);
        let outdated = outdated_files(&voices, &self.model.id);
        if outdated.is_empty() {
            return Ok(voices);
        }
        let prints = self.prints(&outdated, &Voices::default(), progress)?;
        let add = |voices: &mut Voices| -> Result<(), VoiceError> {
            for (name, print) in &prints {
                // Somebody may have removed the voice meanwhile.
                if voices.find(name).is_some() {
                    voices.enrol(name, vec![print.clone()])?;
                }
            }
            Ok(())
        };
        add(&mut voices)?;
        match voices::change(&store, add) {
            Ok(((), warning)) => self.warnings.extend(warning),
            Err(error) => self.warnings.push(format!("{error}. The voiceprints are made again next time.")),
        }
        Ok(voices)
    }

    /// The voices in a folder. One that cannot be used has none, and the user is told.
    pub(super) fn in_folder(&mut self, folder: &Path, progress: &Progress<'_>) -> Result<Voices, VoicesError> {
        let files = match recordings_in(folder, self.warnings) {
            Ok(files) => files,
            Err(error) => {
                self.warnings.push(format!("{error}. No voice is taken from there."));
                return Ok(Voices::default());
            }
        };
        let name = path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let name = format!("{:016x}.json", fnv1a(FNV_START, name.as_os_str().as_encoded_bytes()));
        let cache = self.paths.cache_dir.join("voices-2").join(name);
        // What cannot be read is made again.
        let known = fs::read(&cache).ok().and_then(|bytes| serde_json::from_slice::<Heard>(&bytes).ok());
        let known = known.unwrap_or_default();
        self.refusals.clone_from(&known.refusals);
        let mut heard = Heard::default();
        for (name, print) in self.prints(&files, &known.voices, progress)? {
            heard.voices.enrol(&name, vec![print])?;
        }
        heard.refusals = std::mem::take(&mut self.refusals);
        heard.refusals.retain(|refusal| is_unchanged(&refusal.origin));
        if heard != known
            && let Err(error) = remember(&cache, &heard)
        {
            self.warnings.push(format!("{error}. The voices of {} are taken again next time.", folder.display()));
        }
        Ok(heard.voices)
    }
}

fn remember(cache: &Path, heard: &Heard) -> Result<(), FileError> {
    let bytes = serde_json::to_vec(heard).map_err(io::Error::other).map_err(FileError::of("write", cache))?;
    files::write_private(cache, &bytes)
}

/// What the user should know about a file whose voice was taken.
fn doubts(path: &Path, print: &Voiceprint, options: &RecogniseOptions) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some(agreement) = print.agreement.filter(|agreement| *agreement < options.min_agreement) {
        doubts.push(format!(
            "{}: two people seem to speak in it (its parts agree by {agreement:.2}, one voice by {:.2} or more). Enrol \
             a recording of one person alone.",
            path.display(),
            options.min_agreement
        ));
    }
    if let Some(secs) = print.speech_secs.filter(|secs| *secs < MIN_GOOD_SPEECH_SECS) {
        let advice = "With ten seconds or more, the voice is recognised more surely.";
        doubts.push(format!("{}: there are only {secs:.1} s of speech in it. {advice}", path.display()));
    }
    doubts
}

/// Enrolled files that are as they were when another model listened to them, and that this one has not heard.
fn outdated_files(voices: &Voices, model: &str) -> Vec<NamedFile> {
    let mut files: Vec<NamedFile> = Vec::new();
    for voice in voices.list() {
        for print in &voice.prints {
            let Origin::EnrolledFile { path, .. } = &print.origin else { continue };
            let is_heard = voice.of_model(model).any(|known| known.origin.is_same_file(&print.origin));
            let is_listed = files.iter().any(|file| file.name == voice.name && file.path == *path);
            if !is_heard && !is_listed && is_unchanged(&print.origin) {
                files.push(NamedFile { name: voice.name.clone(), path: path.clone() });
            }
        }
    }
    files
}

/// The recordings in a folder, by the names of the files, and those in the folders in it, by the names of the folders.
/// What cannot be used is left out with a warning.
pub(super) fn recordings_in(folder: &Path, warnings: &mut Vec<String>) -> Result<Vec<NamedFile>, VoicesError> {
    let mut files = Vec::new();
    let named = |name: Option<&OsStr>, path: PathBuf| {
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        NamedFile { name, path }
    };
    for entry in entries(folder)? {
        if entry.is_dir() {
            let inside = match entries(&entry) {
                Ok(inside) => inside,
                Err(error) => {
                    warnings.push(format!("{error}. It is left out."));
                    continue;
                }
            };
            let inside: Vec<PathBuf> = inside.into_iter().filter(|path| is_recording(path)).collect();
            if inside.is_empty() {
                warnings.push(format!("{} holds no recordings, so no voice goes by this name.", entry.display()));
            }
            files.extend(inside.into_iter().map(|path| named(entry.file_name(), path)));
        } else if is_recording(&entry) {
            files.push(named(entry.file_stem(), entry.clone()));
        }
    }
    files.retain(|NamedFile { name, path }| match Voices::default().enrol(name, Vec::new()) {
        Ok(()) => true,
        Err(error) => {
            warnings.push(format!("{}: {error}. It is left out.", path.display()));
            false
        }
    });
    if files.is_empty() { Err(VoicesError::NoRecordings { folder: folder.to_path_buf() }) } else { Ok(files) }
}

/// What is in a folder, in the order of names, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    };
    list().map_err(FileError::of("read folder", folder))
}

fn is_recording(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| RECORDING_EXTENSIONS.contains(&extension.as_str()))
}

fn origin_of(path: &Path) -> io::Result<Origin> {
    let metadata = fs::metadata(path)?;
    Ok(Origin::EnrolledFile {
        path: as_unicode(&path::absolute(path)?),
        n_bytes: metadata.len(),
        modified_unix_ms: unix_ms(metadata.modified()?),
    })
}

/// Whether the file is there as it was.
fn is_unchanged(origin: &Origin) -> bool {
    match origin {
        Origin::EnrolledFile { path, .. } => origin_of(path).is_ok_and(|now| now == *origin),
        Origin::Meeting { .. } => false,
    }
}

/// The path as it can be stored. One that is no Unicode is only good for being shown then.
pub(super) fn as_unicode(path: &Path) -> PathBuf {
    PathBuf::from(path.to_string_lossy().into_owned())
}

pub(super) fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Goes on with a hash (FNV-1a, 64 bits), which tells apart what nobody tries to make equal.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The hash of the weights in a folder, in the file that `Ecapa::load` takes. They are read once, as they are loaded
/// once: whoever learns a voice of a meeting need not wait for that.
pub(super) fn weights_id(folder: &Path) -> Result<String, FileError> {
    let ids = || WEIGHTS_IDS.lock().unwrap_or_else(PoisonError::into_inner);
    let safetensors = folder.join("embedding_model.safetensors");
    let path = if safetensors.exists() { safetensors } else { folder.join("embedding_model.ckpt") };
    let known = ids().get(&path).cloned();
    if let Some(id) = known {
        return Ok(id);
    }
    let read = || -> io::Result<u64> {
        let mut file = File::open(&path)?;
        let (mut hash, mut buffer) = (FNV_START, vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hash),
                n_bytes => hash = fnv1a(hash, &buffer[..n_bytes]),
            }
        }
    };
    let id = format!("{:016x}", read().map_err(FileError::of("read", &path))?);
    ids().insert(path, id.clone());
    Ok(id)
}
