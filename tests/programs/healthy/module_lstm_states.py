"""Truncated BPTT in a Module: the states come out as outputs behind BlockGrad and go in again as data.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(89)
rng = np.random.RandomState(89)
VOCABULARY, BATCH, STEPS, HIDDEN = 9, 16, 6, 20
text = np.cumsum(rng.choice([1, 4], size=BATCH * (STEPS * 70 + 1), p=[0.8, 0.2])) % VOCABULARY
streams = text.reshape(BATCH, -1)

cell = mx.rnn.LSTMCell(HIDDEN, prefix="lstm_")
embedded = mx.sym.Embedding(mx.sym.var("data"), input_dim=VOCABULARY, output_dim=10, name="embedding")
begin = [mx.sym.var("state_h"), mx.sym.var("state_c")]
outputs, end = cell.unroll(STEPS, embedded, begin_state=begin, layout="NTC", merge_outputs=True)
scores = mx.sym.FullyConnected(mx.sym.reshape(outputs, (-1, HIDDEN)), num_hidden=VOCABULARY, name="out")
loss = mx.sym.SoftmaxOutput(scores, mx.sym.reshape(mx.sym.var("label"), (-1,)), name="softmax")
symbol = mx.sym.Group([loss, *(mx.sym.BlockGrad(state) for state in end)])

state_shape = (BATCH, HIDDEN)
module = mx.mod.Module(symbol, data_names=["data", "state_h", "state_c"], label_names=["label"])
module.bind(
    [("data", (BATCH, STEPS)), ("state_h", state_shape), ("state_c", state_shape)],
    [("label", (BATCH, STEPS))],
)
module.init_params(mx.init.Xavier(magnitude=1))
module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.02, "clip_gradient": 5.0})

states = [mx.nd.zeros(state_shape), mx.nd.zeros(state_shape)]
losses = []
for start in range(0, streams.shape[1] - STEPS, STEPS):
    inputs, label = streams[:, start : start + STEPS], streams[:, start + 1 : start + STEPS + 1]
    batch = mx.io.DataBatch([mx.nd.array(inputs), *states], [mx.nd.array(label)])
    module.forward_backward(batch)
    module.update()
    probabilities, *states = module.get_outputs()
    states = [state.copy() for state in states]
    chosen = mx.nd.pick(probabilities, mx.nd.array(label.reshape(-1)))
    losses.append(-chosen.log().mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
