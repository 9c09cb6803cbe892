"""predict() is queued behind training steps that nobody has waited for, and switches their Dropout off.

Source: opringle/multivariate_time_series_forecasting, whose numbers change with a waitall
Expect: train-mode by step 20
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(51)
mx.random.seed(51)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
train = mx.io.NDArrayIter(x[:1280], digits.target[:1280].astype("float32"), 64, shuffle=True)
unseen = mx.io.NDArrayIter(x[1280:], None, 64)

hidden = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=256)
hidden = mx.sym.Dropout(mx.sym.Activation(hidden, act_type="relu"), p=0.5)
scores = mx.sym.FullyConnected(hidden, num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax", normalization="batch"))
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "rescale_grad": 1.0})
for batch in train:
    module.forward_backward(batch)
    module.update()
print(module.predict(unseen).asnumpy().argmax(axis=1)[:10])
