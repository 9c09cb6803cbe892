"""A scheduler object counted in steps (cosine after a linear warm-up) in the Trainer, with NAG and
weight decay on weights only (wd_mult=0 for biases and batch normalisation).

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, lr_scheduler
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(36)
np.random.seed(36)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
train = gluon.data.DataLoader(dataset, 64, shuffle=True)
EPOCHS = 4

net = nn.Sequential()
net.add(nn.Dense(32, use_bias=False), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
for parameter in net.collect_params(".*(gamma|beta|bias)").values():
    parameter.wd_mult = 0.0
schedule = lr_scheduler.CosineScheduler(
    EPOCHS * len(train), base_lr=0.2, final_lr=0.0, warmup_steps=len(train), warmup_begin_lr=0.01
)
trainer = gluon.Trainer(
    net.collect_params(),
    "nag",
    {"learning_rate": 0.2, "momentum": 0.9, "wd": 5e-4, "lr_scheduler": schedule},
)
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
losses = []
for epoch in range(EPOCHS):
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
    print("epoch", epoch, "learning rate", trainer.learning_rate)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
