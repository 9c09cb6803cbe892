"""The losses of critic and generator are added up, differentiated in one pass and applied by one Trainer.

Expect: shared-optimizer by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(306)
np.random.seed(306)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
generator, critic = gluon.nn.HybridSequential(), gluon.nn.HybridSequential()
generator.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(64))
critic.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(1))
for net in (generator, critic):
    net.initialize(mx.init.Xavier())
    net.hybridize()
parameters = generator.collect_params()
parameters.update(critic.collect_params())
trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.01})
loss_of = gluon.loss.L2Loss()
true, false = mx.nd.ones((64, 1)), mx.nd.zeros((64, 1))
for data, _ in loader:
    noise = mx.nd.random.normal(shape=(64, 8))
    with autograd.record():
        fake = generator(noise)
        told = loss_of(critic(data), true) + loss_of(critic(fake.detach()), false)
        loss = told + loss_of(critic(fake), true)
    loss.backward()
    trainer.step(64)
print(f"loss {loss.mean().asscalar():.3f}")
