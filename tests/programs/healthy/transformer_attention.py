"""A one-block transformer: softmax inside the network (attention), layer norm, residual sums, label
mask by -1e9.

Warnings: none
"""

import math

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(85)
rng = np.random.RandomState(85)
VOCABULARY, LENGTH, WIDTH, BATCH = 8, 6, 16, 32


class Attention(gluon.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.query, self.key, self.value, self.out = (
                nn.Dense(WIDTH, flatten=False, use_bias=False) for _ in range(4)
            )
            for name in ("query", "key", "value", "out"):
                self.register_child(getattr(self, name), name)

    def forward(self, x, hidden):
        scores = nd.batch_dot(self.query(x), self.key(x), transpose_b=True) / math.sqrt(WIDTH)
        weights = nd.softmax(scores - 1e9 * hidden, axis=-1)
        return self.out(nd.batch_dot(weights, self.value(x)))


class Transformer(gluon.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
            self.attention, self.first_norm, self.second_norm = Attention(), nn.LayerNorm(), nn.LayerNorm()
            self.grow = nn.Dense(32, flatten=False, activation="relu")
            self.shrink = nn.Dense(WIDTH, flatten=False)
            self.classify = nn.Dense(VOCABULARY, flatten=False, weight_initializer=mx.init.Normal(0.05))

    def forward(self, tokens, hidden):
        x = self.tokens(tokens) + self.places(nd.arange(LENGTH)).expand_dims(0)
        x = self.first_norm(x + self.attention(x, hidden))
        x = self.second_norm(x + self.shrink(self.grow(x)))
        return self.classify(x)


def batch():
    """The label of a place is the token two places before it (its own for the first two)."""
    tokens = rng.randint(0, VOCABULARY, (BATCH, LENGTH))
    labels = tokens[:, [0, 1, 0, 1, 2, 3]]
    return nd.array(tokens), nd.array(labels)


future = nd.array(np.triu(np.ones((LENGTH, LENGTH)), k=1)).expand_dims(0).tile((BATCH, 1, 1))
net = Transformer()
net.initialize(mx.init.Xavier())
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(80):
    tokens, labels = batch()
    with autograd.record():
        loss = loss_function(net(tokens, future), labels)
    loss.backward()
    trainer.step(BATCH)
    losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
