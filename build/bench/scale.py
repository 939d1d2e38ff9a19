#!/usr/bin/env python3
"""What a step of several processes exchanges, and how long that takes: the model of docs/scale.md.

  build/bench/scale.py NETWORK BATCH SHARDS SECONDS     cifar-20, imagenet-18 or imagenet-50; seconds of a step in one process

Prints bytes and exchanges for 2 and 4 ranks, and the time of a step on 10 and 100 machines at 10 and 100 Gbit/s."""
import math
import sys


def convolutions(name):
    """(inputs, outputs, size, stride, height of the input) of every convolution with a normalisation."""
    family, depth = name.split("-")
    layers = []
    if family == "cifar":
        side, width, blocks, bottleneck = 32, 16, [(int(depth) - 2) // 6] * 3, False
        layers.append((3, 16, 3, 1, side))
        widths = [16, 32, 64]
    else:
        side, width = 56, 64
        layers.append((3, 64, 7, 2, 224))
        blocks, bottleneck = {"18": ([2, 2, 2, 2], False), "50": ([3, 4, 6, 3], True)}[depth]
        widths = [64, 128, 256, 512]
    for stage, (count, inner) in enumerate(zip(blocks, widths)):
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            outer = inner * (4 if bottleneck else 1)
            if bottleneck:
                layers += [(width, inner, 1, 1, side), (inner, inner, 3, stride, side), (inner, outer, 1, 1, side // stride)]
            else:
                layers += [(width, inner, 3, stride, side), (inner, inner, 3, 1, side // stride)]
            if stride > 1 or width != outer:
                layers.append((width, outer, 1, stride, side))
            width, side = outer, side // stride
    return layers


def sums(layer):
    """Floats of a weight gradient."""
    inputs, outputs, size, _, _ = layer
    return inputs * outputs * size * size


def subtrees(first, end, low, high):
    if first >= high or end <= low:
        return 0
    if first >= low and end <= high:
        return 1
    middle = first + 2 ** math.ceil(math.log2(end - first)) // 2
    return subtrees(first, middle, low, high) + subtrees(middle, end, low, high)


def step(layers, batch, shards, ranks, row):
    """Bytes that a rank sends in a step, and exchanges."""
    channels = sum(layer[1] for layer in layers)
    features, weights = layers[-1][1] if layers[-1][2] > 1 else max(layer[1] for layer in layers), sum(map(sums, layers))
    trees = max(subtrees(0, shards, shards * rank // ranks, shards * (rank + 1) // ranks) for rank in range(ranks))
    statistics = 32 * channels * shards / ranks * (ranks - 1)
    return {
        "statistics": statistics,
        "features": 4 * features * batch / ranks * (ranks - 1),
        "weights": 4 * weights * (trees + 1) * (ranks - 1) / ranks,
        "images": row * batch / ranks * (ranks - 1) / ranks,
    }, 2 * len(layers) + 4


def main():
    name, batch, shards, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    layers = convolutions(name)
    row = 3 * 32 * 32 if name.startswith("cifar") else 3 * 336 * 336
    for ranks in (2, 4):
        parts, exchanges = step(layers, batch, shards, ranks, row)
        print(f"{ranks} ranks: {exchanges} exchanges, {sum(parts.values()):,.0f} bytes ("
              + ", ".join(f"{part} {count:,.0f}" for part, count in parts.items()) + ")")
    print("| machines | network | bytes a step | latency | transfer | computing | speed-up |")
    print("|---|---|---|---|---|---|---|")
    for ranks in (10, 100):
        for gigabits, microseconds in ((10, 30), (100, 5)):
            parts, exchanges = step(layers, batch, max(shards, ranks), ranks, row)
            latency = exchanges * math.ceil(math.log2(ranks)) * microseconds * 1e-6
            transfer = sum(parts.values()) * 8 / (gigabits * 1e9)
            computing = seconds * math.ceil(max(shards, ranks) / ranks) / max(shards, ranks)
            print(f"| {ranks} | {gigabits} Gbit/s, {microseconds} µs | {sum(parts.values()) / 1e6:,.1f} MB | {1e3 * latency:,.1f} ms "
                  f"| {1e3 * transfer:,.1f} ms | {1e3 * computing:,.1f} ms | {seconds / (latency + transfer + computing):.1f} |")


main()
