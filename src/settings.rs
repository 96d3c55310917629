//! The user's choices, kept as RON. A damaged or newer file yields defaults plus a warning and is set aside before
//! anything is written over it; nothing here decides what a choice means.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::paths::AppPaths;

/// Said where it is not known what the user chose.
const STAYS_OFFLINE: &str = "but nothing is fetched (offline) until the file is corrected or removed";

/// What the user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The code of the window's language; `None`: that of the system.
    pub window_language: Option<String>,
    /// Colours of the window.
    pub theme: Theme,
    /// Folder that the last export went to.
    pub export_dir: Option<PathBuf>,
    /// Name of the last export format, as `export::Format` spells it.
    pub export_format: Option<String>,
    /// How exported files are laid out.
    pub export: ExportSettings,
    /// How recordings are transcribed.
    pub jobs: JobSettings,
    /// How large everything in the window is.
    pub look: LookSettings,
    /// Models in memory and on disk.
    pub models: ModelSettings,
}

/// What the user chose about the layout of exported files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportSettings {
    /// Subtitles: characters on a line; `None`: as many as there are.
    pub max_line_width: Option<usize>,
    /// Subtitles: lines in a cue; `None`: as many as there are.
    pub max_line_count: Option<usize>,
    /// Subtitles: whether the word that is being said is underlined.
    pub highlight_words: bool,
    /// Whether files leave out who speaks.
    pub hide_speakers: bool,
    /// Whether they say when.
    pub times: TimesChoice,
    /// Documents: whether they go from speaker to speaker.
    pub by_speaker: bool,
}

/// Whether exported files say when something was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimesChoice {
    /// As it is usual for the format.
    #[default]
    Usual,
    /// They do.
    Shown,
    /// They do, and each time is a link to that moment of the recording where the format has links.
    Linked,
    /// They do not.
    Hidden,
}

/// What the user chose for the recordings that are opened next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobSettings {
    /// What computes.
    pub device: DeviceChoice,
    /// Code of the language that is spoken; `None`: it is detected.
    pub language: Option<String>,
    /// What is written down.
    pub task: TaskChoice,
    /// Texts that the search follows at once.
    pub beam_size: usize,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { device: DeviceChoice::default(), language: None, task: TaskChoice::default(), beam_size: 1 }
    }
}

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// A graphics card where there is one, else the processor.
    #[default]
    Automatic,
    /// The processor.
    Processor,
    /// A graphics card of NVIDIA's.
    Cuda,
    /// The graphics processor of a Mac.
    Metal,
}

/// What is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskChoice {
    /// What is said.
    #[default]
    Transcribe,
    /// Its translation into English.
    Translate,
}

/// How large everything in the window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookSettings {
    /// Size of text and everything else, as a share of what is usual on this screen.
    pub text_scale_percent: u16,
    /// Size of most text, in points.
    pub font_size: u8,
}

impl LookSettings {
    /// The smallest and the largest scale.
    pub const SCALES_PERCENT: RangeInclusive<u16> = 100..=200;
    /// The smallest and the largest text, in points.
    pub const FONT_SIZES: RangeInclusive<u8> = 12..=20;

    /// The scale as a factor. A file may say anything; the window stays usable.
    pub fn zoom_factor(self) -> f32 {
        let scales = Self::SCALES_PERCENT;
        f32::from(self.text_scale_percent.clamp(*scales.start(), *scales.end())) / 100.0
    }

    /// The size of most text, in points, within its limits.
    pub fn font_points(self) -> f32 {
        let sizes = Self::FONT_SIZES;
        f32::from(self.font_size.clamp(*sizes.start(), *sizes.end()))
    }
}

impl Default for LookSettings {
    fn default() -> Self {
        Self { text_scale_percent: 100, font_size: 15 }
    }
}

/// What the user chose about stored results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResultSettings {
    /// Days that a result may lie unused; `None`: for ever.
    pub keep_days: Option<u32>,
    /// What all of them may take of the disk, in GB of 10⁹ bytes; `None`: as much as they want.
    pub budget_gb: Option<u64>,
}

impl Default for ResultSettings {
    fn default() -> Self {
        Self { keep_days: Some(90), budget_gb: None }
    }
}

/// What the user chose about models in memory and on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// Folder of the models on disk; `None`: in the platform's folder for caches.
    pub cache_dir: Option<PathBuf>,
    /// Whether models are kept on disk, ready to load. Where not, nothing is written.
    pub use_model_cache: bool,
    /// What models may take of the memory, in MB of 10⁶ bytes; `None`: half of what there is.
    pub memory_budget_mb: Option<u64>,
    /// What models may take of the memory of each graphics card; `None`: half of it.
    pub gpu_memory_budget_mb: Option<u64>,
    /// What models may take of the disk, in GB of 10⁹ bytes; `None`: as much as they want.
    pub disk_budget_gb: Option<u64>,
    /// Models that stay in memory at most; `None`: as many as the budget allows. A job has all that it needs.
    pub max_models: Option<usize>,
    /// Minutes after which a model that nobody uses leaves the memory; 0: never.
    pub idle_unload_minutes: u32,
    /// How full the machine's memory may be before idle models leave it; 100 or more: they stay.
    pub pressure_threshold_percent: u8,
    /// How often that is looked at.
    pub pressure_interval_secs: u32,
    /// Models to load when Hansard starts, by their names or keys.
    pub preload: Vec<String>,
    /// The model that transcribes the recordings opened next; `None`: the one that ships with Hansard.
    pub chosen: Option<String>,
    /// Whether the files as they were fetched are kept beside those that are ready to load.
    pub keep_originals: bool,
    /// Whether nothing at all may be fetched.
    pub offline: bool,
    /// The hub to fetch from, in place of `HF_ENDPOINT` and of Hugging Face's own.
    pub hf_endpoint: Option<String>,
    /// What models computed, which is kept in the same folder.
    pub results: ResultSettings,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            cache_dir: None,
            use_model_cache: true,
            memory_budget_mb: None,
            gpu_memory_budget_mb: None,
            disk_budget_gb: None,
            max_models: None,
            idle_unload_minutes: 15,
            pressure_threshold_percent: 90,
            pressure_interval_secs: 5,
            preload: Vec::new(),
            chosen: None,
            keep_originals: false,
            offline: false,
            hf_endpoint: None,
            results: ResultSettings::default(),
        }
    }
}

impl ModelSettings {
    /// The folder of the models on disk.
    pub fn cache_root(&self, paths: &AppPaths) -> PathBuf {
        let said = self.cache_dir.clone().filter(|folder| !folder.as_os_str().is_empty());
        said.unwrap_or_else(|| paths.cache_dir.clone())
    }

    /// The hub to fetch from, where these choices name one.
    pub fn hub(&self) -> Option<&str> {
        self.hf_endpoint.as_deref().map(str::trim).filter(|endpoint| !endpoint.is_empty())
    }

    /// These choices but for those that were made anew for this start.
    pub fn with(&self, overrides: &ModelOverrides) -> Self {
        let mut settings = self.clone();
        if let Some(folder) = &overrides.cache_dir {
            settings.cache_dir = Some(folder.clone());
        }
        if let Some(models) = &overrides.preload {
            settings.preload.clone_from(models);
        }
        settings.offline |= overrides.offline;
        settings
    }
}

/// What the command line and the environment say about models. It holds for this start and is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOverrides {
    /// Folder of the models on disk.
    pub cache_dir: Option<PathBuf>,
    /// Models to load at start.
    pub preload: Option<Vec<String>>,
    /// Whether nothing may be fetched; where not, the settings decide.
    pub offline: bool,
}

impl ModelOverrides {
    /// What the environment says; `variable` looks one up. An empty variable counts as none.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let names = |list: OsString| -> Vec<String> {
            let list = list.to_string_lossy().into_owned();
            list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        Self {
            cache_dir: said("HANSARD_CACHE_DIR").map(PathBuf::from),
            preload: said("HANSARD_PRELOAD_MODELS").map(names),
            offline: false,
        }
    }
}

/// Colours of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the desktop has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Settings {
    /// Reads the settings at `path`. A missing file is a first start; an unreadable one gives defaults and a warning. It
    /// may have said that nothing shall be fetched, so nothing is until it can be read.
    pub fn load(path: &Path) -> (Self, Option<String>) {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => {
                let warning = format!("{}: {error}. Default settings are used, {STAYS_OFFLINE}.", path.display());
                return (Self::offline(), Some(warning));
            }
        };
        match ron::de::from_bytes(&bytes) {
            Ok(settings) => (settings, None),
            Err(error) => {
                let aside = path.with_extension("ron.unreadable");
                let kept = match fs::copy(path, &aside) {
                    Ok(_) => format!("a copy is kept as {}", aside.display()),
                    Err(error) => format!("no copy could be kept: {error}"),
                };
                let warning =
                    format!("{}: {error}. Default settings are used, {STAYS_OFFLINE}; {kept}.", path.display());
                (Self::offline(), Some(warning))
            }
        }
    }

    /// The defaults of a user of whom nobody knows whether anything may be fetched.
    fn offline() -> Self {
        Self { models: ModelSettings { offline: true, ..ModelSettings::default() }, ..Self::default() }
    }

    /// Writes the settings to `path`.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        save_as_ron(self, path)
    }
}

/// How the window was left, so that the next one opens like it. Nothing in here is worth a warning when it is lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowState {
    /// Width and height of its inside, in points of the desktop.
    pub size: Option<(f32, f32)>,
    /// Its upper left corner, if that was on the first screen: others may be gone.
    pub position: Option<(f32, f32)>,
    /// Whether it filled the screen.
    pub is_maximized: bool,
    /// Whether the library was asked for or sent away; `None`: neither.
    pub shows_library: Option<bool>,
    /// Whether the panel with the speakers was,
    pub shows_speakers: Option<bool>,
    /// and what it shows.
    pub side_tab: SideTab,
    /// What was read.
    pub meeting: Option<OpenMeeting>,
}

/// A tab of the panel at the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SideTab {
    /// Who speaks.
    #[default]
    Speakers,
    /// How the transcript is exported.
    Export,
    /// What is known of the recording, its job and its models.
    Details,
}

/// A recording of the library, and the place in it that was read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenMeeting {
    /// Its number.
    pub recording: i64,
    /// When that was said which stood at the upper edge, in seconds.
    pub at_secs: f64,
}

impl WindowState {
    /// Reads how the window was left. Where that is not known, it opens as usual.
    pub fn load(path: &Path) -> Self {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!("{}: {error}", path.display());
                }
                return Self::default();
            }
        };
        ron::de::from_bytes(&bytes).unwrap_or_else(|error| {
            tracing::warn!("{}: {error}; the window opens as usual", path.display());
            Self::default()
        })
    }

    /// Writes it to `path`.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        save_as_ron(self, path)
    }
}

fn save_as_ron(value: &impl Serialize, path: &Path) -> Result<(), FileError> {
    // A path that is no Unicode has no RON form.
    let text = ron::ser::to_string_pretty(value, ron::ser::PrettyConfig::default())
        .map_err(io::Error::other)
        .map_err(FileError::of("write", path))?;
    files::write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_saved() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("settings.ron");
        assert_eq!(Settings::load(&path), (Settings::default(), None));
        let models =
            ModelSettings { disk_budget_gb: Some(20), preload: vec!["small".into()], ..ModelSettings::default() };
        let (export_dir, export_format) = (Some("/tmp/x".into()), Some("srt".into()));
        let export = ExportSettings { max_line_width: Some(42), by_speaker: true, ..ExportSettings::default() };
        let jobs = JobSettings { language: Some("de".into()), task: TaskChoice::Translate, ..JobSettings::default() };
        let look = LookSettings { text_scale_percent: 150, font_size: 18 };
        let settings = Settings {
            window_language: None,
            theme: Theme::Dark,
            export_dir,
            export_format,
            export,
            jobs,
            look,
            models,
        };
        settings.save(&path).expect("a writable folder");
        assert_eq!(Settings::load(&path), (settings, None));
    }

    #[test]
    fn a_window_opens_as_it_was_left_or_as_usual() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("window.ron");
        assert_eq!(WindowState::load(&path), WindowState::default());
        let meeting = Some(OpenMeeting { recording: 7, at_secs: 61.5 });
        let left =
            WindowState { size: Some((900.0, 700.0)), shows_library: Some(false), meeting, ..Default::default() };
        left.save(&path).expect("a writable folder");
        assert_eq!(WindowState::load(&path), left);
        for text in [&b"(size: 3)"[..], b"\xff", b"", b"(later: 3)"] {
            fs::write(&path, text).expect("a writable folder");
            assert_eq!(WindowState::load(&path), WindowState::default());
        }
    }

    #[test]
    fn a_size_that_nobody_could_use_is_not_used() {
        for (text_scale_percent, font_size, zoom_factor, points) in
            [(100, 15, 1.0, 15.0), (150, 20, 1.5, 20.0), (0, 0, 1.0, 12.0), (u16::MAX, u8::MAX, 2.0, 20.0)]
        {
            let look = LookSettings { text_scale_percent, font_size };
            let sizes: [f32; 2] = [look.zoom_factor(), look.font_points()];
            assert_eq!(sizes.map(f32::to_bits), [zoom_factor, points].map(f32::to_bits));
        }
    }

    #[test]
    fn choices_that_are_not_in_the_file_are_the_usual_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("settings.ron");
        for (text, expected) in [
            ("(theme: Dark)", ModelSettings::default()),
            ("(models: ())", ModelSettings::default()),
            (
                "(models: (idle_unload_minutes: 0, memory_budget_mb: Some(900)))",
                ModelSettings { idle_unload_minutes: 0, memory_budget_mb: Some(900), ..ModelSettings::default() },
            ),
        ] {
            fs::write(&path, text).expect("a writable folder");
            let (settings, warning) = Settings::load(&path);
            assert_eq!((settings.models, warning), (expected, None), "{text}");
        }
    }

    #[test]
    fn an_empty_text_is_no_choice() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(root.path());
        for (folder, expected_root, endpoint, expected_hub) in [
            (None, paths.cache_dir.clone(), None, None),
            (Some(""), paths.cache_dir.clone(), Some(" "), None),
            (Some("/models"), "/models".into(), Some(" http://hub "), Some("http://hub")),
        ] {
            let (cache_dir, hf_endpoint) = (folder.map(PathBuf::from), endpoint.map(str::to_owned));
            let settings = ModelSettings { cache_dir, hf_endpoint, ..ModelSettings::default() };
            assert_eq!((settings.cache_root(&paths), settings.hub()), (expected_root, expected_hub));
        }
    }

    #[test]
    fn what_is_said_at_the_start_wins() {
        let kept = ModelSettings { cache_dir: Some("/kept".into()), offline: true, ..ModelSettings::default() };
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (cache_dir, preload, expected_dir, expected_preload) in [
            (None, None, "/kept", names(&[])),
            (Some(""), Some(""), "/kept", names(&[])),
            (
                Some("/said"),
                Some(" small, ,whisperx_align_de_cpu"),
                "/said",
                names(&["small", "whisperx_align_de_cpu"]),
            ),
        ] {
            let overrides = ModelOverrides::from_environment(|name| match name {
                "HANSARD_CACHE_DIR" => cache_dir.map(OsString::from),
                "HANSARD_PRELOAD_MODELS" => preload.map(OsString::from),
                _ => None,
            });
            let settings = kept.with(&overrides);
            assert_eq!(settings.cache_dir, Some(expected_dir.into()));
            assert_eq!(settings.preload, expected_preload);
            assert!(settings.offline, "nothing said takes it back");
        }
    }

    #[test]
    fn a_damaged_file_gives_defaults_a_warning_and_a_copy() {
        for text in [
            &b"(theme: Purple)"[..],
            b"(theme: Dark",
            b"\0\x01",
            b"",
            b"(theme: Dark, \xff)",
            b"(later: 3)",
            b"(models: (later: 3))",
            b"(models: (offline: true, disk_budget_gb: 3))",
        ] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("settings.ron");
            fs::write(&path, text).expect("a writable folder");
            let (settings, warning) = Settings::load(&path);
            assert_eq!(settings, Settings::offline());
            assert!(warning.is_some_and(|warning| warning.contains("settings.ron") && warning.contains("offline")));
            assert_eq!(fs::read(path.with_extension("ron.unreadable")).expect("the copy"), text);
        }
    }
}
