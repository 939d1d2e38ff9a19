#!/usr/bin/env bash
# What sharing costs: 'predict' of some pictures by one process of two threads, by two processes of one thread each (--shard), and by one of one thread.
# Prints seconds and images a second of each round, from the start of the processes to the end of the last, and what the two processes reach of what the two
# threads do: the median over rounds. Rounds take turns, and begin with another of the three each. Ends with 1 if the merged predictions differ by a byte.
# Build first: dotnet build src/Samples -c Release. Wants a quiet machine with two cores, or the right of way on it.
# usage: build/shard-throughput.sh MODEL FOLDER [ROUNDS [PICTURES]]            3 rounds, 200 pictures of the folder
set -euo pipefail
model=$(realpath "$1") folder=$(realpath "$2") rounds=${3:-3} count=${4:-200}
cd "$(dirname "$0")/.."
resnet="dotnet $PWD/artifacts/bin/Samples/release/resnet.dll"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t pictures < <(find "$folder" -type f -iregex '.*\.\(jpe?g\|png\|webp\)' | sort | head -n "$count")
[ "${#pictures[@]}" = "$count" ] || { echo "$folder has ${#pictures[@]} pictures, fewer than $count"; exit 1; }
mkdir "$work/pictures"
for i in "${!pictures[@]}"; do ln -s "${pictures[$i]}" "$work/pictures/$i.${pictures[$i]##*.}"; done

score() { $resnet predict "$model" "$work/pictures" "$@" > /dev/null; }
two_threads() { score --threads 2 --output "$work/whole.csv"; }
one_thread() { score --threads 1 --output "$work/whole.csv"; }
two_processes() {
  rm -f "$work"/parts.csv*
  score --threads 1 --shard 0/2 --output "$work/parts.csv" &
  local first=$!
  score --threads 1 --shard 1/2 --output "$work/parts.csv"
  wait $first
}

names=(two_threads two_processes one_thread)
score --threads 2 --output "$work/whole.csv" # pictures and program into memory
echo "| round | of | seconds | images a second |"
echo "|---|---|---|---|"
for round in $(seq "$rounds"); do
  for turn in 0 1 2; do
    name=${names[$(((turn + round) % 3))]}
    before=$(date +%s%N)
    $name
    awk -v round="$round" -v name="$name" -v ns=$(($(date +%s%N) - before)) -v count="$count" \
      'BEGIN { printf "| %d | %s | %.2f | %.1f |\n", round, name, ns / 1e9, count * 1e9 / ns }' | tee -a "$work/rows"
  done
done
$resnet merge "$work/parts.csv" > /dev/null
cmp "$work/whole.csv" "$work/parts.csv"

median() { awk -F ' *\\| *' -v name="$1" '$3 == name { print $5 }' "$work/rows" | sort -n | awk '{ one[NR] = $1 } END { print one[int((NR + 1) / 2)] }'; }
awk -v threads="$(median two_threads)" -v processes="$(median two_processes)" -v one="$(median one_thread)" 'BEGIN {
  printf "two processes of one thread: %.3f of one process of two threads (median of images a second: %s and %s)\n", processes / threads, processes, threads
  printf "one process of one thread: %.3f (%s)\n", one / threads, one }'
