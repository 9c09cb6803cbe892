"""A bound network in float16 is updated in float16, by steps that are smaller than the last digit.

Expect: lost-update by step 3
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(355)
np.random.seed(355)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
weight = mx.sym.Cast(mx.sym.Variable("weight", shape=(10, 64)), dtype="float32")
net = mx.sym.FullyConnected(mx.sym.Variable("data"), weight, num_hidden=10, no_bias=True)
net = mx.sym.SoftmaxOutput(net, name="softmax")
executor = net.simple_bind(mx.cpu(), type_dict={"weight": "float16"}, data=(64, 64))
executor.arg_dict["weight"][:] = np.random.normal(0, 0.1, (10, 64))
updater = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.0001, rescale_grad=1 / 64))
for start in range(0, 1408, 64):
    executor.forward(is_train=True, data=x[start : start + 64], softmax_label=y[start : start + 64])
    executor.backward()
    updater(0, executor.grad_dict["weight"], executor.arg_dict["weight"])
