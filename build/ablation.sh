#!/usr/bin/env bash
# What each technique of TrainingRecipe.Fast is worth, and what others would add: every variant with every seed, on part of the training images.
# Runs that the file of results holds are skipped, so that it can be killed and started again.
# usage: build/ablation.sh DATA RESULTS.tsv [--train-rows 4000] [--epochs 5] [--seeds 1 2 3] [--threads N] [--table-only]
# For other recipes or all images, call the program itself, such as: bench recipes --data DATA --output RESULTS.tsv --epochs 5 --variants fast tutorial
#   DATA is a folder or zip of images with the parts train and test; the table is printed in the end, or alone with --table-only.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=$1 results=$2
shift 2
[ "$#" -gt 0 ] || set -- --train-rows 4000 --epochs 5
bench=${BENCH:-$root/artifacts/bin/Microsoft.ML.ResNet.Benchmarks/release/bench.dll}
[ -n "${BENCH:-}" ] || dotnet build "$root/test/Microsoft.ML.ResNet.Benchmarks" -c Release --nologo -v quiet

exec dotnet "$bench" recipes --data "$data" --output "$results" "$@" --variants \
    fast tutorial \
    fast+schedule=multi-step fast+nesterov=off fast+smoothing=0 fast+decay-all=on fast+flip-at-test=off fast+flip=off \
    fast+crop=4 fast+cutout=8 fast+average=0.99 fast+mixup=0.2 fast+batch=128+rate=0.4
