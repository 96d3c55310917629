//! Reading transcripts that other programs wrote, in threads of their own, so that the window never waits for a disk:
//! the file becomes the transcript of the recording that lies beside it under the same name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::Wake;
use crate::engine::voices::RECORDING_EXTENSIONS;
use crate::import;
use crate::transcript::Transcript;

use super::texts::text_with;

/// Endings of files that are read as transcripts.
pub(super) const TRANSCRIPT_EXTENSIONS: [&str; 3] = ["srt", "vtt", "json"];
/// Longer than the transcript of a week in JSON.
const MAX_BYTES: u64 = 500_000_000;

/// Files that are being read.
pub(super) struct Imports {
    wake: Option<Wake>,
    sender: Sender<Outcome>,
    outcomes: Receiver<Outcome>,
    threads: Vec<JoinHandle<()>>,
}

/// What became of a file.
pub(super) struct Imported {
    /// The file.
    pub(super) file: PathBuf,
    /// The recording that it belongs to, if there is one.
    pub(super) recording: Option<PathBuf>,
    /// What is in it, or one line that says why that is not known.
    pub(super) transcript: Result<Arc<Transcript>, String>,
}

/// The same before it is put into words, which only the window's thread can do in the user's language.
struct Outcome {
    file: PathBuf,
    recording: Option<PathBuf>,
    read: Result<Arc<Transcript>, Refusal>,
}

/// Why a file is not read.
enum Refusal {
    /// The system does not give what is in it.
    Unreadable(io::Error),
    TooLarge,
    /// It is no transcript, as this line says.
    Malformed(String),
    /// The system does not give a thread that could read it.
    NoThread(io::Error),
}

impl Imports {
    /// Nothing is being read yet.
    pub(super) fn new() -> Self {
        let (sender, outcomes) = unbounded();
        Self { wake: None, sender, outcomes, threads: Vec::new() }
    }

    /// Says whom to wake when something was read.
    pub(super) fn start(&mut self, wake: Wake) {
        self.wake = Some(wake);
    }

    /// Reads a file as the transcript of a recording; where none is named, of the one that lies beside it.
    pub(super) fn read(&mut self, file: PathBuf, recording: Option<PathBuf>) {
        self.threads.retain(|thread| !thread.is_finished());
        let (sender, wake, of_file) = (self.sender.clone(), self.wake.clone(), file.clone());
        let work = move || {
            let recording = recording.or_else(|| recording_beside(&file, Path::is_file));
            let read = read(&file).map(Arc::new);
            // Fails only where the window is gone.
            if sender.send(Outcome { file, recording, read }).is_ok()
                && let Some(wake) = wake
            {
                wake();
            }
        };
        match thread::Builder::new().name("hansard-import".to_owned()).spawn(work) {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                let failed = Outcome { file: of_file, recording: None, read: Err(Refusal::NoThread(error)) };
                self.sender.send(failed).expect("this struct holds the receiver too");
            }
        }
    }

    /// What became of the next file, once.
    pub(super) fn take_next(&mut self) -> Option<Imported> {
        let Outcome { file, recording, read } = self.outcomes.try_recv().ok()?;
        let transcript = read.map_err(|refusal| refusal.line(&file));
        Some(Imported { file, recording, transcript })
    }
}

impl Drop for Imports {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that read a transcript panicked");
            }
        }
    }
}

impl Refusal {
    /// What the user reads.
    fn line(self, file: &Path) -> String {
        let of_file = ("file", file.display().to_string().into());
        match self {
            Self::Unreadable(error) => {
                text_with("imports-unreadable", &[of_file, ("problem", error.to_string().into())])
            }
            Self::TooLarge => text_with("imports-too-large", &[of_file]),
            Self::Malformed(line) => line,
            Self::NoThread(error) => text_with("imports-no-thread", &[of_file, ("problem", error.to_string().into())]),
        }
    }
}

/// Files that are read as transcripts, each with the recording of its name where that is among the files, and the
/// recordings that are left.
pub(super) fn sorted(files: Vec<PathBuf>) -> (Vec<(PathBuf, Option<PathBuf>)>, Vec<PathBuf>) {
    let (transcripts, mut recordings): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| is_transcript(file));
    let mut pairs = Vec::new();
    for transcript in transcripts {
        let recording = recording_beside(&transcript, |path| recordings.iter().any(|recording| recording == path));
        recordings.retain(|path| Some(path) != recording.as_ref());
        pairs.push((transcript, recording));
    }
    (pairs, recordings)
}

/// Whether a file is read as a transcript, by its name.
fn is_transcript(file: &Path) -> bool {
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| TRANSCRIPT_EXTENSIONS.contains(&extension.as_str()))
}

/// The recording of the same name: `talk.mp3` or `talk.wav` beside `talk.srt`, or `talk.mp3` beside `talk.mp3.srt`.
fn recording_beside(transcript: &Path, is_there: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let same_name = RECORDING_EXTENSIONS.iter().map(|extension| transcript.with_extension(extension));
    let mut candidates = std::iter::once(transcript.with_extension("")).chain(same_name);
    candidates.find(|candidate| candidate.extension().is_some() && is_there(candidate))
}

fn read(file: &Path) -> Result<Transcript, Refusal> {
    let n_bytes = fs::metadata(file).map_err(Refusal::Unreadable)?.len();
    if n_bytes > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let bytes = fs::read(file).map_err(Refusal::Unreadable)?;
    import::read(&bytes, &file.display().to_string()).map_err(|error| Refusal::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_find_their_recordings() {
        for (files, expected_pairs, expected_recordings) in [
            (vec!["/a/talk.mp3"], vec![], vec!["/a/talk.mp3"]),
            (vec!["/a/talk.srt"], vec![("/a/talk.srt", None)], vec![]),
            (vec!["/a/talk.SRT", "/a/talk.mp3"], vec![("/a/talk.SRT", Some("/a/talk.mp3"))], vec![]),
            (vec!["/a/talk.mp3.vtt", "/a/talk.mp3"], vec![("/a/talk.mp3.vtt", Some("/a/talk.mp3"))], vec![]),
            (vec!["/a/talk.json", "/b/talk.mp3"], vec![("/a/talk.json", None)], vec!["/b/talk.mp3"]),
        ] {
            let (pairs, recordings) = sorted(files.iter().map(PathBuf::from).collect());
            let expected: Vec<(PathBuf, Option<PathBuf>)> = expected_pairs
                .into_iter()
                .map(|(file, recording)| (file.into(), recording.map(PathBuf::from)))
                .collect();
            assert_eq!(pairs, expected, "{files:?}");
            assert_eq!(recordings, expected_recordings.into_iter().map(PathBuf::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn files_are_read_beside_their_recordings_and_refused_with_a_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        for (name, content) in [
            ("talk.wav", ""),
            ("talk.srt", "1\n00:00:01,000 --> 00:00:02,500\nHello.\n"),
            ("other.vtt", "WEBVTT\n\n00:01.000 --> 00:02.500\nHello.\n"),
            ("broken.json", "{"),
        ] {
            fs::write(path(name), content).expect("a writable folder");
        }
        for (name, recording, expected) in [
            ("talk.srt", Some("talk.wav"), Ok("Hello.")),
            ("other.vtt", None, Ok("Hello.")),
            ("broken.json", None, Err("broken.json")),
            ("missing.srt", None, Err("missing.srt")),
        ] {
            let mut imports = Imports::new();
            imports.read(path(name), None);
            // Its thread has ended then.
            imports.threads.drain(..).for_each(|thread| thread.join().expect("nothing panics"));
            let imported = imports.take_next().expect("every file is answered for");
            assert_eq!(imported.recording, recording.map(path), "{name}");
            match (imported.transcript, expected) {
                (Ok(transcript), Ok(text)) => assert_eq!(transcript.plain_text(), text, "{name}"),
                (Err(line), Err(words)) => assert!(line.contains(words), "{line}"),
                (transcript, _) => panic!("{name}: {transcript:?}"),
            }
        }
    }
}
