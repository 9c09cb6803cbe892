"""Gluon image classifiers by name, for images of any size and number of channels."""

from __future__ import annotations

import functools

from ..errors import UserError, nearest
from ..runtime import gluoncv, mx
from .loss import logits_symbol

SMALL = 64  # pixels: up to here the ImageNet stem, which divides the size by 4, leaves too little to look at
ZOO = "gluoncv.model_zoo"
SEGMENTATION = {"danet", "deeplabv3", "deeplabv3b_plus", "fastscnn", "fcn", "icnet", "pspnet"}
PRUNED = f"{ZOO}.pruned_resnet.resnetv1b_pruned"
IN_FOLDERS = {PRUNED, f"{ZOO}.yolo.darknet"}
WITH_THUMBNAIL = {f"{ZOO}.resnet", f"{ZOO}.se_resnet"}


@functools.cache
def names() -> tuple[str, ...]:
    """List the image classifiers of gluoncv's model zoo, which has all of MXNet's own, in alphabetical order.

    They are known by where their factories are: gluoncv keeps classifiers directly in `model_zoo`, and
    networks for other tasks, except segmentation, in folders.
    """
    return tuple(sorted(name for name, factory in _factories().items() if _classifies(name, factory)))


def _factories() -> dict:
    return gluoncv.model_zoo.model_zoo._models


def _classifies(name: str, factory) -> bool:
    module = factory.__module__
    if name.endswith("_s"):  # HRNet for segmentation
        return False
    if name.endswith("_gn"):  # MXNet 1.9.1's GroupNorm cannot be made a Symbol
        return False
    folder, _, file = module.rpartition(".")
    return module in IN_FOLDERS or (folder == ZOO and file not in SEGMENTATION)


def build(name: str, classes: int, shape: tuple[int, int, int]) -> mx.gluon.HybridBlock:
    """Build the network for images of `shape` (channels, height, width), not initialised, never pretrained.

    For images of up to 64 pixels the ImageNet ResNets (v1 to v2, SE, ResNeSt) get a stem of 3x3
    convolutions of stride 1 without pooling. A name gives the same parameter names in every build. In
    float32: `net.cast("float16")` before `mean_cross_entropy` gives half precision.

    Raises UserError for an unknown name, and for images of a size that the network can't take.
    """
    check(name)
    small = max(shape[1:]) <= SMALL
    with mx.name.NameManager():
        net = _make(name, classes, small)
        if small and isinstance(net, _with_replaceable_stem()):
            _shrink_stem(net)
        if _factories()[name].__module__ == PRUNED:
            with net.name_scope():  # pruning has set the 1,000 classes of ImageNet
                net.fc = mx.gluon.nn.Dense(classes, prefix="dense0_")
    _accept_channels(net, shape[0])
    if not _fits(net, classes, shape):
        raise UserError(
            f"{name} cannot take images of {shape[1]}x{shape[2]} pixels: it is made for "
            f"{'x'.join(map(str, usual_shape(name)[1:]))}; choose another model or image size"
        )
    return net


def usual_shape(name: str) -> tuple[int, int, int]:
    """The (channels, height, width) that a network was published for."""
    if name.startswith("cifar_"):
        return 3, 32, 32
    return (3, 299, 299) if name == "inceptionv3" else (3, 224, 224)


def check(name: str) -> None:
    """Raise UserError, naming the nearest, if there is no model of this name."""
    if name not in names():
        raise UserError(
            f"no model {name!r}: {nearest(name, names(), otherwise='`mx-notes models` lists them')}"
        )


def _make(name: str, classes: int, small: bool) -> mx.gluon.HybridBlock:
    module = _factories()[name].__module__
    arguments = {"num_classes" if module == f"{ZOO}.hrnet" else "classes": classes}
    if small and module in WITH_THUMBNAIL:
        arguments["thumbnail"] = True
    return gluoncv.model_zoo.get_model(name, pretrained=False, **arguments)


def _with_replaceable_stem() -> tuple[type, ...]:
    return gluoncv.model_zoo.resnetv1b.ResNetV1b, gluoncv.model_zoo.resnest.ResNeSt


def _shrink_stem(net: mx.gluon.HybridBlock) -> None:
    """Give the first stage full resolution, as `thumbnail` does in the other ResNets."""
    with net.name_scope():
        if isinstance(net.conv1, mx.gluon.nn.HybridSequential):  # v1c and later have three of 3x3
            net.conv1[0]._kwargs["stride"] = (1, 1)
        else:
            channels = net.conv1._channels
            net.conv1 = mx.gluon.nn.Conv2D(channels, 3, padding=1, use_bias=False, prefix="conv0_")
        # Gluon only lets a block be replaced by one of its own class.
        net.maxpool = mx.gluon.nn.MaxPool2D(pool_size=1, strides=1)


def _accept_channels(net: mx.gluon.HybridBlock, channels: int) -> None:
    """Change the 3 channels to which some networks fix the input of their first convolution."""
    first = next(weight for weight in net.collect_params().values() if len(weight.shape or ()) == 4)
    if first.shape[1] == 3:
        first._shape = (first.shape[0], channels, *first.shape[2:])


def _fits(net: mx.gluon.HybridBlock, classes: int, shape: tuple[int, int, int]) -> bool:
    try:
        # Not infer_shape: where it fails, it prints before it raises.
        return logits_symbol(net).infer_shape_partial(data=(2, *shape))[1] == [(2, classes)]
    except mx.MXNetError:
        return False
    finally:
        # A parameter keeps its variable, with its dtype; without this, net.cast() would have no effect.
        for parameter in net.collect_params().values():
            parameter._var = None


def initializer() -> mx.init.Initializer:
    """Weights from a normal of mean 0 and variance 2 / fan-in (He et al. 2015, arXiv 1502.01852, eq. 10).

    A ReLU passes half of a centred signal's second moment, which the 2 makes up for, so that neither a
    deep ReLU network's activations nor its gradients grow or vanish with depth at the start.
    """
    return mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)
