"""Gradients clipped element by element where that is right: by the optimiser, which divides by the batch size first,
and by hand, to the limit times the batch size.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(87)
mx.random.seed(87)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
limit = 0.5

for by_hand in (False, True):
    train.reset()
    module = mx.mod.Module(net)
    module.bind(train.provide_data, train.provide_label)
    module.init_params(mx.init.Xavier())
    settings = {} if by_hand else {"clip_gradient": limit}
    module.init_optimizer(optimizer_params={"learning_rate": 0.1, **settings})
    for batch in train:
        module.forward_backward(batch)
        for gradients in module._exec_group.grad_arrays if by_hand else []:
            for gradient in gradients:
                mx.nd.clip(gradient, -64 * limit, 64 * limit, out=gradient)
        module.update()
    print(module.score(train, "acc"))
