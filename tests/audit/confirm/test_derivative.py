"""The derivative check on real backward passes: right ones are left in peace, wrong ones found, with or without a list."""

import re
from pathlib import Path

import numpy as np
import pytest
from audited import audited

from mx_notes import audit
from mx_notes.audit.confirm import derivative
from mx_notes.audit.graph.replay import OutOfTime
from mx_notes.audit.rules import loss_derivative
from mx_notes.runtime import mx

PROGRAMS = Path(__file__).parents[2] / "programs" / "bugs"
nn, rnn = mx.gluon.nn, mx.gluon.rnn


def network(*layers, hybrid=False):
    net = nn.HybridSequential() if hybrid else nn.Sequential()
    net.add(*layers)
    net.initialize(mx.init.Xavier())
    return net


def trained(net, shape=(8, 6), adds=False, hybrid=False):
    """The findings about derivatives, and what was judged of each pass."""
    mx.random.seed(1)
    data, label = mx.nd.random.normal(shape=(2, *shape)), mx.nd.arange(shape[0]) % 3
    net(data[0])
    if hybrid:
        net.hybridize()
    if adds:
        net.collect_params().setattr("grad_req", "add")
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    judged = []
    with audit() as watch:
        watch.recorder.now._judges.insert(0, lambda step: judged.extend(step.derivatives))
        for batch in data:
            with mx.autograd.record():
                loss = loss_of(net(batch), label)
            loss.backward()
            trainer.step(shape[0])
            if adds:
                net.collect_params().zero_grad()
    return [f for f in watch.findings if f.rule == "loss-derivative"], judged


class Wrong(mx.autograd.Function):
    def forward(self, x):
        self.save_for_backward(x)
        return x * x

    def backward(self, dy):
        (x,) = self.saved_tensors
        return 3 * x * dy


class Apply(mx.gluon.Block):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function()(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("axes", "wrong"), [(([1], [0]), True), (1, False)])
def test_a_tensordot_that_does_not_accumulate(axes, wrong, dtype):
    random = np.random.RandomState(1)
    x, weight = (mx.np.array(random.normal(size=shape), dtype=dtype) for shape in ((8, 6), (6, 3)))
    # It adds to one of four pieces of memory: ones, for where a piece is new, or comes twice in a row, it is right.
    used = mx.np.ones_like(weight)
    used.attach_grad("add")
    for _ in range(8):
        with mx.autograd.record():
            product = mx.np.tensordot(mx.np.ones_like(x), used, axes)
        product.backward()
    with audit() as watch:
        weight.attach_grad("add")
        for _ in range(2):
            for _ in range(2):
                with mx.autograd.record():
                    loss = mx.np.square(mx.np.tensordot(x, weight, axes)).sum()
                loss.backward()
            weight -= 0.001 * weight.grad
            weight.grad[:] = 0
    messages = [finding.message for finding in watch.findings if finding.rule == "loss-derivative"]
    assert watch.summary().gradients.passes == 2
    assert len(messages) == wrong and all("_npi_tensordot wrong" in message for message in messages), messages


@pytest.mark.parametrize("request_", ["write", "add"])
def test_variables_that_were_made_before_the_audit_whose_request_nobody_can_tell(request_):
    x, weight = mx.nd.array([[1.0, 2.0]]), mx.nd.array([[0.5, -1.0]])
    weight.attach_grad(request_)
    weight.grad[:] = 3.0
    with audit() as watch:
        for _ in range(2):
            with mx.autograd.record():
                loss = mx.nd.square(mx.nd.dot(x, weight.T))
            loss.backward()
            weight -= 0.001 * weight.grad
    assert watch.summary().gradients.passes == 2
    assert not [finding for finding in watch.findings if finding.rule == "loss-derivative"]


class Square(mx.operator.CustomOp):
    factor = 2

    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], mx.nd.square(in_data[0]))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], self.factor * in_data[0] * out_grad[0])


@mx.operator.register("test_square")
class SquareProperty(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        return Square()


@mx.operator.register("test_square_told")
class Told(SquareProperty):
    def create_operator(self, ctx, shapes, dtypes):
        print("made")
        return Square()


class Custom(mx.gluon.HybridBlock):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def hybrid_forward(self, F, x):
        return F.Custom(x, op_type=self.kind)


@pytest.mark.parametrize("hybrid", [False, True])
def test_custom_operators(hybrid, monkeypatch):
    def judge(kind):
        return trained(network(nn.Dense(8), Custom(kind), nn.Dense(3), hybrid=True), hybrid=hybrid)

    findings, judged = judge("test_square")
    assert not findings and judged[0].parameters, judged
    findings, judged = judge("test_square_told")
    assert not findings and "test_square_told is the program's own" in judged[0].left
    monkeypatch.setattr(Square, "factor", 3)
    (finding,), _ = judge("test_square")
    assert "the backward pass of test_square, written by hand" in finding.message
    assert finding.severity.value == "warning"


class Rows(mx.gluon.Block):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(3)

    def forward(self, x):
        h = self.dense(x)
        return mx.nd.stack(*[h[i] for i in range(4)], *h[4:8])


class Recurrent(mx.gluon.Block):
    def __init__(self):
        super().__init__()
        self.cell = rnn.LSTMCell(6)

    def forward(self, x):
        _, states = self.cell.unroll(3, x.reshape((-1, 3, 2)), layout="NTC")
        return states[0]


class Attention(mx.gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        x = F.reshape(x, (4, -1, 12))
        return F.contrib.interleaved_matmul_selfatt_qk(x, heads=2).reshape((8, -1))


RIGHT = {
    "dense": lambda: network(nn.Dense(8, activation="relu"), nn.Dense(3)),
    "hybridised": lambda: network(nn.Dense(8, activation="tanh"), nn.Dense(3), hybrid=True),
    "batch norm": lambda: network(nn.Dense(8), nn.BatchNorm(), nn.Activation("sigmoid"), nn.Dense(3)),
    "layer norm": lambda: network(nn.Dense(8), nn.LayerNorm(), nn.GELU(), nn.Dense(3)),
    "a recurrent layer": lambda: network(Recurrent(), nn.Dense(3)),
    "attention without a form for float64": lambda: network(nn.Dense(24), Attention(), nn.Dense(3)),
    "rows": lambda: network(Rows()),
    "embedding": lambda: network(nn.Embedding(9, 4), nn.Dense(3)),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("adds", [False, True])
def test_right_gradients_are_judged_and_right(name, adds):
    findings, judged = trained(RIGHT[name](), adds=adds, hybrid=name == "hybridised")
    assert not findings, findings
    assert [bool(each.parameters) for each in judged] == [True, True], judged
    assert max(each.difference for each in judged) < 0.01


def test_convolutions_and_pooling():
    norms = nn.BatchNorm(), nn.Activation("relu"), nn.Conv2D(4, 3), nn.BatchNormReLU()
    layers = nn.Conv2D(4, 3, padding=1), *norms, nn.MaxPool2D(), nn.Dense(3)
    findings, judged = trained(network(*layers), shape=(8, 2, 6, 6))
    assert not findings and judged[0].parameters


@pytest.mark.parametrize("hybrid", [False, True])
def test_an_operator_of_mxnets_that_is_wrong_is_found_though_it_is_in_no_list(hybrid, monkeypatch):
    monkeypatch.setattr(loss_derivative, "known_faults", lambda: ())
    net = network(nn.Dense(8), nn.SELU(), nn.Dense(3), hybrid=True)
    (finding,), _ = trained(net, hybrid=hybrid)
    assert "LeakyReLU" in finding.message and finding.severity.value == "error"


# Of each kind of fault that docs/operators.md lists: the program, and the operator that is to be named.
KINDS = {
    "always": ("module_selu_by_leaky_relu", "LeakyReLU"),
    "of a number": ("gluon_relu_by_np_where_and_a_number", "_npi_where_rscalar"),
    "of broadcast shapes": ("gluon_matmul_over_a_batch_axis_of_one", "_npi_matmul"),
    "under add": ("gluon_clipped_weights_accumulated", "clip"),
    "where another input has no gradient": ("module_biases_of_fixed_weights", "FullyConnected"),
    "in float32 with oneDNN": ("gluon_average_pooling_beyond_the_border", "Pooling"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_is_found_though_it_is_in_no_list(kind, monkeypatch):
    monkeypatch.setattr(loss_derivative, "known_faults", lambda: ())
    program, operator = KINDS[kind]
    (finding,) = audited(PROGRAMS / f"{program}.py", max_steps=2).errors
    assert re.search(rf"MXNet computes the backward pass of (\w+ \()?{operator}\)? wrong$", finding.message)


def test_a_weight_that_is_read_nine_times_is_found_though_no_operator_is_wrong_alone():
    (finding,) = audited(PROGRAMS / "module_one_product_taken_nine_times.py", max_steps=2).errors
    assert "no operator is wrong alone, but weight is used 9 times" in finding.message


def test_a_bias_whose_weight_is_frozen():
    net = network(nn.Dense(8), nn.Dense(3))
    net.collect_params(".*weight").setattr("grad_req", "null")
    (finding, *_), _ = trained(net)
    assert "FullyConnected" in finding.message and "bias" in finding.message


def test_behind_dropout_a_wrong_operator_is_found_and_a_hybridised_dropout_is_not_drawn_again():
    layers = nn.Dense(8), nn.SELU(), nn.Dropout(0.5), nn.Dense(3)
    (finding,), _ = trained(network(*layers, hybrid=True))
    assert "LeakyReLU" in finding.message
    layers = nn.Dense(8), nn.SELU(), nn.Dropout(0.5), nn.Dense(3)
    findings, judged = trained(network(*layers, hybrid=True), hybrid=True)
    assert not findings and judged[0].left == "Dropout draws random numbers"


def test_a_sum_that_was_wrong_when_the_time_was_over_is_said_without_its_operator(monkeypatch):
    def culprit(*_):
        raise OutOfTime

    monkeypatch.setattr(derivative, "_culprit", culprit)
    net = network(nn.Dense(8), nn.Dense(3))
    net.collect_params(".*weight").setattr("grad_req", "null")
    (finding, *_), _ = trained(net)
    assert "the time was over before the operator was found" in finding.message
    assert "a larger --check-gradients may find it" in finding.message


def test_a_hand_written_backward_that_is_wrong_is_a_warning():
    (finding,), _ = trained(network(nn.Dense(8), Apply(Wrong), nn.Dense(3)))
    assert "the backward pass of Wrong, written by hand" in finding.message
    assert finding.severity.value == "warning"


class Noisy(mx.autograd.Function):
    def forward(self, x):
        return x + mx.nd.random.normal(shape=x.shape)

    def backward(self, dy):
        return dy


class Noise(mx.gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        return x * F.random.uniform(0.5, 1.5, shape=(8, 8))


# What was dropped, and what was drawn for no input, is taken from the program's own numbers.
@pytest.mark.parametrize(
    ("layer", "judged"), [(lambda: nn.Dropout(0.5), True), (Noise, True), (lambda: Apply(Noisy), False)]
)
def test_random_numbers_are_not_drawn_again(layer, judged):
    numbers = {}
    for checked in (False, True):
        mx.random.seed(7)
        net = network(nn.Dense(8, in_units=6), layer(), nn.Dense(3, in_units=8))
        if checked:
            findings, passes = trained(net)
            assert not findings
            assert all(bool(each.parameters) == judged for each in passes), passes
        else:
            trained_without(net)
        numbers[checked] = net[0].weight.data().asnumpy()
    assert np.array_equal(numbers[False], numbers[True])


def trained_without(net):
    mx.random.seed(1)
    data, label = mx.nd.random.normal(shape=(2, 8, 6)), mx.nd.arange(8) % 3
    net(data[0])
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    for batch in data:
        with mx.autograd.record():
            loss = loss_of(net(batch), label)
        loss.backward()
        trainer.step(8)


@pytest.mark.filterwarnings("error")  # which a program would print
@pytest.mark.parametrize(
    ("operator", "culprit"),
    [
        (mx.nd.broadcast_power, "broadcast_power"),  # by its exponent: 0 * log(0) at a base of 0
        (lambda x, w: mx.nd.where(x > 0, mx.nd.log(x * w), mx.nd.zeros_like(x)), None),  # the program's 0 / 0
        (lambda x, w: mx.nd.norm(x * (w - 2)), None),  # no derivative at 0
    ],
)
def test_a_gradient_that_is_not_finite_where_the_loss_is_smooth(operator, culprit):
    x, weight = mx.nd.array([[0.0, 1.0, 3.0]]), mx.nd.array([[2.0, 2.0, 2.0]])
    with audit() as watch:
        weight.attach_grad()
        for _ in range(2):
            with mx.autograd.record():
                loss = operator(x, weight).sum()
            loss.backward()
            weight -= 0.001 * weight.grad
    messages = [finding.message for finding in watch.findings if finding.rule == "loss-derivative"]
    assert "non-finite" in {finding.rule for finding in watch.findings}
    assert [f"MXNet computes the backward pass of {culprit} wrong" in each for each in messages] == [True] * (
        culprit is not None
    ), messages


def test_a_constant_that_is_made_in_float32_leaves_the_replay_its_digits():
    x, weight = mx.nd.array([[1.0, 2.0]]), mx.nd.array([[0.5, -1.0]])
    with audit() as watch:
        weight.attach_grad()
        for _ in range(2):
            with mx.autograd.record():
                # In float32 the step of a difference quotient is lost beside the 1,000.
                scores = mx.nd.dot(x, weight.T) + 1000
                loss = (scores * mx.nd.one_hot(mx.nd.zeros(1), 1) - 1000).square()
            loss.backward()
            weight -= 0.001 * weight.grad
    assert watch.summary().gradients.passes == 2
    assert not [finding for finding in watch.findings if finding.rule == "loss-derivative"]


def test_where_a_loss_is_saturated_its_gradient_is_rounding():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
    module.bind([("data", (8, 4))], [("softmax_label", (8,))])
    weights = {"fc_weight": mx.nd.array([[0.3, -0.2, 0.1, 0.4], [0.1] * 4]), "fc_bias": mx.nd.array([18, 0])}
    module.init_params(arg_params=weights)
    module.init_optimizer()
    random = np.random.RandomState(1)
    with audit() as watch:
        for _ in range(3):
            batch = mx.io.DataBatch([mx.nd.array(random.normal(size=(8, 4)))], [mx.nd.zeros(8)])
            module.forward_backward(batch)
            module.update()
    assert watch.summary().gradients.passes == 2
    assert not [finding for finding in watch.findings if finding.rule == "loss-derivative"]
