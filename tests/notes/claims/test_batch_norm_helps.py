"""Batch norm against its formula and its defaults; the verdict follows its criterion."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import batch_norm_helps as batch_norm
from mx_notes.notes.claims.batch_norm_helps import GAMMA, TOLERANCE, verdict
from mx_notes.notes.lab.intervals import interval

EXACT = {"mean": 1e-7, "variance": 1e-6, "output": 1e-6}
FASTER, SAME = interval([30, 35, 28]), interval([5, -6, 2])


@pytest.fixture(scope="module")
def evidence():
    return batch_norm.measure(Setting(quick=True))


@pytest.mark.slow
def test_mxnet_follows_the_formula(evidence):
    assert max(evidence.numbers["largest_error"].values()) <= TOLERANCE


@pytest.mark.slow
def test_running_averages_follow_the_recursion(evidence):
    errors = evidence.numbers["running_average_relative_error"]
    # MXNet adds up 60 steps in float32: some 1e-7 each.
    assert errors["mean"] < 1e-5
    assert errors["variance"] < 1e-5
    # 4,096 values a channel: dividing by one less would be off by 1/4096, which is far above the rounding.
    assert errors["variance, if divided by one less"] > 1e-4


@pytest.mark.slow
def test_no_read_is_stale_after_waitall(evidence):
    stale = evidence.numbers["stale_reads"]
    waited = [counts for way, counts in stale.items() if "waitall" in way]
    assert [counts["stale"] for counts in waited] == [0, 0]
    assert all(counts["of"] == 4 * 42 for counts in stale.values())  # 4 steps, 42 arrays of ResNet-20


@pytest.mark.slow
def test_a_symbols_default_fixes_gamma(evidence):
    gluon, symbol = evidence.numbers["defaults"]["Gluon"], evidence.numbers["defaults"]["Symbol"]
    assert gluon["gamma after"] == GAMMA
    assert gluon["gradient of gamma, norm"] > 0
    assert symbol["gamma after"] == 1
    assert symbol["gradient of gamma, norm"] == 0
    # Read off outputs in float32 of a pixel with a small variance: good for two digits.
    assert gluon["epsilon"] == pytest.approx(1e-5, rel=0.05)
    assert symbol["epsilon"] == pytest.approx(1e-3, rel=0.05)


def test_formula_on_a_batch_worked_by_hand():
    x = np.array([1.0, 3.0]).reshape(2, 1, 1, 1)  # mean 2, variance 1
    y = batch_norm.batch_norm(x, np.array([4.0]), np.array([10.0]), epsilon=3.0)
    assert y.ravel().tolist() == [8.0, 12.0]  # 4 × (∓1 / √(1 + 3)) + 10


def test_planted_effects_decide_the_verdict():
    assert verdict(EXACT, FASTER, 0.2, gamma_kept=True)[0] is Verdict.CORRECTED
    assert verdict(EXACT, FASTER, 0.0, gamma_kept=False)[0] is Verdict.CORRECTED
    assert verdict(EXACT, FASTER, 0.0, gamma_kept=True)[0] is Verdict.CONFIRMED
    assert verdict(EXACT, SAME, 0.2, gamma_kept=False)[0] is Verdict.INCONCLUSIVE
    assert verdict(EXACT, interval([-30, -33, -28]), 0.2, gamma_kept=False)[0] is Verdict.REFUTED
    assert verdict(EXACT | {"variance": 0.1}, FASTER, 0.2, gamma_kept=False)[0] is Verdict.REFUTED
