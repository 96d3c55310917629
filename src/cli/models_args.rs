//! What was typed after `hansard models`, and the options about models that every command has.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::settings::ModelOverrides;

const MODELS_EXAMPLES: &str = "\
Examples:
  hansard models list                        what is here, and what can be fetched
  hansard models pull small align-de         fetch a size of Whisper, and the aligner for German
  hansard models pull pyannote/segmentation-3.0   gated: accept its conditions on its page, then set HF_TOKEN
  hansard models import ~/whisper-small      take a model that was fetched in another way";

// Where models are kept and whether any may be fetched. (A doc comment here would replace what the help says of the
// program.)
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ModelPlaceArguments {
    /// Folder of the models on disk [default: as the settings say, or the platform's folder for caches]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Models")]
    pub(super) cache_dir: Option<PathBuf>,

    /// Open no connection: what would have to be fetched is an error
    #[arg(long, global = true, help_heading = "Models")]
    pub(super) offline: bool,
}

impl ModelPlaceArguments {
    /// What holds for this start: what was typed, else what the environment says.
    pub(super) fn overriding(self, environment: ModelOverrides) -> ModelOverrides {
        ModelOverrides {
            cache_dir: self.cache_dir.or(environment.cache_dir),
            offline: self.offline || environment.offline,
            ..environment
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = MODELS_EXAMPLES)]
pub(super) struct ModelsArguments {
    #[command(subcommand)]
    pub(super) action: ModelsAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ModelsAction {
    /// Show which models are here and which can be fetched: their sizes, languages and licences
    List {
        /// Also the aligners of languages that are not here
        #[arg(long)]
        all: bool,

        /// Print one JSON object with all models instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Fetch models, and make them ready to load
    Pull {
        /// Sizes of Whisper, or other names that `hansard models list` shows
        #[arg(required = true, value_name = "SIZE|NAME")]
        names: Vec<String>,
    },
    /// Remove models from the disk
    Remove {
        /// Their names, or keys that `hansard cache list` shows
        #[arg(required = true, value_name = "NAME|KEY")]
        names: Vec<String>,
    },
    /// Take models from folders in Hugging Face layout, or from files of `hansard cache export`
    Import {
        /// The folders or files
        #[arg(required = true, value_name = "FOLDER|FILE")]
        sources: Vec<PathBuf>,
    },
    /// Make an 8-bit copy of a model that loads at once
    ///
    /// The copy is a folder for --model. It takes a quarter of the space of 32-bit weights, and computing with it gives
    /// the same text as --compute-type int8 does with the model itself.
    Convert {
        /// The Whisper model: `demo`, or a folder in Hugging Face layout
        #[arg(value_name = "NAME|FOLDER")]
        model: String,

        /// The folder for the copy, which is made if it is missing
        folder: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_wins_over_the_environment() {
        let environment =
            ModelOverrides { cache_dir: Some("/environment".into()), preload: Some(Vec::new()), offline: false };
        for (typed, offline, expected) in [(None, false, "/environment"), (Some("/typed"), true, "/typed")] {
            let arguments = ModelPlaceArguments { cache_dir: typed.map(PathBuf::from), offline };
            let overrides = arguments.overriding(environment.clone());
            let expected = ModelOverrides { cache_dir: Some(expected.into()), preload: Some(Vec::new()), offline };
            assert_eq!(overrides, expected);
        }
    }
}
