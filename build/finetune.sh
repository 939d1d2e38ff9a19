#!/usr/bin/env bash
# What it gains to start from another network's weights, on real images (docs/evidence.md, "Transfer"): cifar-20 on a few rows of CIFAR-10, from scratch
# and from akamaster's public weights, evaluated on the test images. Those weights were trained on CIFAR-10 itself, these rows included: this shows
# that nothing of them is lost on the way and what freezing costs, not what transfer to images of another kind would gain.
# usage: build/finetune.sh [DATA [ROWS [EPOCHS]]]; DATA holds cifar10-jpeg.zip and resnet20-12fca82f.th.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${1:-$root/../shared/data} rows=${2:-1000} epochs=${3:-10}
resnet="dotnet $root/artifacts/bin/Samples/release/resnet.dll"
weights=$data/resnet20-12fca82f.th
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -e "$root/artifacts/bin/Samples/release/resnet.dll" ] || dotnet build "$root/src/Samples" -c Release --nologo -v quiet

value() { sed -nE "\$s/.*\"$1\":\"?([^\",}]*).*/\1/p" "$2"; } # a value of the line that --json ends with
row() { # row NAME: evaluates the model and prints a line of the table
    $resnet evaluate --model "$work/model.zip" --data "$data/cifar10-jpeg.zip#test" --json >"$work/evaluated"
    printf '| %-58s | %s | %s |\n' "$1" "$(value microAccuracy "$work/evaluated")" "${2:-}"
}
train() { # train NAME OPTION...
    local name=$1
    shift
    $resnet train --data "$data/cifar10-jpeg.zip#train" --train-rows "$rows" --epochs "$epochs" --architecture cifar-20-optionA --seed 1 --output "$work/model.zip" --json "$@" >"$work/trained"
    row "$name" "$(value trainImagesPerSecond "$work/trained")"
}

echo "| $rows images, $epochs epochs | test accuracy | images/s |"
echo "|---|---|---|"
$resnet import --weights "$weights" --architecture cifar-20-optionA --classes cifar10 --output "$work/model.zip" >"$work/imported"
row "the public weights, not trained at all"
train "from scratch, tutorial recipe"
train "from the public weights, their head kept" --from "$weights" --classes cifar10
train "from the public weights, a new head" --from "$weights"
train "a new head, stem and first stage frozen" --from "$weights" --freeze 1
train "a new head, all but the head frozen" --from "$weights" --freeze 3
