#!/usr/bin/env bash
# Publishes three applications trimmed (self-contained, TrimMode=partial), and runs them. That of build/package-check trains, saves, and loads
# in a second process, which must print the same. The service of `dotnet new resnet-api` must answer in JSON. `resnet`, without libtorch, must
# print the JSON that the build for this machine prints. Trimming turns JSON by reflection off, so that none can be left.
# Build first: dotnet build src/Samples -c Release. One line for each check, "ok ..." or "FAILED ..."; ends with 1 if a check failed.
# usage: build/trim-check.sh [FOLDER]   FOLDER receives the first application (600 MB, libtorch included); by default a temporary one.
set -u
given=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")/.."
root=$PWD work=$(mktemp -d)
app=${given:-$work/app}
finish() {
  [ -z "$service" ] || kill "$service" 2> /dev/null
  rm -rf "$work"
}
trap finish EXIT
. build/checks.sh
. build/service.sh

publish() { # publish PROJECT FOLDER [OPTION...]
  dotnet publish "$1" -c Release -o "$2" --nologo -v quiet "${@:3}" > "$work/out" 2>&1 \
    || { echo "FAILED publish $1"; tail -n 20 "$work/out"; exit 1; }
}
megabytes() { find "$1" -name '*.dll' -printf '%s\n' | awk '{ sum += $1 } END { printf "%.1f MB of assemblies", sum / 1e6 }'; }

publish build/trim-check/Trimmed.csproj "$app"
cd "$work"
"$app/trimmed" train > trained
code=$?
check "the application trains: $(cat trained)" test "$code:$(wc -l < trained)" = 0:1
"$app/trimmed" load > loaded
code=$?
check "in a second process the model loads" test "$code" = 0
check "and scores the same" cmp trained loaded
"$app/trimmed" draw pictures
echo "the application: $(megabytes "$app"), $(du -sm "$app" | cut -f 1) MB with libtorch"
cd "$root"

publish build/trim-check/TrimmedApi.csproj "$work/api"
start_service "$work/api.log" "$work/api/trimmed-api" --urls http://127.0.0.1:0 --Model "$work/model.zip"
ask() { curl --silent --show-error --max-time 30 "$@" "$address$path"; }
path=/classes
answer=$(ask)
check "the service lists classes: $answer" test "$answer" = '["red","green","blue"]'
path='/predict?top=1'
answer=$(ask --data-binary "@$work/pictures/dark/5.png")
check "the service answers: $answer" grep -qE '^\[\{"index":[0-2],"name":"(red|green|blue)","probability":[01](\.[0-9]+)?\}\]$' <<< "$answer"
problem=$(ask --data-binary 'no picture')
check "the service says what is wrong: $problem" grep -qE '^\{"type":.*,"status":422,"detail":"expected an image .*"\}$' <<< "$problem"
stop_service
echo "the service: $(megabytes "$work/api")"

publish src/Samples "$work/tool" -p:Trimmed=true -p:TorchBackend=none
same() { # same VERB...: ends with the JSON of the build for this machine, but for times
  local build
  for build in here tool; do
    "$build" "$@" > "$work/out" 2> "$work/err"
    tail -n 1 "$work/out" | sed -E 's/"(seconds|imagesPerSecond)":[0-9.]+/"\1":0/g' > "$work/$build.json"
  done
  check "resnet $1: $(cut -c 1-100 "$work/tool.json")" cmp "$work/here.json" "$work/tool.json"
  check "resnet $1 ends with JSON" grep -q '^{.*"seconds":0' "$work/tool.json"
}
tool() { "$work/tool/resnet" "$@"; }
mkdir "$work/known"
cp -r "$work/pictures/dark" "$work/known/red" && cp -r "$work/pictures/light" "$work/known/blue"
same summary --architecture cifar-20 --json
same import --weights test/Microsoft.ML.ResNet.Tests/Golden/cifar-20.pth --architecture cifar-20 --classes cifar10 --output "$work/imported.zip" --json
same evaluate --model "$work/model.zip" --data "$work/known" --output "$work/figures.json" --json
same predict "$work/imported.zip" "$work/pictures" "$work/model.zip" --json
for build in here tool; do
  for shard in 0 1; do "$build" predict "$work/imported.zip" "$work/pictures" "$work/model.zip" --shard $shard/2 --format json --output "$work/$build.predictions"; done
  "$build" merge "$work/$build.predictions"
done > "$work/out" 2>&1
check "resnet predict and merge write the same JSON" cmp "$work/here.predictions" "$work/tool.predictions"
same check --data "$work/pictures" --quick --output "$work/check.html" --json
same report --model "$work/model.zip" --data "$work/known" --output "$work/report.html" --json
echo "resnet: $(megabytes "$work/tool")"
exit $failed
