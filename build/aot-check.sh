#!/usr/bin/env bash
# Compiles a program of some lines ahead of time (Native AOT) that opens model files with Microsoft.ML.ResNet.Scoring alone: prints what it
# weighs, checks that it tells of pictures what "resnet predict" tells, to the last bit, and prints the time from the start of its process to
# its first prediction, the median of nine, for ResNet-20 and ResNet-50. One line for each check, "ok ..." or "FAILED ..."; ends with 1 if
# a check failed, and with 0 and a message where clang is missing (Debian: clang zlib1g-dev), which it installs where it may: as root, with CI=true.
# Build first: dotnet build src/Samples -c Release. Times are printed, not judged: they are the machine's.
# usage: build/aot-check.sh [FOLDER]   FOLDER receives the program; a new one; by default artifacts/aot-check.
set -u
given=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")/.."
root=$PWD app=${given:-$PWD/artifacts/aot-check}
if [ -n "$given" ] && [ -n "$(ls -A "$given" 2> /dev/null)" ]; then echo "$given is not empty; expected a new folder."; exit 1; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. build/checks.sh
most=15000000 # bytes, an image decoder included

is_ready() { command -v clang > /dev/null && { echo 'int main(void) { return 0; }' | clang -x c - -lz -o "$work/linked"; } 2> /dev/null; }
is_ready || install clang zlib1g-dev
if ! is_ready; then
  echo "No clang that links zlib (Debian: clang zlib1g-dev): compiling ahead of time is not checked."
  exit 0
fi

milliseconds() { # milliseconds MODEL PICTURE: from before the process starts to its first prediction, the median of nine
  local start end
  for _ in $(seq 9); do
    start=$(date +%s%N)
    end=$(CLASSIFY_TIMES=1 "$app/classify" "$1" "$2" 2>&1 > /dev/null | sed -n 's/^first prediction\t//p')
    awk -v start="$start" -v end="$end" 'BEGIN { printf "%.1f\n", end - start / 1e6 }'
  done | sort -n | sed -n 5p
}

rm -rf "$root/artifacts/aot-check"
dotnet publish build/aot-check/Classify.csproj -c Release -r linux-x64 -o "$app" --nologo -v quiet > "$work/publish" 2>&1 \
  || { echo "FAILED publish"; tail -n 20 "$work/publish"; exit 1; }
program=$(stat -c %s "$app/classify") decoder=$(stat -c %s "$app/libSkiaSharp.so")
check "the program has $program bytes and its image decoder $decoder, together at most $most" test $((program + decoder)) -le $most

here import --weights test/Microsoft.ML.ResNet.Tests/Golden/cifar-20.pth --architecture cifar-20 --classes cifar10 \
  --output "$work/resnet-20.zip" > "$work/imported" || { echo "FAILED import of ResNet-20"; exit 1; }
pictures=()
for name in subsampled.jpg progressive.jpg grey.jpg interlaced.png palette.png lossy.webp still.gif colour.bmp; do
  pictures+=("$root/test/Microsoft.ML.ResNet.Fuzzing/Corpus/images/$name")
done
here predict "$work/resnet-20.zip" "${pictures[@]}" --format csv --top 10 | tail -n +2 > "$work/expected"
"$app/classify" "$work/resnet-20.zip" "${pictures[@]}" > "$work/found"
check "ResNet-20 tells of ${#pictures[@]} pictures what 'resnet predict' tells, to the last bit" cmp "$work/expected" "$work/found"
check "there are as many answers as pictures" test "$(wc -l < "$work/found")" -eq ${#pictures[@]}
head -c 5000 "$work/resnet-20.zip" > "$work/cut.zip"
"$app/classify" "$work/cut.zip" "${pictures[0]}" > "$work/found" 2> "$work/refused"
code=$?
check "a model that is cut short is refused: $(grep -o 'The model .*' "$work/refused" | head -n 1)" \
  test "$code:$(wc -l < "$work/refused"):$(grep -c "^$work/cut.zip: The model " "$work/refused")" = 1:1:1
echo "ResNet-20: first prediction $(milliseconds "$work/resnet-20.zip" "${pictures[0]}") ms after the start of the process"

if command -v python3 > /dev/null; then
  python3 build/aot-check/random-resnet50.py "$work/resnet-50.safetensors"
  seq 1000 | sed 's/^/class /' > "$work/classes.txt"
  here import --weights "$work/resnet-50.safetensors" --architecture resnet50 --classes "$work/classes.txt" --output "$work/resnet-50.zip" \
    > "$work/imported" || { echo "FAILED import of ResNet-50"; exit 1; }
  here predict "$work/resnet-50.zip" "${pictures[0]}" --format csv --top 1000 | tail -n +2 > "$work/expected"
  "$app/classify" "$work/resnet-50.zip" "${pictures[0]}" > "$work/found"
  check "ResNet-50 tells of a picture" test "$(wc -l < "$work/found")" -eq 1
  check "ResNet-50 tells what 'resnet predict' tells, to the last bit" cmp "$work/expected" "$work/found"
  echo "ResNet-50: first prediction $(milliseconds "$work/resnet-50.zip" "${pictures[0]}") ms after the start of the process"
  # SaveResNet stores weights as they are. ML.NET's own Save deflates them, as this does.
  python3 - "$work/resnet-50.zip" "$work/deflated.zip" << 'END'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as ours, zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as deflated:
    stored = [entry.filename.split("/")[-1] for entry in ours.infolist() if entry.compress_type == zipfile.ZIP_STORED]
    if stored != ["weights.safetensors"]:
        sys.exit(f"expected weights.safetensors alone to be stored, found {stored}")
    for entry in ours.namelist():
        deflated.writestr(entry, ours.read(entry))
END
  check "of the model, the weights alone are stored" test $? -eq 0
  "$app/classify" "$work/deflated.zip" "${pictures[0]}" > "$work/found"
  check "the same model, deflated, tells the same" cmp "$work/expected" "$work/found"
  echo "ResNet-50, deflated: first prediction $(milliseconds "$work/deflated.zip" "${pictures[0]}") ms after the start of the process"
else
  echo "No python3: ResNet-50 is not measured."
fi
exit $failed
