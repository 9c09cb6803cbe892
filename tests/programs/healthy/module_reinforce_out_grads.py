"""A Module whose backward is given the head gradients: actor-critic on a bandit, as in MXNet's
reinforcement examples.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(87)
rng = np.random.RandomState(87)
BATCH, ACTIONS = 64, 3
answers = rng.normal(size=(5, ACTIONS))

hidden = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=24), act_type="relu")
policy = mx.sym.log_softmax(mx.sym.FullyConnected(hidden, num_hidden=ACTIONS, name="policy"))
value = mx.sym.FullyConnected(hidden, num_hidden=1, name="value")
module = mx.mod.Module(mx.sym.Group([policy, value]), label_names=None)
module.bind([("data", (BATCH, 5))])
module.init_params(mx.init.Xavier(magnitude=0.5))
settings = {"learning_rate": 0.02, "rescale_grad": 1 / BATCH}
module.init_optimizer(optimizer="adam", optimizer_params=settings)

mistakes = []
for _ in range(60):
    state = rng.normal(size=(BATCH, 5)).astype("float32")
    module.forward(mx.io.DataBatch([mx.nd.array(state)], []), is_train=True)
    log_policy, expected = (output.asnumpy() for output in module.get_outputs())
    action = np.array([rng.choice(ACTIONS, p=p / p.sum()) for p in np.exp(log_policy.astype("float64"))])
    reward = (action == (state @ answers).argmax(axis=1)).astype("float32")
    advantage = reward - expected[:, 0]
    policy_gradient = -np.eye(ACTIONS)[action] * advantage[:, None]
    module.backward([mx.nd.array(policy_gradient), mx.nd.array(-advantage[:, None])])
    module.update()
    mistakes.append(1 - reward.mean())
print("share of wrong actions:")
print(f"loss {np.mean(mistakes[:5]):.3f} -> {np.mean(mistakes[-5:]):.3f}")
