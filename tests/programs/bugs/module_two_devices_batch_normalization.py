"""normalization='batch' divides by each device's share of the batch, so two devices double the learning rate.

Source: Apache MXNet #6710
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(6)
mx.random.seed(6)
digits = load_digits()
pixels = ((digits.images - digits.images.mean()) / digits.images.std())[:1792, None]
train = mx.io.NDArrayIter(pixels, digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.Variable("data")
net = mx.sym.Convolution(net, kernel=(3, 3), num_filter=8, name="conv")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max")
net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10, name="fc")
net = mx.sym.SoftmaxOutput(net, name="softmax", normalization="batch")

# The layer has divided already, so the optimiser must not: right with one device.
module = mx.mod.Module(net, context=[mx.cpu(0), mx.cpu(1)])
module.fit(
    train,
    num_epoch=2,
    kvstore="device",
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.05, "rescale_grad": 1.0},
)
print(module.score(train, "acc"))
