"""A small learning rate, of which the loss still moves well below that of a guess

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(347)
np.random.seed(347)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body")
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.fit(train, num_epoch=4, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.01})
