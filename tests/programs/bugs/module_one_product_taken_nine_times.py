"""A Module applies one weight nine times by linalg_gemm2: MXNet 1.9.1 adds up so many gradients in place, which this operator can't.

Expect: loss-derivative by step 2
Besides: non-finite, where the memory that is left in a gradient holds such numbers
"""

import mxnet as mx
import numpy as np

mx.random.seed(323)
np.random.seed(323)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")
state, weight = mx.sym.var("data"), mx.sym.var("weight", shape=(8, 8))
for _ in range(9):
    state = mx.sym.tanh(mx.sym.linalg_gemm2(state, weight))
net = mx.mod.Module(mx.sym.SoftmaxOutput(mx.sym.FullyConnected(state, num_hidden=3), name="softmax"))
train = mx.io.NDArrayIter(x[:48], y[:48], 16)
net.fit(train, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 1e-3}, num_epoch=1)
print("fitted")
