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
if ! on_macos; then
    install_missing strace:strace
    # A display of its own, in which the window is tried, and hands for its keyboard.
    install_window_libraries
    install_missing Xvfb:xvfb xdotool:xdotool
    # A sound server of its own, with which recording is tried.
    install_missing pulseaudio:pulseaudio pactl:pulseaudio-utils paplay:pulseaudio-utils
    ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so >/dev/null 2>&1 || install_packages libasound2-plugins
fi
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
cargo test --release --locked -- --skip recorder_pulse
if ! on_macos; then
    # Sound that is played and recorded in its own time needs the machine for itself.
    cargo test --release --locked --test it recorder_pulse -- --test-threads 1
fi

say "All is well"
