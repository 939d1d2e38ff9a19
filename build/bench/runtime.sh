#!/usr/bin/env bash
# What each part of the run-time set-up gains where libtorch computes (docs/adr/0005 to 0007), beside our own kernels and PyTorch: variants take turns, each in a process of its own.
# usage: build/bench/runtime.sh [rounds] [busy]; with "busy", one other process keeps a core busy all the time.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
dotnet build "$root/test/Microsoft.ML.ResNet.Benchmarks" -c Release --nologo -v quiet
bench="dotnet $root/artifacts/bin/Microsoft.ML.ResNet.Benchmarks/release/bench.dll"
libtorch="$bench train --no-fused-training"
rounds=${1:-3}
if [ "${2:-}" = busy ]; then
    (while :; do :; done) & neighbour=$!
    trap 'kill $neighbour' EXIT
fi

declare -A variants=(
    [0-own-kernels]="$bench train"
    [1-all-on]="$libtorch"
    [2-no-channels-last]="$libtorch --no-channels-last"
    [3-no-large-blocks]="$libtorch --no-large-blocks"
    [4-no-bound-spinning]="$libtorch --no-bound-spinning"
    [5-passive-waiting]="env OMP_WAIT_POLICY=PASSIVE $libtorch"
    [6-pytorch]="/usr/bin/python3 $root/build/bench/pytorch_train.py"
    [7-pytorch-channels-last]="/usr/bin/python3 $root/build/bench/pytorch_train.py --channels-last"
)
results=$(for _ in $(seq "$rounds"); do
    for name in $(printf '%s\n' "${!variants[@]}" | sort); do
        echo "$name $(${variants[$name]})"
    done
done | sort)
for name in $(printf '%s\n' "${!variants[@]}" | sort); do
    echo "$results" | awk -v name="$name" '$1 == name { print $2 }' | sort -n | awk -v name="$name" '{ v[NR] = $1 } END { printf "%-24s %8.1f images/s (%.1f to %.1f)\n", name, v[int((NR + 1) / 2)], v[1], v[NR] }'
done
