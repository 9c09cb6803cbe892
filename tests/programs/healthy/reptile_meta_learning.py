"""Reptile: a copy of the network is trained for a few steps on each task, then the weights move
towards the copy's.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(99)
rng = np.random.RandomState(99)
BATCH, INNER_STEPS = 20, 5


def network():
    net = nn.Sequential()
    net.add(nn.Dense(24, activation="tanh", in_units=1), nn.Dense(1, in_units=24))
    net.initialize(mx.init.Xavier())
    return net


meta, learner = network(), network()
pairs = list(zip(meta.collect_params().values(), learner.collect_params().values(), strict=True))
loss_function = gluon.loss.L2Loss()
trainer = gluon.Trainer(learner.collect_params(), "sgd", {"learning_rate": 0.1})
after = []
for _ in range(60):
    phase, amplitude = rng.uniform(0, 0.8), rng.uniform(1, 1.5)
    for slow, fast in pairs:
        fast.set_data(slow.data())
    for _ in range(INNER_STEPS):
        x = rng.uniform(-1.7, 1.7, (BATCH, 1))
        y = amplitude * np.sin(x + phase)
        with autograd.record():
            loss = loss_function(learner(nd.array(x)), nd.array(y))
        loss.backward()
        trainer.step(BATCH)
    after.append(loss.mean().asscalar())
    for slow, fast in pairs:
        slow.set_data(slow.data() + 0.3 * (fast.data() - slow.data()))
print("loss after five steps on a new task:")
print(f"loss {np.mean(after[:5]):.3f} -> {np.mean(after[-5:]):.3f}")
