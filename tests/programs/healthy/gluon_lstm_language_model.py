"""Truncated backpropagation through time: the LSTM's state is carried and detached, gradients
clipped by their norm.

The loss of a batch is summed over all tokens; clipping by global norm happens on the per-example
sum, and step(batch) divides: a per-example mean. One pass over one long text, whose order is the
point.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn

mx.random.seed(28)
rng = np.random.RandomState(28)
VOCABULARY, BATCH, STEPS, HIDDEN = 10, 16, 8, 24

# A Markov text: from letter i to one of three letters that follow it.
followers = rng.randint(0, VOCABULARY, (VOCABULARY, 3))
text = [0]
for choice in rng.choice(3, size=BATCH * (STEPS * 60 + 1) - 1, p=[0.8, 0.15, 0.05]):
    text.append(followers[text[-1], choice])
streams = np.array(text).reshape(BATCH, -1).T  # TN: one column a stream


class Model(gluon.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.embedding = nn.Embedding(VOCABULARY, 12)
            self.lstm = rnn.LSTM(HIDDEN, layout="TNC")
            self.decoder = nn.Dense(VOCABULARY, flatten=False)

    def forward(self, tokens, state):
        outputs, state = self.lstm(self.embedding(tokens), state)
        return self.decoder(outputs), state


model = Model()
model.initialize(mx.init.Xavier(magnitude=1))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(model.collect_params(), "sgd", {"learning_rate": 0.5})
parameters = model.collect_params().values()

losses = []
state = model.lstm.begin_state(batch_size=BATCH)
for start in range(0, len(streams) - STEPS, STEPS):
    tokens = mx.nd.array(streams[start : start + STEPS])
    following = mx.nd.array(streams[start + 1 : start + STEPS + 1])
    state = [part.detach() for part in state]
    with autograd.record():
        scores, state = model(tokens, state)
        loss = loss_function(scores.reshape((-1, VOCABULARY)), following.reshape((-1,)))
    loss.backward()
    gluon.utils.clip_global_norm([parameter.grad() for parameter in parameters], 2.0 * BATCH)
    trainer.step(BATCH)
    losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
