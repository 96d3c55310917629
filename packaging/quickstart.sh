#!/bin/sh
# From a fresh machine with a Rust toolchain to a transcript: installs the system libraries that are missing, builds
# Hansard, and runs it on the demo meeting. Debian, Ubuntu and macOS. Run it again at any time; it repeats nothing.
#
#   sh packaging/quickstart.sh
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
. "$repository/packaging/system.sh"

require_rust
install_build_tools
install_window_libraries
choose_target_dir

say "Building Hansard (the first time takes some minutes)"
cd "$repository"
cargo build --release --locked

say "Transcribing the demo meeting"
"$CARGO_TARGET_DIR/release/hansard" demo

say "Done. The program is here; give it a meeting of your own:"
printf '    %s transcribe YOUR_MEETING.mp4\n' "$CARGO_TARGET_DIR/release/hansard"
