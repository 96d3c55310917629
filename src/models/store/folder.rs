//! A plain folder in Hugging Face layout, as somebody carried it here on a stick, becomes the files of an entry. Only
//! what models need is taken; the rest is named. What the files hold is looked at when the entry is stored.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::task::Progress;

use super::content::{self, Kind, kind_of};
use super::error::{Refusal, StoreError};
use super::integrity::COPY_BYTES;
use super::layout::{children, create_folder};
use super::watch::Meter;

/// Folders of diarization models have parts in folders; nothing lies deeper.
const MAX_DEPTH: usize = 2;

/// Copies the files of the model in `from` into `to`, the folder that `fill` of [`super::DiskStore::store`] is given,
/// and returns the names of those that models do not need. Links are followed as far as they stay in the folder, or in
/// the repository of a Hugging Face cache that it is a snapshot of.
pub fn copy_model_folder(from: &Path, to: &Path, progress: &Progress<'_>) -> Result<Vec<String>, StoreError> {
    let home = home_of(from).map_err(FileError::of("read", from))?;
    let (mut wanted, mut skipped) = (Vec::new(), Vec::new());
    collect(from, "", MAX_DEPTH, &mut wanted, &mut skipped)?;
    if wanted.is_empty() {
        return Err(StoreError::Refused { path: from.to_path_buf(), refusal: Refusal::Empty });
    }
    let mut files = Vec::new();
    for (name, path) in wanted {
        let refuse = |refusal| StoreError::Refused { path: from.to_path_buf(), refusal };
        content::check_name(&name).map_err(refuse)?;
        let real = path.canonicalize().map_err(FileError::of("read", &path))?;
        if !real.starts_with(&home) {
            return Err(refuse(Refusal::Link(name)));
        }
        let metadata = fs::metadata(&real).map_err(FileError::of("read", &path))?;
        if !metadata.is_file() {
            return Err(refuse(Refusal::NotAFile(name)));
        }
        files.push((name, real, metadata.len()));
    }
    let mut meter = Meter::new(Some(progress), files.iter().map(|(_, _, n_bytes)| n_bytes).sum());
    for (name, path, _) in files {
        copy(&path, &to.join(name), &mut meter)?;
    }
    Ok(skipped)
}

/// What links may not lead out of.
fn home_of(folder: &Path) -> io::Result<PathBuf> {
    let folder = folder.canonicalize()?;
    let parent = folder.parent().filter(|parent| parent.ends_with("snapshots"));
    Ok(parent.and_then(Path::parent).map_or_else(|| folder.clone(), Path::to_path_buf))
}

/// Sorts what is in a folder into what is wanted, and names of what is not.
fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    wanted: &mut Vec<(String, PathBuf)>,
    skipped: &mut Vec<String>,
) -> Result<(), StoreError> {
    let names: Vec<String> = children(folder)?
        .iter()
        .filter_map(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    for name in &names {
        let (path, full_name) = (folder.join(name), format!("{prefix}{name}"));
        // What a system or a tool keeps for itself, nobody misses.
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() && depth > 1 && !path.is_symlink() {
            collect(&path, &format!("{full_name}/"), depth - 1, wanted, skipped)?;
        } else if is_wanted(name, &names) {
            wanted.push((full_name, path));
        } else {
            skipped.push(full_name);
        }
    }
    Ok(())
}

/// Whether a file is of a kind that models need, and there is no better form of the same beside it.
fn is_wanted(name: &str, beside: &[String]) -> bool {
    let is_beside = |wanted: &str| beside.iter().any(|name| name == wanted);
    match kind_of(name) {
        None => false,
        Some(Kind::Safetensors | Kind::Arrays | Kind::Text) => true,
        Some(Kind::Pickle) => {
            let (stem, extension) = name.rsplit_once('.').expect("kinds are told by the extension");
            // Trainers leave their own arguments behind as `.bin`.
            let is_weights = extension == "ckpt" || stem.starts_with("pytorch_model");
            let has_better = is_beside(&format!("{stem}.safetensors"))
                || (stem.starts_with("pytorch_model")
                    && (is_beside("model.safetensors") || is_beside("model.safetensors.index.json")));
            is_weights && !has_better
        }
    }
}

fn copy(from: &Path, to: &Path, meter: &mut Meter<'_>) -> Result<(), StoreError> {
    if let Some(folder) = to.parent() {
        create_folder(folder)?;
    }
    let mut reader = File::open(from).map_err(FileError::of("read", from))?;
    let mut writer = File::create_new(to).map_err(FileError::of("write", to))?;
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let n_bytes = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            n_bytes => n_bytes.map_err(FileError::of("read", from))?,
        };
        if n_bytes == 0 {
            return Ok(());
        }
        writer.write_all(&buffer[..n_bytes]).map_err(FileError::of("write", to))?;
        meter.add(n_bytes)?;
    }
}
