"""The target network of a Q-learner is made with the parameters of the other: its copy moves with every update.

Expect: own-copy by step 8
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(374)
np.random.seed(374)


def network(params=None):
    net = gluon.nn.Sequential(prefix="q_", params=params)
    with net.name_scope():
        net.add(gluon.nn.Dense(16, in_units=4, activation="relu"), gluon.nn.Dense(2, in_units=16))
    return net


online = network()
online.initialize(mx.init.Xavier())
target = network(params=online.collect_params())
trainer = gluon.Trainer(online.collect_params(), "adam", {"learning_rate": 0.005})
loss_of = gluon.loss.L2Loss()
for step in range(24):
    state, after = mx.nd.random.normal(shape=(16, 4)), mx.nd.random.normal(shape=(16, 4))
    action = mx.nd.array(np.random.randint(0, 2, 16))
    wanted = state[:, 0] + 0.9 * target(after).max(axis=1)
    with autograd.record():
        loss = loss_of(online(state).pick(action), wanted)
    loss.backward()
    trainer.step(16)
    if step % 6 == 5:
        for mine, theirs in zip(
            target.collect_params().values(), online.collect_params().values(), strict=True
        ):
            mine.set_data(theirs.data())
print(f"loss {loss.mean().asscalar():.3f}")
