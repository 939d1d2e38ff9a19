#!/usr/bin/env bash
# What several processes cost on one machine: images a second of a small training by one process of two threads and of one, and by two and four of one thread
# under each MPI that is installed. Rounds take turns, and begin with another each; a table of the medians comes last. Processes are not bound to cores: each
# has threads beside the one that computes. Build first: dotnet build src/Samples -c Release.
# usage: build/scale.sh [ROUNDS [DATA [ARCHITECTURE [BATCH [EPOCHS]]]]]     3 rounds of the 1,017 lossless CIFAR images, cifar-20, 128, 8
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} data=$(realpath "${2:-../shared/data/cifar10-lossless-1017.bin}") architecture=${3:-cifar-20} batch=${4:-128} epochs=${5:-8}
resnet="dotnet $PWD/artifacts/bin/Samples/release/resnet.dll"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

train() { # train THREADS [LAUNCHER...]
  local threads=$1
  shift
  OMP_NUM_THREADS=$threads "$@" $resnet train --data "$data" --architecture "$architecture" --epochs "$epochs" --batch-size "$batch" \
    --augment crop=4,flip --device cpu --output model.zip --json 2>&1
}

kinds=("1 process, 2 threads|2" "1 process, 1 thread|1")
command -v mpirun.mpich > /dev/null && kinds+=("2 processes, MPICH|1 mpirun.mpich -n 2" "4 processes, MPICH|1 mpirun.mpich -n 4")
command -v mpirun.openmpi > /dev/null && kinds+=(
  "2 processes, Open MPI|1 mpirun.openmpi --oversubscribe --bind-to none -n 2" "4 processes, Open MPI|1 mpirun.openmpi --oversubscribe --bind-to none -n 4")

for round in $(seq "$rounds"); do
  for turn in "${!kinds[@]}"; do
    IFS='|' read -r name how <<< "${kinds[$(((turn + round) % ${#kinds[@]}))]}"
    train $how > log || { cat log; exit 1; }
    speed=$(grep -o '"trainImagesPerSecond":[0-9.]*' log | cut -d: -f2)
    # Open MPI's launcher is a terminal of 80 columns: the line is broken there.
    shared=$(tr -d '\r' < log | tr '\n' ' ' | grep -oE '[0-9.,]+ exchanges, +[0-9,]+ +bytes +sent, +[0-9,]+ +microseconds +a +step' | tr -s ' ' || true)
    echo "round $round: $name: $speed images/s${shared:+, $shared}" >&2
    echo "$name|$speed" >> results
  done
done

echo "| | images/s | of one process |"
echo "|---|---|---|"
median() { awk -F '|' -v name="$1" '$1 == name { print $2 }' results | sort -n | awk '{ one[NR] = $1 } END { print one[int((NR + 1) / 2)] }'; }
whole=$(median "1 process, 2 threads")
for kind in "${kinds[@]}"; do
  name=${kind%%|*}
  awk -v name="$name" -v speed="$(median "$name")" -v whole="$whole" 'BEGIN { printf "| %s | %.0f | %.2f |\n", name, speed, speed / whole }'
done
