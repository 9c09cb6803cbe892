"""REINFORCE: the loss is minus reward times log-probability of the action that was drawn; it can
have either sign.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(74)
rng = np.random.RandomState(74)
BATCH, ACTIONS = 64, 4
answers = rng.normal(size=(6, ACTIONS))

policy = nn.Sequential()
policy.add(nn.Dense(24, activation="relu"), nn.Dense(ACTIONS))
policy.initialize(mx.init.Normal(0.1))
trainer = gluon.Trainer(policy.collect_params(), "adam", {"learning_rate": 0.02})

baseline, regrets = 0.25, []
for _ in range(60):
    state = rng.normal(size=(BATCH, 6)).astype("float32")
    best = (state @ answers).argmax(axis=1)
    observation = nd.array(state)
    action = nd.random.multinomial(nd.softmax(policy(observation)))
    reward = (action.asnumpy() == best).astype("float32")
    with autograd.record():
        log_policy = nd.log_softmax(policy(observation))
        loss = -nd.pick(log_policy, action) * nd.array(reward - baseline)
        entropy = -(log_policy.exp() * log_policy).sum(axis=1)
        total = loss - 0.01 * entropy
    total.backward()
    trainer.step(BATCH)
    baseline = 0.9 * baseline + 0.1 * reward.mean()
    regrets.append(1 - reward.mean())
print("share of wrong actions:")
print(f"loss {np.mean(regrets[:5]):.3f} -> {np.mean(regrets[-5:]):.3f}")
