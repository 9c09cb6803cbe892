"""Writes what all contenders begin with: python -m contenders.start NETWORK BATCH IMAGE_SIZE FOLDER"""

import sys
from pathlib import Path

import numpy as np

from mx_notes import models
from mx_notes.runtime import mx
from mx_notes.training import seed_everything

CLASSES, SEED = 10, 1
MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4


def learning_rate(network: str) -> float:
    """Small enough that rounding alone does not part the losses within five steps, as deep networks make it."""
    return 2e-6 if network == "resnet50_v1" else 1e-3


def write(network: str, batch: int, size: int, folder: Path) -> None:
    """parameters.npz, by their names in MXNet and in its order, and batch.npz with data and label.

    Images are RGB, size × size pixels.
    """
    shape = (3, size, size)
    seed_everything(SEED)
    symbol = models.mean_cross_entropy(models.build(network, CLASSES, shape))
    module = mx.mod.Module(symbol, ("data",), ("softmax_label",))
    module.bind([("data", (1, *shape))], [("softmax_label", (1,))])
    module.init_params(models.initializer())
    arguments, states = module.get_params()
    np.savez(folder / "parameters.npz", **{name: a.asnumpy() for name, a in (arguments | states).items()})
    draw = np.random.default_rng(SEED)
    data = draw.standard_normal((batch, *shape), dtype=np.float32)
    np.savez(folder / "batch.npz", data=data, label=draw.integers(0, CLASSES, batch).astype(np.float32))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
