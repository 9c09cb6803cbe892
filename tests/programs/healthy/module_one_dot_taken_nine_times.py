"""A Module applies one weight nine times by dot, whose gradients MXNet 1.9.1 adds up as it should.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(323)
np.random.seed(323)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")
state, weight = mx.sym.var("data"), mx.sym.var("weight", shape=(8, 8))
for _ in range(9):
    state = mx.sym.tanh(mx.sym.dot(state, weight))
net = mx.mod.Module(mx.sym.SoftmaxOutput(mx.sym.FullyConnected(state, num_hidden=3), name="softmax"))
train = mx.io.NDArrayIter(x[:48], y[:48], 16)
net.fit(train, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 1e-3}, num_epoch=1)
print("fitted")
