"""Of a Module's first layer only the biases are trained: its weights keep their gradient and have a learning rate of 0, as MXNet 1.9.1 needs it.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(306)
np.random.seed(306)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")
hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=12, name="first")
scores = mx.sym.FullyConnected(mx.sym.tanh(hidden), num_hidden=3, name="second")
sgd = mx.optimizer.SGD(
    learning_rate=0.2,
    rescale_grad=1 / 16,
    param_idx2name=dict(enumerate(["first_weight", "first_bias", "second_weight", "second_bias"])),
)
sgd.set_lr_mult({"first_weight": 0})
net = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"))
net.fit(
    mx.io.NDArrayIter(x, y, 16),
    initializer=mx.init.Xavier(),
    optimizer=sgd,
    num_epoch=1,
)
print("fitted")
