"""Domain adaptation: the gradient is reversed between features and the head that tells two domains apart, so one Trainer is right for both

Warnings: loss-derivative
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(308)
np.random.seed(308)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")


class Reversed(autograd.Function):
    def forward(self, features):
        return features * 1

    def backward(self, gradient):
        return -0.1 * gradient


first, second = x[:704], x[704:1408, ::-1]
features, classes, domains = gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10), gluon.nn.Dense(1)
networks = (features, classes, domains)
for net in networks:
    net.initialize(mx.init.Xavier())
parameters = [parameter for net in networks for parameter in net.collect_params().values()]
trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.05})
loss_of, told_of = gluon.loss.SoftmaxCrossEntropyLoss(), gluon.loss.SigmoidBCELoss()
for start in np.random.permutation(np.arange(0, 704, 64)):
    data, other = mx.nd.array(first[start : start + 64]), mx.nd.array(second[start : start + 64])
    label = mx.nd.array(y[start : start + 64])
    with autograd.record():
        known = features(data)
        loss = loss_of(classes(known), label)
        loss = loss + told_of(domains(Reversed()(known)), mx.nd.ones((64, 1)))
        loss = loss + told_of(domains(Reversed()(features(other))), mx.nd.zeros((64, 1)))
    loss.backward()
    trainer.step(64)
print(f"loss {loss.mean().asscalar():.3f}")
