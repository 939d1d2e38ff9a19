#!/usr/bin/env bash
# Measures the data check's near-duplicates on CIFAR-10 against ciFAIR's list (cvjena/cifair, meta/duplicates_cifar10*.csv), of which
# build/cifar10-near-duplicates.csv holds the pairs that our archive has, under its names (docs/data-check.md tells how they were mapped).
# Usage: build/check-truth.sh CIFAR10-JPEG.ZIP [TRAIN-IMAGES]   (5000, a sample with all listed partners; 50000 for all)
set -euo pipefail
cd "$(dirname "$0")/.."
archive=$1 count=${2:-5000} work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$archive" "$count" "$work/set.zip" <<'P'
import csv, random, sys, zipfile
source, target = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[3], 'w')
names = sorted(name for name in source.namelist() if name.endswith('.jpg'))
train = [name for name in names if name.startswith('train/')]
keep = {b for _, b, _ in csv.reader(open('build/cifar10-near-duplicates.csv')) if b.startswith('train/')}
for name in random.Random(1).sample(train, len(train)):
    if len(keep) < int(sys.argv[2]):
        keep.add(name)
for name in sorted(keep) + [name for name in names if name.startswith('test/')]:
    target.writestr(name, source.read(name))
target.close()
P
status=0
dotnet run --project src/Samples -c Release -- check --data "$work/set.zip" --quick --near-duplicates 0.5 --json > "$work/out" || status=$?
[ "$status" = 0 ] || [ "$status" = 3 ]
python3 - "$work/out" <<'P'
import csv, json, sys
result = json.loads(open(sys.argv[1]).read().strip().split('\n')[-1])
listed = {(a, b) for a, b, _ in csv.reader(open('build/cifar10-near-duplicates.csv')) if b.startswith('train/')}
found = {}
for finding in result['findings']:
    if finding['kind'] in ('exactDuplicate', 'nearDuplicate') and finding['crossesParts']:
        found[tuple(sorted(image['name'] for image in finding['images'][:2]))] = finding.get('score', 1)
print(f"{result['images']} images, {result['seconds']} s, {len(listed)} listed pairs")
for least in (.5, .6, .7, .75, .8, .85, .9):
    flagged = {pair for pair, score in found.items() if score >= least}
    right = len(flagged & listed)
    print(f'agreement {least:.2f}: {len(flagged)} flagged, recall {right / len(listed):.3f}, on the list {right / max(1, len(flagged)):.3f}')
P
