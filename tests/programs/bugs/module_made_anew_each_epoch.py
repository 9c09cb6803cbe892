"""Each epoch makes a Module from the parameters of the last and fits it: the momentum is not passed on.

Source: Apache MXNet #4638
Expect: optimizer-reset by step 29
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(33)
mx.random.seed(33)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
train = mx.io.NDArrayIter(x[:1792], y[:1792], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=64, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")

arg_params = aux_params = None
for epoch in range(3):
    train.reset()
    module = mx.mod.Module(net)
    module.fit(
        train,
        begin_epoch=epoch,
        num_epoch=epoch + 1,
        arg_params=arg_params,
        aux_params=aux_params,
        initializer=mx.init.Xavier(),
        optimizer_params={"learning_rate": 0.05, "momentum": 0.9},
    )
    arg_params, aux_params = module.get_params()
    print("epoch", epoch, module.score(train, "acc"))
