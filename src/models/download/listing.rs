//! Which files a repository has at a revision, and which of them are wanted.

use serde::Deserialize;

use super::error::{DownloadError, Failure};
use super::http::{Client, header};

/// The end of the name of a file that tells in which of several files which weights are.
const INDEX: &str = ".safetensors.index.json";

/// A file, or several, that a model needs. `model.safetensors.index.json` brings the weights with it,
/// `model-00001-of-00002.safetensors` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePattern {
    /// The first of these that the repository has is taken. `*` stands for anything within a folder.
    alternatives: Vec<String>,
    need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

impl FilePattern {
    /// A file without which the model does not work.
    pub fn required(name: &str) -> Self {
        Self { alternatives: vec![name.to_owned()], need: Need::Required }
    }

    /// A file that is taken if there is one.
    pub fn optional(name: &str) -> Self {
        Self { alternatives: vec![name.to_owned()], need: Need::Optional }
    }

    /// The first of several files that the repository has, such as weights in one format or another.
    pub fn first_of(names: &[&str]) -> Self {
        Self { alternatives: names.iter().map(|&name| name.to_owned()).collect(), need: Need::Required }
    }
}

/// What the content of a file must hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    /// SHA-256 of the content, in hexadecimal digits: large files.
    Sha256(String),
    /// Git's SHA-1 of the content behind a header, in hexadecimal digits: small files.
    Git(String),
}

impl Checksum {
    /// By the number of its digits.
    pub(super) fn of_digits(digits: &str) -> Option<Self> {
        let digits = digits.to_ascii_lowercase();
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        match digits.len() {
            64 => Some(Self::Sha256(digits)),
            40 => Some(Self::Git(digits)),
            _ => None,
        }
    }

    pub(super) fn digits(&self) -> &str {
        match self {
            Self::Sha256(digits) | Self::Git(digits) => digits,
        }
    }
}

/// A file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RemoteFile {
    /// Its path in the repository.
    pub(super) name: String,
    pub(super) n_bytes: u64,
    /// `None` where the hub does not tell; then its size is all that can be checked.
    pub(super) checksum: Option<Checksum>,
}

/// The wanted files of a repository at a commit.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) files: Vec<RemoteFile>,
}

#[derive(Deserialize)]
struct ModelInfo {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Sibling {
    fn n_bytes(&self) -> Option<u64> {
        self.lfs.as_ref().and_then(|lfs| lfs.size).or(self.size)
    }

    /// Of a large file, the blob is only a pointer to it.
    fn checksum(&self) -> Option<Checksum> {
        match &self.lfs {
            Some(lfs) => lfs.sha256.as_deref().and_then(Checksum::of_digits),
            None => self.blob_id.as_deref().and_then(Checksum::of_digits),
        }
    }
}

/// Asks the hub which commit `revision` is, and which of the wanted files it has, by name.
pub(super) fn wanted_files(client: &Client, revision: &str, wanted: &[FilePattern]) -> Result<Listing, Failure> {
    let mut address = client.address(&["api/models", client.repository(), "revision"]);
    // A branch may be named with a slash, which is then no separator.
    address.path_segments_mut().expect("an address with a host has a path").push(revision);
    address.set_query(Some("blobs=true"));
    let answer = client.get(&address, &[])?;
    client.check(&answer, revision, None)?;
    client.check_no_page(&answer)?;
    let url = answer.url.clone();
    let text = client.text(answer)?;
    let not_understood = |reason: String| Failure::Lasting(client.not_understood(&url, reason));
    let info: ModelInfo = serde_json::from_str(&text).map_err(|error| not_understood(error.to_string()))?;
    if info.sha.len() != 40 || !info.sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(not_understood("it names no commit".to_owned()));
    }
    let mut files = Vec::new();
    for sibling in chosen(&info, wanted).map_err(|name| missing(client, &info.sha, name))? {
        if !is_plain_path(&sibling.rfilename) {
            return Err(not_understood(format!("a file is named {:?}", sibling.rfilename)));
        }
        files.push(match (sibling.n_bytes(), sibling.checksum()) {
            (Some(n_bytes), Some(checksum)) => {
                RemoteFile { name: sibling.rfilename.clone(), n_bytes, checksum: Some(checksum) }
            }
            _ => described(client, &info.sha, &sibling.rfilename)?,
        });
    }
    Ok(Listing { commit: info.sha, files })
}

/// The files that the patterns ask for, by name, or the name of one that is required and not there.
fn chosen<'a, 'b>(info: &'a ModelInfo, wanted: &'b [FilePattern]) -> Result<Vec<&'a Sibling>, &'b str> {
    let mut chosen: Vec<&Sibling> = Vec::new();
    for pattern in wanted {
        let found = pattern.alternatives.iter().find_map(|alternative| {
            let is_found = |file: &&Sibling| matches(alternative, &file.rfilename);
            let mut found: Vec<_> = info.siblings.iter().filter(is_found).collect();
            if let Some(stem) = alternative.strip_suffix(INDEX).filter(|_| !found.is_empty()) {
                let shards = format!("{stem}-*-of-*.safetensors");
                found.extend(info.siblings.iter().filter(|file| matches(&shards, &file.rfilename)));
            }
            (!found.is_empty()).then_some(found)
        });
        match (found, pattern.need) {
            (Some(found), _) => chosen.extend(found),
            (None, Need::Optional) => {}
            (None, Need::Required) => return Err(pattern.alternatives.first().map_or("", String::as_str)),
        }
    }
    chosen.sort_by(|a, b| a.rfilename.cmp(&b.rfilename));
    chosen.dedup_by(|a, b| a.rfilename == b.rfilename);
    Ok(chosen)
}

fn missing(client: &Client, commit: &str, name: &str) -> Failure {
    Failure::Lasting(DownloadError::FileNotFound {
        repository: client.repository().to_owned(),
        name: name.to_owned(),
        revision: commit.to_owned(),
        page: client.page(),
    })
}

/// Where a file of a commit is asked for.
pub(super) fn address_of_file(client: &Client, commit: &str, name: &str) -> url::Url {
    client.address(&[client.repository(), "resolve", commit, name])
}

/// What the hub says about one file, for mirrors whose list lacks sizes and checksums.
fn described(client: &Client, commit: &str, name: &str) -> Result<RemoteFile, Failure> {
    let answer = client.head(&address_of_file(client, commit, name))?;
    if !matches!(answer.status, 301..=308) {
        client.check(&answer, commit, Some(name))?;
    }
    let text = |name: &str| header(&answer.headers, name);
    // Of a redirect, the length is its own and not that of the file.
    let n_bytes = text("x-linked-size").or_else(|| text("content-length").filter(|_| answer.status == 200));
    let Some(n_bytes) = n_bytes.and_then(|digits| digits.trim().parse().ok()) else {
        let reason = format!("it does not tell the size of {name}");
        return Err(Failure::Lasting(client.not_understood(&answer.url, reason)));
    };
    let tag = text("x-linked-etag").or_else(|| text("etag").filter(|_| answer.status == 200));
    let checksum = tag.and_then(|tag| Checksum::of_digits(tag.trim_start_matches("W/").trim_matches('"')));
    Ok(RemoteFile { name: name.to_owned(), n_bytes, checksum })
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    let within_folder = rest.find('/').unwrap_or(rest.len());
    (0..=within_folder).any(|end| rest.is_char_boundary(end) && matches(tail, &rest[end..]))
}

/// Whether a name from the hub stays within the folder it is written to, on every system.
fn is_plain_path(name: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']) && !part.contains(char::is_control)
    };
    name.len() <= 255 && name.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_within_a_folder() {
        for (pattern, name, expected) in [
            ("model.safetensors", "model.safetensors", true),
            ("*.safetensors", "model-00001-of-00002.safetensors", true),
            ("*.safetensors", "fp16/model.safetensors", false),
            ("fp16/*", "fp16/model.safetensors", true),
            ("model*.safetensors", "model.safetensors", true),
            ("*.json", "größe.json", true),
            ("*.json", "vocab.jsonl", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_known() {
        for (name, expected) in [
            ("config.json", true),
            ("onnx/model.onnx", true),
            ("../config.json", false),
            ("/etc/passwd", false),
            ("a//b", false),
            ("a\\b", false),
            ("C:x", false),
            (".part", false),
            ("a/../b", false),
            ("", false),
        ] {
            assert_eq!(is_plain_path(name), expected, "{name:?}");
        }
    }

    #[test]
    fn the_first_alternative_that_is_there_is_chosen() {
        let info: ModelInfo = serde_json::from_str(
            r#"{"sha": "", "siblings": [{"rfilename": "pytorch_model.bin"}, {"rfilename": "config.json"}]}"#,
        )
        .expect("right JSON");
        let names = |wanted: &[FilePattern]| {
            chosen(&info, wanted)
                .map(|files| files.iter().map(|file| file.rfilename.clone()).collect::<Vec<_>>())
                .map_err(str::to_owned)
        };
        let weights = FilePattern::first_of(&["model.safetensors", "pytorch_model.bin"]);
        assert_eq!(
            names(&[weights, FilePattern::required("*.json"), FilePattern::optional("vocab.txt")]),
            Ok(vec!["config.json".to_owned(), "pytorch_model.bin".to_owned()])
        );
        assert_eq!(names(&[FilePattern::required("vocab.txt")]), Err("vocab.txt".to_owned()));
    }

    #[test]
    fn an_index_brings_the_weights_with_it() {
        let info: ModelInfo = serde_json::from_str(
            r#"{"sha": "", "siblings": [
                {"rfilename": "model-00001-of-00002.safetensors"}, {"rfilename": "model-00002-of-00002.safetensors"},
                {"rfilename": "model.fp32-00001-of-00001.safetensors"}, {"rfilename": "model.safetensors.index.json"}]}"#,
        )
        .expect("right JSON");
        let wanted = [FilePattern::first_of(&["model.safetensors", "model.safetensors.index.json"])];
        let names: Vec<_> = chosen(&info, &wanted).expect("there").iter().map(|file| file.rfilename.as_str()).collect();
        let expected =
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"];
        assert_eq!(names, expected);
    }
}
