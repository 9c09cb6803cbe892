"""A hand-written Module loop calls forward, update, backward: every update uses the batch before.

Source: Apache MXNet #11508 (the trainer stands above the backward pass), written for Module
Expect: call-order by step 2
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(16)
mx.random.seed(16)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std())[:1792, None]
train = mx.io.NDArrayIter(x, digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(3, 3), num_filter=6, name="conv1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10, name="fc1")
net = mx.sym.SoftmaxOutput(net, name="softmax")

mod = mx.mod.Module(net)
mod.bind(train.provide_data, train.provide_label)
mod.init_params(mx.init.Xavier())
mod.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.1})
metric = mx.metric.Accuracy()
for epoch in range(2):
    train.reset()
    metric.reset()
    for batch in train:
        mod.forward(batch, is_train=True)
        mod.update_metric(metric, batch.label)
        mod.update()
        mod.backward()
    print("epoch", epoch, metric.get())
