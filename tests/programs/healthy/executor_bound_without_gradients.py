"""Symbol.bind without args_grad, for the scores of the trained arrays, in training mode too; its backward does nothing.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(62)
rng = np.random.RandomState(62)
images = rng.normal(size=(512, 16)).astype("float32")
labels = images[:, :4].argmax(axis=1)
BATCH = 32

scores = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=24, name="fc1")
scores = mx.sym.FullyConnected(mx.sym.tanh(scores), num_hidden=4, name="fc2")
loss = mx.sym.SoftmaxOutput(scores, name="softmax")

shapes, _, _ = loss.infer_shape(data=(BATCH, 16))
arrays = {name: mx.nd.zeros(shape) for name, shape in zip(loss.list_arguments(), shapes, strict=True)}
gradients = {name: mx.nd.zeros(array.shape) for name, array in arrays.items() if name.startswith("fc")}
for name in gradients:
    mx.init.Xavier()(mx.init.InitDesc(name), arrays[name])
training = loss.bind(mx.cpu(), arrays, args_grad=gradients)
reading = scores.bind(mx.cpu(), arrays)
updater = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.3, rescale_grad=1 / BATCH))

for _ in range(2):
    order = rng.permutation(len(images))
    for start in range(0, len(images), BATCH):
        rows = order[start : start + BATCH]
        arrays["data"][:], arrays["softmax_label"][:] = images[rows], labels[rows]
        training.forward(is_train=True)
        training.backward()
        for index, name in enumerate(gradients):
            updater(index, gradients[name], arrays[name])
    arrays["data"][:] = images[:BATCH]
    (read,) = reading.forward()
    print(f"accuracy {(read.asnumpy().argmax(axis=1) == labels[:BATCH]).mean():.2f}")
reading.forward(is_train=True)
reading.backward(mx.nd.ones(read.shape))
