"""Wasserstein GAN: five critic updates, clipped by set_data after each, per generator update;
losses below zero.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

mx.random.seed(27)
rng = np.random.RandomState(27)
BATCH, CRITIC_STEPS, CLIP = 32, 5, 0.2


def real_points():
    points = rng.normal(0, 0.3, (BATCH, 2)) + rng.choice([-1, 1], (BATCH, 1)) * 0.9
    return mx.nd.array(points)


generator = nn.Sequential()
generator.add(nn.Dense(16, activation="relu"), nn.Dense(2))
critic = nn.Sequential()
critic.add(nn.Dense(16), nn.LeakyReLU(0.2), nn.Dense(1))
generator.initialize(mx.init.Normal(0.3))
critic.initialize(mx.init.Normal(0.1))
g_trainer = gluon.Trainer(generator.collect_params(), "rmsprop", {"learning_rate": 0.01})
c_trainer = gluon.Trainer(critic.collect_params(), "rmsprop", {"learning_rate": 0.01})

gaps = []
for _ in range(40):
    for _ in range(CRITIC_STEPS):
        fake = generator(mx.nd.random.normal(shape=(BATCH, 4)))
        with autograd.record():
            loss = critic(fake) - critic(real_points())
        loss.backward()
        c_trainer.step(BATCH)
        for parameter in critic.collect_params().values():
            parameter.set_data(parameter.data().clip(-CLIP, CLIP))
    with autograd.record():
        fake = generator(mx.nd.random.normal(shape=(BATCH, 4)))
        loss = -critic(fake)
    loss.backward()
    g_trainer.step(BATCH)
    gaps.append(abs(fake.asnumpy().std(axis=0) - np.sqrt(0.9**2 + 0.3**2)).mean())
print("distance of the fakes' standard deviation from the real one's:")
print(f"loss {gaps[0]:.3f} -> {np.mean(gaps[-5:]):.3f}")
