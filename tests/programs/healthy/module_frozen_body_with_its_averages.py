"""After an epoch the body is frozen by multipliers of 0, and its batch norms go on with the averages that they have.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(378)
np.random.seed(378)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)


def network(frozen):
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body_fc")
    net = mx.sym.BatchNorm(net, fix_gamma=False, use_global_stats=frozen, name="body_bn")
    net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
    return mx.sym.SoftmaxOutput(net, name="softmax")


parameters = None, None
for frozen in (False, True):
    train.reset()
    module = mx.mod.Module(network(frozen))
    module.bind(train.provide_data, train.provide_label)
    module.init_params(mx.init.Xavier(), *parameters)
    names = dict(enumerate(module._param_names))
    optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=1 / 64, param_idx2name=names)
    if frozen:
        optimizer.set_lr_mult({name: 0.0 for name in names.values() if name.startswith("body")})
    module.init_optimizer(optimizer=optimizer)
    for batch in train:
        module.forward_backward(batch)
        module.update()
    mx.nd.waitall()
    parameters = module.get_params()
