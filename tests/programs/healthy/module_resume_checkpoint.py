"""Training stopped and resumed: parameters and the momentum come back from files, so nothing is reset.

Warnings: none
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(15)
np.random.seed(15)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")
losses = []


def epochs(module, count):
    metric = mx.metric.CrossEntropy()
    for _ in range(count):
        train.reset()
        for batch in train:
            metric.reset()
            module.forward_backward(batch)
            module.update()
            module.update_metric(metric, batch.label)
            losses.append(metric.get()[1])


settings = {"learning_rate": 0.05, "momentum": 0.9}
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.05))
module.init_optimizer(optimizer_params=settings)
epochs(module, 1)
with tempfile.TemporaryDirectory() as folder:
    prefix = os.path.join(folder, "digits")
    module.save_checkpoint(prefix, 1, save_optimizer_states=True)
    resumed = mx.mod.Module.load(prefix, 1, load_optimizer_states=True)
    resumed.bind(train.provide_data, train.provide_label)
    resumed.init_optimizer(optimizer_params=settings)
epochs(resumed, 1)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
