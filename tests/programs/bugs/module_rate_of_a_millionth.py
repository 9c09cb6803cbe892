"""The learning rate is a million times too small, and 88 steps change nothing.

Expect: no-progress by step 100
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(345)
np.random.seed(345)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body")
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.fit(
    train, num_epoch=4, initializer=mx.init.Xavier(magnitude=0.1), optimizer_params={"learning_rate": 1e-7}
)
