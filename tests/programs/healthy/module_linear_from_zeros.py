"""Softmax regression from zeros: with one layer there is no symmetry to break

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(344)
np.random.seed(344)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10), name="softmax")
module = mx.mod.Module(net)
module.fit(train, num_epoch=1, initializer=mx.init.Zero(), optimizer_params={"learning_rate": 0.1})
