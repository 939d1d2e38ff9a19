#!/usr/bin/env bash
# Scores on ARM64, emulated: publishes the samples for linux-arm64 without libtorch (there is none for it) and runs them under QEMU. The model
# is made here, on x64, of the same weights. One line for each check, "ok ..." or "FAILED ...", then one line of JSON; ends with 1 if a check
# failed, and with 0 and a message where QEMU is not there. Installs QEMU and ARM64's C library where it may: as root, with CI=true, on Debian.
# Build first: dotnet build src/Samples -c Release. The 1,017 images take minutes, as QEMU computes every vector one float at a time;
# "build/arm64-check.sh 60" evaluates the first 60 alone, which must give what they give here.
set -u
images=${1:-1017}
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
accuracy=null milliseconds=null
. build/checks.sh

is_ready() { command -v qemu-aarch64-static >/dev/null && test -e /lib/ld-linux-aarch64.so.1 && ls /usr/lib/aarch64-linux-gnu/libssl.so.3 >/dev/null 2>&1; }
if ! is_ready; then
  may_install && dpkg --add-architecture arm64
  install qemu-user-static libc6:arm64 libstdc++6:arm64 libssl3:arm64
fi
if ! is_ready; then
  echo "No qemu-aarch64-static with libc6:arm64, libstdc++6:arm64 and libssl3:arm64 (Debian: dpkg --add-architecture arm64): scoring on ARM64 is not checked."
  exit 0
fi

run() { # run VERB...: on ARM64; keeps output, error, exit code and milliseconds
  local start
  start=$(date +%s%3N)
  DOTNET_EnableWriteXorExecute=0 DOTNET_TieredPGO=0 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 qemu-aarch64-static "$app/resnet" "$@" >"$work/out" 2>"$work/err"
  code=$? took=$(($(date +%s%3N) - start))
}

# Folders of its own, which are kept, so that the next run is quick and what was restored for this machine stays.
app=$root/artifacts/arm64/app
dotnet publish src/Samples -c Release -r linux-arm64 --self-contained -p:TorchBackend=none -p:RunAnalyzers=false -p:ArtifactsPath="$root/artifacts/arm64/" -o "$app" \
  --nologo -v quiet || { echo "FAILED publish for linux-arm64"; exit 1; }
check "the application brings no libtorch" test -z "$(find "$app" -iname '*torch*.so')"
find "$app" | sort >"$work/before"

run summary --architecture cifar-20 --json
check "summary counts 272,474 parameters in cifar-20" test "$code:$(value parameters)" = 0:272474

here import --weights test/Microsoft.ML.ResNet.Tests/Golden/cifar-20.pth --architecture cifar-20 --classes cifar10 --output "$work/golden.zip" >/dev/null
pictures=test/Microsoft.ML.ResNet.Fuzzing/Corpus/images
for image in "$pictures/subsampled.jpg" "$pictures/interlaced.png"; do
  here predict "$work/golden.zip" "$image" --format csv --top 10 >"$work/expected"
  run predict "$work/golden.zip" "$image" --format csv --top 10
  check "predict says of ${image##*/} what it says on x64" cmp "$work/expected" "$work/out"
done

published=../shared/data
if [ -e "$published/resnet20-12fca82f.th" ]; then
  here import --weights "$published/resnet20-12fca82f.th" --architecture cifar-20-optionA --classes cifar10 --output "$work/published.zip" >/dev/null
  head -c $((images * 3073)) "$published/cifar10-lossless-1017.bin" >"$work/images.bin" # a label and 3x32x32 pixels each
  here evaluate --model "$work/published.zip" --data "$work/images.bin" --json >"$work/here"
  run evaluate --model "$work/published.zip" --data "$work/images.bin" --json
  accuracy=$(value microAccuracy) milliseconds=$took
  right=$(awk -v accuracy="$accuracy" -v images="$images" 'BEGIN { print accuracy * images }')
  check "evaluate finds the published ResNet-20 right on $right of $images images, as on x64, in $((took / 1000)) s" \
    test "$code:$accuracy:$(value logLoss | cut -c 1-8)" = "0:$(value microAccuracy "$work/here"):$(value logLoss "$work/here" | cut -c 1-8)"
  [ "$images" -ne 1017 ] || check "that are PyTorch's 932" test "$right" = 932
else
  echo "No ../shared/data: the published ResNet-20 is not evaluated."
fi

check "nothing was copied beside the application" cmp "$work/before" <(find "$app" | sort)
echo "{\"processor\":\"arm64\",\"images\":$images,\"microAccuracy\":$accuracy,\"milliseconds\":$milliseconds,\"failed\":$failed}"
exit "$failed"
