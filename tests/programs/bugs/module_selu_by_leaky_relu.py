"""SELU as Module's LeakyReLU(act_type='selu'), whose gradient in MXNet 1.9.1 is another function's below 0.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np

mx.random.seed(305)
np.random.seed(305)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")
hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=12)
hidden = mx.sym.LeakyReLU(hidden, act_type="selu")
net = mx.mod.Module(mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=3), name="softmax"))
net.fit(
    mx.io.NDArrayIter(x, y, 16),
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.2},
    num_epoch=1,
)
print("fitted")
