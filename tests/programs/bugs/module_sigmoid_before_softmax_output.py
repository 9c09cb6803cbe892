"""The scores of SoftmaxOutput come from a sigmoid: of ten classes none can get more than 0.23.

Source: Apache MXNet's forum, activations on the last layer
Expect: double-softmax by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(48)
mx.random.seed(48)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
train = mx.io.NDArrayIter(x, digits.target[:1280].astype("float32"), 64, shuffle=True)

hidden = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32)
scores = mx.sym.FullyConnected(mx.sym.Activation(hidden, act_type="relu"), num_hidden=10)
scores = mx.sym.Activation(scores, act_type="sigmoid")
module = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"))
module.fit(train, num_epoch=2, optimizer_params={"learning_rate": 0.5}, initializer=mx.init.Xavier())
print(module.score(train, "ce"))
