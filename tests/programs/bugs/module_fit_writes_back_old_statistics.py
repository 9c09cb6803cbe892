"""Module.fit reads the parameters after an epoch's last step and sets them: old statistics are put back.

Source: Apache MXNet #6010 (saving and loading parameters yields worse results; "batch normalizing layer?")
Expect: running-statistics by step 28
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(54)
mx.random.seed(54)
digits = load_digits()
images = ((digits.images - digits.images.mean()) / digits.images.std())[:1792, None]
train = mx.io.NDArrayIter(images, digits.target[:1792], batch_size=64, shuffle=True)


def convolution(data, channels, name):
    data = mx.sym.Convolution(
        data, kernel=(3, 3), pad=(1, 1), num_filter=channels, no_bias=True, name=name + "_conv"
    )
    return mx.sym.Activation(mx.sym.BatchNorm(data, fix_gamma=False, name=name + "_bn"), act_type="relu")


net = convolution(mx.sym.Variable("data"), 32, "first")
net = convolution(net, 32, "second")
net = convolution(net, 32, "third")
net = mx.sym.Pooling(net, global_pool=True, pool_type="avg", kernel=(8, 8))
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc"), name="softmax")

module = mx.mod.Module(net)
module.fit(
    train,
    num_epoch=2,
    eval_metric=mx.metric.CompositeEvalMetric(),  # none: the accuracy is measured below
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4},
)
print("accuracy", module.score(train, "acc"))
