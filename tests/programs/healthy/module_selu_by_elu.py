"""SELU in a Module as a scaled ELU, whose gradient is right where that of act_type='selu' is not.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(305)
np.random.seed(305)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")
hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=12)
hidden = 1.0507 * mx.sym.LeakyReLU(hidden, act_type="elu", slope=1.67326)
net = mx.mod.Module(mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=3), name="softmax"))
net.fit(
    mx.io.NDArrayIter(x, y, 16),
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.2},
    num_epoch=1,
)
print("fitted")
