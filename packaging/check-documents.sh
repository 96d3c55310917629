#!/bin/sh
# Whether office programs and browsers read what Hansard exports: the demo meeting as DOCX, opened by LibreOffice, and as
# HTML, opened by Chromium, must say all that was said. Pictures of both are kept, to be looked at. No part of test.sh:
# these programs are large, so this is for machines that have them (Debian: libreoffice-writer and chromium).
#
#   sh packaging/check-documents.sh [FOLDER]
#
# FOLDER gets the exports and the pictures; without it, a temporary folder.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
. "$repository/packaging/system.sh"

# Prints the first of these programs that is installed.
first_of() {
    for program in "$@"; do
        if has "$program"; then
            printf '%s' "$program"
            return
        fi
    done
    fail "none of these is installed: $*"
}

# Arguments FILE NAME: every line that was said is in the text of this file.
check_text() {
    read_back=$(tr -s '[:space:]' ' ' <"$1")
    n_lines=0
    while IFS= read -r line; do
        said=${line#\[*\]: }
        case $read_back in
        *"$said"*) n_lines=$((n_lines + 1)) ;;
        *) fail "$2 does not say: $said" ;;
        esac
    done <"$folder/$meeting.txt"
    [ "$n_lines" -gt 0 ] || fail "the meeting has no text"
    say "$2 says all $n_lines lines"
}

office=$(first_of soffice libreoffice)
browser=$(first_of chromium chromium-browser google-chrome)
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
else
    folder=$(mktemp -d)
fi
require_rust
choose_target_dir
cd "$repository"
cargo build --release --locked
meeting=demo_1min_2spk
"$CARGO_TARGET_DIR/release/hansard" transcribe "assets/demo/meetings/$meeting.flac" \
    --format txt,docx,html --output "$folder"

mkdir -p "$folder/read"
# LibreOffice keeps a profile; this one is its own, so that none of the user's is in the way.
convert() {
    "$office" --headless "-env:UserInstallation=file://$folder/profile" --convert-to "$1" --outdir "$folder/read" \
        "$folder/$meeting.docx" >/dev/null
}
convert 'txt:Text (encoded):UTF8'
convert pdf
check_text "$folder/read/$meeting.txt" "LibreOffice"

browse() {
    "$browser" --headless --no-sandbox --disable-gpu "--user-data-dir=$folder/profile" "$@" \
        "file://$folder/$meeting.html" 2>/dev/null
}
browse --dump-dom | sed 's/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&nbsp;/ /g; s/&amp;/\&/g' >"$folder/read/page.txt"
browse "--screenshot=$folder/read/page.png" --window-size=1280,1600 >/dev/null
check_text "$folder/read/page.txt" "Chromium"

say "Look at $folder/read/$meeting.pdf and $folder/read/page.png"
