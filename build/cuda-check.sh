#!/usr/bin/env bash
# Checks and measures the library on a machine that has PyTorch with its CUDA libraries and nothing else: no .NET, no network. docs/cuda.md tells what the rows mean.
#   build/cuda-check.sh publish              here: builds artifacts/cuda-check.tar.xz, which travels with the repository
#   build/cuda-check.sh run [--device cpu] [--quick] [--torch-lib FOLDER] [--minutes N]       there: the device's rows
#   build/cuda-check.sh cpu [--quick] [--torch-lib FOLDER] [--minutes N]                      there: the CPU's rows, pairs of cores beside each other
# Tables go to standard output; with $OUT set, tables, figures (JSON) and all that the processes printed go there.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
archive="$root/artifacts/cuda-check.tar.xz"

publish() {
    local folder="$root/artifacts/cuda-check"
    rm -rf "$folder"
    MSBUILDDISABLENODEREUSE=1 dotnet publish "$root/test/Microsoft.ML.ResNet.Benchmarks" -c Release -r linux-x64 --self-contained \
        -p:TorchBackend=none -p:DebugType=none -o "$folder/bench" --nologo -v quiet
    rm -f "$folder"/bench/onnxruntime.dll "$folder"/bench/*.xml # Windows's half, and documentation
    git -C "$root" describe --always --dirty > "$folder/bench/commit"
    tar -C "$folder" -c bench | xz -T0 -6 > "$archive"
    ls -l "$archive"
}

case "${1:-}" in
    publish) publish ;;
    run | cpu)
        [ -e "$archive" ] || { echo "There is no $archive. Run build/cuda-check.sh publish on a machine with the .NET SDK, and bring the file." >&2; exit 1; }
        exec python3 -u "$root/build/bench/device.py" "$1" --archive "$archive" "${@:2}" ;;
    *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac
