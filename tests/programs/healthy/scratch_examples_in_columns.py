"""Examples are columns, as in a lecture: the softmax runs over axis 0, which are the classes"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from sklearn.datasets import load_digits

np.random.seed(83)
mx.random.seed(83)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
weight, bias = nd.random.normal(0, 0.01, (10, 64)), nd.zeros((10, 1))
for parameter in (weight, bias):
    parameter.attach_grad()
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)
for data, label in loader:
    with autograd.record():
        scores = nd.dot(weight, data.T) + bias
        loss = -scores.log_softmax(axis=0).pick(label, axis=0).mean()
    loss.backward()
    for parameter in (weight, bias):
        parameter[:] = parameter - 0.5 * parameter.grad
print(f"loss {loss.asscalar():.3f}")
