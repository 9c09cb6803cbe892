"""LinearRegressionOutput with AdaGrad on standardised real data; the short last batch is discarded.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_diabetes

mx.random.seed(18)
np.random.seed(18)
features, target = load_diabetes(return_X_y=True)
features = ((features - features.mean(axis=0)) / features.std(axis=0)).astype("float32")
target = ((target - target.mean()) / target.std()).astype("float32")
train = mx.io.NDArrayIter(
    features, target, 32, shuffle=True, last_batch_handle="discard", label_name="progression"
)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=16)
net = mx.sym.Activation(net, act_type="tanh")
net = mx.sym.FullyConnected(net, num_hidden=1)
net = mx.sym.LinearRegressionOutput(net, mx.sym.var("progression"))

losses = []
module = mx.mod.Module(net, label_names=["progression"])
module.fit(
    train,
    eval_metric="mse",
    initializer=mx.init.Xavier(),
    optimizer="adagrad",
    optimizer_params={"learning_rate": 0.1, "wd": 1e-3},
    num_epoch=8,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
