"""The oldest interface, mx.model.FeedForward, as scripts of 2016 use it.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(16)
np.random.seed(16)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")

losses = []
model = mx.model.FeedForward(
    net,
    ctx=mx.cpu(),
    num_epoch=3,
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.9,
    initializer=mx.init.Uniform(0.07),
)
model.fit(train, eval_metric="ce", batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]))
right = model.predict(images[1536:1792]).argmax(axis=1) == labels[1536:1792]
print("test accuracy", right.mean())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
