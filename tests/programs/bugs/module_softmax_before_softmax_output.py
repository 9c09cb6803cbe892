"""SoftmaxOutput gets the probabilities of a softmax layer where it wants the raw scores.

Source: Apache MXNet #5792 (review: softmax and SoftmaxOutput mixed up)
Expect: double-softmax by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(42)
mx.random.seed(42)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
train = mx.io.NDArrayIter(x[:1792], y[:1792], batch_size=64, shuffle=True)


def get_symbol(num_classes=10):
    data = mx.symbol.Variable("data")
    fc1 = mx.symbol.FullyConnected(data=data, name="fc1", num_hidden=64)
    act1 = mx.symbol.Activation(data=fc1, name="relu1", act_type="relu")
    fc2 = mx.symbol.FullyConnected(data=act1, name="fc2", num_hidden=num_classes)
    prob = mx.symbol.softmax(data=fc2, name="prob")
    return mx.symbol.SoftmaxOutput(data=prob, name="softmax")


module = mx.mod.Module(get_symbol())
module.fit(
    train,
    num_epoch=2,
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.5, "momentum": 0.9},
)
print(module.score(train, ["acc", "ce"]))
