"""mx_notes on real data with a recipe's whole augmentation, against the same steps on batches kept in memory."""

import itertools
import os
import time

from mx_notes.recipes import preset
from mx_notes.runtime import mx
from mx_notes.training import Meter, start

KEPT = 8  # batches


class Pipeline:
    """A recipe of ours with that network; the folder of pictures, where it takes one, is $PICTURES."""

    def __init__(self, network, parameters, data, label, recipe):
        of_folder = {"data_dir": os.environ["PICTURES"], "batch_size": 128} if recipe == "folder" else {}
        self.run = start(preset(recipe).override(model=network, **of_folder))
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
