"""mx_notes: the network, optimiser and step of `mx-notes train`."""

import time

from mx_notes.commands.bench import gemm
from mx_notes.recipes import Recipe
from mx_notes.runtime import mx
from mx_notes.training import Meter, bind

from .start import CLASSES, MOMENTUM, WEIGHT_DECAY, learning_rate


class Ours:
    """As `training.fit` does it: forward_backward, update, and the batch's numbers read a step later."""

    def __init__(self, network, parameters, data, label):
        recipe = Recipe(
            data="cifar10",
            model=network,
            epochs=1,
            batch_size=len(data),
            learning_rate=learning_rate(network),
            momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY,
            schedule="constant",
        )
        symbol, self.module = bind(recipe, CLASSES, data.shape[1:], 1, [mx.cpu()])
        states = symbol.list_auxiliary_states()
        arrays = {name: mx.nd.array(values) for name, values in parameters.items()}
        self.module.set_params(
            {name: a for name, a in arrays.items() if name not in states},
            {name: arrays[name] for name in states},
        )
        self.batch = mx.io.DataBatch([mx.nd.array(data)], [mx.nd.array(label)])

    def losses(self, steps):
        meter, losses = Meter(), []
        for _ in range(steps):
            self._step(meter)
            meter.catch_up()
            losses.append(meter.last_loss)
        return losses

    def train(self, steps):
        began, meter = time.perf_counter(), Meter()
        for _ in range(steps):
            self._step(meter)
        meter.catch_up()
        mx.nd.waitall()
        return time.perf_counter() - began

    def _step(self, meter):
        self.module.forward_backward(self.batch)
        self.module.update()
        meter.add(self.module.get_outputs(), self.batch.label[0])

    def gemm(self, _):
        return gemm()
