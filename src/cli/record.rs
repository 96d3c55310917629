//! `hansard record`: sound from a device into a file, with level, time and room on the terminal, until Ctrl-C; with
//! captions while people speak and a transcript afterwards, where that is asked for. Prints the path of the recording
//! on stdout and nothing else.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use crate::engine::recording::{
    CaptionRequest, DeviceKind, InputDevice, RecordCommand, RecordEvent, RecordRequest, RecordSource, RecordedFile,
    Standing,
};
use crate::engine::{Command, DEFAULT_MODEL, Engine, Event, JobReport, JobRequest};
use crate::export::{self, Format, Info};
use crate::files;
use crate::paths::AppPaths;
use crate::settings::ModelOverrides;
use crate::transcript::Transcript;
use crate::units::Seconds;

use super::args::Language;
use super::job_settings;
use super::progress::{Display, Verbosity, without_controls};
use super::record_screen::{Screen, Style};

/// How often Ctrl-C is looked for while nothing happens.
const POLL: Duration = Duration::from_millis(50);
/// An end at once, by a second Ctrl-C.
const EXIT_CANCELLED: i32 = 130;
/// How long the last captions are waited for when the recording is over.
const LAST_CAPTIONS: Duration = Duration::from_secs(5);

const RECORD_EXAMPLES: &str = "\
Examples:
  hansard record                                  the default microphone, until Ctrl-C
  hansard record --system-audio -o call.wav       what this machine plays
  hansard record --device \"USB\" --system-audio    both, as two channels of one file
  hansard record --caption --model small          show what is said, and write the transcript at the end
  hansard record --list-devices                   what can be recorded from

The file is whole at any moment: a crash costs less than a second. What a crash left unfinished is mended the next time.";

#[derive(Debug, Args)]
#[command(after_help = RECORD_EXAMPLES)]
pub(super) struct RecordArguments {
    /// The device: its name, a part of it, or its id [default: the system's default microphone]
    #[arg(long, value_name = "NAME")]
    device: Option<String>,

    /// Record what this machine plays; with --device, both: the device left, the machine right
    #[arg(long)]
    system_audio: bool,

    #[command(flatten)]
    listing: ListingArguments,

    #[command(flatten)]
    captions: CaptionArguments,

    /// The file, a WAV [default: named after the time, in Hansard's folder for recordings]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    seconds: Option<f64>,

    /// Play a recording in the place of a device, for trying out
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["device", "system_audio"])]
    from_file: Option<PathBuf>,

    /// How many times faster it is played
    #[arg(long, value_name = "N", hide = true, requires = "from_file", default_value = "1", value_parser = seconds)]
    speed: f64,

    /// Show no level, only warnings and errors
    #[arg(long, short)]
    quiet: bool,
}

// What is told in the place of recording.
#[derive(Debug, Args)]
struct ListingArguments {
    /// Show the devices, and record nothing
    #[arg(long, conflicts_with_all = ["output", "seconds", "device", "system_audio"])]
    list_devices: bool,

    /// Print one JSON object instead of a table
    #[arg(long, requires = "list_devices")]
    json: bool,
}

// What is said, while it is recorded and afterwards.
#[derive(Debug, Args)]
struct CaptionArguments {
    /// Show what is said while it is recorded, and write a transcript beside the recording when that has ended
    #[arg(long, conflicts_with = "list_devices")]
    caption: bool,

    /// The Whisper model for both
    #[arg(long, value_name = "NAME|FOLDER", requires = "caption", default_value = DEFAULT_MODEL)]
    model: String,

    /// The language spoken: a code such as `en` or `de`, or `auto` to detect it
    #[arg(long, value_name = "CODE|auto", requires = "caption", default_value = "auto", value_parser = Language::parse)]
    language: Language,

    /// Write no transcript
    #[arg(long, requires = "caption")]
    no_transcribe: bool,

    /// What the transcript is written as: one or more of txt, md, srt, vtt, json, tsv, csv, rttm, docx, html
    #[arg(long, value_name = "LIST", requires = "caption", default_value = "txt", value_delimiter = ',')]
    format: Vec<Format>,
}

impl CaptionArguments {
    fn request(&self) -> Option<CaptionRequest> {
        let request = || CaptionRequest { model: self.model.clone(), language: self.language.clone().into_code() };
        self.caption.then(request)
    }

    /// The files that the transcript of a recording becomes.
    fn outputs(&self, recording: &Path) -> Vec<(Format, PathBuf)> {
        if !self.caption || self.no_transcribe {
            return Vec::new();
        }
        self.format.iter().map(|format| (*format, recording.with_extension(format.name()))).collect()
    }
}

/// Refuses to replace files.
fn ensure_none_there(outputs: &[(Format, PathBuf)]) -> anyhow::Result<()> {
    let occupied = outputs.iter().find(|(_, path)| path.exists());
    match occupied {
        Some((_, path)) => {
            anyhow::bail!("{} is there already and is kept, so no transcript goes there", path.display())
        }
        None => Ok(()),
    }
}

impl RecordArguments {
    fn source(&self) -> RecordSource {
        match (&self.from_file, &self.device, self.system_audio) {
            (Some(path), ..) => RecordSource::File { path: path.clone(), speed: self.speed },
            (None, device, false) => RecordSource::Device(device.clone()),
            (None, None, true) => RecordSource::System,
            (None, device @ Some(_), true) => RecordSource::Both(device.clone()),
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number.filter(|number| *number > 0.0 && number.is_finite()).ok_or_else(|| "a number above 0 is wanted".to_owned())
}

/// Records, or lists devices.
pub(super) fn run(
    arguments: &RecordArguments,
    paths: &AppPaths,
    overrides: &ModelOverrides,
) -> anyhow::Result<ExitCode> {
    let display = Display::new(if arguments.quiet { Verbosity::Quiet } else { Verbosity::Normal });
    let models = job_settings(paths, overrides, &display);
    let engine = Engine::start_with_settings(paths.clone(), &models, None, Arc::new(|| {}))
        .context("cannot start the engine")?;
    let interrupt = listen_for_interrupt().context("cannot listen for Ctrl-C")?;
    let style = match (arguments.quiet, io::stderr().is_terminal()) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Line,
        (false, false) => Style::Lines,
    };
    let session = Session { engine, interrupt, display, screen: Screen::new(style) };
    let ListingArguments { list_devices, json } = arguments.listing;
    if list_devices { session.list_devices(json) } else { session.record(arguments) }
}

/// Ctrl-C: once for an orderly end, twice for an end at once, which costs no more than a crash.
fn listen_for_interrupt() -> Result<Receiver<()>, ctrlc::Error> {
    let (sender, receiver) = sync_channel(1);
    ctrlc::set_handler(move || {
        if sender.try_send(()).is_err() {
            process::exit(EXIT_CANCELLED);
        }
    })?;
    Ok(receiver)
}

struct Session {
    engine: Engine,
    interrupt: Receiver<()>,
    /// Shows how a transcript comes about.
    display: Display,
    /// Shows how a recording goes on.
    screen: Screen,
}

/// Whether more captions may come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Captions {
    MayCome,
    Over,
}

impl Session {
    fn list_devices(self, json: bool) -> anyhow::Result<ExitCode> {
        self.send(RecordCommand::ListDevices);
        loop {
            if let Some(RecordEvent::Devices(devices)) = self.next()? {
                let devices = devices.map_err(anyhow::Error::msg)?;
                let text = if json { as_json(&devices)? } else { as_table(&devices) };
                io::stdout().lock().write_all(text.as_bytes()).context("cannot write to standard output")?;
                return Ok(ExitCode::SUCCESS);
            }
            if self.interrupt.try_recv().is_ok() {
                return Ok(ExitCode::from(EXIT_CANCELLED as u8));
            }
        }
    }

    fn record(mut self, arguments: &RecordArguments) -> anyhow::Result<ExitCode> {
        if let Some(output) = &arguments.output {
            ensure_none_there(&arguments.captions.outputs(output))?;
        }
        let captions = arguments.captions.request();
        // Before the device is opened: what is said until the models are there waits for them.
        if let Some(captions) = &captions {
            self.send(RecordCommand::Prepare(captions.clone()));
        }
        self.send(RecordCommand::Repair);
        let mut state = if captions.is_some() { Captions::MayCome } else { Captions::Over };
        let (source, output, limit) = (arguments.source(), arguments.output.clone(), arguments.seconds.map(Seconds));
        self.send(RecordCommand::Start(RecordRequest { source, output, limit, captions }));
        let mut recorded: Option<(RecordedFile, Instant)> = None;
        loop {
            if self.interrupt.try_recv().is_ok() {
                self.send(RecordCommand::Stop);
                // Another Ctrl-C finds the place taken and ends the program.
                self.interrupt = never_read();
            }
            if let Some((_, patience_ends)) = &recorded
                && (state == Captions::Over || Instant::now() >= *patience_ends)
            {
                break;
            }
            let Some(event) = self.next()? else { continue };
            match event {
                RecordEvent::Finished(file) => recorded = Some((file, Instant::now() + LAST_CAPTIONS)),
                RecordEvent::Failed(message) => {
                    self.screen.clear();
                    anyhow::bail!(message);
                }
                RecordEvent::CaptionsDone => state = Captions::Over,
                RecordEvent::CaptionsFailed(text) => {
                    // The models are asked for twice, and what is wrong with them is said once.
                    if state == Captions::MayCome {
                        self.screen.say(&format!("warning: {text}"));
                    }
                    state = Captions::Over;
                }
                other => self.screen.show(&other),
            }
        }
        let (file, _) = recorded.expect("the loop ends with a recording");
        self.finished(&file)?;
        let transcribed = self.transcribe(&file.path, &arguments.captions)?;
        Ok(if file.problem.is_some() { ExitCode::from(super::FAILED) } else { transcribed })
    }

    fn finished(&mut self, file: &RecordedFile) -> anyhow::Result<()> {
        self.screen.clear();
        if file.overrun.0 > 0.0 {
            self.screen.say(&format!("warning: {:.1} s are silent, for this machine was too busy", file.overrun.0));
        }
        if let Some(problem) = &file.problem {
            self.screen.say(&format!("error: {problem}"));
        }
        self.screen.tell(&format!("recorded {}", file.duration));
        writeln!(io::stdout(), "{}", file.path.display()).context("cannot write to standard output")
    }

    /// Transcribes the recording as `hansard transcribe` does, where that is asked for.
    fn transcribe(&mut self, recording: &Path, arguments: &CaptionArguments) -> anyhow::Result<ExitCode> {
        let outputs = arguments.outputs(recording);
        if outputs.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        ensure_none_there(&outputs)?;
        let language = arguments.language.clone().into_code();
        let job = self
            .engine
            .transcribe(JobRequest { language, ..JobRequest::new(recording.to_path_buf(), &arguments.model) });
        self.display.job_started(recording, 0, 1);
        loop {
            if self.interrupt.try_recv().is_ok() {
                self.engine.cancel(job);
            }
            let event = self.engine.recv_timeout(POLL);
            anyhow::ensure!(event.is_some() || self.engine.is_running(), "the engine has stopped unexpectedly");
            match event {
                Some(Event::Progress(of, progress)) if of == job => self.display.job_progressed(recording, &progress),
                Some(Event::Warning(of, text)) if of == job => {
                    self.display.say(&format!("warning: {}: {text}", recording.display()));
                }
                Some(Event::JobDone(of, transcript, report)) if of == job => {
                    self.display.job_ended();
                    write_transcript(recording, &transcript, &report, &outputs)?;
                    let names: Vec<String> = outputs.iter().map(|(_, path)| path.display().to_string()).collect();
                    self.display.tell(&format!("transcribed in {:.1} s: {}", report.total.0, names.join(", ")));
                    return Ok(ExitCode::SUCCESS);
                }
                Some(Event::JobFailed(of, text)) if of == job => {
                    self.display.job_ended();
                    anyhow::bail!(text);
                }
                Some(Event::JobCancelled(of)) if of == job => {
                    self.display.job_ended();
                    self.display.tell("cancelled; the recording is kept");
                    return Ok(ExitCode::from(EXIT_CANCELLED as u8));
                }
                // Other events are of no job, or of what is done beside it.
                Some(_) | None => {}
            }
        }
    }

    fn send(&self, command: RecordCommand) {
        self.engine.send(Command::Record(command));
    }

    /// The next event about recording, if there is one soon.
    fn next(&self) -> anyhow::Result<Option<RecordEvent>> {
        match self.engine.recv_timeout(POLL) {
            Some(Event::Recording(event)) => Ok(Some(event)),
            Some(_) => Ok(None),
            None if self.engine.is_running() => Ok(None),
            None => anyhow::bail!("the engine has stopped unexpectedly; what was recorded is mended at the next start"),
        }
    }
}

fn write_transcript(
    recording: &Path,
    transcript: &Transcript,
    report: &JobReport,
    outputs: &[(Format, PathBuf)],
) -> anyhow::Result<()> {
    let title = recording.file_stem().unwrap_or_default().to_string_lossy();
    let folder = recording.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let audio = export::path_from(folder, recording);
    let info = Info { title: &title, audio: Some(&audio), manifest: report.manifest.as_deref() };
    for (format, path) in outputs {
        files::write_atomic(path, &export::render(*format, transcript, &info))?;
    }
    Ok(())
}

/// A receiver that nothing comes to.
fn never_read() -> Receiver<()> {
    sync_channel(1).1
}

fn kind_name(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Microphone => "microphone",
        DeviceKind::SystemAudio => "system audio",
    }
}

fn as_table(devices: &[InputDevice]) -> String {
    let mut text = String::new();
    for device in devices {
        let default = if device.standing == Standing::Default { "*" } else { " " };
        let (kind, name) = (kind_name(device.kind), without_controls(&device.name));
        let (rate_hz, n_channels) = (device.rate_hz, device.n_channels);
        writeln!(text, "{default} {kind:<12}  {name}  ({rate_hz} Hz, channels: {n_channels})")
            .expect("a string takes all that is written");
    }
    if devices.is_empty() { "no devices\n".to_owned() } else { text + "* is taken when none is named\n" }
}

fn as_json(devices: &[InputDevice]) -> anyhow::Result<String> {
    let device = |device: &InputDevice| {
        serde_json::json!({
            "id": device.id,
            "name": device.name,
            "kind": kind_name(device.kind),
            "default": device.standing == Standing::Default,
            "rate_hz": device.rate_hz,
            "channels": device.n_channels,
        })
    };
    let list = serde_json::json!({ "devices": devices.iter().map(device).collect::<Vec<_>>() });
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: RecordArguments,
    }

    #[test]
    fn what_is_recorded_is_typed() {
        let usb = || Some("usb".to_owned());
        for (typed, expected) in [
            (&[][..], Some(RecordSource::Device(None))),
            (&["--device", "usb"], Some(RecordSource::Device(usb()))),
            (&["--system-audio", "--for", "2.5"], Some(RecordSource::System)),
            (&["--device", "usb", "--system-audio"], Some(RecordSource::Both(usb()))),
            (&["--for", "0"], None),
            (&["--for", "soon"], None),
            (&["--json"], None),
            (&["--list-devices", "--for", "1"], None),
        ] {
            let words = ["record"].iter().chain(typed);
            let found = Typed::try_parse_from(words).ok().map(|typed| typed.arguments.source());
            assert_eq!(found, expected, "{typed:?}");
        }
    }

    #[test]
    fn captions_are_asked_for_and_become_files_beside_the_recording() {
        let asked = |model: &str, language: Option<&str>| {
            Some(CaptionRequest { model: model.to_owned(), language: language.map(str::to_owned) })
        };
        for (typed, expected, expected_files) in [
            (&[][..], Some(None), &[][..]),
            (&["--caption"], Some(asked(DEFAULT_MODEL, None)), &["m/a.txt"]),
            (
                &["--caption", "--model", "small", "--language", "DE", "--format", "srt,json"],
                Some(asked("small", Some("de"))),
                &["m/a.srt", "m/a.json"],
            ),
            (&["--caption", "--no-transcribe"], Some(asked(DEFAULT_MODEL, None)), &[]),
            (&["--model", "small"], None, &[]),
            (&["--no-transcribe"], None, &[]),
            (&["--caption", "--list-devices"], None, &[]),
        ] {
            let words = ["record"].iter().chain(typed);
            let typed_captions = Typed::try_parse_from(words).ok().map(|typed| typed.arguments.captions);
            assert_eq!(typed_captions.as_ref().map(CaptionArguments::request), expected, "{typed:?}");
            let outputs = typed_captions.map(|captions| captions.outputs(Path::new("m/a.wav"))).unwrap_or_default();
            let files: Vec<PathBuf> = outputs.into_iter().map(|(_, path)| path).collect();
            assert!(files.iter().eq(expected_files.iter().map(Path::new)), "{typed:?}: {files:?}");
        }
    }
}
