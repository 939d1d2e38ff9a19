#!/usr/bin/env python3
"""The library against the libtorch of this Python's PyTorch, and beside PyTorch: the rows of build/cuda-check.sh, with a time limit each."""
import argparse
import glob
import json
import os
import platform
import queue
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SIGNS = {True: "pass", False: "FAIL", None: "-"}


class Process:
    """A command of its own process group; its output goes to the log too."""
    log, gate = None, threading.Lock()

    def __init__(self, command, env=None, limit=120, name=""):
        start = time.perf_counter()
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, start_new_session=True)
            try:
                self.code = child.wait(max(1, limit))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                self.code = "time out"
            output.seek(0)
            self.text = output.read().strip()
        self.seconds = time.perf_counter() - start
        self.ok = self.code == 0
        with Process.gate:
            Process.log.write(f"\n$ {name} {' '.join(command)}\n{self.text}\n[{self.code} after {self.seconds:.1f} s]\n")
            Process.log.flush()

    @property
    def last(self):
        return self.text.split("\n")[-1] if self.text else ""

    @property
    def number(self):
        return float(self.last)

    @property
    def trouble(self):
        """The last line that says something, for a cell of the table."""
        lines = [line.strip() for line in self.text.split("\n") if line.strip() and not line.strip().startswith("at ")]
        told = [line for line in lines if "rror:" in line or "xception" in line] or lines[-1:]
        return f"{'time out' if self.code == 'time out' else f'ended with {self.code}'}: {told[0][:300] if told else 'no word'}"


class Table:
    def __init__(self, title, head):
        self.rows = []
        self.lines = ["", f"## {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        print("\n".join(self.lines), flush=True)

    def add(self, *cells, **figures):
        line = "| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in cells) + " |"
        print(line, flush=True)
        self.lines.append(line)
        self.rows.append({"cells": list(map(str, cells)), **figures})


def unpack(archive):
    folder = os.path.join(tempfile.gettempdir(), f"cuda-check-{os.path.getmtime(archive):.0f}")
    if not os.path.exists(os.path.join(folder, "complete")):
        with tarfile.open(archive) as file:
            file.extractall(folder)
        open(os.path.join(folder, "complete"), "w").close()
    return os.path.join(folder, "bench")


def torch_folders(given):
    """Where libtorch and the libraries of CUDA lie that it wants."""
    if given:
        return [os.path.abspath(given)]
    told = subprocess.run([sys.executable, "-c", "import torch; print(torch.__file__)"], capture_output=True, text=True, check=True).stdout.strip()
    torch = os.path.dirname(told)
    return [os.path.join(torch, "lib"), *sorted(glob.glob(os.path.join(os.path.dirname(torch), "nvidia", "*", "lib")))]


def missing(library, env, data_only):
    text = Process(["ldd", "-d" if data_only else "-r", library], env, name="what LibTorchSharp misses").text
    return sorted({match[1] for match in re.finditer(r"undefined symbol: ([\w$.@]+)", text)}), re.findall(r"(\S+) => not found", text)


def stand_in(symbols, folder):
    """A library that has the names, so that what is bound at once can be bound; who calls through them is stopped."""
    source, library = os.path.join(folder, "stand-in.s"), os.path.join(folder, "libstand-in.so")
    with open(source, "w") as file:
        file.write(".data\n" + "".join(f".globl {name}\n.balign 16\n{name}:\n.zero 1024\n" for name in symbols) + '.section .note.GNU-stack,"",@progbits\n')
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("g++")
    return library if compiler and Process([compiler, "-shared", "-o", library, source], name="stand-in").ok else None


class Setting:
    """What all rows share: where things are, and how much time is left."""

    def __init__(self, options):
        self.options = options
        self.bench_folder = unpack(options.archive)
        self.bench = os.path.join(self.bench_folder, "bench")
        self.end = time.time() + 60 * options.minutes
        self.env = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_NOLOGO": "1", "DOTNET_DbgEnableMiniDump": "0"}
        folders = torch_folders(options.torch_lib)
        self.env["LD_LIBRARY_PATH"] = ":".join(folders + list(filter(None, [os.environ.get("LD_LIBRARY_PATH")])))
        self.torch_lib = folders[0]

    def limit(self, seconds):
        return min(seconds * self.options.patience, self.end - time.time())

    @property
    def is_over(self):
        return time.time() > self.end

    def link(self):
        """Tells what LibTorchSharp misses in this libtorch, and stands in for what would keep it from loading."""
        library = os.path.join(self.bench_folder, "libLibTorchSharp.so")
        functions, files = missing(library, self.env, data_only=False)
        data, _ = missing(library, self.env, data_only=True)
        said = f"{self.torch_lib}: {len(functions)} names missing, {len(data)} of them bound at once"
        if files:
            return False, f"{said}; files not found: {' '.join(sorted(set(files)))}"
        if functions:
            said += f": {' '.join(functions[:6])}{' ...' if len(functions) > 6 else ''}"
        if data:
            shim = stand_in(data, self.bench_folder)
            if shim is None:
                return False, f"{said}; no compiler to stand in for them"
            self.env["LD_PRELOAD"] = shim
            said += "; a stand-in is loaded for these"
        return True, said


class DeviceMemory:
    """The most memory of the device in use while something runs, by nvidia-smi, less what was in use before. MiB; None without it."""

    def __enter__(self):
        self.peak = None
        self.process = None
        if shutil.which("nvidia-smi"):
            command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
            before = subprocess.run(command, capture_output=True, text=True).stdout.split()
            self.before = int(before[0]) if before and before[0].isdigit() else 0
            self.process = subprocess.Popen([*command, "-lms", "100"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            seen = [int(word) for word in self.process.communicate()[0].split() if word.isdigit()]
            self.peak = max(seen) - self.before if seen else None


def row(table, name, check, setting):
    """One row; whatever goes wrong in it stays in it."""
    if setting.is_over:
        table.add(name, "-", "not begun: the time is over")
        return
    try:
        ok, figure, figures = check()
    except Exception as error:  # a row that fails must not keep the others from being made
        ok, figure, figures = False, f"{type(error).__name__}: {error}", {}
    table.add(name, SIGNS[ok], figure, ok=ok, **figures)


def plain(setting, arguments, limit, env=None):
    process = Process([setting.bench, *arguments, "--device", setting.options.device], {**setting.env, **(env or {})}, setting.limit(limit))
    return process.ok, process.last if process.ok or process.code == 1 and "nhandled" not in process.text else process.trouble, {"seconds": process.seconds}


def device_checks(setting):
    table = Table("What holds", ["check", "", "figure"])
    device, quick = setting.options.device, ["--quick"] if setting.options.quick else []
    row(table, "LibTorchSharp finds its names", lambda: (*setting.link(), {}), setting)
    row(table, "device found", lambda: plain(setting, ["device", "about"], 60), setting)
    row(table, "goldens, float32 throughout", lambda: plain(setting, ["device", "goldens", *quick], 90, {"NVIDIA_TF32_OVERRIDE": "0"}), setting)
    row(table, "goldens as `Fit` computes (TF32 in convolutions), within 2e-2", lambda: plain(setting, ["device", "goldens", "--quick", "--tolerance", "2e-2"], 45), setting)
    row(table, "pixels on the device", lambda: plain(setting, ["device", "pixels"], 45), setting)
    row(table, "resume after kill -9", lambda: resume(setting), setting)
    if device == "cpu":
        table.add("out of memory", "-", "not run: the CPU's memory is everybody's")
    else:
        row(table, "out of memory", lambda: plain(setting, ["device", "memory"], 60), setting)
    return table


def resume(setting):
    epochs = ["--epochs", "3" if setting.options.quick else "8"]
    with tempfile.TemporaryDirectory() as folder:
        def learn(name, *more):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
            return [setting.bench, "device", "learn", os.path.join(folder, name), "--device", setting.options.device, *epochs, *more]

        def run(*command):
            process = Process(list(command), setting.env, setting.limit(60))
            if not process.ok:
                raise RuntimeError(process.trouble)
            return re.search(r"loss (\S+) weights (\S+)", process.last).groups()

        whole, again = run(*learn("whole")), run(*learn("again"))
        with open(os.devnull, "w") as nowhere:
            child = subprocess.Popen(learn("killed"), stdout=nowhere, stderr=nowhere, env={**os.environ, **setting.env}, start_new_session=True)
        end = time.time() + setting.limit(60)
        seen = set()
        while len(seen) < 5 and child.poll() is None and time.time() < end:
            seen |= set(glob.glob(os.path.join(folder, "killed", "checkpoint-*.safetensors")))
            time.sleep(0.005)
        ended = child.poll() is not None
        if not ended:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if ended or not seen:
            raise RuntimeError("the training ended before it was killed" if ended else "no checkpoint was written")
        resumed = run(*learn("killed", "--resume"))
    apart = lambda one, other: abs(float(one[0]) - float(other[0])) / float(one[0])
    same = "the same weights, bit for bit" if whole[1] == resumed[1] else f"near: last losses {apart(whole, resumed):.1e} apart"
    base = "the same bit for bit too" if whole[1] == again[1] else f"{apart(whole, again):.1e} apart"
    return apart(whole, resumed) <= max(0.05, 3 * apart(whole, again)), f"killed and resumed: {same}; two runs without a stop: {base}", {}


# name: size, batch, steps of an epoch on CUDA
TRAININGS = {"cifar-20": (32, 128, 40), "imagenet-18": (224, 64, 30)}


def device_trainings(setting):
    device = setting.options.device
    table = Table("`Fit` against PyTorch: images/s, medians of the turns (least to most)",
                  ["training", "ours", "PyTorch's best", "ours to it", "PyTorch's variants", "peak of the device's memory, MiB: ours / PyTorch"])
    for precision in ("float32", "bfloat16"):
        for network, (size, batch, steps) in TRAININGS.items():
            if setting.options.quick:
                size, batch, steps = (32 if size == 32 else 64), 16, 2
            shared = ["--architecture", network, "--size", str(size), "--batch-size", str(batch), "--steps", str(steps), "--rounds", "1" if setting.options.quick else "4", "--device", device]
            ours = [setting.bench, "train", *shared, "--precision", "BFloat16" if precision == "bfloat16" else "Full"]
            variants = ["default", "channels-last"] + (["channels-last-tuned"] if device == "cuda" else [])
            theirs = [setting.options.python, os.path.join(HERE, "pytorch_train.py"), *shared, "--precision", precision, "--variants", *variants]
            compare(table, f"{network}, {size}x{size}, batch {batch}, {precision}", ours, setting.env, theirs, None, setting, 1 if setting.options.quick else 3, limit=45, measures=True)
    return table


def compare(table, name, ours, our_env, theirs, their_env, setting, turns, limit, measures=False):
    """Ours and PyTorch in turns, and the row of both."""
    speeds, best, variants, peaks, trouble = [], [], {}, ([], []), None
    for turn in range(turns):
        if setting.is_over:
            break
        sides = [0, 1] if turn % 2 == 0 else [1, 0]
        for side in sides:
            with DeviceMemory() if measures else open(os.devnull) as memory:
                process = Process((ours, theirs)[side], (our_env, their_env)[side], setting.limit(limit), name)
            if measures and memory.peak:
                peaks[side].append(memory.peak)
            try:
                (speeds, best)[side].append(process.number)
            except ValueError:
                trouble = f"{('ours', 'PyTorch')[side]} {process.trouble}"
                continue
            if side:
                for variant, speed in re.findall(r"^(\S+) ([\d.]+)$", process.text, re.M):
                    variants.setdefault(variant, []).append(float(speed))
    medians = {variant: statistics.median(values) for variant, values in variants.items()}
    their_best = max(medians.values()) if medians else None
    ratio = statistics.median(speeds) / their_best if speeds and their_best else None
    cells = [name, spread(speeds), f"{their_best:.1f}" if their_best else "-", f"{ratio:.2f}" if ratio else trouble or "not begun: the time is over",
             ", ".join(f"{variant} {spread(values)}" for variant, values in variants.items())]
    if measures:
        cells.append(" / ".join(f"{max(values)}" if values else "-" for values in peaks))
    with Process.gate:
        table.add(*cells, ours=speeds, theirs=variants, peaks=peaks, ratio=ratio, trouble=trouble)


def spread(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})" if values else "-"


ISAS = {"AVX-512": {}, "AVX2": {"DOTNET_EnableAVX512": "0", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
# name: size, batch, steps of an epoch, epochs after the first
CPU_TRAININGS = {"cifar-20": (32, 128, 25, 3), "imagenet-18": (224, 16, 2, 3), "imagenet-50": (224, 16, 1, 3), "imagenet-18-cifarstem": (32, 64, 3, 3)}
# name: size, images of a round, ONNX Runtime's batch
CPU_SCORINGS = {"cifar-20": (32, 512, 128), "imagenet-18": (224, 32, 16), "imagenet-50": (224, 16, 16)}


def pairs():
    """Pairs of cores, of two physical ones each as far as the machine tells, and never a sibling in another pair."""
    allowed, cores, taken = sorted(os.sched_getaffinity(0)), [], set()
    for cpu in allowed:
        if cpu in taken:
            continue
        cores.append(cpu)
        siblings = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        for part in open(siblings).read().strip().split(",") if os.path.exists(siblings) else [str(cpu)]:
            first, _, last = part.partition("-")
            taken |= set(range(int(first), int(last or first) + 1))
    if len(cores) < 2:
        cores = allowed
    return [f"{one},{other}" for one, other in zip(cores[::2], cores[1::2])], len(allowed)


def cpu_rows(setting):
    found, allowed = pairs()
    print(f"\nPairs of cores, each with rows of its own at the same time: {' '.join(found)}, of {allowed} logical processors.")
    ok, said = setting.link()
    print(f"{'' if ok else 'FAILED: '}{said}.")
    for isa, extra in ISAS.items():
        print(f"Ours, rows of {isa}: {Process(on(found[0], [setting.bench, 'device', 'about']), {**setting.env, **extra}, setting.limit(60)).last}.", flush=True)
    training = Table("Training on two cores: images/s, medians of the turns (least to most)", ["training", "ours", "PyTorch's best", "ours to it", "PyTorch's variants"])
    jobs = queue.Queue()
    quick = setting.options.quick
    scored = []
    for isa, extra in ISAS.items():
        for network in ("imagenet-50", "imagenet-18", "cifar-20"):
            jobs.put(lambda cores, network=network, isa=isa, extra=extra: scored.append((network, isa, score(setting, cores, network, extra))))
        for network in ("imagenet-50", "imagenet-18", "cifar-20", "imagenet-18-cifarstem"):
            jobs.put(lambda cores, network=network, isa=isa, extra=extra: train(training, setting, cores, network, isa, extra))
    if quick:
        found = found[:1]

    def work(cores):
        while True:
            try:
                jobs.get_nowait()(cores)
            except queue.Empty:
                return
    workers = [threading.Thread(target=work, args=(cores,)) for cores in found]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    scoring = Table("Scoring against ONNX Runtime on our exported file, two cores, in turns in one process",
                    ["network", "ours with", "what", "ours", "ONNX Runtime, its threads sleeping / spinning", "ours to its best"])
    for network, isa, process in sorted(scored, key=lambda entry: entry[:2]):
        ways = re.findall(r"^\S+\s+(batches of \d+, images/s|one image, ms)\s+(Transform|PredictionEngine|ORT, spinning|ORT)\s+([\d.]+)", process.text, re.M)
        for what in dict.fromkeys(way[0] for way in ways):
            own, sleeping, spinning = (float(number) for label, _, number in ways if label == what)
            ratio = own / max(sleeping, spinning) if "images/s" in what else min(sleeping, spinning) / own
            scoring.add(network, isa, what, f"{own:.2f}", f"{sleeping:.2f} / {spinning:.2f}", f"{ratio:.2f}", ratio=ratio)
        if not ways:
            scoring.add(network, isa, process.trouble, "-", "-", "-")
    print("\nONNX Runtime has no switch for its vectors: it takes AVX-512 where it is, in the rows of AVX2 too.")
    return training, scoring


def on(cores, command):
    return ["taskset", "-c", cores, *command]


def train(table, setting, cores, network, isa, extra):
    size, batch, steps, rounds = CPU_TRAININGS[network]
    if setting.options.quick:
        size, batch, steps, rounds = min(size, 64), 8, 1, 1
    shared = ["--architecture", network, "--size", str(size), "--batch-size", str(batch), "--steps", str(steps), "--rounds", str(rounds), "--threads", "2"]
    compare(table, f"{network}, {size}x{size}, batch {batch}, {isa}", on(cores, [setting.bench, "train", *shared]), {**setting.env, **extra},
            on(cores, [setting.options.python, os.path.join(HERE, "pytorch_train.py"), *shared, "--variants", "default", "channels-last"]), extra,
            setting, 1 if setting.options.quick else 3, limit=90)


def score(setting, cores, network, extra):
    size, images, batch = CPU_SCORINGS[network]
    if setting.options.quick:
        size, images, batch = min(size, 64), 4, 2
    return Process(on(cores, [setting.bench, "ort", "--architecture", network, "--size", str(size), "--images", str(images), "--batch-size", str(batch),
                              "--rounds", "1" if setting.options.quick else "3", "--threads", "2"]), {**setting.env, **extra}, setting.limit(150), "scoring")


def machine(setting):
    told = lambda command: subprocess.run(command, capture_output=True, text=True).stdout.strip().replace("\n", "; ")
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    gpu = told(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]) if shutil.which("nvidia-smi") else "no nvidia-smi"
    torch = told([setting.options.python, "-c", "import torch; print(torch.__version__, '; CUDA', torch.version.cuda, 'available' if torch.cuda.is_available() else 'not available', '; TF32 in convolutions', torch.backends.cudnn.allow_tf32, ', in matrix products', torch.backends.cuda.matmul.allow_tf32)"])
    commit = open(os.path.join(setting.bench_folder, "commit")).read().strip()
    return (f"Commit {commit}; {gpu}; {os.cpu_count()} processors, {cpu[1] if cpu else platform.processor()}; {platform.platform()}; PyTorch {torch}. "
            "Ours leaves libtorch's own settings of TF32 as they are, which are PyTorch's.")


def main():
    parser = argparse.ArgumentParser(prog="build/cuda-check.sh")
    parser.add_argument("part", choices=("run", "cpu"))
    parser.add_argument("--archive", required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: a rehearsal")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: a rehearsal")
    parser.add_argument("--torch-lib", metavar="FOLDER", help="libtorch, if not that of this Python")
    parser.add_argument("--python", default=sys.executable, help="the Python that has PyTorch for the rows beside it")
    parser.add_argument("--patience", type=float, default=1, help="multiplies the rows' own limits, on a busy machine")
    parser.add_argument("--minutes", type=float, default=4.7, help="no row is begun later, and none runs longer")
    options = parser.parse_args()
    out = os.environ.get("OUT") or tempfile.mkdtemp(prefix="cuda-check-out-")
    name = {"run": "cuda-check", "cpu": "cpu-check"}[options.part]
    Process.log = open(os.path.join(out, name + ".log"), "w")
    started = time.time()
    setting = Setting(options)
    head = machine(setting)
    print(head, flush=True)
    tables = []
    try:
        if options.part == "run":
            tables.append(device_checks(setting))
            tables.append(device_trainings(setting))
        else:
            tables.extend(cpu_rows(setting))
    finally:
        with open(os.path.join(out, name + ".md"), "w") as file:
            file.write("\n".join([head, *(line for table in tables for line in table.lines)]) + "\n")
        with open(os.path.join(out, name + ".json"), "w") as file:
            json.dump({"machine": head, "tables": [table.rows for table in tables]}, file, indent=1)
    print(f"\n{time.time() - started:.0f} s. Everything is in {out}.")
    sys.exit(any(entry.get("ok") is False or entry.get("trouble") for table in tables for entry in table.rows))


if __name__ == "__main__":
    main()
