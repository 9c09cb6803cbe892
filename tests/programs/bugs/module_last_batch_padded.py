"""NDArrayIter fills the last batch up with examples from the beginning, and Module trains on them once more.

Source: Apache MXNet #2424
Expect: partial-batch by step 29
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(63)
mx.random.seed(63)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x, digits.target, batch_size=64, shuffle=True)  # 1797 = 28 * 64 + 5

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=48, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")
module = mx.mod.Module(net)
module.fit(
    train,
    num_epoch=2,
    initializer=mx.init.Normal(0.1),
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
)
print(module.score(train, "acc"))
