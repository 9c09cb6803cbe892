"""SequentialModule: features in one Module, classifier in another; the gradient goes through both.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(10)
np.random.seed(10)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)

features = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
features = mx.sym.Activation(features, act_type="relu")
classifier = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=10, name="fc2")
classifier = mx.sym.SoftmaxOutput(classifier, name="softmax")

module = mx.mod.SequentialModule()
module.add(mx.mod.Module(features, label_names=None))
module.add(mx.mod.Module(classifier), take_labels=True, auto_wiring=True)
losses = []
module.fit(
    train,
    eval_metric="ce",
    initializer=mx.init.Normal(0.06),
    optimizer_params={"learning_rate": 0.2},
    num_epoch=3,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
