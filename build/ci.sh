#!/usr/bin/env bash
# All that CI does, the same on a laptop: build, format, tests, samples, package, Windows, ARM64, trimming, Native AOT. Ends with "N passed, N
# failed".
# It installs what tests can use and the machine lacks, where it may: python3-torch, without which tests of PyTorch's files are skipped, 
# chromium, without which tests that open pages in a browser are, openmpi-bin and mpich, without which tests of several processes are. So do the checks of Windows,
# by Wine, and of ARM64, by QEMU.
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
passed=0 failed=0

check() { # check NAME COMMAND...: runs the command and counts it as one test
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $name"; fi
    echo "== $name took $((SECONDS - start)) s"
}

run_tests() { # the README's test command; its own counts are added to ours
    local log status
    log=$(mktemp)
    dotnet test ResNetMlNet.sln -c Release 2>&1 | tee "$log"
    status=$?
    while read -r f p; do failed=$((failed + f)) passed=$((passed + p)); done \
        < <(sed -nE 's/.*Failed: *([0-9]+), Passed: *([0-9]+),.*/\1 \2/p' "$log")
    rm -f "$log"
    return $status
}

. build/install.sh
command -v dotnet > /dev/null || { echo "The .NET 10 SDK is needed: no dotnet on the path."; echo "0 passed, 1 failed"; exit 1; }
has_torch() { python3 -c 'import torch' 2> /dev/null || /usr/bin/python3 -c 'import torch' 2> /dev/null; }
has_chromium() { command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null; }
has_torch || install python3-torch; has_torch || echo "No python3 with torch: tests that exchange files with PyTorch are skipped."
has_chromium || install chromium; has_chromium || echo "No chromium: tests that open pages in a browser are skipped."
{ command -v mpirun.openmpi && command -v mpirun.mpich; } > /dev/null || { install openmpi-bin; install mpich; }
command -v mpirun.openmpi > /dev/null || echo "No Open MPI: tests of several processes under it are skipped."
command -v mpirun.mpich > /dev/null || echo "No MPICH: tests of several processes under it are skipped."
check "tests" run_tests
check "format" dotnet format ResNetMlNet.sln --verify-no-changes --no-restore
check "main job" dotnet run --project src/Samples -c Release -- --json
check "samples" build/samples-check.sh
check "package" build/package-check.sh
check "Windows" build/windows-check.sh
check "ARM64" build/arm64-check.sh 60
check "trimming" build/trim-check.sh
check "native AOT" build/aot-check.sh

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
