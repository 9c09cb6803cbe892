"""Module with a hand-made mean cross-entropy under MakeLoss; the mean is in the graph, so
rescale_grad is 1.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(3)
np.random.seed(3)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 48, shuffle=True, label_name="label")

hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
logits = mx.sym.FullyConnected(mx.sym.tanh(hidden), num_hidden=10)
log_probability = mx.sym.log_softmax(logits, axis=1)
cross_entropy = -mx.sym.pick(log_probability, mx.sym.var("label"), axis=1)
head = mx.sym.Group([mx.sym.MakeLoss(mx.sym.mean(cross_entropy)), mx.sym.BlockGrad(logits)])

module = mx.mod.Module(head, label_names=["label"])
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier(magnitude=1))
settings = {"learning_rate": 0.1, "momentum": 0.9, "rescale_grad": 1.0}
module.init_optimizer(optimizer="nag", optimizer_params=settings)

losses = []
for _ in range(2):
    train.reset()
    for batch in train:
        module.forward(batch, is_train=True)
        module.backward()
        losses.append(module.get_outputs()[0].asscalar())
        module.update()
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
