"""One Module, two SoftmaxOutput heads on a shared trunk (which digit; odd or even): one backward
for both.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(12)
np.random.seed(12)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
targets = {"digit_label": labels[:1536], "odd_label": labels[:1536] % 2}
train = mx.io.NDArrayIter({"pixels": images[:1536]}, targets, 64, shuffle=True)

trunk = mx.sym.FullyConnected(mx.sym.var("pixels"), num_hidden=32)
trunk = mx.sym.Activation(trunk, act_type="relu")
digit = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(trunk, num_hidden=10), name="digit")
odd = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(trunk, num_hidden=2), grad_scale=0.5, name="odd")

module = mx.mod.Module(
    mx.sym.Group([digit, odd]), data_names=["pixels"], label_names=["digit_label", "odd_label"]
)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.06))
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})


def cross_entropy(probabilities, labels):
    return -mx.nd.pick(probabilities, labels).log().mean().asscalar()


losses = []
for _ in range(2):
    train.reset()
    for batch in train:
        module.forward_backward(batch)
        module.update()
        losses.append([cross_entropy(p, y) for p, y in zip(module.get_outputs(), batch.label, strict=True)])
print(f"odd or even: {losses[0][1]:.3f} -> {losses[-1][1]:.3f}")
print(f"loss {losses[0][0]:.3f} -> {losses[-1][0]:.3f}")
