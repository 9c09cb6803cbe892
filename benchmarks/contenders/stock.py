"""Stock MXNet: `Module.fit` with MXNet's own defaults, threads included; only NumPy's lost names are given back."""

import time

import numpy as np

from mx_notes.runtime import restore_numpy_names

restore_numpy_names()
import mxnet as mx

from mx_notes import models

from .start import CLASSES, MOMENTUM, WEIGHT_DECAY, learning_rate


class Stock:
    """A SoftmaxOutput on the network, an NDArrayIter, `fit`."""

    def __init__(self, network, parameters, data, label):
        scores = models.build(network, CLASSES, data.shape[1:])(mx.sym.Variable("data"))
        symbol = mx.sym.SoftmaxOutput(scores, name="softmax")
        self.module, self.data, self.label = mx.mod.Module(symbol), data, label
        self.rate = learning_rate(network)
        states = symbol.list_auxiliary_states()
        arrays = {name: mx.nd.array(values) for name, values in parameters.items()}
        self.start = {
            "arg_params": {name: a for name, a in arrays.items() if name not in states},
            "aux_params": {name: arrays[name] for name in states},
        }

    def losses(self, steps):
        losses, chosen = [], (np.arange(len(self.label)), self.label.astype(int))

        def after_batch(_):
            probabilities = self.module.get_outputs()[0].asnumpy()
            losses.append(float(-np.log(probabilities[chosen]).mean()))

        self._fit(steps, after_batch)
        return losses

    def train(self, steps):
        began = time.perf_counter()
        self._fit(steps)
        mx.nd.waitall()
        return time.perf_counter() - began

    def _fit(self, steps, after_batch=None):
        batch = mx.io.NDArrayIter(self.data, self.label, len(self.data))
        self.module.fit(
            mx.io.ResizeIter(batch, steps),
            num_epoch=1,
            optimizer="sgd",
            optimizer_params={"learning_rate": self.rate, "momentum": MOMENTUM, "wd": WEIGHT_DECAY},
            batch_end_callback=after_batch,
            **self.start,
        )
