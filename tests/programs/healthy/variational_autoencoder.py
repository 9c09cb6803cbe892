"""A variational autoencoder: noise drawn inside the graph, likelihood and KL term summed over each
example's pixels.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(68)
np.random.seed(68)
images = (load_digits().data[:1792] / 16).astype("float32")


class VAE(gluon.HybridBlock):
    def __init__(self, latent=4, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.encoder = nn.HybridSequential()
            self.encoder.add(nn.Dense(32, activation="tanh"), nn.Dense(2 * latent))
            self.decoder = nn.HybridSequential()
            self.decoder.add(nn.Dense(32, activation="tanh"), nn.Dense(64))
        self.cross_entropy = gluon.loss.SigmoidBinaryCrossEntropyLoss()

    def hybrid_forward(self, F, x):
        mean, log_variance = F.split(self.encoder(x), num_outputs=2, axis=1)
        code = mean + F.exp(0.5 * log_variance) * F.random.normal_like(mean)
        reconstruction = self.cross_entropy(self.decoder(code), x) * 64
        divergence = -0.5 * F.sum(1 + log_variance - mean * mean - F.exp(log_variance), axis=1)
        return reconstruction + divergence


net = VAE()
net.initialize(mx.init.Xavier(magnitude=0.5))
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(3):
    for data in gluon.data.DataLoader(gluon.data.ArrayDataset(images), 64, shuffle=True):
        with autograd.record():
            loss = net(data)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
