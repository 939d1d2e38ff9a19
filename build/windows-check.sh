#!/usr/bin/env bash
# Runs the samples as Windows would, under Wine: publishes them for win-x64, self-contained, and tries what is another matter there: the C library's and libtorch's
# numbers, files that are open elsewhere, long paths, names that differ by case, a process that is killed. One line for each check, "ok ..." or "FAILED ...",
# then one line of JSON; ends with 1 if a check failed, and with 0 and a message where Wine is not there. Installs Wine where it may: as root, with CI=true, on
# Debian. Build first: dotnet build src/Samples -c Release. Takes some minutes and 1 GiB of disk; what was published is kept for the next run.
# Wine lacks a NUMA call that libtorch's OpenMP makes, and memory that is written and executed in two places: KMP_AFFINITY, DOTNET_EnableWriteXorExecute.
set -u
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
wine=/usr/lib/wine/wine64
export WINEPREFIX=$work/prefix WINEDEBUG=-all KMP_AFFINITY=disabled DOTNET_EnableWriteXorExecute=0
finish() {
  [ -x "${wine%64}server" ] && "${wine%64}server" -k 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
. build/checks.sh

[ -x "$wine" ] || install wine64
[ -x "$wine" ] || { echo "No $wine (Debian: wine64): Windows is not checked."; exit 0; }

run() { # run VERB...: under Wine; keeps output, error, exit code and milliseconds
  local start
  start=$(date +%s%3N)
  timeout 600 "$wine" "$app/resnet.exe" "$@" >"$work/out" 2>"$work/err"
  code=$? took=$(($(date +%s%3N) - start))
}
above() { awk -v found="$1" -v least="$2" 'BEGIN { exit !(found != "" && found + 0 > least) }'; }

app=$root/artifacts/windows/app
dotnet publish src/Samples -c Release -r win-x64 --self-contained -p:RunAnalyzers=false -p:ArtifactsPath="$root/artifacts/windows/" -o "$app" \
  --nologo -v quiet || { echo "FAILED publish for win-x64"; exit 1; }
find "$app" | sort >"$work/before"
cd "$work"
timeout 300 "$wine" wineboot -i >/dev/null 2>&1

run --json
main=$(value microAccuracy) seconds=$(value seconds)
check "main job is right on $main of the test images, in $seconds s" above "$main" 0.9

published=$root/../shared/data
right=null
if [ -e "$published/resnet20-12fca82f.th" ]; then
  cp "$published/resnet20-12fca82f.th" "$published/cifar10-lossless-1017.bin" .
  run import --weights resnet20-12fca82f.th --architecture cifar-20-optionA --classes cifar10 --output published.zip
  here evaluate --model published.zip --data cifar10-lossless-1017.bin --json >here
  run evaluate --model published.zip --data cifar10-lossless-1017.bin --json
  right=$(awk -v accuracy="$(value microAccuracy)" 'BEGIN { printf "%d", accuracy * 1017 + 0.5 }')
  check "the published ResNet-20 is right on $right of 1017, as PyTorch says" test "$code:$right" = 0:932
  check "with the log loss of Linux, $(value logLoss here)" test -n "$(value logLoss)" -a "$(value logLoss | cut -c 1-8)" = "$(value logLoss here | cut -c 1-8)"
  head -c $((400 * 3073)) cifar10-lossless-1017.bin >small.bin
else
  echo "No ../shared/data: the published ResNet-20 is not evaluated, and drawn images are trained on."
  here --json >here
  cp -r "$(value data here)" drawn
fi
[ -e small.bin ] && data=small.bin || data=drawn#train

training="train --data $data --architecture cifar-8 --batch-size 64 --device cpu"
train="$training --epochs 3"
same() { [ "${#1}" -eq 64 ] && [ "$1" = "$2" ]; } # two hashes
hash_of() { rm -f "$1.safetensors"; run export --model "$1" --safetensors "$1.safetensors"; [ -s "$1.safetensors" ] && sha256sum <"$1.safetensors" | cut -d ' ' -f 1; }
run $train --output whole.zip --json
check "a training ends with a model, in $((took / 1000)) s" test "$code" = 0 -a -s whole.zip
"$wine" "$app/resnet.exe" $train --output killed.zip --checkpoints state --checkpoint-interval 0.001 --resume >log 2>&1 &
pid=$!
until [ "$(find state -name 'checkpoint-*.safetensors' 2>/dev/null | wc -l)" -gt 0 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
check "a training is killed after $(ls state 2>/dev/null | tail -n 1)" kill -9 $pid
wait $pid 2>/dev/null
run $train --output killed.zip --checkpoints state --checkpoint-interval 0.001 --resume --json
check "it goes on from its checkpoint" test "$code" = 0
check "to the same weights" same "$(hash_of killed.zip)" "$(hash_of whole.zip)"

run $train --output spilled.zip --image-memory 0 --spill . --json
check "with the images in a temporary file the weights are the same" same "$(hash_of spilled.zip)" "$(hash_of whole.zip)"
check "which is gone afterwards" test -z "$(find . -maxdepth 1 -name '*.pixels')"

# Another program opens the model while it is trained anew: cmd's redirection lets nobody rename the file.
cp whole.zip held.zip
before=$(sha256sum <held.zip)
"$wine" "$app/resnet.exe" $training --epochs 4 --output held.zip >log 2>err &
pid=$!
until grep -q '^ *1 ' log || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
"$wine" cmd /c "ping -n 90 127.0.0.1 >> held.zip" >/dev/null 2>&1 &
wait $pid
code=$? # of the training; the other goes on until Wine ends
beside=$(find . -maxdepth 1 -name 'held.zip.*.unfinished')
check "a model whose file is open elsewhere is not lost: $(tail -n 1 err)" test "$code" != 0 -a -s "$beside"
"${wine%64}server" -k
wait 2>/dev/null
check "the file of before is whole" test "$(head -c "$(stat -c %s whole.zip)" held.zip | sha256sum)" = "$before"
check "and the new one is a model" sh -c "mv '$beside' new.zip && '$wine' '$app/resnet.exe' export --model new.zip --safetensors new.safetensors"

deep=$(printf 'a folder with spaces %.0s' $(seq 5))
deep=${deep% } deep=$deep/$deep/$deep
mkdir -p "$deep" && cp "$root/test/Microsoft.ML.ResNet.Fuzzing/Corpus/images/subsampled.jpg" "$deep/Photo.JPG"
run $training --epochs 1 --output "$deep/Model.zip" --checkpoints "$deep/state" --json
check "a path of $((${#deep} + ${#work} + 12)) characters, with spaces, takes model and checkpoints" test "$code" = 0 -a -s "$deep/Model.zip" -a -d "$deep/state"
run predict "$deep/MODEL.ZIP" "$deep/photo.jpg" --json
check "names of another case are the same files" test "$code" = 0 -a -n "$(value class)"

check "nothing was copied beside the application" cmp "$work/before" <(find "$app" | sort)
echo "{\"system\":\"win-x64, $("$wine" --version)\",\"microAccuracy\":${main:-null},\"seconds\":${seconds:-null},\"right\":$right,\"failed\":$failed}"
exit "$failed"
