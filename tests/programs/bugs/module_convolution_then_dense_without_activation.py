"""The activation between the convolution and the fully connected layer was forgotten: the network is linear.

Source: Dive into Deep Learning, "Multilayer Perceptrons"; Apache MXNet #5979
Expect: linear-collapse by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(48)
mx.random.seed(48)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std())[:1792, None]
train = mx.io.NDArrayIter(x, digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.Variable("data")
net = mx.sym.Convolution(net, kernel=(3, 3), num_filter=8, name="conv1")
net = mx.sym.Flatten(net)
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc1")
net = mx.sym.SoftmaxOutput(net, name="softmax")

module = mx.mod.Module(net)
module.fit(train, num_epoch=2, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.05})
print(module.score(train, "acc"))
