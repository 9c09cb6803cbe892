"""The table has rows for the 40 commonest words, and the text has 60: the others share the last row.

Expect: embedding-range by step 1
"""

import mxnet as mx
import numpy as np

mx.random.seed(351)
np.random.seed(351)
words = np.random.randint(0, 60, (640, 8)).astype("float32")
train = mx.io.NDArrayIter(words, words[:, 0] % 4, 32, shuffle=True)
net = mx.sym.Embedding(mx.sym.Variable("data"), input_dim=40, output_dim=16, name="table")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=4), name="softmax")
module = mx.mod.Module(net)
module.fit(train, num_epoch=1, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.1})
