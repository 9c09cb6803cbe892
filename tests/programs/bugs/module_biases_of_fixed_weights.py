"""Of a Module's first layer only the biases are to be trained, its weights are fixed: MXNet 1.9.1 then leaves 0 in the gradient of these biases.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np

mx.random.seed(306)
np.random.seed(306)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")
hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=12, name="first")
scores = mx.sym.FullyConnected(mx.sym.tanh(hidden), num_hidden=3, name="second")
fixed = ["first_weight"]
net = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"), fixed_param_names=fixed)
net.fit(
    mx.io.NDArrayIter(x, y, 16),
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.2},
    num_epoch=1,
)
print("fitted")
