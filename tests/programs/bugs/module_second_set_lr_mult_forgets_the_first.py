"""Multipliers are given in two calls, one for each layer: the second call forgets those of the first.

Source: Apache MXNet #2112 and optimizer.py (set_lr_mult begins with an empty dictionary)
Expect: unused-multiplier by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(64)
mx.random.seed(64)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
module = mx.mod.Module(net)
optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=1 / 64, sym=net)
optimizer.set_lr_mult({"fc1_weight": 0.0, "fc1_bias": 0.0})
optimizer.set_lr_mult({"fc2_weight": 10.0, "fc2_bias": 20.0})
module.fit(train, optimizer=optimizer, initializer=mx.init.Xavier(), num_epoch=2)
print(module.score(train, "acc"))
