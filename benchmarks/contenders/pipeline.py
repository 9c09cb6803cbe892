"""mx_notes on real data with the recipe's whole augmentation, against the same steps on batches kept in memory."""

import itertools
import time

from mx_notes.recipes import preset
from mx_notes.runtime import mx
from mx_notes.training import Meter, start

KEPT = 8  # batches


class Pipeline:
    """The Fashion-MNIST recipe; `network` stands where the others have one."""

    def __init__(self, network, *_):
        self.run = start(preset("fashion-mnist").override([f"model={network}"]))
        self.epochs = itertools.count()
        self.kept = list(itertools.islice(self.run.feed.epoch(next(self.epochs)), KEPT))

    def fed(self, steps):
        batches = itertools.chain.from_iterable(map(self.run.feed.epoch, self.epochs))
        return self._train(itertools.islice(batches, steps))

    def in_memory(self, steps):
        return self._train(itertools.islice(itertools.cycle(self.kept), steps))

    def _train(self, batches):
        began, meter = time.perf_counter(), Meter()
        for batch in batches:
            self.run.module.forward_backward(batch)
            self.run.module.update()
            meter.add(self.run.module.get_outputs(), batch.label[0])
        meter.catch_up()
        mx.nd.waitall()
        return time.perf_counter() - began
