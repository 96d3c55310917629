//! The user's choices, kept as RON. A damaged or newer file yields defaults plus a warning and is set aside before
//! anything is written over it; nothing here decides what a choice means.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

/// What the user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Colours of the window.
    pub theme: Theme,
    /// Folder that the last export went to.
    pub export_dir: Option<PathBuf>,
    /// Name of the last export format, as `export::Format` spells it.
    pub export_format: Option<String>,
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
    /// Reads the settings at `path`. A missing file is a first start; an unreadable one gives defaults and a warning.
    pub fn load(path: &Path) -> (Self, Option<String>) {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => {
                let warning = format!("{}: {error}. Default settings are used.", path.display());
                return (Self::default(), Some(warning));
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
                (Self::default(), Some(format!("{}: {error}. Default settings are used; {kept}.", path.display())))
            }
        }
    }

    /// Writes the settings to `path`.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        // A path that is no Unicode has no RON form.
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default())
            .map_err(io::Error::other)
            .map_err(FileError::of("write", path))?;
        files::write_atomic(path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_saved() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("settings.ron");
        assert_eq!(Settings::load(&path), (Settings::default(), None));
        let settings =
            Settings { theme: Theme::Dark, export_dir: Some("/tmp/x".into()), export_format: Some("srt".into()) };
        settings.save(&path).expect("a writable folder");
        assert_eq!(Settings::load(&path), (settings, None));
    }

    #[test]
    fn a_damaged_file_gives_defaults_a_warning_and_a_copy() {
        for text in [&b"(theme: Purple)"[..], b"(theme: Dark", b"\0\x01", b"", b"(theme: Dark, \xff)", b"(later: 3)"] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("settings.ron");
            fs::write(&path, text).expect("a writable folder");
            let (settings, warning) = Settings::load(&path);
            assert_eq!(settings, Settings::default());
            assert!(warning.is_some_and(|warning| warning.contains("settings.ron")));
            assert_eq!(fs::read(path.with_extension("ron.unreadable")).expect("the copy"), text);
        }
    }
}
