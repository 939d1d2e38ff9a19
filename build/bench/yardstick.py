#!/usr/bin/env python3
"""Runs the library and its peers in turns, each in a process of its own, and writes a table of medians. Started by build/bench.sh."""
import argparse
import datetime
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

from device import ISAS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = ["dotnet", os.path.join(ROOT, "artifacts/bin/Microsoft.ML.ResNet.Benchmarks/release/bench.dll")]
PYTHON = "/usr/bin/python3"
HERE = os.path.join(ROOT, "build/bench")
# name: batch, steps of an epoch, measured epochs; the same when --quick
NETWORKS = {
    "cifar-20": ((128, 10, 3), (128, 5, 1)),
    "cifar-56": ((128, 4, 2), (128, 2, 1)),
    "imagenet-18-cifarstem": ((64, 3, 2), (64, 1, 1)),
    "imagenet-18": ((16, 2, 3), (16, 1, 1)),
    "imagenet-50": ((16, 1, 3), (16, 1, 1)),
}
PHOTOS = {"imagenet-18": 224, "imagenet-50": 224}  # height and width; all others have 32


class Run:
    """What one process printed and needed."""

    def __init__(self, command):
        start = time.perf_counter()
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)  # unlike wait(), it tells the peak of this one child's memory
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            self.text = output.read().strip()
        self.seconds = time.perf_counter() - start
        self.peak = usage.ru_maxrss / 1024  # MiB
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{self.text}")

    @property
    def number(self):
        return float(self.text.split("\n")[-1])


class Report:
    """Lines for the file, shown as they come."""

    def __init__(self):
        self.lines = []

    def add(self, *lines):
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def table(self, *rows):
        self.add("", "| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0]))
        self.add(*("| " + " | ".join(row) + " |" for row in rows[1:]))


def in_turns(rounds, commands):
    """Each command once in every round, in an order that rotates so that nobody always follows the same neighbour."""
    runs = {name: [] for name in commands}
    names = list(commands)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            runs[name].append(Run(commands[name]))
    return runs


def spread(values, digits=0):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def train(report, options):
    report.add("", "## Training", "", "Images per second end to end, the median of the rounds (least to most), and the peak of resident memory. Ratios are ours to the other's: above 1, ours is faster.")
    for network in options.networks:
        batch, steps, epochs = NETWORKS[network][options.quick]
        arguments = ["--architecture", network, "--batch-size", str(batch), "--steps", str(steps), "--rounds", str(epochs)]
        sized = [*arguments, "--size", str(PHOTOS.get(network, 32))]
        commands = {
            "ours: `Fit`": [*BENCH, "train", *sized],
            "PyTorch, contiguous": [PYTHON, f"{HERE}/pytorch_train.py", *sized],
            "PyTorch, channels-last": [PYTHON, f"{HERE}/pytorch_train.py", *sized, "--channels-last"],
        }
        if network not in PHOTOS:
            commands["TorchSharp, plain loop"] = [*BENCH, "plain", *arguments]
        runs = in_turns(options.rounds, commands)
        ours = statistics.median(run.number for run in runs["ours: `Fit`"])
        rows = [[f"{network}, batch {batch}", "images/s", "ours to it", "peak MiB"]]
        for name, results in runs.items():
            speeds = [run.number for run in results]
            rows.append([name, spread(speeds), f"{ours / statistics.median(speeds):.2f}", f"{statistics.median(run.peak for run in results):.0f}"])
        report.table(*rows)


def verbatim(report, command):
    report.add("", "```", *(line.rstrip() for line in Run(command).text.split("\n")), "```")


def has_verb(name):
    return subprocess.run([*BENCH, name, "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def score(report, options):
    report.add("", "## Scoring", "", "Ours and ONNX Runtime on the file that we export, in turns in one process.")
    rounds = ["--rounds", str(1 if options.quick else 3)]
    for network in options.networks[:1] if options.quick else options.networks:
        if has_verb("ort"):
            photos = ["--size", str(PHOTOS[network]), "--images", "64", "--batch-size", "16"] if network in PHOTOS else []
            verbatim(report, [*BENCH, "ort", "--architecture", network, *rounds, *photos])
            continue
        arguments = ["--architecture", network, "--steps", "4", *rounds]
        report.add("", f"{network}: `Transform` {Run([*BENCH, 'score', *arguments]).number:.0f} images/s, one prediction {Run([*BENCH, 'predict', '--architecture', network, *rounds]).number:.2f} ms.")


def load(report, options):
    report.add("", "## From nothing to the first prediction", "", "A fresh process each: its whole time, the part from opening the file to the prediction, and its peak memory.")
    with tempfile.TemporaryDirectory() as folder:
        for network in options.networks[:1] if options.quick else (options.networks[0], options.networks[-1]):
            model, weights = os.path.join(folder, network + ".zip"), os.path.join(folder, network + ".pt")
            Run([*BENCH, "model", model, "--architecture", network])
            Run([PYTHON, f"{HERE}/pytorch_load.py", network, weights])
            runs = in_turns(options.rounds + 1, {
                "ours: `Model.Load`": [*BENCH, "load", model],
                "ONNX Runtime": [*BENCH, "load-onnx", model + ".onnx"],
                "PyTorch": [PYTHON, f"{HERE}/pytorch_load.py", network, weights],
            })
            rows = [[network, "process, ms", "load and predict, ms", "peak MiB"]]
            for name, results in runs.items():
                results = results[1:]  # the first warms up the file cache
                rows.append([name, spread([1000 * run.seconds for run in results]), spread([run.number for run in results]), f"{statistics.median(run.peak for run in results):.0f}"])
            report.table(*rows)


def bare(report, options):
    report.add("", "## What Fit costs around its network", "", "The same steps three ways, in turns in one process (`bench bare`).")
    for network in options.networks[:1]:
        batch, steps = NETWORKS[network][0][0], 5 if options.quick else 20
        verbatim(report, [*BENCH, "bare", "--architecture", network, "--batch-size", str(batch), "--steps", str(steps), "--rounds", str(2 if options.quick else 7)])


def read(report, options):
    if not options.images:
        report.add("", "Reading was not measured: no `--images ZIP`, and no `shared/data/cifar10-jpeg.zip` beside the repository.")
        return
    report.add("", "## Reading image files", "", "50,000 JPEG files of 32x32 into the block of pixels: `LoadFromImageFolder` with what `Fit` reads, against a plain loop over Skia on one thread (`bench read`).")
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(options.images) as archive:
            archive.extractall(folder)
        verbatim(report, [*BENCH, "read", folder, options.images, "--rounds", str(1 if options.quick else 7)])


SECTIONS = {"train": train, "score": score, "load": load, "bare": bare, "read": read}


def machine():
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    memory = int(re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read())[1]) // 1024 // 1024
    torch = subprocess.run([PYTHON, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True).stdout.strip()
    sdk = subprocess.run(["dotnet", "--version"], capture_output=True, text=True).stdout.strip()
    versions = open(os.path.join(ROOT, "Directory.Packages.props")).read()
    version = lambda name: re.search(rf"<{name}Version>\[?([0-9.]+)", versions)[1]
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return (f"{os.cpu_count()} cores of {cpu[1] if cpu else platform.processor()}, {memory} GiB, {platform.platform()}; .NET SDK {sdk}, "
            f"TorchSharp {version('TorchSharp')} (libtorch 2.10), ML.NET {version('MicrosoftML')}, ONNX Runtime {version('OnnxRuntime')}, PyTorch {torch}; commit {commit}.")


def shared_images():
    folder = ROOT
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        path = os.path.join(folder, "shared/data/cifar10-jpeg.zip")
        if os.path.exists(path):
            return path
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="processes of each kind (default 5, with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="fewer steps and rounds: a glance, no evidence")
    parser.add_argument("--busy", action="store_true", help="beside a process that never rests")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[network for network in NETWORKS if network not in PHOTOS])
    parser.add_argument("--avx2", action="store_true", help="vectors of 256 bits on both sides; ONNX Runtime takes what there is")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--images", metavar="ZIP", default=shared_images(), help="class folders of 32x32 JPEG files, below train/")
    parser.add_argument("--name", help="the WHAT of DATE-WHAT.md")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    name = options.name or "-".join(filter(None, ["quick" if options.quick else "yardstick", "busy" if options.busy else None]))
    os.environ.update(ISAS["AVX2"] if options.avx2 else {})
    started, report = time.time(), Report()
    date = datetime.date.today().isoformat()
    report.add(f"# Benchmarks of {date}{', beside a busy process' if options.busy else ''}", "", machine(), "",
               f"`build/bench.sh {' '.join(sys.argv[1:])}`, load average at the start {os.getloadavg()[0]:.1f}. What the rows mean: [README](README.md).")
    neighbour = subprocess.Popen([PYTHON, "-c", "while True: pass"]) if options.busy else None
    try:
        for section in options.sections:
            SECTIONS[section](report, options)
    finally:
        if neighbour:
            neighbour.kill()
    report.add("", f"Took {(time.time() - started) / 60:.0f} minutes; load average at the end {os.getloadavg()[0]:.1f}.")
    path = os.path.join(ROOT, "docs/benchmarks", f"{date}-{name}.md")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write("\n".join(report.lines) + "\n")
    print(f"Written to {os.path.relpath(path, ROOT)}.")


if __name__ == "__main__":
    main()
