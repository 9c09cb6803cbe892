"""fit() is called again with a smaller learning rate; the optimiser exists already and ignores it.

Source: Apache MXNet, module.py: "optimizer already initialized, ignoring..."; see also #6652
Expect: learning-rate by step 57
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(36)
mx.random.seed(36)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1792], digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=64, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")
module = mx.mod.Module(net)


def fit(begin, end, learning_rate):
    train.reset()
    module.fit(
        train,
        begin_epoch=begin,
        num_epoch=end,
        initializer=mx.init.Xavier(),
        optimizer_params={"learning_rate": learning_rate, "momentum": 0.9},
    )
    print("learning rate", learning_rate, module.score(train, ["acc", "ce"]))


fit(0, 2, learning_rate=0.1)
fit(2, 4, learning_rate=0.001)
