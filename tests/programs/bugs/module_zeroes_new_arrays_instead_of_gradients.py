"""Module accumulates with grad_req='add'; "clearing" makes new arrays and leaves the gradients alone.

Source: Apache MXNet #10328
Expect: gradient-carryover by step 2
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(22)
mx.random.seed(22)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
batch_size, micro_batches = 32, 2
train = mx.io.NDArrayIter(x[:1792], digits.target[:1792], batch_size, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu", name="relu1")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label, grad_req="add")
module.init_params(mx.init.Xavier())
module.init_optimizer(
    optimizer_params={"learning_rate": 0.005, "rescale_grad": 1.0 / (batch_size * micro_batches)}
)

for epoch in range(2):
    train.reset()
    metric = mx.metric.Accuracy()
    for i, batch in enumerate(train, 1):
        module.forward_backward(batch)
        module.update_metric(metric, batch.label)
        if i % micro_batches == 0:
            module.update()
            for gradients in module._exec_group.grad_arrays:
                for gradient in gradients:
                    gradient = mx.nd.zeros(gradient.shape)
    print("epoch", epoch, metric.get())
