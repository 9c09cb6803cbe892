"""Training goes on from a checkpoint with begin_epoch=3; the schedule counts from 0 and the rate is high again.

Source: Apache MXNet, pull request #3251 (begin_num_update, for training that is continued)
Expect: learning-rate by step 132
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(72)
mx.random.seed(72)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)
prefix = os.path.join(tempfile.mkdtemp(), "digits")

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")


def fit(begin, end, **given):
    train.reset()
    module = mx.mod.Module(net)
    schedule = mx.lr_scheduler.MultiFactorScheduler(step=[2 * 22, 4 * 22], factor=0.1)
    module.fit(
        train,
        begin_epoch=begin,
        num_epoch=end,
        initializer=mx.init.Xavier(),
        optimizer_params={"learning_rate": 0.2, "lr_scheduler": schedule},
        epoch_end_callback=mx.callback.do_checkpoint(prefix),
        **given,
    )
    print(f"epochs {begin} to {end}: {module.score(train, 'acc')}")


fit(0, 3)
_, arg_params, aux_params = mx.model.load_checkpoint(prefix, 3)
fit(3, 6, arg_params=arg_params, aux_params=aux_params)
