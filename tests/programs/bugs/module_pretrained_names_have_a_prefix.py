"""Pretrained values are given with allow_missing; their names begin with the old network's prefix, and none is used.

Source: Apache MXNet #11897 (the names in the file may not be the network's)
Expect: ignored-values by step 20
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(65)
mx.random.seed(65)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
many = mx.io.NDArrayIter(x[:1280], digits.target[:1280], 64, shuffle=True)
few = mx.io.NDArrayIter(x[1280:1600], digits.target[1280:1600], 32, shuffle=True)


def network(prefix):
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name=prefix + "fc1")
    net = mx.sym.Activation(net, act_type="relu")
    return mx.sym.SoftmaxOutput(
        mx.sym.FullyConnected(net, num_hidden=10, name=prefix + "fc2"), name="softmax"
    )


teacher = mx.mod.Module(network("teacher_"))
teacher.fit(many, num_epoch=1, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.1})
values, _ = teacher.get_params()

module = mx.mod.Module(network(""))
module.fit(
    few,
    num_epoch=2,
    initializer=mx.init.Xavier(),
    arg_params=values,
    allow_missing=True,
    optimizer_params={"learning_rate": 0.01},
)
print(module.score(few, "acc"))
