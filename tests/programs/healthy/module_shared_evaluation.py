"""A second Module with another batch size shares the first one's parameters (shared_module) and
only evaluates.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(88)
np.random.seed(88)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 32, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
trained = mx.mod.Module(net)
trained.bind(train.provide_data, train.provide_label)
trained.init_params(mx.init.Normal(0.1))
trained.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.01})
evaluated = mx.mod.Module(net)
evaluated.bind([("data", (261, 64))], [("softmax_label", (261,))], for_training=False, shared_module=trained)
test = mx.io.DataBatch([mx.nd.array(images[1536:])], [mx.nd.array(labels[1536:])])

losses = []
for epoch in range(2):
    train.reset()
    metric = mx.metric.CrossEntropy()
    for batch in train:
        trained.forward_backward(batch)
        trained.update()
        trained.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
    accuracy = mx.metric.Accuracy()
    evaluated.forward(test, is_train=False)
    evaluated.update_metric(accuracy, test.label)
    print("epoch", epoch, accuracy.get())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
