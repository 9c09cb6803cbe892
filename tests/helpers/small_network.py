"""A small network for digits, bound on any number of devices, and the steps that it takes."""

import warnings

import numpy as np

from mx_notes import models, runtime, training
from mx_notes.data.feed import data_batch
from mx_notes.parallel import DataParallel, TrainedModule
from mx_notes.runtime import mx

CPUS = {count: ",".join(f"cpu:{number}" for number in range(count)) for count in (1, 2, 3, 4)}


def network(norm=None):
    """Two convolutions and a dense layer for digits, with or without a batch norm."""
    net = mx.gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(mx.gluon.nn.Conv2D(8, 3, padding=1))
        if norm is not None:
            net.add(norm())
        net.add(mx.gluon.nn.Activation("relu"), mx.gluon.nn.MaxPool2D())
        net.add(mx.gluon.nn.Conv2D(16, 3, activation="relu"), mx.gluon.nn.Dense(10))
    return models.mean_cross_entropy(net)


def bound(symbol, devices: int, batch: int, make=None, names: str = ""):
    """A module on so many devices, CPUs or those named, with weights from a seed, momentum and weight decay."""
    contexts = runtime.contexts(names or CPUS[devices])
    if make is None:
        make = DataParallel if devices > 1 else lambda *a: TrainedModule(a[0], context=a[1])
    module = make(symbol, contexts)
    module.bind([mx.io.DataDesc("data", (batch, 1, 8, 8))], [mx.io.DataDesc("softmax_label", (batch,))])
    training.seed_everything(3)
    module.init_params(models.initializer())
    settings = {"learning_rate": 0.05, "momentum": 0.9, "wd": 5e-4, "rescale_grad": 1.0}
    optimizer = mx.optimizer.SGD(
        param_idx2name=dict(enumerate(module._param_names)), sym=module.symbol, **settings
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Module's, of a rescale_grad that is not 1/batch_size
        module.init_optimizer(None, optimizer)
    return module


def parameters(module) -> dict[str, np.ndarray]:
    mx.nd.waitall()
    return {name: array.asnumpy() for name, array in module.get_params()[0].items()}


def take(module, digits, sizes) -> None:
    """A step with a batch of each of these sizes."""
    begin = 0
    for size in sizes:
        images = digits.normalise(digits.train.images[begin : begin + size])
        module.forward_backward(data_batch(images, digits.train.labels[begin : begin + size], "float32"))
        module.update()
        begin += size


def distance(one, other, start) -> float:
    """How far apart the parameters are, relative to the way that they went."""
    difference = sum(float(np.square(one[name] - other[name]).sum()) for name in start)
    return (difference / sum(float(np.square(one[name] - start[name]).sum()) for name in start)) ** 0.5


def apart(digits, norm) -> float:
    """How far two devices, with this norm, end from one with a batch norm."""
    one = bound(network(lambda: mx.gluon.nn.BatchNorm(prefix="norm_")), 1, 16)
    two = bound(network(norm), 2, 16)
    start = parameters(one)
    take(one, digits, [16, 16, 16])
    take(two, digits, [16, 16, 16])
    return distance(parameters(one), parameters(two), start)
