"""BatchNorm's fix_gamma is True by default, and decay shrinks the stored gamma that the layer takes for 1.

Source: Apache MXNet #9624
Expect: batch-norm by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(49)
mx.random.seed(49)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std())[:1792, None]
train = mx.io.NDArrayIter(x, digits.target[:1792], batch_size=64, shuffle=True)

net = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(3, 3), num_filter=8, no_bias=True, name="conv1")
net = mx.sym.BatchNorm(net, name="bn1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max")
net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10, name="fc1")
net = mx.sym.SoftmaxOutput(net, name="softmax")

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.05))
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9, "wd": 0.01})
metric = mx.metric.Accuracy()
for epoch in range(2):
    train.reset()
    metric.reset()
    for batch in train:
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
    mx.nd.waitall()
    gamma = module.get_params()[0]["bn1_gamma"]
    print("epoch", epoch, metric.get(), "gamma", gamma.asnumpy()[:3])
