"""A registered SGD adds weight decay to the gradient and then once more when it updates the momentum.

Source: Apache MXNet #13683
Expect: momentum by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits


class DecaySGD(mx.optimizer.SGD):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.aggregate_num = 0

    def update(self, index, weight, grad, state):
        self._update_count(index)
        lr, wd = self._get_lr(index), self._get_wd(index)
        grad = grad * self.rescale_grad + wd * weight
        state[:] *= self.momentum
        state[:] -= lr * (grad + wd * weight)
        weight[:] += state

    def update_multi_precision(self, index, weight, grad, state):
        self.update(index, weight, grad, state)


mx.optimizer.Optimizer.register(DecaySGD)
np.random.seed(31)
mx.random.seed(31)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1792], digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu", name="relu1")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")
module = mx.mod.Module(net)
module.fit(
    train,
    num_epoch=3,
    optimizer="decaysgd",
    optimizer_params={"learning_rate": 0.05, "momentum": 0.9, "wd": 0.02},
    initializer=mx.init.Xavier(),
)
print(module.score(train, ["acc", "ce"]))
