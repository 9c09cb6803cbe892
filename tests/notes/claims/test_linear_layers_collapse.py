"""The note's first claim: folding is exact, and the verdict follows its criterion."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import linear_layers_collapse as linear_collapse
from mx_notes.notes.claims.linear_layers_collapse import TOLERANCE, collapse, verdict
from mx_notes.notes.lab.intervals import interval

SAME = interval([0.001, -0.002, 0.003, 0.0, -0.001])
BETTER = interval([0.012, 0.015, 0.009, 0.011, 0.013])
NOISE = interval([0.03, -0.03, 0.02, -0.02, 0.0])


@pytest.fixture(scope="module")
def evidence():
    return linear_collapse.measure(Setting(quick=True))


def test_collapse_is_the_layers_one_after_the_other():
    rng = np.random.default_rng(1)
    layers = [(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in ((7, 5), (5, 6), (6, 3))]
    x = rng.normal(size=(20, 7))
    deep = x
    for weight, bias in layers:
        deep = deep @ weight.T + bias
    weight, bias = collapse(layers)
    assert weight.shape == (3, 7)
    # Three sums of at most 7 products in float64: rounding stays within a few hundred units of 1e-16.
    np.testing.assert_allclose(x @ weight.T + bias, deep, rtol=1e-12, atol=1e-13)


def test_the_trained_network_equals_one_matrix(evidence):
    assert 0 <= evidence.numbers["relative_difference"] <= TOLERANCE


def test_every_network_is_trained_on_every_seed(evidence):
    accuracies = evidence.numbers["test_accuracy"]
    assert [len(values) for values in accuracies.values()] == [5, 5, 5]
    # A tenth is guessing; anything that learns digits at all is far above half.
    assert all(min(values) > 0.8 for values in accuracies.values())
    assert "5 seeds" in evidence.sample


def test_planted_effects_decide_the_verdict():
    assert verdict(1e-15, SAME, BETTER)[0] is Verdict.CONFIRMED
    assert verdict(1e-15, SAME, NOISE)[0] is Verdict.INCONCLUSIVE  # ReLU without an effect
    assert verdict(1e-15, NOISE, BETTER)[0] is Verdict.INCONCLUSIVE  # too noisy to call equal
    assert verdict(1e-9, SAME, BETTER)[0] is Verdict.REFUTED  # the matrices are not the network
    assert verdict(1e-15, interval([0.05, 0.06, 0.055]), BETTER)[0] is Verdict.REFUTED
    assert verdict(1e-15, SAME, interval([-0.012, -0.015, -0.011]))[0] is Verdict.REFUTED
