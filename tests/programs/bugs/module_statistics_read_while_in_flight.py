"""Parameters are fetched for a checkpoint straight after update(): batch norm's statistics are a step behind.

Source: Apache MXNet #989 (a snapshot that scores worse than the training it came from)
Expect: running-statistics by step 28
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(52)
mx.random.seed(52)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std())[:1792, None]
train = mx.io.NDArrayIter(x, digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.Variable("data")
for i in (1, 2, 3):
    net = mx.sym.Convolution(net, kernel=(3, 3), pad=(1, 1), num_filter=16, no_bias=True, name=f"conv{i}")
    net = mx.sym.BatchNorm(net, fix_gamma=False, name=f"bn{i}")
    net = mx.sym.Activation(net, act_type="relu", name=f"relu{i}")
net = mx.sym.Pooling(net, global_pool=True, pool_type="avg", kernel=(8, 8))
net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10, name="fc")
net = mx.sym.SoftmaxOutput(net, name="softmax")

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
with tempfile.TemporaryDirectory() as folder:
    for epoch in range(2):
        train.reset()
        for batch in train:
            module.forward_backward(batch)
            module.update()
        arg_params, aux_params = module.get_params()
        prefix = os.path.join(folder, "digits")
        mx.model.save_checkpoint(prefix, epoch + 1, net, arg_params, aux_params)
        print("saved epoch", epoch + 1, "first running mean", aux_params["bn1_moving_mean"][0].asscalar())
