"""MultiFactorScheduler counts updates, but its milestones are written in epochs: the rate is gone at once.

Source: Apache MXNet #625
Expect: learning-rate by step 112
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(37)
mx.random.seed(37)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
train = mx.io.NDArrayIter(x[:1792], y[:1792], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=64, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")

epochs = 4
schedule = mx.lr_scheduler.MultiFactorScheduler(step=[2, 3], factor=0.1, base_lr=0.5)
module = mx.mod.Module(net)
module.fit(
    train,
    num_epoch=epochs,
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.5, "lr_scheduler": schedule},
)
print("after", epochs, "epochs:", module.score(train, "acc"))
