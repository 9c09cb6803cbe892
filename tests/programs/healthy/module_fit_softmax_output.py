"""Digits through Module.fit: SoftmaxOutput sums over the batch and Module's rescale_grad makes it
the mean.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(1)
np.random.seed(1)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
valid = mx.io.NDArrayIter(images[1536:1792], labels[1536:1792], 64)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")

losses = []
module = mx.mod.Module(net)
module.fit(
    train,
    eval_data=valid,
    eval_metric=mx.metric.CompositeEvalMetric([mx.metric.CrossEntropy(), mx.metric.Accuracy()]),
    initializer=mx.init.Normal(0.05),
    optimizer="sgd",
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4},
    num_epoch=3,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1][0]),
    eval_end_callback=lambda at: print("validation", at.eval_metric.get()[1][1]),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
