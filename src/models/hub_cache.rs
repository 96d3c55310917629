//! Models that other programs already fetched from the Hugging Face hub: where its own cache is, and whether a revision
//! is complete in it. Nothing is written there, and nothing outside of a repository's folder is read, whatever links
//! say.
//!
//! ```text
//! HF_HUB_CACHE/models--OWNER--NAME/
//! ├── refs/main                           the commit that a branch or tag means
//! ├── snapshots/COMMIT/config.json        usually a link to
//! └── blobs/HASH                          the content; HASH is its SHA-256 for large files, else Git's SHA-1
//! ```
//! As `huggingface_hub` 1.0 lays it out (`file_download.py`, `constants.py`).

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use directories::BaseDirs;

use super::store::{Kind, header_flaw, kind_of};

/// A cache of the hub's own tools, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubCache {
    folder: Option<PathBuf>,
}

/// A revision of a repository, with all files that were wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder of the revision, in Hugging Face layout.
    pub folder: PathBuf,
    /// The commit.
    pub commit: String,
    /// The files that were asked for, in the order in which they were.
    pub files: Vec<SnapshotFile>,
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its name in the repository.
    pub name: String,
    /// Where its content really is.
    pub path: PathBuf,
    /// Its size.
    pub n_bytes: u64,
    /// What its hash should be, if the cache tells.
    pub hash: Option<BlobHash>,
}

/// What the content of a file is called, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobHash {
    /// Its SHA-256.
    Sha256(String),
    /// The SHA-1 that Git has of it: of its kind and size, and of its bytes.
    Git(String),
}

impl HubCache {
    /// Where the hub's own tools look: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, or `.cache` in the user's home.
    pub fn from_environment() -> Self {
        let home = BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
        Self::from_variables(|name| env::var_os(name), home.as_deref())
    }

    /// The same for any environment.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>, home: Option<&Path>) -> Self {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let expanded = |path: PathBuf| {
            let in_home = path.strip_prefix("~").ok().zip(home).map(|(rest, home)| home.join(rest));
            in_home.unwrap_or(path)
        };
        let folder = path("HF_HUB_CACHE")
            .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| Some(path("HF_HOME")?.join("hub")))
            .or_else(|| Some(path("XDG_CACHE_HOME")?.join("huggingface/hub")))
            .or_else(|| Some(home?.join(".cache/huggingface/hub")));
        Self { folder: folder.map(expanded) }
    }

    /// The cache in a folder.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.to_path_buf()) }
    }

    /// No cache.
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// The folder of the cache, which need not exist.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// A revision (branch, tag or commit) of `OWNER/NAME`, if all files that are `required` are whole; with those that
    /// are `optional` as far as they are there. `None` if anything is missing, unreadable, or not as it should be: then
    /// it is fetched as if there was no cache.
    pub fn find(&self, repository: &str, revision: &str, required: &[&str], optional: &[&str]) -> Option<Snapshot> {
        let home = self.folder.as_ref()?.join(folder_name(repository)?).canonicalize().ok()?;
        let commit = commit_of(&home, revision)?;
        let folder = home.join("snapshots").join(&commit);
        if !folder.canonicalize().ok()?.starts_with(&home) {
            return None;
        }
        let mut files = required.iter().map(|name| file(&home, &folder, name)).collect::<Option<Vec<_>>>()?;
        files.extend(optional.iter().filter_map(|name| file(&home, &folder, name)));
        Some(Snapshot { folder, commit, files })
    }
}

/// `models--OWNER--NAME`; `None` if the name is not one of a repository.
fn folder_name(repository: &str) -> Option<String> {
    let is_plain = |part: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_known)
    };
    let is_name = repository.split('/').count() <= 2 && repository.split('/').all(is_plain);
    is_name.then(|| format!("models--{}", repository.replace('/', "--")))
}

/// The commit that a revision means.
fn commit_of(home: &Path, revision: &str) -> Option<String> {
    let is_commit = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit(revision) {
        return Some(revision.to_owned());
    }
    if !is_inside(Path::new(revision)) {
        return None;
    }
    let path = home.join("refs").join(revision).canonicalize().ok().filter(|path| path.starts_with(home))?;
    let commit = fs::read_to_string(path).ok()?.trim().to_owned();
    is_commit(&commit).then_some(commit)
}

/// Whether a path leads down only.
fn is_inside(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// A file of a snapshot, if it is there and whole.
fn file(home: &Path, snapshot: &Path, name: &str) -> Option<SnapshotFile> {
    if !is_inside(Path::new(name)) {
        return None;
    }
    let path = snapshot.join(name).canonicalize().ok().filter(|path| path.starts_with(home))?;
    let metadata = fs::metadata(&path).ok()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return None;
    }
    // A download that was cut short shows here; other damage shows when the bytes are hashed.
    if kind_of(name) == Some(Kind::Safetensors) && header_flaw(&path).ok()?.is_some() {
        return None;
    }
    let blob = path.file_name().and_then(|name| name.to_str());
    let blob = blob.filter(|_| path.parent().is_some_and(|parent| parent == home.join("blobs")));
    let hash = blob.and_then(BlobHash::of_name);
    Some(SnapshotFile { name: name.to_owned(), path, n_bytes: metadata.len(), hash })
}

impl BlobHash {
    /// The hash that is the name of a blob, if it is one.
    fn of_name(name: &str) -> Option<Self> {
        let digits = Some(name).filter(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit()))?.to_ascii_lowercase();
        match digits.len() {
            64 => Some(Self::Sha256(digits)),
            40 => Some(Self::Git(digits)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_hubs_tools_put_it() {
        let home = Path::new("/home/user");
        let all = [
            ("HF_HUB_CACHE", "/a"),
            ("HUGGINGFACE_HUB_CACHE", "/b"),
            ("HF_HOME", "/c"),
            ("XDG_CACHE_HOME", "/d"),
            ("EMPTY", ""),
        ];
        for (first, expected) in
            [(0, "/a"), (1, "/b"), (2, "/c/hub"), (3, "/d/huggingface/hub"), (4, "/home/user/.cache/huggingface/hub")]
        {
            let variable = |name: &str| {
                let (_, value) = all[first..].iter().find(|(known, _)| *known == name)?;
                Some(OsString::from(value))
            };
            assert_eq!(HubCache::from_variables(variable, Some(home)), HubCache::at(Path::new(expected)));
        }
        let in_home = |name: &str| Some(OsString::from(if name == "HF_HOME" { "~/models" } else { "" }));
        assert_eq!(HubCache::from_variables(in_home, Some(home)), HubCache::at(Path::new("/home/user/models/hub")));
        assert_eq!(HubCache::from_variables(|_| None, None), HubCache::none());
    }
}
