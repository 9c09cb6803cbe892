"""Fine-tuning: the body is loaded from another network's file, its head is left out and drawn anew, the body learns at
a tenth of the rate; what is set is chosen by patterns.

Warnings: none
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(81)
mx.random.seed(81)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()


class Net(gluon.nn.HybridBlock):
    def __init__(self, head, classes):
        super().__init__()
        with self.name_scope():
            self.body = gluon.nn.HybridSequential(prefix="body_")
            with self.body.name_scope():
                self.body.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(32, activation="relu"))
            setattr(self, head, gluon.nn.Dense(classes, prefix="head_"))
            self.head_name = head

    def hybrid_forward(self, F, data):
        return getattr(self, self.head_name)(self.body(data))


def train(net, label, epochs):
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 1e-4})
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], label[:1408]), 64, shuffle=True)
    for _ in range(epochs):
        for data, target in loader:
            with autograd.record():
                loss = loss_fn(net(data), target)
            loss.backward()
            trainer.step(data.shape[0])
    print(f"loss {loss.mean().asscalar():.3f}")


path = os.path.join(tempfile.mkdtemp(), "digits.params")
teacher = Net("classes", 10)
teacher.initialize(mx.init.Xavier())
train(teacher, y, 2)
teacher.save_parameters(path)

student = Net("parity", 2)
student.load_parameters(path, allow_missing=True, ignore_extra=True)
student.collect_params(".*head.*").initialize(mx.init.Xavier())
student.collect_params(".*body.*").setattr("lr_mult", 0.1)
for parameter in student.collect_params(".*bias").values():
    parameter.wd_mult = 0.0
train(student, y % 2, 2)
