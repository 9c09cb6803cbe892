"""A variational autoencoder: the prior pulls on the encoder harder than the reconstruction, a mean over pixels, on the decoder.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(70)
np.random.seed(70)
pictures = np.random.uniform(size=(512, 784)).astype("float32")


class Autoencoder(gluon.Block):
    def __init__(self):
        super().__init__()
        self.encoder, self.mean, self.spread = nn.Dense(200, activation="relu"), nn.Dense(10), nn.Dense(10)
        self.decoder, self.pixels = nn.Dense(200, activation="relu"), nn.Dense(784, activation="sigmoid")

    def forward(self, x):
        hidden = self.encoder(x)
        mean, spread = self.mean(hidden), self.spread(hidden)
        drawn = mean + nd.random.normal(shape=mean.shape) * nd.exp(0.5 * spread)
        return self.pixels(self.decoder(drawn)), mean, spread


net = Autoencoder()
net.initialize(mx.init.Uniform(0.05))
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.001})
reconstruction = gluon.loss.L2Loss()
for batch in gluon.data.DataLoader(pictures, 64, shuffle=True):
    with autograd.record():
        seen, mean, spread = net(batch)
        prior = -0.5 * (1 + spread - mean.square() - spread.exp()).sum(axis=1)
        loss = reconstruction(seen, batch) + prior
    loss.backward()
    trainer.step(len(batch))
print(f"loss {loss.mean().asscalar():.3f}")
