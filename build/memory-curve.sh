#!/usr/bin/env bash
# Resident memory of training on 1 GB of images (340,000 of 3x32x32), in memory and streamed, and of the same network on few images. Fails if streaming
# needs 500 MiB more than those. The curves go to artifacts/memory-curve/*.tsv. Trains for a minute each (the first epoch, or
# part of it).
# usage: build/memory-curve.sh [rows] [budget in MiB] [seconds of training]
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-340000} budget=${2:-64} seconds=${3:-60} allowed=500 curves=artifacts/memory-curve
dotnet build test/Microsoft.ML.ResNet.Benchmarks -c Release --nologo -v quiet -clp:NoSummary
mkdir -p "$curves"

curve() { # curve NAME ROWS BUDGET: runs one training in a process of its own
    dotnet artifacts/bin/Microsoft.ML.ResNet.Benchmarks/release/bench.dll stream --rows "$2" --budget "$3" --seconds "$seconds" > "$curves/$1.tsv"
}
peak() { tail -n 1 "$curves/$1.tsv" | cut -f 3; }
points() { # ten points of a curve, as seconds:MiB
    awk -F '\t' '{ line[NR] = $1 ":" $2 } END { for (i = 0; i < 10; i++) printf "%s ", line[1 + int(i * (NR - 1) / 9)] }' "$curves/$1.tsv"
}

curve few-images 20000 100000
curve in-memory "$rows" 100000
curve streamed "$rows" "$budget"
echo "| images | peak, MiB | seconds:MiB | |"
echo "|---|---|---|---|"
for name in few-images in-memory streamed; do
    echo "| $name | $(peak $name) | $(points $name)| $(tail -n 1 "$curves/$name.tsv" | cut -f 4) |"
done
beyond=$(($(peak streamed) - $(peak few-images)))
echo "streaming needs $beyond MiB more than few images; allowed are $allowed"
[ "$beyond" -le "$allowed" ]
