"""Gluon image classifiers by name, as a Symbol whose gradient is that of the mean of the batch's losses."""

from __future__ import annotations

import functools
from difflib import get_close_matches

from .errors import UserError
from .runtime import gluoncv, mx

SMALL = 64  # pixels: below, the stem that divides the size by 4 would leave nothing to look at
SEGMENTATION = {"fcn", "pspnet", "deeplabv3", "deeplabv3b_plus", "icnet", "fastscnn", "danet"}
BACKBONES = {"gluoncv.model_zoo.yolo.darknet", "gluoncv.model_zoo.pruned_resnet.resnetv1b_pruned"}


@functools.cache
def names() -> tuple[str, ...]:
    """The image classifiers of gluoncv's model zoo, which holds all of MXNet's own.

    Told by where their factory is: gluoncv has its classifiers directly in `model_zoo`, those for other
    tasks (but for segmentation) in folders of their own.
    """
    return tuple(sorted(name for name, factory in _factories().items() if _classifies(name, factory)))


def _factories() -> dict:
    return gluoncv.model_zoo.model_zoo._models


def _classifies(name: str, factory) -> bool:
    folder, _, module = factory.__module__.rpartition(".")
    if factory.__module__ in BACKBONES:
        return True
    return folder == "gluoncv.model_zoo" and module not in SEGMENTATION and not name.endswith("_s")


def build(name: str, classes: int, shape: tuple[int, int, int]) -> mx.gluon.HybridBlock:
    """The network for images of `shape` (channels, height, width), not yet initialised.

    ImageNet ResNets get a 3×3 stem of stride 1 without pooling where the images are of up to 64 pixels.
    Every build has the same parameter names. Raises UserError for an unknown name, and if the images are
    too small for the network.
    """
    if name not in names():
        near = get_close_matches(name, names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "`mx-notes models` lists them"
        raise UserError(f"no model {name!r}: {hint}")
    small = max(shape[1:]) <= SMALL
    arguments = {"classes": classes}
    if small and _factories()[name].__module__ == "gluoncv.model_zoo.resnet":
        arguments["thumbnail"] = True
    with mx.name.NameManager():
        net = gluoncv.model_zoo.get_model(name, **arguments)
        if small and isinstance(net, gluoncv.model_zoo.resnetv1b.ResNetV1b):
            _shrink_stem(net)
    try:
        output = _logits(net).infer_shape(data=(2, *shape))[1][0]
    except mx.MXNetError:
        output = None
    if output != (2, classes):
        raise UserError(f"{name} cannot take images of {shape[1]}×{shape[2]}: choose another model")
    return net


def _shrink_stem(net: mx.gluon.HybridBlock) -> None:
    """What `thumbnail` is to the other ResNets: full resolution for the first stage."""
    with net.name_scope():
        if isinstance(net.conv1, mx.gluon.nn.HybridSequential):  # v1c and later: three 3×3
            net.conv1[0]._kwargs["stride"] = (1, 1)
        else:
            channels = net.conv1._channels
            net.conv1 = mx.gluon.nn.Conv2D(channels, 3, padding=1, use_bias=False, prefix="conv0_")
        net.maxpool = mx.gluon.nn.HybridLambda("identity", prefix="maxpool_")


def _logits(net: mx.gluon.HybridBlock) -> mx.sym.Symbol:
    with mx.name.NameManager():
        output = net(mx.sym.var("data"))
    # Networks with auxiliary classifiers (Inception) give several outputs, their own first.
    return output[0] if isinstance(output, (tuple, list)) else output


def mean_cross_entropy(net: mx.gluon.HybridBlock) -> mx.sym.Symbol:
    """data (N, C, H, W) and softmax_label (N,) to [mean loss (1,), probabilities (N, classes)].

    loss = mean over the batch of -log softmax(logits)[label]; its `backward()` gives the gradient of that
    mean. The mean is a node of the graph, so a batch of any size is averaged over its own examples, and
    the optimiser has nothing to rescale. The losses (N,) before it are the output `losses_output`.
    """
    logits = mx.sym.cast(_logits(net), dtype="float32", name="logits")
    label = mx.sym.var("softmax_label")
    log_probabilities = mx.sym.log_softmax(logits, name="log_probabilities")
    losses = mx.sym.negative(mx.sym.pick(log_probabilities, label, name="picked"), name="losses")
    loss = mx.sym.make_loss(mx.sym.mean(losses, name="mean"), name="loss")
    probabilities = mx.sym.BlockGrad(mx.sym.softmax(logits, name="softmax"), name="probabilities")
    return mx.sym.Group([loss, probabilities])


def initializer() -> mx.init.Initializer:
    """He et al. 2015 (arXiv 1502.01852, eq. 10): a normal of variance 2 / fan-in keeps a ReLU net's signal."""
    return mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)
