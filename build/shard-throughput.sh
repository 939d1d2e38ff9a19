#!/usr/bin/env bash
# What sharing costs: 'predict' of some pictures by one process of two threads, by two processes of one thread each (--shard), and by one of one thread.
# Prints seconds, from the start of the processes to the end of the last, images a second, and seconds of processor for each; at last what the two processes
# reach of what the two threads do, by both measures: the median over rounds. Seconds tell of a quiet machine with two cores, or of one where this has the right
# of way; processor time tells on a busy one, too. Rounds take turns, and begin with another each. Ends with 1 if the merged predictions differ by a byte.
# Build first: dotnet build src/Samples -c Release.
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
echo "| round | of | seconds | images a second | processor seconds |"
echo "|---|---|---|---|---|"
TIMEFORMAT='%R %U %S'
for round in $(seq "$rounds"); do
  for turn in 0 1 2; do
    name=${names[$(((turn + round) % 3))]}
    { time $name 2> "$work/errors"; } 2> "$work/time"
    awk -v round="$round" -v name="$name" -v count="$count" \
      '{ printf "| %d | %s | %.2f | %.1f | %.2f |\n", round, name, $1, count / $1, $2 + $3 }' "$work/time" | tee -a "$work/rows"
  done
done
$resnet merge "$work/parts.csv" > /dev/null
cmp "$work/whole.csv" "$work/parts.csv"

median() { # median NAME COLUMN
  awk -F ' *\\| *' -v name="$1" -v column="$2" '$3 == name { print $column }' "$work/rows" | sort -n \
    | awk '{ one[NR] = $1 } END { print one[int((NR + 1) / 2)] }'
}
awk -v threads="$(median two_threads 5)" -v processes="$(median two_processes 5)" -v cpu="$(median two_threads 6)" -v cpus="$(median two_processes 6)" 'BEGIN {
  printf "two processes of one thread: %.3f of the images a second of one process of two threads; %.3f by processor time\n", processes / threads, cpu / cpus }'
