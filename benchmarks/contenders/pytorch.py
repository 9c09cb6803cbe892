"""PyTorch on the CPU: the same ResNets by hand, SGD fused, eager or compiled, either memory layout."""

import os
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from .start import CLASSES, MOMENTUM, WEIGHT_DECAY, learning_rate


def convolution(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Block(nn.Module):
    """Two or three convolutions and a shortcut, as version 1 in MXNet's model zoo and gluoncv's for CIFAR."""

    def __init__(self, inputs, outputs, stride, bottleneck):
        super().__init__()
        if bottleneck:  # the stride is in the first convolution, and those of 1×1 have biases
            inner = outputs // 4
            parts = [
                *(
                    convolution(inputs, inner, 1, stride, bias=True),
                    nn.BatchNorm2d(inner),
                    nn.ReLU(inplace=True),
                ),
                *(convolution(inner, inner, 3), nn.BatchNorm2d(inner), nn.ReLU(inplace=True)),
                *(convolution(inner, outputs, 1, bias=True), nn.BatchNorm2d(outputs)),
            ]
        else:
            parts = [
                *(convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
                *(convolution(outputs, outputs, 3), nn.BatchNorm2d(outputs)),
            ]
        shortcut = nn.Identity()
        if inputs != outputs:
            shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        both = {"shortcut": shortcut, "body": nn.Sequential(*parts)}
        for name in (
            ("body", "shortcut") if bottleneck else ("shortcut", "body")
        ):  # MXNet's order of parameters
            setattr(self, name, both[name])

    def forward(self, x):
        return torch.relu_(self.body(x) + self.shortcut(x))


def resnet(name, image_channels):
    """The network of that name with its layers in MXNet's order."""
    if name.startswith("cifar_"):
        stem, channels = [convolution(image_channels, 16, 3), nn.BatchNorm2d(16)], [16, 16, 32, 64]
        blocks, bottleneck = [3, 3, 3], False
    else:
        stem = [
            nn.Conv2d(image_channels, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        ]
        bottleneck = name == "resnet50_v1"
        channels = [64, 256, 512, 1024, 2048] if bottleneck else [64, 64, 128, 256, 512]
        blocks = [3, 4, 6, 3] if bottleneck else [2, 2, 2, 2]
    layers = list(stem)
    for stage, count in enumerate(blocks):
        for number in range(count):
            inputs = channels[stage] if number == 0 else channels[stage + 1]
            stride = 2 if number == 0 and stage > 0 else 1
            layers.append(Block(inputs, channels[stage + 1], stride, bottleneck))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], CLASSES))


def load(net, parameters):
    """Give the network MXNet's values, which come in the same order."""
    values = iter([v for name, v in parameters.items() if not name.endswith(("running_mean", "running_var"))])
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.from_numpy(next(values)))
    assert next(values, None) is None


class Eager:
    """A plain training loop; the loss is read a step later, as in mx_notes."""

    def __init__(self, network, parameters, data, label, channels_last):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        net = resnet(network, data.shape[1])
        load(net, parameters)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        net = net.to(memory_format=layout)
        self.layout = layout
        self.batch = self.tensors(data, label)
        decayed = [p for name, p in net.named_parameters() if name.endswith("weight")]
        others = [p for name, p in net.named_parameters() if not name.endswith("weight")]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others}]
        self.optimizer = torch.optim.SGD(groups, learning_rate(network), MOMENTUM, fused=True)
        self.net = self.prepare(net)

    def prepare(self, net):
        return net

    def tensors(self, data, label):
        """A batch, NumPy (N, C, H, W) and (N,), as `step` takes it."""
        return torch.from_numpy(data).to(memory_format=self.layout), torch.from_numpy(label).long()

    def losses(self, steps):
        return [float(self.step(*self.batch)[0]) for _ in range(steps)]

    def train(self, steps):
        began, before = time.perf_counter(), None
        for _ in range(steps):
            loss, correct = self.step(*self.batch)
            if before:
                float(before[0]), int(before[1])
            before = loss, correct
        float(before[0])
        return time.perf_counter() - began

    def step(self, data, label):
        """Train on a batch: its loss, and how many were right."""
        self.optimizer.zero_grad(set_to_none=True)
        scores = self.net(data)
        loss = cross_entropy(scores, label)
        loss.backward()
        self.optimizer.step()
        return loss.detach(), (scores.detach().argmax(1) == label).sum()


class Compiled(Eager):
    """Through torch.compile."""

    def prepare(self, net):
        return torch.compile(net)
