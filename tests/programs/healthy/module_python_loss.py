"""A PythonLossModule behind a Module: the gradient of the summed multi-class hinge loss comes from NumPy.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(11)
np.random.seed(11)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)


def margins(scores, labels):
    scores, labels = scores.asnumpy(), labels.asnumpy().astype(int)
    rows = np.arange(len(labels))
    margin = np.maximum(0, 1 + scores - scores[rows, labels][:, None])
    margin[rows, labels] = 0
    return margin, rows, labels


def hinge_gradient(scores, labels):
    margin, rows, labels = margins(scores, labels)
    gradient = (margin > 0).astype("float32")
    gradient[rows, labels] = -gradient.sum(axis=1)
    return gradient


net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="tanh"), num_hidden=10)
module = mx.mod.SequentialModule()
module.add(mx.mod.Module(net, label_names=None))
module.add(mx.mod.PythonLossModule(grad_func=hinge_gradient), take_labels=True, auto_wiring=True)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier(magnitude=1))
module.init_optimizer(optimizer_params={"learning_rate": 0.02, "momentum": 0.9})

losses = []
for _ in range(2):
    train.reset()
    for batch in train:
        module.forward_backward(batch)
        losses.append(margins(module.get_outputs()[0], batch.label[0])[0].sum(axis=1).mean())
        module.update()
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
