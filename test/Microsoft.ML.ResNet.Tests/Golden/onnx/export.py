#!/usr/bin/env python3
"""Writes narrow residual networks as PyTorch's exporter writes wide ones, and scores.json: what PyTorch makes of two images.

usage: export.py   (writes beside itself; needs torch 1.13 and torchvision: Debian's python3-torchvision)
The blocks and their wiring are torchvision's; only the channels are fewer, so that a file is small.
"""
import json
import pathlib

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

SIDE = 64


class Narrow(ResNet):
    def __init__(self, block, layers, widths, classes=5, cifar_stem=False):
        super().__init__(block, [1, 1, 1, 1], num_classes=2)
        self.inplanes = widths[0]
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False) if cifar_stem else nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        if cifar_stem:
            self.maxpool = nn.Identity()
        for stage, (blocks, width) in enumerate(zip(layers, widths)):
            setattr(self, f'layer{stage + 1}', self._make_layer(block, width, blocks, stride=min(stage, 1) + 1))
        self.fc = nn.Linear(widths[-1] * block.expansion, classes)


def draw(network):
    """Statistics, gains and biases far from what they begin with; a block's last gain is small, as after training."""
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 0.5) if name.endswith(('bn2', 'bn3')) else nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
    nn.init.uniform_(network.fc.weight, -0.5, 0.5)
    return network


def noise(count):
    """The images of ../README.md, as bytes."""
    mask, out = 0xFFFFFFFF, []
    for j in range(count):
        x = (j * 0x9E3779B1 + 1000 * 0x85EBCA77 + 1) & mask
        x = ((x ^ x >> 16) * 0x7FEB352D) & mask
        x = ((x ^ x >> 15) * 0x846CA68B) & mask
        out.append((x ^ x >> 16) >> 24)
    return torch.tensor(out, dtype=torch.uint8)


def main():
    torch.manual_seed(3)
    folder, scores = pathlib.Path(__file__).parent, {}
    images = noise(2 * 3 * SIDE * SIDE).reshape(2, 3, SIDE, SIDE)
    images[1] //= 4  # a darker one
    images = images.double() / 255
    unfolded = dict(training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    narrow = [4, 8, 8, 12]
    for name, network, options in [
            ('resnet18', draw(Narrow(BasicBlock, [2, 2, 2, 2], narrow)), unfolded),
            # all statistics are what they begin with, and the exporter writes equal ones once; sizes are free, weights are inputs too
            ('resnet34-fresh', Narrow(BasicBlock, [3, 4, 6, 3], narrow), dict(unfolded, opset_version=9, keep_initializers_as_inputs=True,
                input_names=['images'], dynamic_axes={'images': {0: 'n', 2: 'h', 3: 'w'}})),
            ('resnet50-double', draw(Narrow(Bottleneck, [3, 4, 6, 3], [4, 4, 8, 8])).double(), dict(unfolded, opset_version=16)),
            ('cifarstem', draw(Narrow(Bottleneck, [1, 1, 1, 1], [4, 4, 8, 8], cifar_stem=True)), unfolded),
            ('folded', draw(Narrow(BasicBlock, [1, 1, 1, 1], narrow)), {})]:
        network.eval()
        kind = network.fc.weight.dtype
        torch.onnx.export(network, images.to(kind), folder / f'{name}.onnx', **options)
        with torch.no_grad():
            scores[name] = network.double()(images).softmax(1).tolist()
    (folder / 'scores.json').write_text(json.dumps(scores, indent=1))


main()
