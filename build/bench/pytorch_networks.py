"""Our networks as a user of PyTorch writes them: nn modules, default memory layout."""
import re

import torch.nn as nn
import torch.nn.functional as F


class ChannelPadding(nn.Module):
    """Option A: every stride-th pixel, between channels of zeros."""
    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x):
        return F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.channels // 2, self.channels - self.channels // 2))


class Block(nn.Module):
    def __init__(self, inputs, width, stride, expansion, pads):
        super().__init__()
        outputs = width * expansion
        if expansion == 1:
            layers = [(inputs, width, 3, stride), (width, outputs, 3, 1)]
        else:
            layers = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, size, step, size // 2, bias=False) for i, o, size, step in layers)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o, _, _ in layers)
        self.downsample = None
        if pads and (stride != 1 or inputs != outputs):
            self.downsample = ChannelPadding(outputs - inputs, stride)
        elif stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            y = norm(convolution(y))
            if index + 1 < len(self.norms):
                y = F.relu(y, inplace=True)
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    def __init__(self, stem, stages, expansion, classes=10, first_stride=1, pads=False):
        super().__init__()
        layers, width = [nn.Conv2d(3, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)], stem
        for stage, (outputs, blocks) in enumerate(stages):
            for block in range(blocks):
                stride = 1 if block > 0 else 2 if stage > 0 else first_stride
                layers.append(Block(width, outputs, stride, expansion, pads))
                width = outputs * expansion
        self.body = nn.Sequential(*layers)
        self.fc = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.ends = [3 + sum(blocks for _, blocks in stages[:count]) for count in range(len(stages) + 1)]  # of the stem, and of each stage

    def frozen(self, stages):
        return self.body[:self.ends[stages]]

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))


class D2lResidual(nn.Module):
    """The textbook's block: biases, and a shortcut that is a convolution alone."""
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, stride, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.conv3 = nn.Conv2d(inputs, outputs, 1, stride) if stride != 1 else None
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        y += x if self.conv3 is None else self.conv3(x)
        return F.relu(y)


def d2l():
    layers = [nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    for inputs, outputs in ((64, 64), (64, 128), (128, 256), (256, 512)):
        layers += [D2lResidual(inputs, outputs, 1 if inputs == outputs else 2), D2lResidual(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def frozen(net, stages):
    """The stem and so many stages of a ResNet, ours or torchvision's."""
    if hasattr(net, "frozen"):
        return list(net.frozen(stages))
    if not hasattr(net, "layer1"):
        raise SystemExit("Stages of this network are not frozen here.")
    return [net.conv1, net.bn1, net.layer1, net.layer2, net.layer3, net.layer4][:2 + stages]


def network(name):
    """A network by our name: cifar-DEPTH[-basic|-bottleneck][-optionA], imagenet-18-cifarstem, quick-8, quick-10, d2l-resnet18 (of three channels);
    imagenet-DEPTH is torchvision's own. Or channels of the stem, and of each stage CHANNELS,BLOCKS,STRIDE, all strides but the first 2."""
    name = {"quick-8": "16:48,1,2:96,1,2:192,1,2", "quick-10": "16:32,1,1:64,1,2:128,1,2:256,1,2"}.get(name, name)
    if name.startswith("d2l-resnet18"):
        return d2l()
    if re.fullmatch(r"\d+(:\d+,\d+,[12])+", name):
        stem, *stages = name.split(":")
        stages = [tuple(map(int, stage.split(","))) for stage in stages]
        if any(stride != 2 for _, _, stride in stages[1:]):
            raise SystemExit(f"{name}: strides but the first are 2 here.")
        return ResNet(int(stem), [stage[:2] for stage in stages], 1, first_stride=stages[0][2])
    if name == "imagenet-18-cifarstem":
        return ResNet(64, [(64, 2), (128, 2), (256, 2), (512, 2)], 1)
    if match := re.fullmatch(r"imagenet-(18|34|50|101|152)", name):
        from torchvision import models
        return getattr(models, f"resnet{match[1]}")(num_classes=10)
    match = re.fullmatch(r"cifar-(\d+)(-basic|-bottleneck)?(-optionA)?", name)
    if not match:
        raise SystemExit(f"{name} is not among the networks that are compared with PyTorch's.")
    depth, block = int(match[1]), match[2]
    bottleneck = block == "-bottleneck" or (block is None and (depth - 2) % 9 == 0 and (depth >= 44 or (depth - 2) % 6 != 0))
    blocks = (depth - 2) // (9 if bottleneck else 6)
    return ResNet(16, [(16, blocks), (32, blocks), (64, blocks)], 4 if bottleneck else 1, pads=match[3] is not None)
