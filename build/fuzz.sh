#!/usr/bin/env bash
# Fuzzes every reader of files: build/fuzz.sh [INPUTS [FOLDER [READERS]]], by default 10,000,000 inputs into artifacts/fuzzing.
# Goes on where the last run in the folder stopped. A reader that kills the process or does not come back is a finding like any other: the
# next process records what the last one died of and goes on. Findings are replayed by "fuzz replay FILE", as the text beside each says.
set -uo pipefail
cd "$(dirname "$0")/.."
inputs=${1:-10000000} folder=${2:-artifacts/fuzzing} readers=${3:-all}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export DOTNET_GCHeapHardLimit=0x60000000 DOTNET_gcServer=0 DOTNET_gcConcurrent=0 # 1.5 GiB, and no threads of the collector's own
export DOTNET_DbgEnableMiniDump=0
[ -d /dev/shm ] && export TMPDIR=/dev/shm # some readers want files
dotnet build test/Microsoft.ML.ResNet.Fuzzing -c Release -v q || exit 1
program=${FUZZ_PROGRAM:-artifacts/bin/Microsoft.ML.ResNet.Fuzzing/release/fuzz}

for deaths in $(seq 0 1000); do
    nice -n 19 "$program" run --reader "$readers" --inputs "$inputs" --folder "$folder" --seed 1
    status=$?
    [ $status -le 1 ] && exit $status # 1: there are findings
    echo "The process ended with status $status; the next one records what it was doing."
done
