#!/usr/bin/env bash
# Measures the library beside its peers and writes docs/benchmarks/DATE-WHAT.md; docs/benchmarks/README.md tells what each row means.
# usage: build/bench.sh [--quick] [--busy] [--avx2] [--rounds N] [--networks NAME ...] [--sections NAME ...] [--images ZIP] [--name WHAT]
# About 20 minutes on two cores, 3 with --quick; photos (--networks imagenet-18 imagenet-50) only where they are named. Leave the machine alone meanwhile.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
dotnet build "$root/test/Microsoft.ML.ResNet.Benchmarks" -c Release --nologo -v quiet
exec /usr/bin/python3 "$root/build/bench/yardstick.py" "$@"
