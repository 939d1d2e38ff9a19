#!/usr/bin/env python3
"""Images per second of PyTorch eager training a ResNet: the peer of `bench train`. Prints the median of the rounds.

The network, batch, optimiser and augmentation are those of our default recipe; the images are in the device's memory as uint8. --variants
trains in several ways in turns, prints a line for each, and last the best. --real-data runs the comparison of docs/evidence.md instead: five
epochs on class folders of JPEG files (needs torchvision).
"""
import argparse
import contextlib
import os
import statistics
import time

import torch
import torch.nn.functional as F

from pytorch_networks import frozen, network


def augment(x):
    count, _, height, width = x.shape
    padded = F.pad(x, (4, 4, 4, 4))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1).permute(0, 2, 3, 1, 4, 5)
    here = {"device": x.device}
    x = windows[torch.arange(count, **here), torch.randint(0, 9, (count,), **here), torch.randint(0, 9, (count,), **here)]
    return torch.where((torch.rand(count, **here) < 0.5).view(-1, 1, 1, 1), x.flip(3), x)


class Trainer:
    def __init__(self, architecture, channels_last, rate, device="cpu", precision="float32", frozen_stages=None):
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.net = network(architecture).to(device=device, memory_format=self.format)
        self.casting = contextlib.nullcontext() if precision == "float32" else torch.autocast(device, dtype=torch.bfloat16)
        self.frozen = [] if frozen_stages is None else frozen(self.net, frozen_stages)  # the stem, and so many stages
        for module in self.frozen:
            module.requires_grad_(False)
        self.optimizer = torch.optim.SGD([weight for weight in self.net.parameters() if weight.requires_grad], lr=rate, momentum=0.9, weight_decay=5e-4)

    def epoch(self, images, labels, batch, mean, deviation):
        self.net.train()
        for module in self.frozen:
            module.eval()
        order, total = torch.randperm(len(images), device=images.device), 0.0
        for first in range(0, len(images), batch):
            rows = order[first:first + batch]
            x = ((augment(images[rows]).float() / 255 - mean) / deviation).contiguous(memory_format=self.format)
            with self.casting:
                loss = F.cross_entropy(self.net(x), labels[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
        return total.item() / len(images)  # waits for the device

    def accuracy(self, images, labels, mean, deviation):
        self.net.eval()
        right = 0
        with torch.no_grad():
            for first in range(0, len(images), 256):
                x = (images[first:first + 256].float() / 255 - mean) / deviation
                right += (self.net(x.contiguous(memory_format=self.format)).argmax(1) == labels[first:first + 256]).sum().item()
        return right / len(images)


def read_folder(path):
    from torchvision.io import ImageReadMode, read_image
    images, labels = [], []
    for label, name in enumerate(sorted(os.listdir(path))):
        for file in sorted(os.listdir(os.path.join(path, name))):
            images.append(read_image(os.path.join(path, name, file), ImageReadMode.RGB))
            labels.append(label)
    return torch.stack(images), torch.tensor(labels)


def real_data(arguments):
    train, train_labels = read_folder(os.path.join(arguments.real_data, "train"))
    test, test_labels = read_folder(os.path.join(arguments.real_data, "test"))
    pixels = train.float() / 255
    mean, deviation = pixels.mean((0, 2, 3)).view(1, 3, 1, 1), pixels.std((0, 2, 3)).view(1, 3, 1, 1)
    trainer = Trainer(arguments.architecture, arguments.channels_last, 0.1)
    for epoch in range(5):
        for group in trainer.optimizer.param_groups:
            group["lr"] = 0.1 * 0.1 ** ((epoch >= 3) + (epoch >= 4))
        start = time.perf_counter()
        loss = trainer.epoch(train, train_labels, 128, mean, deviation)
        speed = len(train) / (time.perf_counter() - start)
        print(f"epoch {epoch + 1} train loss {loss:.3f} test accuracy {trainer.accuracy(test, test_labels, mean, deviation):.4f} images/s {speed:.0f}", flush=True)


VARIANTS = ("default", "channels-last", "channels-last-tuned")  # tuned: cuDNN tries its algorithms


def speed(trainer, tuned, images, labels, batch, mean, deviation):
    torch.backends.cudnn.benchmark = tuned
    start = time.perf_counter()
    loss = trainer.epoch(images, labels, batch, mean, deviation)
    if loss != loss:
        raise SystemExit("The loss is no number: the speed means nothing.")
    return len(images) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="cifar-20")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--frozen-stages", type=int, help="the stem and so many stages stay as they are; 0 is the stem alone")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, help="in turns; the last number is the best median")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real-data", metavar="FOLDER", help="a folder with train/ and test/, one folder per class in each")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    if arguments.real_data:
        real_data(arguments)
        return
    device, batch = arguments.device, arguments.batch_size
    images = torch.randint(0, 256, (batch * arguments.steps, 3, arguments.size, arguments.size), dtype=torch.uint8, device=device)
    labels = torch.arange(len(images), device=device) % 10
    mean, deviation = torch.full((1, 3, 1, 1), 0.5, device=device), torch.full((1, 3, 1, 1), 0.29, device=device)
    variants = arguments.variants or [VARIANTS[arguments.channels_last]]
    trainers = {name: Trainer(arguments.architecture, name != VARIANTS[0], 0.01, device, arguments.precision, arguments.frozen_stages) for name in variants}
    speeds = {name: [] for name in variants}
    for _ in range(arguments.rounds + 1):
        for name, trainer in trainers.items():
            speeds[name].append(speed(trainer, name == VARIANTS[2], images, labels, batch, mean, deviation))
    medians = {name: statistics.median(values[1:]) for name, values in speeds.items()}
    if arguments.variants:
        print("\n".join(f"{name} {median:.3f}" for name, median in medians.items()))
    print(f"{max(medians.values()):.3f}")


main()
