#!/usr/bin/env bash
# Renders build/icon.svg, the packages' icon, as build/icon.png. Needs chromium.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '<body style="margin:0">%s' "$(cat icon.svg)" > "$work/icon.html"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --default-background-color=00000000 --window-size=128,128 \
    --screenshot="$PWD/icon.png" "$work/icon.html" 2> /dev/null
file icon.png
