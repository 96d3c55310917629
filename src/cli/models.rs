//! `hansard models`: what can be done with models apart from using them.

use std::process::ExitCode;

use crate::engine;
use crate::paths::AppPaths;

use super::args::ModelsAction;
use super::progress::{Display, Verbosity};

/// Does what the arguments ask for.
pub(super) fn run(action: &ModelsAction, paths: &AppPaths) -> anyhow::Result<ExitCode> {
    let display = Display::new(Verbosity::Normal);
    match action {
        ModelsAction::Convert { model, folder } => {
            let n_bytes = engine::convert_whisper(model, folder, paths)?;
            let megabytes = n_bytes as f64 / 1e6;
            display.tell(&format!(
                "{model}: converted to {}, {megabytes:.1} MB. Use it with --model {0}",
                folder.display()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
