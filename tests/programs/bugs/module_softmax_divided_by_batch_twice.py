"""A Module whose SoftmaxOutput divides the gradient by the batch size, before the optimiser does so again.

Source: Apache MXNet #9911
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(0)
mx.random.seed(0)

digits = load_digits()
images = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(images[:1792], digits.target[:1792], batch_size=64, shuffle=True)

data = mx.sym.Variable("data")
hidden = mx.sym.Activation(mx.sym.FullyConnected(data, num_hidden=64, name="fc1"), act_type="relu")
scores = mx.sym.FullyConnected(hidden, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(scores, name="softmax", normalization="batch")

module = mx.mod.Module(net)
module.fit(
    train,
    num_epoch=3,
    optimizer="sgd",
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
    initializer=mx.init.Xavier(),
)
print("accuracy after 3 epochs:", module.score(train, "acc"))
