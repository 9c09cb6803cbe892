"""An optimiser of the user's own, registered by name and used by a Trainer: SGD with lookahead of
slow weights.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits


@mx.optimizer.register
class HealthyLookahead(mx.optimizer.Optimizer):
    """Momentum steps; every `period` steps the weight goes half-way back to where the period began."""

    def __init__(self, momentum=0.9, period=5, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.period = momentum, period

    def create_state(self, index, weight):
        return mx.nd.zeros(weight.shape, weight.context), weight.copy()

    def update(self, index, weight, grad, state):
        self._update_count(index)
        velocity, slow = state
        grad = grad * self.rescale_grad + self._get_wd(index) * weight
        velocity[:] = self.momentum * velocity - self._get_lr(index) * grad
        weight[:] += velocity
        if self._index_update_count[index] % self.period == 0:
            slow[:] += 0.5 * (weight - slow)
            weight[:] = slow


mx.random.seed(84)
np.random.seed(84)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
net = nn.Sequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "healthylookahead", {"learning_rate": 0.1, "wd": 1e-4})
losses = []
for _ in range(3):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
