"""trainer.step(1) after a loss with one value for each example: the gradient of the sum is applied.

Source: GluonNLP #872
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(4)
np.random.seed(4)

# A bag of words: which of four topics do five words come from?
topics = np.random.randint(0, 4, 1280)
words = (topics[:, None] * 10 + np.random.randint(0, 14, (1280, 5))) % 40
data = gluon.data.DataLoader(
    gluon.data.ArrayDataset(words.astype("float32"), topics.astype("float32")), 64, shuffle=True
)


class BagOfWords(nn.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.embedding = nn.Embedding(40, 16)
            self.output = nn.Dense(4)

    def forward(self, tokens):
        return self.output(nd.relu(self.embedding(tokens).mean(axis=1)))


net = BagOfWords()
net.initialize(mx.init.Normal(0.3))
loss_fn = gluon.loss.SoftmaxCELoss()
trainer = gluon.Trainer(net.collect_params(), "adagrad", {"learning_rate": 0.05})
for epoch in range(2):
    metric = mx.metric.Accuracy()
    for tokens, topic in data:
        with autograd.record():
            scores = net(tokens)
            loss = loss_fn(scores, topic)
        loss.backward()
        trainer.step(1)
        metric.update(topic, scores)
    print(epoch, metric.get())
