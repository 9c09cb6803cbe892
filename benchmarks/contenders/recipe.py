"""The Fashion-MNIST recipe, an epoch at a time: mx_notes as `training.fit` trains it."""

import time

from mx_notes.recipes import preset
from mx_notes.runtime import mx
from mx_notes.training import Meter, Run, score, start


def begin(network: str, epochs: int) -> Run:
    """The run that both contenders start from."""
    return start(preset("fashion-mnist").override([f"model={network}", f"epochs={epochs}"]))


class Ours:
    """See `begin`; the others' arguments are not needed."""

    def __init__(self, network, *_):
        self.network = network

    def begin(self, epochs):
        self.run = begin(self.network, epochs)

    def epoch(self, number):
        """(seconds of training, test accuracy after it)"""
        module, meter = self.run.module, Meter()
        began = time.perf_counter()
        for batch in self.run.feed.epoch(number):
            module.forward_backward(batch)
            module.update()
            meter.add(module.get_outputs(), batch.label[0])
        meter.catch_up()
        mx.nd.waitall()
        seconds = time.perf_counter() - began
        return seconds, score(module, self.run.data.evaluation("test", 500)).accuracy
