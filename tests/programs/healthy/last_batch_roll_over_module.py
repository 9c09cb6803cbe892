"""NDArrayIter(last_batch_handle='roll_over'): what is left of an epoch opens the next; no example
is repeated.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(78)
np.random.seed(78)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1500].mean()) / images[:1500].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1500], labels[:1500], 64, shuffle=True, last_batch_handle="roll_over")

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.05))
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
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
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
