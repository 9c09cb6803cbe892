"""The scores are (N, classes, rows, columns), but the loss sums over the columns, its default axis -1.

Source: Apache MXNet #15119 (softmax over channels needs axis=1)
Expect: loss-axis by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(46)
mx.random.seed(46)
rng = np.random.RandomState(46)

images = load_digits().images[:1024]
levels = np.minimum(images // 2, 7).astype("float32")  # eight levels of grey to find again
noisy = images + rng.normal(0, 2, images.shape)
noisy = ((noisy - noisy.mean()) / noisy.std()).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(noisy, levels), batch_size=32, shuffle=True)


class PixelClassifier(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.hidden = nn.Dense(96, activation="relu")
            self.output = nn.Dense(8 * 8 * 8)

    def hybrid_forward(self, F, x):
        return self.output(self.hidden(x)).reshape((-1, 8, 8, 8))


net = PixelClassifier()
net.initialize(mx.init.Xavier())
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
for epoch in range(2):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    guess = net(mx.nd.array(noisy)).argmax(axis=1).asnumpy()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}, pixels right {(guess == levels).mean():.3f}")
