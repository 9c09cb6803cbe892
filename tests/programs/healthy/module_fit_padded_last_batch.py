"""NDArrayIter's default: 1,797 examples in batches of 64, the last one filled up with examples seen
already.

Warnings: partial-batch
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(100)
np.random.seed(100)
images, labels = load_digits(return_X_y=True)
images = ((images - images.mean()) / images.std()).astype("float32")
train = mx.io.NDArrayIter(images, labels, 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")
losses = []
mx.mod.Module(net).fit(
    train,
    eval_metric="ce",
    initializer=mx.init.Normal(0.05),
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
    num_epoch=2,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
