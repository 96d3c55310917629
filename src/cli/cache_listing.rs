//! What the command line shows of the model cache: tables for people, JSON for programs. Plain values become text here;
//! nothing is looked up or printed.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::engine::model_work::{Clearing, VerifiedEntry};
use crate::engine::models::{CacheCounters, CachedModel, CachedState, Loads, ModelListing, Pinning};

use super::progress::without_controls;
use super::results_listing::DamagedListing;
use super::table::{NOTHING, Side, ago, megabytes, percent, table};

/// A number of things.
pub(super) fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What is freed.
pub(super) fn size_of(clearing: &Clearing) -> String {
    format!("{} MB", megabytes(clearing.n_bytes()))
}

/// How much goes, and what is freed.
pub(super) fn summary(clearing: &Clearing) -> String {
    format!("{}, {}", plural(clearing.removed.len(), "entry", "entries"), size_of(clearing))
}

/// A line for each model that was verified.
pub(super) fn verified_table(entries: &[VerifiedEntry]) -> String {
    const TITLES: [(&str, Side); 3] = [("key", Side::Left), ("MB", Side::Right), ("result", Side::Left)];
    let row = |entry: &VerifiedEntry| {
        let result = entry.problem.clone().unwrap_or_else(|| "as it was stored".to_owned());
        [entry.key.clone(), megabytes(entry.n_bytes), result]
    };
    table(TITLES, &entries.iter().map(row).collect::<Vec<_>>())
}

/// A line for each thing that would go or stay.
pub(super) fn plan_table(plan: &Clearing) -> String {
    const TITLES: [(&str, Side); 3] = [("entry", Side::Left), ("MB", Side::Right), ("would", Side::Left)];
    let removed =
        plan.removed.iter().map(|entry| [entry.name.clone(), megabytes(entry.n_bytes), "be removed".to_owned()]);
    let kept = plan
        .kept
        .iter()
        .map(|entry| [entry.name.clone(), NOTHING.to_owned(), format!("stay, {}", entry.reason.label())]);
    table(TITLES, &removed.chain(kept).collect::<Vec<_>>())
}

/// What is printed of a verification.
#[derive(Serialize)]
pub(super) struct VerifiedListing<'a> {
    pub(super) models: &'a [VerifiedEntry],
    /// `null` where models were named.
    pub(super) results: Option<DamagedListing<'a>>,
}

/// What is printed of what goes.
#[derive(Serialize)]
pub(super) struct ClearListing<'a> {
    #[serde(flatten)]
    clearing: &'a Clearing,
    n_bytes: u64,
}

impl<'a> ClearListing<'a> {
    pub(super) fn new(clearing: &'a Clearing) -> Self {
        Self { clearing, n_bytes: clearing.n_bytes() }
    }
}

/// What is printed of the models in the cache, each level in the order of its keys.
#[derive(Serialize)]
pub(super) struct EntriesListing<'a> {
    memory: Vec<EntryListing<'a>>,
    disk: Vec<EntryListing<'a>>,
}

#[derive(Serialize)]
struct EntryListing<'a> {
    key: &'a str,
    n_bytes: u64,
    /// `null`: never.
    last_used_unix_secs: Option<u64>,
    n_uses: u64,
    state: &'static str,
    pinned: bool,
    detail: &'a str,
    #[serde(skip)]
    last_used: Option<SystemTime>,
}

impl<'a> EntriesListing<'a> {
    pub(super) fn new(listing: &'a ModelListing) -> Self {
        Self { memory: in_order(&listing.in_memory), disk: in_order(&listing.on_disk) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.disk.is_empty()
    }

    /// The same for people.
    pub(super) fn table(&self, now: SystemTime) -> String {
        const TITLES: [(&str, Side); 6] = [
            ("key", Side::Left),
            ("where", Side::Left),
            ("MB", Side::Right),
            ("last used", Side::Right),
            ("uses", Side::Right),
            ("state", Side::Left),
        ];
        let row = |place: &str, entry: &EntryListing<'_>| {
            [
                entry.key.to_owned(),
                place.to_owned(),
                megabytes(entry.n_bytes),
                ago(entry.last_used, now),
                entry.n_uses.to_string(),
                if entry.pinned { format!("{}, pinned", entry.state) } else { entry.state.to_owned() },
            ]
        };
        let memory = self.memory.iter().map(|entry| row("memory", entry));
        let disk = self.disk.iter().map(|entry| row("disk", entry));
        table(TITLES, &memory.chain(disk).collect::<Vec<_>>())
    }
}

fn in_order(models: &[CachedModel]) -> Vec<EntryListing<'_>> {
    let mut entries: Vec<EntryListing<'_>> = models.iter().map(EntryListing::new).collect();
    entries.sort_by_key(|entry| entry.key);
    entries
}

impl<'a> EntryListing<'a> {
    fn new(model: &'a CachedModel) -> Self {
        // What was used before 1970 was used by a machine whose clock was not set.
        let unix_secs = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            key: model.key.as_str(),
            n_bytes: model.n_bytes,
            last_used_unix_secs: model.last_used.map(unix_secs),
            n_uses: model.n_uses,
            state: match model.state {
                CachedState::Loading => "loading",
                CachedState::Idle => "ready",
                CachedState::InUse => "in use",
                CachedState::Damaged => "damaged",
                CachedState::Outdated => "outdated",
            },
            pinned: model.pinning == Pinning::Pinned,
            detail: &model.detail,
            last_used: model.last_used,
        }
    }
}

/// What is printed of the cache as a whole. Sizes are in MB of 10⁶ bytes, shares of 1.
#[derive(Serialize)]
pub(super) struct InfoListing<'a> {
    directory: String,
    memory: LevelListing<'a>,
    disk: LevelListing<'a>,
    unfinished_downloads: BesideListing,
    set_aside: BesideListing,
    /// Since the folder was made; `null` where nothing was asked for yet.
    hit_rate: Option<f64>,
    since_start: CountersListing,
    lifetime: CountersListing,
}

#[derive(Serialize)]
struct LevelListing<'a> {
    models: usize,
    size_mb: f64,
    /// `null` where there is no limit.
    budget_mb: Option<f64>,
    share: Option<f64>,
    keys: Vec<&'a str>,
}

/// What lies on disk beside models.
#[derive(Serialize)]
struct BesideListing {
    models: usize,
    size_mb: f64,
}

#[derive(Serialize)]
struct CountersListing {
    hits: u64,
    misses: u64,
    evictions: u64,
    memory_cleanups: u64,
    loads: u64,
    memory_load_secs: f64,
    disk_load_secs: f64,
    hub_load_secs: f64,
}

impl<'a> InfoListing<'a> {
    pub(super) fn new(listing: &'a ModelListing) -> Self {
        let n_asked = listing.lifetime.n_hits + listing.lifetime.n_misses;
        let beside = listing.beside;
        Self {
            unfinished_downloads: BesideListing::new(beside.n_unfinished, beside.unfinished_bytes),
            set_aside: BesideListing::new(beside.n_set_aside, beside.set_aside_bytes),
            directory: listing.folder.display().to_string(),
            memory: LevelListing::new(&listing.in_memory, Some(listing.memory_budget_bytes)),
            disk: LevelListing::new(&listing.on_disk, listing.disk_budget_bytes),
            hit_rate: (n_asked > 0).then(|| rounded(listing.lifetime.n_hits as f64 / n_asked as f64)),
            since_start: CountersListing::new(&listing.since_start),
            lifetime: CountersListing::new(&listing.lifetime),
        }
    }

    /// The same for people; what was counted is told since the folder was made.
    pub(super) fn table(&self) -> String {
        let counted = &self.lifetime;
        let rate = self.hit_rate.map_or_else(|| NOTHING.to_owned(), percent);
        let secs = format!(
            "{:.1} s from memory, {:.1} s from disk, {:.1} s from the hub",
            counted.memory_load_secs, counted.disk_load_secs, counted.hub_load_secs
        );
        let rows = [
            ("directory", self.directory.clone()),
            ("in memory", self.memory.summary()),
            ("on disk", self.disk.summary()),
            ("unfinished", self.unfinished_downloads.summary()),
            ("set aside", self.set_aside.summary()),
            ("hit rate", format!("{rate} ({} of {})", counted.hits, counted.hits + counted.misses)),
            ("evictions", format!("{}, and {} memory cleanups", counted.evictions, counted.memory_cleanups)),
            ("loads", format!("{} ({secs})", counted.loads)),
        ];
        let mut text = String::new();
        // What is not there need not be said.
        for (what, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value = without_controls(&value);
            writeln!(text, "{what:<11}{value}").expect("a string takes all that is written");
        }
        for (place, level) in [("memory", &self.memory), ("disk", &self.disk)] {
            for key in &level.keys {
                writeln!(text, "  {key} ({place})").expect("a string takes all that is written");
            }
        }
        text
    }
}

impl<'a> LevelListing<'a> {
    fn new(models: &'a [CachedModel], budget_bytes: Option<u64>) -> Self {
        let n_bytes: u64 = models.iter().map(|model| model.n_bytes).sum();
        let budget = budget_bytes.filter(|n_bytes| *n_bytes > 0);
        Self {
            models: models.len(),
            size_mb: in_mb(n_bytes),
            budget_mb: budget_bytes.map(in_mb),
            share: budget.map(|budget| rounded(n_bytes as f64 / budget as f64)),
            keys: in_order(models).into_iter().map(|entry| entry.key).collect(),
        }
    }

    fn summary(&self) -> String {
        let size = format!("{}, {:.1} MB", plural(self.models, "model", "models"), self.size_mb);
        match (self.share, self.budget_mb) {
            (Some(share), Some(budget_mb)) => format!("{size}, {} of {budget_mb:.1} MB", percent(share)),
            (None, _) | (_, None) => size,
        }
    }
}

impl BesideListing {
    fn new(models: usize, n_bytes: u64) -> Self {
        Self { models, size_mb: in_mb(n_bytes) }
    }

    /// Empty where there is none.
    fn summary(&self) -> String {
        match self.models {
            0 => String::new(),
            n => format!("{}, {:.1} MB", plural(n, "model", "models"), self.size_mb),
        }
    }
}

impl CountersListing {
    fn new(counters: &CacheCounters) -> Self {
        let CacheCounters { from_memory, from_disk, from_hub, .. } = counters;
        let secs = |loads: &Loads| rounded(loads.taken.0);
        Self {
            hits: counters.n_hits,
            misses: counters.n_misses,
            evictions: counters.n_evictions,
            memory_cleanups: counters.n_memory_cleanups,
            loads: from_memory.n_loads + from_disk.n_loads + from_hub.n_loads,
            memory_load_secs: secs(from_memory),
            disk_load_secs: secs(from_disk),
            hub_load_secs: secs(from_hub),
        }
    }
}

/// A size in MB of 10⁶ bytes, for JSON.
pub(super) fn in_mb(n_bytes: u64) -> f64 {
    rounded(n_bytes as f64 / 1e6)
}

/// To thousandths: what is behind them is noise.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::model_watch::json;
    use crate::cli::models::tests::nothing_listed;
    use crate::engine::model_work::{KeptEntry, KeptReason, RemovedEntry};
    use crate::engine::models::{Beside, ModelKey};
    use crate::units::Seconds;

    const NOW_SECS: u64 = 1_000_000;

    fn at(secs: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(secs)
    }

    fn model(key: &str, n_bytes: u64, last_used_secs: Option<u64>) -> CachedModel {
        CachedModel {
            key: ModelKey::new(key).expect("a key"),
            n_bytes,
            last_used: last_used_secs.map(at),
            n_uses: 2,
            state: CachedState::Idle,
            pinning: Pinning::Unpinned,
            detail: String::new(),
        }
    }

    fn listing() -> ModelListing {
        let in_use =
            CachedModel { state: CachedState::InUse, ..model("whisperx_small_cpu", 253_918_564, Some(NOW_SECS - 61)) };
        let pinned = CachedModel { pinning: Pinning::Pinned, ..model("ecapa_tdnn_cpu", 83_316_686, None) };
        let from_disk = Loads { n_loads: 1, taken: Seconds(0.5) };
        ModelListing {
            folder: "/cache".into(),
            in_memory: vec![in_use],
            on_disk: vec![model("whisperx_small_cpu", 256_400_000, Some(0)), pinned],
            memory_budget_bytes: 1_015_674_256,
            lifetime: CacheCounters {
                n_hits: 3,
                n_misses: 1,
                n_memory_cleanups: 2,
                from_disk,
                ..CacheCounters::default()
            },
            ..nothing_listed()
        }
    }

    fn plan() -> Clearing {
        let (name, n_bytes) = ("whisperx_base_cpu".to_owned(), 79_068_260);
        let kept = KeptEntry { name: "ecapa_tdnn_cpu".to_owned(), reason: KeptReason::Pinned };
        Clearing { removed: vec![RemovedEntry { name, n_bytes }], kept: vec![kept] }
    }

    #[test]
    fn models_of_both_levels_are_listed_in_the_order_of_their_keys() {
        let listing = listing();
        let entries = EntriesListing::new(&listing);
        let expected = "\
key                 where      MB  last used  uses  state
whisperx_small_cpu  memory  253.9  1 min ago     2  in use
ecapa_tdnn_cpu      disk     83.3      never     2  ready, pinned
whisperx_small_cpu  disk    256.4   11 d ago     2  ready
";
        assert_eq!(entries.table(at(NOW_SECS)), expected);
        let listed = json(&entries).expect("numbers and names");
        for part in [
            r#"{"memory":[{"key":"whisperx_small_cpu","n_bytes":253918564,"last_used_unix_secs":999939,"n_uses":2,"#,
            r#""state":"in use","pinned":false,"detail":""}],"disk":[{"key":"ecapa_tdnn_cpu","#,
            r#""last_used_unix_secs":null,"n_uses":2,"state":"ready","pinned":true,"#,
        ] {
            assert!(listed.contains(part), "no {part} in {listed}");
        }
        let nothing = nothing_listed();
        let entries = EntriesListing::new(&nothing);
        assert!(entries.is_empty() && entries.table(at(NOW_SECS)).is_empty());
    }

    #[test]
    fn the_cache_is_told_in_lines_and_as_json() {
        let listing = listing();
        let info = InfoListing::new(&listing);
        let expected = "\
directory  /cache
in memory  1 model, 253.9 MB, 25 % of 1015.7 MB
on disk    2 models, 339.7 MB
hit rate   75 % (3 of 4)
evictions  0, and 2 memory cleanups
loads      1 (0.0 s from memory, 0.5 s from disk, 0.0 s from the hub)
  whisperx_small_cpu (memory)
  ecapa_tdnn_cpu (disk)
  whisperx_small_cpu (disk)
";
        assert_eq!(info.table(), expected);
        let listed = json(&info).expect("numbers and names");
        for part in [
            r#"{"directory":"/cache","memory":{"models":1,"size_mb":253.919,"budget_mb":1015.674,"share":0.25,"#,
            r#""keys":["whisperx_small_cpu"]},"disk":{"models":2,"size_mb":339.717,"budget_mb":null,"share":null,"#,
            r#""hit_rate":0.75,"since_start":{"hits":0,"#,
            r#""loads":1,"memory_load_secs":0.0,"disk_load_secs":0.5,"hub_load_secs":0.0}}"#,
        ] {
            assert!(listed.contains(part), "no {part} in {listed}");
        }
        assert!(InfoListing::new(&nothing_listed()).table().contains("hit rate   - (0 of 0)"));
        let beside = Beside { n_unfinished: 1, unfinished_bytes: 2_500_000, n_set_aside: 2, set_aside_bytes: 900_000 };
        let left = InfoListing::new(&ModelListing { beside, ..nothing_listed() }).table();
        for line in ["unfinished 1 model, 2.5 MB\n", "set aside  2 models, 0.9 MB\n"] {
            assert!(left.contains(line), "{left}");
        }
    }

    #[test]
    fn what_goes_is_told_before_it_goes() {
        let expected = "\
entry                MB  would
whisperx_base_cpu  79.1  be removed
ecapa_tdnn_cpu        -  stay, it is pinned
";
        assert_eq!(plan_table(&plan()), expected);
        assert_eq!(summary(&plan()), "1 entry, 79.1 MB");
        let listed = json(&ClearListing::new(&plan())).expect("numbers and names");
        let expected = concat!(
            r#"{"removed":[{"name":"whisperx_base_cpu","n_bytes":79068260}],"#,
            r#""kept":[{"name":"ecapa_tdnn_cpu","reason":"pinned"}],"n_bytes":79068260}"#
        );
        assert_eq!(listed.trim_end(), expected);
    }

    #[test]
    fn a_damaged_model_says_what_is_wrong() {
        let entry = |key: &str, problem: Option<&str>| VerifiedEntry {
            key: key.to_owned(),
            n_bytes: 1_000_000,
            problem: problem.map(str::to_owned),
        };
        let expected = "\
key       MB  result
a_b_cpu  1.0  as it was stored
c_d_cpu  1.0  model.safetensors has other bytes
";
        let entries = [entry("a_b_cpu", None), entry("c_d_cpu", Some("model.safetensors has other bytes"))];
        assert_eq!(verified_table(&entries), expected);
    }
}
