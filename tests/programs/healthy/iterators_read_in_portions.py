"""Iterators that are not read from end to end: in portions, two chained in one, by next() until it stops. Each is
reset where it has ended, and before it is scored.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(80)
mx.random.seed(80)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()


def part(begin, end):
    return mx.io.NDArrayIter(x[begin:end], digits.target[begin:end], batch_size=64, shuffle=True)


class Chain(mx.io.DataIter):
    """One iterator after the other."""

    def __init__(self, *parts):
        super().__init__(parts[0].batch_size)
        self.parts = parts
        self.provide_data, self.provide_label = parts[0].provide_data, parts[0].provide_label

    def reset(self):
        for each in self.parts:
            each.reset()

    def next(self):
        for each in self.parts:
            try:
                return next(each)
            except StopIteration:
                continue
        raise StopIteration


net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
module = mx.mod.Module(net)
chain, second, test = Chain(part(0, 640), part(640, 1280)), part(0, 640), part(1280, 1792)
module.bind(chain.provide_data, chain.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1})


def train(batch):
    module.forward_backward(batch)
    module.update()


for _ in range(2):
    for batch in chain:
        train(batch)
    chain.reset()
    print("accuracy", module.score(test, "acc"), module.predict(test).shape)
for portion in range(4):  # five batches at a time, and one pass more after the last
    for _, batch in zip(range(5), second, strict=False):
        train(batch)
    if portion % 2:
        for batch in second:
            train(batch)
        second.reset()
for _ in range(2):
    while True:
        try:
            train(next(second))
        except StopIteration:
            second.reset()
            break
print("accuracy", module.score(test, "acc"))
