"""Every pixel is divided by its own standard deviation, and some pixels are always 0: NaN inputs.

Source: Apache MXNet #942 (NaN while training, with data that looked right)
Expect: non-finite by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(56)
mx.random.seed(56)
np.seterr(invalid="ignore")
x, y = load_digits(return_X_y=True)
x = (x - x.mean(axis=0)) / x.std(axis=0)
train = mx.io.NDArrayIter(x[:1792].astype("float32"), y[:1792], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu", name="relu1")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")
module = mx.mod.Module(net)
module.fit(train, num_epoch=2, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.1})
print(module.score(train, ["acc", "ce"]))
