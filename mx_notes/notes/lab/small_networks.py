"""Networks so small that they learn digits in a second or two."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...runtime import mx

CLASSES = 10


def convolutional(
    widths: Sequence[int] = (16, 32),
    batch_norm: bool = False,
    pooled_after: Collection[int] = (1, 2),
    count: int = 1,
    size: int = 8,
) -> mx.gluon.nn.HybridSequential:
    """Stack 3×3 convolutions of the given widths with ReLU, then score the classes by a linear layer.

    Each convolution has batch norm or a bias. After the layers `pooled_after` (1: the first) the image is
    halved. The default network reads 98% of the digits after a dozen epochs.

    count: build so many networks side by side, which share nothing but the calls of MXNet's operators: images
    (batch, count, size, size), one for each network, become scores (batch, count * 10, 1, 1).
    """
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    for layer, width in enumerate(widths, start=1):
        net.add(nn.Conv2D(width * count, 3, padding=1, groups=count, use_bias=not batch_norm))
        if batch_norm:
            net.add(nn.BatchNorm())
        net.add(nn.Activation("relu"))
        if layer in pooled_after:
            net.add(nn.MaxPool2D())
    if count == 1:
        net.add(nn.Dense(CLASSES))
    else:  # the same, of each network's own features
        net.add(nn.Conv2D(CLASSES * count, size >> len(pooled_after), groups=count))
    return net


def perceptron(*widths: int, activation: str | None = "relu") -> mx.gluon.nn.HybridSequential:
    """Stack fully connected layers of the given widths with an activation (None: linear), then score the classes."""
    net = mx.gluon.nn.HybridSequential()
    for width in widths:
        net.add(mx.gluon.nn.Dense(width, activation=activation))
    net.add(mx.gluon.nn.Dense(CLASSES))
    return net
