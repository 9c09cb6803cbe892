"""A convolutional Module with batch normalisation, on two devices; waitall before every evaluation
and get_params.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(14)
np.random.seed(14)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32").reshape(-1, 1, 8, 8)
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
valid = mx.io.NDArrayIter(images[1536:1792], labels[1536:1792], 64)

net = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=12, no_bias=True)
net = mx.sym.BatchNorm(net, fix_gamma=False, eps=1e-5, momentum=0.9)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.Pooling(net, global_pool=True, kernel=(1, 1), pool_type="max")
net = mx.sym.FullyConnected(net, num_hidden=10)
net = mx.sym.SoftmaxOutput(net, name="softmax")

# The devices' running statistics differ, as they must: each sees its own half of the batch.
module = mx.mod.Module(net, context=[mx.cpu(0), mx.cpu(1)])
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier(magnitude=0.5))
module.init_optimizer(optimizer_params={"learning_rate": 0.3, "momentum": 0.9})
losses = []
metric = mx.metric.CrossEntropy()
for _ in range(3):
    train.reset()
    for batch in train:
        metric.reset()
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
    mx.nd.waitall()
    print("validation", module.score(valid, "acc"))
mx.nd.waitall()
arguments, statistics = module.get_params()
print({name: float(value.mean().asscalar()) for name, value in statistics.items()})
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
