#!/usr/bin/env python3
"""Milliseconds from a file of weights to the first prediction with PyTorch: the peer of `bench load`. Writes the file first if there is none."""
import os
import sys
import time

import torch

from pytorch_networks import network


def main():
    name, file = sys.argv[1:]
    torch.set_num_threads(os.cpu_count())
    if not os.path.exists(file):
        torch.save(network(name).state_dict(), file)
        return
    start = time.perf_counter()
    net = network(name)
    net.load_state_dict(torch.load(file))
    net.eval()
    with torch.no_grad():
        net(torch.rand(1, 3, 32, 32)).softmax(1)
    print(f"{1000 * (time.perf_counter() - start):.1f}")


main()
