//! `hansard transcribe`: recordings in, one file for each recording and format out, or text on stdout. A folder stands
//! for all recordings below it.
//!
//! What can be known to be wrong before an hour of computing is refused before it: a folder that cannot be written to,
//! a result that would replace the recording itself.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use crate::engine::shelf::{self, Access};
use crate::engine::{Engine, Hints, JobRequest};
use crate::export::{self, ExportOptions, Format, Info};
use crate::files;
use crate::paths::AppPaths;
use crate::settings::ModelOverrides;

use super::args::{self, TranscribeArguments};
use super::batch::{self, DeliveryError, Finished, Outcome};
use super::progress::{Display, Verbosity};
use super::related;
use super::reused::Reused;
use super::{job_settings, outlook};

/// Transcribes what the arguments name.
pub(super) fn run(
    arguments: TranscribeArguments,
    paths: &AppPaths,
    overrides: &ModelOverrides,
) -> anyhow::Result<ExitCode> {
    if let (Some(min), Some(max)) = (arguments.speakers.min_speakers, arguments.speakers.max_speakers)
        && min > max
    {
        let message = format!("--min-speakers {min} is more than --max-speakers {max}");
        return Err(args::wrong_usage_of_transcribe(&message).into());
    }
    if arguments.speakers.no_diarize && arguments.layout.format.contains(&Format::Rttm) {
        let message = "--format rttm says who speaks when; leave out --no-diarize";
        return Err(args::wrong_usage_of_transcribe(message).into());
    }
    let n_threads = arguments.threads.map(usize::from);
    let mut display = Display::new(if arguments.quiet { Verbosity::Quiet } else { Verbosity::Normal });
    let inputs = Inputs::of(&arguments.files);
    let destination = Destination::of(&arguments, &inputs.recordings)?;
    for line in &inputs.complaints {
        display.say(line);
    }
    if inputs.recordings.is_empty() {
        return Ok(ExitCode::from(Outcome::Failed.exit_code()));
    }
    let models = job_settings(paths, overrides, &display);
    let mut engine = Engine::start_with_settings(paths.clone(), &models, n_threads, Arc::new(|| {}))
        .context("cannot start the engine")?;
    let manner = &arguments.manner;
    let language = arguments.language.into_code();
    let request = |path| JobRequest {
        language: language.clone(),
        task: arguments.task.into(),
        mode: manner.mode.into(),
        hints: Hints {
            prompt: arguments.prompt.clone(),
            hotwords: manner.hotwords.clone(),
            prefix: manner.prefix.clone(),
        },
        numerals: manner.numerals(),
        previous_text: manner.previous_text(),
        beam_size: arguments.beam_size.into(),
        batch_size: arguments.batch_size.into(),
        alignment: arguments.speakers.alignment(),
        speakers: arguments.speakers.request(),
        device: arguments.device.into(),
        compute_type: arguments.compute_type.into(),
        reuse: manner.reuse(),
        ..JobRequest::new(path, &arguments.model)
    };
    let requests: Vec<JobRequest> = inputs.recordings.iter().cloned().map(request).collect();
    if !arguments.quiet {
        let warn = |text: &str| display.say(&format!("warning: {text}"));
        outlook::tell(Access { paths, settings: &models, warn: &warn }, &requests, &display);
    }
    let layout = arguments.layout.options();
    let deliver = |finished: &Finished<'_>, display: &Display| destination.deliver(finished, &layout, display);
    let outcome = batch::run(&mut engine, requests, &mut display, deliver)?;
    if matches!(outcome, Outcome::Done | Outcome::Failed) {
        // Then the library has kept all of it.
        drop(engine);
        related::tell(paths, &models, &inputs.recordings, &display);
        if let Err(error) = shelf::results::clean_up_once_a_day(paths, &models) {
            tracing::debug!("stored results are not cleaned up: {error}");
        }
    }
    let outcome = match (outcome, inputs.n_empty_folders) {
        (Outcome::Done, 1..) => Outcome::Failed,
        (outcome, _) => outcome,
    };
    Ok(ExitCode::from(outcome.exit_code()))
}

/// What was named, with all recordings of a folder in its place.
struct Inputs {
    recordings: Vec<PathBuf>,
    /// Folders without any.
    n_empty_folders: usize,
    /// What is wrong with folders, one line each.
    complaints: Vec<String>,
}

impl Inputs {
    fn of(named: &[PathBuf]) -> Self {
        let mut inputs = Self { recordings: Vec::new(), n_empty_folders: 0, complaints: Vec::new() };
        for path in named {
            if !path.is_dir() {
                inputs.recordings.push(path.clone());
                continue;
            }
            let (recordings, warnings) = shelf::recordings_below(path);
            // What could not be read is the reason why there is nothing.
            let severity = if recordings.is_empty() { "error" } else { "warning" };
            inputs.complaints.extend(warnings.iter().map(|warning| format!("{severity}: {warning}")));
            if recordings.is_empty() {
                inputs.n_empty_folders += 1;
                if warnings.is_empty() {
                    let complaint = format!("error: {}: there is no recording below this folder", path.display());
                    inputs.complaints.push(complaint);
                }
            }
            inputs.recordings.extend(recordings);
        }
        inputs
    }
}

/// Where transcripts go.
#[derive(Debug)]
enum Destination {
    Stdout(Format),
    Folder {
        folder: PathBuf,
        formats: Vec<Format>,
        /// For each recording, the name of its results without the extension.
        stems: Vec<OsString>,
    },
}

impl Destination {
    /// Makes the folder where it is missing, and refuses what cannot work.
    fn of(arguments: &TranscribeArguments, recordings: &[PathBuf]) -> anyhow::Result<Self> {
        let mut formats: Vec<Format> = Vec::new();
        for format in &arguments.layout.format {
            if !formats.contains(format) {
                formats.push(*format);
            }
        }
        if arguments.output.as_os_str() == "-" {
            let [format] = formats.as_slice() else {
                let message = "only one format can go to the terminal: name one in --format, or a folder in --output";
                return Err(args::wrong_usage_of_transcribe(message).into());
            };
            return Ok(Self::Stdout(*format));
        }
        let folder = arguments.output.clone();
        prepare_folder(&folder)?;
        let destination = Self::Folder { folder, formats, stems: output_stems(recordings) };
        destination.keep_recordings(recordings)?;
        Ok(destination)
    }

    /// Refuses to write over one of the recordings: formats are told by content, so `speech.txt` may well be sound.
    fn keep_recordings(&self, recordings: &[PathBuf]) -> anyhow::Result<()> {
        let recordings: BTreeSet<PathBuf> = recordings.iter().filter_map(|path| path.canonicalize().ok()).collect();
        for request_idx in 0..self.n_stems() {
            for path in self.paths(request_idx) {
                anyhow::ensure!(
                    !path.canonicalize().is_ok_and(|target| recordings.contains(&target)),
                    "the transcript would replace the recording {}; name another folder with --output",
                    path.display()
                );
            }
        }
        Ok(())
    }

    /// Where results are, as seen from here.
    fn folder(&self) -> &Path {
        match self {
            Self::Stdout(_) => Path::new("."),
            Self::Folder { folder, .. } => folder,
        }
    }

    fn n_stems(&self) -> usize {
        match self {
            Self::Stdout(_) => 0,
            Self::Folder { stems, .. } => stems.len(),
        }
    }

    /// The files that the results of a recording become, one for each format.
    fn paths(&self, request_idx: usize) -> Vec<PathBuf> {
        match self {
            Self::Stdout(_) => Vec::new(),
            Self::Folder { folder, formats, stems } => {
                let file_name = |format: &Format| with_ending(&stems[request_idx], &format!(".{}", format.name()));
                formats.iter().map(|format| folder.join(file_name(format))).collect()
            }
        }
    }

    fn deliver(&self, finished: &Finished<'_>, layout: &ExportOptions, display: &Display) -> Result<(), DeliveryError> {
        let title = stem_of(finished.recording).to_string_lossy();
        let manifest = finished.report.manifest.as_deref();
        let audio = export::path_from(self.folder(), finished.recording);
        let info = Info { title: &title, audio: Some(&audio), manifest };
        match self {
            Self::Stdout(format) => {
                let bytes = export::render_with(*format, finished.transcript, &info, layout);
                display.result(&bytes).map_err(DeliveryError::Stdout)?;
            }
            Self::Folder { formats, .. } => {
                let paths = self.paths(finished.request_idx);
                for (format, path) in formats.iter().zip(&paths) {
                    files::write_atomic(path, &export::render_with(*format, finished.transcript, &info, layout))?;
                }
                let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                let (recording, secs) = (finished.recording.display(), finished.report.total.0);
                let known = Reused::of(finished.report).remark();
                display.tell(&format!("{recording}: done in {secs:.1} s{known}: {}", names.join(", ")));
            }
        }
        Ok(())
    }
}

/// Makes sure that files can be written in `folder`.
fn prepare_folder(folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        folder.is_dir() || !folder.exists(),
        "{} is no folder; --output wants a folder, or - for the terminal",
        folder.display()
    );
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    // The only sure way to learn whether a file can be made here is to make one. It vanishes when it is closed.
    tempfile::tempfile_in(folder)
        .map(drop)
        .with_context(|| format!("cannot write in the folder {}; name another with --output", folder.display()))
}

/// Names for the results, each only once: the first recording of a name keeps it, the next becomes `NAME-2`, and so on.
/// Names that differ only in capitals count as the same, for on many disks they are.
fn output_stems(recordings: &[PathBuf]) -> Vec<OsString> {
    let key = |stem: &OsStr| stem.to_string_lossy().to_lowercase();
    let mut taken: BTreeSet<String> = recordings.iter().map(|path| key(stem_of(path))).collect();
    let mut used_as_it_is = BTreeSet::new();
    let mut unique = |stem: &OsStr| {
        if used_as_it_is.insert(key(stem)) {
            return stem.to_os_string();
        }
        let mut numbered = (2_u64..).map(|number| with_ending(stem, &format!("-{number}")));
        numbered.find(|stem| taken.insert(key(stem))).expect("numbers do not run out")
    };
    recordings.iter().map(|path| unique(stem_of(path))).collect()
}

/// The file's name without folder and extension. What has no name (`..`) is a folder, and its job will say so.
fn stem_of(recording: &Path) -> &OsStr {
    recording.file_stem().unwrap_or(OsStr::new("transcript"))
}

fn with_ending(stem: &OsStr, ending: &str) -> OsString {
    let mut name = stem.to_os_string();
    name.push(ending);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_its_recordings() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["b.wav", "notes.txt", "deep/er/a.mp3"] {
            files::write_atomic(&folder.path().join(name), b"content").expect("a writable folder");
        }
        let empty = tempfile::tempdir().expect("a temporary folder");
        let missing = folder.path().join("missing.wav");
        let named = [missing.clone(), folder.path().to_path_buf(), empty.path().to_path_buf()];
        let inputs = Inputs::of(&named);
        assert_eq!(inputs.recordings, [missing, folder.path().join("b.wav"), folder.path().join("deep/er/a.mp3")]);
        assert_eq!(inputs.n_empty_folders, 1);
        let [line] = &inputs.complaints[..] else { panic!("{:?}", inputs.complaints) };
        assert!(line.starts_with("error: ") && line.contains(&*empty.path().to_string_lossy()), "{line}");
    }

    #[test]
    fn results_get_names_of_their_own() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["a/x.wav", "b/x.wav", "c/x.mp3"], &["x", "x-2", "x-3"]),
            (&["a/x.wav", "x-2.wav", "b/x.wav"], &["x", "x-2", "x-3"]),
            (&["a/x.wav", "b/x.wav", "x-2.wav"], &["x", "x-3", "x-2"]),
            (&["Talk.wav", "talk.wav"], &["Talk", "talk-2"]),
            (&["2024.05.03.flac", ".."], &["2024.05.03", "transcript"]),
        ];
        for (recordings, expected) in cases {
            let recordings: Vec<PathBuf> = recordings.iter().map(PathBuf::from).collect();
            assert_eq!(output_stems(&recordings), expected, "{recordings:?}");
        }
    }
}
