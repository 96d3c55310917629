#!/bin/sh
# Formatting, lints and all tests, after installing what they need. Debian, Ubuntu and macOS.
#
#   sh packaging/test.sh
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
. "$repository/packaging/system.sh"

require_rust
install_build_tools
# ffmpeg and sox make the recordings that the tests read; strace sees that nothing is sent where nothing may be.
install_missing ffmpeg:ffmpeg sox:sox
on_macos || install_missing strace:strace
if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    has rustup || fail "cargo fmt and cargo clippy are missing. Install them beside your Rust toolchain, then run this again."
    rustup component add rustfmt clippy
fi
choose_target_dir
cd "$repository"

say "Formatting"
cargo fmt --check

say "Lints"
cargo clippy --all-targets --locked -- -D warnings

# The profile that users run: the networks crawl without it, and quickstart.sh built the dependencies already.
say "Tests"
cargo test --release --locked

say "All is well"
