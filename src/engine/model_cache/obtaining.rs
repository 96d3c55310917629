//! Bringing models onto this disk: by name from the catalog, or from files and folders that somebody carried here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::engine::model_work::{
    ModelBundle, ModelNews, ModelProgress, ModelStep, ModelWatch, ObtainedFrom, ObtainedModel,
};
use crate::files::FileError;
use crate::models::catalog::{self, CatalogError, Entry, Source};
use crate::models::download::DownloadProgress;
use crate::models::key::ModelKey;
use crate::models::store::{Found, StoreError};
use crate::models::{Came, ModelCache, ObtainStep, ObtainWatch, interruptible};
use crate::units::Seconds;

use super::ModelsError;
use super::checking::{wanted_of, with_progress};

pub(super) fn pull(
    models: &ModelCache,
    names: &[String],
    watch: ModelWatch<'_>,
) -> Result<Vec<ObtainedModel>, ModelsError> {
    let mut came = Arrivals { watch, came: Vec::new() };
    let outcome = entries_of(names)?.into_iter().try_for_each(|entry| -> Result<(), ModelsError> {
        came.add(obtain(models, entry, &models.usual_key(entry), watch)?);
        Ok(())
    });
    kept_within_budget(models, came.came, outcome)
}

pub(super) fn warm(
    models: &ModelCache,
    names: &[String],
    watch: ModelWatch<'_>,
) -> Result<Vec<ObtainedModel>, ModelsError> {
    let mut came = Arrivals { watch, came: Vec::new() };
    let outcome = names.iter().try_for_each(|name| warm_one(models, name, &mut came));
    kept_within_budget(models, came.came, outcome)
}

fn warm_one(models: &ModelCache, name: &str, came: &mut Arrivals<'_>) -> Result<(), ModelsError> {
    if let Some((entry, ..)) = catalog::entry_of_key(name) {
        came.add(obtain(models, entry, &ModelKey::new(name)?, came.watch)?);
        return Ok(());
    }
    match entries_of(&[name.to_owned()]) {
        Ok(entries) => {
            for entry in entries {
                came.add(obtain(models, entry, &models.usual_key(entry), came.watch)?);
            }
        }
        // One of the user's own.
        Err(unknown) => {
            for model in checked(models, &[name.to_owned()])?.ok_or(unknown)? {
                came.add(model);
            }
        }
    }
    Ok(())
}

/// Models that are here, each told at once: what comes after it may fail.
struct Arrivals<'a> {
    watch: ModelWatch<'a>,
    came: Vec<ObtainedModel>,
}

impl Arrivals<'_> {
    fn add(&mut self, model: ObtainedModel) {
        (self.watch.tell)(ModelNews::Obtained(&model));
        self.came.push(model);
    }
}

/// Sees to it that the disk holds no more than it shall, but all that came, also where something failed after it.
fn kept_within_budget(
    models: &ModelCache,
    came: Vec<ObtainedModel>,
    outcome: Result<(), ModelsError>,
) -> Result<Vec<ObtainedModel>, ModelsError> {
    let keys = came.iter().filter_map(|model| ModelKey::new(&model.key).ok()).collect::<Vec<_>>();
    let kept = models.keep_disk_budget(&keys);
    outcome?;
    kept?;
    Ok(came)
}

pub(super) fn import(
    models: &ModelCache,
    sources: &[PathBuf],
    watch: ModelWatch<'_>,
) -> Result<ModelBundle, ModelsError> {
    // A path that is wrong is told before anything is taken in.
    for source in sources {
        let metadata = fs::metadata(source).map_err(FileError::of("read", source))?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(ModelsError::NotAFile(source.clone()));
        }
    }
    let mut keys: Vec<ModelKey> = Vec::new();
    let outcome = sources.iter().try_for_each(|source| -> Result<(), ModelsError> {
        for key in import_one(models, source, watch)? {
            (watch.tell)(ModelNews::Imported(key.as_str()));
            keys.push(key);
        }
        Ok(())
    });
    keys.sort();
    keys.dedup();
    let kept = models.keep_disk_budget(&keys);
    outcome?;
    kept?;
    let names: Vec<String> = keys.iter().map(ModelKey::to_string).collect();
    let sizes = models.store().list()?.into_iter().filter(|entry| keys.contains(&entry.key));
    Ok(ModelBundle { n_bytes: sizes.map(|entry| entry.n_bytes).sum(), keys: names })
}

fn import_one(models: &ModelCache, source: &Path, watch: ModelWatch<'_>) -> Result<Vec<ModelKey>, ModelsError> {
    let name = source.display().to_string();
    if source.is_dir() {
        let stored =
            with_progress(watch, &name, ModelStep::Import, None, |progress| models.import_folder(source, progress))?;
        return Ok(vec![stored.key.clone()]);
    }
    let total = fs::metadata(source).map_err(FileError::of("read", source))?.len();
    let imported = with_progress(watch, &name, ModelStep::Import, Some(total), |progress| {
        models.store().import(source, progress)
    })?;
    Ok(imported.stored.into_iter().chain(imported.already_there).collect())
}

/// The models of the catalog of these names, each after those that it cannot work without.
pub(super) fn entries_of(names: &[String]) -> Result<Vec<&'static Entry>, CatalogError> {
    let mut entries: Vec<&'static Entry> = Vec::new();
    for name in names {
        let entry = catalog::entry_of(name)?;
        for name in entry.parts.iter().copied().chain([entry.name.as_str()]) {
            let entry = catalog::entry_of(name)?;
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

/// Has a model of the catalog on disk.
fn obtain(
    models: &ModelCache,
    entry: &'static Entry,
    key: &ModelKey,
    watch: ModelWatch<'_>,
) -> Result<ObtainedModel, ModelsError> {
    let started = Instant::now();
    if matches!(entry.source, Source::BuiltIn { .. }) {
        let n_bytes = entry.memory_bytes;
        return Ok(ObtainedModel { key: key.to_string(), n_bytes, from: ObtainedFrom::Disk, secs: 0.0 });
    }
    let tell = |step| (watch.report)(&progress_of(&entry.name, &step));
    let obtained =
        interruptible(Some(watch.cancel), |control| models.obtain(entry, key, &ObtainWatch { control, tell: &tell }))?;
    Ok(ObtainedModel {
        key: key.to_string(),
        n_bytes: obtained.model.manifest.n_bytes(),
        from: match obtained.came {
            Came::Disk => ObtainedFrom::Disk,
            Came::Files => ObtainedFrom::Files,
            Came::HubCache => ObtainedFrom::HubCache,
            Came::Hub => ObtainedFrom::Hub,
        },
        secs: started.elapsed().as_secs_f64(),
    })
}

/// Models on disk that the catalog does not know: nothing can be done about them but to look at them. `None`: there are
/// none of these names.
fn checked(models: &ModelCache, names: &[String]) -> Result<Option<Vec<ObtainedModel>>, ModelsError> {
    let started = Instant::now();
    let entries = match wanted_of(models, names) {
        Err(ModelsError::NotOnDisk(_)) => return Ok(None),
        entries => entries?,
    };
    let mut checked = Vec::new();
    for entry in entries {
        if let Found::Damaged(damage) = models.store().find(&entry.key)? {
            return Err(StoreError::Damaged(damage).into());
        }
        let (key, secs) = (entry.key.to_string(), started.elapsed().as_secs_f64());
        checked.push(ObtainedModel { key, n_bytes: entry.n_bytes, from: ObtainedFrom::Disk, secs });
    }
    Ok(Some(checked))
}

/// What the user sees of a model on its way.
pub(super) fn progress_of(name: &str, step: &ObtainStep) -> ModelProgress {
    let nothing_known = |step| ModelProgress {
        name: name.to_owned(),
        step,
        n_bytes: 0,
        n_bytes_total: None,
        bytes_per_sec: None,
        remaining: None,
    };
    match *step {
        ObtainStep::Download(DownloadProgress { n_bytes, n_bytes_done, bytes_per_sec, secs_left, .. }) => {
            ModelProgress {
                n_bytes: n_bytes_done,
                n_bytes_total: (n_bytes > 0).then_some(n_bytes),
                bytes_per_sec: (bytes_per_sec > 0.0).then_some(bytes_per_sec),
                remaining: secs_left.map(Seconds),
                ..nothing_known(ModelStep::Download)
            }
        }
        ObtainStep::Verify { n_bytes, total_bytes } => {
            ModelProgress { n_bytes, n_bytes_total: Some(total_bytes), ..nothing_known(ModelStep::Verify) }
        }
        ObtainStep::Prepare => nothing_known(ModelStep::Convert),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_before_what_needs_them_and_nothing_twice() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wanted = names(&["pyannote/segmentation-3.0", "small", "pyannote/speaker-diarization-3.1", "small"]);
        let found: Vec<&str> =
            entries_of(&wanted).expect("names of the catalog").iter().map(|entry| entry.name.as_str()).collect();
        let expected = [
            "pyannote/segmentation-3.0",
            "small",
            "pyannote/wespeaker-voxceleb-resnet34-LM",
            "pyannote/speaker-diarization-3.1",
        ];
        assert_eq!(found, expected);
        assert!(entries_of(&names(&["smal"])).is_err());
    }
}
