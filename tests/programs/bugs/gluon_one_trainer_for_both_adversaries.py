"""One Trainer has the parameters of generator and critic: each loss of the generator moves the critic, too.

Expect: shared-optimizer by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(305)
np.random.seed(305)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
generator, critic = gluon.nn.HybridSequential(), gluon.nn.HybridSequential()
generator.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(64))
critic.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(1))
for net in (generator, critic):
    net.initialize(mx.init.Xavier())
trainer = gluon.Trainer([*generator.collect_params().values(), *critic.collect_params().values()], "adam")
loss_of = gluon.loss.SigmoidBCELoss()
true, false = mx.nd.ones((64, 1)), mx.nd.zeros((64, 1))
for data, _ in loader:
    fake = generator(mx.nd.random.normal(shape=(64, 8)))
    with autograd.record():
        loss = loss_of(critic(data), true) + loss_of(critic(fake), false)
    loss.backward()
    trainer.step(64, ignore_stale_grad=True)
    with autograd.record():
        deceived = loss_of(critic(generator(mx.nd.random.normal(shape=(64, 8)))), true)
    deceived.backward()
    trainer.step(64, ignore_stale_grad=True)
print(f"critic {loss.mean().asscalar():.3f}, generator {deceived.mean().asscalar():.3f}")
