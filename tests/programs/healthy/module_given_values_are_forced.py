"""A module that has been initialised gets other values with force_init, and trains on from these

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(334)
np.random.seed(334)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body")
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
values, statistics = module.get_params()
values = {name: 0.5 * value for name, value in values.items()}
module.init_params(arg_params=values, aux_params=statistics, force_init=True)
module.init_optimizer(optimizer_params={"learning_rate": 0.1})
for batch in train:
    module.forward_backward(batch)
    module.update()
