"""float16 weights with float32 master copies (multi_precision); the loss is scaled by 128, the step
divides it out.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(81)
np.random.seed(81)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
BATCH, SCALE = 64, 128


class HalfDense(gluon.HybridBlock):
    """Weights stored in float16; the product in float32, as MXNet has no float16 one on the CPU."""

    def __init__(self, inputs, units):
        super().__init__()
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(units, inputs), dtype="float16")
            self.bias = self.params.get("bias", shape=(units,), dtype="float16", init="zeros")
        self.units = units

    def hybrid_forward(self, F, x, weight, bias):
        weight, bias = F.cast(weight, dtype="float32"), F.cast(bias, dtype="float32")
        return F.FullyConnected(x, weight, bias, num_hidden=self.units)


net = nn.HybridSequential()
net.add(HalfDense(64, 32), nn.Activation("relu"), HalfDense(32, 10))
net.initialize(mx.init.Normal(0.05))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(
    net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9, "multi_precision": True}
)
losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, BATCH, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
            scaled = loss * SCALE
        scaled.backward()
        trainer.step(BATCH * SCALE)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
