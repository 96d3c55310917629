//! The user's choices as a form has them: what each field is called, what it is good for, what stands in it, and what
//! may be typed into it. No egui in here.

use std::env;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::engine::{ComputeDevice, JobRequest, Task};
use crate::export::{ExportOptions, Format, Highlight, Order, SpeakerNames, Times};
use crate::settings::{
    DeviceChoice, ExportSettings, JobSettings, LookSettings, Settings, TaskChoice, Theme, TimesChoice,
};

use super::path_bar::typed_path;
use super::texts::{text, text_with};

/// More texts than this no search follows in a useful time.
const BEAM_SIZES: RangeInclusive<u64> = 1..=16;
/// In MB: less than the smallest model, more than any machine.
const MEMORY_MB: RangeInclusive<u64> = 100..=10_000_000;
const DISK_GB: RangeInclusive<u64> = 1..=1_000_000;
const IDLE_MINUTES: RangeInclusive<u64> = 0..=10_080;
const DAYS: RangeInclusive<u64> = 1..=36_500;
const LINE_WIDTHS: RangeInclusive<u64> = 10..=500;
const LINE_COUNTS: RangeInclusive<u64> = 1..=10;

/// A choice that is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    /// The language that is spoken.
    Language,
    /// Texts that the search follows at once.
    BeamSize,
    /// The folder of models and results.
    CacheFolder,
    /// What models may take of the memory,
    MemoryBudget,
    /// of that of a graphics card,
    CardBudget,
    /// and of the disk.
    DiskBudget,
    /// How long an unused model stays in memory.
    IdleMinutes,
    /// What results may take of the disk,
    ResultsBudget,
    /// and how long they stay.
    ResultsDays,
    /// Models to load at the start.
    Preload,
    /// Size of most text.
    FontSize,
    /// Characters on a line of subtitles.
    LineWidth,
    /// Lines in a cue.
    LineCount,
}

/// Since when a changed choice counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// At once.
    Now,
    /// From the recording on that is opened next.
    NextRecording,
    /// From the next start of Hansard on.
    NextStart,
}

/// A choice between yes and no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// Nothing may be fetched.
    Offline,
    /// Models and results are kept on disk.
    KeepOnDisk,
    /// Fetched files stay beside those that are ready to load.
    KeepOriginals,
    /// Subtitles underline the word that is being said.
    HighlightWords,
    /// Exported files say who speaks.
    SpeakerNames,
    /// Documents go from speaker to speaker.
    BySpeaker,
}

/// One choice that was changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SettingChange {
    /// What was typed into a field.
    Typed(Field, String),
    /// A switch was set to this.
    Switched(Switch, bool),
    /// Code of the window's language; `None`: that of the system.
    WindowLanguage(Option<String>),
    /// Colours.
    Theme(Theme),
    /// What computes.
    Device(DeviceChoice),
    /// What is written down.
    Task(TaskChoice),
    /// Size of everything.
    TextScale(u16),
    /// Whether exported files say when.
    Times(TimesChoice),
    /// What files are exported as.
    Format(Format),
}

impl Field {
    /// What it is called.
    pub(super) fn name(self) -> String {
        text(match self {
            Self::Language => "settings-language",
            Self::BeamSize => "settings-beam-size",
            Self::CacheFolder => "settings-cache-folder",
            Self::MemoryBudget => "settings-memory-budget",
            Self::CardBudget => "settings-card-budget",
            Self::DiskBudget => "settings-disk-budget",
            Self::IdleMinutes => "settings-idle-minutes",
            Self::ResultsBudget => "settings-results-budget",
            Self::ResultsDays => "settings-results-days",
            Self::Preload => "settings-preload",
            Self::FontSize => "settings-font-size",
            Self::LineWidth => "settings-line-width",
            Self::LineCount => "settings-line-count",
        })
    }

    /// What it is good for, in one line.
    pub(super) fn explanation(self) -> String {
        text(match self {
            Self::Language => "settings-language-why",
            Self::BeamSize => "settings-beam-size-why",
            Self::CacheFolder => "settings-cache-folder-why",
            Self::MemoryBudget => "settings-memory-budget-why",
            Self::CardBudget => "settings-card-budget-why",
            Self::DiskBudget => "settings-disk-budget-why",
            Self::IdleMinutes => "settings-idle-minutes-why",
            Self::ResultsBudget => "settings-results-budget-why",
            Self::ResultsDays => "settings-results-days-why",
            Self::Preload => "settings-preload-why",
            Self::FontSize => "settings-font-size-why",
            Self::LineWidth => "settings-line-width-why",
            Self::LineCount => "settings-line-count-why",
        })
    }

    /// What stands in it while it is empty.
    pub(super) fn hint(self) -> String {
        text(match self {
            Self::Language => "settings-language-empty",
            Self::MemoryBudget => "settings-memory-budget-empty",
            Self::CardBudget | Self::CacheFolder => "settings-as-usual",
            Self::DiskBudget | Self::ResultsBudget | Self::LineWidth | Self::LineCount => "settings-no-limit",
            Self::ResultsDays => "settings-results-days-empty",
            Self::Preload => "settings-preload-empty",
            Self::BeamSize | Self::IdleMinutes | Self::FontSize => return String::new(),
        })
    }

    /// Since when a change of it counts.
    pub(super) fn since(self) -> Since {
        match self {
            Self::Language | Self::BeamSize => Since::NextRecording,
            Self::CacheFolder
            | Self::MemoryBudget
            | Self::CardBudget
            | Self::DiskBudget
            | Self::IdleMinutes
            | Self::ResultsBudget
            | Self::ResultsDays
            | Self::Preload => Since::NextStart,
            Self::FontSize | Self::LineWidth | Self::LineCount => Since::Now,
        }
    }

    /// What stands in it.
    pub(super) fn text(self, settings: &Settings) -> String {
        let (models, jobs) = (&settings.models, &settings.jobs);
        match self {
            Self::Language => jobs.language.clone().unwrap_or_default(),
            Self::BeamSize => jobs.beam_size.to_string(),
            Self::CacheFolder => models.cache_dir.as_ref().map_or_else(String::new, |dir| dir.display().to_string()),
            Self::MemoryBudget => number_text(models.memory_budget_mb),
            Self::CardBudget => number_text(models.gpu_memory_budget_mb),
            Self::DiskBudget => number_text(models.disk_budget_gb),
            Self::IdleMinutes => models.idle_unload_minutes.to_string(),
            Self::ResultsBudget => number_text(models.results.budget_gb),
            Self::ResultsDays => number_text(models.results.keep_days),
            Self::Preload => models.preload.join(", "),
            Self::FontSize => settings.look.font_size.to_string(),
            Self::LineWidth => number_text(settings.export.max_line_width),
            Self::LineCount => number_text(settings.export.max_line_count),
        }
    }

    /// Takes what was typed into it.
    ///
    /// # Errors
    /// What is wrong with it, for the user to read; nothing is changed then.
    pub(super) fn take(self, settings: &mut Settings, typed: &str) -> Result<(), String> {
        let typed = typed.trim();
        let (models, jobs, export) = (&mut settings.models, &mut settings.jobs, &mut settings.export);
        match self {
            Self::Language => jobs.language = language(typed)?,
            Self::BeamSize => jobs.beam_size = number(typed, &BEAM_SIZES)? as usize,
            Self::CacheFolder => models.cache_dir = folder(typed)?,
            Self::MemoryBudget => models.memory_budget_mb = number_or_none(typed, &MEMORY_MB)?,
            Self::CardBudget => models.gpu_memory_budget_mb = number_or_none(typed, &MEMORY_MB)?,
            Self::DiskBudget => models.disk_budget_gb = number_or_none(typed, &DISK_GB)?,
            Self::IdleMinutes => models.idle_unload_minutes = number(typed, &IDLE_MINUTES)? as u32,
            Self::ResultsBudget => models.results.budget_gb = number_or_none(typed, &DISK_GB)?,
            Self::ResultsDays => models.results.keep_days = number_or_none(typed, &DAYS)?.map(|days| days as u32),
            Self::Preload => models.preload = names(typed)?,
            Self::FontSize => {
                let sizes = LookSettings::FONT_SIZES;
                let sizes = u64::from(*sizes.start())..=u64::from(*sizes.end());
                settings.look.font_size = number(typed, &sizes)? as u8;
            }
            Self::LineWidth => export.max_line_width = number_or_none(typed, &LINE_WIDTHS)?.map(|n| n as usize),
            Self::LineCount => export.max_line_count = number_or_none(typed, &LINE_COUNTS)?.map(|n| n as usize),
        }
        Ok(())
    }
}

impl Since {
    /// What the user reads after the explanation; `None` where there is nothing to say.
    pub(super) fn note(self) -> Option<String> {
        match self {
            Self::Now => None,
            Self::NextRecording => Some(text("settings-since-recording")),
            Self::NextStart => Some(text("settings-since-start")),
        }
    }
}

impl Switch {
    /// What it is called.
    pub(super) fn name(self) -> String {
        text(match self {
            Self::Offline => "settings-offline",
            Self::KeepOnDisk => "settings-keep-on-disk",
            Self::KeepOriginals => "settings-keep-originals",
            Self::HighlightWords => "settings-highlight-words",
            Self::SpeakerNames => "settings-speaker-names",
            Self::BySpeaker => "settings-by-speaker",
        })
    }

    /// What it is good for, in one line.
    pub(super) fn explanation(self) -> String {
        text(match self {
            Self::Offline => "settings-offline-why",
            Self::KeepOnDisk => "settings-keep-on-disk-why",
            Self::KeepOriginals => "settings-keep-originals-why",
            Self::HighlightWords => "settings-highlight-words-why",
            Self::SpeakerNames => "settings-speaker-names-why",
            Self::BySpeaker => "settings-by-speaker-why",
        })
    }

    /// Since when a change of it counts.
    pub(super) fn since(self) -> Since {
        match self {
            Self::Offline | Self::KeepOnDisk | Self::KeepOriginals => Since::NextStart,
            Self::HighlightWords | Self::SpeakerNames | Self::BySpeaker => Since::Now,
        }
    }

    /// Whether it is on.
    pub(super) fn is_on(self, settings: &Settings) -> bool {
        match self {
            Self::Offline => settings.models.offline,
            Self::KeepOnDisk => settings.models.use_model_cache,
            Self::KeepOriginals => settings.models.keep_originals,
            Self::HighlightWords => settings.export.highlight_words,
            Self::SpeakerNames => !settings.export.hide_speakers,
            Self::BySpeaker => settings.export.by_speaker,
        }
    }

    fn set(self, settings: &mut Settings, is_on: bool) {
        match self {
            Self::Offline => settings.models.offline = is_on,
            Self::KeepOnDisk => settings.models.use_model_cache = is_on,
            Self::KeepOriginals => settings.models.keep_originals = is_on,
            Self::HighlightWords => settings.export.highlight_words = is_on,
            Self::SpeakerNames => settings.export.hide_speakers = !is_on,
            Self::BySpeaker => settings.export.by_speaker = is_on,
        }
    }
}

impl SettingChange {
    /// Makes the change.
    ///
    /// # Errors
    /// What is wrong with what was typed; nothing is changed then.
    pub(super) fn make(&self, settings: &mut Settings) -> Result<(), String> {
        match self {
            Self::Typed(field, typed) => return field.take(settings, typed),
            Self::Switched(switch, is_on) => switch.set(settings, *is_on),
            Self::WindowLanguage(code) => settings.window_language.clone_from(code),
            Self::Theme(theme) => settings.theme = *theme,
            Self::Device(device) => settings.jobs.device = *device,
            Self::Task(task) => settings.jobs.task = *task,
            Self::TextScale(percent) => settings.look.text_scale_percent = *percent,
            Self::Times(times) => settings.export.times = *times,
            Self::Format(format) => settings.export_format = Some(format.name().to_owned()),
        }
        Ok(())
    }
}

/// What is asked of a job besides the recording and the model.
pub(super) fn ask_as_chosen(request: &mut JobRequest, jobs: &JobSettings) {
    request.language.clone_from(&jobs.language);
    request.task = match jobs.task {
        TaskChoice::Transcribe => Task::Transcribe,
        TaskChoice::Translate => Task::Translate,
    };
    // A file may say 0.
    request.beam_size = jobs.beam_size.max(1);
}

/// What the engine calls the choice.
pub(super) fn device_of(choice: DeviceChoice) -> ComputeDevice {
    match choice {
        DeviceChoice::Automatic => ComputeDevice::Auto,
        DeviceChoice::Processor => ComputeDevice::Cpu,
        DeviceChoice::Cuda => ComputeDevice::Cuda,
        DeviceChoice::Metal => ComputeDevice::Metal,
    }
}

/// How exported files are laid out.
pub(super) fn layout_of(export: &ExportSettings) -> ExportOptions {
    ExportOptions {
        max_line_width: export.max_line_width,
        max_line_count: export.max_line_count,
        highlight_words: if export.highlight_words { Highlight::SpokenWord } else { Highlight::Off },
        speaker_names: if export.hide_speakers { SpeakerNames::Hidden } else { SpeakerNames::Shown },
        times: match export.times {
            TimesChoice::Usual => Times::Usual,
            TimesChoice::Shown => Times::Shown,
            TimesChoice::Linked => Times::Linked,
            TimesChoice::Hidden => Times::Hidden,
        },
        order: if export.by_speaker { Order::Speaker } else { Order::Time },
    }
}

fn number_text(number: Option<impl ToString>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn number(typed: &str, range: &RangeInclusive<u64>) -> Result<u64, String> {
    number_within(typed, range).ok_or_else(|| problem_with_number("settings-wants-number", range))
}

fn number_or_none(typed: &str, range: &RangeInclusive<u64>) -> Result<Option<u64>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let number = number_within(typed, range);
    number.map(Some).ok_or_else(|| problem_with_number("settings-wants-number-or-nothing", range))
}

fn number_within(typed: &str, range: &RangeInclusive<u64>) -> Option<u64> {
    typed.parse().ok().filter(|number| range.contains(number))
}

fn problem_with_number(id: &str, range: &RangeInclusive<u64>) -> String {
    text_with(id, &[("least", range.start().into()), ("most", range.end().into())])
}

/// Checks the form only: which languages a model knows, the model says.
fn language(typed: &str) -> Result<Option<String>, String> {
    let code = typed.to_ascii_lowercase();
    match code.as_str() {
        "" | "auto" => Ok(None),
        _ if (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase()) => Ok(Some(code)),
        _ => Err(text("settings-wants-language")),
    }
}

fn folder(typed: &str) -> Result<Option<PathBuf>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let folder = typed_path(typed, env::home_dir());
    if folder.is_absolute() { Ok(Some(folder)) } else { Err(text("settings-wants-folder")) }
}

/// Names of models as they are known to the catalog, or their keys.
fn names(typed: &str) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for name in typed.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name.contains(char::is_whitespace) {
            return Err(text_with("settings-wants-names", &[("name", name.into())]));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_taken_or_refused_with_a_reason() {
        for (field, typed, expected) in [
            (Field::Language, " DE ", Ok("de")),
            (Field::Language, "auto", Ok("")),
            (Field::Language, "german", Err("two or three letters")),
            (Field::BeamSize, "5", Ok("5")),
            (Field::BeamSize, "0", Err("from 1 to 16")),
            (Field::BeamSize, "", Err("whole number")),
            (Field::MemoryBudget, "4000", Ok("4000")),
            (Field::MemoryBudget, "", Ok("")),
            (Field::MemoryBudget, "-1", Err("Or leave it empty.")),
            (Field::CardBudget, "8000", Ok("8000")),
            (Field::DiskBudget, "1.5", Err("whole number")),
            (Field::IdleMinutes, "0", Ok("0")),
            (Field::ResultsBudget, "20", Ok("20")),
            (Field::ResultsDays, "", Ok("")),
            (Field::ResultsDays, "99999999999999999999", Err("36500")),
            (Field::Preload, "small, ,small,align-de", Ok("small, align-de")),
            (Field::Preload, "small base", Err("commas")),
            (Field::FontSize, "18", Ok("18")),
            (Field::FontSize, "30", Err("from 12 to 20")),
            (Field::LineWidth, "42", Ok("42")),
            (Field::LineCount, "0", Err("from 1 to 10")),
            (Field::CacheFolder, "models", Err("whole path")),
        ] {
            let mut settings = Settings::default();
            let before = settings.clone();
            let made = SettingChange::Typed(field, typed.to_owned()).make(&mut settings);
            match (expected, made) {
                (Ok(text), Ok(())) => assert_eq!(field.text(&settings), text, "{field:?}: {typed}"),
                (Err(reason), Err(problem)) => {
                    assert!(problem.contains(reason), "{field:?}: {typed}: {problem}");
                    assert_eq!(settings, before, "{field:?}: {typed}");
                }
                (expected, made) => panic!("{field:?}: {typed}: {made:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn switches_are_what_they_were_set_to() {
        let switches = [
            Switch::Offline,
            Switch::KeepOnDisk,
            Switch::KeepOriginals,
            Switch::HighlightWords,
            Switch::SpeakerNames,
            Switch::BySpeaker,
        ];
        for switch in switches {
            let mut settings = Settings::default();
            for is_on in [!switch.is_on(&settings), switch.is_on(&settings)] {
                SettingChange::Switched(switch, is_on).make(&mut settings).expect("nothing was typed");
                assert_eq!(switch.is_on(&settings), is_on, "{switch:?}");
            }
            assert_eq!(settings, Settings::default(), "{switch:?}");
        }
        assert_eq!(layout_of(&ExportSettings::default()), ExportOptions::default());
    }
}
