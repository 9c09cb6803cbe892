"""Gradients by layer: against autograd's own and against theory; the verdict follows its criterion."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import sigmoid_vanishes as vanishing_gradient
from mx_notes.notes.claims.sigmoid_vanishes import AGREEMENT, STARTS, gradient_norms, verdict
from mx_notes.notes.lab import small_networks, splits
from mx_notes.notes.lab.intervals import interval
from mx_notes.runtime import mx
from mx_notes.training import seed_everything

FIRST = {
    "sigmoid, He": 1e-14,
    "tanh, He": 3.0,
    "ReLU, He": 1.0,
    "ReLU, normal 0.01": 1e-30,
    "ReLU, Gluon's default": 1e-18,
}
BETTER, SAME, WORSE = interval([0.7, 0.8, 0.75]), interval([0.1, -0.1, 0.02]), interval([-0.3, -0.31, -0.32])


@pytest.fixture(scope="module")
def evidence():
    return vanishing_gradient.measure(Setting(quick=True))


def test_norms_are_those_of_autograd():
    seed_everything(3)
    split = splits.digits(3)
    image, label = split.train_images[:1], split.train_labels[:1]
    net = small_networks.perceptron(16, 12, activation=None)
    net.initialize(mx.init.Xavier())
    net.cast("float64")
    weights, sums = gradient_norms(net, "sigmoid", image, label)
    x = mx.nd.array(image.reshape(1, -1), dtype="float64")
    with mx.autograd.record():
        scores = net[2](mx.nd.sigmoid(net[1](mx.nd.sigmoid(net[0](x)))))
        loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(scores, mx.nd.array(label))
    loss.backward()
    # The same float64 products in another order; of a single image, the bias has the gradient of the sums.
    for index, layer in enumerate(net):
        assert weights[index] == pytest.approx(np.linalg.norm(layer.weight.grad().asnumpy()), rel=1e-10)
        assert sums[index] == pytest.approx(np.linalg.norm(layer.bias.grad().asnumpy()), rel=1e-10)


def test_each_start_has_the_variance_it_says():
    for start in STARTS.values():
        seed_everything(1)
        weight = mx.gluon.Parameter("dense_weight", shape=(2000, 50))
        weight.initialize(start.initializer())
        # 100,000 draws: the variance is off by about 0.5%, five times less than the tolerance.
        assert 50 * weight.data().asnumpy().var() == pytest.approx(start.gain(50), rel=0.025)


@pytest.mark.slow
def test_measured_factors_are_those_of_theory(evidence):
    for name, factor in evidence.numbers["factor_per_layer"].items():
        # Theory is for infinite width: at 64 a draw of 30 layers strays by some 3% a layer.
        assert factor["measured"].mean == pytest.approx(factor["theory"], rel=AGREEMENT), name


@pytest.mark.slow
def test_the_derivative_bounds_sigmoids_factor(evidence):
    # n Var[w] E[f'^2] <= 2 / 16 from He's start, and the factor is its root; 3% for the finite width.
    assert evidence.numbers["factor_per_layer"]["sigmoid, He"]["measured"].mean < 1.03 * 8**-0.5


def test_planted_effects_decide_the_verdict():
    assert verdict(FIRST, 0.01, BETTER)[0] is Verdict.CORRECTED
    good_starts = FIRST | {"ReLU, normal 0.01": 0.5, "ReLU, Gluon's default": 0.1}
    assert verdict(good_starts, 0.01, BETTER)[0] is Verdict.CONFIRMED
    assert verdict(FIRST, 0.01, SAME)[0] is Verdict.INCONCLUSIVE
    assert verdict(FIRST, 0.5, BETTER)[0] is Verdict.INCONCLUSIVE  # theory does not explain it
    assert verdict(FIRST | {"sigmoid, He": 0.2}, 0.01, BETTER)[0] is Verdict.REFUTED
    assert verdict(FIRST, 0.01, WORSE)[0] is Verdict.REFUTED
