//! Removing models from the disk, by name or by age, and what was computed from recordings and can be computed again.
//! What is pinned or in use stays, and is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::engine::model_work::{ClearRequest, ClearScope, Clearing, KeptEntry, KeptReason, RemovedEntry};
use crate::files::FileError;
use crate::models::memory::Unload;
use crate::models::store::{CleanUp, DiskEntry, Planned, StoreError, Target, unix_ms};
use crate::models::{ModelCache, catalog};
use crate::paths::AppPaths;

use super::ModelsError;
use super::checking::wanted_of;

const SECS_PER_DAY: u64 = 24 * 60 * 60;

/// How the folders in the cache begin that hold what was computed: the voices of folders that jobs named.
const RESULTS: &str = "voices-";

pub(super) fn remove(models: &ModelCache, names: &[String]) -> Result<Clearing, ModelsError> {
    let mut keys = Vec::new();
    // A name that is wrong is told before anything is gone.
    for name in names {
        match wanted_of(models, std::slice::from_ref(name)) {
            Ok(entries) => keys.extend(entries.into_iter().map(|entry| entry.key)),
            Err(ModelsError::NotOnDisk(name)) => {
                let key = catalog::entry_of(&name).ok().map(|entry| models.usual_key(entry));
                match key {
                    // Nothing but what is left of a download.
                    Some(key) if models.unfinished(&key)? > 0 => keys.push(key),
                    Some(_) | None => return Err(ModelsError::NotOnDisk(name)),
                }
            }
            Err(error) => return Err(error),
        }
    }
    let mut cleared = Clearing::default();
    for key in keys {
        let name = key.to_string();
        if models.release(&key) == Unload::InUse {
            cleared.kept.push(KeptEntry { name, reason: KeptReason::InUse });
            continue;
        }
        match models.store().remove(&key) {
            Ok(n_bytes) => cleared.removed.push(RemovedEntry { name, n_bytes }),
            Err(error) => cleared.kept.push(KeptEntry { name, reason: reason_of(error)? }),
        }
    }
    Ok(cleared)
}

pub(super) fn plan(models: &ModelCache, paths: &AppPaths, request: &ClearRequest) -> Result<Clearing, ModelsError> {
    let now = SystemTime::now();
    let mut plan = Clearing::default();
    if has_models(request.scope) {
        let planned = models.store().plan_cleanup(&clean_up(request), now)?;
        plan.removed.extend(planned.iter().map(removed));
        plan.kept = kept(models.store().list()?, request, now);
    }
    if has_results(request.scope) {
        plan.removed.extend(results(paths, request, now)?.into_iter().map(|(_, entry)| entry));
    }
    Ok(plan)
}

pub(super) fn clear(models: &ModelCache, paths: &AppPaths, request: &ClearRequest) -> Result<Clearing, ModelsError> {
    let now = SystemTime::now();
    let mut cleared = Clearing::default();
    if has_models(request.scope) {
        models.unload_all();
        cleared.kept = kept(models.store().list()?, request, now);
        let planned = models.store().plan_cleanup(&clean_up(request), now)?;
        let done = models.store().clean_up(&planned);
        cleared.removed.extend(done.removed.iter().map(removed));
        for (planned, error) in done.kept {
            let name = removed(&planned).name;
            cleared.kept.push(KeptEntry { name, reason: reason_of(error)? });
        }
    }
    if has_results(request.scope) {
        for (folder, entry) in results(paths, request, now)? {
            fs::remove_dir_all(&folder).map_err(FileError::of("remove", &folder))?;
            cleared.removed.push(entry);
        }
    }
    Ok(cleared)
}

fn has_models(scope: ClearScope) -> bool {
    match scope {
        ClearScope::Models | ClearScope::All => true,
        ClearScope::Results => false,
    }
}

fn has_results(scope: ClearScope) -> bool {
    match scope {
        ClearScope::Results | ClearScope::All => true,
        ClearScope::Models => false,
    }
}

/// How long something may lie unused.
fn older_than(request: &ClearRequest) -> Duration {
    Duration::from_secs(u64::from(request.older_than_days.unwrap_or(0)) * SECS_PER_DAY)
}

fn clean_up(request: &ClearRequest) -> CleanUp {
    CleanUp { budget_bytes: None, older_than: Some(older_than(request)) }
}

fn removed(planned: &Planned) -> RemovedEntry {
    let name = match &planned.target {
        Target::Entry(key) => key.to_string(),
        Target::Downloads(key, _) => format!("{key} (unfinished download)"),
        Target::SetAside(folder) => format!("{} (damaged)", folder_name(folder)),
    };
    RemovedEntry { name, n_bytes: planned.n_bytes }
}

/// Models that are old enough to go, and stay.
fn kept(entries: Vec<DiskEntry>, request: &ClearRequest, now: SystemTime) -> Vec<KeptEntry> {
    let is_old = |entry: &DiskEntry| {
        Duration::from_millis(unix_ms(now).saturating_sub(entry.last_used_unix_ms)) >= older_than(request)
    };
    let kept = entries.into_iter().filter(is_old).filter_map(|entry| {
        let reason = if entry.pinned {
            KeptReason::Pinned
        } else if entry.in_use {
            KeptReason::InUse
        } else {
            return None;
        };
        Some(KeptEntry { name: entry.key.to_string(), reason })
    });
    kept.collect()
}

fn reason_of(error: StoreError) -> Result<KeptReason, StoreError> {
    match error {
        StoreError::Pinned { .. } => Ok(KeptReason::Pinned),
        StoreError::InUse { .. } => Ok(KeptReason::InUse),
        error => Err(error),
    }
}

/// The folders with what was computed, that are old enough.
fn results(
    paths: &AppPaths,
    request: &ClearRequest,
    now: SystemTime,
) -> Result<Vec<(PathBuf, RemovedEntry)>, FileError> {
    let mut results = Vec::new();
    for folder in children(&paths.cache_dir)? {
        let name = folder_name(&folder);
        if !name.starts_with(RESULTS) || !folder.is_dir() {
            continue;
        }
        let (mut n_bytes, mut last_changed) = (0, None);
        for file in children(&folder)? {
            // What vanishes meanwhile does not count.
            let Ok(metadata) = file.metadata() else { continue };
            n_bytes += metadata.len();
            last_changed = last_changed.max(metadata.modified().ok());
        }
        let age = last_changed.and_then(|changed| now.duration_since(changed).ok()).unwrap_or_default();
        if age >= older_than(request) {
            results.push((folder, RemovedEntry { name, n_bytes }));
        }
    }
    Ok(results)
}

/// What is in a folder, by name; nothing if it is not there.
fn children(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(FileError::of("read", folder))?;
    paths.sort();
    Ok(paths)
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
