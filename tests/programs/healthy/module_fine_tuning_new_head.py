"""Fine-tuning with Module: pretrained values without the old head, allow_missing for the new one, multipliers on the
symbol's variables and an optimiser that is given the symbol. The same values are given to set_params and to fit.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(82)
mx.random.seed(82)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()


def network(head, classes):
    weight = mx.sym.Variable("body_weight", lr_mult=0.1, wd_mult=0.0)
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), weight=weight, num_hidden=32, name="body")
    net = mx.sym.Activation(net, act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=classes, name=head), name="softmax")


train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)
teacher = mx.mod.Module(network("digit", 10))
teacher.fit(
    train, num_epoch=2, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.1, "wd": 1e-4}
)
pretrained, _ = teacher.get_params()
body = {name: value for name, value in pretrained.items() if name.startswith("body")}

few = mx.io.NDArrayIter(x[:1408], digits.target[:1408] % 2, 64, shuffle=True)
net = network("parity", 2)
student = mx.mod.Module(net)
optimizer = mx.optimizer.SGD(learning_rate=0.1, wd=1e-4, rescale_grad=1 / 64, sym=net)
optimizer.set_lr_mult({"parity_weight": 2.0, "parity_bias": 2.0})
student.fit(
    few, num_epoch=2, initializer=mx.init.Xavier(), arg_params=body, allow_missing=True, optimizer=optimizer
)
print(student.score(few, "acc"))

again = mx.mod.Module(network("digit", 10))
again.bind(train.provide_data, train.provide_label)
again.init_params(mx.init.Xavier(), arg_params=pretrained)
train.reset()
again.fit(train, num_epoch=1, arg_params=pretrained, optimizer_params={"learning_rate": 0.01, "wd": 1e-4})
print(again.score(train, "acc"))
