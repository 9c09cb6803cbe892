"""An optimiser object given to Module keeps rescale_grad=1, so the gradients of the batch are summed.

Source: Apache MXNet #5098
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

BATCH = 32
np.random.seed(2)
mx.random.seed(2)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype(np.float32)
train = mx.io.NDArrayIter(x[:1600], y[:1600], BATCH, shuffle=True)
test = mx.io.NDArrayIter(x[1600:1792], y[1600:1792], BATCH)


def mlp():
    net = mx.sym.Variable("data")
    net = mx.sym.FullyConnected(net, num_hidden=48, name="hidden")
    net = mx.sym.Activation(net, act_type="tanh", name="tanh")
    net = mx.sym.FullyConnected(net, num_hidden=10, name="output")
    return mx.sym.SoftmaxOutput(net, name="softmax")


optimizer = mx.optimizer.SGD(learning_rate=0.005)
model = mx.mod.Module(mlp(), context=mx.cpu())
model.fit(train, optimizer=optimizer, initializer=mx.init.Xavier(), num_epoch=2)
print("test", model.score(test, mx.metric.Accuracy()))
