"""A Monitor installed in a Module reads weights and gradients while training; predict and score
between epochs.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(86)
np.random.seed(86)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
valid = mx.io.NDArrayIter(images[1536:1792], labels[1536:1792], 64)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
net = mx.sym.Dropout(mx.sym.Activation(net, act_type="relu"), p=0.2)
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
monitor = mx.mon.Monitor(10, stat_func=lambda x: x.norm() / x.size**0.5, pattern=".*weight|.*grad")

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.install_monitor(monitor)
module.init_params(mx.init.Normal(0.05))
module.init_optimizer(optimizer="rmsprop", optimizer_params={"learning_rate": 0.003})
losses = []
metric = mx.metric.CrossEntropy()
for _ in range(3):
    train.reset()
    for batch in train:
        metric.reset()
        monitor.tic()
        module.forward_backward(batch)
        module.update()
        for step, name, value in monitor.toc():
            print(step, name, value.strip())
        module.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
    predicted = module.predict(valid).asnumpy().argmax(axis=1)
    print((predicted == labels[1536:1792]).mean(), module.score(valid, "acc"))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
