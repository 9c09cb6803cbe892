"""Sentences are filled up with 0, which SoftmaxOutput is told to ignore; the mean is over the words

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(311)
np.random.seed(311)
lengths = np.random.randint(3, 13, 640)
words = np.random.randint(1, 30, (640, 1)) + np.arange(13) * 7
words = words % 29 + 1
for row, length in zip(words, lengths, strict=True):
    row[length:] = 0
x, y = words[:, :-1].astype("float32"), words[:, 1:].astype("float32")
net = mx.sym.Embedding(mx.sym.Variable("data"), input_dim=30, output_dim=16)
net = mx.sym.FullyConnected(net, num_hidden=32, flatten=False)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="tanh"), num_hidden=30, flatten=False)
label = mx.sym.Reshape(mx.sym.Variable("softmax_label"), shape=(-1,))
net = mx.sym.SoftmaxOutput(
    mx.sym.Reshape(net, shape=(-1, 30)),
    label,
    use_ignore=True,
    ignore_label=0,
    normalization="valid",
    name="softmax",
)
module = mx.mod.Module(net)
module.fit(
    mx.io.NDArrayIter(x, y, 32, shuffle=True),
    num_epoch=1,
    eval_metric=mx.metric.Perplexity(ignore_label=0),
    initializer=mx.init.Xavier(),
    optimizer=mx.optimizer.Adam(learning_rate=0.01),
)
