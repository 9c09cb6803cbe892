"""The examples lie in the file class by class, and NDArrayIter does not shuffle unless told to.

Source: Apache MXNet #4220
Expect: repeated-batch by step 28
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(61)
digits = load_digits()
by_class = np.argsort(digits.target[:1792], kind="stable")
x = ((digits.data - digits.data.mean()) / digits.data.std())[by_class]
y = digits.target[by_class]
train = mx.io.NDArrayIter(x, y, batch_size=64)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=64, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")
module = mx.mod.Module(net)
module.fit(train, num_epoch=2, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.05})
print(module.score(train, "acc"))
