#!/usr/bin/env bash
# Load on 'resnet serve' by ApacheBench (Debian: apache2-utils), beside a service on ONNX Runtime with the same network, exported: at 1, 2, 16 and 64 connections,
# each service in turn for so many seconds. Prints a table of requests a second, latency, processor time for a request and resident memory, and what ours
# reaches of the other's requests a second; fails if a request to ours failed, or if its memory grew by more than 32 MiB over the second half.
# Latency tells of a quiet machine only; processor time tells on a busy one, too.
# Build first: dotnet build src/Samples -c Release && dotnet build test/Microsoft.ML.ResNet.Benchmarks -c Release.
# usage: build/serve-load.sh MODEL PICTURE [SECONDS [CONNECTIONS...]]       60 seconds each, 1 2 16 64
set -euo pipefail
model=$(realpath "$1") picture=$(realpath "$2") seconds=${3:-60} allowed=32
connections=("${@:4}")
[ ${#connections[@]} -gt 0 ] || connections=(1 2 16 64)
cd "$(dirname "$0")/.."
command -v ab > /dev/null || { echo "ApacheBench is needed: apt-get install apache2-utils"; exit 1; }
resnet="dotnet artifacts/bin/Samples/release/resnet.dll" bench="dotnet artifacts/bin/Microsoft.ML.ResNet.Benchmarks/release/bench.dll"
work=$(mktemp -d)
declare -A process address
finish() {
    kill "${process[@]}" 2> /dev/null || true
    wait 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT
$resnet export --model "$model" --onnx "$work/model.onnx" > /dev/null

start() { # start NAME COMMAND...: starts a service that says where it serves
    local name=$1
    shift
    "$@" > "$work/$name" 2> "$work/errors" &
    process[$name]=$!
    for _ in $(seq 300); do
        address[$name]=$(sed -nE 's/^Serves: (http:[^ ]*[^ /]).*/\1/p' "$work/$name")
        [ -n "${address[$name]}" ] && break
        kill -0 "${process[$name]}" 2> /dev/null || { cat "$work/errors"; exit 1; }
        sleep 0.2
    done
    ab -q -c 4 -n 200 -p "$picture" -T application/octet-stream "${address[$name]}/predict" > /dev/null # warm
}
memory() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/${process[$1]}/status"; }
cpu() { awk -v ticks="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / ticks) }' "/proc/${process[$1]}/stat"; } # milliseconds
sample() { while sleep 1; do memory "$1"; done > "$work/memory"; }
cell() { sed -nE "s/^ *$1[: ]+([0-9.]+).*/\1/p" "$work/ab" | head -n 1; }
load() { # load NAME CONNECTIONS: prints a row of the table
    sample "$1" &
    local sampler=$! before others used
    before=$(cpu "$1")
    ab -q -l -k -c "$2" -t "$seconds" -n 10000000 -s 60 -p "$picture" -T application/octet-stream "${address[$1]}/predict" > "$work/ab" 2> "$work/ab.errors"
    kill $sampler
    wait $sampler 2> /dev/null || true
    used=$(($(cpu "$1") - before)) others=$(cell 'Non-2xx responses')
    echo "| $2 | $1 | $(cell 'Complete requests') | $(($(cell 'Failed requests') + ${others:-0})) | $(cell 'Requests per second') | $(cell '50%') | $(cell '95%') | $(cell '99%') | $(cell '100%') | $(awk -v used=$used -v all="$(cell 'Complete requests')" 'BEGIN { printf "%.2f", used / all }') | $(awk '{ line[NR] = $1 } END { print line[1], line[int((NR + 1) / 2)], line[NR] }' "$work/memory") |"
}

start ours $resnet serve "$model" --port 0
start onnxruntime $bench serve-onnx "$work/model.onnx"
echo "| connections | service | requests | failed | a second | median, ms | 95 %, ms | 99 %, ms | most, ms | processor, ms | resident MiB: first, middle, last |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
for count in "${connections[@]}"; do
    load ours "$count" | tee -a "$work/rows"
    load onnxruntime "$count" | tee -a "$work/rows"
done
awk -F ' *\\| *' -v allowed=$allowed '
    $3 == "onnxruntime" { printf "%s connections: %.2f of the requests a second of ONNX Runtime\n", $2, ours / $6 }
    $3 == "ours" { ours = $6; split($12, memory, " "); if ($5 > 0) bad = "a request failed"; if (memory[3] - memory[2] > allowed) bad = "memory grew" }
    END { if (bad) { print bad; exit 1 } }' "$work/rows"
