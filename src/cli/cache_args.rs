//! What was typed after `hansard cache`, and after its short forms `hansard cache-info` and `hansard clear-cache`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::engine::model_work::{ClearRequest, ClearScope};
use crate::engine::results::{ClearResults, Layer};
use crate::engine::shelf::results::{CleanUpRequest, Trial};

const CACHE_EXAMPLES: &str = "\
Examples:
  hansard cache info                              how full it is, and how often it helped
  hansard cache warm whisperx_small_cpu           have a model ready before it is needed
  hansard cache clear --older-than 90 --dry-run   which models would go
  hansard cache clear asr align                   forget texts and times of words; models and speakers stay
  hansard cache cleanup --days 30                 forget results that nobody used for a month
  hansard cache export models.hansard-models      all models in one file, for a machine without a network
  hansard cache export --results FILE             all results in one file, so that another machine need not compute them

A KEY is what `hansard cache list` shows: FAMILY_VARIANT_DEVICE, such as whisperx_small_cpu.
Results are what was computed from recordings: nothing is computed twice as long as they are kept. Transcripts that you
changed, tags and notes are no results but yours; they are in the library, which no command here touches.";

#[derive(Debug, Args)]
#[command(after_help = CACHE_EXAMPLES)]
pub(super) struct CacheArguments {
    #[command(subcommand)]
    pub(super) action: CacheAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheAction {
    /// Show where the cache is, how full it is, and how often it helped
    Info(CacheInfoArguments),
    /// Show the models in it
    List {
        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Compare models and results on disk with their hashes, bit by bit
    ///
    /// Damaged results are removed and computed again when they are needed.
    Verify {
        /// Which models [default: all of them, and all results]
        #[arg(value_name = "KEY")]
        keys: Vec<String>,

        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Have models on disk, ready to load: what is missing is fetched
    Warm {
        /// Which
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Remove models, also recent ones
    Evict {
        /// Which
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Remove all models, or all results, or those that nobody used for some time; asks first
    Clear(ClearArguments),
    /// Remove results that are too old, or all but those that are used most
    Cleanup(CleanUpArguments),
    /// Show the results that take the most room
    Largest {
        /// How many
        #[arg(long, value_name = "N", default_value = "10")]
        top: NonZeroUsize,

        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Make the list of results anew from the results themselves
    RebuildIndex,
    /// Write models, or all results, to one file, for another machine
    Export {
        /// Write results instead of models
        #[arg(long, conflicts_with = "keys")]
        results: bool,

        /// The file: NAME.hansard-models, or of results NAME.hansard-results
        file: PathBuf,

        /// Which models [default: all]
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Take models from files of `hansard cache export` or from folders in Hugging Face layout, or take results
    Import {
        /// Take results, from files of `hansard cache export --results`
        #[arg(long)]
        results: bool,

        /// The files or folders
        #[arg(required = true, value_name = "FILE|FOLDER")]
        sources: Vec<PathBuf>,
    },
    /// Keep models whatever else needs room
    Pin {
        /// Which
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Let models leave again
    Unpin {
        /// Which
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct CacheInfoArguments {
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ClearArguments {
    /// Which results: `results` for all, or the stages audio, speech, language, segmentation, asr, align, embeddings,
    /// diarization, voices, speakers, transcript
    #[arg(value_name = "STAGE", value_parser = Part::parse, conflicts_with = "scope")]
    parts: Vec<Part>,

    #[command(flatten)]
    scope: ScopeArguments,

    /// Whatever else is said, models stay
    #[arg(long, conflicts_with = "models")]
    keep_models: bool,

    /// Only what nobody used for so many days
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,

    #[command(flatten)]
    pub(super) consent: ConsentArguments,

    /// Print one JSON object instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

// Whether it is done at once. (A doc comment here would replace what the help says of `clear`.)
#[derive(Debug, Args)]
pub(super) struct ConsentArguments {
    /// Only show what would go
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
}

// Which part is cleared. (A doc comment here would replace what the help says of `clear`.)
#[derive(Debug, Args)]
#[group(id = "scope", multiple = false)]
struct ScopeArguments {
    /// Models, which is what is cleared without any of these
    #[arg(long)]
    models: bool,

    /// What was computed from recordings and can be computed again
    #[arg(long)]
    results: bool,

    /// Both
    #[arg(long)]
    all: bool,
}

/// A part of the results, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of them.
    Results,
    /// Those of a stage.
    Stage(Layer),
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "results" => Ok(Self::Results),
            _ => text
                .parse()
                .map(Self::Stage)
                .map_err(|error: <Layer as FromStr>::Err| format!("{error}, and `results` for all")),
        }
    }
}

/// What is to be cleared, of each kind; `None`: nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cleared {
    /// Models, and what is beside the store of results.
    pub(super) beside: Option<ClearRequest>,
    /// Results of stages.
    pub(super) results: Option<ClearResults>,
}

impl ClearArguments {
    /// What is to be cleared.
    pub(super) fn request(&self) -> Cleared {
        let older_than_days = self.older_than;
        let mut layers: Vec<Layer> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Stage(layer) if !layers.contains(layer) => layers.push(*layer),
                Part::Stage(_) | Part::Results => {}
            }
        }
        let is_all_stages = self.parts.contains(&Part::Results);
        if !layers.is_empty() && !is_all_stages {
            return Cleared { beside: None, results: Some(ClearResults { layers, older_than_days }) };
        }
        let scope = match &self.scope {
            ScopeArguments { .. } if is_all_stages || self.keep_models => ClearScope::Results,
            ScopeArguments { all: true, .. } => ClearScope::All,
            ScopeArguments { results: true, .. } => ClearScope::Results,
            ScopeArguments { .. } => ClearScope::Models,
        };
        let of_all_stages = ClearResults { layers: Vec::new(), older_than_days };
        let results = match scope {
            ClearScope::Models => None,
            ClearScope::Results | ClearScope::All => Some(of_all_stages),
        };
        Cleared { beside: Some(ClearRequest { scope, older_than_days }), results }
    }
}

#[derive(Debug, Args)]
pub(super) struct CleanUpArguments {
    /// Only what nobody used for so many days [default: as the settings say]
    #[arg(long, value_name = "N")]
    days: Option<u32>,

    /// Go by how often results are used
    #[arg(long, requires = "keep_top")]
    by_usage: bool,

    /// Keep so many of those that are used most, and no others
    #[arg(long, value_name = "N", requires = "by_usage")]
    keep_top: Option<usize>,

    /// Only show how much would go
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object instead of a line
    #[arg(long)]
    pub(super) json: bool,
}

impl CleanUpArguments {
    /// What is to be removed.
    pub(super) fn request(&self) -> CleanUpRequest {
        CleanUpRequest { older_than_days: self.days, keep_top: self.keep_top.filter(|_| self.by_usage) }
    }

    /// Whether it is only tried out.
    pub(super) fn trial(&self) -> Trial {
        if self.dry_run { Trial::Only } else { Trial::No }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(subcommand)]
        action: CacheAction,
    }

    #[test]
    fn what_is_cleared_is_typed_once() {
        let beside = |scope, older_than_days| Some(ClearRequest { scope, older_than_days });
        let results =
            |layers: &[Layer], older_than_days| Some(ClearResults { layers: layers.to_vec(), older_than_days });
        let both = |beside, results| Some(Cleared { beside, results });
        for (typed, expected) in [
            (&["--models"][..], both(beside(ClearScope::Models, None), None)),
            (&[], both(beside(ClearScope::Models, None), None)),
            (&["--results"], both(beside(ClearScope::Results, None), results(&[], None))),
            (&["results"], both(beside(ClearScope::Results, None), results(&[], None))),
            (&["results", "--keep-models"], both(beside(ClearScope::Results, None), results(&[], None))),
            (&["--keep-models"], both(beside(ClearScope::Results, None), results(&[], None))),
            (&["--all", "--keep-models"], both(beside(ClearScope::Results, None), results(&[], None))),
            (&["asr", "align", "asr"], both(None, results(&[Layer::Asr, Layer::Align], None))),
            (&["asr", "results"], both(beside(ClearScope::Results, None), results(&[], None))),
            (&["--all", "--yes"], both(beside(ClearScope::All, None), results(&[], None))),
            (&["--older-than", "30"], both(beside(ClearScope::Models, Some(30)), None)),
            (&["speakers", "--older-than", "30"], both(None, results(&[Layer::Speakers], Some(30)))),
            (&["--models", "--results"], None),
            (&["--models", "--keep-models"], None),
            (&["--all", "--models"], None),
            (&["asr", "--all"], None),
            (&["--older-than", "-1"], None),
            (&["--older-than", "soon"], None),
            (&["whisperx_small_cpu"], None),
        ] {
            let words = ["hansard", "clear"].iter().chain(typed);
            let found = Typed::try_parse_from(words).ok().map(|typed| match typed.action {
                CacheAction::Clear(arguments) => arguments.request(),
                other => panic!("{other:?}"),
            });
            assert_eq!(found, expected, "{typed:?}");
        }
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        for (typed, is_right) in [
            (&["verify"][..], true),
            (&["warm"], false),
            (&["evict"], false),
            (&["pin"], false),
            (&["unpin", "a_b_cpu", "a_c_cpu"], true),
            (&["export"], false),
            (&["export", "models.hansard-models"], true),
            (&["export", "--results", "all.hansard-results"], true),
            (&["export", "--results", "all.hansard-results", "a_b_cpu"], false),
            (&["import"], false),
            (&["import", "--results", "all.hansard-results"], true),
            (&["cleanup", "--by-usage"], false),
            (&["cleanup", "--keep-top", "5"], false),
            (&["cleanup", "--days", "30", "--by-usage", "--keep-top", "5", "--dry-run"], true),
            (&["largest", "--top", "0"], false),
            (&["rebuild-index"], true),
        ] {
            let words = ["hansard"].iter().chain(typed);
            assert_eq!(Typed::try_parse_from(words).is_ok(), is_right, "{typed:?}");
        }
    }
}
