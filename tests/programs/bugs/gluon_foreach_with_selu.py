"""A recurrence by contrib.foreach whose step is a SELU: its gradient in MXNet 1.9.1 is another function's, and compounds from step to step.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(317)
np.random.seed(317)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.Block):
    def __init__(self):
        super().__init__()
        self.embedding, self.mix = gluon.nn.Dense(12, flatten=False), gluon.nn.Dense(12, flatten=False)
        self.scores = gluon.nn.Dense(3)

    def forward(self, x):
        def step(frame, state):
            mixed = self.mix(state) + frame
            state = mx.nd.LeakyReLU(mixed, act_type="selu")
            return state, state

        frames = self.embedding(x.reshape((-1, 4, 2))).transpose((1, 0, 2))
        _, last = mx.nd.contrib.foreach(step, frames, mx.nd.zeros((x.shape[0], 12)))
        return self.scores(last)


net = Net()
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 16):
    data, label = mx.nd.array(x[begin : begin + 16]), mx.nd.array(y[begin : begin + 16])
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(16)
print(f"loss {loss.mean().asscalar():.3f}")
