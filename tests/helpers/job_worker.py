"""What each worker of a job does in test_workers.py: `python job_worker.py STEPS|EXCHANGE|LEAVE OUT`."""

import os
import sys
import time
from pathlib import Path

import numpy as np
from small_network import bound, network, parameters

from mx_notes import data
from mx_notes.data import Augmentation, Dataset, Part
from mx_notes.errors import UserError
from mx_notes.parallel import DataParallel
from mx_notes.parallel.workers import Agreed, Workers, joined

BATCH = 16
AUGMENTATION = Augmentation(reflect=0.5, translate=1, rotate=10.0, noise=0.1)


def some(examples: int) -> Dataset:
    """Digits with so many training examples."""
    digits = data.load("digits", validation=0.1, seed=1)
    train = Part(digits.train.images[:examples], digits.train.labels[:examples])
    return Dataset("digits", digits.classes, train, digits.validation, digits.test, digits.source)


def trained(workers: Workers, examples: int, devices: int = 1) -> dict[str, np.ndarray]:
    """The parameters after two epochs, without batch norm, on this worker."""
    feed = some(examples).training(BATCH, seed=1, augmentation=AUGMENTATION, share=workers.share)
    own = len(feed.plan.own(0))
    module = bound(network(), devices, own, lambda symbol, contexts: DataParallel(symbol, contexts, workers))
    for epoch in range(2):
        for batch in feed.epoch(epoch):
            module.forward_backward(batch)
            module.update()
    return parameters(module)


def steps(workers: Workers, out: Path) -> None:
    """Train on data that the batches divide in all ways, on one and on two devices each."""
    for examples, devices in ((55, 1), (49, 1), (52, 2)):
        np.savez(out / f"{examples}-{workers.rank}.npz", **trained(workers, examples, devices))


def exchange(workers: Workers, out: Path) -> None:
    """Numbers, texts and files come through exactly; so do errors."""
    rank, count = workers.share
    rows = workers.collect([rank + 1 / 3, float("nan"), -float("inf")])
    assert rows.tobytes() == np.array([[i + 1 / 3, np.nan, -np.inf] for i in range(count)]).tobytes()
    assert workers.texts("é" * rank) == ["é" * i for i in range(count)]
    content = np.random.default_rng(1).bytes(300_001)
    assert workers.broadcast(b"" if rank else content) == content
    for wrong in range(count):
        try:
            with workers.together():
                if rank == wrong:
                    raise UserError("no such folder")
        except Agreed as error:
            assert str(error) == ("no such folder" if wrong == 0 else f"worker {wrong}: no such folder")
        else:
            raise AssertionError("it failed on a worker")
    workers.expect_same(batch_size=8, model="resnet")
    try:
        workers.expect_same(batch_size=8 + rank, model="resnet")
    except Agreed as error:
        assert str(error) == "worker 1: batch_size 9, but 8 on worker 0"
    else:
        raise AssertionError("they differ")
    workers.ask_to_stop(15 if rank == 1 else 0)
    assert workers.stop == 0
    workers.collect([])
    assert workers.stop == 15
    (out / f"done-{workers.rank}").touch()


def leave(workers: Workers, out: Path) -> None:
    """Worker 0 dies when the other has nothing left to do."""
    workers.collect([])
    if workers.rank == 0:
        time.sleep(2)
        os._exit(9)


if __name__ == "__main__":
    with joined() as workers:
        {"STEPS": steps, "EXCHANGE": exchange, "LEAVE": leave}[sys.argv[1]](workers, Path(sys.argv[2]))
