//! Every directory that Hansard uses. Tests pass a root of their own; nothing else asks the system for a folder.

use std::env;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// The folders of one installation.
#[derive(Clone, Debug)]
pub struct AppPaths {
    /// Settings, written by the user's choices in the window.
    pub config_dir: PathBuf,
    /// What only the user can make: enrolled voices.
    pub data_dir: PathBuf,
    /// What can be made again: spooled audio, the voices of folders that jobs named.
    pub cache_dir: PathBuf,
    asset_roots: Vec<PathBuf>,
}

impl AppPaths {
    /// The platform's own places (XDG on Linux), or the working directory for a user without a home.
    pub fn of_this_user() -> Self {
        let dirs = ProjectDirs::from("", "", "hansard");
        let folder = |of: fn(&ProjectDirs) -> &Path, otherwise: &str| {
            dirs.as_ref().map_or_else(|| PathBuf::from(otherwise), |dirs| of(dirs).to_path_buf())
        };
        Self {
            config_dir: folder(ProjectDirs::config_dir, ".hansard"),
            data_dir: folder(ProjectDirs::data_dir, ".hansard/data"),
            cache_dir: folder(ProjectDirs::cache_dir, ".hansard/cache"),
            asset_roots: asset_roots(),
        }
    }

    /// Everything below `root`, and the assets of this source tree or installation.
    pub fn below(root: &Path) -> Self {
        let folder = |name| root.join(name);
        Self {
            config_dir: folder("config"),
            data_dir: folder("data"),
            cache_dir: folder("cache"),
            asset_roots: asset_roots(),
        }
    }

    /// The settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.config_dir.join("settings.ron")
    }

    /// Languages of the window that the user added.
    pub fn languages_dir(&self) -> PathBuf {
        self.config_dir.join("languages")
    }

    /// The file that says how the window was left.
    pub fn window_file(&self) -> PathBuf {
        self.config_dir.join("window.ron")
    }

    /// A file or folder that ships with Hansard, such as `demo/models`: next to the executable, in the source tree,
    /// or in the installed share directory, in that order. `None` if this installation lacks it.
    pub fn asset(&self, relative: &str) -> Option<PathBuf> {
        self.asset_roots.iter().map(|root| root.join(relative)).find(|path| path.exists())
    }

    /// Where assets are looked for, for a message when one is missing.
    pub fn asset_roots(&self) -> &[PathBuf] {
        &self.asset_roots
    }
}

fn asset_roots() -> Vec<PathBuf> {
    let exe_dir = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let mut roots = Vec::new();
    roots.extend(exe_dir.as_ref().map(|dir| dir.join("assets")));
    roots.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets"));
    roots.extend(exe_dir.as_ref().and_then(|dir| dir.parent()).map(|prefix| prefix.join("share/hansard")));
    if cfg!(target_os = "macos") {
        roots.extend(exe_dir.as_ref().and_then(|dir| dir.parent()).map(|contents| contents.join("Resources")));
    }
    roots
}
