"""Truncated BPTT with the mean over all tokens and step(1); the streams start at another place each
epoch.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn

mx.random.seed(29)
rng = np.random.RandomState(29)
VOCABULARY, BATCH, STEPS = 8, 20, 10
text = np.cumsum(rng.choice([1, 2], size=6000, p=[0.85, 0.15])) % VOCABULARY

embedding = nn.Embedding(VOCABULARY, 8)
gru = rnn.GRU(20, layout="NTC", dropout=0.0)
decoder = nn.Dense(VOCABULARY, flatten=False)
parameters = gluon.ParameterDict()
for block in (embedding, gru, decoder):
    block.initialize(mx.init.Xavier(magnitude=1))
    parameters.update(block.collect_params())
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(parameters, "adam", {"learning_rate": 0.01, "clip_gradient": 1.0})

losses = []
for _ in range(3):
    offset = rng.randint(0, STEPS)
    length = (len(text) - offset - 1) // BATCH
    inputs = text[offset : offset + length * BATCH].reshape(BATCH, length)
    targets = text[offset + 1 : offset + 1 + length * BATCH].reshape(BATCH, length)
    state = gru.begin_state(batch_size=BATCH)
    for start in range(0, length - STEPS, STEPS):
        window = slice(start, start + STEPS)
        state = [part.detach() for part in state]
        with autograd.record():
            hidden, state = gru(embedding(mx.nd.array(inputs[:, window])), state)
            loss = loss_function(decoder(hidden), mx.nd.array(targets[:, window])).mean()
        loss.backward()
        trainer.step(1)
        losses.append(loss.asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
