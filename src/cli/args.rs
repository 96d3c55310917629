//! What was typed: the command line as clap reads it, with its help. What it means is decided in the files beside this.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, value_parser};

use crate::engine::{
    Alignment, ComputeDevice, ComputeType, DEFAULT_BATCH_SIZE, DEFAULT_DIARIZATION, DEFAULT_MODEL, Diarize,
    MAX_SPEAKERS, Mode, Numerals, PreviousText, Reuse, SpeakerCount, SpeakerRequest, Task,
};

use super::cache_args::{CacheArguments, CacheInfoArguments, ClearArguments};
use super::layout_args::LayoutArguments;
use super::library_args::{LibraryArguments, SearchArguments, VerifyArguments};
use super::models_args::{ModelPlaceArguments, ModelsArguments};
use super::record::RecordArguments;
use super::score::ScoreArguments;

/// More threads than any machine has cores only cost memory.
const MAX_THREADS: i64 = 512;
const DEFAULT_BATCH: NonZeroUsize = NonZeroUsize::new(DEFAULT_BATCH_SIZE).expect("the default is positive");

const EXAMPLES: &str = "\
Examples:
  hansard                                  open the window
  hansard demo                             transcribe the bundled meeting and show it
  hansard transcribe meeting.mp4           write meeting.txt here
  hansard transcribe meeting.mp4 -o -      print the text
  hansard search budget                    where it was said, in all recordings

Exit codes:
  0 done; 1 failed, the reason is on stderr; 2 wrong usage; 130 cancelled by Ctrl-C

Environment:
  HANSARD_CACHE_DIR=DIR                    folder of the models on disk
  HANSARD_PRELOAD_MODELS=small,align-de    models to load when the window opens
  HANSARD_LOG=info (or debug, trace)       more diagnostics on stderr";

const TRANSCRIBE_EXAMPLES: &str = "\
Examples:
  hansard transcribe meeting.mp4                          write meeting.txt here
  hansard transcribe meeting.flac -o - | less             print the text
  hansard transcribe *.mp3 --format txt,srt -o minutes    two files for each recording, in the folder minutes
  hansard transcribe ~/meetings -o minutes                all recordings below a folder
  hansard transcribe call.wav --model ~/models/whisper-small --language de

Nothing is computed twice: what is known of a recording is taken from the stored results, whatever its file is called,
and what was broken off goes on where it stopped. --fresh computes all of it again.

Each result is named after its recording. Where two recordings have the same name, the results of the second are called
NAME-2, and so on. Files of an earlier run are replaced. When a recording fails, the others are still done.";

const BENCH_EXAMPLES: &str = "\
Examples:
  hansard bench                                                     the built-in model
  hansard bench --weights random --model small --compute-type int8  a published size, without downloading it

Sizes for random weights: tiny, base, small, medium (also with .en), large-v2, large-v3, large-v3-turbo,
distil-large-v3. They are written to the cache folder, up to 6 GB, and removed at the end.";

/// Turns meeting recordings into transcripts: offline, on your own machine
///
/// Without a command, the window opens.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 120)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) models: ModelPlaceArguments,

    #[command(subcommand)]
    pub(super) action: Option<Action>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Open the window with a recording
    Open {
        /// The recording: an audio or video file
        // A desktop starts `open` without a file when the program is chosen from its menu.
        file: Option<PathBuf>,
    },
    /// Transcribe recordings to files, or to the terminal
    Transcribe(Box<TranscribeArguments>),
    /// Record from a microphone, or what this machine plays
    Record(RecordArguments),
    /// Transcribe the bundled one-minute meeting, then show it in the window
    Demo(DemoArguments),
    /// Show, fetch, remove and import models
    Models(ModelsArguments),
    /// Show the recordings, tag them, and look after folders of them
    Library(LibraryArguments),
    /// Find words in all transcripts
    Search(SearchArguments),
    /// Check a transcript in JSON: whether it, its recording and its models are as they were
    Verify(VerifyArguments),
    /// Look after the models and results on disk: how much there is, and what shall stay or go
    Cache(CacheArguments),
    /// The same as `hansard cache info`
    #[command(hide = true)]
    CacheInfo(CacheInfoArguments),
    /// The same as `hansard cache clear`
    #[command(hide = true)]
    ClearCache(ClearArguments),
    /// Enrol voices, so that speakers get their names
    Speakers {
        #[command(subcommand)]
        action: SpeakersAction,
    },
    /// Compare a result with what is known to be right: who spoke when (DER), or what was said (WER)
    Score(ScoreArguments),
    /// Time each stage on this machine
    Bench(BenchArguments),
}

#[derive(Debug, Args)]
#[command(after_help = TRANSCRIBE_EXAMPLES)]
pub(super) struct TranscribeArguments {
    /// Recordings: audio or video files of any common format, and folders of them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(super) files: Vec<PathBuf>,

    /// The Whisper model: `demo`, which is built in, a size that `hansard models list` shows as installed, or a folder in
    /// Hugging Face layout
    #[arg(long, value_name = "NAME|FOLDER", default_value = DEFAULT_MODEL)]
    pub(super) model: String,

    /// The language spoken: a code such as `en` or `de`, or `auto` to detect it
    #[arg(long, value_name = "CODE|auto", default_value = "auto", value_parser = Language::parse)]
    pub(super) language: Language,

    /// Write down what is said, or its translation into English (with models that can translate)
    #[arg(long, value_enum, default_value_t = TaskName::Transcribe)]
    pub(super) task: TaskName,

    /// What the recordings are about: names and terms in this text are recognised more easily
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) prompt: String,

    #[command(flatten)]
    pub(super) manner: MannerArguments,

    #[command(flatten)]
    pub(super) speakers: SpeakerArguments,

    /// Texts that the search follows at once: more is slower and sometimes better
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) beam_size: NonZeroUsize,

    /// Chunks that are decoded together: more is faster and takes more memory
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BATCH)]
    pub(super) batch_size: NonZeroUsize,

    /// How exactly to compute: f32 as the reference implementations do, or int8, which is faster and smaller
    #[arg(long, value_enum, default_value_t = ComputeTypeName::Int8)]
    pub(super) compute_type: ComputeTypeName,

    /// What to compute on: auto takes a graphics card where this program and this machine have one, else the processor.
    /// On graphics cards, int8 means 16 bits
    #[arg(long, value_enum, default_value_t = DeviceName::Auto)]
    pub(super) device: DeviceName,

    #[command(flatten)]
    pub(super) layout: LayoutArguments,

    /// Folder for the results, made if it is missing, or `-` for the terminal (one format only; several recordings
    /// follow one another in order)
    #[arg(long, short, value_name = "DIR|-", default_value = ".")]
    pub(super) output: PathBuf,

    /// Processor threads to compute with [default: one for each core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_THREADS))]
    pub(super) threads: Option<u16>,

    /// Show no progress, only warnings and errors
    #[arg(long, short)]
    pub(super) quiet: bool,
}

// How the model goes through a recording. (A doc comment here would replace what the help says of `transcribe`.)
#[derive(Debug, Args)]
pub(super) struct MannerArguments {
    /// Names and terms that may come up, shown to the model each time: a prompt that is not forgotten
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) hotwords: String,

    /// The words that each recording begins with: the transcript goes on after them
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) prefix: String,

    /// Write numbers in words, without digits and the signs % $ £
    #[arg(long)]
    pub(super) suppress_numerals: bool,

    /// Find speech and decode many stretches of it together, or go from beginning to end, each window with the text
    /// before it as a hint, which is slower
    #[arg(long, value_enum, default_value_t = ModeName::Batched)]
    pub(super) mode: ModeName,

    /// In the sequential mode, give the model no hint of the text before: errors do not spread, names may vary
    #[arg(long)]
    pub(super) ignore_previous_text: bool,

    /// Compute everything again and replace what is stored
    #[arg(long)]
    pub(super) fresh: bool,
}

impl MannerArguments {
    /// How numbers are written.
    pub(super) fn numerals(&self) -> Numerals {
        if self.suppress_numerals { Numerals::InWords } else { Numerals::AsModelWrites }
    }

    /// What each window of the sequential mode knows of the text before it.
    pub(super) fn previous_text(&self) -> PreviousText {
        if self.ignore_previous_text { PreviousText::Withheld } else { PreviousText::Given }
    }

    /// What becomes of results that are stored.
    pub(super) fn reuse(&self) -> Reuse {
        if self.fresh { Reuse::Fresh } else { Reuse::Kept }
    }
}

// Who speaks, and when each word is said.
#[derive(Debug, Args)]
pub(super) struct SpeakerArguments {
    /// Folder with voices to recognise in these recordings, NAME/*.wav or NAME.wav, beside those enrolled with
    /// `hansard speakers`
    #[arg(long = "speakers", value_name = "DIR")]
    pub(super) voices: Option<PathBuf>,

    /// How many people speak, where that is known
    #[arg(long, value_name = "N", value_parser = speakers(), conflicts_with_all = ["min_speakers", "max_speakers"])]
    pub(super) num_speakers: Option<u16>,

    /// At least so many people speak
    #[arg(long, value_name = "N", value_parser = speakers())]
    pub(super) min_speakers: Option<u16>,

    /// At most so many people speak
    #[arg(long, value_name = "N", value_parser = speakers())]
    pub(super) max_speakers: Option<u16>,

    /// Do not ask who speaks
    #[arg(long, conflicts_with_all = ["voices", "num_speakers", "min_speakers", "max_speakers"])]
    pub(super) no_diarize: bool,

    /// Do not ask when each word is said: segments are as long as the stretches that were transcribed at once
    #[arg(long)]
    pub(super) no_align: bool,

    /// The aligner: a folder with a wav2vec2 model in Hugging Face layout [default: the one of the language]
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_align")]
    pub(super) align_model: Option<PathBuf>,

    /// The diarization model: `demo`, which is built in, or a folder with the config.yaml of a pipeline of pyannote's
    #[arg(long, value_name = "NAME|FOLDER", default_value = DEFAULT_DIARIZATION)]
    pub(super) diarization_model: String,
}

fn speakers() -> RangedI64ValueParser<u16> {
    value_parser!(u16).range(1..=MAX_SPEAKERS as i64)
}

impl SpeakerArguments {
    /// Whether words get times of their own.
    pub(super) fn alignment(&self) -> Alignment {
        match &self.align_model {
            _ if self.no_align => Alignment::Off,
            Some(folder) => Alignment::With(folder.clone()),
            None => Alignment::Automatic,
        }
    }

    /// What is to be found out about speakers.
    pub(super) fn request(&self) -> SpeakerRequest {
        let number = |number: Option<u16>| number.map(usize::from);
        SpeakerRequest {
            diarize: if self.no_diarize { Diarize::Off } else { Diarize::On },
            model: self.diarization_model.clone(),
            count: SpeakerCount {
                exact: number(self.num_speakers),
                min: number(self.min_speakers),
                max: number(self.max_speakers),
            },
            voices: self.voices.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Only print the transcript, also where there is a display
    #[arg(long)]
    pub(super) no_window: bool,

    /// Processor threads to compute with [default: one for each core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_THREADS))]
    pub(super) threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SpeakersAction {
    /// Show the enrolled voices
    List {
        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Take somebody's voice from recordings of this person alone, 10 seconds or more in all
    Enrol {
        /// Who it is
        #[arg(required_unless_present = "folder", requires = "files")]
        name: Option<String>,

        /// The recordings
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,

        /// Enrol all voices of a folder with recordings NAME.wav or folders NAME of recordings
        #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "files"])]
        folder: Option<PathBuf>,
    },
    /// Give a voice another name
    Rename {
        /// Its name
        from: String,
        /// The new one
        to: String,
    },
    /// Make one voice of two
    Merge {
        /// The voice that is no more afterwards
        from: String,
        /// The voice that has both
        into: String,
    },
    /// Forget a voice
    Remove {
        /// Its name
        name: String,
    },
    /// Compare the voice in a recording with the enrolled ones
    Test {
        /// The recording
        file: PathBuf,

        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(super) struct BenchArguments {
    /// The Whisper model: `demo`, a folder in Hugging Face layout or, with random weights, a published size
    #[arg(long, value_name = "NAME|FOLDER|SIZE", default_value = DEFAULT_MODEL)]
    pub(super) model: String,

    /// Time the stored model, or one of a published size that is made up for it: speed does not depend on the weights
    #[arg(long, value_enum, default_value_t = WeightsName::Stored)]
    pub(super) weights: WeightsName,

    /// How exactly to compute: f32 as the reference implementations do, or int8, which is faster and smaller
    #[arg(long, value_enum, default_value_t = ComputeTypeName::Int8)]
    pub(super) compute_type: ComputeTypeName,

    /// Numbers of chunks that are decoded together, separated by commas
    #[arg(long, value_name = "LIST", default_values = ["1", "8"], value_delimiter = ',')]
    pub(super) batch_size: Vec<NonZeroUsize>,

    /// Processor threads to compute with [default: one for each core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_THREADS))]
    pub(super) threads: Option<u16>,

    /// How often each stage is timed; the shortest time counts
    #[arg(long, value_name = "N", default_value = "5")]
    pub(super) repetitions: NonZeroUsize,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(super) json: bool,

    /// Show no progress, only warnings and errors
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// Where the weights come from, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WeightsName {
    Stored,
    Random,
}

/// The task, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TaskName {
    Transcribe,
    Translate,
}

impl From<TaskName> for Task {
    fn from(name: TaskName) -> Self {
        match name {
            TaskName::Transcribe => Self::Transcribe,
            TaskName::Translate => Self::Translate,
        }
    }
}

/// The mode, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeName {
    Batched,
    Sequential,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Batched => Self::Batched,
            ModeName::Sequential => Self::Sequential,
        }
    }
}

/// The device, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceName {
    Auto,
    Cpu,
    Cuda,
    Metal,
}

impl From<DeviceName> for ComputeDevice {
    fn from(name: DeviceName) -> Self {
        match name {
            DeviceName::Auto => Self::Auto,
            DeviceName::Cpu => Self::Cpu,
            DeviceName::Cuda => Self::Cuda,
            DeviceName::Metal => Self::Metal,
        }
    }
}

/// The compute type, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ComputeTypeName {
    Int8,
    F32,
}

impl From<ComputeTypeName> for ComputeType {
    fn from(name: ComputeTypeName) -> Self {
        match name {
            ComputeTypeName::Int8 => Self::Int8,
            ComputeTypeName::F32 => Self::F32,
        }
    }
}

/// The language that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Detect it.
    Auto,
    /// This one, by its code in small letters.
    Code(String),
}

impl Language {
    /// The code to ask the engine for; `None` to detect it.
    pub(super) fn into_code(self) -> Option<String> {
        match self {
            Self::Auto => None,
            Self::Code(code) => Some(code),
        }
    }

    /// Checks the form only: which languages a model knows, the model says.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let code = text.to_ascii_lowercase();
        match code.as_str() {
            "auto" => Ok(Self::Auto),
            _ if (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                Ok(Self::Code(code))
            }
            _ => {
                Err("a language is a code of two or three letters, such as en, de or haw, or the word auto".to_owned())
            }
        }
    }
}

/// An error like those that clap makes, for what it cannot check itself in `hansard transcribe`.
pub(super) fn wrong_usage_of_transcribe(message: &str) -> clap::Error {
    let mut command = Arguments::command();
    command.build();
    let transcribe = command.find_subcommand_mut("transcribe").expect("Action::Transcribe is a subcommand");
    transcribe.error(ErrorKind::ArgumentConflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn languages_are_codes_or_auto() {
        for (text, expected) in [
            ("auto", Some(Language::Auto)),
            ("AUTO", Some(Language::Auto)),
            ("en", Some(Language::Code("en".to_owned()))),
            ("De", Some(Language::Code("de".to_owned()))),
            ("haw", Some(Language::Code("haw".to_owned()))),
            ("english", None),
            ("e1", None),
            ("", None),
        ] {
            assert_eq!(Language::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn formats_may_be_listed_or_repeated() {
        for typed in [["--format", "txt,srt"].as_slice(), &["--format", "txt", "--format=srt"]] {
            let words = ["hansard", "transcribe", "a.wav"].iter().chain(typed);
            let parsed = Arguments::try_parse_from(words).expect("a right command line");
            let Some(Action::Transcribe(arguments)) = parsed.action else { panic!("transcribe was asked for") };
            let names: Vec<_> = arguments.layout.format.iter().map(|format| format.name()).collect();
            assert_eq!(names, ["txt", "srt"]);
        }
    }
}
