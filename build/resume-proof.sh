#!/usr/bin/env bash
# Proves that a training survives kill -9. It trains once without a stop and without checkpoints, then again with a checkpoint after every
# step, killed at random moments, every other time in the middle of a write, and resumed each time; the weights must be the same to the last bit.
#   build/resume-proof.sh [KILLS [DATA [ARCHITECTURE [EPOCHS]]]]      10 kills, the real images in ../shared or drawn figures, cifar-8, 12
# Build first: dotnet build src/Samples -c Release. Takes about a minute on two quiet cores.
set -euo pipefail
cd "$(dirname "$0")/.."
resnet="dotnet $PWD/artifacts/bin/Samples/release/resnet.dll"
work=$(mktemp -d)
mkdir "$work/checkpoints"
trap 'rm -rf "$work"' EXIT

kills=${1:-10} data=${2:-../shared/data/cifar10-lossless-1017.bin} architecture=${3:-cifar-8} epochs=${4:-12}
if [ ! -e "$data" ]; then
  echo "No real images at $data: the main job draws some."
  data=$($resnet --json | tail -n 1 | sed -nE 's/.*"data":"([^"]*).*/\1/p')
fi
train="$resnet train --data $data --architecture $architecture --epochs $epochs --batch-size 64 --device cpu --seed 1"

newest() { find "$work/checkpoints" -name 'checkpoint-*.safetensors' 2> /dev/null | sort | tail -n 1; }
sha() { # sha NAME: the hash of a trained model's weights
  $resnet export --model "$work/$1.zip" --safetensors "$work/$1.safetensors" > /dev/null
  sha256sum < "$work/$1.safetensors" | cut -d ' ' -f 1
}

$train --output "$work/whole.zip" > "$work/log"
torn=0
for kill in $(seq "$kills"); do
  before=$(newest)
  $train --output "$work/killed.zip" --checkpoints "$work/checkpoints" --checkpoint-interval 0.001 --resume > "$work/log" 2>&1 &
  pid=$!
  while [ "$(newest)" = "$before" ] && kill -0 $pid 2> /dev/null; do sleep 0.02; done
  if [ $((kill % 2)) = 1 ]; then
    until compgen -G "$work/checkpoints/*.unfinished" > /dev/null || ! kill -0 $pid 2> /dev/null; do :; done # a write takes but milliseconds
  else
    sleep "$((RANDOM % 2)).$(printf '%03d' $((RANDOM % 1000)))"
  fi
  if ! kill -9 $pid 2> /dev/null; then cat "$work/log"; echo "FAILED: the training ended before kill $kill."; exit 1; fi
  wait $pid 2> /dev/null || true
  unfinished=$(find "$work/checkpoints" -name '*.unfinished' | wc -l)
  torn=$((torn + (unfinished > 0)))
  echo "kill $kill at $(basename "$(newest)")$([ "$unfinished" = 0 ] || echo ', while it wrote the next')"
done
$train --output "$work/killed.zip" --checkpoints "$work/checkpoints" --resume > "$work/log"
if grep 'Warning' "$work/log"; then echo "FAILED: the last resume had something to warn of."; exit 1; fi

whole=$(sha whole) killed=$(sha killed)
echo "$architecture, $epochs epochs of $data"
echo "never stopped:             $whole"
echo "killed $kills times, $torn in a write: $killed"
[ "$whole" = "$killed" ] || { echo "FAILED: the weights differ."; exit 1; }
