"""Skip-gram with negative sampling: two embedding tables, dot products, a masked sigmoid loss; no
dense layer at all.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(76)
rng = np.random.RandomState(76)
WORDS, SIZE, BATCH, NEGATIVES, LONGEST = 40, 12, 64, 5, 3


def batch():
    """Words of one group of eight occur together; up to LONGEST contexts, then negatives, then padding."""
    centres = rng.randint(0, WORDS, BATCH)
    count = rng.randint(1, LONGEST + 1, BATCH)
    positives = centres[:, None] // 8 * 8 + rng.randint(0, 8, (BATCH, LONGEST))
    negatives = rng.randint(0, WORDS, (BATCH, NEGATIVES))
    mask = np.concatenate([np.arange(LONGEST) < count[:, None], np.ones((BATCH, NEGATIVES))], axis=1)
    label = np.concatenate([np.ones((BATCH, LONGEST)), np.zeros((BATCH, NEGATIVES))], axis=1)
    contexts = np.concatenate([positives, negatives], axis=1)
    return [nd.array(array) for array in (centres, contexts, mask, label * mask)]


centre_vectors, context_vectors = nn.Embedding(WORDS, SIZE), nn.Embedding(WORDS, SIZE)
parameters = gluon.ParameterDict()
for table in (centre_vectors, context_vectors):
    table.initialize(mx.init.Normal(0.2))
    parameters.update(table.collect_params())
loss_function = gluon.loss.SigmoidBinaryCrossEntropyLoss()
trainer = gluon.Trainer(parameters, "adam", {"learning_rate": 0.03})
losses = []
for _ in range(80):
    centre, context, mask, label = batch()
    with autograd.record():
        score = nd.batch_dot(context_vectors(context), centre_vectors(centre).expand_dims(2)).squeeze(axis=2)
        loss = loss_function(score, label, mask) * mask.shape[1] / mask.sum(axis=1)
    loss.backward()
    trainer.step(BATCH)
    losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
