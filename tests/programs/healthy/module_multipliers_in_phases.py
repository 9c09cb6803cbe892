"""The body is frozen by set_lr_mult for an epoch, then thawed by a second call. The multipliers are made for all
arguments of the symbol, data and labels too.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(83)
mx.random.seed(83)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="head"), name="softmax")
module = mx.mod.Module(net)
optimizer = mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, rescale_grad=1 / 64)
optimizer.set_lr_mult({name: float(name.startswith("head")) for name in net.list_arguments()})
module.fit(train, optimizer=optimizer, initializer=mx.init.Xavier(), num_epoch=1)
optimizer.set_lr_mult({"body_weight": 0.5})
train.reset()
module.fit(train, optimizer=optimizer, begin_epoch=1, num_epoch=3)
print(module.score(train, "acc"))
