"""The outputs themselves are handed to backward as their gradients: the network learns to say 0.

Expect: head-gradient by step 1
"""

import mxnet as mx
from sklearn.datasets import load_digits

mx.random.seed(209)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)
net = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32), act_type="tanh")
net = mx.sym.FullyConnected(net, num_hidden=10)
module = mx.mod.Module(net, label_names=None)
module.bind(train.provide_data)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1})
for batch in train:
    module.forward(batch, is_train=True)
    module.backward(module.get_outputs())
    module.update()
print(f"largest score {module.get_outputs()[0].max().asscalar():.3f}")
