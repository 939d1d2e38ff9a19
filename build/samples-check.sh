#!/usr/bin/env bash
# Runs every verb of src/Samples as a stranger would, and prints one line for each check: "ok ..." or "FAILED ...".
# Build first: dotnet build src/Samples -c Release. Takes about a minute on two quiet cores; ends with 1 if a check failed.
set -u
cd "$(dirname "$0")/.."
resnet="dotnet $PWD/artifacts/bin/Samples/release/resnet.dll"
root=$PWD work=$(mktemp -d)
. build/checks.sh

run() { # run VERB...: keeps output, error and exit code
  $resnet "$@" >"$work/out" 2>"$work/err"
  code=$?
}
above() { awk -v found="$(value "$1")" -v least="$2" 'BEGIN { exit !(found != "" && found + 0 > least) }'; }
fails_with() { # fails_with EXIT-CODE PATTERN: as it should, with one clear line and no stack trace
  test "$code" -eq "$1" && grep -q -- "$2" "$work/err" && test "$(grep -c . "$work/err")" -eq 1
}

run --json
model=$(value model) data=$(value data)
check "main job ends with 0 in $(value seconds) s" test "$code" -eq 0
check "main job is right on more than 0.9 of the test images: $(value microAccuracy)" above microAccuracy 0.9
check "main job leaves a model file" test -s "$model"
check "redirected output has no escape sequences" test "$(grep -c $'\e' "$work/out")" -eq 0
accuracy=$(value microAccuracy)

run evaluate --model "$model" --data "$data#test" --json
check "evaluate finds what the main job found, in another process" test "$code:$(value microAccuracy)" = "0:$accuracy"

base64 -d >"$work/dot.png" <<<iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
run predict --model "$model" "$work/dot.png" --json
check "predict knows a class for a PNG of 1 x 1 pixel: $(value class)" test "$code" -eq 0 -a -n "$(value class)"
head -c 40 "$work/dot.png" >"$work/cut.png"
run predict --model "$model" "$work/cut.png" "$work/dot.png" "$work/missing.png" --json
check "predict goes on after files that cannot be read" test "$code:$(grep -c . "$work/err")" = 0:2 -a -n "$(value class)"

for class in a b; do
  mkdir -p "$work/photos/$class"
  for i in 1 2 3; do cp "$work/dot.png" "$work/photos/$class/$i.png"; done
done
cp "$work/cut.png" "$work/photos/b/4.png"
cd "$work" # where runs/ is made
run train photos --image 3x8x8 --epochs 2 --json
photos=$(value run)
check "train takes a folder of pictures, holds some out and leaves one out" test "$code:$(value unreadable)" = 0:1 -a -n "$(value microAccuracy)"
check "train leaves a model, its options and its history in a folder" test -s "$photos/model.zip" -a -s "$photos/options.json" -a "$(wc -l <"$photos/history.csv")" -eq 3
run train --config "$photos/options.json" --epochs 1 --augment crop=1 --run again --json
check "train reads options back, and the command line wins" test "$code:$(value run):$(wc -l <runs/again/history.csv)" = "0:$work/runs/again:2"
run predict "$photos/model.zip" photos 'photos/a/?.png' --format csv --top 1
check "predict takes folders and patterns and writes CSV" test "$code:$(wc -l <"$work/out"):$(grep -c . "$work/err")" = 0:10:1
run predict "$photos/model.zip" photos --output scores.csv
for shard in 0 1 2; do run predict "$photos/model.zip" photos --output parts.csv --shard $shard/3; done
run merge parts.csv
check "merge makes of three parts the bytes of one process" test "$code:$(cmp scores.csv parts.csv && echo same)" = 0:same
rm parts.csv.shard-1-of-3
run merge parts.csv; check "merge names the parts that are missing" fails_with 1 "1 of 3 shards are missing: 1"
run train photos/a --output none.zip; check "a folder without classes is an error" fails_with 1 "no folders"
run train photos --augment spin; check "an unknown augmentation is wrong usage" fails_with 2 "crop=PIXELS"
cd - >/dev/null

run summary --architecture cifar-20 --json
check "summary counts 272,474 parameters in cifar-20" test "$code:$(value parameters)" = 0:272474

run summary --architecture ResNet-20 --json
check "summary understands ResNet-20" test "$code:$(value architecture)" = 0:cifar-20
run summary --architecture d2l-resnet18-1channel --json
check "summary counts 11,178,378 parameters in d2l-resnet18-1channel" test "$code:$(value parameters)" = 0:11178378

golden=test/Microsoft.ML.ResNet.Tests/Golden
run import --weights $golden/cifar-20.pth --architecture cifar-20 --classes cifar10 --output "$work/imported.zip" --json
check "import makes a model of a PyTorch file: $(value tensors) tensors" test "$code:$(value parameters)" = 0:272474
run evaluate --model "$work/imported.zip" --data "$data#test"; check "evaluate takes an imported model, whose classes are others" fails_with 1 "classes that the model knows"
run export --model "$work/imported.zip" --safetensors "$work/out.safetensors" --pytorch "$work/out.pth"
check "export writes both kinds of file" test "$code" -eq 0 -a -s "$work/out.safetensors" -a -s "$work/out.pth"
run import --weights "$work/out.safetensors" --architecture cifar-20 --classes cifar10 --output "$work/again.zip"
check "import takes what export wrote" test "$code" -eq 0
run import --weights $golden/cifar-20.pth --architecture cifar-32 --classes cifar10 --output "$work/none.zip"; check "weights that do not fit are an error" fails_with 1 "do not fit cifar-32"
run export --model "$work/imported.zip"; check "an export of nothing is wrong usage" fails_with 2 "Nothing to write"

run train --data "$data" --validation "$data#test" --train-rows 300 --epochs 1 --architecture cifar-8 --output "$work/new/model.zip" --json
check "train leaves a model file and measures it: $(value microAccuracy)" test "$code" -eq 0 -a -s "$work/new/model.zip" -a -n "$(value microAccuracy)"

check "train, killed with kill -9 and resumed, ends with the weights of one never stopped" build/resume-proof.sh 1 "$data" cifar-8 1
run train --data "$data" --train-rows 300 --epochs 2 --architecture cifar-8 --validation-fraction 0.1 --checkpoints "$work/checkpoints" --output "$work/model.zip" --json
check "train holds out a part and keeps checkpoints" test "$code" -eq 0 -a -s "$work/checkpoints/checkpoint-000000000006.safetensors"
run train --data "$data" --train-rows 300 --epochs 2 --architecture cifar-8 --checkpoints "$work/checkpoints" --output "$work/model.zip"; check "checkpoints that nobody asked to resume are an error" fails_with 1 "Pass --resume"
run train --data "$data" --train-rows 300 --epochs 2 --architecture cifar-8 --output "$work/watched.zip" --history "$work/history.csv" --tensorboard "$work/board"
check "train writes a CSV line for each epoch and a file for TensorBoard" test "$code:$(wc -l <"$work/history.csv"):$(ls "$work/board" | wc -l)" = 0:3:1
if command -v script >/dev/null; then # a terminal of 40 columns
  script -qc "stty cols 40; TERM=xterm $resnet train --data '$data' --train-rows 300 --epochs 1 --architecture cifar-8 --output '$work/narrow.zip'" "$work/tty" >/dev/null
  check "at 40 columns the progress line keeps its numbers" grep -qaE '1/1 [0-9]+/3 [0-9]+/s -[0-9]{2}:[0-9]{2}:[0-9]{2}' "$work/tty"
fi
run find-learning-rate --data "$data" --train-rows 300 --architecture cifar-8 --steps 30 --output "$work/rates" --json
check "find-learning-rate suggests a rate: $(value learningRate)" test "$code" -eq 0 -a -n "$(value learningRate)" -a -s "$work/rates/learning-rate.html"
check "find-learning-rate leaves a picture and a CSV file" test -s "$work/rates/learning-rate.png" -a "$(wc -l <"$work/rates/learning-rate.csv")" -gt 10
run find-learning-rate --data "$data" --least 1 --most 0.1; check "rates that do not rise are an error" fails_with 1 "--least is 1"
study() { run study --data "$data" --train-rows 200 --depths 8 --epochs 1,2 --batch-sizes 64 --seeds 1 --output "$work/study" --json "$@"; }
study
check "study trains a grid" test "$code:$(value trained):$(wc -l <"$work/study/study.csv")" = 0:2:3 -a -s "$work/study/study.html" -a -s "$work/study/accuracy-epochs.png"
study
check "study skips what is finished" test "$code:$(value trained):$(value skipped)" = 0:0:2
study --recipe fast; check "a study of other trainings needs another folder" fails_with 1 "another folder"

train_more() { run train --data "$data" --train-rows 300 --epochs 1 --output "$work/more.zip" --json "$@"; }
train_more --from "$model" --freeze 1
check "train goes on from a model: $(value initialTensors) tensors, $(value frozenTensors) of them frozen" test "$code:$(value initialTensors):$(value frozenTensors)" = 0:56:18
train_more --from $golden/cifar-20.pth
check "train starts from a PyTorch file with a new head: $(value initialTensors) tensors" test "$code:$(value initialTensors)" = 0:126
train_more --from $golden/cifar-20.pth --architecture cifar-32; check "weights of another network are no start" fails_with 1 "do not fit cifar-32.*those of cifar-20"
train_more --freeze 1; check "to freeze weights that were never trained is an error" fails_with 1 "--from is unset"
train_more --recipe cake; check "an unknown recipe is wrong usage" fails_with 2 "fast or finetune or tutorial"

run evaluate --model "$work/missing.zip" --data "$data"; check "a missing model is an error" fails_with 1 missing.zip
run evaluate --model "$data/test_batch.bin" --data "$data"; check "a file that is no model is an error" fails_with 1 "expected an ML.NET model"
run train --data "$work/missing" --epochs 1; check "missing images are an error" fails_with 1 "does not exist"
run predict --model "$model" "$model"; check "a file that is no image is an error" fails_with 1 "expected an image"
run train --data "$data" --epochs 0 --output "$work/none.zip"; check "a wrong option value is wrong usage" fails_with 2 "epochs is '0'"
check "a failed training leaves no model file" test ! -e "$work/none.zip"
run summary --architecture cifar-21; check "an unknown architecture is wrong usage" fails_with 2 "20 and 26"
run trian; check "an unknown verb is wrong usage" test "$code" -eq 2

rm -rf "$work" "$data"
exit "$failed"
