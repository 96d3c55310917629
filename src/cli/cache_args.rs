//! What was typed after `hansard cache`, and after its short forms `hansard cache-info` and `hansard clear-cache`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::engine::model_work::{ClearRequest, ClearScope};

const CACHE_EXAMPLES: &str = "\
Examples:
  hansard cache info                              how full it is, and how often it helped
  hansard cache warm whisperx_small_cpu           have a model ready before it is needed
  hansard cache clear --older-than 90 --dry-run   what would go
  hansard cache export models.hansard-models      all models in one file, for a machine without a network

A KEY is what `hansard cache list` shows: FAMILY_VARIANT_DEVICE, such as whisperx_small_cpu.";

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
    /// Compare models on disk with their hashes, bit by bit
    Verify {
        /// Which [default: all]
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
    /// Remove all models, or those that nobody used for some time; asks first
    Clear(ClearArguments),
    /// Write models to one file, for a machine without a network
    Export {
        /// The file, usually NAME.hansard-models
        file: PathBuf,

        /// Which [default: all]
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Take models from files of `hansard cache export`, or from folders in Hugging Face layout
    Import {
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
    #[command(flatten)]
    scope: ScopeArguments,

    /// Only what nobody used for so many days
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,

    /// Only show what would go
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,

    /// Print one JSON object instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

// Which part is cleared. (A doc comment here would replace what the help says of `clear`.)
#[derive(Debug, Args)]
#[group(multiple = false)]
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

impl ClearArguments {
    /// What is to be cleared.
    pub(super) fn request(&self) -> ClearRequest {
        let scope = match &self.scope {
            ScopeArguments { all: true, .. } => ClearScope::All,
            ScopeArguments { results: true, .. } => ClearScope::Results,
            ScopeArguments { .. } => ClearScope::Models,
        };
        ClearRequest { scope, older_than_days: self.older_than }
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
        let everything = |scope| Some(ClearRequest { scope, older_than_days: None });
        for (typed, expected) in [
            (&["--models"][..], everything(ClearScope::Models)),
            (&[], everything(ClearScope::Models)),
            (&["--results"], everything(ClearScope::Results)),
            (&["--all", "--yes"], everything(ClearScope::All)),
            (&["--older-than", "30"], Some(ClearRequest { scope: ClearScope::Models, older_than_days: Some(30) })),
            (&["--models", "--results"], None),
            (&["--all", "--models"], None),
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
    fn what_cannot_go_without_a_key_asks_for_one() {
        for (typed, is_right) in [
            (&["verify"][..], true),
            (&["warm"], false),
            (&["evict"], false),
            (&["pin"], false),
            (&["unpin", "a_b_cpu", "a_c_cpu"], true),
            (&["export"], false),
            (&["export", "models.hansard-models"], true),
            (&["import"], false),
        ] {
            let words = ["hansard"].iter().chain(typed);
            assert_eq!(Typed::try_parse_from(words).is_ok(), is_right, "{typed:?}");
        }
    }
}
