//! What there is of models, in memory, on disk and to be had, as one value for whoever shows it. Nothing is hashed, fetched
//! or changed for it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::models::{
    AvailableModel, Beside, CacheCounters, CachedModel, CachedState, Downloads, Fetched, Gate, Loads, ModelListing,
    ModelPurpose, Pinning, Presence, TokenPlace, WhisperShape,
};
use crate::models::catalog::{self, Access, Entry, Family, Source, entries};
use crate::models::download::{Environment, Network};
use crate::models::key::ModelKey;
use crate::models::memory::{EntryState, MemoryEntry};
use crate::models::random::PublishedSize;
use crate::models::store::{self, DiskEntry, Leftover, LeftoverKind, Origin, PUBLISHED_FORM};
use crate::models::token::{Keyring, TokenSource, TokenStore};
use crate::models::{ModelCache, Originals, Tally, whisper_of_key};
use crate::paths::AppPaths;
use crate::units::Seconds;

/// Of models that the catalog does not know.
const UNKNOWN: &str = "unknown";

/// All that is known about models now, and what could not be looked at.
pub(super) fn listing(models: &ModelCache, token: TokenPlace, n_threads: usize) -> (ModelListing, Vec<String>) {
    let mut warnings = Vec::new();
    let on_disk = models.store().list().unwrap_or_else(|error| {
        warnings.push(format!("{error}."));
        Vec::new()
    });
    let leftovers = models.store().leftovers().unwrap_or_else(|error| {
        warnings.push(format!("{error}."));
        Vec::new()
    });
    let in_memory = models.entries();
    let unfinished = leftovers.iter().filter_map(|leftover| match &leftover.kind {
        LeftoverKind::Downloads(key) => Some((key.as_str(), leftover.n_bytes)),
        LeftoverKind::SetAside => None,
    });
    let unfinished: Vec<(&str, u64)> = unfinished.filter(|(_, n_bytes)| *n_bytes > 0).collect();
    let available = available(models, &on_disk, &unfinished, &in_memory);
    let options = models.options();
    let folder = models.store().folder().map_or_else(PathBuf::new, PathBuf::from);
    let idle_here: BTreeSet<&str> =
        in_memory.iter().filter(|entry| !is_busy(entry)).map(|entry| entry.key.as_str()).collect();
    let listing = ModelListing {
        folder,
        available,
        on_disk: on_disk.iter().map(|entry| stored(entry, &idle_here)).collect(),
        in_memory: in_memory.iter().map(loaded).collect(),
        memory_budget_bytes: options.memory.budget_bytes as u64,
        disk_budget_bytes: options.disk_budget_bytes,
        beside: beside(&leftovers),
        since_start: counters(&models.tally()),
        lifetime: counters(&models.lifetime()),
        downloads: match models.network() {
            Network::Allowed => Downloads::Allowed,
            Network::Offline => Downloads::Offline,
        },
        token,
        n_threads,
    };
    warnings.extend(models.take_warnings());
    (listing, warnings)
}

/// What lies beside entries, counted.
fn beside(leftovers: &[Leftover]) -> Beside {
    leftovers.iter().fold(Beside::default(), |sum, leftover| match leftover.kind {
        LeftoverKind::Downloads(_) if leftover.n_bytes == 0 => sum,
        LeftoverKind::Downloads(_) => Beside {
            n_unfinished: sum.n_unfinished + 1,
            unfinished_bytes: sum.unfinished_bytes + leftover.n_bytes,
            ..sum
        },
        LeftoverKind::SetAside => {
            Beside { n_set_aside: sum.n_set_aside + 1, set_aside_bytes: sum.set_aside_bytes + leftover.n_bytes, ..sum }
        }
    })
}

/// Where the token for gated models is. A keyring that is asked may ask the user to unlock it.
pub(super) fn token_place(paths: &AppPaths, may_ask: Keyring) -> TokenPlace {
    match TokenStore::new(paths, Environment::of_this_process(), may_ask).find() {
        Ok(Some((_, TokenSource::Environment))) => TokenPlace::Environment,
        Ok(Some(_)) => TokenPlace::Kept,
        Ok(None) => TokenPlace::Nowhere,
        Err(error) => {
            tracing::debug!("{error}");
            TokenPlace::Nowhere
        }
    }
}

/// How much is there of a download that stopped, and how much it is in all.
pub(super) fn fetched(models: &ModelCache, model: &str) -> Fetched {
    let Ok(entry) = catalog::entry_of(model) else { return Fetched::default() };
    let n_bytes = models.unfinished(&models.usual_key(entry)).unwrap_or_default();
    Fetched { n_bytes, total_bytes: entry.download_bytes.unwrap_or_default().max(n_bytes) }
}

/// The models of the catalog, and those of the user's own.
fn available(
    models: &ModelCache,
    on_disk: &[DiskEntry],
    unfinished: &[(&str, u64)],
    in_memory: &[MemoryEntry],
) -> Vec<AvailableModel> {
    let usable = on_disk.iter().filter(|entry| match entry.state {
        store::EntryState::Ready => true,
        store::EntryState::Stale(_) => entry.has_originals,
        store::EntryState::Damaged(_) => false,
    });
    let usable: Vec<&DiskEntry> = usable.collect();
    let name_of = |key: &str| catalog::entry_of_key(key).map(|(entry, ..)| entry.name.as_str());
    let installed: BTreeSet<&str> = usable.iter().filter_map(|entry| name_of(entry.key.as_str())).collect();
    let is_installed = |entry: &Entry| installed.contains(entry.name.as_str()) || models.snapshot_of(entry).is_some();
    let is_whole = |entry: &Entry| {
        let has_part = |part: &&str| catalog::entry_of(part).is_ok_and(is_installed);
        is_installed(entry) && entry.parts.iter().all(has_part)
    };
    let presence = |entry: &Entry| {
        let partial = unfinished.iter().find(|(key, _)| name_of(key) == Some(entry.name.as_str()));
        match (entry.source, partial) {
            (Source::BuiltIn { .. }, _) => Presence::BuiltIn,
            (Source::Hub { .. }, _) if is_whole(entry) => Presence::Installed,
            (Source::Hub { .. }, Some((_, n_bytes))) => {
                let total_bytes = entry.download_bytes.unwrap_or_default().max(*n_bytes);
                Presence::Partial(Fetched { n_bytes: *n_bytes, total_bytes })
            }
            (Source::Hub { .. }, None) => Presence::Absent,
        }
    };
    let placement = models.usual_placement();
    let of_catalog = entries().iter().map(|entry| {
        let key = catalog::key_of(entry, &placement);
        let counted = in_memory.iter().find(|loaded| loaded.key == key && loaded.state != EntryState::Loading);
        AvailableModel {
            name: entry.name.clone(),
            purpose: purpose(entry.family),
            repository: entry.repository().map(str::to_owned),
            download_bytes: entry.download_bytes.unwrap_or_default(),
            memory_bytes: counted.map_or(entry.memory_bytes, |loaded| loaded.n_bytes as u64),
            languages: entry.languages.to_string(),
            licence: entry.licence.unwrap_or_default().to_owned(),
            gate: match entry.access {
                Access::Open => Gate::Open,
                Access::Gated => Gate::Gated,
            },
            presence: presence(entry),
            shape: PublishedSize::named(&entry.name).map(|size| shape(&size)),
            measured_speed: None,
            key,
        }
    });
    let own = usable.iter().filter(|entry| name_of(entry.key.as_str()).is_none()).filter_map(|entry| {
        let (name, ..) = whisper_of_key(&entry.key)?;
        Some(AvailableModel {
            name: name.to_owned(),
            purpose: ModelPurpose::Transcription,
            key: entry.key.clone(),
            repository: None,
            download_bytes: 0,
            memory_bytes: entry.n_bytes,
            languages: UNKNOWN.to_owned(),
            licence: UNKNOWN.to_owned(),
            gate: Gate::Open,
            presence: Presence::Installed,
            shape: None,
            measured_speed: None,
        })
    });
    of_catalog.chain(own).collect()
}

fn purpose(family: Family) -> ModelPurpose {
    match family {
        Family::Whisper => ModelPurpose::Transcription,
        Family::Aligner => ModelPurpose::Alignment,
        Family::Segmentation | Family::Embedding | Family::Diarization => ModelPurpose::Speakers,
    }
}

fn shape(size: &PublishedSize) -> WhisperShape {
    let dimensions = size.dimensions;
    WhisperShape {
        width: dimensions.width,
        n_encoder_layers: dimensions.n_encoder_layers,
        n_decoder_layers: dimensions.n_decoder_layers,
        n_mels: dimensions.n_mels,
        n_audio_positions: dimensions.n_audio_positions,
        n_tokens: dimensions.vocab_size(),
    }
}

fn is_busy(entry: &MemoryEntry) -> bool {
    match entry.state {
        EntryState::Loading | EntryState::InUse => true,
        EntryState::Idle | EntryState::Pinned => false,
    }
}

fn loaded(entry: &MemoryEntry) -> CachedModel {
    let (state, detail) = match entry.state {
        EntryState::Loading => (CachedState::Loading, "being loaded".to_owned()),
        EntryState::InUse => (CachedState::InUse, format!("loaded in {:.2} s", entry.load_secs)),
        EntryState::Idle | EntryState::Pinned => (CachedState::Idle, format!("loaded in {:.2} s", entry.load_secs)),
    };
    CachedModel {
        key: entry.key.clone(),
        n_bytes: entry.n_bytes as u64,
        last_used: SystemTime::now().checked_sub(entry.last_used.elapsed()),
        n_uses: entry.n_uses,
        state,
        pinning: if entry.is_pinned { Pinning::Pinned } else { Pinning::Unpinned },
        detail,
    }
}

/// `idle_here` is in memory here and used by nobody: that its files are kept in place is no use of it.
fn stored(entry: &DiskEntry, idle_here: &BTreeSet<&str>) -> CachedModel {
    let (state, problem) = match &entry.state {
        store::EntryState::Damaged(reason) => (CachedState::Damaged, Some(reason.clone())),
        store::EntryState::Stale(reason) => {
            let originals = if entry.has_originals { Originals::Kept } else { Originals::Dropped };
            (CachedState::Outdated, Some(format!("{reason}; {}", fate(&entry.key, originals))))
        }
        store::EntryState::Ready if entry.in_use && !idle_here.contains(entry.key.as_str()) => {
            (CachedState::InUse, None)
        }
        store::EntryState::Ready => (CachedState::Idle, None),
    };
    let last_used = UNIX_EPOCH.checked_add(Duration::from_millis(entry.last_used_unix_ms));
    CachedModel {
        key: entry.key.clone(),
        n_bytes: entry.n_bytes,
        last_used: last_used.filter(|_| entry.n_uses > 0),
        n_uses: entry.n_uses,
        state,
        pinning: if entry.pinned { Pinning::Pinned } else { Pinning::Unpinned },
        detail: problem.or_else(|| entry.origin.as_ref().map(origin)).unwrap_or_default(),
    }
}

/// What becomes of an entry that cannot be used as it is.
pub(super) fn fate(key: &ModelKey, originals: Originals) -> &'static str {
    let of_catalog = catalog::entry_of_key(key.as_str()).and_then(|(entry, ..)| entry.repository());
    match (originals, of_catalog) {
        (Originals::Kept, _) => "it is made again when it is needed",
        (Originals::Dropped, Some(_)) => "it is fetched again when it is needed",
        (Originals::Dropped, None) => "import it again",
    }
}

fn origin(origin: &Origin) -> String {
    let Origin { repository, revision, dtype, form, .. } = origin;
    let form = if form == PUBLISHED_FORM { "as published" } else { dtype.as_str() };
    format!("from {repository} at {revision}, {form}")
}

fn counters(tally: &Tally) -> CacheCounters {
    let memory = &tally.memory;
    CacheCounters {
        n_hits: memory.hits,
        n_misses: memory.misses,
        n_evictions: memory.evictions,
        n_memory_cleanups: memory.memory_cleanups,
        from_memory: Loads { n_loads: memory.hits, taken: Seconds(memory.secs_from_memory) },
        from_disk: Loads {
            n_loads: memory.loads.saturating_sub(tally.n_hub_loads),
            taken: Seconds(memory.secs_from_disk),
        },
        from_hub: Loads { n_loads: tally.n_hub_loads, taken: Seconds(memory.secs_from_hub) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_an_entry_is_what_can_be_done() {
        for (key, originals, expected) in [
            ("whisperx_small_cpu", Originals::Dropped, "fetched"),
            ("whisperx_small_cpu", Originals::Kept, "made again"),
            ("whisperx_mine_cpu", Originals::Kept, "made again"),
            ("whisperx_mine_cpu", Originals::Dropped, "import"),
            ("whisperx_demo_cpu", Originals::Dropped, "import"),
        ] {
            let fate = fate(&ModelKey::new(key).expect("a key"), originals);
            assert!(fate.contains(expected), "{key}: {fate}");
        }
    }
}
