"""Two networks whose losses are recorded in one scope, as TD3's critics: then each one's backward pass and step in turn.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(65)
np.random.seed(65)
states = np.random.normal(size=(1024, 6)).astype("float32")
returns = states.sum(axis=1, keepdims=True)


class Critic(gluon.nn.Block):
    def __init__(self):
        super().__init__()
        self.hidden, self.value = gluon.nn.Dense(16, activation="relu"), gluon.nn.Dense(1)

    def forward(self, state, action):
        return self.value(self.hidden(mx.nd.concat(state, action, dim=1)))


critics = []
for _ in range(2):
    critic = Critic()
    critic.initialize(mx.init.Xavier())
    critics.append((critic, gluon.Trainer(critic.collect_params(), "adam", {"learning_rate": 0.01})))
loss_of = gluon.loss.L2Loss()
replay = gluon.data.DataLoader(gluon.data.ArrayDataset(states, returns), 32, shuffle=True)
for _ in range(2):
    for state, target in replay:
        with autograd.record():
            losses = [loss_of(critic(state[:, :4], state[:, 4:]), target) for critic, _ in critics]
        for (_, trainer), loss in zip(critics, losses, strict=True):
            loss.backward()
            trainer.step(len(state))
print(" ".join(f"{loss.mean().asscalar():.3f}" for loss in losses))
