"""Three classes are numbered 0, 1, 2 and given to a logistic loss, which knows 0 and 1.

Expect: target-range by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(349)
np.random.seed(349)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], (y[:1408] % 3).reshape(-1, 1), 64, shuffle=True, label_name="target")
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=1)
net = mx.sym.LogisticRegressionOutput(net, mx.sym.Variable("target"), name="out")
module = mx.mod.Module(net, label_names=["target"])
module.fit(
    train,
    num_epoch=1,
    eval_metric="mse",
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.05},
)
