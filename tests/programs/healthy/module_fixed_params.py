"""Fine-tuning in Module: the trunk is trained, then kept with fixed_param_names while a new head learns.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(13)
np.random.seed(13)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
digits = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
halves = mx.io.NDArrayIter(images[:1536], labels[:1536] >= 5, 64, shuffle=True)


def network(classes, head):
    trunk = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=48, name="trunk")
    trunk = mx.sym.Activation(trunk, act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(trunk, num_hidden=classes, name=head), name="softmax")


first = mx.mod.Module(network(10, "digit"))
first.fit(digits, initializer=mx.init.Normal(0.05), optimizer_params={"learning_rate": 0.2}, num_epoch=2)
arguments, _ = first.get_params()

losses = []
second = mx.mod.Module(network(2, "half"), fixed_param_names=["trunk_weight", "trunk_bias"])
second.fit(
    halves,
    eval_metric="ce",
    arg_params={name: arguments[name] for name in ("trunk_weight", "trunk_bias")},
    allow_missing=True,
    initializer=mx.init.Normal(0.02),
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
    num_epoch=2,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]),
)
same = (second.get_params()[0]["trunk_weight"] == arguments["trunk_weight"]).min().asscalar()
print("trunk unchanged:", bool(same))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
