"""Deep Q-learning in a small walk: replay memory, a target network that is never trained but copied
every ten steps.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(75)
rng = np.random.RandomState(75)
PLACES, BATCH, DISCOUNT = 8, 32, 0.9


def network():
    net = nn.HybridSequential()
    net.add(nn.Dense(24, activation="relu", in_units=PLACES), nn.Dense(2, in_units=24))
    net.initialize(mx.init.Xavier(magnitude=1))
    net.hybridize()
    return net


def one_hot(places):
    return nd.array(np.eye(PLACES)[places])


# A random walk to fill the memory: action 1 goes right, 0 left; the reward is at the right end.
place = rng.randint(0, PLACES, 600)
action = rng.randint(0, 2, 600)
after = np.clip(place + 2 * action - 1, 0, PLACES - 1)
reward = (after == PLACES - 1).astype("float32")

online, target = network(), network()
trainer = gluon.Trainer(online.collect_params(), "adam", {"learning_rate": 0.02})
huber = gluon.loss.HuberLoss()
best_value = np.array([DISCOUNT ** max(0, PLACES - 2 - p) / (1 - DISCOUNT) for p in range(PLACES)])
errors = []
for step in range(150):
    if step % 10 == 0:
        for ours, theirs in zip(
            target.collect_params().values(), online.collect_params().values(), strict=True
        ):
            ours.set_data(theirs.data())
    rows = rng.choice(600, BATCH, replace=False)
    value_after = target(one_hot(after[rows])).max(axis=1)
    goal = nd.array(reward[rows]) + DISCOUNT * value_after
    with autograd.record():
        value = nd.pick(online(one_hot(place[rows])), nd.array(action[rows]))
        loss = huber(value, goal)
    loss.backward()
    trainer.step(BATCH)
    if step % 10 == 9:
        errors.append(np.abs(online(one_hot(np.arange(PLACES))).asnumpy().max(axis=1) - best_value).mean())
print("error of the values:")
print(f"loss {errors[0]:.3f} -> {errors[-1]:.3f}")
