"""learning_rate=0.4 is given beside a PolyScheduler, which decays from its own base_lr, 0.01 where none is given.

Source: gluon-cv #1350
Expect: learning-rate by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(70)
mx.random.seed(70)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
module = mx.mod.Module(net)
schedule = mx.lr_scheduler.PolyScheduler(max_update=3 * 22, pwr=1)
module.fit(
    train,
    num_epoch=3,
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.4, "lr_scheduler": schedule},
)
print(module.score(train, "acc"))
