# What quickstart.sh and test.sh share: which system packages are needed, and how to get those that are missing.
# POSIX sh; read with `.` by a script that has set $repository, not run.

say() {
    printf '\n==> %s\n' "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

on_macos() {
    [ "$(uname -s)" = Darwin ]
}

# Services start programs without it; the cache folder is in there.
if [ -z "${HOME:-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
    export HOME
fi

require_rust() {
    # rustup puts cargo here, and a shell that was open before does not know it yet.
    if ! has cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
        export PATH
    fi
    needed_minor=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' "$repository/Cargo.toml")
    has cargo || fail "cargo was not found. Install Rust 1.$needed_minor or later as https://rustup.rs says, then run this again."
    version=$(cd "$repository" && rustc --version | cut -d ' ' -f 2)
    minor=$(printf '%s' "$version" | cut -d . -f 2)
    [ "$minor" -ge "$needed_minor" ] ||
        fail "Rust $version is too old: 1.$needed_minor or later is needed. Run: rustup update stable"
}

# Builds go outside of the source folder, so that another clone finds the dependencies built already.
choose_target_dir() {
    [ -z "${CARGO_TARGET_DIR:-}" ] || return 0
    if on_macos; then
        CARGO_TARGET_DIR=$HOME/Library/Caches/hansard-target
    else
        CARGO_TARGET_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/hansard-target
    fi
    export CARGO_TARGET_DIR
}

# A C compiler links every Rust program; cmake and make build libopus.
install_build_tools() {
    if on_macos; then
        # The command cc is always there, and says this only when it is called.
        xcode-select -p >/dev/null 2>&1 || fail "there is no C compiler. Run: xcode-select --install"
        install_missing cmake:cmake
    else
        # pkg-config and ALSA: for microphones.
        install_missing cc:build-essential make:build-essential cmake:cmake pkg-config:pkg-config
        pkg-config --exists alsa || install_packages libasound2-dev
    fi
}

# The window loads these when it opens; building needs none of them. X11 and Wayland, keyboard, OpenGL.
install_window_libraries() {
    if on_macos; then return; fi
    install_missing_libraries \
        libX11.so.6:libx11-6 libX11-xcb.so.1:libx11-xcb1 libXcursor.so.1:libxcursor1 libXi.so.6:libxi6 \
        libXrandr.so.2:libxrandr2 libxkbcommon.so.0:libxkbcommon0 libxkbcommon-x11.so.0:libxkbcommon-x11-0 \
        libwayland-client.so.0:libwayland-client0 libwayland-cursor.so.0:libwayland-cursor0 \
        libwayland-egl.so.1:libwayland-egl1 libEGL.so.1:libegl1 libGL.so.1:libgl1
}

# Arguments PROGRAM:PACKAGE; packages whose program is not there are installed.
install_missing() {
    missing=
    for pair in "$@"; do
        has "${pair%%:*}" || missing="$missing ${pair#*:}"
    done
    install_packages $missing
}

# Arguments LIBRARY:PACKAGE; packages whose library the dynamic linker does not know are installed.
install_missing_libraries() {
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || known=
    missing=
    for pair in "$@"; do
        case $known in
        *"${pair%%:*} "*) ;;
        *) missing="$missing ${pair#*:}" ;;
        esac
    done
    install_packages $missing
}

install_packages() {
    [ $# -gt 0 ] || return 0
    say "Installing $*"
    if on_macos; then
        has brew || fail "these are missing: $*. Install them, or Homebrew (https://brew.sh), and run this again."
        brew install "$@"
    elif has apt-get; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    else
        fail "these packages (by their Debian names) are missing: $*. Install them and run this again."
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "'$*' needs root rights and there is no sudo. Run it as root, then run this again."
    fi
}
