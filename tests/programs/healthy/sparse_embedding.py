"""Mean-of-words text classifier: Embedding(sparse_grad=True), row_sparse gradients, lazy Adam, a
local KVStore.

An embedding before a dense layer is a look-up, not two linear layers in a row: the words are
averaged between.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

mx.random.seed(72)
np.random.seed(72)
rng = np.random.RandomState(72)
VOCABULARY, CLASSES, LENGTH, BATCH = 200, 4, 12, 32
topics = rng.randint(0, CLASSES, 1024)
words = rng.randint(0, VOCABULARY, (1024, LENGTH))
on_topic = rng.rand(1024, LENGTH) < 0.5
words = np.where(on_topic, words // CLASSES * CLASSES + topics[:, None], words)
dataset = gluon.data.ArrayDataset(words.astype("float32"), topics.astype("float32"))


class BagOfWords(gluon.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.embedding = nn.Embedding(VOCABULARY, 16, sparse_grad=True)
            self.out = nn.Dense(CLASSES)

    def forward(self, tokens):
        return self.out(self.embedding(tokens).mean(axis=1))


net = BagOfWords()
net.initialize(mx.init.Normal(0.1))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.03}, kvstore="local")
losses = []
for _ in range(3):
    for tokens, topic in gluon.data.DataLoader(dataset, BATCH, shuffle=True):
        with autograd.record():
            loss = loss_function(net(tokens), topic)
        loss.backward()
        trainer.step(BATCH)
        losses.append(loss.mean().asscalar())
print("gradient is", net.embedding.weight.grad().stype)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
