//! The program: the command line decides what happens, and the window opens where it says so. Nothing else lives here.

use std::env;
use std::process::ExitCode;

use hansard::cli::{self, Next};
use hansard::paths::AppPaths;
use hansard::ui;

fn main() -> ExitCode {
    let paths = AppPaths::of_this_user();
    match cli::run(env::args_os(), &paths) {
        Next::Exit(code) => code,
        Next::Window { recording, transcript, overrides } => {
            let open = ui::Open { recording, transcript, overrides, ..ui::Open::default() };
            cli::exit_code(ui::run(paths, open))
        }
    }
}
