"""A run that goes on after three epochs, twice: with begin_num_update, so that the schedule goes on, and with the
milestones counted from where it resumes, as MXNet's image-classification example does.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(84)
mx.random.seed(84)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)
batches = 22

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")


def fit(begin, end, milestones, learning_rate, done=0, **given):
    train.reset()
    module = mx.mod.Module(net)
    steps = [batches * epoch for epoch in milestones]
    schedule = mx.lr_scheduler.MultiFactorScheduler(step=steps, factor=0.1, base_lr=learning_rate)
    module.fit(
        train,
        begin_epoch=begin,
        num_epoch=end,
        initializer=mx.init.Xavier(),
        optimizer_params={"lr_scheduler": schedule, "begin_num_update": done},
        **given,
    )
    print(f"epochs {begin} to {end}: {module.score(train, 'acc')}")
    return module.get_params()


arg_params, aux_params = fit(0, 3, [2, 4], learning_rate=0.2)
fit(3, 6, [2, 4], learning_rate=0.2, done=3 * batches, arg_params=arg_params, aux_params=aux_params)
fit(3, 6, [1], learning_rate=0.02, arg_params=arg_params, aux_params=aux_params)
