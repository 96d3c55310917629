//! `hansard models`: which models there are, and having them here. Listings are results and go to stdout; what was
//! changed is told on stderr.

use std::process::ExitCode;

use serde::Serialize;

use crate::engine;
use crate::engine::models::{self, AvailableModel, Gate, ModelListing, ModelPurpose, Presence};
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, ModelSettings};

use super::batch::Outcome;
use super::cache::{Done, import, listing, outcome_of, remove};
use super::model_watch::{finish, json, model_settings, watched};
use super::models_args::ModelsAction;
use super::progress::{Display, Verbosity};
use super::table::{NOTHING, Side, megabytes, megabytes_of, table};

const WORD_TIMES: &str = "times of words";
const ABSENT: &str = "available";

/// Does what the arguments ask for.
pub(super) fn run(action: &ModelsAction, paths: &AppPaths, overrides: &ModelOverrides) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    let settings = model_settings(paths, overrides, &display);
    let (result, outcome) = match action {
        ModelsAction::List { all, json: as_json } => {
            let listing = listing(paths, &settings, &display)?;
            let mut listed = ModelsListing::new(&listing);
            if *as_json {
                (json(&listed)?, Outcome::Done)
            } else {
                let n_all = listed.models.len();
                listed.models.retain(|model| *all || model.is_of_interest());
                let n_hidden = n_all - listed.models.len();
                if n_hidden > 0 {
                    display.tell(&format!("{n_hidden} aligners of other languages can be fetched; --all shows them."));
                }
                (listed.table(), Outcome::Done)
            }
        }
        ModelsAction::Pull { names } => pull(names, paths, &settings, &display)?,
        ModelsAction::Remove { names } => remove(names, paths, &settings, &display)?,
        ModelsAction::Import { sources } => import(sources, paths, &settings, &display)?,
        ModelsAction::Convert { model, folder } => {
            let n_bytes = engine::convert_whisper(model, folder, paths)?;
            let size = megabytes(n_bytes);
            display.tell(&format!("{model}: converted to {}, {size} MB. Use it with --model {0}", folder.display()));
            (String::new(), Outcome::Done)
        }
    };
    finish(&display, &result, outcome)
}

fn pull(names: &[String], paths: &AppPaths, settings: &ModelSettings, display: &Display) -> anyhow::Result<Done> {
    let pulled = watched(display, |watch| models::pull(paths, settings, names, watch))?;
    Ok((String::new(), outcome_of(pulled.as_ref())))
}

/// What is printed of the models.
#[derive(Serialize)]
struct ModelsListing<'a> {
    models: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    purpose: &'static str,
    key: &'a str,
    /// `null`: it is built in.
    repository: Option<&'a str>,
    state: &'static str,
    /// `null` where nothing need be fetched.
    download_bytes: Option<u64>,
    /// `null` where it is not stored.
    disk_bytes: Option<u64>,
    memory_bytes: u64,
    languages: &'a str,
    licence: &'a str,
    gated: bool,
}

impl<'a> ModelsListing<'a> {
    fn new(listing: &'a ModelListing) -> Self {
        let listed = |model: &'a AvailableModel| {
            let stored = listing.on_disk.iter().find(|stored| stored.key == model.key);
            Listed::new(model, stored.map(|stored| stored.n_bytes))
        };
        Self { models: listing.available.iter().map(listed).collect() }
    }

    /// The same for people.
    fn table(&self) -> String {
        const TITLES: [(&str, Side); 8] = [
            ("model", Side::Left),
            ("for", Side::Left),
            ("state", Side::Left),
            ("to fetch, MB", Side::Right),
            ("on disk, MB", Side::Right),
            ("in memory, MB", Side::Right),
            ("languages", Side::Left),
            ("licence", Side::Left),
        ];
        let row = |model: &Listed<'_>| {
            let licence = if model.licence.is_empty() { NOTHING } else { model.licence };
            [
                model.name.to_owned(),
                model.purpose.to_owned(),
                model.state.to_owned(),
                megabytes_of(model.download_bytes),
                megabytes_of(model.disk_bytes),
                megabytes(model.memory_bytes),
                model.languages.to_owned(),
                if model.gated { format!("{licence}, gated") } else { licence.to_owned() },
            ]
        };
        table(TITLES, &self.models.iter().map(row).collect::<Vec<_>>())
    }
}

impl<'a> Listed<'a> {
    fn new(model: &'a AvailableModel, disk_bytes: Option<u64>) -> Self {
        Self {
            name: &model.name,
            purpose: match model.purpose {
                ModelPurpose::Transcription => "speech to text",
                ModelPurpose::Alignment => WORD_TIMES,
                ModelPurpose::Speakers => "speakers",
            },
            key: model.key.as_str(),
            repository: model.repository.as_deref(),
            state: match model.presence {
                Presence::BuiltIn => "built in",
                Presence::Installed => "installed",
                Presence::Partial(_) => "partly fetched",
                Presence::Absent => ABSENT,
            },
            download_bytes: (model.presence != Presence::BuiltIn).then_some(model.download_bytes),
            disk_bytes,
            memory_bytes: model.memory_bytes,
            languages: &model.languages,
            licence: &model.licence,
            gated: model.gate == Gate::Gated,
        }
    }

    /// There are aligners of many languages, and few people need more than one or two.
    fn is_of_interest(&self) -> bool {
        self.purpose != WORD_TIMES || self.state != ABSENT
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::models::{
        Beside, CacheCounters, CachedModel, CachedState, Downloads, ModelKey, Pinning, TokenPlace,
    };

    /// What there is on a machine that has nothing.
    pub(in crate::cli) fn nothing_listed() -> ModelListing {
        ModelListing {
            folder: "/cache".into(),
            available: Vec::new(),
            in_memory: Vec::new(),
            on_disk: Vec::new(),
            memory_budget_bytes: 4_000_000_000,
            disk_budget_bytes: None,
            beside: Beside::default(),
            since_start: CacheCounters::default(),
            lifetime: CacheCounters::default(),
            downloads: Downloads::Allowed,
            token: TokenPlace::Nowhere,
            n_threads: 2,
        }
    }

    fn key(name: &str) -> ModelKey {
        ModelKey::new(&format!("family_{name}_cpu")).expect("a key")
    }

    fn available(name: &str, purpose: ModelPurpose, presence: Presence) -> AvailableModel {
        AvailableModel {
            name: name.to_owned(),
            purpose,
            key: key(name),
            repository: (presence != Presence::BuiltIn).then(|| format!("owner/{name}")),
            download_bytes: 969_439_648,
            memory_bytes: 253_918_564,
            languages: "99 languages".to_owned(),
            licence: if purpose == ModelPurpose::Speakers { String::new() } else { "mit".to_owned() },
            gate: if purpose == ModelPurpose::Speakers { Gate::Gated } else { Gate::Open },
            presence,
            shape: None,
            measured_speed: None,
        }
    }

    fn listing() -> ModelListing {
        let stored = CachedModel {
            key: key("small"),
            n_bytes: 256_400_000,
            last_used: None,
            n_uses: 0,
            state: CachedState::Idle,
            pinning: Pinning::Unpinned,
            detail: String::new(),
        };
        let available = vec![
            available("demo", ModelPurpose::Transcription, Presence::BuiltIn),
            available("small", ModelPurpose::Transcription, Presence::Installed),
            available("align-ka", ModelPurpose::Alignment, Presence::Absent),
            available("segmentation", ModelPurpose::Speakers, Presence::Absent),
        ];
        ModelListing { available, on_disk: vec![stored], ..nothing_listed() }
    }

    #[test]
    fn models_are_listed_with_their_sizes_and_conditions() {
        let listing = listing();
        let mut listed = ModelsListing::new(&listing);
        listed.models.retain(Listed::is_of_interest);
        let cells = |line: &str| {
            let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.collect::<Vec<_>>().join("|")
        };
        let found: Vec<String> = listed.table().lines().map(cells).collect();
        let expected = [
            "model|for|state|to fetch, MB|on disk, MB|in memory, MB|languages|licence",
            "demo|speech to text|built in|-|-|253.9|99 languages|mit",
            "small|speech to text|installed|969.4|256.4|253.9|99 languages|mit",
            "segmentation|speakers|available|969.4|-|253.9|99 languages|-, gated",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_json_has_all_that_is_known() {
        let listed = json(&ModelsListing::new(&listing())).expect("numbers and names");
        for part in [
            r#"{"models":[{"name":"demo","purpose":"speech to text","key":"family_demo_cpu","repository":null,"#,
            r#""repository":"owner/small","state":"installed","download_bytes":969439648,"disk_bytes":256400000,"#,
            r#""name":"align-ka","#,
            r#""languages":"99 languages","licence":"","gated":true}]}"#,
        ] {
            assert!(listed.contains(part), "no {part} in {listed}");
        }
    }
}
