#!/usr/bin/env bash
# Publishes the application of build/package-check trimmed (self-contained, TrimMode=partial), and runs it: it trains, saves, and loads in a
# second process, which must print the same. Trimming turns JSON by reflection off, so that none can be left in the library.
# usage: build/trim-check.sh [FOLDER]   FOLDER receives the application (600 MB, libtorch included); by default a temporary one.
set -euo pipefail
given=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
app=${given:-$work/app}
trap 'rm -rf "$work"' EXIT

dotnet publish build/trim-check/Trimmed.csproj -c Release -o "$app" --nologo -v quiet
cd "$work"
trained=$("$app/trimmed" train)
loaded=$("$app/trimmed" load)
echo "trained: $trained"
echo "loaded:  $loaded"
[ "$trained" = "$loaded" ] || { echo "The loaded model scores otherwise than the trained one."; exit 1; }
managed=$(find "$app" -name '*.dll' -printf '%s\n' | awk '{ sum += $1 } END { printf "%.1f", sum / 1e6 }')
echo "trim check passed: $managed MB of assemblies, $(du -sm "$app" | cut -f 1) MB with libtorch"
