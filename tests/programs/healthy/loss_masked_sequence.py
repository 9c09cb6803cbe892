"""Sequences of several lengths, padded; the loss is masked by the valid length and divided by the
valid tokens.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn

mx.random.seed(51)
rng = np.random.RandomState(51)
VOCABULARY, BATCH, LONGEST, PAD = 9, 32, 10, 0


def batch():
    """Numbers that count up by a step of 1 or 2, told by the first token; token 0 is padding."""
    lengths = rng.randint(3, LONGEST + 1, BATCH)
    step = rng.randint(1, 3, (BATCH, 1))
    tokens = (rng.randint(0, 8, (BATCH, 1)) + step * np.arange(LONGEST + 1)) % 8 + 1
    tokens[np.arange(LONGEST + 1) > lengths[:, None]] = PAD
    return nd.array(tokens[:, :-1]), nd.array(tokens[:, 1:]), nd.array(lengths)


class Tagger(gluon.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.embedding = nn.Embedding(VOCABULARY, 10)
            self.gru = rnn.GRU(24, layout="NTC")
            self.out = nn.Dense(VOCABULARY, flatten=False)

    def forward(self, tokens):
        return self.out(self.gru(self.embedding(tokens)))


model = Tagger()
model.initialize(mx.init.Xavier(magnitude=1))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": 0.02})
losses = []
for _ in range(50):
    tokens, following, lengths = batch()
    mask = nd.SequenceMask(nd.ones((BATCH, LONGEST, 1)), lengths, use_sequence_length=True, axis=1)
    with autograd.record():
        # The loss is a mean over BATCH x LONGEST places of which mask.sum() count.
        loss = loss_function(model(tokens), following, mask).mean() * (BATCH * LONGEST / mask.sum())
    loss.backward()
    trainer.step(1)
    losses.append(loss.asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
