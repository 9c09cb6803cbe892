"""Module on [cpu(0), cpu(1)]: each device sums its slice and the sum of both is divided by the
whole batch.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(6)
np.random.seed(6)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
valid = mx.io.NDArrayIter(images[1536:1792], labels[1536:1792], 64)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")

module = mx.mod.Module(net, context=[mx.cpu(0), mx.cpu(1)])
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier(magnitude=0.5))
module.init_optimizer(kvstore="device", optimizer_params={"learning_rate": 0.1, "momentum": 0.9})

losses = []
for _ in range(2):
    train.reset()
    metric = mx.metric.CrossEntropy()
    for batch in train:
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
print("validation", module.score(valid, "acc"))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
