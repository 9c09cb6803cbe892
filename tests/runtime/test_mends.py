"""`runtime.mend` gives the right numbers. It changes its process for good, so children of the tests are mended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mx_notes.runtime import mends

ROOT = Path(__file__).parents[2]
# Of each mend: the cases of the sweep, by the beginnings of their names, that are wrong without it.
CASES = {
    "accumulation": ["F.mean(x)", "F.clip(", "F.split_v2(", "F.linalg.gemm2(x, y):", "np.tensordot(x, y, ((1,)", "np.einsum('ij,jk->ik', x, y, optimize=True)", "F.SoftmaxOutput(x, l):"],
    "at_least": ["np.atleast_2d"],
    "attention": ["F.contrib.interleaved_matmul_selfatt_valatt", "F.contrib.interleaved_matmul_encdec_qk"],
    "batch_axes": ["np.matmul(x, y): x 2 × 1 × 3 × 2, y 3 × 2 × 2"],
    "bilinear": ["init.Bilinear"],
    "boolean_masks": ["boolean masks"],
    "eigenvalues": ["np.linalg.eigvalsh", "np.linalg.eigh"],
    "frozen_weight": ["F.FullyConnected(x, w, b, num_hidden=3)", "F.FullyConnected(x, w, b, num_hidden=3, flatten=False)", "npx.fully_connected", "nn.Dense(3):"],
    "large_norms": ["F.norm of large", "multi_sum_sq of large", "np.linalg.norm of large"],
    "matrix_norms": ["np.linalg.norm(x, 1)", "np.linalg.norm(x, float('inf'))", "np.linalg.norm(x, 2):"],
    "mean_metrics": ["metric.MAE", "metric.MSE", "metric.RMSE"],
    "nadam": ["optimizer nadam, several"],
    "poisson": ["gluon.loss.PoissonNLLLoss(compute_full=True)"],
    "rotation": ["np.rot90(x, 1)", "np.rot90(x, 3)"],
    "scalar_branch": ["np.where(c, x, 2.0)", "np.where(c, 2.0, x)", "np.arctan2(2.0, x)"],
    "selu": ["nn.SELU()", "F.LeakyReLU(x, act_type='selu')"],
    "variance": ["np.var(x, axis=1)", "np.std(x, axis=None)"],
}  # fmt: skip
# Where shapes are not known, in graphs, these can't be put right.
ONLY_ARRAYS = {"at_least", "batch_axes", "matrix_norms"}

JUDGE = """
import json, sys
mended, wanted = json.loads(sys.argv[1]), json.loads(sys.argv[2])
from mx_notes.runtime import mend
if mended:
    mend()
from sweep import run
from sweep.judge import judge
found = {}
for case in run.all_cases():
    for beginning, roads in wanted.items():
        if case.name.startswith(beginning):
            verdict = judge(case, roads) if hasattr(case, "text") else case.judge()
            found[case.name] = [beginning, verdict.compared, [str(each) for each in verdict.wrong]]
print(json.dumps(found))
"""


def _child(program, *arguments):
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "benchmarks"))
    command = [sys.executable, "-c", program, *map(json.dumps, arguments)]
    result = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def judged():
    roads = {
        each: ["imperative"] if mend in ONLY_ARRAYS else ["imperative", "static", "executor"]
        for mend, cases in CASES.items()
        for each in cases
    }
    return {mended: _child(JUDGE, mended, roads) for mended in (False, True)}


def test_every_mend_has_its_cases():
    assert set(CASES) == set(mends.names())


@pytest.mark.long
@pytest.mark.parametrize("mend", CASES)
def test_what_is_wrong_without_the_mend_is_right_with_it(judged, mend):
    for beginning in CASES[mend]:
        bare, mended = (
            [each for each in judged[which].values() if each[0] == beginning] for which in (False, True)
        )
        assert bare and len(bare) == len(mended)
        assert all(wrong for _, _, wrong in bare)
        assert all(compared and wrong == [] for _, compared, wrong in mended), mended


def test_a_mend_says_what_it_mends_and_where_and_nothing_is_mended_twice():
    program = """
import json
from mx_notes.runtime import mend
first = mend()
from mx_notes.runtime import mx
update = mx.optimizer.Nadam.update
assert mend() == first and mx.optimizer.Nadam.update is update
print(json.dumps([[each.name, each.what, each.file] for each in first]))
"""
    listed = _child(program)
    assert [name for name, _, _ in listed] == mends.names()
    assert all(what and file for _, what, file in listed)


# Each trains twice: MXNet's own layers, and a composition that is right without a mend.
TWINS = """
import json
from mx_notes.runtime import mx, mend
if {mended}:
    mend()
import numpy as np
from mxnet import autograd, gluon, nd

X, Y = np.random.RandomState(1).normal(size=(32, 6)).astype("float32"), np.arange(32) % 3


class RightSELU(gluon.nn.HybridBlock):
    def hybrid_forward(self, F, x):
        return 1.0507009873554805 * F.LeakyReLU(x, act_type="elu", slope=1.6732632423543772)


class RightDense(gluon.nn.Dense):
    def hybrid_forward(self, F, x, weight, bias):
        return F.broadcast_add(F.FullyConnected(x, weight, no_bias=True, num_hidden=self._units), F.reshape(bias, (1, -1)))


def trained(dense, selu, frozen, optimizer, hybridised):
    mx.random.seed(3), np.random.seed(3)
    net = gluon.nn.HybridSequential()
    net.add(dense(8, in_units=6), selu(), dense(3, in_units=8))
    net.initialize(mx.init.Xavier())
    if hybridised:
        net.hybridize(static_alloc=True, static_shape=True)
    if frozen:
        net.collect_params(".*weight").setattr("grad_req", "null")
    parameters = [p for p in net.collect_params().values() if p.grad_req != "null"]
    trainers = [gluon.Trainer(parameters, optimizer, {{"learning_rate": 0.05}})]
    if optimizer == "nadam" and selu is RightSELU:
        trainers = [gluon.Trainer([p], optimizer, {{"learning_rate": 0.05}}) for p in parameters]
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(6):
        with autograd.record():
            loss = loss_of(net(nd.array(X)), nd.array(Y))
        loss.backward()
        for trainer in trainers:
            trainer.step(32)
    return np.concatenate([p.data().asnumpy().ravel() for p in net.collect_params().values()])


def module(own):
    mx.random.seed(3), np.random.seed(3)
    data, weight, bias = mx.sym.var("data"), mx.sym.var("fc_weight", shape=(3, 6)), mx.sym.var("fc_bias", shape=(3,))
    if own:
        out = mx.sym.FullyConnected(data, num_hidden=3, name="fc")
    else:
        product = mx.sym.FullyConnected(data, weight, no_bias=True, num_hidden=3)
        out = mx.sym.broadcast_add(product, mx.sym.reshape(bias, (1, -1)))
    net = mx.mod.Module(mx.sym.SoftmaxOutput(out, name="softmax"), fixed_param_names=["fc_weight"])
    train = mx.io.NDArrayIter(X, Y.astype("float32"), 16)
    net.bind(train.provide_data, train.provide_label)
    net.init_params(mx.init.One())
    net.init_optimizer(optimizer_params={{"learning_rate": 0.1}})
    for batch in train:
        net.forward_backward(batch)
        net.update()
    return np.concatenate([v.asnumpy().ravel() for _, v in sorted(net.get_params()[0].items())])


apart = {{"module": float(np.abs(module(True) - module(False)).max())}}
for frozen in (False, True):
    for optimizer in ("sgd", "nadam"):
        for hybridised in (False, True):
            own = trained(gluon.nn.Dense, gluon.nn.SELU, frozen, optimizer, hybridised)
            right = trained(RightDense, RightSELU, frozen, optimizer, hybridised)
            apart[f"{{frozen}} {{optimizer}} {{hybridised}}"] = float(np.abs(own - right).max())
print(json.dumps(apart))
"""


def test_mended_training_ends_where_the_repaired_twin_ends():
    # Float32 over six steps of numbers below 1; without the mends the least is 7e-4.
    assert all(apart < 2e-6 for apart in _child(TWINS.format(mended=True)).values())
    assert all(apart > 5e-4 for apart in _child(TWINS.format(mended=False)).values())


PROGRAM = """
import mxnet as mx
x = mx.nd.array([-2.0])
x.attach_grad()
with mx.autograd.record():
    y = mx.gluon.nn.SELU()(x)
y.backward()
print(round(float(x.grad.asscalar()), 3))
"""


@pytest.mark.parametrize(("flags", "gradient"), [([], "0.161"), (["--mend"], "0.238")])
def test_the_audit_mends_only_where_it_is_asked_and_says_so(mx_notes_command, tmp_path, flags, gradient):
    (tmp_path / "selu.py").write_text(PROGRAM)
    result = mx_notes_command("audit", *flags, "--json", "report.json", "selu.py")
    assert result.stdout.strip() == gradient, result.stderr
    assert result.stderr.count("mx-notes: MXNet mended: accumulation, ") == len(flags)
    assert json.loads((tmp_path / "report.json").read_text())["mended"] == (mends.names() if flags else [])


# A weight that is read nine times: MXNet then adds its gradients in place, whatever was requested.
NINE_USES = """
import json
from mx_notes.runtime import mx, mend
if {mended}:
    mend()
import numpy as np

found = []
for product in (mx.sym.linalg_gemm2, mx.sym.dot):
    state, weight = mx.sym.var("data"), mx.sym.var("weight")
    for _ in range(9):
        state = mx.sym.tanh(product(state, weight))
    executor = state.bind(
        mx.cpu(),
        {{"data": mx.nd.array(np.linspace(-1, 1, 12).reshape(3, 4)), "weight": mx.nd.array(np.eye(4) + 0.1)}},
        {{"weight": mx.nd.zeros((4, 4))}},
        {{"weight": "write", "data": "null"}},
    )
    executor.forward(is_train=True)
    executor.backward(mx.nd.ones((3, 4)))
    found.append(executor.grad_dict["weight"].asnumpy())
print(json.dumps(float(np.abs(found[0] - found[1]).max() / np.abs(found[1]).max())))
"""


def test_a_weight_that_is_read_nine_times_gets_the_sum_of_its_gradients():
    assert _child(NINE_USES.format(mended=True)) < 1e-5
    assert not _child(NINE_USES.format(mended=False)) < 1e-2
