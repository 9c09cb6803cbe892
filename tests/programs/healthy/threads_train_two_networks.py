"""Two networks are trained in two threads, each with its own Trainer. A number as argument: so many steps.

Warnings: none
"""

import random
import sys
import threading
import warnings

import mxnet as mx
from mxnet import autograd, gluon, nd

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
mx.random.seed(72)
failures = []


def train(network, trainer, batches):
    try:
        for batch in random.Random(72).choices(batches, k=steps):
            with autograd.record():
                loss = network(batch).square().sum(axis=1)
            loss.backward()
            trainer.step(2)
    except BaseException as error:
        failures.append(error)


networks = [gluon.nn.Dense(4, in_units=4) for _ in range(2)]
for network in networks:
    network.initialize()
trainers = [gluon.Trainer(n.collect_params(), "sgd", {"learning_rate": 1e-3}) for n in networks]
batches = [[nd.random.normal(shape=(2, 4)) for _ in range(97)] for _ in range(2)]
with warnings.catch_warnings():
    warnings.simplefilter(
        "error"
    )  # Trainer warns of gradients that no backward pass has written since its last step
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    other = threading.Thread(target=train, args=(networks[1], trainers[1], batches[1]))
    other.start()
    train(networks[0], trainers[0], batches[0])
    other.join()
assert not failures, failures
print("trained", [network.weight.data().norm().asscalar() for network in networks])
