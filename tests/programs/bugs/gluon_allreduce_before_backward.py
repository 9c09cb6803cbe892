"""allreduce_grads() stands above backward(), as an answer once had it: each device applies its own gradient.

Source: Apache MXNet #11508
Expect: device-divergence by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(66)
np.random.seed(66)
ctx = [mx.cpu(0), mx.cpu(1)]
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1280], y[:1280].astype("float32")), batch_size=64, shuffle=True
)
model = gluon.nn.Sequential()
model.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
model.initialize(mx.init.Normal(0.1), ctx=ctx)
criterion = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(model.collect_params(), "sgd", {"learning_rate": 0.1}, update_on_kvstore=False)
model(mx.nd.zeros((1, 64), ctx[0]))  # finds the shapes, so that there are gradients to reduce
grad_clip = 5.0

for epoch in range(2):
    total = 0
    for data, label in loader:
        data, label = gluon.utils.split_and_load(data, ctx), gluon.utils.split_and_load(label, ctx)
        trainer.allreduce_grads()
        with autograd.record():
            losses = [criterion(model(part), truth).mean() for part, truth in zip(data, label, strict=True)]
        autograd.backward(losses)
        for device in ctx:
            grads = [p.grad(device) for p in model.collect_params().values()]
            gluon.utils.clip_global_norm(grads, grad_clip)
        trainer.update(1)
        total += sum(loss.asscalar() for loss in losses) / len(ctx)
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
