"""All weights begin as the same number: the hidden units stay copies of each other.

Expect: unbroken-symmetry by step 4
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(343)
np.random.seed(343)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body")
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.fit(train, num_epoch=1, initializer=mx.init.Constant(0.05), optimizer_params={"learning_rate": 0.1})
