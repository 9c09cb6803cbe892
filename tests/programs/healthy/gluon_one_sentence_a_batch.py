"""One sentence a batch: its loss is the sum over its words, and step(1) divides by the one sentence.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(69)
np.random.seed(69)
sentences = [np.random.randint(0, 20, np.random.randint(3, 8)) for _ in range(120)]


class Tagger(gluon.Block):
    def __init__(self):
        super().__init__()
        self.embedding, self.rnn = gluon.nn.Embedding(20, 8), gluon.rnn.LSTM(16)
        self.scores = gluon.nn.Dense(3)

    def forward(self, words):
        return self.scores(self.rnn(self.embedding(words).expand_dims(1)).reshape((-1, 16)))


net = Tagger()
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for _ in range(2):
    for number in np.random.permutation(len(sentences)):
        words = mx.nd.array(sentences[number])
        with autograd.record():
            loss = loss_of(net(words), words % 3)
        loss.backward()
        trainer.step(1)
print(f"loss {loss.mean().asscalar():.3f}")
