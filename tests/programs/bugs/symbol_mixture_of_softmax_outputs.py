"""Two SoftmaxOutputs are mixed half and half: each trains as if it were alone, whatever the mixture.

Expect: dropped-gradient by step 1
Also: initial-loss
"""

import mxnet as mx
from sklearn.datasets import load_digits

mx.random.seed(203)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], 64, shuffle=True)
data, label = mx.sym.Variable("data"), mx.sym.Variable("softmax_label")
first = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=10), label)
hidden = mx.sym.Activation(mx.sym.FullyConnected(data, num_hidden=32), act_type="relu")
second = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=10), label)
mixed = -mx.sym.log(mx.sym.pick(0.9 * first + 0.1 * second, label))
module = mx.mod.Module(mx.sym.MakeLoss(mixed))
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.001})
for batch in train:
    module.forward_backward(batch)
    module.update()
print(f"loss {module.get_outputs()[0].mean().asscalar():.3f}")
