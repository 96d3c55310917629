//! Models as the tests of the window know them: two in memory, three on disk, five that can be used or had.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use crate::engine::models::{
    AvailableModel, Beside, CacheCounters, CachedModel, CachedState, Downloads, Gate, Loads, ModelKey, ModelListing,
    ModelPurpose, Pinning, Presence, TokenPlace, WhisperShape,
};
use crate::units::Seconds;

/// When all of them were used last: so long ago that no test ends on another day.
static LAST_USED: LazyLock<SystemTime> = LazyLock::new(|| SystemTime::now() - Duration::from_hours(84));

/// The dimensions of `base`.
pub(super) const BASE: WhisperShape = WhisperShape {
    width: 512,
    n_encoder_layers: 6,
    n_decoder_layers: 6,
    n_mels: 80,
    n_audio_positions: 1500,
    n_tokens: 51_865,
};

/// A key that is well formed.
pub(super) fn key(text: &str) -> ModelKey {
    ModelKey::new(text).expect("letters, digits and underscores")
}

/// An idle model that was used three days ago.
pub(super) fn cached(key_text: &str, n_bytes: u64) -> CachedModel {
    CachedModel {
        key: key(key_text),
        n_bytes,
        last_used: Some(*LAST_USED),
        n_uses: 1,
        state: CachedState::Idle,
        pinning: Pinning::Unpinned,
        detail: String::new(),
    }
}

/// A Whisper model of the hub.
pub(super) fn available(name: &str, presence: Presence) -> AvailableModel {
    AvailableModel {
        name: name.to_owned(),
        purpose: ModelPurpose::Transcription,
        key: key(&format!("whisperx_{name}_cpu")),
        repository: Some(format!("openai/whisper-{name}")),
        download_bytes: 145_000_000,
        memory_bytes: 80_000_000,
        languages: "99 languages".to_owned(),
        licence: "MIT".to_owned(),
        gate: Gate::Open,
        presence,
        shape: Some(BASE),
        measured_speed: None,
    }
}

/// What the engine may tell.
pub(super) fn listing() -> ModelListing {
    let gated = AvailableModel {
        purpose: ModelPurpose::Speakers,
        gate: Gate::Gated,
        shape: None,
        repository: Some("pyannote/segmentation-3.0".to_owned()),
        ..available("segmentation", Presence::Absent)
    };
    ModelListing {
        folder: "/cache/models-v1".into(),
        available: vec![
            AvailableModel { repository: None, ..available("demo", Presence::BuiltIn) },
            available("base", Presence::Installed),
            available("small", Presence::Absent),
            available("medium", Presence::Installed),
            gated,
        ],
        in_memory: vec![
            CachedModel { state: CachedState::InUse, ..cached("whisperx_base_cpu", 80_000_000) },
            cached("ecapa_tdnn_cpu", 20_000_000),
        ],
        on_disk: vec![
            CachedModel { n_uses: 9, ..cached("whisperx_base_cpu", 150_000_000) },
            CachedModel { pinning: Pinning::Pinned, ..cached("whisperx_medium_cpu", 1_500_000_000) },
            CachedModel { n_uses: 4, last_used: None, ..cached("ecapa_tdnn_cpu", 25_000_000) },
        ],
        memory_budget_bytes: 400_000_000,
        disk_budget_bytes: None,
        beside: Beside::default(),
        since_start: CacheCounters {
            n_hits: 3,
            n_misses: 1,
            from_disk: Loads { n_loads: 1, taken: Seconds(2.0) },
            ..CacheCounters::default()
        },
        lifetime: CacheCounters::default(),
        downloads: Downloads::Allowed,
        token: TokenPlace::Nowhere,
        n_threads: 2,
    }
}
