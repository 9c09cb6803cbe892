"""init_params is called for fresh values, then for the pretrained ones, which it ignores without force_init.

Source: Apache MXNet #6223
Expect: ignored-values by step 30
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(66)
mx.random.seed(66)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
many = mx.io.NDArrayIter(x[:1280], digits.target[:1280], 64, shuffle=True)
few = mx.io.NDArrayIter(x[1280:1600], digits.target[1280:1600], 32, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
teacher = mx.mod.Module(net)
teacher.fit(many, num_epoch=1, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.1})
values, _ = teacher.get_params()
del values["fc2_weight"], values["fc2_bias"]  # a head of its own

module = mx.mod.Module(net)
module.bind(few.provide_data, few.provide_label)
module.init_params(mx.init.Xavier())
module.init_params(arg_params=values, allow_missing=True)
module.init_optimizer(optimizer_params={"learning_rate": 0.01})
for _ in range(2):
    few.reset()
    for batch in few:
        module.forward_backward(batch)
        module.update()
print(module.score(few, "acc"))
