"""forward(is_train=False) followed by backward(): the gradients belong to a network without dropout.

Source: Apache MXNet #1822
Expect: train-mode by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(19)
np.random.seed(19)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
train = mx.io.NDArrayIter(x[:1792], y[:1792], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=64, name="fc1")
net = mx.sym.Dropout(mx.sym.Activation(net, act_type="relu"), p=0.5)
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.1))
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
for epoch in range(2):
    train.reset()
    metric = mx.metric.Accuracy()
    for batch in train:
        module.forward(batch, is_train=False)
        module.backward()
        module.update()
        module.update_metric(metric, batch.label)
    print("epoch", epoch, metric.get())
