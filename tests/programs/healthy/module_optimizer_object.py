"""Module given an optimiser object, which keeps its own rescale_grad: set by hand to 1/batch_size.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(4)
mx.random.seed(4)
BATCH = 32
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1280].mean()) / images[:1280].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1280], labels[:1280], BATCH, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=24)
net = mx.sym.LeakyReLU(net, act_type="leaky", slope=0.1)
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")

schedule = mx.lr_scheduler.MultiFactorScheduler(step=[40, 80], factor=0.5, base_lr=0.2)
optimizer = mx.optimizer.SGD(
    learning_rate=0.2,
    momentum=0.8,
    wd=1e-3,
    clip_gradient=5.0,
    rescale_grad=1.0 / BATCH,
    lr_scheduler=schedule,
)
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Uniform(0.07))
module.init_optimizer(optimizer=optimizer)

losses = []
metric = mx.metric.CrossEntropy()
for epoch in range(3):
    train.reset()
    for batch in train:
        metric.reset()
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
    print("epoch", epoch, "learning rate", optimizer.learning_rate)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
