"""SoftmaxOutput(normalization='batch') divides by the batch itself, so rescale_grad is set to 1.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(5)
mx.random.seed(5)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=40)
net = mx.sym.Activation(net, act_type="softrelu")
net = mx.sym.FullyConnected(net, num_hidden=10)
net = mx.sym.SoftmaxOutput(net, normalization="batch", name="softmax")

losses = []
mx.mod.Module(net).fit(
    train,
    eval_metric="ce",
    initializer=mx.init.Uniform(0.05),
    optimizer_params={"learning_rate": 0.2, "rescale_grad": 1.0},
    num_epoch=3,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
