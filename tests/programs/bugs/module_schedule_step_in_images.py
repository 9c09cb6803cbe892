"""The rate is to be halved every second epoch; the step is given in images, and the rate never changes.

Source: Apache MXNet #3550 (step=epoch_size * lr_factor_epoch, where epoch_size is a number of images)
Expect: learning-rate by step 110
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(71)
mx.random.seed(71)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
module = mx.mod.Module(net)
schedule = mx.lr_scheduler.FactorScheduler(step=2 * 1408, factor=0.5)
module.fit(
    train,
    num_epoch=5,
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.2, "lr_scheduler": schedule},
)
print(module.score(train, "acc"))
