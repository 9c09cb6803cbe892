"""A run is continued after two epochs with begin_num_update=2: updates are counted, and the cosine starts over.

Source: Apache MXNet, pull request #3251 (begin_num_update, for training that is continued)
Expect: learning-rate by step 88
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(73)
mx.random.seed(73)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")


def fit(begin, end, **given):
    train.reset()
    module = mx.mod.Module(net)
    schedule = mx.lr_scheduler.CosineScheduler(max_update=4 * 22, base_lr=0.2)
    module.fit(
        train,
        begin_epoch=begin,
        num_epoch=end,
        initializer=mx.init.Xavier(),
        optimizer_params={"lr_scheduler": schedule, "begin_num_update": begin},
        **given,
    )
    print(f"epochs {begin} to {end}: {module.score(train, 'acc')}")
    return module.get_params()


arg_params, aux_params = fit(0, 2)
fit(2, 4, arg_params=arg_params, aux_params=aux_params)
