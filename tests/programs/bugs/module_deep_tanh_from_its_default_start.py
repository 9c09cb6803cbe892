"""Module's own start, Uniform(0.01), in ten layers of tanh: what reaches the last is smaller than float32 can tell from its bias.

Expect: constant-output by step 20
Also: vanishing-gradient, no-progress
"""

import mxnet as mx
from sklearn.datasets import load_digits

mx.random.seed(204)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)
net = mx.sym.Variable("data")
for _ in range(10):
    net = mx.sym.Activation(mx.sym.FullyConnected(net, num_hidden=32), act_type="tanh")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10), name="softmax")
module = mx.mod.Module(net)
module.fit(train, num_epoch=1, optimizer_params={"learning_rate": 0.05, "momentum": 0.9})
print("accuracy", module.score(train, "acc"))
