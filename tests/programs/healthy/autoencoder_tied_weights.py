"""An autoencoder whose decoder is the encoder's weight transposed: one parameter used twice in one graph.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(67)
np.random.seed(67)
images, _ = load_digits(return_X_y=True)
images = ((images - images.mean()) / images.std()).astype("float32")[:1792]


class TiedAutoencoder(gluon.HybridBlock):
    def __init__(self, inputs, hidden):
        super().__init__()
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(hidden, inputs))
            self.hidden_bias = self.params.get("hidden_bias", shape=(hidden,), init="zeros")
            self.output_bias = self.params.get("output_bias", shape=(inputs,), init="zeros")

    def hybrid_forward(self, F, x, weight, hidden_bias, output_bias):
        code = F.tanh(F.broadcast_add(F.dot(x, weight, transpose_b=True), hidden_bias))
        return F.broadcast_add(F.dot(code, weight), output_bias)


net = TiedAutoencoder(64, 16)
net.initialize(mx.init.Normal(0.1))
net.hybridize()
loss_function = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(2):
    for data in gluon.data.DataLoader(gluon.data.ArrayDataset(images), 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), data)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
