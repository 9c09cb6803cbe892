"""A Gluon loop as training scripts for CIFAR write it, with all cores."""

import time

from mx_notes import models
from mx_notes.runtime import mx

from .start import CLASSES, MOMENTUM, WEIGHT_DECAY, learning_rate


class Loop:
    """`hybridize()`, the batch split over the (one) device, `Trainer.step`, metrics each batch."""

    def __init__(self, network, parameters, data, label):
        self.net = models.build(network, CLASSES, data.shape[1:])
        self.net.initialize()
        self.net(mx.nd.zeros((1, *data.shape[1:])))
        for name, parameter in self.net.collect_params().items():
            parameter.set_data(mx.nd.array(parameters[name]))
        self.net.hybridize()
        self.trainer = mx.gluon.Trainer(
            self.net.collect_params(),
            "sgd",
            {"learning_rate": learning_rate(network), "momentum": MOMENTUM, "wd": WEIGHT_DECAY},
        )
        for name, parameter in self.net.collect_params().items():
            if name.endswith(("bias", "beta")):
                parameter.wd_mult = 0.0  # as Module does by itself
        self.loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
        self.metric = mx.metric.Accuracy()
        self.data, self.label = mx.nd.array(data), mx.nd.array(label)

    def losses(self, steps):
        return [self._step() for _ in range(steps)]

    def train(self, steps):
        began = time.perf_counter()
        for _ in range(steps):
            self._step()
        mx.nd.waitall()
        return time.perf_counter() - began

    def _step(self):
        data = mx.gluon.utils.split_and_load(self.data, [mx.cpu()])
        label = mx.gluon.utils.split_and_load(self.label, [mx.cpu()])
        with mx.autograd.record():
            output = [self.net(part) for part in data]
            loss = [self.loss_of(scores, truth) for scores, truth in zip(output, label, strict=True)]
        for part in loss:
            part.backward()
        self.trainer.step(len(self.data))
        self.metric.update(label, output)
        return sum(part.sum().asscalar() for part in loss) / len(self.data)
