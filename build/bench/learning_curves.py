#!/usr/bin/env python3
"""Draws accuracy against epochs from the files that `train --history` writes: solid on validation images, thin on training images.

usage: learning_curves.py OUTPUT.png LABEL=HISTORY.csv ...   (needs matplotlib: Debian's python3-matplotlib)
"""
import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main():
    output, *curves = sys.argv[1:]
    figure, axes = plt.subplots(figsize=(9, 4.5), dpi=110)
    for label, path in (curve.split("=", 1) for curve in curves):
        with open(path) as file:
            rows = list(csv.DictReader(file))
        epochs = [int(row["Epoch"]) for row in rows]
        line, = axes.plot(epochs, [100 * float(row["ValidationAccuracy"]) for row in rows], linewidth=1.8, label=f"{label}, test")
        axes.plot(epochs, [100 * float(row["TrainAccuracy"]) for row in rows], linewidth=0.9, alpha=0.6, color=line.get_color(),
                  label=f"{label}, training")
    axes.set(xlabel="epoch", ylabel="accuracy, %", ylim=(40, 100), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(output)


main()
