"""A small DCGAN: two networks, two trainers; the generator's backward also fills the
discriminator's gradients, which nobody applies: its next own backward overwrites them.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(26)
np.random.seed(26)
images, labels = load_digits(return_X_y=True)
zeros_only = (images[labels == 0] / 8 - 1).astype("float32").reshape(-1, 1, 8, 8)
train = gluon.data.DataLoader(gluon.data.ArrayDataset(zeros_only), 32, shuffle=True, last_batch="discard")

generator = nn.HybridSequential()
generator.add(nn.Dense(16 * 4 * 4, use_bias=False), nn.HybridLambda(lambda F, x: x.reshape((0, 16, 4, 4))))
generator.add(nn.BatchNorm(), nn.Activation("relu"))
generator.add(nn.Conv2DTranspose(8, 4, strides=2, padding=1, use_bias=False))
generator.add(nn.BatchNorm(), nn.Activation("relu"), nn.Conv2D(1, 3, padding=1, activation="tanh"))
discriminator = nn.HybridSequential()
discriminator.add(nn.Conv2D(16, 4, strides=2, padding=1), nn.LeakyReLU(0.2), nn.Dense(1))
for net in (generator, discriminator):
    net.initialize(mx.init.Normal(0.05))
loss_function = gluon.loss.SigmoidBinaryCrossEntropyLoss()
settings = {"learning_rate": 0.005, "beta1": 0.5}
g_trainer = gluon.Trainer(generator.collect_params(), "adam", settings)
d_trainer = gluon.Trainer(discriminator.collect_params(), "adam", settings)

ones, zeros = mx.nd.ones(32), mx.nd.zeros(32)
target = mx.nd.array(zeros_only.mean(axis=0))
distances = []
for _ in range(10):
    for real in train:
        noise = mx.nd.random.normal(shape=(32, 8))
        with autograd.record():
            fake = generator(noise)
            loss_real = loss_function(discriminator(real), ones)
            loss_fake = loss_function(discriminator(fake.detach()), zeros)
            d_loss = loss_real + loss_fake
        d_loss.backward()
        d_trainer.step(32)

        with autograd.record():
            g_loss = loss_function(discriminator(generator(noise)), ones)
        g_loss.backward()
        g_trainer.step(32)
        distances.append((fake.mean(axis=0) - target).abs().mean().asscalar())
print("last losses", d_loss.mean().asscalar(), g_loss.mean().asscalar(), "; distance of the mean images:")
print(f"loss {distances[0]:.3f} -> {distances[-1]:.3f}")
