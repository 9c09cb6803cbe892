"""Inputs with gradients of their own, as for adversarial examples, are handed to a thread that keeps and then frees
them while training goes on. A number as argument: so many steps.

Warnings: none
"""

import queue
import sys
import threading

import mxnet as mx
from mxnet import autograd, gluon, nd

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 150
mx.random.seed(71)
network = gluon.nn.Dense(4, in_units=4)
network.initialize()
trainer = gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": 1e-4})
handed_over = queue.Queue(maxsize=200)


def keep():
    while (inputs := handed_over.get()) is not None:
        inputs.clear()


keeper = threading.Thread(target=keep)
keeper.start()
for _ in range(steps):
    inputs = [nd.random.normal(shape=(2, 4)) for _ in range(40)]
    for each in inputs:
        each.attach_grad()
    with autograd.record():
        loss = network(nd.concat(*inputs, dim=0)).square().sum(axis=1)
    loss.backward()
    trainer.step(80)
    handed_over.put(inputs)
    del inputs, each
handed_over.put(None)
keeper.join()
print("loss", loss.mean().asscalar())
