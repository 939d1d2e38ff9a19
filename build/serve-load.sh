#!/usr/bin/env bash
# Load on 'resnet serve' by ApacheBench (Debian: apache2-utils): one connection, then sixteen, each for so many seconds. Prints a table of requests a second,
# latency, the service's processor time for a request, and resident memory; fails if a request failed, or if memory grew by more than 32 MiB over the
# second half. Latency tells of a quiet machine only; processor time tells on a busy one, too.
# Build first: dotnet build src/Samples -c Release.
# usage: build/serve-load.sh MODEL PICTURE [seconds]
set -euo pipefail
model=$(realpath "$1") picture=$(realpath "$2") seconds=${3:-60} allowed=32
cd "$(dirname "$0")/.."
command -v ab > /dev/null || { echo "ApacheBench is needed: apt-get install apache2-utils"; exit 1; }
work=$(mktemp -d)
dotnet artifacts/bin/Samples/release/resnet.dll serve "$model" --port 0 > "$work/serve" 2> "$work/errors" &
service=$!
trap 'kill $service 2> /dev/null; wait $service 2> /dev/null; rm -rf "$work"' EXIT
for _ in $(seq 300); do
    address=$(sed -nE 's/^Serves: (http:[^ ]*).*/\1/p' "$work/serve")
    [ -n "$address" ] && break
    kill -0 $service 2> /dev/null || { cat "$work/errors"; exit 1; }
    sleep 0.2
done

memory() { awk '/^VmRSS/ { print int($2 / 1024) }' /proc/$service/status; }
cpu() { awk -v ticks="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / ticks) }' /proc/$service/stat; } # milliseconds
sample() { while sleep 1; do echo "$(memory)"; done > "$work/memory.$1"; }
cell() { sed -nE "s/^ *$1[: ]+([0-9.]+).*/\1/p" "$work/ab.$2" | head -n 1; }
load() { # load CONNECTIONS: prints a row of the table
    sample "$1" &
    local sampler=$! before
    before=$(cpu)
    ab -q -l -k -c "$1" -t "$seconds" -n 10000000 -s 60 -p "$picture" -T application/octet-stream "$address/predict" > "$work/ab.$1" 2> "$work/ab.errors"
    kill $sampler
    wait $sampler 2> /dev/null || true
    local others used=$(($(cpu) - before))
    others=$(cell 'Non-2xx responses' "$1")
    echo "| $1 | $(cell 'Complete requests' "$1") | $(($(cell 'Failed requests' "$1") + ${others:-0})) | $(cell 'Requests per second' "$1") | $(cell '50%' "$1") | $(cell '95%' "$1") | $(cell '99%' "$1") | $(cell '100%' "$1") | $((used / $(cell 'Complete requests' "$1"))) | $(awk '{ line[NR] = $1 } END { print line[1], line[int((NR + 1) / 2)], line[NR] }' "$work/memory.$1") |"
}

ab -q -c 4 -n 200 -p "$picture" -T application/octet-stream "$address/predict" > /dev/null # warm
echo "| connections | requests | failed | a second | median, ms | 95 %, ms | 99 %, ms | most, ms | processor, ms | resident MiB: first, middle, last |"
echo "|---|---|---|---|---|---|---|---|---|---|"
load 1 | tee "$work/rows"
load 16 | tee -a "$work/rows"
awk -F '|' -v allowed=$allowed '{ split($11, memory, " "); if ($4 > 0) bad = "a request failed"; if (memory[3] - memory[2] > allowed) bad = "memory grew" }
    END { if (bad) { print bad; exit 1 } }' "$work/rows"
