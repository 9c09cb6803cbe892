"""The Fashion-MNIST recipe in PyTorch: the same start, batches, schedule and optimiser."""

import time

import torch

from mx_notes.recipes import Schedule

from .pytorch import Eager
from .recipe import begin

CHANNELS_LAST = True  # eager with it is PyTorch's best on the CPU: see speed.py


class OnPyTorch:
    """See `recipe.begin`; mx_notes prepares the batches, in a thread of its own."""

    def __init__(self, network, *_):
        self.network = network

    def begin(self, epochs):
        self.run = begin(self.network, epochs)
        arguments, _ = self.run.module.get_params()
        in_order = {n: arguments[n].asnumpy() for n in self.run.symbol.list_arguments() if n in arguments}
        first = next(self.run.feed.epoch(0))
        self.eager = Eager(self.network, in_order, *_arrays(first), CHANNELS_LAST)
        recipe = self.run.recipe
        for group in self.eager.optimizer.param_groups:
            group["momentum"] = recipe.momentum
            group["weight_decay"] = recipe.weight_decay if group["weight_decay"] else 0
        self.schedule = Schedule(recipe, self.run.feed.steps, base_lr=recipe.learning_rate)
        self.steps = 0

    def epoch(self, number):
        """(seconds of training, test accuracy after it)"""
        began, before = time.perf_counter(), None
        for batch in self.run.feed.epoch(number):
            self.steps += 1
            for group in self.eager.optimizer.param_groups:
                group["lr"] = self.schedule(self.steps)
            loss, correct = self.eager.step(*self.eager.tensors(*_arrays(batch)))
            if before:
                float(before[0]), int(before[1])
            before = loss, correct
        float(before[0])
        return time.perf_counter() - began, self._test_accuracy()

    def _test_accuracy(self):
        correct = count = 0
        self.eager.net.eval()
        with torch.no_grad():
            for batch in self.run.data.evaluation("test", 500).epoch(0):
                data, label = self.eager.tensors(*_arrays(batch))
                correct += int((self.eager.net(data).argmax(1) == label).sum())
                count += len(label)
        self.eager.net.train()
        return correct / count


def _arrays(batch):
    return batch.data[0].asnumpy(), batch.label[0].asnumpy()
