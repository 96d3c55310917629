//! Reading a file of models (see `archive.rs`) as if an enemy had written it. Everything is checked against the list at
//! its beginning, which is checked itself before anything is believed: kinds and names of members, sizes, hashes, what
//! weights hold, and whether the disk can take it. Files are written to the temporary folders of the entries that they
//! are to become, under names from the checked list, and moved into place when all of the archive was right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tar::{Entry, EntryType};
use zstd::stream::read::Decoder;

use crate::files::FileError;
use crate::models::key::ModelKey;
use crate::task::Progress;

use super::archive::{ARCHIVE_VERSION, Contents, LIST_NAME};
use super::building::Work;
use super::content::{self, Depth};
use super::error::{Refusal, StoreError, quoted};
use super::integrity::{COPY_BYTES, hex};
use super::layout::create_folder;
use super::manifest::{FileRecord, Manifest, Staleness, unix_ms};
use super::watch::Meter;
use super::{Inspected, Shelf, StoredModel};

/// A list of thousands of files has less.
const MAX_LIST_BYTES: u64 = 4 << 20;

/// What an import brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Models that are new, or replaced what was there.
    pub stored: Vec<ModelKey>,
    /// Models that were there already, of the same bytes.
    pub already_there: Vec<ModelKey>,
}

/// A model of an archive.
struct Incoming {
    key: ModelKey,
    manifest: Manifest,
    place: Place,
}

/// Where the files of a model go.
enum Place {
    /// Nowhere: they are there.
    There {
        _kept_there: Box<StoredModel>,
    },
    New(Work),
}

/// The part that lists of all versions have.
#[derive(Deserialize)]
struct Header {
    archive_version: u32,
}

impl Shelf {
    pub(super) fn import(&self, path: &Path, progress: &Progress<'_>) -> Result<Imported, StoreError> {
        let refuse = |refusal| StoreError::Refused { path: path.to_path_buf(), refusal };
        // A pipe would be waited for.
        if !fs::metadata(path).map_err(FileError::of("read", path))?.is_file() {
            return Err(refuse(Refusal::NotAFile(path.display().to_string())));
        }
        let file = File::open(path).map_err(FileError::of("read", path))?;
        let decoder = Decoder::new(file).map_err(|error| refuse(broken(&error)))?;
        let mut archive = tar::Archive::new(decoder);
        // Raw: names and sizes that archivers put into members of their own are not wanted, and not read.
        let mut members = archive.entries().map_err(|error| refuse(broken(&error)))?.raw(true);
        let models = checked(read_list(members.next()).map_err(refuse)?).map_err(refuse)?;
        let n_all_bytes = models.values().fold(0_u64, |sum, manifest| sum.saturating_add(manifest.n_bytes()));
        let mut meter = Meter::new(Some(progress), n_all_bytes);
        let incoming = self.prepare(models, refuse)?;
        let mut expected: BTreeMap<String, (&Incoming, &FileRecord)> = BTreeMap::new();
        for model in &incoming {
            for file in &model.manifest.files {
                expected.insert(format!("{}/{}", model.key, file.name), (model, file));
            }
        }
        let mut seen = BTreeSet::new();
        for member in members {
            meter.check()?;
            let mut member = member.map_err(|error| refuse(broken(&error)))?;
            let name = name_of(&member).map_err(refuse)?;
            check_member_name(&name).map_err(refuse)?;
            let Some((model, file)) = expected.remove(&name) else {
                let refusal = if seen.contains(&name) { Refusal::Twice } else { Refusal::Unlisted };
                return Err(refuse(refusal(name)));
            };
            if member.size() != file.n_bytes {
                return Err(refuse(Refusal::Size { name, listed: file.n_bytes, found: member.size() }));
            }
            unpack(&mut member, model, file, &mut meter, refuse)?;
            seen.insert(name);
        }
        if let Some((name, _)) = expected.pop_first() {
            return Err(refuse(Refusal::Missing(name)));
        }
        let mut imported = Imported::default();
        for Incoming { key, manifest, place } in incoming {
            match place {
                Place::There { .. } => imported.already_there.push(key),
                Place::New(work) => {
                    self.move_in(&work, &key, &manifest)?;
                    imported.stored.push(key);
                }
            }
        }
        Ok(imported)
    }

    /// Finds out what is new, whether the disk can take it, and makes room for it.
    fn prepare(
        &self,
        models: BTreeMap<ModelKey, Manifest>,
        refuse: impl Fn(Refusal) -> StoreError,
    ) -> Result<Vec<Incoming>, StoreError> {
        let mut there = BTreeMap::new();
        let mut n_bytes = 0_u64;
        for (key, manifest) in &models {
            match self.inspect(key, Depth::Headers, None)? {
                Inspected::Ready(model) if is_same(&model.manifest, manifest) => {
                    there.insert(key.clone(), model);
                }
                Inspected::Ready(_) | Inspected::Absent | Inspected::Stale { .. } | Inspected::Damaged(_) => {
                    n_bytes = n_bytes.saturating_add(manifest.n_bytes());
                }
            }
        }
        let folder = self.layout.root().ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
        let n_free_bytes = fs4::available_space(folder).map_err(FileError::of("read", folder))?;
        if n_bytes > n_free_bytes {
            return Err(refuse(Refusal::TooLarge { n_bytes, n_free_bytes }));
        }
        let mut incoming = Vec::new();
        // In the order of keys, so that two imports cannot wait for each other.
        for (key, manifest) in models {
            let place = if let Some(model) = there.remove(&key) {
                Place::There { _kept_there: model }
            } else {
                let change = self.locks.change(&key, "importing", &*self.watcher)?;
                Place::New(Work::begin(&self.layout, change, &key)?)
            };
            incoming.push(Incoming { key, manifest, place });
        }
        Ok(incoming)
    }
}

/// Reads the list, which is the first member.
fn read_list<R: Read>(member: Option<io::Result<Entry<'_, R>>>) -> Result<Vec<Manifest>, Refusal> {
    let bad = |reason: &dyn Display| Refusal::BadList(reason.to_string());
    let nothing = || Refusal::Broken("there is nothing in it".to_owned());
    let member = member.ok_or_else(nothing)?.map_err(|error| broken(&error))?;
    let name = name_of(&member)?;
    if name != LIST_NAME {
        return Err(Refusal::Broken(format!("it begins with {} instead of {LIST_NAME:?}", quoted(&name))));
    }
    if member.size() > MAX_LIST_BYTES {
        return Err(bad(&format!("it has {} bytes", member.size())));
    }
    let mut bytes = Vec::new();
    member.take(MAX_LIST_BYTES).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    let Header { archive_version } = serde_json::from_slice(&bytes).map_err(|error| bad(&error))?;
    if archive_version != ARCHIVE_VERSION {
        return Err(Refusal::Newer { found: archive_version, known: ARCHIVE_VERSION });
    }
    let contents: Contents = serde_json::from_slice(&bytes).map_err(|error| bad(&error))?;
    Ok(contents.models)
}

/// The models of a list, by key, if what it says of them can be and this version can use them.
fn checked(models: Vec<Manifest>) -> Result<BTreeMap<ModelKey, Manifest>, Refusal> {
    let mut by_key = BTreeMap::new();
    // Some systems see no difference between upper and lower case.
    let mut names = BTreeSet::new();
    let now_unix_ms = unix_ms(SystemTime::now());
    for mut manifest in models {
        // What is from the future would never be old enough to go.
        manifest.created_unix_ms = manifest.created_unix_ms.min(now_unix_ms);
        let key = manifest.check()?;
        match manifest.staleness() {
            Some(reason @ (Staleness::Format(_) | Staleness::Form(_))) => {
                return Err(Refusal::OtherVersion { key: key.to_string(), reason });
            }
            Some(Staleness::Application(_)) | None => {}
        }
        if !names.insert(key.as_str().to_lowercase()) {
            return Err(Refusal::Twice(key.to_string()));
        }
        by_key.insert(key, manifest);
    }
    if by_key.is_empty() { Err(Refusal::Empty) } else { Ok(by_key) }
}

fn is_same(there: &Manifest, incoming: &Manifest) -> bool {
    there.origin == incoming.origin && there.files == incoming.files
}

/// The name of a member that is a plain file.
fn name_of<R: Read>(member: &Entry<'_, R>) -> Result<String, Refusal> {
    let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
    match member.header().entry_type() {
        EntryType::Regular => Ok(name),
        EntryType::Link | EntryType::Symlink => Err(Refusal::Link(name)),
        _ => Err(Refusal::NotAFile(name)),
    }
}

/// Whether this is `KEY/NAME`. Files are named by the list, not by this; but whoever tries is told what we think of it.
fn check_member_name(name: &str) -> Result<(), Refusal> {
    match name.split_once('/') {
        Some((key, file)) if ModelKey::new(key).is_ok() => content::check_name(file).map(drop),
        _ => Err(Refusal::UnsafeName(name.to_owned())),
    }
}

/// Reads a member, and writes it where it belongs unless it is there.
fn unpack(
    member: &mut impl Read,
    model: &Incoming,
    file: &FileRecord,
    meter: &mut Meter<'_>,
    refuse: impl Fn(Refusal) -> StoreError,
) -> Result<(), StoreError> {
    let target = match &model.place {
        Place::There { .. } => None,
        Place::New(work) => Some(work.files().join(&file.name)),
    };
    let mut writer = None;
    if let Some(path) = &target {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        writer = Some((File::create_new(path).map_err(FileError::of("write", path))?, path));
    }
    let (mut hasher, mut buffer, mut n_bytes) = (Sha256::new(), vec![0; COPY_BYTES], 0_u64);
    loop {
        let n = match member.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            n => n.map_err(|error| refuse(broken(&error)))?,
        };
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        if let Some((writer, path)) = &mut writer {
            writer.write_all(&buffer[..n]).map_err(FileError::of("write", path))?;
        }
        n_bytes += n as u64;
        meter.add(n)?;
    }
    if n_bytes != file.n_bytes {
        return Err(refuse(Refusal::Size { name: file.name.clone(), listed: file.n_bytes, found: n_bytes }));
    }
    if hex(hasher.finalize().into()) != file.sha256 {
        return Err(refuse(Refusal::Hash(file.name.clone())));
    }
    match target.as_ref().map(|path| content::check(path, &file.name, Depth::Full)) {
        Some(Err(StoreError::Refused { refusal, .. })) => Err(refuse(refusal)),
        Some(checked) => checked,
        None => Ok(()),
    }
}

fn broken(error: &io::Error) -> Refusal {
    Refusal::Broken(error.to_string())
}
