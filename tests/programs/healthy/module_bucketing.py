"""BucketingModule: sentences of several lengths, an executor per length, one set of parameters and
one optimiser.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(9)
rng = np.random.RandomState(9)
BATCH, VOCABULARY, LENGTHS = 32, 12, (4, 6, 8)


def batches():
    """Sequences that count upwards from a random start; the label is the next number."""
    order = list(LENGTHS) * 8
    rng.shuffle(order)
    for length in order:
        start = rng.randint(0, VOCABULARY, (BATCH, 1))
        tokens = (start + np.arange(length + 1)) % VOCABULARY
        yield mx.io.DataBatch(
            [mx.nd.array(tokens[:, :-1])],
            [mx.nd.array(tokens[:, 1:])],
            bucket_key=length,
            provide_data=[mx.io.DataDesc("data", (BATCH, length))],
            provide_label=[mx.io.DataDesc("label", (BATCH, length))],
        )


def symbol_of(length):
    cell = mx.rnn.GRUCell(16, prefix="gru_")
    embedded = mx.sym.Embedding(mx.sym.var("data"), input_dim=VOCABULARY, output_dim=8, name="embedding")
    outputs, _ = cell.unroll(length, embedded, layout="NTC", merge_outputs=True)
    logits = mx.sym.FullyConnected(mx.sym.reshape(outputs, (-1, 16)), num_hidden=VOCABULARY, name="out")
    loss = mx.sym.SoftmaxOutput(logits, mx.sym.reshape(mx.sym.var("label"), (-1,)), name="softmax")
    return loss, ("data",), ("label",)


module = mx.mod.BucketingModule(symbol_of, default_bucket_key=max(LENGTHS))
module.bind([("data", (BATCH, 8))], [("label", (BATCH, 8))])
module.init_params(mx.init.Xavier(magnitude=1))
module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.02})
losses = []
metric = mx.metric.Perplexity(None)
for _ in range(2):
    for batch in batches():
        metric.reset()
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        losses.append(np.log(metric.get()[1]))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
